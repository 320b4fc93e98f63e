import {
  ConnectorError,
  type Counts,
  type SourceKind,
  type SyncDefinition,
  type Target,
  type WaitListener,
} from "@entrain/core";
import type { Transaction } from "kysely";
import { newId } from "../clock.ts";
import { appendJournal } from "../store/journal.ts";
import { clearPlan, NO_COUNTS, type PlanRow, plansIn, updatePlan, weightOf } from "../store/plans.ts";
import { createRun, type RunRow, saveRun, unfinishedRuns } from "../store/runs.ts";
import type { DB } from "../store/schema.ts";
import type { Lease } from "../store/store.ts";
import { applyPlan } from "./apply.ts";
import { NO_TALLY, streamOf, type Tally } from "./applying.ts";
import { beginPlan, reviewHeld } from "./begin.ts";
import type { Actor, ConnectionRow, Engine, Progress, SyncRow, TargetRow } from "./context.ts";
import { readLease, syncLease, withLease } from "./lease.ts";
import { buildPlan, kindOf, type Planned } from "./plan.ts";
import { readKind } from "./read.ts";
import { scopeNow } from "./scope-now.ts";
import { WaitTeller } from "./waits.ts";

/** How a run ended. `held` is what waits for approval, from this run or an earlier one. */
export interface RunSummary {
  readonly run: string;
  readonly result: "succeeded" | "partial" | "failed" | "held" | "cancelled";
  readonly counts: Counts;
  readonly failed: number;
  readonly unchanged: number;
  readonly ms: number;
  readonly readMs: number;
  readonly held: { readonly digest: string; readonly count: number } | null;
  readonly error: { readonly code: string; readonly message: string; readonly fix: string } | null;
}

export interface RunOptions {
  readonly sync: string;
  readonly actor: Actor;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** Told once the lease is taken and the run stands in the store; a preview has no run (`null`). */
  readonly onBegin?: (run: string | null) => void;
}

/** A reference that could not be written yet is written by a further plan of the same run; circles need one more. */
const FURTHER_PLANS = 2;
const KEPT_PLANS = 20;
const KEPT_PREVIEWS = 3;

interface Session {
  readonly engine: Engine;
  readonly options: RunOptions;
  readonly sync: SyncRow;
  readonly connection: ConnectionRow;
  readonly targetRow: TargetRow;
  readonly target: Target;
  readonly lease: Lease;
  readonly run: string;
  readonly onWait: WaitListener;
}

/** Runs a sync once: finishes what a crash left, reads, plans, holds what the guard holds, applies the rest. */
export async function runSync(engine: Engine, options: RunOptions): Promise<RunSummary> {
  return await inRun(engine, options, "incremental", async (session) => {
    const resumed = await recover(session);
    await read(session);
    return await planAndApply(session, resumed);
  });
}

/** Plans without applying: the same run, stopped. Cursors stay where they are. */
export async function planSync(engine: Engine, options: RunOptions): Promise<Planned> {
  const { store } = engine;
  return await withLease(store, syncLease(options.sync), leaseOptions(options), async (lease) => {
    options.onBegin?.(null);
    return await withEnds(engine, options, lease, "", async (session) => {
      await abandonUnfinished(session);
      await read(session);
      const planned = await plan(session, { run: null, firstOrdinal: 0 });
      await forgetPlans(session);
      return planned;
    });
  });
}

/** Applies a plan by its digest, as `sync plan` sealed it; what the guard holds of it still waits for approval. */
export async function applySync(
  engine: Engine,
  options: RunOptions & { readonly digest: string },
): Promise<RunSummary> {
  return await inRun(engine, options, "apply", async (session) => {
    const resumed = await recover(session);
    const sealed = await planByDigest(session, options.digest, ["sealed"]);
    await read(session);
    return await applyOne(session, sealed, resumed);
  });
}

