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
  attempts = case when excluded.attempts = 0 then 0 else pending.attempts + excluded.attempts end,
  retry_at = excluded.retry_at, sequence = excluded.sequence,
  tried_at = excluded.tried_at, dead_at = excluded.dead_at,
  ignored = case when excluded.code = pending.code then pending.ignored end
  where pending.plan is null`;

/** The first retries of a refused change: after a minute, then doubling up to a day. */
const RETRY_FIRST_MS = 60_000;
const RETRY_LAST_MS = 86_400_000;

/** When a change that failed `attempts` times is tried again. */
export function retryDelayMs(attempts: number): number {
  return Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** Math.min(attempts, 20));
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

/** Lets go of the records that a held plan pinned. */
export async function releasePinned(
  tx: Transaction<DB>,
  sync: string,
  plan: string,
  reason: "conflict" | "dependant",
): Promise<void> {
  await tx
    .updateTable("pending")
    .set({ plan: null, reason, code: reason, retry_at: 0 })
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

/** Takes settled records out of the pending set, unless a held plan pins them. */
export async function leavePending(tx: Transaction<DB>, sync: string, ids: readonly string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += 500) {
    await tx
      .deleteFrom("pending")
      .where("sync", "=", sync)
      .where("plan", "is", null)
      .where("object_id", "in", ids.slice(at, at + 500))
      .execute();
  }
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
