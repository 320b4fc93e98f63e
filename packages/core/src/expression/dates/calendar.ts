export const SECONDS_PER_DAY = 86_400;
export const TICKS_PER_SECOND = 10_000_000;

/** 0001-01-01T00:00:00, and the last second of the year 9999: what .NET's DateTime holds. */
export const FIRST_SECOND = -62_135_596_800;
const LAST_SECOND = 253_402_300_799;

export const OUTSIDE_YEARS = "it lies outside the years 0001 to 9999";

/** A date and a time of day, as .NET's DateTime holds them, to 100 ns. */
export interface DateTime {
  /** Whole seconds of its own clock since 1970-01-01T00:00:00. */
  readonly seconds: number;
  /** 100 ns each, within the second: 0 to 9,999,999. */
  readonly ticks: number;
  /** Whose clock: DateTimeKind. Local time is that of the provisioning service, which is UTC. */
  readonly kind: "utc" | "local" | "unspecified";
}

/** A month and a day count from 1. */
export interface Civil {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

export function civilOf(seconds: number): Civil {
  const date = new Date(seconds * 1000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

/** Of a {@link Civil} without {@link impossible} parts. */
export function secondsOf({ year, month, day, hour, minute, second }: Civil): number {
  // Date.UTC takes the years 0 to 99 for those of the twentieth century.
  if (year >= 100) return Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return date.getTime() / 1000;
}

/** What in the date and time does not exist, as the end of a sentence; else `null`. */
export function impossible({ year, month, day, hour, minute, second }: Civil): string | null {
  if (year < 1 || year > 9999) return OUTSIDE_YEARS;
  if (month < 1 || month > 12) return `there is no month ${month}`;
  if (day < 1 || day > daysIn(year, month))
    return `month ${month} of ${String(year).padStart(4, "0")} has no day ${day}`;
  if (hour > 23) return `there is no hour ${hour}`;
  if (minute > 59) return `there is no minute ${minute}`;
  return second > 59 ? `there is no second ${second}` : null;
}

export function isWithinYears(seconds: number): boolean {
  return seconds >= FIRST_SECOND && seconds <= LAST_SECOND;
}

/** 0 for Sunday. 1970-01-01 was a Thursday. */
export function weekdayOf(seconds: number): number {
  return (((Math.floor(seconds / SECONDS_PER_DAY) + 4) % 7) + 7) % 7;
}

/** The same day and time that many months later, or the month's last day where it has no such day; may leave the years. */
export function addMonths(seconds: number, months: number): number {
  const civil = civilOf(seconds);
  const count = civil.year * 12 + civil.month - 1 + months;
  const year = Math.floor(count / 12);
  const month = count - year * 12 + 1;
  return secondsOf({ ...civil, year, month, day: Math.min(civil.day, daysIn(year, month)) });
}

/** A two-digit year lies in 1950 to 2049 ("TwoDigitYearMax default is 2049", .NET 8 and later). */
export function fullYear(twoDigits: number): number {
  return twoDigits < 50 ? 2000 + twoDigits : 1900 + twoDigits;
}

/** Seconds east of UTC; `null` beyond 14 hours, where no clock goes and .NET reads none. */
export function offsetOf(sign: string, hours: number, minutes: number): number | null {
  const size = hours * 3600 + minutes * 60;
  if (minutes > 59 || size > 14 * 3600) return null;
  return sign === "-" ? -size : size;
}

export function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
