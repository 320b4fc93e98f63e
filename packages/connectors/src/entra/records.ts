import type { Attributes, Member, MemberType, SourceKind, SourceRecord, Value } from "@entrain/core";
import type { Entity } from "./client.ts";

const REMOVED = "@removed";
const TYPES: Readonly<Record<string, MemberType>> = {
  "#microsoft.graph.user": "user",
  "#microsoft.graph.group": "group",
  "#microsoft.graph.device": "device",
  "#microsoft.graph.servicePrincipal": "servicePrincipal",
  "#microsoft.graph.orgContact": "contact",
};

/** The attributes of a record without any values, to be copied for each whole record. */
export function blankOf(names: readonly string[]): Attributes {
  return Object.fromEntries(names.map((name) => [name, null]));
}

/**
 * Every selected attribute, `null` when the service holds none: what a whole record says. Copying `blank` gives the object its final
 * size at once; growing it name by name costs a third more time for a page, and much more garbage.
 */
export function wholeAttributes(entity: Entity, blank: Attributes): Attributes {
  const attributes: Record<string, Value> = { ...blank };
  for (const name in attributes) {
    // Graph answers JSON, so that every property is a Value.
    const value = entity[name] as Value | undefined;
    if (value !== undefined) attributes[name] = value;
  }
  return attributes;
}

/** The selected attributes that a delta answer holds; the absent ones are unchanged. */
function partialAttributes(entity: Entity, names: readonly string[]): Attributes {
  const attributes: Record<string, Value> = {};
  for (const name of names) {
    const value = entity[name] as Value | undefined;
    if (value !== undefined) attributes[name] = value;
  }
  return attributes;
}

/** A user of `/users?$expand=manager($select=id)`. */
export function wholeUser(entity: Entity, blank: Attributes): SourceRecord {
  const manager = entity.manager as { readonly id?: unknown } | null | undefined;
  const id = manager?.id;
  return {
    kind: "user",
    id: entity.id,
    form: "whole",
    attributes: wholeAttributes(entity, blank),
    manager: typeof id === "string" ? id : null,
  };
}

/** A user of `/users/delta?$select=…,manager` ("Use delta query to track changes"). */
export function changedUser(entity: Entity, names: readonly string[]): SourceRecord {
  if (REMOVED in entity) return removedRecord("user", entity);
  const record = {
    kind: "user",
    id: entity.id,
    form: "partial",
    attributes: partialAttributes(entity, names),
  } as const;
  const changes = referencesOf(entity["manager@delta"]);
  if (changes.length === 0) return record;
  const manager = changes.findLast((change) => !(REMOVED in change));
  return { ...record, manager: manager?.id ?? null };
}

/** A contact of `/contacts`. */
export function wholeContact(entity: Entity, blank: Attributes): SourceRecord {
  return { kind: "contact", id: entity.id, form: "whole", attributes: wholeAttributes(entity, blank) };
}

/** A contact of `/contacts/delta`. */
export function changedContact(entity: Entity, names: readonly string[]): SourceRecord {
  if (REMOVED in entity) return removedRecord("contact", entity);
  return { kind: "contact", id: entity.id, form: "partial", attributes: partialAttributes(entity, names) };
}

/** A group of `/groups/delta?$select=…,members`: a group may occur several times, each with a part of its changes. */
export function changedGroup(entity: Entity, names: readonly string[]): SourceRecord {
  if (REMOVED in entity) return removedRecord("group", entity);
  const record = {
    kind: "group",
    id: entity.id,
    form: "partial",
    attributes: partialAttributes(entity, names),
  } as const;
  const changes = referencesOf(entity["members@delta"]);
  if (changes.length === 0) return record;
  const last = new Map(changes.map((change) => [change.id, change]));
  const add: Member[] = [];
  const remove: string[] = [];
  for (const change of last.values()) {
    if (REMOVED in change) remove.push(change.id);
    else add.push(memberOf(change));
  }
  return { ...record, memberships: { form: "changes", add, remove } };
}

/** A member with the type that its annotation names. */
export function memberOf(entity: Entity): Member {
  const type = entity["@odata.type"];
  return { id: entity.id, type: (typeof type === "string" ? TYPES[type] : undefined) ?? "unknown" };
}

/** An entry of a delta answer that tells only that the entity went. */
export function isRemoved(entity: Entity): boolean {
  return REMOVED in entity;
}

/** Only `deleted` is for good; `changed`, and whatever Graph may say one day, can still be restored. */
function removedRecord(kind: SourceKind, entity: Entity): SourceRecord {
  const removed = entity[REMOVED] as { readonly reason?: unknown } | null;
  return {
    kind,
    id: entity.id,
    form: "partial",
    attributes: {},
    removed: removed?.reason === "deleted" ? "hard" : "soft",
  };
}

function referencesOf(list: unknown): readonly Entity[] {
  if (!Array.isArray(list)) return [];
  return list.filter((item): item is Entity => typeof item?.id === "string");
}
