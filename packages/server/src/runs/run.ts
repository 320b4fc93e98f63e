import {
  ConnectorError,
  type Counts,
  type Scope,
  type SourceKind,
  type SyncDefinition,
  type Target,
  type WaitListener,
  type Withheld,
} from "@entrain/core";
import type { Transaction } from "kysely";
import { newId } from "../clock.ts";
import { appendJournal } from "../store/journal.ts";
import { clearPlan, holdsOf, NO_COUNTS, type PlanRow, plansIn, updatePlan, weightOf } from "../store/plans.ts";
import { createRun, type RunRow, saveRun, unfinishedRuns } from "../store/runs.ts";
import type { DB } from "../store/schema.ts";
import type { Lease } from "../store/store.ts";
import { applyPlan } from "./apply.ts";
import { NO_TALLY, streamOf, type Tally } from "./applying.ts";
import { beginPlan, type Holding, reviewHeld } from "./begin.ts";
import { alreadyApplied, planByDigest, refusal, requireKnown, runThatOvertook } from "./by-digest.ts";
import type { Actor, ConnectionRow, Engine, Progress, SyncRow, TargetRow } from "./context.ts";
import { readLease, syncLease, withLease } from "./lease.ts";
import { closeSettledHolds, isWhollyDone, judgeAgain, type ReviewContext } from "./overtaken.ts";
import { buildPlan, kindOf, type Planned, type Position, positionOf } from "./plan.ts";
import { readKinds } from "./read.ts";
import { readAssigned } from "./read-assigned.ts";
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
  /**
   * Every record of the sync is looked for in the target, and made anew where it is gone, however many that are: for a
   * target that really was emptied. Only {@link runSync} heeds it.
   */
  readonly recreate?: boolean;
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
    const { tally } = await recover(session);
    if (options.recreate === true) await evaluateAnew(session);
    const position = await read(session);
    // Before planning, so that this run plans what such a plan had pinned.
    await closeHolds(session);
    return await planAndApply(session, position, tally);
  });
}

/** Has every person and group evaluated again. The links stay the sync's: another one must not take them over. */
async function evaluateAnew({ engine, sync, lease, options }: Session): Promise<void> {
  const { store } = engine;
  await store.fenced(lease, async (tx) => {
    await tx.updateTable("syncs").set({ evaluated_revision: 0 }).where("id", "=", sync.id).execute();
    const detail = "Every record is looked for in the target, and made anew where it is gone.";
    await appendJournal(tx, store, streamOf(sync), [{ type: "recreate", actor: options.actor, detail }]);
  });
}

/** Plans without applying: the same run, stopped. Cursors stay where they are. */
export async function planSync(engine: Engine, options: RunOptions): Promise<Planned> {
  const { store } = engine;
  return await withLease(store, syncLease(options.sync), leaseOptions(options), async (lease) => {
    options.onBegin?.(null);
    return await withEnds(engine, options, lease, "", async (session) => {
      await abandonUnfinished(session);
      const position = await read(session);
      await closeHolds(session);
      const planned = await plan(session, position, { run: null, firstOrdinal: 0, recreate: false });
      await forgetPlans(session);
      return planned;
    });
  });
}

/**
 * Applies a plan by its digest, as `sync plan` sealed it; what the guard holds of it by now still waits for approval.
 * The run fails with `plan_applied` when runs have done all of it already, `plan_stale` when there is no such plan.
 */
export async function applySync(
  engine: Engine,
  options: RunOptions & { readonly digest: string },
): Promise<RunSummary> {
  await requireKnown(engine.store, options);
  return await inRun(engine, options, "apply", async (session) => {
    const recovered = await recover(session);
    const sealed = await planByDigest(engine.store, options.sync, { digest: options.digest, states: ["sealed"] });
    if (!sealed) return await recoveredOf(recovered, engine, options);
    await read(session);
    await refuseDone(session, sealed);
    await decide(session, sealed, { type: "applied", changes: {} });
    return await applyOne(session, sealed, recovered.tally);
  });
}

