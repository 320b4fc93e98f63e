import { addMonths, civilOf, isWithinYears, SECONDS_PER_DAY } from "./calendar.ts";

/** The intervals that DateAdd and DateDiff know, by their codes ("Reference for writing expressions …", DateAdd). */
export const INTERVALS: readonly string[] = ["yyyy", "m", "d", "ww", "h", "n", "s"];
export type Interval = "yyyy" | "m" | "d" | "ww" | "h" | "n" | "s";

const SECONDS: Readonly<Record<Exclude<Interval, "yyyy" | "m">, number>> = {
  ww: 7 * SECONDS_PER_DAY,
  d: SECONDS_PER_DAY,
  h: 3600,
  n: 60,
  s: 1,
};
/** From 1970-01-01, a Thursday, back to the Sunday before it. */
const THURSDAY = 4 * SECONDS_PER_DAY;

export function isInterval(text: string): text is Interval {
  return INTERVALS.includes(text);
}

/**
 * Milliseconds UTC; `null` beyond the years 0001 to 9999. A count that is not whole is rounded to the nearest whole one,
 * the even one of two; a month that lacks the day gives its last ("DateAdd", [MS-VBAL] VBA Language Specification).
 */
export function addInterval(ms: number, interval: Interval, value: number): number | null {
  const count = roundToEven(value);
  // Ten thousand years in seconds: beyond, nothing is left to calculate.
  if (Math.abs(count) > 320_000_000_000) return null;
  const seconds = Math.floor(ms / 1000);
  const moved = movedBy(seconds, interval, count);
  return isWithinYears(moved) ? moved * 1000 + (ms - seconds * 1000) : null;
}

/**
 * How often the interval begins anew between two moments (milliseconds UTC), negative where the second is the earlier:
 * years, months, midnights, Sundays, hours, minutes or seconds ("DateDiff", [MS-VBAL] VBA Language Specification).
 */
export function intervalsBetween(from: number, to: number, interval: Interval): number {
  return indexOf(Math.floor(to / 1000), interval) - indexOf(Math.floor(from / 1000), interval);
}

function movedBy(seconds: number, interval: Interval, count: number): number {
  if (interval !== "yyyy" && interval !== "m") return seconds + count * SECONDS[interval];
  const months = interval === "yyyy" ? count * 12 : count;
  return Math.abs(months) > 120_000 ? Number.POSITIVE_INFINITY : addMonths(seconds, months);
}

function indexOf(seconds: number, interval: Interval): number {
  if (interval === "yyyy") return civilOf(seconds).year;
  if (interval === "m") {
    const { year, month } = civilOf(seconds);
    return year * 12 + month;
  }
  return Math.floor((interval === "ww" ? seconds + THURSDAY : seconds) / SECONDS[interval]);
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
