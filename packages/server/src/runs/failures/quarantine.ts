import type { Counts, SyncDefinition } from "@entrain/core";
import type { Selectable, Transaction } from "kysely";
import { findEpisode } from "../../store/alert-episodes.ts";
import { appendJournal } from "../../store/journal.ts";
import type { DB } from "../../store/schema.ts";
import type { Store } from "../../store/store.ts";
import { streamOf } from "../applying.ts";
import type { Actor } from "../context.ts";
import { noteRelease, tellQuarantine, tellRecovery } from "../tell-failures.ts";
import { applied, mostlyRefused, REFUSED_LEAST, refusedSince } from "./mostly-refused.ts";

/** After so many failed runs in a row a sync is slowed down. */
const FAILURES_MOST = 5;
const FIRST_MS = 15 * 60_000;
const LONGEST_MS = 86_400_000;
/** Faults of ours, or of somebody's will: they say nothing of the sync. */
const OWN_FAULTS: readonly string[] = ["store_failed", "lease_lost", "lease_held", "cancelled"];
const MOSTLY_REFUSED = "mostly_refused";

type FailuresRow = Selectable<DB["sync_failures"]>;

/** A sync that is slowed down. Times in milliseconds UTC. */
export interface Quarantine {
  readonly since: number;
  /** Failed runs in a row. */
  readonly failures: number;
  readonly code: string;
  readonly reason: string;
  readonly fix: string;
  /** It does not run by itself before that. */
  readonly until: number;
}

/** How a run ended. */
export interface RunEnd {
  readonly sync: string;
  readonly run: string;
  readonly startedAt: number;
  readonly result: string;
  readonly counts: Counts;
  readonly error: { readonly code: string; readonly message: string; readonly fix: string } | null;
}

/**
 * Notes the end of a run that planned for itself: after five failures in a row, or when most changes were refused for one
 * reason, the sync is in quarantine until a run ends well. Must be called in the transaction that writes the run's end.
 */
export async function noteRunEnd(tx: Transaction<DB>, store: Store, end: RunEnd): Promise<void> {
  const { result, error } = end;
  if (result === "cancelled" || (error !== null && OWN_FAULTS.includes(error.code))) return;
  const known = await loadFailures(tx, end.sync);
  const refused = result === "failed" ? null : await refusedIn(tx, end);
  const bad = result === "failed" ? (error ?? unknownFault()) : refused;
  if (bad === null) return await endedWell(tx, store, { end, known });
  const failures = Math.max((known?.failures ?? 0) + 1, refused === null ? 0 : FAILURES_MOST);
  const now = store.clock.now();
  const delay = failures < FAILURES_MOST ? null : Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - FAILURES_MOST));
  const row: FailuresRow = {
    sync: end.sync,
    failures,
    since: known === null || known.failures === 0 ? now : known.since,
    code: bad.code,
    detail: bad.message,
    fix: bad.fix,
    quarantined_at: delay === null ? null : (known?.quarantined_at ?? now),
    next_at: delay === null ? null : now + delay,
  };
  await saveFailures(tx, row);
  if (delay === null) return;
  await tellQuarantined(tx, store, row);
  if (known?.quarantined_at === null || known === null) {
    const actor: Actor = { kind: "system", id: "quarantine" };
    const entry = { type: "quarantined", actor, run: end.run, code: bad.code, detail: bad.message };
    await appendJournal(tx, store, streamOf({ id: end.sync }), [entry]);
  }
}

function unknownFault(): NonNullable<RunEnd["error"]> {
  return { code: "internal", message: "The run failed.", fix: "Please report it with the detail." };
}

/** The sync runs as its schedule says again, at once and whatever its last runs were. Answers what it was in, or null. */
export async function endQuarantine(
  tx: Transaction<DB>,
  store: Store,
  { sync, actor }: { readonly sync: string; readonly actor: Actor },
): Promise<Quarantine | null> {
  const row = await loadFailures(tx, sync);
  const was = row === null ? null : quarantineIn(row);
  // Why it was slowed down is remembered until it is seen to work: nobody is told before that it does.
  if (row !== null) await saveFailures(tx, { ...row, failures: 0, quarantined_at: null, next_at: null });
  if (was === null) return null;
  await noteRelease(tx, store, sync);
  await appendJournal(tx, store, streamOf({ id: sync }), [{ type: "quarantine ended", actor }]);
  return was;
}

