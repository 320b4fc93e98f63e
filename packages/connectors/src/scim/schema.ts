import { plain } from "@entrain/core";
import type { ScimAttribute, ScimKind } from "./attributes.ts";
import { isJson, type Json, property } from "./resource.ts";

/** What a server says of its attributes (RFC 7643 section 7), as far as it concerns what we write. Names as mappings have them. */
export interface Declared {
  /** Those of ours that it never takes. */
  readonly readOnly: readonly string[];
  /** Those of ours that it does not list: it may ignore them. */
  readonly unlisted: readonly string[];
  /** Those that it requires and that we do not have. */
  readonly required: readonly string[];
}

/**
 * Holds a server's `/Schemas` against the attributes that we write. `null` where it does not describe the resource type.
 * Its canonical values are suggestions and limit nothing (RFC 7643 section 7).
 */
export function declaredIn(schemas: unknown, kind: ScimKind): Declared | null {
  if (!isJson(schemas)) return null;
  const resources = property(schemas, "Resources");
  const known = new Map<string, readonly Json[]>();
  for (const schema of Array.isArray(resources) ? resources.filter(isJson) : []) {
    known.set(String(property(schema, "id")).toLowerCase(), listIn(schema, "attributes"));
  }
  const own = known.get(kind.schema.toLowerCase());
  if (own === undefined || own.length === 0) return null;
  const readOnly: string[] = [];
  const unlisted: string[] = [];
  for (const [name, attribute] of kind.attributes) {
    // Every resource has an externalId, and no schema needs to list it (RFC 7643 section 3.1).
    if (name === "externalId") continue;
    const chain = find(attribute, kind, known);
    if (chain === null) unlisted.push(name);
    else if (chain.some((one) => property(one, "mutability") === "readOnly")) readOnly.push(name);
  }
  const ours = new Set([...kind.attributes.values()].map(({ path }) => path.attribute.toLowerCase()));
  const required = own
    .filter((one) => property(one, "required") === true)
    .map((one) => String(property(one, "name")))
    .filter((name) => !ours.has(name.toLowerCase()) && !ALWAYS.includes(name))
    .slice(0, MOST_NAMED)
    .map(plain);
  return { readOnly, unlisted, required };
}

const MOST_NAMED = 10;
/** What comes with every resource, or is written without a mapping. */
const ALWAYS: readonly string[] = ["id", "schemas", "meta", "active", "members"];

/** The attribute's own declaration and that of what it lies in; `null` for one that is not listed. */
function find(
  { path }: ScimAttribute,
  kind: ScimKind,
  known: ReadonlyMap<string, readonly Json[]>,
): readonly Json[] | null {
  const attributes = known.get((path.schema ?? kind.schema).toLowerCase()) ?? [];
  const outer = named(attributes, path.attribute);
  if (outer === undefined) return null;
  const sub = path.sub ?? (path.type === null ? null : "value");
  const inner = sub === null ? undefined : named(listIn(outer, "subAttributes"), sub);
  if (sub !== null && inner === undefined) return null;
  return inner === undefined ? [outer] : [outer, inner];
}

function named(attributes: readonly Json[], name: string): Json | undefined {
  return attributes.find((one) => String(property(one, "name")).toLowerCase() === name.toLowerCase());
}

function listIn(object: Json, name: string): readonly Json[] {
  const list = property(object, name);
  return Array.isArray(list) ? list.filter(isJson) : [];
}
