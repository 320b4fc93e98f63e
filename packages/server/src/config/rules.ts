import {
  type Mapping,
  type MappingRule,
  OWNERS,
  type SourceKind,
  sourceNameOf,
  type Value,
  type WhenEmpty,
} from "@entrain/core";
import type { Checker } from "./checker.ts";
import { checkAttribute } from "./connections.ts";
import type { Path } from "./document.ts";

const WHEN_EMPTY: readonly WhenEmpty[] = ["keep", "clear", "default"];

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
  const keys = ["direct", "constant", "expression", "whenEmpty", "default", "apply", "owner", "sensitive"];
  const entry = checker.map(value, path, keys);
  if (entry === undefined) return undefined;
  const way = readWay(checker, entry, path, source);
  const whenEmpty =
    entry.whenEmpty === undefined ? null : checker.oneOf(entry.whenEmpty, [...path, "whenEmpty"], WHEN_EMPTY);
  const apply =
    entry.apply === undefined ? null : checker.oneOf(entry.apply, [...path, "apply"], ["always", "create"] as const);
  const owner = entry.owner === undefined ? null : checker.oneOf(entry.owner, [...path, "owner"], OWNERS);
  const sensitive = entry.sensitive === undefined ? null : checker.boolean(entry.sensitive, [...path, "sensitive"]);
  if (way === undefined || whenEmpty === undefined || apply === undefined) return undefined;
  if (owner === undefined || sensitive === undefined) return undefined;
  return {
    ...way,
    ...(whenEmpty === null ? {} : { whenEmpty }),
    ...(entry.default === undefined ? {} : { default: entry.default as Value }),
    ...(apply === null ? {} : { apply }),
    ...(owner === null ? {} : { owner }),
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
