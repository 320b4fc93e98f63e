import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { ConnectorError } from "@entrain/core";
import { type RawBuilder, sql, type Transaction } from "kysely";
import type { Clock } from "../clock.ts";
import type { DB } from "./schema.ts";
import type { Lease, Owner, StopRequest, Store } from "./store.ts";

type Timekeeper = Pick<Store, "engine" | "clock">;

/** Who holds a lease and until when, unless it is extended (milliseconds UTC). */
export interface Holder {
  readonly heldBy: Owner;
  readonly until: number;
}

/**
 * Takes a lease, or says who holds it. An expired one may be taken, and at once that of a process of this machine that
 * is no longer alive. The same owner does not get it twice: two pieces of work of one process must not overlap either.
 */
export async function acquireLease(store: Store, name: string, owner: Owner, ttlMs: number): Promise<Lease | Holder> {
  return store.transaction(
    async (tx) => {
      await tx
        .insertInto("leases")
        .values({ name, owner: JSON.stringify(owner), fence: 0, expires_at: 0 })
        .onConflict((conflict) => conflict.column("name").doNothing())
        .execute();
      const time = now(store);
      const row = await lockedRow(tx, store, name).executeTakeFirstOrThrow();
      const heldBy = JSON.parse(row.owner) as Owner;
      if (row.expires_at > row.now && !isDead(heldBy)) return { heldBy, until: row.expires_at };
      const fence = row.fence + 1;
      await tx
        .updateTable("leases")
        .set({ owner: JSON.stringify(owner), fence, stop: null, expires_at: sql<number>`${time} + ${int8(ttlMs)}` })
        .where("name", "=", name)
        .execute();
      return { name, owner, fence, ttlMs };
    },
    { repeatable: true },
  );
}

/** A lease's row, with the time by which it is judged. */
function lockedRow(tx: Transaction<DB>, store: Timekeeper, name: string) {
  return tx
    .selectFrom("leases")
    .select(["owner", "fence", "expires_at", "stop", now(store).as("now")])
    .where("name", "=", name)
    .$if(store.engine === "postgres", (query) => query.forUpdate());
}

/**
 * Asks whoever holds a lease to stop, and answers who that is; null when it is free. The owner hears of it at its next
 * transaction, or within a second. `news`: nobody had asked before.
 */
export async function askToStop(
  tx: Transaction<DB>,
  store: Timekeeper,
  name: string,
  request: StopRequest,
): Promise<{ readonly holder: Holder; readonly news: boolean } | null> {
  const row = await lockedRow(tx, store, name).executeTakeFirst();
  if (row === undefined || row.expires_at <= row.now) return null;
  const heldBy = JSON.parse(row.owner) as Owner;
  if (isDead(heldBy)) return null;
  const news = row.stop === null;
  if (news) {
    const stop = JSON.stringify(request);
    await tx.updateTable("leases").set({ stop }).where("name", "=", name).where("fence", "=", row.fence).execute();
  }
  return { holder: { heldBy, until: row.expires_at }, news };
}

/** Tells the owner of a lease when somebody asked it to stop; changes nothing. */
export async function hearStop(store: Store, lease: Lease): Promise<void> {
  const row = await store.db
    .selectFrom("leases")
    .select("stop")
    .where("name", "=", lease.name)
    .where("fence", "=", lease.fence)
    .executeTakeFirst();
  if (row?.stop != null) lease.onStop?.(JSON.parse(row.stop) as StopRequest);
}

/** True for a lease that was taken, false for word of who holds it. */
export function isLease(answer: Lease | Holder): answer is Lease {
  return "fence" in answer;
}

/** Who holds a lease now, or null when it is free. For showing only: it may change at once. */
export async function readLease(store: Store, name: string): Promise<Holder | null> {
  const row = await store.db
    .selectFrom("leases")
    .select(["owner", "expires_at", now(store).as("now")])
    .where("name", "=", name)
    .executeTakeFirst();
  if (row === undefined || row.expires_at <= row.now) return null;
  const heldBy = JSON.parse(row.owner) as Owner;
  return isDead(heldBy) ? null : { heldBy, until: row.expires_at };
}

