import { attributeFlaw } from "@entrain/connectors/entra";
import { compileMapping, type MappingRule, type TargetKind } from "@entrain/core";

/**
 * A kind's preset as far as contacts have its attributes. They have no user principal name, and their mail address, which they have
 * instead, is as unique; of their phones there is one of each type, in no order that a mapping could name.
 */
export function contactPreset({ preset, ...kind }: TargetKind): TargetKind["preset"] {
  const rules = Object.entries(preset.mapping).map(([name, rule]) => [name, withMail(rule)] as const);
  const contacts: TargetKind = { ...kind, preset, source: "contact" };
  const mapping = Object.fromEntries(rules.filter(([name, rule]) => fits(name, rule, contacts)));
  return { mapping, matching: preset.matching.filter((name) => Object.hasOwn(mapping, name)) };
}

function withMail(rule: MappingRule): MappingRule {
  const readsName =
    ("direct" in rule && rule.direct === "userPrincipalName") ||
    ("expression" in rule && rule.expression.includes("[userPrincipalName]"));
  return readsName ? { direct: "mail" } : rule;
}

function fits(name: string, rule: MappingRule, kind: TargetKind): boolean {
  const sourceFlaw = (attribute: string): string | null => attributeFlaw("contact", attribute)?.detail ?? null;
  if ("direct" in rule && sourceFlaw(rule.direct) !== null) return false;
  const attributes = kind.attributes.filter((attribute) => attribute.name === name);
  return "mapping" in compileMapping({ [name]: rule }, { ...kind, attributes }, { sourceFlaw });
}
