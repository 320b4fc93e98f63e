import type { Finding } from "../model/plan.ts";
import { SCOPE_OPERATORS, type ScopeClause } from "../model/sync.ts";
import type { Value } from "../model/value.ts";
import { inWords, plain } from "../model/wording.ts";
import type { CompiledClause } from "./compiled.ts";
import { managerClause } from "./manager.ts";
import type { NamedClause } from "./named.ts";
import { type Test, testOf, valueFlaw } from "./operator.ts";
import { hasNone, isSingle, readerOf, type ScopeReader, withoutManager } from "./reader.ts";

/**
 * Compiles one clause with Entra's semantics ("Scoping users or groups to be provisioned with scoping filters"): every
 * operator but IS NULL is false for an empty attribute; texts compare exactly, case included.
 * Not stated there and decided here: a pattern may match anywhere in the text, as .NET's `Regex.IsMatch` does, and
 * ENDS_WITH minds the case as its siblings do. An attribute that was never read counts as empty.
 * `now` is the time (milliseconds) from whose day `today` counts.
 * Beyond Entra, which compares no lists: of a list, one value that fits is enough, and an operator that negates wants none.
 */
export function compileClause(
  clause: NamedClause,
  place: string,
  now?: number,
): { readonly clause: CompiledClause } | { readonly finding: Finding } {
  const flaw = flawOf(clause);
  if (flaw !== null) return { finding: { code: "config_invalid", detail: `${place}: ${flaw}` } };
  const { attribute, operator } = clause;
  if (attribute === "manager") {
    const compiled = managerClause(clause);
    return typeof compiled === "string"
      ? { finding: { code: "config_invalid", detail: `${place}: ${compiled}` } }
      : { clause: compiled };
  }
  const read = readerOf(attribute);
  const name = plain(clause.written);
  if (operator === "IS NULL" || operator === "IS NOT NULL") {
    return { clause: emptiness(read, name, operator === "IS NULL") };
  }
  let test: Test;
  try {
    test = testOf(operator, clause.value ?? "", now);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      finding: { code: "config_invalid", detail: `${place}.value: not a pattern that can be searched: it ${why}` },
    };
  }
  return { clause: comparison(read, name, test) };
}

function flawOf({ attribute, operator, value }: ScopeClause): string | null {
  if (typeof attribute !== "string" || attribute === "") return "the clause names no attribute";
  const own = withoutManager(attribute);
  if (own !== attribute && (own === "" || own.split(".")[0] === "manager")) {
    return "a scope looks at a manager's own attributes, such as manager.department, and not beyond";
  }
  if (!SCOPE_OPERATORS.includes(operator)) {
    return `unknown operator "${String(operator)}"; there are ${SCOPE_OPERATORS.join(", ")}`;
  }
  return valueFlaw(operator, value);
}

function emptiness(read: ScopeReader, name: string, wantsEmpty: boolean): CompiledClause {
  const wording = wantsEmpty ? `${name} is empty` : `${name} is not empty`;
  return {
    test: (record) => (hasNone(read(record)) === wantsEmpty ? "holds" : "fails"),
    wording,
    listWording: wording,
    failing: (record) => (wantsEmpty ? `${name} is ${inWords(read(record))}, not empty` : `${name} is empty`),
  };
}

function comparison(read: ScopeReader, name: string, test: Test): CompiledClause {
  const { fits, negates } = test;
  return {
    test: (record) => {
      const value = read(record);
      if (Array.isArray(value)) return holdsAmong(value, test) ? "among" : "fails";
      return isSingle(value) && fits(value) !== negates ? "holds" : "fails";
    },
    wording: `${name} ${test.wanted}`,
    listWording: `${negates ? "no" : "a"} value of ${name} ${test.said}`,
    failing: (record) => failing(name, read(record), test),
  };
}

/** Lists within a list are taken apart; objects within it are no values. */
function holdsAmong(values: readonly Value[], { fits, negates }: Test): boolean {
  let seen = false;
  const isAmong = (value: Value): boolean => {
    if (Array.isArray(value)) return value.some(isAmong);
    if (!isSingle(value)) return false;
    seen = true;
    return fits(value);
  };
  const found = values.some(isAmong);
  return negates ? seen && !found : found;
}

function failing(name: string, value: Value | undefined, test: Test): string {
  if (hasNone(value) || typeof value !== "object" || value === null) {
    return `${name} is ${inWords(value)}, ${test.unwanted}`;
  }
  const singles = Array.isArray(value) ? (value as readonly Value[]).flat(5).filter(isSingle) : [];
  if (singles.length === 0) return `${name} is an object or a list of such, not one value; name what lies inside`;
  return `${name} is ${inWords(singles)}: ${test.negates ? "a" : "no"} value ${test.said}`;
}
