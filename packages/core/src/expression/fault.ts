import type { Code } from "../errors.ts";
import type { Span } from "./tree.ts";

export type ExpressionCode = Extract<Code, "expression_invalid" | "expression_failed" | "expression_too_large">;

/**
 * What is wrong with an expression, and where: `expression_invalid` before it is evaluated, `expression_failed` with a value
 * that it was given, `expression_too_large` beyond a bound of length, depth or size. The message is one sentence.
 */
export class ExpressionFault extends Error {
  readonly code: ExpressionCode;
  readonly at: Span;

  constructor(code: ExpressionCode, message: string, at: Span) {
    super(message);
    this.name = "ExpressionFault";
    this.code = code;
    this.at = at;
  }

  /** Counted from 1, in UTF-16 code units. */
  get column(): number {
    return this.at.start + 1;
  }
}
