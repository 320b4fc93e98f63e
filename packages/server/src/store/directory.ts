import type { Presence, SourceKind, SourceRecord } from "@entrain/core";
import type { Selectable, Transaction } from "kysely";
import { mergeEdges } from "./edges.ts";
import type { DB } from "./schema.ts";
import { takeSequences } from "./sequences.ts";
import type { Store } from "./store.ts";

/** A row of the directory. */
export type DirectoryRow = Selectable<DB["records"]>;
/** Where reading of one kind continues. */
export type WatermarkRow = Selectable<DB["watermarks"]>;

const RECORD_COLUMNS = [
  { name: "connection", type: "text" },
  { name: "id", type: "text" },
  { name: "kind", type: "text" },
  { name: "attributes", type: "text" },
  { name: "manager", type: "text" },
  { name: "removed", type: "text" },
  { name: "doubtful", type: "int8" },
  { name: "sequence", type: "int8" },
  { name: "round", type: "int8" },
  { name: "first_sequence", type: "int8" },
] as const;

/** A row that says nothing new keeps its change number; that is what makes replays and full rounds cheap. */
const RECORD_CONFLICT = `on conflict (connection, id) do update set
  attributes = excluded.attributes, manager = excluded.manager, removed = excluded.removed, doubtful = 0,
  round = excluded.round,
  sequence = case when records.attributes = excluded.attributes
      and records.manager is not distinct from excluded.manager
      and records.removed is not distinct from excluded.removed
    then records.sequence else excluded.sequence end`;

