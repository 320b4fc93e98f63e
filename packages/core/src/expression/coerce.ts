import { isReference, type Value } from "../model/value.ts";
import { ExpressionFault } from "./fault.ts";
import { Moment, OMITTED, type Operand } from "./operand.ts";
import type { Span } from "./tree.ts";

/**
 * The operand as a text: NULL is empty, numbers as .NET prints them in the invariant culture, booleans `True` and `False`,
 * a moment as `CDate` answers it, a reference its object id, a list of one its only value.
 * @throws ExpressionFault `expression_failed` for a longer list and for an object, which have no text of their own
 */
export function textOf(operand: Operand, at: Span): string {
  if (typeof operand === "string") return operand;
  if (operand === null || operand === OMITTED) return "";
  if (typeof operand === "number") return formatNumber(operand);
  if (typeof operand === "boolean") return operand ? "True" : "False";
  if (operand instanceof Moment) return formatMoment(operand);
  if (isList(operand)) return textOf(onlyOf(operand, "a text", at), at);
  if (isReference(operand)) return operand.$ref;
  throw failed("A text is needed here, but the value is an object; name what lies inside it, with a dot.", at);
}

/**
 * The operand as a number: booleans count 1 and 0, a text is read in the invariant culture (`-1.5`, `1e3`).
 * @throws ExpressionFault `expression_failed` for anything else, NULL and the empty text included
 */
export function numberOf(operand: Operand, at: Span): number {
  if (typeof operand === "number") return operand;
  if (typeof operand === "boolean") return operand ? 1 : 0;
  if (typeof operand === "string") {
    const number = parseNumber(operand);
    if (number !== null) return number;
  }
  if (isList(operand) && operand.length > 0) return numberOf(onlyOf(operand, "a number", at), at);
  throw failed(`A number is needed here, but the value is ${described(operand)}.`, at);
}

/** A number written in .NET's invariant culture, with a sign, decimals and an exponent if need be; else `null`. */
export function parseNumber(text: string): number | null {
  const trimmed = text.trim();
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/.test(trimmed)) return null;
  const number = Number(trimmed);
  return Number.isFinite(number) ? number : null;
}

/**
 * The operand as a boolean: NULL and the empty text are false, numbers (also as text) true unless 0, texts `true` and
 * `false` in any case.
 * @throws ExpressionFault `expression_failed` for anything else
 */
export function booleanOf(operand: Operand, at: Span): boolean {
  if (typeof operand === "boolean") return operand;
  if (typeof operand === "number") return operand !== 0;
  if (isEmptyOperand(operand)) return false;
  if (typeof operand === "string") {
    const word = operand.trim().toLowerCase();
    if (word === "true" || word === "false") return word === "true";
    const number = parseNumber(word);
    if (number !== null) return number !== 0;
  }
  if (isList(operand)) return booleanOf(onlyOf(operand, "true or false", at), at);
  throw failed(`True or false is needed here, but the value is ${described(operand)}.`, at);
}

/** The operand as a list: NULL is the empty one, a single value the list of it. */
export function listOf(operand: Operand): readonly Operand[] {
  if (isNullish(operand)) return [];
  return isList(operand) ? operand : [operand];
}

/** NULL: no value at all. The empty text is a value. */
export function isNullish(operand: Operand): operand is null | typeof OMITTED {
  return operand === null || operand === OMITTED;
}

/** NULL, the empty text or the empty list. */
export function isEmptyOperand(operand: Operand): boolean {
  return isNullish(operand) || operand === "" || (isList(operand) && operand.length === 0);
}

export function isList(operand: Operand): operand is readonly Operand[] {
  return Array.isArray(operand);
}

/** What a mapping takes from an expression: a moment as text, `undefined` for OMITTED, which leaves the attribute as it is. */
export function plainOf(operand: Operand): Value | undefined {
  if (operand === OMITTED) return undefined;
  if (operand instanceof Moment) return formatMoment(operand);
  if (isList(operand)) return operand.map((item) => plainOf(item) ?? null);
  return operand;
}

/** `M/d/yyyy h:mm:ss tt` in UTC and the invariant culture: `3/16/2020 7:00:00 AM`. */
function formatMoment(moment: Moment): string {
  const date = new Date(moment.ms);
  const hour = date.getUTCHours();
  const two = (part: number) => String(part).padStart(2, "0");
  const day = `${date.getUTCMonth() + 1}/${date.getUTCDate()}/${String(date.getUTCFullYear()).padStart(4, "0")}`;
  const time = `${hour % 12 === 0 ? 12 : hour % 12}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${day} ${time} ${hour < 12 ? "AM" : "PM"}`;
}

/**
 * Whole numbers are written out, for they are integers in Entra; others as `Double.ToString` does in the invariant
 * culture, which turns to exponents below 0.0001 ("Standard numeric format strings", .NET).
 */
function formatNumber(number: number): string {
  if (Number.isInteger(number) && Math.abs(number) < 1e21) return String(Object.is(number, -0) ? 0 : number);
  const size = Math.abs(number);
  if (size >= 1e-4 && size < 1e21) return String(number);
  const [digits = "", exponent = ""] = number.toExponential().split("e");
  return `${digits}E${exponent.slice(0, 1)}${exponent.slice(1).padStart(2, "0")}`;
}

function onlyOf(list: readonly Operand[], needed: string, at: Span): Operand {
  if (list.length > 1)
    throw failed(
      `Here stands ${needed}, but the value is a list of ${list.length}; choose one with Item, or use Join.`,
      at,
    );
  return list[0] ?? null;
}

function described(operand: Operand): string {
  if (isNullish(operand)) return "NULL";
  if (operand instanceof Moment) return `the date ${formatMoment(operand)}`;
  if (operand === "") return "empty";
  if (typeof operand === "string") return operand.length > 40 ? "a longer text" : JSON.stringify(operand);
  return isList(operand) ? `a list of ${operand.length}` : "an object";
}

function failed(message: string, at: Span): ExpressionFault {
  return new ExpressionFault("expression_failed", message, at);
}
