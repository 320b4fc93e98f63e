import type { Counts, Finding } from "@entrain/core";
import {
  type ExpressionBuilder,
  type ExpressionWrapper,
  type Insertable,
  type Selectable,
  type SqlBool,
  sql,
  type Transaction,
} from "kysely";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

export type PlanRow = Selectable<DB["plans"]>;
export type PlanChangeRow = Selectable<DB["plan_changes"]>;
export type PlanIssueRow = Selectable<DB["plan_issues"]>;
type Reader = Transaction<DB> | Store["db"];

const CHANGE_COLUMNS = [
  { name: "plan", type: "text" },
  { name: "ordinal", type: "int8" },
  { name: "phase", type: "int8" },
  { name: "rank", type: "int8" },
  { name: "object_id", type: "text" },
  { name: "kind", type: "text" },
  { name: "name", type: "text" },
  { name: "action", type: "text" },
  { name: "cause", type: "text" },
  { name: "reason", type: "text" },
  { name: "record_id", type: "text" },
  { name: "before", type: "text" },
  { name: "after", type: "text" },
  { name: "active", type: "int8" },
  { name: "add", type: "text" },
  { name: "remove", type: "text" },
  { name: "waits_for", type: "text" },
  { name: "record_sequence", type: "int8" },
  { name: "link_sequence", type: "int8" },
  { name: "hold", type: "text" },
  { name: "state", type: "text" },
  { name: "matched_by", type: "text" },
  { name: "matched_value", type: "text" },
] as const;

const ISSUE_COLUMNS = [
  { name: "plan", type: "text" },
  { name: "ordinal", type: "int8" },
  { name: "state", type: "text" },
  { name: "sequence", type: "int8" },
  { name: "code", type: "text" },
  { name: "detail", type: "text" },
  { name: "object_id", type: "text" },
  { name: "name", type: "text" },
] as const;

/** A plan of which only what it changes is known. */
export const UNASKED: Pick<
  PlanRow,
  "asked_by" | "approval" | "selection" | "seats" | "trace" | "split_from" | "decided_by"
> = {
  asked_by: null,
  approval: null,
  selection: null,
  seats: null,
  trace: null,
  split_from: null,
  decided_by: null,
};

/** No change of any kind. */
export const NO_COUNTS: Counts = { create: 0, join: 0, update: 0, enable: 0, disable: 0, delete: 0, members: 0 };

/** Adds one change's weight: a members change counts its single additions and removals. */
export function countChange(counts: Counts, change: Pick<PlanChangeRow, "action" | "add" | "remove">): Counts {
  const action = change.action as keyof Counts;
  return { ...counts, [action]: (counts[action] ?? 0) + weightOf(change) };
}

/** What a change counts for in counts and guards. */
export function weightOf(change: Pick<PlanChangeRow, "action" | "add" | "remove">): number {
  if (change.action !== "members") return 1;
  return idsOf(change.add).length + idsOf(change.remove).length;
}

/** A stored list of object ids; empty for null. */
export function idsOf(list: string | null): readonly string[] {
  return list === null ? [] : (JSON.parse(list) as string[]);
}

/** Findings as a plan stores them in `holds`. */
export function holdsOf(plan: Pick<PlanRow, "holds">): readonly Finding[] {
  return JSON.parse(plan.holds) as Finding[];
}

export async function createPlan(tx: Transaction<DB>, plan: Insertable<DB["plans"]>): Promise<void> {
  await tx.insertInto("plans").values(plan).execute();
}

export async function updatePlan(tx: Transaction<DB>, id: string, changes: Partial<PlanRow>): Promise<void> {
  await tx.updateTable("plans").set(changes).where("id", "=", id).execute();
}

export async function loadPlan(db: Reader, id: string): Promise<PlanRow | undefined> {
  return await db.selectFrom("plans").selectAll().where("id", "=", id).executeTakeFirst();
}

/** A sync's plans in any of these states, oldest first. */
export async function plansIn(db: Reader, sync: string, states: readonly string[]): Promise<readonly PlanRow[]> {
  return await db
    .selectFrom("plans")
    .selectAll()
    .where("sync", "=", sync)
    .where("state", "in", states)
    .orderBy("created_at")
    .orderBy("id")
    .execute();
}

export async function insertPlanChanges(
  store: Store,
  tx: Transaction<DB>,
  rows: readonly PlanChangeRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const values = rows.map((row) => CHANGE_COLUMNS.map(({ name }) => row[name]));
  await store.insertMany(tx, { table: "plan_changes", columns: CHANGE_COLUMNS }, values);
}

export async function insertPlanIssues(
  store: Store,
  tx: Transaction<DB>,
  rows: readonly PlanIssueRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const values = rows.map((row) => ISSUE_COLUMNS.map(({ name }) => row[name]));
  await store.insertMany(tx, { table: "plan_issues", columns: ISSUE_COLUMNS }, values);
}

