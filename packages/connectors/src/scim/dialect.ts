import type { ScimKind } from "./attributes.ts";
import type { Operation } from "./patch.ts";
import type { Json } from "./resource.ts";

/**
 * How writes are worded. `rfc`: as RFC 7644 has it. `entra`: as Entra's own provisioning client words them, for servers that
 * were made for that client alone ("Known issues and resolutions with SCIM 2.0 protocol compliance", without its flag). A
 * server that follows the RFC takes some of the latter for something else: a `Remove` of members for "remove all".
 */
export type Dialect = "rfc" | "entra";

const ENTRA_OPERATIONS: { readonly [O in Operation["op"]]: string } = {
  add: "Add",
  replace: "Replace",
  remove: "Remove",
};

/** The operations of a PATCH in the words of a dialect. */
export function wordedIn(dialect: Dialect, operations: readonly Operation[]): readonly object[] {
  return dialect === "rfc" ? operations : operations.map(asEntra);
}

function asEntra({ op: plain, path, value }: Operation): object {
  const op = ENTRA_OPERATIONS[plain];
  if (path === "active" && typeof value === "boolean") return { op, path, value: value ? "True" : "False" };
  if (path === "members" && Array.isArray(value)) {
    return { op, path, value: value.map((member: object) => ({ $ref: null, ...member })) };
  }
  const [, id] = plain === "remove" ? (/^members\[value eq (".*")\]$/.exec(path) ?? []) : [];
  if (id !== undefined) return { op, path: "members", value: [{ $ref: null, value: JSON.parse(id) as string }] };
  return value === undefined ? { op, path } : { op, path, value };
}

/** Entra's client marks groups by a schema of its own, which servers are told to expect and need not keep. */
const ENTRA_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

/** The body of a creation in the words of a dialect. */
export function createdIn(dialect: Dialect, { endpoint }: ScimKind, body: Json): Json {
  if (dialect === "rfc") return body;
  const isGroup = endpoint === "/Groups";
  const schemas = Array.isArray(body.schemas) && isGroup ? [...body.schemas, ENTRA_GROUP] : body.schemas;
  return { ...body, schemas, meta: { resourceType: isGroup ? "Group" : "User" } };
}
