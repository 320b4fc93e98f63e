import {
  type Attributes,
  compileExpression,
  type DirectoryRecord,
  type EvaluationContext,
  matchKey,
  plainOf,
  type ReadAttribute,
  sourcePathOf,
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

/**
 * The value, `omitted` where the target's attribute is left as it is; or all faults, the first as `error`. `unknown` are
 * the attributes that the expression names, as it writes them, and that are not among those given; never empty.
 */
export type TrialResult = { readonly unknown?: readonly string[] } & (
  | { readonly value: Value; readonly omitted?: true }
  | { readonly error: TrialFault; readonly faults: readonly TrialFault[] }
);

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
  const missing = compiled.expression.attributes.filter((name) => !isGiven(attributes, name));
  const unknown = missing.length === 0 ? {} : { unknown: missing };
  if ("fault" in result) return { ...failed([result.fault]), ...unknown };
  const value = plainOf(result.value);
  return value === undefined ? { value: null, omitted: true, ...unknown } : { value, ...unknown };
}

function failed(faults: readonly [TrialFault, ...TrialFault[]]): TrialResult {
  const [first] = faults;
  const told = ({ code, message, column }: TrialFault): TrialFault => ({ code, message, column });
  return { error: told(first), faults: faults.map(told) };
}

/** An attribute as it was given, else what a mapping would read by this name; without either it is NULL. */
function readNamed(name: string): ReadAttribute {
  const other = directoryNameOf(name);
  return ({ record: { attributes } }) => {
    const own = lookUp(attributes, name);
    return own === undefined ? (lookUp(attributes, other) ?? null) : own;
  };
}

/** What the directory calls the attribute; a name that nothing stands for is looked up as it is. */
function directoryNameOf(name: string): string {
  const found = sourcePathOf(name);
  return "path" in found ? found.path : name;
}

/** By the whole name, which may hold dots itself, else what lies inside of another attribute. */
function lookUp(attributes: Attributes, name: string): Value | undefined {
  if (Object.hasOwn(attributes, name)) return attributes[name];
  let value: Value | undefined = attributes;
  for (const part of name.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Attributes)[part];
  }
  return value;
}

/** An attribute that was given may lack what the name asks for inside of it: that is no mistake in the name. */
function isGiven(attributes: Attributes, name: string): boolean {
  return [name, directoryNameOf(name)].some((one) => {
    const [root = one] = one.split(".");
    return Object.hasOwn(attributes, one) || Object.hasOwn(attributes, root);
  });
}