/** Approves a held plan (or a previewed one) by its digest, and applies exactly that plan. */
export async function approveSync(
  engine: Engine,
  options: RunOptions & { readonly digest: string },
): Promise<RunSummary> {
  return await inRun(engine, options, "approve", async (session) => {
    const resumed = await recover(session);
    const waiting = await planByDigest(session, options.digest, ["held", "sealed"]);
    await read(session);
    const { store } = engine;
    const approval = { approved_by: JSON.stringify(options.actor), approved_at: store.clock.now(), state: "approved" };
    await store.fenced(session.lease, async (tx) => {
      await updatePlan(tx, waiting.id, approval);
      await journalDecision(engine, tx, options, { type: "approved", plan: waiting.id, run: session.run });
    });
    return await applyOne(session, { ...waiting, ...approval }, resumed);
  });
}

/** Rejects a held plan: its records are planned anew by the next run. */
export async function rejectSync(engine: Engine, options: RunOptions & { readonly digest: string }): Promise<void> {
  const { store } = engine;
  await withLease(store, syncLease(options.sync), leaseOptions(options), async (lease) => {
    const [held] = await matching(engine, options.sync, options.digest, ["held"]);
    if (!held) throw stale(options.digest);
    await store.fenced(lease, async (tx) => {
      await updatePlan(tx, held.id, { state: "rejected", finished_at: store.clock.now() });
      await journalDecision(engine, tx, options, { type: "rejected", plan: held.id, run: null });
      await reviewHeld({ store, sync: { id: options.sync } }, tx, held.id, "conflict");
    });
  });
}

/** Who decided on a plan, and on which: its digest names every change of it. */
async function journalDecision(
  engine: Engine,
  tx: Transaction<DB>,
  options: RunOptions & { readonly digest: string },
  decision: { readonly type: "approved" | "rejected"; readonly plan: string; readonly run: string | null },
): Promise<void> {
  const entry = { ...decision, actor: options.actor, detail: options.digest };
  await appendJournal(tx, engine.store, streamOf({ id: options.sync }), [entry]);
}

interface Applied {
  readonly tally: Tally;
  readonly issues: number;
  readonly held: PlanRow | null;
}

const NOTHING: Applied = { tally: NO_TALLY, issues: 0, held: null };

async function planAndApply(session: Session, resumed: Tally): Promise<Applied> {
  let done: Applied = { ...NOTHING, tally: resumed };
  let firstOrdinal = 0;
  for (let further = 0; further <= FURTHER_PLANS; further += 1) {
    const planned = await plan(session, { run: session.run, firstOrdinal });
    firstOrdinal = planned.nextOrdinal;
    const { tally, issues, held } = await applyOne(session, planned.plan, { ...done.tally, waiting: 0 });
    done = { tally, issues, held: held ?? done.held };
    if (tally.waiting === 0) break;
  }
  return done;
}

async function applyOne(session: Session, sealed: PlanRow, before: Tally): Promise<Applied> {
  const { store } = session.engine;
  const sync = await freshSync(session);
  const space = { target: session.targetRow.id, tenant: session.connection.tenant };
  const begun = await beginPlan({ store, lease: session.lease, sync, space, run: session.run }, sealed);
  const tally = sum(before, await resume(session, begun.plan));
  const issues = await issueCount(session, begun.plan.id);
  return { tally, issues, held: begun.held };
}

/** Applies what is left of a plan that was begun, and closes it. */
async function resume(session: Session, begun: PlanRow): Promise<Tally> {
  const { engine, options, target, lease } = session;
  const { store } = engine;
  await store.fenced(lease, (tx) => saveRun(tx, session.run, { phase: "applying", plan: begun.id }));
  const sync = await freshSync(session);
  const definition = JSON.parse(sync.definition) as SyncDefinition;
  const counts = JSON.parse(begun.counts) as Counts;
  const tally = await applyPlan(
    {
      store,
      sync,
      plan: begun,
      run: begun.run ?? session.run,
      reportTo: session.run,
      actor: options.actor,
      target,
      kind: kindOf(target, sync.records),
      matching: definition.matching,
      space: { target: session.targetRow.id, tenant: session.connection.tenant },
      scopeNow: scopeNow(store, session.connection.id, definition),
      lease,
      signal: options.signal,
      onProgress: options.onProgress,
    },
    Object.values(counts).reduce((total: number, count: number) => total + count, 0),
  );
  const now = store.clock.now();
  await store.fenced(lease, async (tx) => {
    await updatePlan(tx, begun.id, { state: "applied", finished_at: now });
    // What a held plan pinned and left open, such as a group's rename meanwhile, is planned by the next run.
    if (begun.part === "removals") await reviewHeld({ store, sync }, tx, begun.id, "dependant");
    if (sync.first_run_at !== null) return;
    await tx.updateTable("syncs").set({ first_run_at: now }).where("id", "=", sync.id).execute();
  });
  return tally;
}

