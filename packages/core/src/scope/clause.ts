import { RE2JS } from "re2js";
import type { Finding } from "../model/plan.ts";
import { type DirectoryRecord, type Getter, getterOf, isEmpty } from "../model/record.ts";
import { SCOPE_OPERATORS, type ScopeClause, type ScopeOperator } from "../model/sync.ts";
import type { Value } from "../model/value.ts";
import { inWords, plain } from "../model/wording.ts";

/** One clause, ready to be asked of many records. */
export interface CompiledClause {
  readonly holds: (record: DirectoryRecord) => boolean;
  /** In words, for a record that it lets in: `department is Sales`. */
  readonly wording: string;
  /** Why this record fails: `department is Legal, not Sales`. */
  readonly failing: (record: DirectoryRecord) => string;
}

/** A test of a value that is not empty, what the clause asks for, and how "not that" is said. */
interface Test {
  readonly passes: (value: Value) => boolean;
  readonly wanted: string;
  readonly unwanted: string;
}

/**
 * Compiles one clause with Entra's semantics ("Scoping users or groups to be provisioned with scoping filters"): every
 * operator but IS NULL is false for an empty attribute; texts compare exactly, case included; lists cannot be compared.
 * Not stated there and decided here: a pattern may match anywhere in the text, as .NET's `Regex.IsMatch` does, and
 * ENDS_WITH minds the case as its siblings do. An attribute that was never read counts as empty.
 */
export function compileClause(
  clause: ScopeClause,
  place: string,
): { readonly clause: CompiledClause } | { readonly finding: Finding } {
  const flaw = flawOf(clause);
  if (flaw !== null) return { finding: { code: "config_invalid", detail: `${place}: ${flaw}` } };
  const read = getterOf(clause.attribute);
  const name = plain(clause.attribute);
  if (clause.operator === "IS NULL" || clause.operator === "IS NOT NULL") {
    return { clause: emptiness(read, name, clause.operator === "IS NULL") };
  }
  let test: Test;
  try {
    test = testOf(clause.operator, clause.value ?? "");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { finding: { code: "config_invalid", detail: `${place}.value: not a pattern that RE2 reads: ${why}` } };
  }
  return { clause: comparison(read, name, test) };
}

function flawOf(clause: ScopeClause): string | null {
  const { attribute, operator, value } = clause;
  if (typeof attribute !== "string" || attribute === "") return "the clause names no attribute";
  if (attribute === "manager" || attribute.startsWith("manager.")) return "the manager cannot be used in scope";
  if (!SCOPE_OPERATORS.includes(operator)) {
    return `unknown operator "${String(operator)}"; there are ${SCOPE_OPERATORS.join(", ")}`;
  }
  const given = value !== undefined && value !== "";
  if (operator.startsWith("IS ")) return given ? `${operator} takes no value` : null;
  if (!given) return `${operator} needs a value; IS NULL and IS NOT NULL ask whether an attribute is empty`;
  if (typeof value !== "string") return `the value of ${operator} must be text`;
  if (operator.startsWith("Greater_Than") && !/^\d+$/.test(value)) {
    return `${operator} needs a whole number (0, 1, 2, …), not "${value}"`;
  }
  return null;
}

function emptiness(read: Getter, name: string, wantsEmpty: boolean): CompiledClause {
  return {
    holds: (record) => isEmpty(read(record)) === wantsEmpty,
    wording: wantsEmpty ? `${name} is empty` : `${name} is not empty`,
    failing: (record) => (wantsEmpty ? `${name} is ${inWords(read(record))}, not empty` : `${name} is empty`),
  };
}

function comparison(read: Getter, name: string, test: Test): CompiledClause {
  return {
    holds: (record) => {
      const value = read(record);
      return value !== undefined && !isEmpty(value) && !isNested(value) && test.passes(value);
    },
    wording: `${name} ${test.wanted}`,
    failing: (record) => {
      const value = read(record);
      if (value !== undefined && isNested(value) && !isEmpty(value))
        return `${name} is a list or object, not one value`;
      return `${name} is ${inWords(value)}, ${test.unwanted}`;
    },
  };
}

function isNested(value: Value): boolean {
  return typeof value === "object" && value !== null;
}

/** Throws when a pattern cannot be read. */
function testOf(operator: Exclude<ScopeOperator, "IS NULL" | "IS NOT NULL">, wanted: string): Test {
  const shown = plain(wanted);
  switch (operator) {
    case "EQUALS":
      return { passes: (value) => equals(value, wanted), wanted: `is ${shown}`, unwanted: `not ${shown}` };
    case "NOT EQUALS":
      return { passes: (value) => !equals(value, wanted), wanted: `is not ${shown}`, unwanted: "which is excluded" };
    case "IS TRUE":
      return { passes: (value) => value === true, wanted: "is true", unwanted: "not true" };
    case "IS FALSE":
      return { passes: (value) => value === false, wanted: "is false", unwanted: "not false" };
    case "REGEX MATCH": {
      const pattern = RE2JS.compile(wanted);
      const says = `does not match ${shown}`;
      return { passes: (value) => pattern.test(String(value)), wanted: `matches ${shown}`, unwanted: `which ${says}` };
    }
    case "NOT REGEX MATCH": {
      const pattern = RE2JS.compile(wanted);
      const says = `does not match ${shown}`;
      return { passes: (value) => !pattern.test(String(value)), wanted: says, unwanted: `which matches ${shown}` };
    }
    case "Greater_Than":
      return greater(wanted, (difference) => difference > 0n, `greater than ${shown}`);
    case "Greater_Than_OR_EQUALS":
      return greater(wanted, (difference) => difference >= 0n, `${shown} or greater`);
    case "Includes":
      return {
        passes: (value) => String(value).includes(wanted),
        wanted: `includes ${shown}`,
        unwanted: `which does not include ${shown}`,
      };
    case "ENDS_WITH":
      return {
        passes: (value) => String(value).endsWith(wanted),
        wanted: `ends with ${shown}`,
        unwanted: `which does not end with ${shown}`,
      };
  }
}

/** A boolean equals its name in either spelling: `true`, as JSON has it, and `True`, as .NET does. */
function equals(value: Value, wanted: string): boolean {
  return typeof value === "boolean" ? String(value) === wanted.toLowerCase() : String(value) === wanted;
}

/** Whole numbers of any length: employee ids are texts and may have more digits than a number holds exactly. */
function greater(wanted: string, decide: (difference: bigint) => boolean, words: string): Test {
  const limit = BigInt(wanted);
  return {
    passes: (value) => /^\d{1,100}$/.test(String(value)) && decide(BigInt(String(value)) - limit),
    wanted: `is ${words}`,
    unwanted: `not a whole number ${words}`,
  };
}
