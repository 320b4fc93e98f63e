import { daysIn } from "../expression/dates/calendar.ts";
import { patternOf } from "../expression/functions/pattern.ts";
import { MAX_SEARCH } from "../expression/limits.ts";
import type { ScopeOperator } from "../model/sync.ts";
import { plain } from "../model/wording.ts";
import { isMovingDay, movingDay } from "./day.ts";
import type { Single } from "./reader.ts";

/** The operators that compare: the others ask whether there is a value at all. */
export type Comparison = Exclude<ScopeOperator, "IS NULL" | "IS NOT NULL">;

/** A comparison with one value that is not empty, and how it is said. */
export interface Test {
  /** Of an operator that negates, what it negates. */
  readonly fits: (value: Single) => boolean;
  /** The operator wants no value that fits. */
  readonly negates: boolean;
  /** Of a value that fits: `is Sales`. */
  readonly said: string;
  /** Of a value that the clause wants: `is not Sales` where the operator negates. */
  readonly wanted: string;
  /** Why a value fails: `not Sales`. */
  readonly unwanted: string;
}

const WHOLE = /^-?\d{1,100}$/;
const DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/;

/** What is wrong with an operator's value, as its own sentence; `null`: nothing. */
export function valueFlaw(operator: ScopeOperator, value: unknown): string | null {
  const given = value !== undefined && value !== "";
  if (operator.startsWith("IS ")) return given ? `${operator} takes no value` : null;
  if (!given) return `${operator} needs a value; IS NULL and IS NOT NULL ask whether an attribute is empty`;
  if (typeof value !== "string") return `the value of ${operator} must be text`;
  if (operator.startsWith("Greater_Than")) return limitFlaw(operator, value);
  if ((operator === "&" || operator === "!&") && /^-?0+$/.test(value))
    return `0 has no bit that ${operator} could test`;
  return null;
}

function limitFlaw(operator: ScopeOperator, value: string): string | null {
  if (/^\d{1,100}$/.test(value) || timeOf(value) !== null || isMovingDay(value)) return null;
  const either = `${operator} needs a whole number (0, 1, 2, …) or a date (2026-01-31, 2026-01-31T08:00:00Z, today, today-30), not "${plain(value)}"`;
  if (!/^(?:now|today|-?P?\d+[dwmy]$)/i.test(value)) return either;
  return `${either}: a moment that moves would let records in and out with no change to tell it by, unless it moves by whole days (UTC) and is written as today, today+7 or today-30`;
}

/**
 * Compiles a comparison. The value must have no flaw; `now` (milliseconds) is what it counts days from, where it does.
 * @throws Error when a pattern cannot be used: the rest of a sentence on it
 */
export function testOf(operator: Comparison, wanted: string, now?: number): Test {
  const shown = plain(wanted);
  switch (operator) {
    case "EQUALS":
      return one(equalTo(wanted), `is ${shown}`, `not ${shown}`);
    case "NOT EQUALS":
      return none(equalTo(wanted), `is ${shown}`, { wanted: `is not ${shown}`, unwanted: "which is excluded" });
    case "IS TRUE":
      return one((value) => value === true, "is true", "not true");
    case "IS FALSE":
      return one((value) => value === false, "is false", "not false");
    case "REGEX MATCH":
      return one(matching(wanted, false), `matches ${shown}`, `which does not match ${shown}`);
    case "NOT REGEX MATCH": {
      const words = { wanted: `does not match ${shown}`, unwanted: `which matches ${shown}` };
      return none(matching(wanted, true), `matches ${shown}`, words);
    }
    case "Greater_Than":
      return greater(wanted, false, now);
    case "Greater_Than_OR_EQUALS":
      return greater(wanted, true, now);
    case "Includes":
      return one((value) => String(value).includes(wanted), `includes ${shown}`, `which does not include ${shown}`);
    case "ENDS_WITH":
      return one((value) => String(value).endsWith(wanted), `ends with ${shown}`, `which does not end with ${shown}`);
    case "&": {
      const { said, not } = amongWords(wanted);
      return one(among(wanted), said, `which ${not}`);
    }
    case "!&": {
      const { said, not } = amongWords(wanted);
      return none(among(wanted), said, { wanted: not, unwanted: `which ${said}` });
    }
  }
}

