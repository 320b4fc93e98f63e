import { CODES, ConnectorError, type Counts, grouped } from "@entrain/core";
import { newId } from "../clock.ts";
import { NO_COUNTS, plansIn, weightOf } from "../store/plans.ts";
import { createRun, type RunRow, saveRun } from "../store/runs.ts";
import type { Lease, Store } from "../store/store.ts";
import { kindOf } from "./basis.ts";
import { type BegunPlan, begunPlans } from "./begun.ts";
import { type Applied, NOTHING } from "./carry-out.ts";
import type { Actor, Engine } from "./context.ts";
import { type Asked, heedBreaker } from "./failures/breaker.ts";
import { noteRunEnd } from "./failures/quarantine.ts";
import { forgetPlans } from "./forget.ts";
import { Stopped, syncLease, withLease } from "./lease.ts";
import { closeHolds, leaseOptions, type RunOptions, type Session, stoppable, withEnds } from "./session.ts";
import { skippedProtected } from "./skipped.ts";
import { tellRunEnd } from "./tell-failures.ts";

/** So many skipped changes are told by name. */
const NAMED = 5;

/** How a run ended. `held` is what waits for approval, from this run or an earlier one. */
export interface RunSummary {
  readonly run: string;
  readonly result: "succeeded" | "partial" | "failed" | "held" | "cancelled";
  readonly counts: Counts;
  readonly failed: number;
  readonly unchanged: number;
  /** Changes that were skipped, for their records were not what the plan saw; they are planned anew. */
  readonly conflicts: number;
  readonly ms: number;
  readonly readMs: number;
  readonly held: { readonly digest: string; readonly count: number } | null;
  /** Why it went wrong, and what to do; of a `partial` run, that changes of its plan were skipped. */
  readonly error: { readonly code: string; readonly message: string; readonly fix: string } | null;
}

/** What was asked for: whatever a new plan holds, or a certain plan. */
type Mode = "incremental" | "resync" | "selected" | "apply" | "approve" | "undo" | "reconcile" | "remove";

/** Opens a run: lease, row, ends; whatever happens inside, the row says how it ended. */
export async function inRun(
  engine: Engine,
  options: RunOptions,
  mode: Mode,
  work: (session: Session) => Promise<Applied>,
): Promise<RunSummary> {
  const { store } = engine;
  return await withLease(store, syncLease(options.sync), leaseOptions(options), async (lease, stopping) => {
    const told = stoppable(options, stopping);
    const row = newRun(engine, options, mode, lease);
    const begun = store.clock.monotonic();
    await store.fenced(lease, (tx) => createRun(tx, row));
    options.onBegin?.(row.id);
    let applied: Applied = NOTHING;
    let error: RunSummary["error"] = null;
    let skipped: RunSummary["error"] = null;
    let result: RunSummary["result"] = "succeeded";
    try {
      applied = await withEnds(engine, told, lease, row.id, async (session) => {
        await heedBreaker(askedOf(session));
        const done = await work(session);
        await closeHolds(session);
        await forgetPlans(session);
        return done;
      });
      result = resultOf(applied, mode);
      skipped = hasSkipped(applied, mode) ? await skippedIn(store, row.id, applied) : null;
    } catch (fault) {
      result = told.signal.aborted ? "cancelled" : "failed";
      error = told.signal.aborted ? await stopped(store, options.sync, told.signal) : described(fault);
      if (error === null) throw fault;
    }
    return await finish(engine, lease, {
      row,
      applied,
      result,
      error,
      skipped,
      stoppedBy: result === "cancelled" ? stoppedBy(told.signal) : null,
      ms: Math.round(store.clock.monotonic() - begun),
    });
  });
}

function askedOf({ engine, lease, target, targetRow, sync, options }: Session): Asked {
  const { store } = engine;
  return { store, lease, target, kind: kindOf(target, sync), id: targetRow.id, signal: options.signal };
}

function resultOf(applied: Applied, mode: Mode): RunSummary["result"] {
  const { held, tally, issues } = applied;
  if (held) return "held";
  return tally.failed + issues > 0 || hasSkipped(applied, mode) ? "partial" : "succeeded";
}

/** Who asked for a certain plan is told what of it was not made; a run of its own plan makes it good the next time. */
function hasSkipped({ tally }: Applied, mode: Mode): boolean {
  return mode !== "incremental" && tally.conflicts > 0;
}

