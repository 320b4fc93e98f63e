import type { Selectable, Transaction } from "kysely";
import type { DB } from "./schema.ts";
import { OWNING } from "./shares.ts";
import type { Store } from "./store.ts";

/** A linked record of which the target said, to whichever sync, that it is not there. */
export type DoubtedLink = Pick<Selectable<DB["doubted_links"]>, "object_id" | "record_id">;

const COLUMNS = [
  { name: "target", type: "text" },
  { name: "kind", type: "text" },
  { name: "record_id", type: "text" },
  { name: "object_id", type: "text" },
  { name: "sync", type: "text" },
  { name: "since", type: "int8" },
] as const;

/** Notes records of a target as absent, for the syncs that own them; what no sync owns is nobody's concern. */
export async function doubtLinks(
  store: Store,
  tx: Transaction<DB>,
  of: { readonly target: string; readonly kind: string },
  recordIds: readonly string[],
): Promise<void> {
  const since = store.clock.now();
  for (let at = 0; at < recordIds.length; at += 500) {
    const links = await tx
      .selectFrom("links")
      .select(["record_id", "object_id", "sync"])
      .where("target", "=", of.target)
      .where("kind", "=", of.kind)
      .where("record_id", "in", recordIds.slice(at, at + 500))
      .where("sync", "is not", null)
      .where(OWNING)
      .execute();
    const rows = links.map((row) => [of.target, of.kind, row.record_id, row.object_id, row.sync, since]);
    await store.insertMany(
      tx,
      { table: "doubted_links", columns: COLUMNS, conflict: "on conflict (target, kind, record_id) do nothing" },
      rows,
    );
  }
}

/** What is doubted of a sync's records, so many at most. */
export async function doubtedOf(
  db: Store["db"],
  of: { readonly sync: string; readonly kind: string; readonly limit: number },
): Promise<readonly DoubtedLink[]> {
  return await db
    .selectFrom("doubted_links")
    .select(["object_id", "record_id"])
    .where("sync", "=", of.sync)
    .where("kind", "=", of.kind)
    .orderBy("record_id")
    .limit(of.limit)
    .execute();
}

/** Forgets doubts that were looked into. */
export async function settleDoubts(
  tx: Transaction<DB>,
  of: { readonly sync: string; readonly kind: string },
  recordIds: readonly string[],
): Promise<void> {
  for (let at = 0; at < recordIds.length; at += 500) {
    await tx
      .deleteFrom("doubted_links")
      .where("sync", "=", of.sync)
      .where("kind", "=", of.kind)
      .where("record_id", "in", recordIds.slice(at, at + 500))
      .execute();
  }
}
