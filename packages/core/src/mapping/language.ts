import type { EvaluationContext } from "../expression/context.ts";
import { ExpressionFault } from "../expression/fault.ts";
import { Moment, OMITTED, type Operand } from "../expression/operand.ts";
import type { Value } from "../model/value.ts";

export interface CompiledExpression {
  readonly evaluate: (context: EvaluationContext) => { readonly value: Operand } | { readonly fault: ExpressionFault };
  readonly candidates: ((context: EvaluationContext) => readonly Operand[]) | null;
  readonly attributes: readonly string[];
  readonly volatile: boolean;
  readonly sensitive: boolean;
}

export function compileExpression(
  _text: string,
  _options: { readonly attribute: (name: string) => ((context: EvaluationContext) => Value | undefined) | string },
): { readonly expression: CompiledExpression } | { readonly faults: readonly ExpressionFault[] } {
  return {
    faults: [new ExpressionFault("expression_invalid", "expressions are not supported yet", { start: 0, end: 0 })],
  };
}

export function plainOf(operand: Operand): Value | undefined {
  if (operand === OMITTED) return undefined;
  return operand instanceof Moment ? new Date(operand.ms).toISOString() : (operand as Value);
}
