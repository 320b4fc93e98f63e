import { ConnectorError, GUARD_COUNTERS, limitOf, longWindow, type SyncDefinition } from "@entrain/core";
import type { Transaction } from "kysely";
import { appendJournal } from "../store/journal.ts";
import type { DB } from "../store/schema.ts";
import type { Lease, Store } from "../store/store.ts";
import { trimDirectory, USUAL_DIRECTORY_MS } from "./directory-history.ts";
import { withLease } from "./lease.ts";
import { factsOf, type RunLog } from "./tell.ts";

/** How long runs and decided plans are kept unless it is said otherwise. */
export const USUAL_HISTORY_MS: number = 90 * 86_400_000;
/** Guards look back thirty days at least; less would leave them nothing to look at. */
export const LEAST_HISTORY_MS: number = 31 * 86_400_000;

const LEASE = "history";
const RUNS_AT_ONCE = 200;
const ROWS_AT_ONCE = 5000;
/** Of plans in these states nothing is left to be done, nor to be decided. */
const DECIDED = ["applied", "rejected", "superseded", "split", "abandoned", "forgotten"] as const;

export interface HistoryOptions {
  readonly store: Store;
  /** Milliseconds; what ended longer ago goes. */
  readonly keepMs: number;
  /** Milliseconds for which it is remembered what the directory was. */
  readonly keepDirectoryMs?: number;
  readonly signal: AbortSignal;
}

/** How many rows went. */
export interface Trimmed {
  readonly runs: number;
  readonly plans: number;
  /** Changes and issues of those plans. */
  readonly rows: number;
  /** Counted removals, and links that went. */
  readonly removals: number;
  /** What records and memberships of the directory were before. */
  readonly versions: number;
}

interface Trimming extends HistoryOptions {
  readonly lease: Lease;
  readonly before: number;
}

/**
 * Forgets runs, decided plans with their rows, counted removals and links that went, all older than `keepMs`, batch by
 * batch. What something still needs stays however old it is: the last run of each sync, runs and plans with open intents,
 * plans that wait or are being applied, plans of runs that stay, and removals and links that a guard's window may reach. The
 * journal stays whole.
 * @throws ConnectorError `lease_held` while another process does the same
 */
export async function trimHistory(options: HistoryOptions): Promise<Trimmed> {
  const { store, keepMs, signal } = options;
  const lease = { wait: false, signal, what: "Forgetting old runs" };
  return await withLease(store, LEASE, lease, async (held) => {
    const trimming = { ...options, lease: held, before: store.clock.now() - keepMs };
    const runs = await trimRuns(trimming);
    const { plans, rows } = await trimPlans(trimming);
    const before = store.clock.now() - (options.keepDirectoryMs ?? USUAL_DIRECTORY_MS);
    const versions = await trimDirectory(store, held, { before, signal });
    const trimmed = { runs, plans, rows, removals: await trimRemovals(trimming), versions };
    if (Object.values(trimmed).some((count) => count > 0)) {
      const detail = `Runs and decided plans that ended before ${new Date(trimming.before).toISOString()} were forgotten.`;
      const actor = { kind: "system", id: "history" };
      await store.fenced(held, (tx) =>
        appendJournal(tx, store, "system", [{ type: "trimmed", actor, after: { ...trimmed }, detail }]),
      );
    }
    return trimmed;
  });
}

async function trimRuns(trimming: Trimming): Promise<number> {
  return await untilNone(trimming, async (tx) => {
    const old = await tx
      .selectFrom("runs")
      .select("id")
      .where("result", "is not", null)
      .where("finished_at", "<", trimming.before)
      .where((eb) =>
        eb.not(eb.exists(eb.selectFrom("open_intents").select("ordinal").whereRef("open_intents.run", "=", "runs.id"))),
      )
      // A sync that is run seldom shows how its last run ended.
      .where((eb) =>
        eb.or([
          eb.exists(
            eb
              .selectFrom("runs as later")
              .select("later.id")
              .whereRef("later.sync", "=", "runs.sync")
              .whereRef("later.started_at", ">", "runs.started_at"),
          ),
          eb.not(eb.exists(eb.selectFrom("syncs").select("syncs.id").whereRef("syncs.id", "=", "runs.sync"))),
        ]),
      )
      .limit(RUNS_AT_ONCE)
      .execute();
    if (old.length === 0) return 0;
    const ids = old.map(({ id }) => id);
    await tx.deleteFrom("runs").where("id", "in", ids).execute();
    return ids.length;
  });
}

