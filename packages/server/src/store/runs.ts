import type { Insertable, Selectable, Transaction } from "kysely";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

export type RunRow = Selectable<DB["runs"]>;
type Reader = Transaction<DB> | Store["db"];

export async function createRun(tx: Transaction<DB>, run: Insertable<DB["runs"]>): Promise<void> {
  await tx.insertInto("runs").values(run).execute();
}

export async function saveRun(tx: Transaction<DB>, id: string, changes: Partial<RunRow>): Promise<void> {
  await tx.updateTable("runs").set(changes).where("id", "=", id).execute();
}

export async function loadRun(db: Reader, id: string): Promise<RunRow | undefined> {
  return await db.selectFrom("runs").selectAll().where("id", "=", id).executeTakeFirst();
}

/** A page of runs, newest first, of one sync or of all; `before` is the id of the last run of the page before. */
export async function runsPage(
  db: Reader,
  options: { readonly sync?: string; readonly before?: string; readonly limit: number },
): Promise<readonly RunRow[]> {
  let query = db.selectFrom("runs").selectAll();
  if (options.sync !== undefined) query = query.where("sync", "=", options.sync);
  const last = options.before === undefined ? undefined : await loadRun(db, options.before);
  if (last) {
    query = query.where((eb) => eb(eb.refTuple("started_at", "id"), "<", eb.tuple(last.started_at, last.id)));
  }
  return await query.orderBy("started_at", "desc").orderBy("id", "desc").limit(options.limit).execute();
}

/** Runs of a sync that never ended: their process is gone, for whoever asks holds the sync's lease. */
export async function unfinishedRuns(db: Reader, sync: string): Promise<readonly RunRow[]> {
  return await db
    .selectFrom("runs")
    .selectAll()
    .where("sync", "=", sync)
    .where("result", "is", null)
    .orderBy("started_at")
    .execute();
}
