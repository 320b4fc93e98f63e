import { isEmptyOperand, isList, isNullish, numberOf, textOf } from "../coerce.ts";
import type { EvaluationContext } from "../context.ts";
import { ExpressionFault } from "../fault.ts";
import type { Argument, Evaluate } from "../function.ts";
import { Moment, type Operand } from "../operand.ts";
import type { Span } from "../tree.ts";

/** An argument as a function takes it, to be asked with each record. */
export type Reader<T> = (context: EvaluationContext) => T;

/** An argument as its function takes it, with the names that a fault gives. */
interface Place {
  readonly of: string;
  readonly parameter: string;
  readonly argument: Argument | undefined;
}

/** What constants are read on: they ask nothing of it. */
export const NOBODY: EvaluationContext = {
  record: { kind: "user", id: "", attributes: {}, manager: null, removed: null },
};

/** True for an argument that was written, be it `""` or NULL. */
export function isGiven(argument: Argument | undefined): argument is Argument {
  return argument !== undefined && !argument.empty;
}

/** Any value; NULL for an argument that was left out. */
export function anyIn(argument: Argument | undefined): Evaluate {
  return isGiven(argument) ? argument.evaluate : () => null;
}

/**
 * One text, or `null` for NULL and for an argument that was left out. What has a text of its own (numbers, booleans, dates,
 * references, a list of one) is converted; a longer list and an object are faults that name the function and the parameter.
 */
export function textIn(of: string, parameter: string, argument: Argument | undefined): Reader<string | null> {
  if (!isGiven(argument)) return () => null;
  const { evaluate, constant } = argument;
  const read = (operand: Operand) => toText(operand, { of, parameter, argument });
  if (constant !== undefined) {
    const text = atBinding(() => read(constant));
    return () => text;
  }
  return (context) => {
    const operand = evaluate(context);
    return typeof operand === "string" ? operand : read(operand);
  };
}

/** A single value as text, for functions that read many arguments; faults name the function and the parameter. */
export function toText(operand: Operand, place: Place): string | null {
  if (typeof operand === "string") return operand;
  if (isNullish(operand)) return null;
  if (isList(operand)) {
    if (operand.length <= 1) return toText(operand[0] ?? null, place);
    throw failed(place, `takes one text, but has a list of ${operand.length}: choose one with Item, or use Join`);
  }
  if (typeof operand === "object" && !(operand instanceof Moment) && !("$ref" in operand)) {
    throw failed(place, "takes one text, but has an object: name what lies inside it, with a dot");
  }
  return textOf(operand, atOf(place));
}

/**
 * A whole number from `least` to `most`, or `null` for NULL, the empty text and an argument that was left out.
 * @throws ExpressionFault at once for a constant that can never be right, else with the record
 */
export function wholeIn(
  of: string,
  parameter: string,
  argument: Argument | undefined,
  { least = -Number.MAX_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER }: { least?: number; most?: number } = {},
): Reader<number | null> {
  if (!isGiven(argument)) return () => null;
  const { evaluate, constant } = argument;
  const read = (operand: Operand) => toWhole(operand, { of, parameter, argument }, least, most);
  if (constant !== undefined) {
    const number = atBinding(() => read(constant));
    return () => number;
  }
  return (context) => read(evaluate(context));
}

function toWhole(operand: Operand, place: Place, least: number, most: number): number | null {
  if (isEmptyOperand(operand)) return null;
  const number = typeof operand === "number" ? operand : numberNamed(operand, place);
  if (!Number.isSafeInteger(number)) throw failed(place, `takes a whole number, not ${number}`);
  if (number < least) throw failed(place, `takes ${least} or more, not ${number}`);
  if (number > most) throw failed(place, `takes at most ${most}, not ${number}`);
  return number === 0 ? 0 : number;
}

/** A required whole number: NULL is a fault of the record. */
export function neededWhole(
  of: string,
  parameter: string,
  argument: Argument | undefined,
  bounds?: { least?: number; most?: number },
): Reader<number> {
  const read = wholeIn(of, parameter, argument, bounds);
  return (context) => {
    const number = read(context);
    if (number === null) throw failed({ of, parameter, argument }, "needs a number, but the value is empty");
    return number;
  };
}

function numberNamed(operand: Operand, place: Place): number {
  try {
    return numberOf(operand, atOf(place));
  } catch (error) {
    if (error instanceof ExpressionFault) throw failed(place, `cannot be read: ${error.message.replace(/\.$/, "")}`);
    throw error;
  }
}

/** What is wrong with a value that a record gave: `Left: String takes …`. */
export function failed(place: Place, what: string): ExpressionFault {
  return new ExpressionFault("expression_failed", `${place.of}: ${place.parameter} ${what}.`, atOf(place));
}

/** What is wrong with an argument for every record. */
export function invalid(place: Place, what: string): ExpressionFault {
  return new ExpressionFault("expression_invalid", `${place.of}: ${place.parameter} ${what}.`, atOf(place));
}

function atOf({ argument }: Place): Span {
  return argument?.at ?? { start: 0, end: 0 };
}

/** What fails with a constant fails with every record, so it is told before any is evaluated. */
export function atBinding<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ExpressionFault && error.code === "expression_failed") {
      throw new ExpressionFault("expression_invalid", error.message, error.at);
    }
    throw error;
  }
}
