import type { Attributes } from "@entrain/core";
import type { ScimAttribute, ScimKind } from "./attributes.ts";
import { elementOf, type Json, newElement, property, valueIn } from "./resource.ts";

/** One operation of a PATCH (RFC 7644 section 3.5.2): op in lower case, always with a path, never a null value. */
export interface Operation {
  readonly op: "add" | "replace" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

/** The most operations or members of one request: AWS takes no more than 100 member changes. */
export const PATCH_LIMIT = 100;

/**
 * The operations that write `set` into a resource, `null` clearing. Without `current` they suppose that every element
 * they name exists. With it they fit that resource: a missing element is added (replacing one is the error `noTarget`,
 * section 3.5.2.3), and what is empty already is not removed.
 */
export function operationsFor(
  kind: ScimKind,
  set: Attributes,
  active: boolean | undefined,
  current?: Json,
): readonly Operation[] {
  const operations: Operation[] = [];
  const added = new Map<string, { [name: string]: unknown }>();
  if (active !== undefined && kind.kind.disable) operations.push({ op: "replace", path: "active", value: active });
  for (const [name, value] of Object.entries(set)) {
    const attribute = kind.attributes.get(name);
    if (attribute === undefined) continue;
    const { type, sub } = attribute.path;
    if (value === null) {
      if (current !== undefined && valueIn(current, attribute) === null) continue;
      operations.push({ op: "remove", path: removalPath(name, attribute) });
    } else if (current !== undefined && type !== null && !elementOf(current, attribute.path.attribute, type)) {
      const key = `${attribute.path.attribute}/${type}`;
      const element = added.get(key) ?? newElementBeside(current, attribute.path.attribute, type);
      if (!added.has(key)) operations.push({ op: "add", path: attribute.path.attribute, value: [element] });
      element[sub ?? "value"] = value;
      added.set(key, element);
    } else {
      operations.push({
        op: "replace",
        path: name,
        value: attribute.declared.type === "reference" ? { value } : value,
      });
    }
  }
  return operations;
}

/** An element whose only content is its value goes as a whole; an address keeps its other parts. */
function removalPath(name: string, { path }: ScimAttribute): string {
  return path.type !== null && path.sub === "value" ? `${path.attribute}[type eq "${path.type}"]` : name;
}

/** At most one element may be primary (RFC 7643 section 2.4). */
function newElementBeside(current: Json, attribute: string, type: string): { [name: string]: unknown } {
  const others = property(current, attribute);
  const { primary, ...element } = newElement(attribute, type);
  return primary === true && !(Array.isArray(others) && others.length > 0) ? { ...element, primary } : element;
}

/** Adds members by id. The type is left out: the id says it, and servers disagree on its spelling. */
export function memberAdditions(ids: readonly string[]): readonly Operation[] {
  return [{ op: "add", path: "members", value: ids.map((value) => ({ value })) }];
}

/**
 * Removes members one by one through a filtered path. A `remove` of the path `members` with values, which Entra's own
 * client sends, is taken by servers that follow the RFC for "remove all members": it is sent in that client's dialect alone.
 */
export function memberRemovals(ids: readonly string[]): readonly Operation[] {
  return ids.map((id) => ({ op: "remove", path: `members[value eq ${JSON.stringify(id)}]` }));
}

/** The body of a PATCH. */
export function patchBody(operations: readonly object[]): Json {
  return { schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], Operations: operations };
}