/** How many records of a kind live (have no tombstone). */
export async function livingCount(
  tx: Transaction<DB> | Store["db"],
  connection: string,
  kind: SourceKind,
): Promise<number> {
  const row = await tx
    .selectFrom("records")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("connection", "=", connection)
    .where("kind", "=", kind)
    .where("removed", "is", null)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** How many living records of a kind the round has written. */
export async function writtenCount(tx: Transaction<DB>, watermark: WatermarkRow): Promise<number> {
  const row = await tx
    .selectFrom("records")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("connection", "=", watermark.connection)
    .where("kind", "=", watermark.kind)
    .where("round", "=", watermark.round)
    .where("removed", "is", null)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Which of these records the round has written. */
export async function writtenAmong(
  tx: Transaction<DB>,
  watermark: WatermarkRow,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await tx
      .selectFrom("records")
      .select("id")
      .where("connection", "=", watermark.connection)
      .where("id", "in", ids.slice(at, at + 500))
      .where("round", "=", watermark.round)
      .where("removed", "is", null)
      .execute();
    for (const { id } of rows) found.add(id);
  }
  return found;
}

/** Merges a page's records and memberships. All of it belongs in the transaction that stores the page's watermark. */
export async function mergePage(
  store: Store,
  tx: Transaction<DB>,
  page: { readonly connection: string; readonly round: number; readonly records: readonly SourceRecord[] },
): Promise<void> {
  const { connection, round, records } = page;
  if (records.length === 0) return;
  const first = await takeSequences(store, tx, connection, records.length);
  const rows = await mergedRows(tx, page, first);
  await store.insertMany(tx, { table: "records", columns: RECORD_COLUMNS, conflict: RECORD_CONFLICT }, rows);
  await mergeEdges(store, tx, { connection, round, records, sequence: first + records.length - 1 });
  await markListed(tx, page);
}

/** Marks groups whose members were listed to their end: only for them may a member that was not seen count as gone. */
async function markListed(tx: Transaction<DB>, page: Parameters<typeof mergePage>[2]): Promise<void> {
  const listed = page.records.flatMap((record) =>
    record.memberships?.form === "slice" && record.memberships.end ? [record.id] : [],
  );
  for (let at = 0; at < listed.length; at += 500) {
    await tx
      .updateTable("records")
      .set({ members_round: page.round })
      .where("connection", "=", page.connection)
      .where("id", "in", listed.slice(at, at + 500))
      .execute();
  }
}

/** What a record's row holds of the source. */
type Content = Pick<DirectoryRow, "attributes" | "manager">;

/** The rows to write: whole records as they are, partial ones laid over what is known. A record twice in a page: once. */
async function mergedRows(
  tx: Transaction<DB>,
  page: Parameters<typeof mergePage>[2],
  first: number,
): Promise<Iterable<readonly (string | number | null)[]>> {
  const partial = page.records.filter((record) => record.form === "partial" || record.removed !== undefined);
  const known = await loadRecords(
    tx,
    page.connection,
    partial.map((record) => record.id),
  );
  return rowsOf(page, known, first);
}

/** Row by row, so that a row is garbage as soon as it is written: a page's worth of them would be promoted to old age. */
function* rowsOf(
  { connection, round, records }: Parameters<typeof mergePage>[2],
  known: ReadonlyMap<string, Content>,
  first: number,
): Generator<readonly (string | number | null)[]> {
  const last = new Map(records.map((record, at) => [record.id, at]));
  const earlier = new Map<string, Content>();
  for (const [at, record] of records.entries()) {
    const { id, kind, removed = null } = record;
    const content = laidOver(record, earlier.get(id) ?? known.get(id));
    if (last.get(id) === at)
      yield [connection, id, kind, content.attributes, content.manager, removed, 0, first + at, round, first + at];
    else earlier.set(id, content);
  }
}

function laidOver(record: SourceRecord, before: Content | undefined): Content {
  if (record.removed !== undefined && before) return before;
  if (record.form === "whole") {
    return { attributes: JSON.stringify(record.attributes), manager: record.manager ?? null };
  }
  const attributes = before ? { ...JSON.parse(before.attributes), ...record.attributes } : record.attributes;
  return {
    attributes: JSON.stringify(attributes),
    manager: record.manager === undefined ? (before?.manager ?? null) : record.manager,
  };
}

/** Records by id, in chunks that both engines take. */
export async function loadRecords(
  db: Transaction<DB> | Store["db"],
  connection: string,
  ids: readonly string[],
): Promise<Map<string, DirectoryRow>> {
  const found = new Map<string, DirectoryRow>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await db
      .selectFrom("records")
      .selectAll()
      .where("connection", "=", connection)
      .where("id", "in", ids.slice(at, at + 500))
      .execute();
    for (const row of rows) found.set(row.id, row);
  }
  return found;
}

/** Which of these records have a tombstone. */
export async function removedAmong(
  db: Transaction<DB> | Store["db"],
  connection: string,
  ids: readonly string[],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await db
      .selectFrom("records")
      .select("id")
      .where("connection", "=", connection)
      .where("id", "in", ids.slice(at, at + 500))
      .where("removed", "is not", null)
      .execute();
    for (const { id } of rows) found.push(id);
  }
  return found;
}

/** Which of these ids no record has. */
export async function unknownAmong(
  tx: Transaction<DB>,
  connection: string,
  ids: readonly string[],
): Promise<readonly string[]> {
  const known = new Set<string>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await tx
      .selectFrom("records")
      .select("id")
      .where("connection", "=", connection)
      .where("id", "in", ids.slice(at, at + 500))
      .execute();
    for (const { id } of rows) known.add(id);
  }
  return ids.filter((id) => !known.has(id));
}

/** The number of each record's last change, by id. */
export async function changeNumbers(
  db: Store["db"],
  connection: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await db
      .selectFrom("records")
      .select(["id", "sequence"])
      .where("connection", "=", connection)
      .where("id", "in", ids.slice(at, at + 500))
      .execute();
    for (const row of rows) found.set(row.id, row.sequence);
  }
  return found;
}

/**
 * Records that the full round did not see: suspicions, to be confirmed by id before they count as removed. Those that
 * could still be restored are asked for again: no later delta tells that they are gone for good by now.
 */
