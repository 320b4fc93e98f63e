import {
  type Attributes,
  type CompiledMapping,
  type CompiledScope,
  isConcealed,
  isEmpty,
  type MappingRule,
  type Outcome,
  type ScopeDecision,
  SENSITIVE,
  type SyncDefinition,
  sourceNameOf,
  type Value,
} from "@entrain/core";
import type { Store } from "../store/store.ts";

/** Attributes as they are shown: what stands for a sensitive value says so, and nothing else. */
export function shown<A extends Attributes | null>(attributes: A): A {
  if (attributes === null || !Object.values(attributes).some(isConcealed)) return attributes;
  const entries = Object.entries(attributes).map(([name, value]) => [name, isConcealed(value) ? SENSITIVE : value]);
  return Object.fromEntries(entries) as A;
}

const IDENTITY: readonly string[] = ["displayName", "userPrincipalName"];
const IN_BRACKETS = /\[([^\]]+)\]/g;

/** Whether what a rule writes is to be seen by nobody. */
function isSensitive(rule: MappingRule): boolean {
  return rule.sensitive === true || ("expression" in rule && /\bRedact\s*\(/i.test(rule.expression));
}

/** The source attributes, without what lies inside them, that a sync makes sensitive values of; who somebody is stays plain. */
export function sensitiveSources({ mapping }: Pick<SyncDefinition, "mapping">): readonly string[] {
  const names = Object.values(mapping).flatMap((rule): readonly string[] => {
    if (!isSensitive(rule)) return [];
    if ("direct" in rule) return [rule.direct];
    return "expression" in rule ? [...rule.expression.matchAll(IN_BRACKETS)].map(([, name = ""]) => name) : [];
  });
  // A manager's attributes are shown with the manager.
  const paths = names
    .map((name) => sourceNameOf(name.replace(/^manager\./i, "")))
    .flatMap((source) => ("path" in source ? [source.path] : []));
  return paths.map((path) => path.split(".")[0] ?? path).filter((root) => !IDENTITY.includes(root));
}

/** The source attributes of which any sync of a connection makes sensitive values. */
export async function sensitiveSourcesOf(store: Store, connection: string): Promise<readonly string[]> {
  const syncs = await store.db.selectFrom("syncs").select("definition").where("connection", "=", connection).execute();
  return syncs.flatMap(({ definition }) => sensitiveSources(JSON.parse(definition) as SyncDefinition));
}

/** What the target is known to hold, as it is shown: also where it was written before its attribute was marked sensitive. */
export function shownKnown(known: Attributes, { mapping }: Pick<SyncDefinition, "mapping">): Attributes {
  const names = Object.entries(mapping).flatMap(([name, rule]) => (isSensitive(rule) ? [name] : []));
  return withoutSensitiveSources(shown(known), names);
}

/**
 * A decision of a scope in words that tell no sensitive value: of whom it leaves out, a reason says what they have. `secrets`
 * come from {@link secretsOfScope}.
 */
export function withoutSecrets(decided: ScopeDecision, secrets: readonly string[]): ScopeDecision {
  if (decided.in) return decided;
  const told = secrets.filter((name) => decided.reason.includes(name));
  if (told.length === 0) return decided;
  return { ...decided, reason: `${told.join(" or ")}, which is sensitive, is not what the scope asks for` };
}

/** The source attributes that a scope looks at and of which the mapping makes sensitive values, by every name that a reason has for them. */
export function secretsOfScope(
  scope: Pick<CompiledScope, "attributes" | "namesOf">,
  mapping: Pick<CompiledMapping, "rules" | "unwritten" | "sensitive">,
): readonly string[] {
  if (!mapping.sensitive) return [];
  const read = new Set(
    [...mapping.rules, ...mapping.unwritten].flatMap(({ sensitive, reads }) => (sensitive ? reads : [])),
  );
  return scope.attributes.filter((name) => read.has(name) && !IDENTITY.includes(name)).flatMap(scope.namesOf);
}

/** A source record as it is shown, without the values of these attributes. */
export function withoutSensitiveSources(attributes: Attributes, sources: readonly string[]): Attributes {
  if (!sources.some((name) => name in attributes)) return attributes;
  const entries = Object.entries(attributes).map(([name, value]) => [
    name,
    sources.includes(name) && !isEmpty(value) ? SENSITIVE : value,
  ]);
  return Object.fromEntries(entries) as Attributes;
}

/** A text this short stands in many sentences that do not mean it. */
const SHORT = 4;

/** An outcome whose words do not repeat a sensitive value that the target was sent, in whichever case or escaping. */
export function withoutSensitive(outcome: Outcome, values: readonly Value[]): Outcome {
  const { detail } = outcome;
  if (detail === undefined || values.length === 0) return outcome;
  const texts = values.flat().flatMap((value) => (isEmpty(value) ? [] : spellings(String(value))));
  // What is longer than all that was said cannot stand in it.
  const patterns = texts
    .filter((text) => text.length <= detail.length)
    .sort((a, b) => b.length - a.length)
    .map((text) => ({ text, pattern: new RegExp(text.replaceAll(SYNTAX, String.raw`\$&`), "gi") }));
  if (patterns.some(({ text, pattern }) => text.length < SHORT && detail.search(pattern) >= 0)) {
    return { ...outcome, detail: "the target's answer is not shown, for it may repeat a sensitive value" };
  }
  return { ...outcome, detail: patterns.reduce((said, { pattern }) => said.replace(pattern, SENSITIVE), detail) };
}

const SYNTAX = /[$()*+./?[\\\]^{|}-]/g;

function spellings(text: string): readonly string[] {
  return [...new Set([text, text.trim(), JSON.stringify(text).slice(1, -1), encodeURIComponent(text.toWellFormed())])];
}
