import {
  byCodeUnits,
  type Change,
  CODES,
  type Code,
  type Counts,
  type Finding,
  type Schedule,
  type SyncDefinition,
} from "@entrain/core";
import { sql } from "kysely";
import { freeFrom, windowsAt } from "../calendar/blackout.ts";
import { nextRunAt, type Past } from "../calendar/due.ts";
import {
  changesPage,
  holdsOf,
  loadPlan,
  type PlanChangeRow,
  type PlanKey,
  type PlanRow,
  plansIn,
} from "../store/plans.ts";
import { loadRun, type RunRow, runsPage } from "../store/runs.ts";
import type { Store } from "../store/store.ts";
import { type Approval, approvalOf } from "./approval.ts";
import type { Actor, Progress } from "./context.ts";
import { nameIn } from "./names.ts";
import { historyOf } from "./past.ts";
import { type Pause, pauseOf } from "./pause.ts";
import { searchKey } from "./people.ts";
import { type RaiseView, raisesOf } from "./raise.ts";
import { shownChange } from "./seal.ts";
import type { PlannedSeats } from "./seats.ts";
import type { Selection } from "./selection.ts";

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

/** A plan without its changes. */
export interface PlanView {
  readonly plan: string;
  readonly sync: string;
  readonly state: string;
  readonly part: string;
  /** The run that it undoes. */
  readonly undoes: string | null;
  readonly digest: string | null;
  readonly complete: boolean;
  readonly counts: Counts;
  readonly holds: readonly Finding[];
  readonly createdAt: number;
  /** Who asked for it. */
  readonly askedBy: Actor | null;
  /** Who approved, applied, rejected or split it. */
  readonly decidedBy: Actor | null;
  readonly finishedAt: number | null;
  /** The held plan that it was split from. */
  readonly splitFrom: string | null;
  /** What it was limited to. */
  readonly selection: Selection | null;
  /** Seats in the target, where it tells of them. */
  readonly seats: PlannedSeats | null;
}

export function planView(row: PlanRow): PlanView {
  return {
    plan: row.id,
    sync: row.sync,
    state: row.state,
    part: row.part,
    undoes: row.undoes,
    digest: row.digest,
    complete: row.complete === 1,
    counts: JSON.parse(row.counts) as Counts,
    holds: holdsOf(row),
    createdAt: row.created_at,
    askedBy: parsed(row.asked_by),
    decidedBy: parsed(row.decided_by ?? row.approved_by),
    finishedAt: row.finished_at,
    splitFrom: row.split_from,
    selection: parsed(row.selection),
    seats: parsed(row.seats),
  };
}

function parsed<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T);
}

/** One plan, or null. */
export async function findPlan(store: Store, id: string): Promise<PlanView | null> {
  const row = await loadPlan(store.db, id);
  return row ? planView(row) : null;
}

/** A change of a plan with its state, and the key behind which the next page begins. */
export interface PlannedChangeView extends Change {
  readonly ordinal: number;
  readonly state: string;
  /** Waits for approval whatever the guard says, with the code why. */
  readonly hold: string | null;
  readonly key: PlanKey;
}

/** A page of a plan's changes in the order of application. */
export async function planChanges(
  store: Store,
  plan: string,
  options: { readonly after: PlanKey | null; readonly limit: number } & ChangeFilter,
): Promise<readonly PlannedChangeView[]> {
  const { limit, text } = options;
  if (text === undefined) return (await changesPage(store.db, plan, options)).map(changeView);
  const wanted = searchKey(text);
  const found: PlannedChangeView[] = [];
  for (let { after } = options; ; ) {
    const rows: readonly PlanChangeRow[] = await changesPage(store.db, plan, { ...options, after, limit: SCAN });
    const last = rows.at(-1);
    if (last === undefined) return found;
    after = keyOf(last);
    for (const row of rows) {
      if (tells(row, wanted)) found.push(changeView(row));
      if (found.length === limit) return found;
    }
  }
}

/** Which changes of a plan are meant. */
export interface ChangeFilter {
  readonly action?: string;
  /** An object id or a record id: the change is about that record, or moves it into a group or out of it. */
  readonly record?: string;
  /** What the name, the ids, the reason or a value holds, whatever its case. */
  readonly text?: string;
}

const SCAN = 1000;

function tells(row: PlanChangeRow, wanted: string): boolean {
  const { name, object_id, record_id, reason } = row;
  if ([name, object_id, record_id, reason].some((one) => one !== null && searchKey(one).includes(wanted))) return true;
  const { before, after } = shownChange(row);
  return [before, after].some((values) => values !== null && searchKey(JSON.stringify(values)).includes(wanted));
}

export function changeView(row: PlanChangeRow): PlannedChangeView {
  const { ordinal, state, hold } = row;
  return { ...shownChange(row), ordinal, state, hold, key: keyOf(row) };
}

function keyOf({ phase, rank, ordinal }: PlanChangeRow): PlanKey {
  return { phase, rank, ordinal };
}

/** A page of what a plan could not plan; of one that undoes a run, of what cannot come back. */
export async function planIssues(
  store: Store,
  plan: string,
  options: { readonly after: number; readonly limit: number },
): Promise<readonly (Finding & { readonly ordinal: number })[]> {
  const rows = await store.db
    .selectFrom("plan_issues")
    .selectAll()
    .where("plan", "=", plan)
    .where("state", "in", ["issue", "left"])
    .where("ordinal", ">", options.after)
    .orderBy("ordinal")
    .limit(options.limit)
    .execute();
  return rows.map((row) => ({
    ordinal: row.ordinal,
    code: row.code,
    detail: row.detail,
    ...(row.object_id === null ? {} : { objectId: row.object_id }),
    ...(row.name === null ? {} : { name: row.name }),
  }));
}

/** By which target attributes the joins of these plans were found, most first; of a run, those that were done. */
export async function joinedBy(
  store: Store,
  of: { readonly plan: string } | { readonly run: string },
): Promise<readonly { readonly attribute: string; readonly count: number }[]> {
  const joins = store.db
    .selectFrom("plan_changes")
    .select(["matched_by", sql<number>`count(*)`.as("count")])
    .where("action", "=", "join")
    .where("matched_by", "is not", null)
    .groupBy("matched_by");
  const rows = await ("plan" in of
    ? joins.where("plan", "=", of.plan)
    : joins
        .where("state", "in", ["applied", "unchanged"])
        .where("plan", "in", (eb) => eb.selectFrom("plans").select("plans.id").where("plans.run", "=", of.run))
  ).execute();
  const counted = rows.map((row) => ({ attribute: row.matched_by ?? "", count: Number(row.count) }));
  return counted.sort((one, other) => other.count - one.count || byCodeUnits(one.attribute, other.attribute));
}
