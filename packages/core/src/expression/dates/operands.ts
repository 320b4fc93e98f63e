import { isEmptyOperand, isList } from "../coerce.ts";
import type { Argument } from "../function.ts";
import { anyIn, atBinding, failed, type Reader } from "../functions/readers.ts";
import { Moment, type Operand } from "../operand.ts";
import type { DateTime } from "./calendar.ts";
import { READABLE, readDate } from "./read.ts";

/** An argument with the names that a fault gives. */
export interface Place {
  readonly of: string;
  readonly parameter: string;
  readonly argument: Argument | undefined;
}

/** A date or the text of one, in UTC; `null` for NULL, the empty text and an argument that was left out. */
export function dateIn(place: Place): Reader<DateTime | null> {
  const constant = place.argument?.constant;
  if (constant !== undefined) {
    const date = atBinding(() => toDate(constant, place));
    return () => date;
  }
  const evaluate = anyIn(place.argument);
  return (context) => toDate(evaluate(context), place);
}

export function millisecondsOf({ seconds, ticks }: DateTime): number {
  return seconds * 1000 + Math.floor(ticks / 10_000);
}

/** The only value of a list of one, else what was given. */
export function singleIn(operand: Operand, place: Place): Operand {
  if (!isList(operand)) return operand;
  if (operand.length > 1)
    throw failed(place, `takes one value, but has a list of ${operand.length}: choose one with Item`);
  return operand[0] ?? null;
}

/** A value as a fault shows it. */
export function shownValue(value: string | number): string {
  return typeof value === "number" || value.length <= 64
    ? JSON.stringify(value)
    : `a text of ${value.length} characters`;
}

function toDate(operand: Operand, place: Place): DateTime | null {
  const value = singleIn(operand, place);
  if (isEmptyOperand(value)) return null;
  if (value instanceof Moment) {
    const seconds = Math.floor(value.ms / 1000);
    return { seconds, ticks: Math.round((value.ms - seconds * 1000) * 10_000), kind: "utc" };
  }
  if (typeof value !== "string")
    throw failed(place, `takes a date, not ${typeof value === "object" ? "an object" : `a ${typeof value}`}`);
  const date = readDate(value);
  if (typeof date !== "string") return date;
  throw failed(
    place,
    `cannot read ${shownValue(value)} as a date: ${date}. It reads ${READABLE}; FormatDateTime reads any other form that it is told`,
  );
}