/**
 * Approves a held plan (or a previewed one) by its digest, and applies exactly that plan. The run fails with
 * `plan_applied` when runs have done all of it already, `plan_stale` when no such plan waits.
 */
export async function approveSync(
  engine: Engine,
  options: RunOptions & { readonly digest: string },
): Promise<RunSummary> {
  await requireKnown(engine.store, options);
  return await inRun(engine, options, "approve", async (session) => {
    const recovered = await recover(session);
    const of = { digest: options.digest, states: ["held", "sealed"] };
    if (!(await planByDigest(engine.store, options.sync, of))) return await recoveredOf(recovered, engine, options);
    await read(session);
    await closeHolds(session);
    const waiting = await planByDigest(engine.store, options.sync, of);
    if (!waiting) throw await refusal(engine.store, options.sync, options.digest);
    if (waiting.state === "sealed") await refuseDone(session, waiting);
    const { store } = engine;
    const changes = {
      approved_by: JSON.stringify(options.actor),
      approved_at: store.clock.now(),
      state: "approved",
    };
    await decide(session, waiting, { type: "approved", changes });
    return await applyOne(session, { ...waiting, ...changes }, recovered.tally);
  });
}

/** A plan that a crash interrupted was finished just now: that is what was asked for. @throws why there is no plan */
async function recoveredOf(
  recovered: Recovered,
  engine: Engine,
  { sync, digest }: { readonly sync: string; readonly digest: string },
): Promise<Applied> {
  if (recovered.digests.includes(digest)) return { ...NOTHING, tally: recovered.tally };
  throw await refusal(engine.store, sync, digest);
}

async function refuseDone(session: Session, preview: PlanRow): Promise<void> {
  if (!(await isWhollyDone(reviewOf(session), preview))) return;
  throw alreadyApplied(preview.digest ?? "", await runThatOvertook(session.engine.store, preview));
}

/** Writes a decision on a plan, with its journal entry, in one transaction. */
async function decide(
  session: Session,
  of: PlanRow,
  decision: { readonly type: "approved" | "applied"; readonly changes: Partial<PlanRow> },
): Promise<void> {
  const { engine, options, lease, run } = session;
  const { type, changes } = decision;
  await engine.store.fenced(lease, async (tx) => {
    if (type === "approved") await updatePlan(tx, of.id, changes);
    await journalDecision(engine, tx, { ...options, digest: of.digest ?? "" }, { type, plan: of.id, run });
  });
}

async function closeHolds(session: Session): Promise<void> {
  const { options, run } = session;
  await closeSettledHolds(reviewOf(session), { actor: options.actor, run: run === "" ? null : run });
}

function reviewOf(session: Session): ReviewContext {
  const { engine, sync, lease, connection, targetRow, target } = session;
  const { store } = engine;
  const definition = JSON.parse(sync.definition) as SyncDefinition;
  const scene = {
    store,
    space: { target: targetRow.id, tenant: connection.tenant },
    sync: sync.id,
    connection: connection.id,
    kind: kindOf(target, sync.records),
    scopeNow: scopeNow(store, connection.id, definition),
  };
  return { store, sync, lease, sceneOf: ({ upto }) => ({ ...scene, upto }) };
}

