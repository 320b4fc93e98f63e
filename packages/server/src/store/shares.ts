import { type RawBuilder, sql, type Transaction } from "kysely";
import { enterPending } from "./pending.ts";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

/**
 * Of links, those that say whose a record is; the others share a record that another sync owns. Written out rather than bound,
 * so that the engines recognise the condition of the index by record.
 */
export const OWNING: RawBuilder<boolean> = sql<boolean>`"links"."origin" <> 'shared'`;
const SHARING = sql<boolean>`"links"."origin" = 'shared'`;

/** Whose sharing it is: one sync's of a target's records of a kind. */
export interface SharesOf {
  readonly target: string;
  readonly kind: string;
  readonly sync: string;
}

type Reader = Transaction<DB> | Store["db"];

/**
 * Of these records of a target, those that a sync shares already: the object id of the person for whom it does. Of whom the
 * source deleted nothing is kept in step any more, so that whoever comes back as somebody else takes their place.
 */
export async function sharedRecords(
  db: Reader,
  of: SharesOf,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (let at = 0; at < recordIds.length; at += 500) {
    const rows = await db
      .selectFrom("links")
      .innerJoin("syncs", "syncs.id", "links.sync")
      .innerJoin("records", (join) =>
        join.onRef("records.connection", "=", "syncs.connection").onRef("records.id", "=", "links.object_id"),
      )
      .select(["links.record_id", "links.object_id"])
      .where("links.target", "=", of.target)
      .where("links.kind", "=", of.kind)
      .where("links.sync", "=", of.sync)
      .where("links.record_id", "in", recordIds.slice(at, at + 500))
      .where("records.removed", "is", null)
      .where(SHARING)
      .execute();
    for (const row of rows) found.set(row.record_id, row.object_id);
  }
  return found;
}

/** Of these records of a target, those that another sync owns: they can be shared. */
export async function ownedByOthers(
  db: Reader,
  of: SharesOf,
  recordIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let at = 0; at < recordIds.length; at += 500) {
    const rows = await db
      .selectFrom("links")
      .select("record_id")
      .where("target", "=", of.target)
      .where("kind", "=", of.kind)
      .where("sync", "!=", of.sync)
      .where("record_id", "in", recordIds.slice(at, at + 500))
      .where(OWNING)
      .execute();
    for (const row of rows) found.add(row.record_id);
  }
  return found;
}

/** How many records a sync shares. */
export async function countShares(db: Reader, sync: string): Promise<number> {
  const row = await db
    .selectFrom("links")
    .select(sql<number>`count(*)`.as("count"))
    .where("sync", "=", sync)
    .where(SHARING)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Lets go of records that a sync shared for people whom the source deleted, before it shares them for somebody else. */
export async function releaseShares(tx: Transaction<DB>, of: SharesOf, recordIds: readonly string[]): Promise<void> {
  for (let at = 0; at < recordIds.length; at += 500) {
    await tx
      .deleteFrom("links")
      .where("target", "=", of.target)
      .where("kind", "=", of.kind)
      .where("sync", "=", of.sync)
      .where("record_id", "in", recordIds.slice(at, at + 500))
      .where(SHARING)
      .execute();
  }
}

/** A sync that is removed leaves the records that it shared to those who own them. */
export async function removeShares(tx: Transaction<DB>, sync: string): Promise<void> {
  await tx.deleteFrom("links").where("sync", "=", sync).where(SHARING).execute();
}

/** Ends the sharing of records whose links go: for whom they were shared is matched anew. */
export async function endShares(
  store: Store,
  tx: Transaction<DB>,
  of: { readonly target: string; readonly tenant: string; readonly kind: string },
  ids: readonly string[],
): Promise<void> {
  const shares = await tx
    .selectFrom("links as owned")
    .innerJoin("links", (join) =>
      join
        .onRef("links.target", "=", "owned.target")
        .onRef("links.kind", "=", "owned.kind")
        .onRef("links.record_id", "=", "owned.record_id"),
    )
    .select(["links.sync", "links.tenant", "links.object_id", "links.record_id"])
    .where("owned.target", "=", of.target)
    .where("owned.kind", "=", of.kind)
    .where("owned.tenant", "=", of.tenant)
    .where("owned.object_id", "in", ids)
    .where("owned.origin", "!=", "shared")
    .where(SHARING)
    .execute();
  const since = store.clock.now();
  for (const { sync, tenant, object_id, record_id } of shares) {
    await forgetMemberships(tx, { target: of.target, tenant, objectId: object_id, recordId: record_id });
    await tx
      .deleteFrom("links")
      .where("target", "=", of.target)
      .where("kind", "=", of.kind)
      .where("tenant", "=", tenant)
      .where("object_id", "=", object_id)
      .execute();
    if (sync === null) continue;
    const detail = "the record that was shared is gone";
    const why = { reason: "dependant", code: "dependant", detail, plan: null, attempts: 0 };
    await enterPending(store, tx, [{ ...why, sync, object_id, retry_at: 0, sequence: 0, since }]);
  }
}

/** The record that follows is let into the groups anew; that they may still name the one that is gone is kept. */
async function forgetMemberships(
  tx: Transaction<DB>,
  of: { readonly target: string; readonly tenant: string; readonly objectId: string; readonly recordId: string },
): Promise<void> {
  await tx
    .insertInto("gone_members")
    .columns(["target", "tenant", "group_id", "record_id"])
    .expression((eb) =>
      eb
        .selectFrom("known_members")
        .select(["target", "tenant", "group_id", eb.val(of.recordId).as("record_id")])
        .where("target", "=", of.target)
        .where("tenant", "=", of.tenant)
        .where("member_id", "=", of.objectId),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx
    .deleteFrom("known_members")
    .where("target", "=", of.target)
    .where("tenant", "=", of.tenant)
    .where("member_id", "=", of.objectId)
    .execute();
}