/** Copies a plan's changes and what stands beside them into another plan. */
export async function copyPlan(tx: Transaction<DB>, from: string, to: string): Promise<void> {
  for (const [table, columns] of [
    ["plan_changes", CHANGE_COLUMNS],
    ["plan_issues", ISSUE_COLUMNS],
  ] as const) {
    const names = columns.map(({ name }) => name).filter((name) => name !== "plan");
    const list = sql.join(names.map((name) => sql.ref(name)));
    await sql`insert into ${sql.table(table)} (plan, ${list}) select ${to}, ${list} from ${sql.table(table)} where plan = ${from}`.execute(
      tx,
    );
  }
}

/** Removes a plan's rows, for plans that were never applied or whose history the journal holds. */
export async function clearPlan(tx: Transaction<DB>, plan: string): Promise<void> {
  for (const table of ["plan_changes", "plan_issues", "match_index"] as const) {
    await tx.deleteFrom(table).where("plan", "=", plan).execute();
  }
  await tx.updateTable("plans").set({ trace: null }).where("id", "=", plan).execute();
}

/** Removes a plan that nobody was shown, as if it had never been made. */
export async function dropPlan(tx: Transaction<DB>, plan: string): Promise<void> {
  await clearPlan(tx, plan);
  await tx.deleteFrom("plans").where("id", "=", plan).execute();
}

/** A place in a plan's order of application. */
export type PlanKey = Pick<PlanChangeRow, "phase" | "rank" | "ordinal">;

/** Whether a change is about a record, or moves it into a group or out of it. Object ids stand in quotes in its lists. */
export function concerns(
  eb: ExpressionBuilder<DB, "plan_changes">,
  objectId: string,
): ExpressionWrapper<DB, "plan_changes", SqlBool> {
  const own = eb("object_id", "=", objectId);
  // What is no id holds characters that a pattern would take for others.
  if (!/^[A-Za-z0-9.-]+$/.test(objectId)) return own;
  const listed = `%"${objectId}"%`;
  return eb.or([own, eb("add", "like", listed), eb("remove", "like", listed)]);
}

/** A page of changes in the order in which they are applied, behind `after`. */
export async function changesPage(
  db: Reader,
  plan: string,
  options: {
    readonly after: PlanKey | null;
    readonly limit: number;
    readonly states?: readonly string[];
    readonly action?: string;
    /** Changes that are about this record, or move it into a group or out of it: its object id or record id. */
    readonly record?: string;
  },
): Promise<readonly PlanChangeRow[]> {
  const { after, action, record } = options;
  let query = db.selectFrom("plan_changes").selectAll().where("plan", "=", plan);
  if (after) {
    query = query.where((eb) =>
      eb(eb.refTuple("phase", "rank", "ordinal"), ">", eb.tuple(after.phase, after.rank, after.ordinal)),
    );
  }
  if (options.states) query = query.where("state", "in", options.states);
  if (action !== undefined) query = query.where("action", "=", action);
  if (record !== undefined) query = query.where((eb) => eb.or([eb("record_id", "=", record), concerns(eb, record)]));
  return await query.orderBy("phase").orderBy("rank").orderBy("ordinal").limit(options.limit).execute();
}

/** Which of these records a plan changes, in any state or in some. */
export async function changedIn(
  db: Reader,
  plan: string,
  ids: readonly string[],
  states?: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let at = 0; at < ids.length; at += 500) {
    let query = db
      .selectFrom("plan_changes")
      .select("object_id")
      .where("plan", "=", plan)
      .where("object_id", "in", ids.slice(at, at + 500));
    if (states) query = query.where("state", "in", states);
    for (const row of await query.execute()) found.add(row.object_id);
  }
  return found;
}

/** Which of these records a plan found to need nothing any more. */
export async function settledIn(db: Reader, plan: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await db
      .selectFrom("plan_issues")
      .select("object_id")
      .where("plan", "=", plan)
      .where("state", "=", "settled")
      .where("object_id", "in", ids.slice(at, at + 500))
      .execute();
    for (const row of rows) if (row.object_id !== null) found.add(row.object_id);
  }
  return found;
}

/** Sets the state of changes by ordinal. */
export async function markChanges(
  tx: Transaction<DB>,
  plan: string,
  state: string,
  ordinals: readonly number[],
): Promise<void> {
  for (let at = 0; at < ordinals.length; at += 1000) {
    await tx
      .updateTable("plan_changes")
      .set({ state })
      .where("plan", "=", plan)
      .where("ordinal", "in", ordinals.slice(at, at + 1000))
      .execute();
  }
}
