import {
  type Attributes,
  isConcealed,
  isEmpty,
  type Outcome,
  SENSITIVE,
  type SyncDefinition,
  sourceNameOf,
  type Value,
} from "@entrain/core";

/** Attributes as they are shown: what stands for a sensitive value says so, and nothing else. */
export function shown<A extends Attributes | null>(attributes: A): A {
  if (attributes === null || !Object.values(attributes).some(isConcealed)) return attributes;
  const entries = Object.entries(attributes).map(([name, value]) => [name, isConcealed(value) ? SENSITIVE : value]);
  return Object.fromEntries(entries) as A;
}

const IDENTITY: readonly string[] = ["displayName", "userPrincipalName"];
const IN_BRACKETS = /\[([^\]]+)\]/g;

/** The source attributes, without what lies inside them, that a sync makes sensitive values of; who somebody is stays plain. */
export function sensitiveSources({ mapping }: Pick<SyncDefinition, "mapping">): readonly string[] {
  const names = Object.values(mapping).flatMap((rule): readonly string[] => {
    const sensitive = rule.sensitive === true || ("expression" in rule && /\bRedact\s*\(/.test(rule.expression));
    if (!sensitive) return [];
    if ("direct" in rule) return [rule.direct];
    return "expression" in rule ? [...rule.expression.matchAll(IN_BRACKETS)].map(([, name = ""]) => name) : [];
  });
  const paths = names.map((name) => sourceNameOf(name)).flatMap((source) => ("path" in source ? [source.path] : []));
  return paths.map((path) => path.split(".")[0] ?? path).filter((root) => !IDENTITY.includes(root));
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

/** An outcome whose words do not repeat a sensitive value that the target was sent. */
export function withoutSensitive(outcome: Outcome, values: readonly Value[]): Outcome {
  if (outcome.detail === undefined || values.length === 0) return outcome;
  const texts = values.flat().map(String);
  if (texts.some((text) => text.length < SHORT && text !== "" && outcome.detail?.includes(text))) {
    return { ...outcome, detail: "the target's answer is not shown, for it may repeat a sensitive value" };
  }
  const detail = texts
    .filter((text) => text !== "")
    .reduce((said, text) => said.replaceAll(text, SENSITIVE), outcome.detail);
  return { ...outcome, detail };
}