async function skippedIn(store: Store, run: string, { tally }: Applied): Promise<RunSummary["error"]> {
  const spared = await skippedProtected(store, run, NAMED);
  const conflicts = tally.conflicts - spared.ordinals.length;
  const of = conflicts === 1 ? "was not made, for its record" : "were not made, for their records";
  const rows = await store.db
    .selectFrom("runs")
    .innerJoin("plans", "plans.id", "runs.plan")
    .innerJoin("plan_changes", "plan_changes.plan", "plans.id")
    .innerJoin("syncs", "syncs.id", "plans.sync")
    .select(["plan_changes.name", "plans.undoes", "plans.digest", "syncs.name as sync"])
    .where("runs.id", "=", run)
    .where("plan_changes.state", "=", "conflict")
    .where("plan_changes.ordinal", "not in", [-1, ...spared.ordinals])
    .orderBy("plan_changes.ordinal")
    .limit(NAMED)
    .execute();
  const names = rows.map(({ name }) => name);
  if (names.length < conflicts && names.length > 0) names.push(`and ${grouped(conflicts - names.length)} more`);
  const told = names.length === 0 ? "" : `: ${names.join(", ")}`;
  const changed =
    conflicts === 0 ? "" : `${grouped(conflicts)} of the plan's changes ${of} changed after it was made${told}.`;
  const message = [changed, spared.said].filter((text) => text !== "").join(" ");
  if (conflicts === 0) return { code: "protected", message, fix: CODES.protected };
  const [first] = rows;
  const fix =
    first?.undoes == null
      ? "Run the sync, or make a new plan with `entrain sync plan` and apply that."
      : `They are not undone: they are the sync's as before, and its next run looks at them again. Why, is listed: entrain plan show ${first.digest ?? ""}. Undo what is left: entrain sync undo ${first.sync} --run ${first.undoes}`;
  return { code: "conflict", message, fix };
}

/** Who asked for the stop; null where the process itself is ending. */
function stoppedBy({ reason }: AbortSignal): Actor | null {
  return reason instanceof Stopped ? reason.request.actor : null;
}

function stopInWords({ reason }: AbortSignal): string {
  if (!(reason instanceof Stopped)) return "The run was stopped.";
  const { actor, cause } = reason.request;
  return cause === "blackout" ? "The run was stopped when a blackout began." : `The run was stopped by ${actor.id}.`;
}

/** Of a plan that was begun the rest stays: it is nobody's wish to find that out by the next whole run. */
async function stopped(store: Store, sync: string, signal: AbortSignal): Promise<RunSummary["error"]> {
  const begun = await begunPlans(store, sync);
  const { name } = await store.db.selectFrom("syncs").select("name").where("id", "=", sync).executeTakeFirstOrThrow();
  const fixes = begun.map((plan) => begunFix(name, plan));
  const fix = begun.length === 0 ? "Run the sync again; it goes on where it stopped." : fixes.join(" ");
  return { code: "cancelled", message: stopInWords(signal), fix };
}

function begunFix(name: string, { digest, changes }: BegunPlan): string {
  const left = changes === 1 ? "1 change of its plan is" : `${grouped(changes)} changes of its plan are`;
  const approve = `entrain sync approve ${name} --digest ${digest}`;
  return `${left} left. Go on with it: entrain sync run ${name}, or with it alone: ${approve}. Drop it: ${approve} --reject`;
}

function described(fault: unknown): RunSummary["error"] {
  if (!(fault instanceof ConnectorError)) {
    return {
      code: "internal",
      message: fault instanceof Error ? fault.message : String(fault),
      fix: "Please report it with the detail.",
    };
  }
  return { code: fault.code, message: fault.message, fix: fault.fix };
}

function newRun(engine: Engine, options: RunOptions, mode: Mode, lease: Lease): RunRow {
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
    stopped_by: null,
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
    readonly skipped: RunSummary["error"];
    readonly stoppedBy: Actor | null;
    readonly ms: number;
  },
): Promise<RunSummary> {
  const { store } = engine;
  const { row, applied, result, error } = end;
  const told = error ?? end.skipped;
  const written = await store.db.selectFrom("runs").selectAll().where("id", "=", row.id).executeTakeFirstOrThrow();
  const counts = error ? (JSON.parse(written.counts) as Counts) : applied.tally.counts;
  const failed = error ? written.failed : applied.tally.failed + applied.issues;
  await store.fenced(lease, async (tx) => {
    await saveRun(tx, row.id, {
      phase: "finished",
      result,
      counts: JSON.stringify(counts),
      failed,
      error: told && JSON.stringify(told),
      held_plan: applied.held?.id ?? null,
      stopped_by: end.stoppedBy && JSON.stringify(end.stoppedBy),
      finished_at: store.clock.now(),
    });
    // What became of a certain plan that somebody asked for, they see for themselves.
    if (row.mode !== "incremental" && row.mode !== "resync") return;
    const { sync, id: run, started_at: startedAt } = row;
    await noteRunEnd(tx, store, { sync, run, startedAt, result, counts, error });
    await tellRunEnd(tx, store, { sync: row.sync, run: row.id, result, error });
  });
  const held = applied.held ?? (await plansIn(store.db, row.sync, ["held"])).at(-1) ?? null;
  return {
    run: row.id,
    result,
    counts,
    failed,
    unchanged: applied.tally.unchanged,
    conflicts: applied.tally.conflicts,
    ms: end.ms,
    readMs: written.read_ms,
    held:
      held === null || held.digest === null ? null : { digest: held.digest, count: await heldCount(engine, held.id) },
    error: told,
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
