import { plainOf } from "../coerce.ts";
import { compileExpression } from "../compile.ts";
import { ExpressionFault } from "../fault.ts";
import { parse } from "../parse.ts";
import { print } from "../print.ts";
import { type Chance, makeContext, READ_BY_NAME, sameTree } from "../testing.ts";

/** How far one text came. */
export type Reached = "refused" | "read" | "compiled" | "evaluated";

/**
 * Puts one text through everything: it is read, printed, read again, compiled and evaluated.
 * @throws Error when a promise of the language is broken, with the text
 */
export function tryEverything(text: string, pick: Chance): Reached {
  try {
    return tried(text, pick);
  } catch (error) {
    throw new Error(`${JSON.stringify(text)}: ${error instanceof Error ? error.stack : String(error)}`);
  }
}

function tried(text: string, pick: Chance): Reached {
  const parsed = parse(text);
  if ("faults" in parsed) {
    for (const fault of parsed.faults) checkFault(fault, text);
    // What cannot be read is not compiled either; looking at some is enough.
    const compiled = pick(4) === 0 ? compileExpression(text, READ_BY_NAME) : parsed;
    if (!("faults" in compiled) || compiled.faults.length < parsed.faults.length) throw new Error("faults were lost");
    return "refused";
  }
  const printed = print(parsed.tree);
  // An expression near the bound of length may grow beyond it.
  const again = printed.length > 10_000 ? parsed : parse(printed);
  if (!("tree" in again)) throw new Error(`printed as ${printed}, which cannot be read`);
  if (!sameTree(parsed.tree, again.tree) || print(again.tree) !== printed) throw new Error(`printed as ${printed}`);
  const compiled = compileExpression(text, READ_BY_NAME);
  if ("faults" in compiled) {
    for (const fault of compiled.faults) checkFault(fault, text);
    return "read";
  }
  const result = compiled.expression.evaluate(makeContext(pick));
  if ("fault" in result) {
    checkFault(result.fault, text);
    return "compiled";
  }
  JSON.stringify(plainOf(result.value));
  return "evaluated";
}

function checkFault(fault: unknown, text: string): void {
  if (!(fault instanceof ExpressionFault)) throw fault;
  const { at, message } = fault;
  if (at.start < 0 || at.start > at.end || at.end > text.length) throw new Error(`at ${at.start} to ${at.end}`);
  if (message.includes("failed unexpectedly") || message === "") throw new Error(message);
}
