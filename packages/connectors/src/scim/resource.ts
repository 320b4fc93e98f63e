import type { Attributes, TargetRecord, Value } from "@entrain/core";
import type { ScimAttribute, ScimKind } from "./attributes.ts";

/** A JSON object of which nothing is known yet. */
export type Json = { readonly [name: string]: unknown };

export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads a property whatever its case: attribute names in SCIM are case-insensitive (RFC 7643 section 2.1). */
export function property(object: Json, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name];
  const folded = name.toLowerCase();
  const key = Object.keys(object).find((candidate) => candidate.toLowerCase() === folded);
  return key === undefined ? undefined : object[key];
}

/** The element of a multi-valued attribute with that type, if there is one. */
export function elementOf(resource: Json, attribute: string, type: string): Json | undefined {
  const elements = property(resource, attribute);
  if (!Array.isArray(elements)) return undefined;
  return elements.filter(isJson).find((element) => String(property(element, "type")).toLowerCase() === type);
}

/** One attribute's value in a resource; `null` when the resource does not hold it. */
export function valueIn(resource: Json, { declared, path }: ScimAttribute): Value {
  const container = path.schema === null ? resource : property(resource, path.schema);
  if (!isJson(container)) return null;
  if (path.type !== null) {
    const element = elementOf(container, path.attribute, path.type);
    return element ? plain(property(element, path.sub ?? "value")) : null;
  }
  const value = property(container, path.attribute);
  if (declared.type === "reference") return referenceIn(value);
  if (path.sub === null) return plain(value);
  return isJson(value) ? plain(property(value, path.sub)) : null;
}

/** Servers give a manager as RFC 7643 says (`{value}`), bare, or in a list as Entra's own client sends it. */
function referenceIn(value: unknown): Value {
  const single = Array.isArray(value) ? value[0] : value;
  const id = isJson(single) ? property(single, "value") : single;
  return typeof id === "string" && id !== "" ? id : null;
}

function plain(value: unknown): Value {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
}

/** A resource as a record, or `null` when it has no id. An absent `active` means active: only `false` disables. */
export function recordOf(kind: ScimKind, resource: unknown, members: boolean): TargetRecord | null {
  if (!isJson(resource)) return null;
  const id = property(resource, "id");
  if (typeof id !== "string" || id === "") return null;
  const attributes: { [name: string]: Value } = {};
  for (const [name, attribute] of kind.attributes) attributes[name] = valueIn(resource, attribute);
  return {
    kind: kind.kind.name,
    id,
    attributes,
    active: !kind.kind.disable || !isFalse(property(resource, "active")),
    ...(members && kind.kind.members.length > 0 && { members: memberIds(resource) }),
  };
}

/** Some servers answer the text that Entra's own client sends. */
export function isFalse(value: unknown): boolean {
  return value === false || (typeof value === "string" && value.toLowerCase() === "false");
}

/** Ids are unique over all resource types (RFC 7643 section 3.1), so a member's id says which record it is. */
export function memberIds(resource: Json): readonly string[] {
  const members = property(resource, "members");
  if (!Array.isArray(members)) return [];
  const ids = members.filter(isJson).map((member) => property(member, "value"));
  return [...new Set(ids.filter((id): id is string => typeof id === "string" && id !== ""))];
}

type Mutable = { [name: string]: unknown };

/** The body of a creation. Empty values are left out: a null-valued key is refused by many servers. */
export function resourceOf(kind: ScimKind, set: Attributes, active: boolean): Json {
  const resource: Mutable = { schemas: [kind.schema] };
  const schemas = new Set([kind.schema]);
  if (kind.kind.disable) resource.active = active;
  for (const [name, value] of Object.entries(set)) {
    const attribute = kind.attributes.get(name);
    if (attribute === undefined || value === null) continue;
    const { schema } = attribute.path;
    if (schema !== null) schemas.add(schema);
    put(schema === null ? resource : inner(resource, schema), attribute, value);
  }
  resource.schemas = [...schemas];
  return resource;
}

function put(container: Mutable, { declared, path }: ScimAttribute, value: Value): void {
  if (declared.type === "reference") container[path.attribute] = { value };
  else if (path.type !== null) elementFor(container, path.attribute, path.type)[path.sub ?? "value"] = value;
  else if (path.sub !== null) inner(container, path.attribute)[path.sub] = value;
  else container[path.attribute] = value;
}

function elementFor(container: Mutable, attribute: string, type: string): Mutable {
  const elements = (container[attribute] ?? []) as readonly Mutable[];
  const known = elements.find((element) => element.type === type);
  if (known !== undefined) return known;
  const added = newElement(attribute, type);
  container[attribute] = [...elements, added];
  return added;
}

/** The work address is the primary one, as in what Entra's own client sends. */
export function newElement(attribute: string, type: string): Mutable {
  return attribute === "emails" && type === "work" ? { type, primary: true } : { type };
}

function inner(container: Mutable, name: string): Mutable {
  const object = (container[name] ?? {}) as Mutable;
  container[name] = object;
  return object;
}