/** Rejects a held plan: its records are planned anew by the next run. */
export async function rejectSync(engine: Engine, options: RunOptions & { readonly digest: string }): Promise<void> {
  const { store } = engine;
  await withLease(store, syncLease(options.sync), leaseOptions(options), async (lease) => {
    const held = await planByDigest(store, options.sync, { digest: options.digest, states: ["held"] });
    if (!held) throw await refusal(store, options.sync, options.digest);
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
  decision: { readonly type: "approved" | "applied" | "rejected"; readonly plan: string; readonly run: string | null },
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

async function planAndApply(session: Session, position: Position, resumed: Tally): Promise<Applied> {
  let done: Applied = { ...NOTHING, tally: resumed };
  let firstOrdinal = 0;
  for (let further = 0; further <= FURTHER_PLANS; further += 1) {
    // The further plans rest on what the first one found: what was written a moment ago may not be there to be seen yet.
    const recreate = further === 0 && session.options.recreate === true;
    const planned = await plan(session, position, { run: session.run, firstOrdinal, recreate });
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
  const context = { store, lease: session.lease, sync, space, run: session.run };
  const begun = await beginPlan(context, sealed, await holdingOf(session, sync, sealed));
  const tally = sum(before, await resume(session, begun.plan));
  const issues = await issueCount(session, begun.plan.id);
  return { tally, issues, held: begun.held };
}

/** A run's own plan was judged a moment ago; a preview may be old. What was approved is not judged at all. */
async function holdingOf(session: Session, sync: SyncRow, sealed: PlanRow): Promise<Holding> {
  if (sealed.run !== null || sealed.approved_at !== null) return { holds: holdsOf(sealed), settled: [] };
  const { engine, targetRow, connection, target } = session;
  const guard = {
    store: engine.store,
    sync,
    definition: JSON.parse(sync.definition) as SyncDefinition,
    kind: kindOf(target, sync.records),
    space: { target: targetRow.id, tenant: connection.tenant },
  };
  return await judgeAgain({ ...reviewOf(session), guard }, sealed);
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
      recreate: options.recreate ?? false,
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

interface Recovered {
  readonly tally: Tally;
  /** Digests of the plans that were finished. */
  readonly digests: readonly string[];
}

/** Finishes what a crash left: open intents are looked up, begun plans applied to their end, unfinished ones dropped. */
async function recover(session: Session): Promise<Recovered> {
  await abandonUnfinished(session);
  const { store } = session.engine;
  let tally = NO_TALLY;
  const plans = await plansIn(store.db, session.sync.id, ["approved", "applying"]);
  for (const left of plans) {
    if (left.state === "applying") tally = sum(tally, await resume(session, left));
    else tally = (await applyOne(session, left, tally)).tally;
  }
  return { tally, digests: plans.flatMap(({ digest }) => digest ?? []) };
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

/**
 * Reads the kinds that the sync is about. The position is taken before others may read: behind it stand whole rounds
 * only, for whoever left one half merged, this read has gone on with it to its end.
 */
async function read(session: Session): Promise<Position> {
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
  const withheld = new Map<string, Withheld>();
  const position = await withLease(
    store,
    readLease(connection.id),
    { wait: true, signal: options.signal, what, onWait },
    async (lease) => {
      const source = await engine.openSource(connection, session.onWait);
      try {
        const { onProgress, signal } = options;
        const run = session.run === "" ? null : session.run;
        const onWithheld = (found: readonly Withheld[]): void => {
          for (const one of found) withheld.set(one.name, one);
        };
        const how = { store, source, connection: connection.id, lease, run, signal, onProgress, onWithheld };
        await readKinds(how, sourceKinds(session));
        const { assigned } = scopeOf(session);
        if (assigned !== undefined) await readAssigned(how, assigned.application);
      } finally {
        await source.close();
      }
      const at = await positionOf(store, connection.id, sourceKinds(session));
      return { ...at, withheld: [...withheld.values()] };
    },
  );
  if (session.run === "") return position;
  const readMs = Math.round(store.clock.monotonic() - begun);
  await store.fenced(session.lease, (tx) => saveRun(tx, session.run, { phase: "planning", read_ms: readMs }));
  return position;
}

/** People are always read; groups where the sync provisions them or its scope asks for them. */
function sourceKinds({ sync, target }: Session): readonly SourceKind[] {
  const { groups, assigned } = scopeOf({ sync });
  const asked = groups !== undefined || assigned !== undefined;
  return asked || kindOf(target, sync.records).source === "group" ? ["user", "group"] : ["user"];
}

function scopeOf({ sync }: Pick<Session, "sync">): Scope {
  return (JSON.parse(sync.definition) as SyncDefinition).scope;
}

async function plan(
  session: Session,
  position: Position,
  of: { readonly run: string | null; readonly firstOrdinal: number; readonly recreate: boolean },
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
    position,
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
        await closeHolds(session);
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
  const done = await plansIn(store.db, sync.id, ["applied", "rejected", "superseded"]);
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
