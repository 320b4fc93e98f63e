import { type Attributes, plain } from "@entrain/core";
import { loadRecords } from "../store/directory.ts";
import { OWNING } from "../store/shares.ts";
import type { Store } from "../store/store.ts";
import { nameIn } from "./names.ts";

/** Whose a linked record of the target is. */
export interface LinkOwner {
  readonly objectId: string;
  /** The person's name, or the object id while no directory holds them. */
  readonly name: string;
  /** The connection's name; `null` when none of its tenant is left. */
  readonly connection: string | null;
  readonly tenant: string;
  /** The owning sync's name; `null`: none owns it any more. */
  readonly sync: string | null;
  /** As the directory holds them. */
  readonly attributes: Attributes | null;
}

/** Who these records of a target are linked to, by record id. Records without a link are left out. */
export async function linkOwners(
  store: Store,
  of: { readonly target: string; readonly kind: string },
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, LinkOwner>> {
  const found = new Map<string, LinkOwner>();
  for (let at = 0; at < recordIds.length; at += 500) {
    const rows = await store.db
      .selectFrom("links")
      .leftJoin("syncs", "syncs.id", "links.sync")
      .select(["links.record_id", "links.tenant", "links.object_id", "syncs.name as sync", "syncs.connection"])
      .where("links.target", "=", of.target)
      .where("links.kind", "=", of.kind)
      .where("links.record_id", "in", recordIds.slice(at, at + 500))
      .where(OWNING)
      .execute();
    const connections = await connectionsOf(store, [...new Set(rows.map(({ tenant }) => tenant))]);
    const people = await peopleIn(store, connections, rows);
    for (const row of rows) {
      // Two clouds may hold a tenant of the same id: the owning sync says which it is.
      const ofTenant = connections.filter(({ tenant }) => tenant === row.tenant);
      const connection = ofTenant.find(({ id }) => id === row.connection) ?? ofTenant[0];
      const record = people.get(`${connection?.id ?? ""} ${row.object_id}`) ?? null;
      found.set(row.record_id, {
        objectId: row.object_id,
        name: (record === null ? null : nameIn(record)) ?? row.object_id,
        connection: connection?.name ?? null,
        tenant: row.tenant,
        sync: row.sync,
        attributes: record === null ? null : (JSON.parse(record) as Attributes),
      });
    }
  }
  return found;
}

interface ConnectionName {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
}

async function connectionsOf(store: Store, tenants: readonly string[]): Promise<readonly ConnectionName[]> {
  if (tenants.length === 0) return [];
  return await store.db
    .selectFrom("connections")
    .select(["id", "name", "tenant"])
    .where("tenant", "in", tenants)
    .orderBy("id")
    .execute();
}

async function peopleIn(
  store: Store,
  connections: readonly ConnectionName[],
  rows: readonly { readonly tenant: string; readonly object_id: string }[],
): Promise<ReadonlyMap<string, string>> {
  const people = new Map<string, string>();
  for (const { id, tenant } of connections) {
    const ids = rows.filter((row) => row.tenant === tenant).map((row) => row.object_id);
    for (const [objectId, row] of await loadRecords(store.db, id, ids)) people.set(`${id} ${objectId}`, row.attributes);
  }
  return people;
}

/** `Bo Two (1f0c…) of the connection fabrikam`: whose a record is, in words. */
export function ownerInWords({ name, objectId, connection, tenant }: LinkOwner): string {
  const of = connection === null ? `the tenant ${tenant}` : `the connection ${plain(connection)}`;
  return `${name === objectId ? objectId : `${plain(name)} (${objectId})`} of ${of}`;
}
