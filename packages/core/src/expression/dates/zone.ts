import { type DateTime, FIRST_SECOND, isWithinYears, OUTSIDE_YEARS, SECONDS_PER_DAY } from "./calendar.ts";
import type { Styles } from "./styles.ts";

/**
 * Turns a clock that was read into the service's time, as DateTime.ParseExact does: a clock with an offset becomes local
 * time, which is UTC here, or UTC where `Z` or a style says so; a clock without one stays as it is unless a style says
 * whose it is. A text says that the result lies outside the years.
 * @param offset - seconds east of UTC, `null` where none was given
 */
export function zoned(
  clock: number,
  ticks: number,
  { offset, universal }: { readonly offset: number | null; readonly universal: boolean },
  styles: Styles,
): DateTime | string {
  const kind = styles.adjustToUniversal || (styles.roundtripKind && universal) ? "utc" : "local";
  if (offset === null) {
    if (styles.assumeLocal || styles.assumeUniversal) return { seconds: clock, ticks, kind };
    return { seconds: clock, ticks, kind: "unspecified" };
  }
  // On the first day of all, a time of day before midnight is one of the same day.
  const early = clock < FIRST_SECOND + SECONDS_PER_DAY && clock - offset < FIRST_SECOND;
  const seconds = clock - offset + (early ? SECONDS_PER_DAY : 0);
  return isWithinYears(seconds) ? { seconds, ticks, kind } : OUTSIDE_YEARS;
}
