import { type Attributes, ConnectorError, inWords } from "@entrain/core";
import { loadRecords } from "../store/directory.ts";
import type { Store } from "../store/store.ts";

/**
 * Refuses groups whose members the application is not told: who is in such a group would count as not being in it, so that those whom a
 * scope excludes came in. A group that hides its members and has none cannot be told from it until a full round listed them.
 * @throws ConnectorError `permission_missing`
 */
export async function refuseHidden(store: Store, connection: string, groups: ReadonlySet<string>): Promise<void> {
  const rows = await loadRecords(store.db, connection, [...groups]);
  for (const row of rows.values()) {
    if (row.members_round !== null) continue;
    const { visibility, displayName } = JSON.parse(row.attributes) as Attributes;
    if (visibility !== "HiddenMembership" || (await hasMembers(store, connection, row.id))) continue;
    const detail = `The scope's group "${inWords(displayName)}" hides its members, and the application is not told them, so nobody is planned. Reading them takes the permission Member.Read.Hidden.`;
    throw new ConnectorError("permission_missing", detail, { stops: "sync", retry: "later" });
  }
}

/** A group that is younger than the last full round has members that a delta told. */
async function hasMembers(store: Store, connection: string, group: string): Promise<boolean> {
  const edge = await store.db
    .selectFrom("edges")
    .select("member_id")
    .where("connection", "=", connection)
    .where("group_id", "=", group)
    .where("present", "=", 1)
    .limit(1)
    .executeTakeFirst();
  return edge !== undefined;
}
