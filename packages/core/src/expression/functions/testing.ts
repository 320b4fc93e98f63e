import assert from "node:assert/strict";
import type { Attributes, Value } from "../../model/value.ts";
import { plainOf } from "../coerce.ts";
import { compileExpression } from "../compile.ts";
import type { EvaluationContext } from "../context.ts";
import { type Chance, chance, READ_BY_NAME } from "../testing.ts";

/** What a case is evaluated with beside its attributes. */
interface Circumstances {
  readonly random?: Chance;
  readonly taken?: readonly string[];
}

/** Where a record is created, at a fixed time and with fixed chance. */
export function contextOf(
  attributes: Attributes,
  { random = chance(7), taken }: Circumstances = {},
): EvaluationContext {
  return {
    record: { kind: "user", id: "u1", attributes, manager: null, removed: null },
    creation: {
      now: Date.UTC(2021, 6, 2, 15, 33, 38),
      guid: () => "00000000-0000-4000-8000-000000000000",
      random,
    },
    ...(taken === undefined ? {} : { isTaken: (value: string) => taken.includes(value) }),
  };
}

/** The value of an expression; `undefined` where the attribute is left as it is. A fault fails the test. */
export function evaluated(text: string, attributes: Attributes = {}, circumstances?: Circumstances): Value | undefined {
  const answer = outcomeOf(text, attributes, circumstances);
  if ("fault" in answer) assert.fail(`${text}: ${answer.fault}`);
  return answer.value;
}

/** `code column: message` of the fault; a value fails the test. */
export function faultOf(text: string, attributes: Attributes = {}, circumstances?: Circumstances): string {
  const answer = outcomeOf(text, attributes, circumstances);
  if ("value" in answer) assert.fail(`${text} gives ${JSON.stringify(answer.value)}`);
  return answer.fault;
}

function outcomeOf(
  text: string,
  attributes: Attributes,
  circumstances?: Circumstances,
): { readonly value: Value | undefined } | { readonly fault: string } {
  const compiled = compileExpression(text, READ_BY_NAME);
  const result =
    "faults" in compiled
      ? { fault: compiled.faults[0] }
      : compiled.expression.evaluate(contextOf(attributes, circumstances));
  if ("value" in result) return { value: plainOf(result.value) };
  return { fault: `${result.fault.code} ${result.fault.column}: ${result.fault.message}` };
}

/** One line of a table: an expression, its attributes, what it gives. */
export type Case = readonly [expression: string, attributes: Attributes, value: Value | undefined];

/** Checks a table line by line, and says which one differs. */
export function checkCases(cases: readonly Case[]): void {
  for (const [expression, attributes, value] of cases) {
    assert.deepEqual(evaluated(expression, attributes), value, `${expression} with ${JSON.stringify(attributes)}`);
  }
}