/** Finishes what a crash left: open intents are looked up, begun plans applied to their end, unfinished ones dropped. */
async function recover(session: Session): Promise<Tally> {
  await abandonUnfinished(session);
  const { store } = session.engine;
  let tally = NO_TALLY;
  for (const left of await plansIn(store.db, session.sync.id, ["approved", "applying"])) {
    if (left.state === "applying") tally = sum(tally, await resume(session, left));
    else tally = (await applyOne(session, left, tally)).tally;
  }
  return tally;
}

async function abandonUnfinished(session: Session): Promise<void> {
  const { engine, sync, lease, run } = session;
  const { store } = engine;
  const runs = (await unfinishedRuns(store.db, sync.id)).filter((one) => one.id !== run);
  const begun = await plansIn(store.db, sync.id, ["building", "sealed"]);
  const plans = begun.filter((one) => one.state === "building" || one.run !== null);
  if (runs.length + plans.length === 0) return;
  const error = JSON.stringify({
    code: "interrupted",
    message: "The run was interrupted; the next one finished what it had begun.",
    fix: "Nothing needs to be done.",
  });
  await store.fenced(lease, async (tx) => {
    for (const one of runs) {
      await saveRun(tx, one.id, { phase: "finished", result: "cancelled", finished_at: store.clock.now(), error });
    }
    for (const one of plans) {
      await clearPlan(tx, one.id);
      await updatePlan(tx, one.id, { state: "abandoned" });
    }
  });
}

async function read(session: Session): Promise<void> {
  const { engine, options, connection } = session;
  const { store } = engine;
  const begun = store.clock.monotonic();
  const onWait = (holder: string): void =>
    options.onProgress({
      phase: "waiting",
      detail: `${connection.name} is being read by ${holder}`,
      done: 0,
      total: null,
    });
  const what = `Reading ${connection.name}`;
  await withLease(
    store,
    readLease(connection.id),
    { wait: true, signal: options.signal, what, onWait },
    async (lease) => {
      const source = await engine.openSource(connection, session.onWait);
      try {
        const { onProgress, signal } = options;
        const run = session.run === "" ? null : session.run;
        for (const kind of sourceKinds(session)) {
          await readKind({ store, source, connection: connection.id, lease, run, signal, onProgress }, kind);
        }
      } finally {
        await source.close();
      }
    },
  );
  if (session.run === "") return;
  const readMs = Math.round(store.clock.monotonic() - begun);
  await store.fenced(session.lease, (tx) => saveRun(tx, session.run, { phase: "planning", read_ms: readMs }));
}

/** People are always read; groups where the sync provisions them or its scope asks for them. */
function sourceKinds({ sync, target }: Session): readonly SourceKind[] {
  const definition = JSON.parse(sync.definition) as SyncDefinition;
  const groups = kindOf(target, sync.records).source === "group" || definition.scope.groups !== undefined;
  return groups ? ["user", "group"] : ["user"];
}

async function plan(
  session: Session,
  of: { readonly run: string | null; readonly firstOrdinal: number },
): Promise<Planned> {
  const { engine, options, connection, targetRow, target, lease } = session;
  const sync = await freshSync(session);
  const { signal, onProgress } = options;
  return await buildPlan({
    store: engine.store,
    sync,
    connection,
    targetRow,
    target,
    lease,
    signal,
    onProgress,
    ...of,
  });
}

