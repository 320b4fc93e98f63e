import type { Selectable, Transaction } from "kysely";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

export type PendingRow = Selectable<DB["pending"]>;

/**
 * What is said of a record that enters the pending set, or is there already. `attempts` counts refusals in a row, this one
 * included. Who ignores the record goes on doing so while its code stays the same.
 */
export type PendingEntry = Omit<PendingRow, "tried_at" | "dead_at" | "ignored"> &
  Partial<Pick<PendingRow, "tried_at" | "dead_at">>;

const PENDING_COLUMNS = [
  { name: "sync", type: "text" },
  { name: "object_id", type: "text" },
  { name: "reason", type: "text" },
  { name: "code", type: "text" },
  { name: "detail", type: "text" },
  { name: "plan", type: "text" },
  { name: "attempts", type: "int8" },
  { name: "retry_at", type: "int8" },
  { name: "sequence", type: "int8" },
  { name: "since", type: "int8" },
  { name: "tried_at", type: "int8" },
  { name: "dead_at", type: "int8" },
] as const;

/** What a held plan pinned stays as it is until that plan is decided. */
const PENDING_CONFLICT = `on conflict (sync, object_id) do update set
  reason = excluded.reason, code = excluded.code, detail = excluded.detail, plan = excluded.plan,
  attempts = excluded.attempts,
  retry_at = excluded.retry_at, sequence = excluded.sequence,
  tried_at = excluded.tried_at, dead_at = excluded.dead_at,
  ignored = case when excluded.code = pending.code then pending.ignored end
  where pending.plan is null`;

/** The retry time of what is not tried by itself: the last moment that a Date can tell. */
export const NEVER = 8_640_000_000_000_000;

/** When a pending record is tried again; null: by the next run, or, of a dead letter, not by itself. */
export function retryAtOf({ retry_at }: Pick<PendingRow, "retry_at">): number | null {
  return retry_at === 0 || retry_at === NEVER ? null : retry_at;
}

/** Enters records into the pending set of their sync, or renews what is said of them. */
export async function enterPending(store: Store, tx: Transaction<DB>, rows: readonly PendingEntry[]): Promise<void> {
  if (rows.length === 0) return;
  const values = new Map(rows.map((row) => [row.object_id, PENDING_COLUMNS.map(({ name }) => row[name] ?? null)]));
  await store.insertMany(
    tx,
    { table: "pending", columns: PENDING_COLUMNS, conflict: PENDING_CONFLICT },
    values.values(),
  );
}

/** Lets go of the records that a held plan pinned: the next run plans them. */
export async function releasePinned(tx: Transaction<DB>, sync: string, plan: string): Promise<void> {
  await tx
    .updateTable("pending")
    .set({ plan: null, reason: "dependant", code: "dependant", retry_at: 0 })
    .where("sync", "=", sync)
    .where("plan", "=", plan)
    .execute();
}

/** Records that one held plan pinned are pinned by another one from now on, or by none: these, or all that are left. */
export async function movePins(
  tx: Transaction<DB>,
  sync: string,
  {
    from,
    to,
    records,
  }: { readonly from: string; readonly to: string | null; readonly records: readonly string[] | null },
): Promise<void> {
  const free = { plan: null, reason: "dependant", code: "dependant", retry_at: 0 };
  const moved = () =>
    tx
      .updateTable("pending")
      .set(to === null ? free : { plan: to })
      .where("sync", "=", sync)
      .where("plan", "=", from);
  if (records === null) await moved().execute();
  for (let at = 0; at < (records?.length ?? 0); at += 500) {
    await moved()
      .where("object_id", "in", records?.slice(at, at + 500) ?? [])
      .execute();
  }
}

/** Takes settled records out of the pending set, unless a held plan pins them. Answers the dead letters among them. */
export async function leavePending(
  tx: Transaction<DB>,
  sync: string,
  ids: readonly string[],
): Promise<readonly Pick<PendingRow, "object_id" | "code" | "sequence">[]> {
  const dead: Pick<PendingRow, "object_id" | "code" | "sequence">[] = [];
  for (let at = 0; at < ids.length; at += 500) {
    const left = await tx
      .deleteFrom("pending")
      .where("sync", "=", sync)
      .where("plan", "is", null)
      .where("object_id", "in", ids.slice(at, at + 500))
      .returning(["object_id", "code", "sequence", "dead_at"])
      .execute();
    dead.push(...left.filter(({ dead_at }) => dead_at !== null));
  }
  return dead;
}