export async function suspects(
  db: Store["db"],
  of: { readonly connection: string; readonly kind: SourceKind; readonly round: number; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom("records")
    .select("id")
    .where("connection", "=", of.connection)
    .where("kind", "=", of.kind)
    .where((eb) => eb.or([eb("removed", "is", null), eb("removed", "=", "soft")]))
    .where("round", "<", of.round)
    .orderBy("id")
    .limit(of.limit)
    .execute();
  return rows.map((row) => row.id);
}

/** No copy of the directory lags behind the others by more. */
const LAG_MS = 6 * 60 * 60_000;

/** Whether a record is so young that a lagging copy of the directory may not have it, or what belongs to it, yet. */
export function isYoung({ attributes }: Pick<DirectoryRow, "attributes">, now: number): boolean {
  const { createdDateTime: created } = JSON.parse(attributes) as { readonly createdDateTime?: unknown };
  return typeof created === "string" && now - Date.parse(created) < LAG_MS;
}

/**
 * Whether a record that was never seen deleted, and is gone for good now, may be unknown to a lagging copy of the directory: that
 * copy holds it neither among the living nor among the deleted.
 */
function mayBeUnknown(before: DirectoryRow | undefined, state: Presence, now: number): boolean {
  return before !== undefined && before.removed === null && state === "hard" && isYoung(before, now);
}

/**
 * Stores what a look-up said of suspects: those that are as known count as seen, gone ones get a tombstone, which is doubtful behind a
 * shrunken round and for a record that was made a short while ago.
 */
export async function settleSuspects(
  store: Store,
  tx: Transaction<DB>,
  of: { readonly connection: string; readonly round: number; readonly doubtful: boolean },
  presence: ReadonlyMap<string, Presence>,
): Promise<void> {
  const { connection, round } = of;
  let sequence = await takeSequences(store, tx, connection, presence.size);
  const known = await loadRecords(tx, connection, [...presence.keys()]);
  for (const [id, state] of presence) {
    const before = known.get(id);
    const asKnown = state === "present" || state === before?.removed;
    const young = mayBeUnknown(before, state, store.clock.now()) ? 2 : 0;
    const doubtful = of.doubtful || before?.doubtful === 1 ? 1 : young;
    const change = asKnown ? { round } : { round, removed: state, doubtful, sequence: sequence++ };
    await tx.updateTable("records").set(change).where("connection", "=", connection).where("id", "=", id).execute();
    if (asKnown) continue;
    await tx
      .updateTable("edges")
      .set({ present: 0, doubtful: of.doubtful ? 1 : 0, sequence: sequence - 1 })
      .where("connection", "=", connection)
      .where("group_id", "=", id)
      .where("present", "=", 1)
      .execute();
  }
}

/** The watermark of a kind; a fresh one when nothing was read yet. */
export async function loadWatermark(
  db: Transaction<DB> | Store["db"],
  connection: string,
  kind: SourceKind,
): Promise<WatermarkRow> {
  const row = await db
    .selectFrom("watermarks")
    .selectAll()
    .where("connection", "=", connection)
    .where("kind", "=", kind)
    .executeTakeFirst();
  return (
    row ?? {
      connection,
      kind,
      token: null,
      round: 0,
      phase: "reading",
      seen: 0,
      known_before: 0,
      expected: null,
      incomplete: null,
      shrunken_round: null,
      read_at: null,
      full_at: null,
      reconciled: null,
    }
  );
}

/** Writes a watermark. */
export async function saveWatermark(tx: Transaction<DB>, row: WatermarkRow): Promise<void> {
  const { connection: _connection, kind: _kind, ...changes } = row;
  await tx
    .insertInto("watermarks")
    .values(row)
    .onConflict((oc) => oc.columns(["connection", "kind"]).doUpdateSet(changes))
    .execute();
}
