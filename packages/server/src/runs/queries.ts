import { CODES, type Code, type Counts, type Finding, type Schedule, type SyncDefinition } from "@entrain/core";
import { sql } from "kysely";
import { freeFrom, windowsAt } from "../calendar/blackout.ts";
import { nextRunAt, type Past } from "../calendar/due.ts";
import { holdsOf, plansIn } from "../store/plans.ts";
import { loadRun, type RunRow, runsPage } from "../store/runs.ts";
import type { Store } from "../store/store.ts";
import { type Approval, approvalOf } from "./approval.ts";
import type { Actor, Progress } from "./context.ts";
import { nameIn } from "./names.ts";
import { historyOf } from "./past.ts";
import { type Pause, pauseOf } from "./pause.ts";
import { type RaiseView, raisesOf } from "./raise.ts";

/** How a sync stands. Times are milliseconds UTC. */
export interface SyncStatus {
  readonly sync: string;
  readonly lastRun: RunView | null;
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
  /** Directory changes that no run has evaluated yet. */
  readonly cursorLag: number;
  readonly held: readonly HeldView[];
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
    error: row.error === null ? null : (JSON.parse(row.error) as RunView["error"]),
    stoppedBy: row.stopped_by === null ? null : (JSON.parse(row.stopped_by) as Actor),
    plan: row.plan,
    heldPlan: row.held_plan,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    ms: row.finished_at === null ? null : row.finished_at - row.started_at,
    readMs: row.read_ms,
  };
}

/** Reasons of the pending set that mean "unsynced": somebody, or time, has to mend something. */
export const UNSYNCED = ["issue", "failed", "conflict"] as const;

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
  const unsynced = await store.db
    .selectFrom("pending")
    .select(sql<number>`count(*)`.as("count"))
    .where("sync", "=", sync)
    .where("reason", "in", UNSYNCED)
    .executeTakeFirstOrThrow();
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
    nextRun: nextOf(definition.schedule, { history: await historyOf(store, row), paused, now }),
    paused,
    blackoutUntil: blackoutEnd(definition.schedule, now),
    synced: Number(synced.count),
    failed: last?.failed ?? 0,
    unsynced: Number(unsynced.count),
    cursorLag: Number(lag.count),
    held: await heldPlans(store, sync),
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

/** One unsynced record, with what is wrong and when it is tried again. */
export interface UnsyncedView {
  readonly id: string;
  readonly name: string;
  readonly reason: string;
  readonly code: string;
  readonly detail: string;
  readonly attempts: number;
  readonly since: number;
  readonly retryAt: number | null;
  /** What to do about it. */
  readonly fix: string;
}

/** A page of a sync's unsynced records in the order of their ids. */
export async function unsyncedRecords(
  store: Store,
  options: { readonly sync: string; readonly after?: string; readonly limit: number },
): Promise<readonly UnsyncedView[]> {
  const rows = await store.db
    .selectFrom("pending")
    .innerJoin("syncs", "syncs.id", "pending.sync")
    .leftJoin("records", (join) =>
      join.onRef("records.connection", "=", "syncs.connection").onRef("records.id", "=", "pending.object_id"),
    )
    .select(["pending.object_id", "pending.reason", "pending.code", "pending.detail", "pending.attempts"])
    .select(["pending.since", "pending.retry_at", "records.attributes"])
    .where("pending.sync", "=", options.sync)
    .where("pending.reason", "in", UNSYNCED)
    .where("pending.object_id", ">", options.after ?? "")
    .orderBy("pending.object_id")
    .limit(options.limit)
    .execute();
  return rows.map((row) => ({
    id: row.object_id,
    name: nameIn(row.attributes) ?? row.object_id,
    reason: row.reason,
    code: row.code,
    detail: row.detail,
    attempts: row.attempts,
    since: row.since,
    retryAt: row.retry_at === 0 ? null : row.retry_at,
    fix: Object.hasOwn(CODES, row.code) ? CODES[row.code as Code] : "",
  }));
}
