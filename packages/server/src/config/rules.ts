import {
  type Mapping,
  type MappingRule,
  SCOPE_OPERATORS,
  type Scope,
  type ScopeClause,
  type SourceKind,
  sourceNameOf,
  type Value,
  type WhenEmpty,
} from "@entrain/core";
import type { Checker } from "./checker.ts";
import { checkAttribute } from "./connections.ts";
import type { Path } from "./document.ts";

const WHEN_EMPTY: readonly WhenEmpty[] = ["keep", "clear", "default"];

/** Who is in: assignments to an application, groups and filters, as in Entra. Nested groups count unless `transitive` says otherwise. */
export function readScope(checker: Checker, value: unknown, path: Path, source: SourceKind | null): Scope | undefined {
  const entry = checker.map(value, path, ["assigned", "groups", "filters"]);
  const assigned = entry?.assigned === undefined ? null : readAssigned(checker, entry.assigned, [...path, "assigned"]);
  if (entry === undefined) return undefined;
  const groups = entry.groups === undefined ? null : readGroups(checker, entry.groups, [...path, "groups"]);
  const filters =
    entry.filters === undefined ? null : readFilters(checker, entry.filters, [...path, "filters"], source);
  if (assigned === undefined || groups === undefined || filters === undefined) return undefined;
  return {
    ...(assigned === null ? {} : { assigned }),
    ...(groups === null ? {} : { groups }),
    ...(filters === null ? {} : { filters }),
  };
}

function readAssigned(checker: Checker, value: unknown, path: Path): Scope["assigned"] {
  const entry = checker.map(value, path, ["application", "transitive"]);
  if (entry === undefined) return undefined;
  const application = checker.text(entry.application, [...path, "application"]);
  const transitive = entry.transitive === undefined ? true : checker.boolean(entry.transitive, [...path, "transitive"]);
  return application === undefined || transitive === undefined
    ? undefined
    : { application: application.toLowerCase(), transitive };
}

function readGroups(checker: Checker, value: unknown, path: Path): Scope["groups"] {
  const entry = checker.map(value, path, ["include", "transitive"]);
  if (entry === undefined) return undefined;
  const include = checker.texts(entry.include, [...path, "include"]);
  const transitive = entry.transitive === undefined ? true : checker.boolean(entry.transitive, [...path, "transitive"]);
  return include === undefined || transitive === undefined ? undefined : { include, transitive };
}

function readFilters(checker: Checker, value: unknown, path: Path, source: SourceKind | null): Scope["filters"] {
  const filters = checker.list(value, path)?.map((filter, at) => readFilter(checker, filter, [...path, at], source));
  return filters?.every((filter) => filter !== undefined) ? (filters as Scope["filters"]) : undefined;
}

function readFilter(
  checker: Checker,
  value: unknown,
  path: Path,
  source: SourceKind | null,
): readonly ScopeClause[] | undefined {
  const clauses = checker.list(value, path)?.map((clause, at) => readClause(checker, clause, [...path, at], source));
  return clauses?.every((clause) => clause !== undefined) ? (clauses as readonly ScopeClause[]) : undefined;
}

function readClause(checker: Checker, value: unknown, path: Path, source: SourceKind | null): ScopeClause | undefined {
  const entry = checker.map(value, path, ["attribute", "operator", "value"]);
  if (entry === undefined) return undefined;
  const attribute = checker.text(entry.attribute, [...path, "attribute"]);
  const operator = checker.oneOf(entry.operator, [...path, "operator"], SCOPE_OPERATORS);
  const wanted = entry.value === undefined ? null : checker.text(entry.value, [...path, "value"]);
  if (attribute === undefined || operator === undefined || wanted === undefined) return undefined;
  checkAttribute(checker, attribute, [...path, "attribute"], source);
  if (attribute.split(".")[0] === "photo") {
    const detail =
      "photos are read little by little, so that a scope would let people in by chance; map photo.hash instead";
    checker.flaw([...path, "attribute"], detail);
  }
  return { attribute, operator, ...(wanted === null ? {} : { value: wanted }) };
}

/** Target attribute to rule. What a rule may say of which attribute is judged by core, with the kind at hand. */
export function readMapping(
  checker: Checker,
  value: unknown,
  path: Path,
  source: SourceKind | null,
): Mapping | undefined {
  const entry = checker.map(value, path, null);
  if (entry === undefined) return undefined;
  const rules = Object.entries(entry).map(
    ([name, rule]) => [name, readRule(checker, rule, [...path, name], source)] as const,
  );
  return rules.every(([, rule]) => rule !== undefined) ? (Object.fromEntries(rules) as Mapping) : undefined;
}

function readRule(checker: Checker, value: unknown, path: Path, source: SourceKind | null): MappingRule | undefined {
  const keys = ["direct", "constant", "expression", "whenEmpty", "default", "apply", "sensitive"];
  const entry = checker.map(value, path, keys);
  if (entry === undefined) return undefined;
  const way = readWay(checker, entry, path, source);
  const whenEmpty =
    entry.whenEmpty === undefined ? null : checker.oneOf(entry.whenEmpty, [...path, "whenEmpty"], WHEN_EMPTY);
  const apply =
    entry.apply === undefined ? null : checker.oneOf(entry.apply, [...path, "apply"], ["always", "create"] as const);
  const sensitive = entry.sensitive === undefined ? null : checker.boolean(entry.sensitive, [...path, "sensitive"]);
  if (way === undefined || whenEmpty === undefined || apply === undefined || sensitive === undefined) return undefined;
  return {
    ...way,
    ...(whenEmpty === null ? {} : { whenEmpty }),
    ...(entry.default === undefined ? {} : { default: entry.default as Value }),
    ...(apply === null ? {} : { apply }),
    ...(sensitive === null ? {} : { sensitive }),
  };
}

function readWay(
  checker: Checker,
  entry: { readonly [key: string]: unknown },
  path: Path,
  source: SourceKind | null,
): { readonly direct: string } | { readonly constant: Value } | { readonly expression: string } | undefined {
  const ways = ["direct", "constant", "expression"].filter((way) => entry[way] !== undefined);
  if (ways.length !== 1) return checker.flaw(path, "needs exactly one of direct, constant and expression");
  if (entry.constant !== undefined) return { constant: entry.constant as Value };
  if (entry.expression !== undefined) {
    const expression = checker.text(entry.expression, [...path, "expression"]);
    return expression === undefined ? undefined : { expression };
  }
  const direct = checker.text(entry.direct, [...path, "direct"]);
  if (direct === undefined) return undefined;
  checkSource(checker, direct, [...path, "direct"], source);
  return { direct };
}

/** Entra's name of an attribute, or Graph's; `manager.` in front of it means the manager's. */
function checkSource(checker: Checker, text: string, path: Path, source: SourceKind | null): void {
  const ofManager = source !== "group" && source !== "contact" && /^manager\./i.test(text);
  const named = sourceNameOf(ofManager ? text.slice("manager.".length) : text);
  // A flaw of the name itself is the mapping's compiler to say.
  if ("path" in named) checkAttribute(checker, named.path, path, source);
}
