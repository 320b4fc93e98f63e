import {
  type Civil,
  type DateTime,
  fullYear,
  impossible,
  offsetOf,
  secondsOf,
  TICKS_PER_SECOND,
  weekdayOf,
} from "./calendar.ts";
import { DAYS, MONTHS } from "./names.ts";
import { DEFAULT_STYLES } from "./styles.ts";
import { zoned } from "./zone.ts";

/** What a person is told who gives a text that {@link readDate} does not read. */
export const READABLE =
  "2020-03-16, 2020-03-16-07:00, 2020-03-16T07:00:00Z, 3/16/2020 7:00:00 AM, 16 March 2020 and Mon, 16 Mar 2020 07:00:00 GMT";

const MAX_LENGTH = 64;
const YEAR = String.raw`(?<year>\d{4}|\d{2})`;
const MONTH = `(?<name>${alternatives(MONTHS)})`;
const WEEKDAY = `(?:(?<weekday>${alternatives(DAYS)}),?\\s+)?`;
const CLOCK = String.raw`(?<hour>\d{1,2})(?::(?<minute>\d{2})(?::(?<second>\d{2})(?:\.(?<fraction>\d{1,9}))?)?)?`;
const TIME = String.raw`(?:(?:\s*T\s*|,?\s+)${CLOCK}\s*(?:(?<mark>[AP])M?)?)?`;
const ZONE = String.raw`\s*(?:(?<utc>Z|GMT|UTC)|(?<sign>[+-])(?<hours>\d{1,2})(?::?(?<minutes>\d{2}))?)?`;

/** The form that nearly all have, by place and not by name: it is read much faster. */
const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?)?(?:(Z)|([+-])(\d\d):(\d\d))?$/;

const SHAPES: readonly RegExp[] = [
  String.raw`(?<year>\d{4})(?<between>[-/.])(?<month>\d{1,2})\k<between>(?<day>\d{1,2})`,
  String.raw`(?<month>\d{1,2})(?<between>[-/.])(?<day>\d{1,2})\k<between>${YEAR}`,
  String.raw`(?<day>\d{1,2})(?:\s+|-)${MONTH}(?:,?\s+|-)${YEAR}`,
  String.raw`${MONTH}\s+(?<day>\d{1,2})(?:\s*,\s*|\s+)${YEAR}`,
].map((date) => new RegExp(`^${WEEKDAY}${date}${TIME}${ZONE}$`, "i"));

/**
 * Reads a date of any usual form, as DateTime.Parse does in the invariant culture, where the month comes before the day
 * and a clock without an offset is the service's, which is UTC. The answer is in UTC; a text says what is wrong. What
 * .NET would complete by the present date, a text without year or day, is not read.
 */
export function readDate(text: string): DateTime | string {
  const source = text.trim();
  if (source.length > MAX_LENGTH) return `it has more than ${MAX_LENGTH} characters`;
  const iso = ISO.exec(source);
  if (iso !== null) {
    const [, year, month, day, hour, minute, second, fraction, , sign, hours, minutes] = iso;
    return dateOf({ year, month, day, hour, minute, second, fraction, sign, hours, minutes });
  }
  for (const shape of SHAPES) {
    const groups = shape.exec(source)?.groups;
    if (groups !== undefined) return dateOf(groups);
  }
  return "it has no form that a date has";
}

/** The parts of a date as texts. */
interface Groups {
  readonly weekday?: string | undefined;
  readonly year?: string | undefined;
  /** The month's name, or its number in `month`. */
  readonly name?: string | undefined;
  readonly month?: string | undefined;
  readonly day?: string | undefined;
  readonly hour?: string | undefined;
  readonly minute?: string | undefined;
  readonly second?: string | undefined;
  readonly fraction?: string | undefined;
  readonly mark?: string | undefined;
  /** Of the offset from UTC. */
  readonly sign?: string | undefined;
  readonly hours?: string | undefined;
  readonly minutes?: string | undefined;
}

function dateOf(groups: Groups): DateTime | string {
  const hour = hourOf(groups);
  if (hour === null) return "its hour does not fit";
  const year = Number(groups.year);
  const civil: Civil = {
    year: groups.year?.length === 2 ? fullYear(year) : year,
    month: groups.name === undefined ? Number(groups.month) : indexOf(MONTHS, groups.name) + 1,
    day: Number(groups.day),
    hour,
    minute: Number(groups.minute ?? 0),
    second: Number(groups.second ?? 0),
  };
  const flaw = impossible(civil);
  if (flaw !== null) return flaw;
  const clock = secondsOf(civil);
  const weekday = groups.weekday;
  if (weekday !== undefined && indexOf(DAYS, weekday) !== weekdayOf(clock))
    return `the day is a ${DAYS[weekdayOf(clock)]}`;
  const offset = offsetGiven(groups);
  if (offset === null) return "its offset from UTC is more than 14 hours";
  const ticks = groups.fraction === undefined ? 0 : Math.round(Number(`0.${groups.fraction}`) * TICKS_PER_SECOND);
  const carry = ticks === TICKS_PER_SECOND ? 1 : 0;
  return zoned(clock + carry, carry === 1 ? 0 : ticks, { offset, universal: true }, DEFAULT_STYLES);
}

/** `null` where there is no such hour: a bare one, or one that AM or PM contradicts. */
function hourOf({ hour, minute, mark }: Groups): number | null {
  if (hour === undefined) return 0;
  if (mark === undefined) return minute === undefined ? null : Number(hour);
  if (Number(hour) > 12) return null;
  return (Number(hour) % 12) + (mark.toUpperCase() === "P" ? 12 : 0);
}

function offsetGiven({ sign, hours, minutes }: Groups): number | null {
  return sign === undefined ? 0 : offsetOf(sign, Number(hours), Number(minutes ?? 0));
}

function indexOf(names: readonly string[], name: string): number {
  return names.findIndex((full) => full.slice(0, 3).toUpperCase() === name.slice(0, 3).toUpperCase());
}

function alternatives(names: readonly string[]): string {
  return names.map((name) => `${name}|${name.slice(0, 3)}`).join("|");
}
