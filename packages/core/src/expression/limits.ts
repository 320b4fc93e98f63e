import { ExpressionFault } from "./fault.ts";
import { Moment, type Operand } from "./operand.ts";
import type { Span } from "./tree.ts";

/** Characters of an expression, as Entra has it ("Known issues for provisioning in Microsoft Entra ID"). */
export const MAX_EXPRESSION_LENGTH = 10_000;
/** How deep calls and comparisons may nest: a chain of IIF over every department or country is one level each. */
export const MAX_DEPTH = 400;
/** Arguments of one call: a `Switch` over every country has about 500. */
export const MAX_ARGUMENTS = 1_000;
/** Faults that are told of one expression: more help nobody. */
export const MAX_FAULTS = 20;
/** Characters of an attribute's name: a SCIM path with a filter has about 150. */
export const MAX_NAME = 512;
/** Characters (UTF-16 code units) of a text that a function is given or gives. */
export const MAX_TEXT = 262_144;
/** How deep lists and objects may nest in what a function is given or gives. */
const MAX_NESTING = 50;
/** Items of a list that a function is given or gives. */
const MAX_ITEMS = 10_000;

/** Characters and items that one evaluation reads and makes in all: what bounds its time. */
export const MAX_WORK = 4_194_304;
/** Instructions of patterns times characters that they search, in one evaluation: about a second at worst. */
export const MAX_SEARCH = 50_000_000;

/**
 * Refuses a text, list or object that is beyond the bounds, and answers its size; what lies inside of each other counts together. Every
 * argument that is read from a record and every function's result passes here; a function that grows a text piece by piece asks
 * `tooLong` itself.
 * @throws ExpressionFault `expression_too_large`
 */
export function checkSize(operand: Operand, what: string, at: Span): number {
  if (typeof operand === "string") {
    if (operand.length > MAX_TEXT) throw tooLong(what, at);
    return operand.length;
  }
  return sizeInside(operand, { what, at, depth: 1 });
}

function sizeInside(
  operand: Operand,
  place: { readonly what: string; readonly at: Span; readonly depth: number },
): number {
  if (typeof operand !== "object" || operand === null || operand instanceof Moment) return 0;
  const { what, at, depth } = place;
  if (depth > MAX_NESTING) throw tooDeep(what, at);
  const items: readonly Operand[] = Array.isArray(operand) ? operand : Object.values(operand);
  if (items.length > MAX_ITEMS) throw tooMany(what, at);
  let length = items.length;
  for (const item of items) {
    if (typeof item === "string") length += item.length;
    else if (typeof item === "object") length += sizeInside(item, { what, at, depth: depth + 1 });
    if (length > MAX_TEXT) throw tooLong(what, at);
  }
  return length;
}

export function tooLong(what: string, at: Span): ExpressionFault {
  return new ExpressionFault("expression_too_large", `${what} is longer than ${MAX_TEXT} characters.`, at);
}

function tooMany(what: string, at: Span): ExpressionFault {
  return new ExpressionFault("expression_too_large", `${what} has more than ${MAX_ITEMS} values.`, at);
}

function tooDeep(what: string, at: Span): ExpressionFault {
  return new ExpressionFault("expression_too_large", `${what} nests deeper than ${MAX_NESTING} levels.`, at);
}
