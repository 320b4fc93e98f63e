import { byCodeUnits, type Change, ConnectorError, type Counts, type Finding } from "@entrain/core";
import { sql } from "kysely";
import { changesPage, holdsOf, loadPlan, type PlanChangeRow, type PlanKey, type PlanRow } from "../store/plans.ts";
import type { Store } from "../store/store.ts";
import { DIGEST_MIN } from "./by-digest.ts";
import type { Actor } from "./context.ts";
import { searchKey } from "./people.ts";
import { shownChange } from "./seal.ts";
import type { PlannedSeats } from "./seats.ts";
import type { Selection } from "./selection.ts";

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

function changeView(row: PlanChangeRow): PlannedChangeView {
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

/** A plan in a list, with its sync's name; null where that is gone. */
export interface ListedPlan extends PlanView {
  readonly syncName: string | null;
}

/** Plans, newest first: of one sync or of all, in one state or in any; behind `before`. */
export async function listPlans(
  store: Store,
  of: {
    readonly sync?: string | undefined;
    readonly state?: string | undefined;
    readonly before?: { readonly createdAt: number; readonly plan: string } | null;
    readonly limit: number;
  },
): Promise<readonly ListedPlan[]> {
  const { sync, state, before = null } = of;
  let query = store.db
    .selectFrom("plans")
    .leftJoin("syncs", "syncs.id", "plans.sync")
    .selectAll("plans")
    .select("syncs.name as sync_name");
  if (sync !== undefined) query = query.where("plans.sync", "=", sync);
  if (state !== undefined) query = query.where("plans.state", "=", state);
  if (before !== null) {
    const place = [before.createdAt, before.plan] as const;
    query = query.where((eb) => eb(eb.refTuple("plans.created_at", "plans.id"), "<", eb.tuple(...place)));
  }
  const rows = await query.orderBy("plans.created_at", "desc").orderBy("plans.id", "desc").limit(of.limit).execute();
  return rows.map(({ sync_name: syncName, ...row }) => ({ ...planView(row), syncName }));
}

/**
 * The newest plan with this id, digest, or beginning of a digest.
 * @throws ConnectorError `not_found`; `usage` for a beginning that several digests have
 */
export async function findPlanRow(store: Store, name: string): Promise<PlanRow> {
  const byId = await loadPlan(store.db, name);
  if (byId !== undefined) return byId;
  const isDigest = /^[0-9a-f]+$/.test(name) && name.length >= DIGEST_MIN;
  const rows = !isDigest
    ? []
    : await store.db
        .selectFrom("plans")
        .selectAll()
        .where("digest", "like", `${name}%`)
        .orderBy("created_at", "desc")
        .limit(SCAN)
        .execute();
  const [newest] = rows;
  if (newest !== undefined && rows.every(({ digest }) => digest === newest.digest)) return newest;
  const several = newest !== undefined;
  const message = several
    ? `Several plans have digests that begin with ${name}; give more of it.`
    : `There is no plan ${name}. A plan is named by its id, or by its digest or at least ${DIGEST_MIN} characters of it.`;
  const code = several ? "usage" : "not_found";
  throw new ConnectorError(code, message, { stops: "run", retry: "never", fix: "See: entrain plan list" });
}
