import { ConnectorError, grouped } from "@entrain/core";
import type { Transaction } from "kysely";
import {
  countEpisode,
  type Episode,
  type EpisodeKey,
  endEpisode,
  findEpisode,
  markEpisodeTold,
} from "../store/alert-episodes.ts";
import { type NewAlert, raiseAlert } from "../store/alerts.ts";
import type { DB } from "../store/schema.ts";
import type { Lease, Store } from "../store/store.ts";
import { brief } from "./tell-words.ts";

/** After so many failures in a row somebody is told. */
const FAILURES_TOLD = 3;
/** While it goes on, it is told again this long after. */
const REMINDED_MS = 86_400_000;
/** Several syncs that read a connection at the same moment see one failure, not several. */
const READS_APART_MS = 60_000;

/** An entry of the configuration. */
interface Named {
  readonly id: string;
  readonly name: string;
}

/** Why something failed, as a run's summary has it. */
interface Failure {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
}

/**
 * Tells of a run that ended: `sync.failing` after three that failed in a row, and once a day while that goes on;
 * `sync.recovered` when one succeeds after that. Must be called in the transaction that writes the run's end. What was
 * cancelled says nothing. Of a sync in quarantine, or of one whose connection cannot be read, that is told instead.
 */
export async function tellRunEnd(
  tx: Transaction<DB>,
  store: Store,
  end: { readonly sync: string; readonly run: string; readonly result: string; readonly error: Failure | null },
): Promise<void> {
  const { sync, run, result, error } = end;
  if (result === "cancelled") return;
  const key: EpisodeKey = { kind: "sync.failing", subject: sync };
  if (result !== "failed") {
    // The end of a quarantine is told by whoever ends it, with the failures before it.
    if ((await isGoingOn(tx, "sync.quarantined", sync)) || (await isGoingOn(tx, "sync.released", sync))) return;
    const over = await endEpisode(tx, key);
    if (over === null) return;
    const { name } = await syncRow(tx, sync);
    return await tellOver(tx, store, { over, type: "sync.recovered", field: "sync", name, was: "failing" });
  }
  const now = store.clock.now();
  const going = await countEpisode(tx, key, now);
  if (going.count < FAILURES_TOLD || isToldLately(going, now)) return;
  const { name, connection, connectionId } = await syncRow(tx, sync);
  if (await isGoingOn(tx, "sync.quarantined", sync)) return;
  if (await isGoingOn(tx, "connection.failing", connectionId)) return;
  const facts = { sync: name, connection, run, failures: going.count, since: timeText(going.since) };
  const detail = `The last ${grouped(going.count)} runs failed: ${brief(error?.message ?? "nobody knows why.")}`;
  const data = { ...facts, code: error?.code ?? "internal", detail, fix: brief(error?.fix ?? "") };
  if (await raiseAlert(tx, store, { type: "sync.failing", data })) await markEpisodeTold(tx, key, now);
}

/** A connection that is being read, and the lease under which it is. */
interface Reading {
  readonly store: Store;
  readonly connection: Named;
  readonly lease: Lease;
}

/** Faults of ours, which say nothing of the connection that was being read. */
const OWN_FAULTS: readonly string[] = ["store_failed", "lease_lost", "lease_held", "cancelled"];

/**
 * Reads a connection, and tells of that: `connection.failing` when three reads in a row failed, each at least a minute
 * after the one before, and once a day while that goes on; `connection.recovered` when one succeeds after that.
 */
export async function toldReading(reading: Reading, signal: AbortSignal, read: () => Promise<void>): Promise<void> {
  const { store, connection, lease } = reading;
  const key: EpisodeKey = { kind: "connection.failing", subject: connection.id };
  try {
    await read();
  } catch (fault) {
    const isOurs = fault instanceof ConnectorError && OWN_FAULTS.includes(fault.code);
    if (!signal.aborted && !isOurs) {
      // Whoever waits for the read is told why it failed, whatever became of telling others.
      await store.fenced(lease, (tx) => tellUnread(tx, store, connection, fault)).catch(() => undefined);
    }
    throw fault;
  }
  if ((await findEpisode(store.db, key)) === null) return;
  await store.fenced(lease, async (tx) => {
    const over = await endEpisode(tx, key);
    if (over === null) return;
    const { name } = connection;
    await tellOver(tx, store, { over, type: "connection.recovered", field: "connection", name, was: "failing" });
  });
}

async function tellUnread(tx: Transaction<DB>, store: Store, connection: Named, fault: unknown): Promise<void> {
  const { id, name } = connection;
  const key: EpisodeKey = { kind: "connection.failing", subject: id };
  const now = store.clock.now();
  const known = await findEpisode(tx, key);
  if (known !== null && now >= known.since && now < known.since + known.count * READS_APART_MS) return;
  const going = await countEpisode(tx, key, now);
  if (going.count < FAILURES_TOLD || isToldLately(going, now)) return;
  const { code, message, fix } = failureOf(fault);
  const detail = `It could not be read ${grouped(going.count)} times in a row: ${brief(message)}`;
  const facts = { connection: name, failures: going.count, since: timeText(going.since) };
  const data = { ...facts, code, detail, fix: brief(fix) };
  if (await raiseAlert(tx, store, { type: "connection.failing", data })) await markEpisodeTold(tx, key, now);
}

