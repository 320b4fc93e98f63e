import { hash } from "node:crypto";
import type { Value } from "@entrain/core";
import { sql, type Transaction } from "kysely";
import type { DB } from "./schema.ts";
import type { Cell, InsertInto, Store } from "./store.ts";

/** Who did something: an operator, a schedule, the system itself. */
export interface Actor {
  readonly kind: string;
  readonly id: string;
}

/** One entry of the journal. Absent and `null` are the same. `before`, `after`, `reason` and `detail` can be erased later; the rest cannot. */
export interface JournalEntry {
  readonly actor: Actor;
  /** intent | outcome | approved | rejected | configured | … */
  readonly type: string;
  readonly run?: string | null;
  readonly plan?: string | null;
  readonly ordinal?: number | null;
  readonly target?: string | null;
  readonly kind?: string | null;
  readonly objectId?: string | null;
  readonly recordId?: string | null;
  readonly action?: string | null;
  /** Why, as a stable code. */
  readonly cause?: string | null;
  readonly status?: string | null;
  readonly code?: string | null;
  /** Why, and what came of it, in sentences: they may name people and values, so they stand with the values. */
  readonly reason?: string | null;
  readonly detail?: string | null;
  readonly before?: Value;
  readonly after?: Value;
}

/** What {@link verifyJournal} found. `head` is the last good row: keep it elsewhere to prove that none was cut off. */
export interface JournalCheck {
  readonly rows: number;
  /** Rows whose values were erased; the chain holds without them. */
  readonly erased: number;
  readonly head: { readonly sequence: number; readonly hash: string } | null;
  readonly broken: { readonly sequence: number; readonly problem: string } | null;
}

const ROWS: InsertInto = {
  table: "journal",
  columns: [
    { name: "stream", type: "text" },
    { name: "sequence", type: "int8" },
    { name: "at", type: "int8" },
    { name: "actor_kind", type: "text" },
    { name: "actor_id", type: "text" },
    { name: "type", type: "text" },
    { name: "run", type: "text" },
    { name: "plan", type: "text" },
    { name: "ordinal", type: "int8" },
    { name: "target", type: "text" },
    { name: "kind", type: "text" },
    { name: "object_id", type: "text" },
    { name: "record_id", type: "text" },
    { name: "action", type: "text" },
    { name: "cause", type: "text" },
    { name: "status", type: "text" },
    { name: "code", type: "text" },
    { name: "digest", type: "text" },
    { name: "previous", type: "text" },
    { name: "hash", type: "text" },
  ],
};

const VALUES: InsertInto = {
  table: "journal_values",
  columns: [
    { name: "stream", type: "text" },
    { name: "sequence", type: "int8" },
    { name: "salt", type: "text" },
    { name: "before", type: "text" },
    { name: "after", type: "text" },
    { name: "reason", type: "text" },
    { name: "detail", type: "text" },
  ],
};

const SALT_BYTES = 16;
const PAGE = 2_000;
const FIRST_PREVIOUS = "";

type Row = DB["journal"];

/**
 * Appends entries to a stream, in their order, in the transaction of what they speak of. A stream is locked until the
 * transaction ends, so that its numbers have no gaps and each row's hash takes in the one before it.
 */
export async function appendJournal(
  tx: Transaction<DB>,
  store: Store,
  stream: string,
  entries: readonly JournalEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  if (store.engine === "postgres")
    await sql`select pg_advisory_xact_lock(hashtextextended(${`journal ${stream}`}, 0))`.execute(tx);
  const last = await tx
    .selectFrom("journal")
    .select(["sequence", "hash"])
    .where("stream", "=", stream)
    .orderBy("sequence", "desc")
    .limit(1)
    .executeTakeFirst();
  const salts = Buffer.from(store.clock.bytes(SALT_BYTES * entries.length)).toString("hex");
  const rows: Cell[][] = [];
  const values: Cell[][] = [];
  const at = store.clock.now();
  let { sequence, hash: previous } = last ?? { sequence: 0, hash: FIRST_PREVIOUS };
  for (const [i, entry] of entries.entries()) {
    sequence += 1;
    const erasable = valuesOf(entry);
    const salt = salts.slice(i * SALT_BYTES * 2, (i + 1) * SALT_BYTES * 2);
    const digest = erasable.every((value) => value === null) ? null : digestOf(salt, erasable);
    const row = rowOf(stream, sequence, at, entry, digest, previous);
    previous = hashOf(row);
    rows.push(cellsOf(row, previous));
    if (digest !== null) values.push([stream, sequence, salt, ...erasable]);
  }
  await store.insertMany(tx, ROWS, rows);
  await store.insertMany(tx, VALUES, values);
}

/**
 * Reads a stream from its beginning and checks numbers, chain, hashes and the digests of values that are still there.
 * Memory does not grow with the journal. It stops at the first row that does not hold.
 */
export async function verifyJournal(store: Store, stream: string): Promise<JournalCheck> {
  let rows = 0;
  let erased = 0;
  let head: JournalCheck["head"] = null;
  for (;;) {
    const page = await pageAfter(store, stream, rows);
    for (const { row, values } of page) {
      const problem = problemOf(row, rows + 1, head?.hash ?? FIRST_PREVIOUS, values);
      if (problem !== null) return { rows, erased, head, broken: { sequence: row.sequence, problem } };
      rows += 1;
      if (row.digest !== null && values === null) erased += 1;
      head = { sequence: row.sequence, hash: row.hash };
    }
    if (page.length < PAGE) return { rows, erased, head, broken: null };
  }
}

