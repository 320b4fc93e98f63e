import type { Counts, Finding, Schedule, SyncDefinition } from "@entrain/core";
import { sql } from "kysely";
import { freeFrom, windowsAt } from "../calendar/blackout.ts";
import { nextRunAt, type Past } from "../calendar/due.ts";
import { loadBreaker } from "../store/breakers.ts";
import { readLease } from "../store/leases.ts";
import { countPinned } from "../store/pins.ts";
import { holdsOf, plansIn } from "../store/plans.ts";
import { loadRun, type RunRow, runsPage } from "../store/runs.ts";
import type { Store } from "../store/store.ts";
import { type Approval, approvalOf } from "./approval.ts";
import { type BegunPlan, begunPlans } from "./begun.ts";
import type { Actor, Progress } from "./context.ts";
import { type BreakerView, breakerView } from "./failures/breaker.ts";
import { type Quarantine, quarantineOf } from "./failures/quarantine.ts";
import { countUnsynced } from "./failures/unsynced.ts";
import { syncLease } from "./lease.ts";
import { historyOf } from "./past.ts";
import { type Pause, pauseOf } from "./pause.ts";
import { type RaiseView, raisesOf } from "./raise.ts";

/** How a sync stands. Times are milliseconds UTC. */
export interface SyncStatus {
  readonly sync: string;
  readonly lastRun: RunView | null;
  /** Whether a process does something for it now. A last run without a result that nobody runs any more was broken off. */
  readonly running: boolean;
  /** When it runs by itself; in the past when that is overdue, null when it runs only when asked to. */
  readonly nextRun: number | null;
  /** Who keeps it from running by itself, and until when. */
  readonly paused: Pause | null;
  /** When the blackout ends that is on now. */
  readonly blackoutUntil: number | null;
  /** Records that the sync owns in its target. */
  readonly synced: number;
  /** Failures of the last run. */
  readonly failed: number;
  /** Records in scope whose last change failed, is ambiguous or cannot be mapped. */
  readonly unsynced: number;
  /** Those of them that are not tried by themselves any more. */
  readonly dead: number;
  /** Records that somebody has ignored; `unsynced` leaves them out. */
  readonly ignored: number;
  /** Records and groups of which something stays as it was undone or exempted, until it is released. */
  readonly pinned: number;
  /** Why it is slowed down. */
  readonly quarantine: Quarantine | null;
  /** Its target did not answer, and is only asked until it does. */
  readonly breaker: BreakerView | null;
  /** Directory changes that no run has evaluated yet. */
  readonly cursorLag: number;
  readonly held: readonly HeldView[];
  /** Plans that were begun and not finished: the next whole run goes on with them. */
  readonly begun: readonly BegunPlan[];
  /** Guards that let more go than usual, for a while. */
  readonly raised: readonly RaiseView[];
}

export interface HeldView {
  readonly plan: string;
  readonly digest: string;
  readonly counts: Counts;
  /** All of `counts` together. */
  readonly count: number;
  readonly holds: readonly Finding[];
  readonly since: number;
  /** Where its sync asks for a second operator: who approved it, and who still has to. */
  readonly approval: Approval | null;
}

export interface RunView {
  readonly run: string;
  readonly sync: string;
  readonly mode: string;
  readonly phase: string;
  readonly result: string | null;
  readonly counts: Counts;
  readonly failed: number;
  readonly unchanged: number;
  readonly progress: {
    readonly phase?: string;
    readonly detail?: string;
    readonly done?: number;
    readonly total?: number | null;
    readonly waiting?: Progress["waiting"];
  };
  readonly error: { readonly code: string; readonly message: string; readonly fix: string } | null;
  /** Who asked a cancelled run to stop; null where its process was ended. */
  readonly stoppedBy: Actor | null;
  readonly plan: string | null;
  readonly heldPlan: string | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly ms: number | null;
  readonly readMs: number;
}

