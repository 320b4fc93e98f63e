import { plain, type TargetAttribute, type TargetKind } from "@entrain/core";
import type { ScimAttribute, ScimKind } from "./attributes.ts";
import { isJson, type Json, property } from "./resource.ts";

/**
 * How much a server's description of itself counts. `follow`: its limits hold, its canonical values are spellings. `strict`: its
 * canonical values are the only ones. `ignore`: it is not asked.
 */
export type Heed = "follow" | "strict" | "ignore";

/** What a server says of its attributes (RFC 7643 section 7), as far as it concerns what we write. Names as mappings have them. */
export interface Declared {
  /** Those of ours that it never takes. */
  readonly readOnly: readonly string[];
  /** Those of ours that it does not list: it would ignore or refuse them. */
  readonly unlisted: readonly string[];
  /** Those that it requires and that we do not have. */
  readonly required: readonly string[];
  /** The kind with what the server says of each attribute. */
  readonly kind: TargetKind;
}

/**
 * Holds a server's `/Schemas` against the attributes that we write. `null` where it does not describe the resource type. What
 * it says only ever narrows what we know of SCIM itself.
 */
export function declaredIn(schemas: unknown, kind: ScimKind, heed: Heed = "follow"): Declared | null {
  if (!isJson(schemas)) return null;
  const resources = property(schemas, "Resources");
  const listed = Array.isArray(resources) ? resources : [];
  const known: Known = {
    schemas: new Map(
      listed
        .filter(isJson)
        .map((schema) => [String(property(schema, "id")).toLowerCase(), listIn(schema, "attributes")]),
    ),
    isWhole: !(Number(property(schemas, "totalResults")) > listed.length),
  };
  const own = known.schemas.get(kind.schema.toLowerCase());
  if (own === undefined || own.length === 0) return null;
  const attributes = [...kind.attributes.values()].map((attribute) => narrowed(attribute, kind, { known, heed }));
  const named = (which: (attribute: TargetAttribute) => boolean | undefined): readonly string[] =>
    attributes.filter((one) => which(one) === true).map(({ name }) => name);
  return {
    readOnly: named(({ readOnly }) => readOnly),
    unlisted: named(({ unlisted }) => unlisted),
    required: requiredBeyond(own, kind),
    kind: { ...kind.kind, attributes, described: true },
  };
}

interface Known {
  /** Attributes by the lower-case id of their schema. */
  readonly schemas: ReadonlyMap<string, readonly Json[]>;
  /** The server told all of its schemas, and not the first page of them (which RFC 7644, section 4, does not foresee). */
  readonly isWhole: boolean;
}

const MOST_NAMED = 10;
/** What comes with every resource, or is written without a mapping. */
const ALWAYS: readonly string[] = ["id", "schemas", "meta", "active", "members"];

function requiredBeyond(own: readonly Json[], kind: ScimKind): readonly string[] {
  const ours = new Set([...kind.attributes.values()].map(({ path }) => path.attribute.toLowerCase()));
  return own
    .filter((one) => property(one, "required") === true)
    .map((one) => String(property(one, "name")))
    .filter((name) => !ours.has(name.toLowerCase()) && !ALWAYS.includes(name))
    .slice(0, MOST_NAMED)
    .map(plain);
}

/** One attribute with the limits that the server sets it. */
function narrowed(
  attribute: ScimAttribute,
  kind: ScimKind,
  { known, heed }: { readonly known: Known; readonly heed: Heed },
): TargetAttribute {
  const { declared, path } = attribute;
  // Every resource may have an externalId, and no schema needs to list it (RFC 7643 section 3.1).
  if (declared.name === "externalId") return declared;
  const chain = find(attribute, kind, known.schemas);
  if (chain === null) {
    const isTold = path.schema === null || known.isWhole || known.schemas.has(path.schema.toLowerCase());
    // The protocol itself requires what we do, so a schema without it is told in part.
    return isTold && declared.required !== true ? { ...declared, unlisted: true } : declared;
  }
  const last = chain.at(-1);
  const says = (name: string): unknown => (last === undefined ? undefined : property(last, name));
  return {
    ...declared,
    ...mutabilityOf(chain),
    ...(isRequired(attribute, chain, kind) && { required: true }),
    ...(declared.type === "string" && ["server", "global"].includes(String(says("uniqueness"))) && { unique: true }),
    ...(declared.type === "string" && says("caseExact") === true && { caseExact: true }),
    ...(declared.type === "string" && canonicalOf(says("canonicalValues"), heed)),
  };
}

/**
 * An element of a list may be replaced although its parts are immutable, as `members` are everywhere (RFC 7643 section 8.7.1): only
 * the list's own immutability keeps it from being changed.
 */
function mutabilityOf(chain: readonly Json[]): Pick<TargetAttribute, "readOnly" | "immutable"> {
  const isOneOf = (one: Json, mutability: string): boolean => property(one, "mutability") === mutability;
  if (chain.some((one) => isOneOf(one, "readOnly"))) return { readOnly: true };
  const [outer] = chain;
  const deciding = outer !== undefined && property(outer, "multiValued") === true ? [outer] : chain;
  return deciding.some((one) => isOneOf(one, "immutable")) ? { immutable: true } : {};
}

/**
 * A part is required where the server requires the whole and the part, or where it is the only one of the whole that we write. A
 * reference may come later than its record, so none is required beforehand.
 */
function isRequired({ declared, path }: ScimAttribute, chain: readonly Json[], kind: ScimKind): boolean {
  const [outer] = chain;
  if (declared.type === "reference" || outer === undefined || property(outer, "required") !== true) return false;
  const within = [...kind.attributes.values()].filter(
    (one) => one.path.schema === path.schema && one.path.attribute === path.attribute,
  );
  if (within.length === 1) return true;
  return path.type === null && chain.every((one) => property(one, "required") === true);
}

/**
 * Canonical values are suggestions, which a server may hold everyone to and need not (RFC 7643 sections 2.3.1 and 7). Held to them
 * by default, a value that the server takes would fail; so they lend their spelling alone.
 */
function canonicalOf(values: unknown, heed: Heed): Pick<TargetAttribute, "choices" | "spellings"> {
  const texts = Array.isArray(values) ? values.filter((one) => typeof one === "string" && one !== "") : [];
  if (texts.length === 0) return {};
  return heed === "strict" ? { choices: texts } : { spellings: texts };
}

/** The attribute's own declaration behind that of what it lies in; `null` for one that is not listed. */
function find(
  { path }: ScimAttribute,
  kind: ScimKind,
  known: ReadonlyMap<string, readonly Json[]>,
): readonly Json[] | null {
  const attributes = known.get((path.schema ?? kind.schema).toLowerCase()) ?? [];
  const outer = named(attributes, path.attribute);
  if (outer === undefined) return null;
  const sub = path.sub ?? (path.type === null ? null : "value");
  const parts = listIn(outer, "subAttributes");
  // A server that lists no part of the whole has not said which ones there are.
  if (sub === null || parts.length === 0) return [outer];
  const inner = named(parts, sub);
  return inner === undefined ? null : [outer, inner];
}

function named(attributes: readonly Json[], name: string): Json | undefined {
  return attributes.find((one) => String(property(one, "name")).toLowerCase() === name.toLowerCase());
}

function listIn(object: Json, name: string): readonly Json[] {
  const list = property(object, name);
  return Array.isArray(list) ? list.filter(isJson) : [];
}
