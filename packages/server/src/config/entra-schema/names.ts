import type { TargetAttribute, TargetKind } from "@entrain/core";
import type { EntraAttributeMapping } from "./schema.ts";

/** Enabling and disabling, which SCIM keeps in an attribute and Entrain does by changes of their own. */
export const ACTIVE = "active";
/** Entra's computed attribute: true for whoever left the scope, was disabled or deleted. */
export const SOFT_DELETED = "IsSoftDeleted";
/** A group's members, which follow without a mapping. */
export const MEMBERS = "members";

/** RFC 7643: names of attributes may be written in full, and in any case. */
const CORE_SCHEMA = /^urn:ietf:params:scim:schemas:core:2\.0:(?:user|group):/;

/** A target attribute's name so that two spellings of one attribute are equal. */
export function nameKey(name: string): string {
  return name.trim().toLowerCase().replace(CORE_SCHEMA, "").replace(/\s+/g, " ").replaceAll("'", '"');
}

/** The attribute of a target's kind that an Entra mapping names; undefined: it has none. */
export function attributeNamed(kind: TargetKind, name: string): TargetAttribute | undefined {
  return (
    kind.attributes.find((one) => one.name === name) ??
    kind.attributes.find((one) => nameKey(one.name) === nameKey(name))
  );
}

/** Whether an Entra mapping is about enabling and disabling, which is no attribute of this kind but what `deprovision` decides. */
export function isLifecycle(mapping: EntraAttributeMapping, kind: TargetKind): boolean {
  if (!kind.disable || attributeNamed(kind, mapping.target) !== undefined) return false;
  return nameKey(mapping.target) === ACTIVE || readsSoftDeleted(mapping);
}

/** Whether an Entra mapping writes whether somebody is soft-deleted, in whichever way. */
export function readsSoftDeleted({ source }: EntraAttributeMapping): boolean {
  if (source === null) return false;
  return /\[\s*IsSoftDeleted\s*\]/i.test(source.expression) || source.name.toLowerCase() === "issoftdeleted";
}
