import { attributeFlaw } from "@entrain/connectors/entra";
import type { TargetKind } from "@entrain/core";

/**
 * A kind's preset as far as contacts have its attributes. They have no user principal name, and their mail address, which they have
 * instead, is as unique; of their phones there is one of each type, in no order that a mapping could name.
 */
export function contactPreset({ preset }: TargetKind): TargetKind["preset"] {
  const rules = Object.entries(preset.mapping).map(
    ([name, { direct }]) => [name, { direct: direct === "userPrincipalName" ? "mail" : direct }] as const,
  );
  const mapping = Object.fromEntries(rules.filter(([, { direct }]) => attributeFlaw("contact", direct) === null));
  return { mapping, matching: preset.matching.filter((name) => Object.hasOwn(mapping, name)) };
}