/** A run for people and machines, without what only the engine needs. */
function runView(row: RunRow): RunView {
  const error = row.error === null ? null : (JSON.parse(row.error) as RunView["error"]);
  return {
    run: row.id,
    sync: row.sync,
    mode: row.mode,
    phase: row.phase,
    result: row.result,
    counts: JSON.parse(row.counts) as Counts,
    failed: row.failed,
    unchanged: row.unchanged,
    progress: JSON.parse(row.progress) as RunView["progress"],
    error,
    stoppedBy: row.stopped_by === null ? null : (JSON.parse(row.stopped_by) as Actor),
    plan: row.plan,
    heldPlan: row.held_plan,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    // When a run broke off, nobody saw: its end was written down by the next one.
    ms: row.finished_at === null || error?.code === "interrupted" ? null : row.finished_at - row.started_at,
    readMs: row.read_ms,
  };
}

/** How a sync stands now. Null when there is none with this id. */
export async function syncStatus(store: Store, sync: string): Promise<SyncStatus | null> {
  const row = await store.db.selectFrom("syncs").selectAll().where("id", "=", sync).executeTakeFirst();
  if (!row) return null;
  const [last] = await runsPage(store.db, { sync, limit: 1 });
  const definition = JSON.parse(row.definition) as SyncDefinition;
  const now = store.clock.now();
  const paused = await pauseOf(store, sync);
  const count = (table: "links" | "pending") => store.db.selectFrom(table).select(sql<number>`count(*)`.as("count"));
  const synced = await count("links").where("sync", "=", sync).executeTakeFirstOrThrow();
  const quarantine = await quarantineOf(store, sync);
  const next = nextOf(definition.schedule, { history: await historyOf(store, row), paused, now });
  const lag = await store.db
    .selectFrom("records")
    .select(sql<number>`count(*)`.as("count"))
    .where("connection", "=", row.connection)
    // Every target calls its groups "group"; all other kinds are made of people.
    .where("kind", "=", definition.source ?? (row.records === "group" ? "group" : "user"))
    .where("sequence", ">", row.cursor)
    .executeTakeFirstOrThrow();
  return {
    sync,
    lastRun: last ? runView(last) : null,
    running: (await readLease(store, syncLease(sync))) !== null,
    nextRun: next === null || quarantine === null ? next : Math.max(next, quarantine.until),
    paused,
    blackoutUntil: blackoutEnd(definition.schedule, now),
    synced: Number(synced.count),
    failed: last?.failed ?? 0,
    ...(await countUnsynced(store, sync)),
    pinned: await countPinned(store.db, sync),
    quarantine,
    breaker: breakerView(await loadBreaker(store.db, row.target)),
    cursorLag: Number(lag.count),
    held: await heldPlans(store, sync),
    begun: await begunPlans(store, sync),
    raised: await raisesOf(store, row),
  };
}

/** A paused sync that nobody has to resume runs when its pause ends, or when it is due after that. */
function nextOf(
  schedule: Schedule,
  { history, paused, now }: { readonly history: Past; readonly paused: Pause | null; readonly now: number },
): number | null {
  if (paused === null) return nextRunAt(schedule, history, now);
  const { until } = paused;
  const next = until === null ? null : nextRunAt(schedule, history, until);
  return next === null || until === null ? null : Math.max(next, until);
}

function blackoutEnd({ blackout = [] }: Schedule, now: number): number | null {
  return windowsAt(blackout, now).length === 0 ? null : freeFrom(blackout, now);
}

/** The plans of a sync that wait for approval. */
export async function heldPlans(store: Store, sync: string): Promise<readonly HeldView[]> {
  const plans = await plansIn(store.db, sync, ["held"]);
  const approvals = await Promise.all(plans.map((plan) => approvalOf(store.db, plan)));
  return plans.map((plan, at) => ({
    plan: plan.id,
    digest: plan.digest ?? "",
    counts: JSON.parse(plan.counts) as Counts,
    count: Object.values(JSON.parse(plan.counts) as Counts).reduce((sum, count) => sum + count, 0),
    holds: holdsOf(plan),
    since: plan.created_at,
    approval: approvals[at] ?? null,
  }));
}

/** A page of runs, newest first. */
export async function runHistory(
  store: Store,
  options: { readonly sync?: string; readonly before?: string; readonly limit: number },
): Promise<readonly RunView[]> {
  return (await runsPage(store.db, options)).map(runView);
}

/** One run, or null. */
export async function findRun(store: Store, id: string): Promise<RunView | null> {
  const row = await loadRun(store.db, id);
  return row ? runView(row) : null;
}
