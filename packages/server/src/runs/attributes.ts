import {
  byCodeUnits,
  ConnectorError,
  type SourceAttribute,
  type SourceAttributes,
  type SourceKind,
} from "@entrain/core";
import { photoUse } from "../store/photos.ts";
import type { Store } from "../store/store.ts";
import { attributeUses, type Uses, useOfValues } from "./attribute-use.ts";
import type { ConnectionRow, Engine } from "./context.ts";

/** An attribute of a tenant, for whoever chooses one to map or to filter by. */
export interface TenantAttribute extends SourceAttribute {
  /** Whether the directory holds it, as of the last read. */
  readonly read: boolean;
  /** How many records have a value; `null` while it is not read. */
  readonly inUse: number | null;
  /** One value, masked; `null` where nobody has one. */
  readonly example: string | null;
}

export interface TenantAttributes {
  /** People's first, each kind in the order of names. */
  readonly attributes: readonly TenantAttribute[];
  /** What could not be asked for, and why. */
  readonly issues: SourceAttributes["issues"];
}

const KINDS: readonly SourceKind[] = ["user", "group", "contact"];

/** What the tenant has: the source's list, with what the directory knows of each attribute's use. */
export async function tenantAttributes(
  engine: Engine,
  connection: ConnectionRow,
  signal: AbortSignal,
): Promise<TenantAttributes> {
  const source = await engine.openSource(connection);
  let told: SourceAttributes;
  try {
    told = (await source.attributes?.(signal)) ?? { attributes: [], issues: [] };
  } catch (error) {
    // What the directory holds is of use while the source cannot be asked.
    if (!(error instanceof ConnectorError)) throw error;
    told = { attributes: [], issues: [{ code: error.code, detail: error.message }] };
  } finally {
    await source.close();
  }
  const all = await Promise.all(KINDS.map(async (kind) => withUses(engine.store, connection.id, { kind, told })));
  return { attributes: all.flat(), issues: told.issues };
}

async function withUses(
  store: Store,
  connection: string,
  { kind, told }: { readonly kind: SourceKind; readonly told: SourceAttributes },
): Promise<readonly TenantAttribute[]> {
  const uses = new Map(await attributeUses(store, connection, kind));
  const photos = kind === "user" ? await photoUse(store.db, connection) : null;
  if (photos !== null) uses.set("photo.hash", useOfValues(photos));
  const known = told.attributes.filter((attribute) => attribute.kind === kind);
  const names = new Set(known.map(({ name }) => name));
  const others = [...uses.keys()].filter((name) => !names.has(name)).map((name) => unlisted(kind, name));
  const all = [...known, ...others].map((attribute) => ({ ...attribute, ...useOf(uses, attribute.name) }));
  return all.sort((left, right) => byCodeUnits(left.name, right.name));
}

/** One that was read although nobody listed it: a schema extension, or one whose declaration may not be seen. */
function unlisted(kind: SourceKind, name: string): SourceAttribute {
  const origin = name.startsWith("extension_")
    ? "directory extension"
    : name.includes("_")
      ? "schema extension"
      : "service";
  return { kind, name, origin, type: null, list: false, usual: false, declaredBy: null };
}

function useOf(uses: Uses, name: string): Pick<TenantAttribute, "read" | "inUse" | "example"> {
  const use = uses.get(name);
  if (use !== undefined) return { read: true, inUse: use?.count ?? 0, example: use?.example ?? null };
  // An object that nobody has is stored as one empty value.
  const [root = name] = name.split(".");
  return root !== name && [...uses.keys()].some((key) => key === root || key.startsWith(`${root}.`))
    ? { read: true, inUse: 0, example: null }
    : { read: false, inUse: null, example: null };
}
