import {
  type Attributes,
  compileExpression,
  type DirectoryRecord,
  type EvaluationContext,
  matchKey,
  plainOf,
  type ReadAttribute,
  type Value,
} from "@entrain/core";
import type { Clock } from "../clock.ts";
import { freshCreation } from "./creation.ts";

/** One case on which an expression is tried. */
export interface Trial {
  readonly expression: string;
  /** Those left out are NULL. */
  readonly attributes: Attributes;
  /** Values that the target holds already. */
  readonly taken: readonly string[];
}

interface TrialFault {
  readonly code: string;
  readonly message: string;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
}

/** The value, `omitted` where the target's attribute is left as it is; or all faults, the first as `error`. */
export type TrialResult =
  | { readonly value: Value; readonly omitted?: true }
  | { readonly error: TrialFault; readonly faults: readonly TrialFault[] };

/** Evaluates an expression by itself, as for a person who is being created. Reads and writes nothing. */
export function evaluateOnce({ expression, attributes, taken }: Trial, clock: Clock): TrialResult {
  const compiled = compileExpression(expression, { attribute: readNamed });
  if ("faults" in compiled) return failed(compiled.faults);
  const record: DirectoryRecord = { kind: "user", id: "", attributes, manager: null, removed: null };
  const keys = new Set(taken.map((value) => matchKey(value, {})));
  const context: EvaluationContext = {
    record,
    creation: freshCreation(clock),
    isTaken: (value) => keys.has(matchKey(value, {})),
  };
  const result = compiled.expression.evaluate(context);
  if ("fault" in result) return failed([result.fault]);
  const value = plainOf(result.value);
  return value === undefined ? { value: null, omitted: true } : { value };
}

function failed(faults: readonly [TrialFault, ...TrialFault[]]): TrialResult {
  const [first] = faults;
  const told = ({ code, message, column }: TrialFault): TrialFault => ({ code, message, column });
  return { error: told(first), faults: faults.map(told) };
}

/** An attribute by its whole name, which may hold dots itself, else what lies inside of one. */
function readNamed(name: string): ReadAttribute {
  const path = name.split(".");
  return ({ record: { attributes } }) => {
    if (Object.hasOwn(attributes, name)) return attributes[name] ?? null;
    let value: Value | undefined = attributes;
    for (const part of path) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return null;
      value = (value as Attributes)[part];
    }
    return value ?? null;
  };
}