function one(fits: Test["fits"], said: string, unwanted: string): Test {
  return { fits, negates: false, said, wanted: said, unwanted };
}

function none(fits: Test["fits"], said: string, words: Pick<Test, "wanted" | "unwanted">): Test {
  return { fits, negates: true, said, ...words };
}

/** A boolean equals its name in either spelling: `true`, as JSON has it, and `True`, as .NET does. */
function equalTo(wanted: string): Test["fits"] {
  const lower = wanted.toLowerCase();
  return (value) => (typeof value === "boolean" ? String(value) === lower : String(value) === wanted);
}

/** Written out or escaped. */
const BEYOND_ASCII = /[^\p{ASCII}]|\\u(?!00[0-7])/u;
const BOUNDARIES =
  "asks for word boundaries (\\b), which RE2 finds among ASCII letters alone; name what parts words, as in (?:^|\\W)";

/** `tooLong` is said of a text that is too long to be searched in a bounded time. @throws Error that ends a sentence on the pattern */
function matching(wanted: string, tooLong: boolean): Test["fits"] {
  const { translation, regex } = patternOf(wanted);
  const { size, boundaries } = translation;
  if (boundaries && BEYOND_ASCII.test(wanted)) throw new Error(BOUNDARIES);
  const longest = MAX_SEARCH / Math.max(1, size);
  return (value) => {
    const text = String(value);
    return text.length > longest ? tooLong : regex.test(text);
  };
}

/** Whole numbers of any length, for employee ids are texts and may have more digits than a number holds exactly; or dates. */
function greater(wanted: string, orEqual: boolean, now: number | undefined): Test {
  if (isMovingDay(wanted)) {
    if (now === undefined) return later(wanted, null, orEqual);
    const time = movingDay(wanted, now);
    return later(`${wanted} (${new Date(time).toISOString().slice(0, 10)})`, time, orEqual);
  }
  const shown = plain(wanted);
  const time = timeOf(wanted);
  if (time !== null) return later(shown, time, orEqual);
  const words = orEqual ? `${shown} or greater` : `greater than ${shown}`;
  const limit = BigInt(wanted);
  const fits: Test["fits"] = (value) => {
    const text = String(value);
    if (!WHOLE.test(text)) return false;
    const number = BigInt(text);
    return number > limit || (orEqual && number === limit);
  };
  return one(fits, `is ${words}`, `not a whole number ${words}`);
}

/** `time` is `null` where nobody told from which day it counts: such a scope can be checked, and not be asked. */
function later(shown: string, time: number | null, orEqual: boolean): Test {
  const words = orEqual ? `${shown} or later` : `later than ${shown}`;
  const fits: Test["fits"] = (value) => {
    if (time === null) throw new Error("nobody told from which day a clause of the scope counts");
    const of = typeof value === "string" ? timeOf(value) : null;
    return of !== null && (of > time || (orEqual && of === time));
  };
  return one(fits, `is ${words}`, `not a date ${words}`);
}

/** A date or date and time of ISO 8601 in milliseconds UTC, which is its zone where it names none; `null` for any other text. */
function timeOf(text: string): number | null {
  if (!DATE.test(text)) return null;
  const [year, month, day] = [Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8, 10))];
  // A day that its month does not have is read as one of the next month, and not as a date here.
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null;
  const time = Date.parse(text.length === 10 || ZONE.test(text) ? text : `${text}Z`);
  return Number.isNaN(time) ? null : time;
}

const ZONE = /(?:Z|[+-]\d\d:\d\d)$/;

/**
 * "True if the evaluated attribute exists in the input string value": the attribute's text stands somewhere in the value. Of two
 * whole numbers, every bit of the value is set in the attribute, as in Active Directory's own bitwise AND (`userAccountControl`).
 */
function among(wanted: string): Test["fits"] {
  const bits = WHOLE.test(wanted) ? BigInt(wanted) : null;
  return (value) => {
    const text = String(value);
    return bits !== null && WHOLE.test(text) ? (BigInt(text) & bits) === bits : wanted.includes(text);
  };
}

function amongWords(wanted: string): { readonly said: string; readonly not: string } {
  const shown = plain(wanted);
  if (WHOLE.test(wanted)) return { said: `has every bit of ${shown}`, not: `does not have every bit of ${shown}` };
  return { said: `stands in ${shown}`, not: `does not stand in ${shown}` };
}