function failureOf(fault: unknown): Failure {
  if (fault instanceof ConnectorError) return fault;
  const message = fault instanceof Error ? fault.message : String(fault);
  return { code: "internal", message, fix: "Please report it with the detail." };
}

/** A sync that is in quarantine. */
export interface QuarantineTold {
  readonly sync: Named;
  /** Why, in a sentence for operators, which names nobody and holds no value of anybody. */
  readonly reason: string;
  /** What to do, in a sentence. */
  readonly fix: string;
  /** When it runs next, in milliseconds UTC; null when it does not by itself. */
  readonly nextAt: number | null;
}

/**
 * Tells that a sync is in quarantine: `sync.quarantined`, when it begins and then once a day. Must be called in the
 * transaction that begins it, and may be called in that of every later run that leaves it there: what was told within a
 * day is not told again. Until {@link tellRecovery}, the failures of the sync's runs are not told beside it.
 */
export async function tellQuarantine(tx: Transaction<DB>, store: Store, told: QuarantineTold): Promise<void> {
  const { sync, reason, fix, nextAt } = told;
  const key: EpisodeKey = { kind: "sync.quarantined", subject: sync.id };
  const now = store.clock.now();
  // Whoever ended the one before did so in vain: that there is another is told, and then the end of both at once.
  await endEpisode(tx, { kind: "sync.released", subject: sync.id });
  const going = await countEpisode(tx, key, now);
  if (isToldLately(going, now)) return;
  const next = nextAt === null ? null : timeText(nextAt);
  const facts = { sync: sync.name, since: timeText(going.since), nextRunAt: next };
  const data = { ...facts, detail: `It is in quarantine: ${brief(reason)}`, fix: brief(fix) };
  if (await raiseAlert(tx, store, { type: "sync.quarantined", data })) await markEpisodeTold(tx, key, now);
}

/**
 * Somebody ended a sync's quarantine, and it was not seen to work yet: that is told by the first {@link tellRecovery}, or
 * there is another quarantine to tell of. Must be called in the transaction that ends it.
 */
export async function noteRelease(tx: Transaction<DB>, store: Store, sync: string): Promise<void> {
  const quarantine = await endEpisode(tx, { kind: "sync.quarantined", subject: sync });
  if (quarantine === null || quarantine.toldAt === null) return;
  const key: EpisodeKey = { kind: "sync.released", subject: sync };
  await countEpisode(tx, key, quarantine.since);
  await markEpisodeTold(tx, key, store.clock.now());
}

/**
 * Tells that a sync left its quarantine and works: one `sync.recovered`, when somebody was told of the quarantine or of the
 * failures before it; otherwise nothing. Must be called in the transaction that ends it; harmless for a sync that was in none.
 */
export async function tellRecovery(
  tx: Transaction<DB>,
  store: Store,
  { sync }: { readonly sync: Named },
): Promise<void> {
  const released = await endEpisode(tx, { kind: "sync.released", subject: sync.id });
  const quarantine = (await endEpisode(tx, { kind: "sync.quarantined", subject: sync.id })) ?? released;
  if (quarantine === null) return;
  const failing = await endEpisode(tx, { kind: "sync.failing", subject: sync.id });
  const over = {
    count: Math.max(quarantine.count, failing?.count ?? 0),
    since: Math.min(quarantine.since, failing?.since ?? quarantine.since),
    toldAt: quarantine.toldAt ?? failing?.toldAt ?? null,
  };
  await tellOver(tx, store, { over, type: "sync.recovered", field: "sync", name: sync.name, was: "quarantined" });
}

/** Only who was told that something fails is told that it does no more. */
async function tellOver(
  tx: Transaction<DB>,
  store: Store,
  end: {
    readonly over: Episode;
    readonly type: NewAlert["type"];
    readonly field: "sync" | "connection";
    readonly name: string;
    readonly was: "failing" | "quarantined";
  },
): Promise<void> {
  const { over, type, field, name, was } = end;
  if (over.toldAt === null) return;
  const begun = timeText(over.since);
  const what = was === "quarantined" ? "was in quarantine" : field === "sync" ? "failed" : "could not be read";
  const detail = `It works again; it ${what} since ${begun.slice(0, 16).replace("T", " ")} UTC.`;
  const data = { [field]: name, was, since: begun, detail, fix: "Nothing needs to be done." };
  await raiseAlert(tx, store, { type, data });
}

function isToldLately({ toldAt }: Episode, now: number): boolean {
  // A clock that was set back begins the day anew.
  return toldAt !== null && now >= toldAt && now < toldAt + REMINDED_MS;
}

async function isGoingOn(tx: Transaction<DB>, kind: EpisodeKey["kind"], subject: string): Promise<boolean> {
  return (await findEpisode(tx, { kind, subject })) !== null;
}

async function syncRow(
  tx: Transaction<DB>,
  id: string,
): Promise<{ readonly name: string; readonly connection: string; readonly connectionId: string }> {
  return await tx
    .selectFrom("syncs")
    .innerJoin("connections", "connections.id", "syncs.connection")
    .select(["syncs.name", "connections.name as connection", "connections.id as connectionId"])
    .where("syncs.id", "=", id)
    .executeTakeFirstOrThrow();
}

function timeText(time: number): string {
  return new Date(time).toISOString();
}