/** How a sync is slowed down now, or null. */
export async function quarantineOf(store: Store, sync: string): Promise<Quarantine | null> {
  const row = await loadFailures(store.db, sync);
  return row === null ? null : quarantineIn(row);
}

/** The quarantines of all syncs, by their ids. */
export async function quarantines(store: Store): Promise<ReadonlyMap<string, Quarantine>> {
  const rows = await store.db.selectFrom("sync_failures").selectAll().where("quarantined_at", "is not", null).execute();
  return new Map(
    rows.flatMap((row) => {
      const quarantine = quarantineIn(row);
      return quarantine === null ? [] : [[row.sync, quarantine] as const];
    }),
  );
}

/** Whether a sync may begin by itself; a clock that was set back does not keep it waiting. */
export function mayRunNow(quarantine: Quarantine | undefined, now: number): boolean {
  return quarantine === undefined || now >= quarantine.until || now < quarantine.until - LONGEST_MS;
}

function quarantineIn(row: FailuresRow): Quarantine | null {
  const { failures, code, detail: reason, fix, quarantined_at: since, next_at: until } = row;
  return since === null || until === null ? null : { since, failures, code, reason, fix, until };
}

/** A run in which the target took nothing, while many records are refused, shows nothing: the sync stays as slow as it is. */
async function endedWell(
  tx: Transaction<DB>,
  store: Store,
  { end, known }: { readonly end: RunEnd; readonly known: FailuresRow | null },
): Promise<void> {
  if (known === null) return;
  const waits = known.code === MOSTLY_REFUSED && applied(end.counts) === 0;
  if (waits && (await refusedSince(tx, { sync: end.sync, since: 0, after: null })).total >= REFUSED_LEAST) {
    if (known.quarantined_at === null) return;
    const delay = Math.min(LONGEST_MS, FIRST_MS * 2 ** (known.failures - FAILURES_MOST));
    return await saveFailures(tx, { ...known, next_at: store.clock.now() + delay });
  }
  await forgetFailures(tx, end.sync);
  const { name } = await nameOf(tx, end.sync);
  await tellRecovery(tx, store, { sync: { id: end.sync, name } });
  if (known.quarantined_at === null) return;
  const actor: Actor = { kind: "system", id: "quarantine" };
  await appendJournal(tx, store, streamOf({ id: end.sync }), [{ type: "quarantine ended", actor, run: end.run }]);
}

async function refusedIn(tx: Transaction<DB>, end: RunEnd): Promise<NonNullable<RunEnd["error"]> | null> {
  const refused = await mostlyRefused(tx, end);
  if (refused === null) return null;
  const { code, message } = refused;
  const { name } = await nameOf(tx, end.sync);
  const fix = `Look at them with \`entrain sync unsynced ${name} --code ${code}\`, mend what they have in common, then \`entrain sync retry ${name}\`.`;
  return { code: MOSTLY_REFUSED, message, fix };
}

/** Where a connection cannot be read, that is told once, and not of each of its syncs. */
async function tellQuarantined(tx: Transaction<DB>, store: Store, row: FailuresRow): Promise<void> {
  const { name, connection, definition } = await nameOf(tx, row.sync);
  if ((await findEpisode(tx, { kind: "connection.failing", subject: connection })) !== null) return;
  const { schedule } = JSON.parse(definition) as SyncDefinition;
  const nextAt = "manual" in schedule ? null : row.next_at;
  await tellQuarantine(tx, store, { sync: { id: row.sync, name }, reason: row.detail, fix: row.fix, nextAt });
}

async function nameOf(
  tx: Transaction<DB>,
  sync: string,
): Promise<{ readonly name: string; readonly connection: string; readonly definition: string }> {
  return await tx
    .selectFrom("syncs")
    .select(["name", "connection", "definition"])
    .where("id", "=", sync)
    .executeTakeFirstOrThrow();
}

async function loadFailures(db: Store["db"] | Transaction<DB>, sync: string): Promise<FailuresRow | null> {
  return (await db.selectFrom("sync_failures").selectAll().where("sync", "=", sync).executeTakeFirst()) ?? null;
}

async function saveFailures(tx: Transaction<DB>, row: FailuresRow): Promise<void> {
  const { sync: _sync, ...values } = row;
  await tx
    .insertInto("sync_failures")
    .values(row)
    .onConflict((conflict) => conflict.column("sync").doUpdateSet(values))
    .execute();
}

async function forgetFailures(tx: Transaction<DB>, sync: string): Promise<void> {
  await tx.deleteFrom("sync_failures").where("sync", "=", sync).execute();
}
