import type { Attributes, TargetChange, TargetRecord, Value } from "@entrain/core";
import { isJson, type Json, textIn } from "./json.ts";
import { type FreshchatKind, PROPERTY } from "./kinds.ts";

/** Roles with rights over the account; the built-in ones say so in their ids or names ("ACCOUNT_ADMIN"). */
const PRIVILEGED = /admin|owner/i;

/** A resource as a record; `null` for one without an id, or one that is deleted and still listed. */
export function recordOf(kind: FreshchatKind, resource: Json): TargetRecord | null {
  const id = textIn(resource.id);
  if (id === null || resource.is_deleted === true) return null;
  const attributes: { [name: string]: Value } = {};
  for (const name of kind.attributes.keys()) attributes[name] = valueIn(resource, name);
  const record = { kind: kind.kind.name, id, attributes, active: isActive(kind, resource) };
  const roles = [resource.role_id, resource.role_name].map(textIn);
  return roles.some((role) => role !== null && PRIVILEGED.test(role)) ? { ...record, privileged: true } : record;
}

/** Kinds without `disable` are always active. */
export function isActive({ kind }: FreshchatKind, resource: Json): boolean {
  return !kind.disable || resource.is_deactivated !== true;
}

/** One attribute of a resource; `null` when it is empty. */
function valueIn(resource: Json, attribute: string): string | null {
  if (attribute === "role") return textIn(resource.role_id);
  if (attribute === "group") return textIn(groupsOf(resource)[0]);
  if (attribute.startsWith(PROPERTY)) return propertyIn(resource, attribute.slice(PROPERTY.length));
  return textIn(resource[attribute]);
}

function groupsOf({ groups }: Json): readonly unknown[] {
  return Array.isArray(groups) ? groups : [];
}

/** Properties are a list of `{name, value}` (Airbyte's and PostHog's schemas of the live API). */
function propertiesOf({ properties }: Json): readonly Json[] {
  return Array.isArray(properties) ? properties.filter(isJson) : [];
}

function propertyIn(resource: Json, name: string): string | null {
  const found = propertiesOf(resource).find((one) => one.name === name);
  return found === undefined ? null : textIn(found.value);
}

/** How an attribute that is to be cleared is written: nobody says which of the two Freshchat heeds. */
export type Emptiness = null | "";

/**
 * What a record is written as: `current` as it was read, where there is one, with the changes laid over. Of a new record only
 * what has a value is written.
 */
export function bodyOf(
  kind: FreshchatKind,
  current: Json | null,
  change: Pick<TargetChange, "set" | "was" | "active">,
  empty: Emptiness = null,
): Json {
  const body: { [name: string]: unknown } = {};
  for (const field of current === null ? [] : kind.repeated) {
    const value = current?.[field];
    if (value !== undefined && value !== null) body[field] = value;
  }
  for (const [name, value] of Object.entries(change.set)) {
    if (name === "group") layGroup(body, current, change);
    else lay(body, current, name, { value, empty });
  }
  if (kind.kind.disable && (change.active === false || (change.active === true && current !== null))) {
    body.is_deactivated = !change.active;
  }
  return body;
}

/** Only the group that was given before is ours to take away, wherever it stands; in which others an agent is, is not ours to say. */
function layGroup(body: { [name: string]: unknown }, current: Json | null, { set, was }: GroupChange): void {
  const group = groupIn(set);
  const ours = [group, groupIn(was)];
  const others = (current === null ? [] : groupsOf(current)).filter((id) => !ours.includes(textIn(id)));
  if (group !== null) body.groups = [group, ...others];
  else if (current !== null) body.groups = others;
}

type GroupChange = Pick<TargetChange, "set" | "was">;

function groupIn(attributes: Attributes = {}): string | null {
  return textIn(attributes.group);
}

/** In the group that is to be given, wherever that stands, and no longer in the one that was. */
function isInGroup(resource: Json, { set, was }: GroupChange): boolean {
  const [group, before] = [groupIn(set), groupIn(was)];
  const groups = groupsOf(resource).map(textIn);
  return (
    (group === null || groups.includes(group)) && (before === null || before === group || !groups.includes(before))
  );
}

/** What is to be told of a change of the group where nobody knows which one was given before, as after that was renamed. */
export function groupsKept(current: Json, { set, was }: GroupChange): string | null {
  if (set.group === undefined || was?.group !== undefined) return null;
  const isBeside = groupsOf(current).some((id) => textIn(id) !== groupIn(set));
  return isBeside ? "It is not known which of its groups was given before, so the agent stays in all of them." : null;
}

function lay(
  body: { [name: string]: unknown },
  current: Json | null,
  name: string,
  { value, empty }: { readonly value: Value; readonly empty: Emptiness },
): void {
  if (name.startsWith(PROPERTY)) {
    const property = name.slice(PROPERTY.length);
    const others = propertiesOf(body).filter((one) => one.name !== property);
    if (value === null && current === null) return;
    // A list that replaces the one before, and one that is merged into it by name, come to the same with an empty text in it.
    body.properties = [...others, { name: property, value: value === null ? "" : String(value) }];
    return;
  }
  const field = name === "role" ? "role_id" : name;
  if (value !== null) body[field] = value;
  else if (current !== null) body[field] = empty;
}

/** Whether a resource is in groups beside the one that it was given. */
export function hasMore(resource: Json, { group }: Attributes): boolean {
  return group !== undefined && groupsOf(resource).length > (group === null || group === "" ? 0 : 1);
}

/** The attributes of a change whose values a resource does not show. */
export function notTaken(resource: Json, change: Pick<TargetChange, "set" | "was">): readonly string[] {
  return Object.entries(change.set).flatMap(([name, value]) => {
    const isTaken =
      name === "group" ? isInGroup(resource, change) : valueIn(resource, name) === (value === "" ? null : value);
    return isTaken ? [] : [name];
  });
}
