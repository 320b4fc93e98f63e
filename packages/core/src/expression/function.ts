import type { Value } from "../model/value.ts";
import type { EvaluationContext } from "./context.ts";
import type { Operand } from "./operand.ts";
import type { Span } from "./tree.ts";

/** A part of an expression, compiled. Throws nothing but ExpressionFault. */
export type Evaluate = (context: EvaluationContext) => Operand;

export interface Parameter {
  readonly name: string;
  /** What an editor shows. */
  readonly type: "text" | "number" | "boolean" | "date" | "list" | "any" | "name";
  readonly summary: string;
  /** May be left out at the end, or left empty between commas. */
  readonly optional?: true;
  /** It and those after it may be given again and again. */
  readonly repeats?: true;
  /** What alone it may be, for a `name` or a constant. */
  readonly choices?: readonly string[];
}

/** One argument as a function is bound to it. */
export interface Argument {
  readonly evaluate: Evaluate;
  /** Its value where that is the same for every record, else `undefined`. */
  readonly constant: Operand | undefined;
  /** Left empty between commas. Arguments left out at the end are absent altogether. */
  readonly empty: boolean;
  /** The bare word, such as `vbTextCompare`; else `null`. */
  readonly word: string | null;
  readonly at: Span;
}

/** What a function asks before it searches for a pattern. @throws ExpressionFault `expression_too_large` */
export type Search = (steps: number, what: string, at: Span) => void;

/** One function of the language. */
export interface FunctionDefinition {
  readonly name: string;
  /** One sentence, for hovers and the documentation. */
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  /** A worked example that a test evaluates. */
  readonly example: {
    readonly expression: string;
    readonly attributes: { readonly [name: string]: Value };
    readonly value: Value;
  };
  /** Rests on time or chance: only where a record is created. */
  readonly volatile?: true;
  /** `result`: it may only stand where its value is the expression's own; `top`: only at the very top. */
  readonly place?: "result" | "top";
  /**
   * Called once, with arguments whose number was checked against the parameters.
   * @throws ExpressionFault `expression_invalid` at the argument that can never be right
   */
  readonly bind: (args: readonly Argument[], at: Span, search: Search) => Evaluate;
}
