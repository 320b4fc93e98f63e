import { isList, isNullish, parseNumber, textOf } from "./coerce.ts";
import { ExpressionFault } from "./fault.ts";
import { Moment, type Operand } from "./operand.ts";
import type { Comparison, Span } from "./tree.ts";

/** One side of a comparison. */
export interface Side {
  readonly operand: Operand;
  /** A source attribute by itself: an empty one makes the comparison false, unless it is compared with `""`. */
  readonly attribute: boolean;
}

/**
 * Compares two sides. Microsoft's page says of IIF that the condition fails when the source attribute in it is empty or
 * null, so NULL on either side, and an attribute that is the empty text, make every comparison false, `<>` included. One
 * form of it is answered as it is meant, though Entra has it fail as well: `[a] = ""` asks whether the attribute is empty.
 * Moments compare by time; a number with a number or a text that is one; a boolean with a boolean or a text that is one,
 * in any case; all else as texts, by UTF-16 code units and so case-sensitive, as `Switch` compares its keys.
 * @throws ExpressionFault `expression_failed` where an order is asked for that there is not: a number and a word, a moment and a text
 */
export function compare(operator: Comparison, left: Side, right: Side, at: Span): boolean {
  const [a, b]: readonly [Operand, Operand] = [single(left.operand), single(right.operand)];
  if (isAbsent(a, left) || isAbsent(b, right)) {
    return operator === "=" && (asksForNothing(a, left, b, right) || asksForNothing(b, right, a, left));
  }
  if (typeof a === "string" && typeof b === "string") return holds(operator, a < b ? -1 : a > b ? 1 : 0);
  const [x, y] = [scalarOf(a, b), scalarOf(b, a)];
  if (x !== null && y !== null) return holds(operator, x - y);
  if (operator === "=" || operator === "<>") return (textOf(a, at) === textOf(b, at)) === (operator === "=");
  throw new ExpressionFault("expression_failed", unordered(operator, a, b), at);
}

function single(operand: Operand): Operand {
  return isList(operand) && operand.length <= 1 ? (operand[0] ?? null) : operand;
}

function isAbsent(operand: Operand, side: Side): boolean {
  return isNullish(operand) || (operand === "" && side.attribute);
}

/** An attribute without a value beside the empty text, which is no attribute. */
function asksForNothing(one: Operand, side: Side, other: Operand, beside: Side): boolean {
  return side.attribute && isAbsent(one, side) && !beside.attribute && other === "";
}

/** What is compared as a number: moments among each other, numbers and booleans with texts that are such. */
function scalarOf(one: Operand, other: Operand): number | null {
  if (one instanceof Moment) return other instanceof Moment ? one.ms : null;
  if (typeof one === "number") return one;
  if (typeof one === "boolean") return one ? 1 : 0;
  if (typeof one !== "string") return null;
  if (typeof other === "boolean") {
    const word = one.trim().toLowerCase();
    if (word === "true" || word === "false") return word === "true" ? 1 : 0;
  }
  return typeof other === "number" || typeof other === "boolean" ? parseNumber(one) : null;
}

function holds(operator: Comparison, order: number): boolean {
  switch (operator) {
    case "=":
      return order === 0;
    case "<>":
      return order !== 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
  }
}

function unordered(operator: Comparison, a: Operand, b: Operand): string {
  if (a instanceof Moment || b instanceof Moment) {
    return `A date is compared by "${operator}" with what is none; wrap a date that is a text in CDate.`;
  }
  return `"${operator}" needs two numbers, two texts or two dates, and one side here is something else.`;
}