/** Which values {@link eraseValues} takes: those of one person or group, and those written before a time (ms UTC). */
export interface Erasure {
  readonly objectId?: string;
  readonly before?: number;
}

/** Erases values of journal rows for good, salts included; the rows and their chain stay. Answers how many. */
export async function eraseValues(tx: Transaction<DB>, which: Erasure): Promise<number> {
  const { objectId, before } = which;
  if (objectId === undefined && before === undefined) return 0;
  const rows = tx
    .selectFrom("journal")
    .select(["stream", "sequence"])
    .$if(objectId !== undefined, (query) => query.where("object_id", "=", objectId ?? ""))
    .$if(before !== undefined, (query) => query.where("at", "<", before ?? 0));
  const result = await tx
    .deleteFrom("journal_values")
    .where(sql<boolean>`(stream, sequence) in ${rows}`)
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** A row, and the digest of its values as they are now; null when they were erased or never were. */
interface Checked {
  readonly row: Row;
  readonly values: string | null;
}

/** Two ranges instead of a join: PostgreSQL without fresh statistics would read all values for every page. */
async function pageAfter(store: Store, stream: string, sequence: number): Promise<readonly Checked[]> {
  const rows = await store.db
    .selectFrom("journal")
    .selectAll()
    .where("stream", "=", stream)
    .where("sequence", ">", sequence)
    .orderBy("sequence")
    .limit(PAGE)
    .execute();
  const values = await store.db
    .selectFrom("journal_values")
    .selectAll()
    .where("stream", "=", stream)
    .where("sequence", ">", sequence)
    .where("sequence", "<=", rows.at(-1)?.sequence ?? sequence)
    .execute();
  const bySequence = new Map(
    values.map(({ sequence: of, salt, before, after, reason, detail }) => [
      of,
      digestOf(salt, [before, after, reason, detail]),
    ]),
  );
  return rows.map((row) => ({ row, values: bySequence.get(row.sequence) ?? null }));
}

function problemOf(row: Row, sequence: number, previous: string, digest: string | null): string | null {
  if (row.sequence !== sequence) return `row ${sequence} is missing`;
  if (row.previous !== previous) return "it does not follow the row before it";
  if (hashOf(row) !== row.hash) return "its content was changed";
  if (digest !== null && digest !== row.digest) return "its values were changed";
  return null;
}

function rowOf(
  stream: string,
  sequence: number,
  at: number,
  entry: JournalEntry,
  digest: string | null,
  previous: string,
): Omit<Row, "hash"> {
  return {
    stream,
    sequence,
    at,
    actor_kind: entry.actor.kind,
    actor_id: entry.actor.id,
    type: entry.type,
    run: entry.run ?? null,
    plan: entry.plan ?? null,
    ordinal: entry.ordinal ?? null,
    target: entry.target ?? null,
    kind: entry.kind ?? null,
    object_id: entry.objectId ?? null,
    record_id: entry.recordId ?? null,
    action: entry.action ?? null,
    cause: entry.cause ?? null,
    status: entry.status ?? null,
    code: entry.code ?? null,
    digest,
    previous,
  };
}

/** In the order of {@link ROWS}. */
function cellsOf(row: Omit<Row, "hash">, rowHash: string): Cell[] {
  return [
    row.stream,
    row.sequence,
    row.at,
    row.actor_kind,
    row.actor_id,
    row.type,
    row.run,
    row.plan,
    row.ordinal,
    row.target,
    row.kind,
    row.object_id,
    row.record_id,
    row.action,
    row.cause,
    row.status,
    row.code,
    row.digest,
    row.previous,
    rowHash,
  ];
}

/** SHA-256 of the row as canonical JSON (RFC 8785: names sorted, no white space), which this literal is by its order. */
function hashOf(row: Omit<Row, "hash">): string {
  const line = JSON.stringify({
    action: row.action,
    actor_id: row.actor_id,
    actor_kind: row.actor_kind,
    at: row.at,
    cause: row.cause,
    code: row.code,
    digest: row.digest,
    kind: row.kind,
    object_id: row.object_id,
    ordinal: row.ordinal,
    plan: row.plan,
    previous: row.previous,
    record_id: row.record_id,
    run: row.run,
    sequence: row.sequence,
    status: row.status,
    stream: row.stream,
    target: row.target,
    type: row.type,
  });
  return hash("sha256", line, "hex");
}

/** What can be erased, as stored: before, after, reason, detail. */
type Erasable = readonly [string | null, string | null, string | null, string | null];

function valuesOf(entry: JournalEntry): Erasable {
  return [textOf(entry.before), textOf(entry.after), entry.reason ?? null, entry.detail ?? null];
}

/** Salted, so that a digest does not give away an erased value that could be guessed. */
function digestOf(salt: string, values: Erasable): string {
  return hash("sha256", JSON.stringify([salt, ...values]), "hex");
}

function textOf(value: Value | undefined): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}
