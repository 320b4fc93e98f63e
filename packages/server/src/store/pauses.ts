import type { Selectable, Transaction } from "kysely";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

export type PauseRow = Selectable<DB["sync_pauses"]>;
type Reader = Transaction<DB> | Store["db"];

/** Keeps a pause in place of the one that there may be. */
export async function savePause(tx: Transaction<DB>, row: PauseRow): Promise<void> {
  const { sync, ...values } = row;
  await tx
    .insertInto("sync_pauses")
    .values(row)
    .onConflict((conflict) => conflict.column("sync").doUpdateSet(values))
    .execute();
}

export async function forgetPause(tx: Transaction<DB>, sync: string): Promise<void> {
  await tx.deleteFrom("sync_pauses").where("sync", "=", sync).execute();
}

/** The pauses that hold at a moment, of one sync or of all. */
export async function pausesAt(
  db: Reader,
  now: number,
  of: { readonly sync?: string } = {},
): Promise<readonly PauseRow[]> {
  let query = db
    .selectFrom("sync_pauses")
    .selectAll()
    .where((eb) => eb.or([eb("until", "is", null), eb("until", ">", now)]));
  if (of.sync !== undefined) query = query.where("sync", "=", of.sync);
  return await query.execute();
}
