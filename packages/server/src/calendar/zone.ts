/** A date and a time of the day as the clocks of some place show them; `minutes` since midnight, up to 1,440. */
export interface WallTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly minutes: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Whether the system knows a time zone of this name, as the IANA time zone database has it. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** What the clocks of a place show at a moment, to the minute. */
export function wallTime(at: number, timezone: string): WallTime {
  const parts = formatterOf(timezone).formatToParts(at);
  const of = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.find((part) => part.type === type)?.value);
  return { year: of("year"), month: of("month"), day: of("day"), minutes: of("hour") * 60 + of("minute") };
}

/**
 * The moments at which the clocks of a place show a time: the first and the last one where they show it twice, for they
 * are set back; the moment that is as long after the gap's beginning where they never show it, for they are set forward.
 */
export function momentsOf(wall: WallTime, timezone: string): { readonly first: number; readonly last: number } {
  const asUtc = utcOf(wall);
  const before = asUtc - offsetAt(asUtc - DAY_MS, timezone);
  const after = asUtc - offsetAt(asUtc + DAY_MS, timezone);
  const shown = [before, after].filter((at) => at + offsetAt(at, timezone) === asUtc);
  if (shown.length === 0) return { first: before, last: before };
  return { first: Math.min(...shown), last: Math.max(...shown) };
}

/** The day so many days after another, as a time at its midnight. */
export function dayAfter({ year, month, day }: WallTime, days: number): WallTime {
  const date = new Date(Date.UTC(year, month - 1, day + days));
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), minutes: 0 };
}

/** 0 for Monday to 6 for Sunday. */
export function weekdayOf({ year, month, day }: WallTime): number {
  return (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
}

/** How far the clocks of a place are ahead of UTC, in milliseconds, to the minute. */
function offsetAt(at: number, timezone: string): number {
  return utcOf(wallTime(at, timezone)) - Math.floor(at / MINUTE_MS) * MINUTE_MS;
}

function utcOf({ year, month, day, minutes }: WallTime): number {
  return Date.UTC(year, month - 1, day) + minutes * MINUTE_MS;
}

function formatterOf(timezone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-US-u-ca-iso8601-nu-latn", {
    timeZone: timezone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  });
}