/** Holds the lease for another `ttlMs`. @throws ConnectorError `lease_lost` */
export async function extend(store: Store, lease: Lease): Promise<void> {
  await store.fenced(lease, async () => {}, { repeatable: true });
}

/** Gives the lease back. Does nothing when it was lost meanwhile. The row stays, so that the fence keeps growing. */
export async function release(store: Store, lease: Lease): Promise<void> {
  await store.transaction(
    (tx) =>
      tx
        .updateTable("leases")
        .set({ expires_at: 0, fence: lease.fence + 1, stop: null })
        .where("name", "=", lease.name)
        .where("fence", "=", lease.fence)
        .execute(),
    { repeatable: true },
  );
}

/**
 * Checks the fencing number and extends the expiry inside `tx`; the row stays locked until it commits, so nobody takes
 * the lease from under it. An expired lease that nobody took is still the owner's. @throws ConnectorError `lease_lost`
 */
export async function confirmLease(tx: Transaction<DB>, store: Timekeeper, lease: Lease): Promise<void> {
  const row = await tx
    .updateTable("leases")
    .set({ expires_at: sql<number>`${now(store)} + ${int8(lease.ttlMs)}` })
    .where("name", "=", lease.name)
    .where("fence", "=", lease.fence)
    .returning("stop")
    .executeTakeFirst();
  if (row !== undefined) {
    if (row.stop !== null) lease.onStop?.(JSON.parse(row.stop) as StopRequest);
    return;
  }
  const message = `The lease ${lease.name} was lost to another process.`;
  throw new ConnectorError("lease_lost", message, { stops: "run", retry: "later" });
}

/**
 * Makes sure, right before work that no transaction holds back, that the lease is still the owner's: whoever stood still for long
 * may have lost it to somebody who has gone on with the same work. @throws ConnectorError `lease_lost`
 */
export async function holdFast(store: Store, lease: Lease): Promise<void> {
  const row = await store.db
    .selectFrom("leases")
    .select(["expires_at", now(store).as("now")])
    .where("name", "=", lease.name)
    .where("fence", "=", lease.fence)
    .executeTakeFirst();
  // One that is about to expire might be taken while the work goes on; of one that was lost the transaction tells.
  if (row === undefined || row.expires_at - row.now < lease.ttlMs / 2) await extend(store, lease);
}

/** This process, as the owner of a lease. */
export function processOwner(clock: Clock): Owner {
  return {
    host: hostname(),
    system: systemId(),
    pid: process.pid,
    started: startOf(process.pid),
    nonce: Buffer.from(clock.bytes(8)).toString("hex"),
  };
}

/** PostgreSQL's own clock, the same for every machine that uses it; SQLite's users share one machine. */
function now(store: Timekeeper): RawBuilder<number> {
  if (store.engine === "postgres") return sql<number>`(extract(epoch from clock_timestamp()) * 1000)::int8`;
  return sql<number>`cast(${store.clock.now()} as integer)`;
}

function int8(value: number): RawBuilder<number> {
  return sql<number>`cast(${value} as bigint)`;
}

/** Only a process of this very system can be known to be dead; another machine's or container's cannot be seen. */
function isDead(owner: Owner): boolean {
  if (owner.host !== hostname() || owner.system !== systemId()) return false;
  const started = startOf(owner.pid);
  if (started !== null && owner.started !== null) return started !== owner.started;
  return !isAlive(owner.pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** The running kernel and the process id namespace: what process ids of one machine or container are unique in. */
function systemId(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot}/${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return process.platform;
  }
}

const STARTTIME_AFTER_NAME = 19;

/** Field 22 of /proc/PID/stat, `starttime` (proc(5)), or null where there is no such file. A zombie counts as dead. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses, and may itself contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "zombie" : (fields[STARTTIME_AFTER_NAME] ?? null);
  } catch {
    return null;
  }
}
