import type { Attributes, TargetRecord, Value } from "@entrain/core";
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
  change: { readonly set: Attributes; readonly active?: boolean },
  empty: Emptiness = null,
): Json {
  const body: { [name: string]: unknown } = {};
  for (const field of current === null ? [] : kind.repeated) {
    const value = current?.[field];
    if (value !== undefined && value !== null) body[field] = value;
  }
  for (const [name, value] of Object.entries(change.set)) lay(body, current, name, { value, empty });
  if (kind.kind.disable && (change.active === false || (change.active === true && current !== null))) {
    body.is_deactivated = !change.active;
  }
  return body;
}

function lay(
  body: { [name: string]: unknown },
  current: Json | null,
  name: string,
  { value, empty }: { readonly value: Value; readonly empty: Emptiness },
): void {
  if (name === "group") {
    // Only the first one is ours to say; in which others an agent is beside it, is not.
    const others = (current === null ? [] : groupsOf(current)).slice(1).filter((id) => id !== value);
    if (value !== null || current !== null) body.groups = value === null ? others : [value, ...others];
    return;
  }
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
export function notTaken(resource: Json, set: Attributes): readonly string[] {
  return Object.entries(set).flatMap(([name, value]) =>
    valueIn(resource, name) === (value === "" ? null : value) ? [] : [name],
  );
}