/** Has dead letters tried once more by the next run; refused again they are dead as before. */
export async function wakeDead(tx: Transaction<DB>, sync: string, ids: readonly string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += 500) {
    await tx
      .updateTable("pending")
      .set({ retry_at: 0 })
      .where("sync", "=", sync)
      .where("dead_at", "is not", null)
      .where("object_id", "in", ids.slice(at, at + 500))
      .execute();
  }
}

/** Has all dead letters of a code tried once more by the next run, or of all codes everything that was refused anew. */
export async function releaseDead(
  tx: Transaction<DB>,
  sync: string,
  of: { readonly code: string } | "all",
): Promise<void> {
  const rows = tx.updateTable("pending").where("sync", "=", sync).where("plan", "is", null);
  await (of === "all"
    ? rows.set({ retry_at: 0, dead_at: null, attempts: 0 }).where("reason", "=", "failed")
    : rows.set({ retry_at: 0 }).where("dead_at", "is not", null).where("code", "=", of.code)
  ).execute();
}

/** Has refused records tried by the next run as if for the first time; see `retryRecords`. Answers how many. */
export async function retryPending(
  tx: Transaction<DB>,
  sync: string,
  which: { readonly records: readonly string[] } | { readonly code: string } | "all",
): Promise<number> {
  const due = () =>
    tx
      .updateTable("pending")
      .set({ retry_at: 0, dead_at: null, attempts: 0 })
      .where("sync", "=", sync)
      .where("plan", "is", null)
      .where("reason", "in", ["issue", "failed", "conflict"]);
  if (which === "all" || "code" in which) {
    const heeded = due().where("ignored", "is", null);
    const rows = which === "all" ? heeded : heeded.where("code", "=", which.code);
    return Number((await rows.executeTakeFirstOrThrow()).numUpdatedRows);
  }
  let count = 0;
  for (let at = 0; at < which.records.length; at += 500) {
    const rows = due()
      .set({ ignored: null })
      .where("object_id", "in", which.records.slice(at, at + 500));
    count += Number((await rows.executeTakeFirstOrThrow()).numUpdatedRows);
  }
  return count;
}

/** Marks pending records as ignored. Answers their codes. */
export async function ignorePending(
  tx: Transaction<DB>,
  sync: string,
  ids: readonly string[],
  ignored: string,
): Promise<ReadonlyMap<string, string>> {
  const codes = new Map<string, string>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await tx
      .updateTable("pending")
      .set({ ignored })
      .where("sync", "=", sync)
      .where("object_id", "in", ids.slice(at, at + 500))
      .returning(["object_id", "code"])
      .execute();
    for (const { object_id, code } of rows) codes.set(object_id, code);
  }
  return codes;
}

/** Ignores records no more; the next run tries them. Answers those that were ignored. */
export async function stopIgnoring(
  tx: Transaction<DB>,
  sync: string,
  ids: readonly string[],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await tx
      .updateTable("pending")
      .set({ ignored: null, retry_at: 0, dead_at: null, attempts: 0 })
      .where("sync", "=", sync)
      .where("ignored", "is not", null)
      .where("object_id", "in", ids.slice(at, at + 500))
      .returning("object_id")
      .execute();
    found.push(...rows.map((row) => row.object_id));
  }
  return found;
}

/** A page of pending rows in the order of their ids. */
export async function pendingPage(
  db: Store["db"] | Transaction<DB>,
  sync: string,
  after: string,
  limit: number,
): Promise<readonly PendingRow[]> {
  return await db
    .selectFrom("pending")
    .selectAll()
    .where("sync", "=", sync)
    .where("object_id", ">", after)
    .orderBy("object_id")
    .limit(limit)
    .execute();
}

/** The pending rows of these records, by object id. */
export async function loadPending(
  db: Store["db"] | Transaction<DB>,
  sync: string,
  ids: readonly string[],
): Promise<Map<string, PendingRow>> {
  const found = new Map<string, PendingRow>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await db
      .selectFrom("pending")
      .selectAll()
      .where("sync", "=", sync)
      .where("object_id", "in", ids.slice(at, at + 500))
      .execute();
    for (const row of rows) found.set(row.object_id, row);
  }
  return found;
}
