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

/** Of these records of a target, those that a sync shares already: the object id of the person for whom it does. */
export async function sharedRecords(
  db: Store["db"],
  of: { readonly target: string; readonly kind: string; readonly sync: string },
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (let at = 0; at < recordIds.length; at += 500) {
    const rows = await db
      .selectFrom("links")
      .select(["record_id", "object_id"])
      .where("target", "=", of.target)
      .where("kind", "=", of.kind)
      .where("sync", "=", of.sync)
      .where("record_id", "in", recordIds.slice(at, at + 500))
      .where(SHARING)
      .execute();
    for (const row of rows) found.set(row.record_id, row.object_id);
  }
  return found;
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
    .select(["links.sync", "links.tenant", "links.object_id"])
    .where("owned.target", "=", of.target)
    .where("owned.kind", "=", of.kind)
    .where("owned.tenant", "=", of.tenant)
    .where("owned.object_id", "in", ids)
    .where("owned.origin", "!=", "shared")
    .where(SHARING)
    .execute();
  const since = store.clock.now();
  for (const { sync, tenant, object_id } of shares) {
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