async function trimPlans(trimming: Trimming): Promise<Pick<Trimmed, "plans" | "rows">> {
  const { store, lease, before, signal } = trimming;
  for (let [plans, rows] = [0, 0]; ; ) {
    signal.throwIfAborted();
    const old = await store.db
      .selectFrom("plans")
      .select("id")
      .where("state", "in", DECIDED)
      .where((eb) => eb(eb.fn.coalesce("finished_at", "created_at"), "<", before))
      .where((eb) => eb.not(eb.exists(eb.selectFrom("runs").select("runs.id").whereRef("runs.id", "=", "plans.run"))))
      .where((eb) => eb.not(eb.exists(eb.selectFrom("runs").select("runs.id").whereRef("runs.plan", "=", "plans.id"))))
      .where((eb) =>
        eb.not(
          eb.exists(eb.selectFrom("open_intents").select("ordinal").whereRef("open_intents.plan", "=", "plans.id")),
        ),
      )
      .limit(RUNS_AT_ONCE)
      .execute();
    if (old.length === 0) return { plans, rows };
    for (const { id } of old) {
      for (const table of ["plan_changes", "plan_issues"] as const) rows += await trimRows(trimming, table, id);
      await store.fenced(lease, async (tx) => {
        await tx.deleteFrom("match_index").where("plan", "=", id).execute();
        await tx.deleteFrom("plan_approvals").where("plan", "=", id).execute();
        await tx.deleteFrom("plans").where("id", "=", id).execute();
      });
      plans += 1;
    }
  }
}

/** A plan of a first run has a row for everybody: they go a few thousand at a time. */
async function trimRows(trimming: Trimming, table: "plan_changes" | "plan_issues", plan: string): Promise<number> {
  return await untilNone(trimming, async (tx) => {
    const some = await tx
      .selectFrom(table)
      .select("ordinal")
      .where("plan", "=", plan)
      .orderBy("ordinal")
      .limit(ROWS_AT_ONCE)
      .execute();
    const last = some.at(-1);
    if (last === undefined) return 0;
    await tx.deleteFrom(table).where("plan", "=", plan).where("ordinal", "<=", last.ordinal).execute();
    return some.length;
  });
}

async function trimRemovals(trimming: Trimming): Promise<number> {
  const { store, keepMs } = trimming;
  const before = store.clock.now() - Math.max(keepMs, await longestWindowMs(store));
  const counters = await store.db.selectFrom("removals").select(["sync", "counter"]).distinct().execute();
  let gone = 0;
  for (const { sync, counter } of counters) {
    gone += await untilNone(trimming, async (tx) => {
      const some = await tx
        .selectFrom("removals")
        .select("at")
        .where("sync", "=", sync)
        .where("counter", "=", counter)
        .where("at", "<", before)
        .orderBy("at")
        .limit(ROWS_AT_ONCE)
        .execute();
      const last = some.at(-1);
      if (last === undefined) return 0;
      const old = tx.deleteFrom("removals").where("sync", "=", sync).where("counter", "=", counter);
      const { numDeletedRows } = await old.where("at", "<=", last.at).executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    });
  }
  return gone + (await trimFormer(trimming, before));
}

/** Who comes back later than that is new to the guards. */
async function trimFormer(trimming: Trimming, before: number): Promise<number> {
  return await untilNone(trimming, async (tx) => {
    const some = await tx
      .selectFrom("former_links")
      .select("at")
      .where("at", "<", before)
      .orderBy("at")
      .limit(ROWS_AT_ONCE)
      .execute();
    const last = some.at(-1);
    if (last === undefined) return 0;
    const old = await tx.deleteFrom("former_links").where("at", "<=", last.at).executeTakeFirstOrThrow();
    return Number(old.numDeletedRows);
  });
}

/** Forgets batch by batch, each in a transaction of its own, until a batch finds nothing. Answers how many there were. */
async function untilNone(
  { store, lease, signal }: Trimming,
  batch: (tx: Transaction<DB>) => Promise<number>,
): Promise<number> {
  for (let gone = 0; ; ) {
    signal.throwIfAborted();
    const count = await store.fenced(lease, batch);
    if (count === 0) return gone;
    gone += count;
  }
}

/** How far back the guard of any sync looks. */
async function longestWindowMs(store: Store): Promise<number> {
  const syncs = await store.db.selectFrom("syncs").select("definition").execute();
  const windows = syncs.flatMap(({ definition }) => {
    const { guard } = JSON.parse(definition) as SyncDefinition;
    return GUARD_COUNTERS.map((counter) => longWindow(limitOf(guard, counter)).windowMs);
  });
  return windows.reduce((longest, window) => Math.max(longest, window), 0);
}

const LOOK_MS = 24 * 3_600_000;
/** After the start, when the first syncs have begun. */
const FIRST_LOOK_MS = 5 * 60_000;

/** Forgets what is old once a day, until the signal aborts. What another server is doing just now is left to it. */
export async function watchHistory(options: HistoryOptions & { readonly log: RunLog }): Promise<void> {
  const { store, log, signal } = options;
  for (let pause = FIRST_LOOK_MS; !signal.aborted; pause = LOOK_MS) {
    await store.clock.sleep(pause, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      const trimmed = await trimHistory(options);
      if (trimmed.runs + trimmed.plans + trimmed.removals + trimmed.versions > 0)
        log.info(trimmed, `Forgot ${trimmed.runs} old runs and ${trimmed.plans} old plans; the journal has them all.`);
    } catch (error) {
      if (signal.aborted || (error instanceof ConnectorError && error.code === "lease_held")) continue;
      log.error(factsOf(error), "Old runs could not be forgotten; it is tried again tomorrow.");
    }
  }
}