async function freshSync(session: Session): Promise<SyncRow> {
  return await session.engine.store.db
    .selectFrom("syncs")
    .selectAll()
    .where("id", "=", session.sync.id)
    .executeTakeFirstOrThrow();
}

async function issueCount(session: Session, planId: string): Promise<number> {
  const row = await session.engine.store.db
    .selectFrom("plan_issues")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("plan", "=", planId)
    .where("state", "=", "issue")
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

function sum(left: Tally, right: Tally): Tally {
  const counts = { ...left.counts };
  for (const key of Object.keys(NO_COUNTS) as (keyof Counts)[]) counts[key] += right.counts[key];
  return {
    counts,
    failed: left.failed + right.failed,
    unchanged: left.unchanged + right.unchanged,
    waiting: left.waiting + right.waiting,
  };
}

async function planByDigest(session: Session, digest: string, states: readonly string[]): Promise<PlanRow> {
  const [found] = await matching(session.engine, session.sync.id, digest, states);
  if (!found) throw stale(digest);
  return found;
}

async function matching(
  engine: Engine,
  sync: string,
  digest: string,
  states: readonly string[],
): Promise<readonly PlanRow[]> {
  const plans = await plansIn(engine.store.db, sync, states);
  return plans.filter((one) => one.digest === digest).reverse();
}

function stale(digest: string): ConnectorError {
  const message = `No plan with the digest ${digest} is waiting for this sync.`;
  return new ConnectorError("plan_stale", message, { stops: "run", retry: "never" });
}

function leaseOptions(options: RunOptions): {
  readonly wait: boolean;
  readonly signal: AbortSignal;
  readonly what: string;
} {
  return { wait: false, signal: options.signal, what: "This sync" };
}

/** Opens a run: lease, row, ends; whatever happens inside, the row says how it ended. */
async function inRun(
  engine: Engine,
  options: RunOptions,
  mode: string,
  work: (session: Session) => Promise<Applied>,
): Promise<RunSummary> {
  const { store } = engine;
  return await withLease(store, syncLease(options.sync), leaseOptions(options), async (lease) => {
    const row = newRun(engine, options, mode, lease);
    const begun = store.clock.monotonic();
    await store.fenced(lease, (tx) => createRun(tx, row));
    options.onBegin?.(row.id);
    let applied: Applied = NOTHING;
    let error: RunSummary["error"] = null;
    let result: RunSummary["result"] = "succeeded";
    try {
      applied = await withEnds(engine, options, lease, row.id, async (session) => {
        const done = await work(session);
        await forgetPlans(session);
        return done;
      });
      result = resultOf(applied);
    } catch (fault) {
      result = options.signal.aborted ? "cancelled" : "failed";
      error = described(fault, options.signal);
      if (error === null) throw fault;
    }
    return await finish(engine, lease, {
      row,
      applied,
      result,
      error,
      ms: Math.round(store.clock.monotonic() - begun),
    });
  });
}

function resultOf({ held, tally, issues }: Applied): RunSummary["result"] {
  if (held) return "held";
  return tally.failed + issues > 0 ? "partial" : "succeeded";
}

function described(fault: unknown, signal: AbortSignal): RunSummary["error"] {
  if (signal.aborted) {
    return {
      code: "cancelled",
      message: "The run was stopped.",
      fix: "Run the sync again; it goes on where it stopped.",
    };
  }
  if (!(fault instanceof ConnectorError)) {
    return {
      code: "internal",
      message: fault instanceof Error ? fault.message : String(fault),
      fix: "Please report it with the detail.",
    };
  }
  return { code: fault.code, message: fault.message, fix: fault.fix };
}

function newRun(engine: Engine, options: RunOptions, mode: string, lease: Lease): RunRow {
  const { clock } = engine.store;
  return {
    id: newId(clock, "run"),
    sync: options.sync,
    mode,
    phase: "reading",
    result: null,
    counts: JSON.stringify(NO_COUNTS),
    failed: 0,
    unchanged: 0,
    progress: "{}",
    error: null,
    plan: null,
    held_plan: null,
    actor: JSON.stringify(options.actor),
    owner: JSON.stringify(lease.owner),
    fence: lease.fence,
    started_at: clock.now(),
    finished_at: null,
    read_ms: 0,
  };
}

async function finish(
  engine: Engine,
  lease: Lease,
  end: {
    readonly row: RunRow;
    readonly applied: Applied;
    readonly result: RunSummary["result"];
    readonly error: RunSummary["error"];
    readonly ms: number;
  },
): Promise<RunSummary> {
  const { store } = engine;
  const { row, applied, result, error } = end;
  const written = await store.db.selectFrom("runs").selectAll().where("id", "=", row.id).executeTakeFirstOrThrow();
  const counts = error ? (JSON.parse(written.counts) as Counts) : applied.tally.counts;
  const failed = error ? written.failed : applied.tally.failed + applied.issues;
  await store.fenced(lease, (tx) =>
    saveRun(tx, row.id, {
      phase: "finished",
      result,
      counts: JSON.stringify(counts),
      failed,
      error: error && JSON.stringify(error),
      held_plan: applied.held?.id ?? null,
      finished_at: store.clock.now(),
    }),
  );
  const held = applied.held ?? (await plansIn(store.db, row.sync, ["held"])).at(-1) ?? null;
  return {
    run: row.id,
    result,
    counts,
    failed,
    unchanged: applied.tally.unchanged,
    ms: end.ms,
    readMs: written.read_ms,
    held:
      held === null || held.digest === null ? null : { digest: held.digest, count: await heldCount(engine, held.id) },
    error,
  };
}

async function heldCount(engine: Engine, planId: string): Promise<number> {
  const rows = await engine.store.db
    .selectFrom("plan_changes")
    .select(["action", "add", "remove"])
    .where("plan", "=", planId)
    .execute();
  return rows.reduce((total, row) => total + weightOf(row), 0);
}

async function withEnds<T>(
  engine: Engine,
  options: RunOptions,
  lease: Lease,
  run: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { db } = engine.store;
  const sync = await db.selectFrom("syncs").selectAll().where("id", "=", options.sync).executeTakeFirstOrThrow();
  const connection = await db
    .selectFrom("connections")
    .selectAll()
    .where("id", "=", sync.connection)
    .executeTakeFirstOrThrow();
  const targetRow = await db.selectFrom("targets").selectAll().where("id", "=", sync.target).executeTakeFirstOrThrow();
  const { store } = engine;
  const waits = new WaitTeller({
    clock: store.clock,
    tell: options.onProgress,
    save: async (progress) => {
      if (run === "") return;
      await store.fenced(lease, (tx) => saveRun(tx, run, { progress: JSON.stringify(progress) }));
    },
  });
  const { onProgress, onWait } = waits;
  const target = await engine.openTarget(targetRow, onWait);
  try {
    const told = { ...options, onProgress };
    return await work({ engine, options: told, sync, connection, targetRow, target, lease, run, onWait });
  } finally {
    await target.close();
    await waits.settled();
  }
}

/** Old plans' rows are dropped; what was applied stands in the journal. */
async function forgetPlans(session: Session): Promise<void> {
  const { engine, sync, lease } = session;
  const { store } = engine;
  const done = await plansIn(store.db, sync.id, ["applied", "rejected"]);
  const previews = (await plansIn(store.db, sync.id, ["sealed"])).filter((one) => one.run === null);
  const old = [
    ...done.slice(0, Math.max(0, done.length - KEPT_PLANS)),
    ...previews.slice(0, Math.max(0, previews.length - KEPT_PREVIEWS)),
  ];
  if (old.length === 0) return;
  await store.fenced(lease, async (tx) => {
    for (const one of old) {
      await clearPlan(tx, one.id);
      await updatePlan(tx, one.id, { state: one.state === "sealed" ? "abandoned" : "forgotten" });
    }
  });
}
