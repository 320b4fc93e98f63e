import { ConnectorError, type Finding } from "@entrain/core";
import { sql, type Transaction } from "kysely";
import { newId } from "../clock.ts";
import { appendJournal } from "../store/journal.ts";
import { movePins } from "../store/pending.ts";
import { concerns, copyPlan, createPlan, holdsOf, idsOf, type PlanRow, updatePlan } from "../store/plans.ts";
import type { DB } from "../store/schema.ts";
import type { Lease, Store } from "../store/store.ts";
import { streamOf } from "./applying.ts";
import type { Actor } from "./context.ts";
import { sealPlan } from "./seal.ts";
import { tellDecided, tellHeld } from "./tell-plans.ts";

/** What splitting a held plan works with: under its sync's lease. */
export interface SplitContext {
  readonly store: Store;
  readonly lease: Lease;
  readonly sync: { readonly id: string; readonly name: string };
  readonly actor: Actor;
}

export interface Splitting {
  /** Object ids of the records that are left out, with their memberships in groups of the plan. */
  readonly records: ReadonlySet<string>;
  /** What becomes of what is left out: it goes on waiting in a plan of its own, or it is in none and free to be planned anew. */
  readonly left: "held" | "dropped";
  /** More to write in the transaction that puts the new plans in place of the old one. */
  readonly also?: (tx: Transaction<DB>) => Promise<void>;
}

/** The plans that a held one became, both held. */
export interface Split {
  /** Null: nothing is left of it. */
  readonly rest: PlanRow | null;
  /** Null: what was left out is in no plan. */
  readonly left: PlanRow | null;
}

/**
 * Splits a held plan: what concerns the named records is left out, all else becomes a plan with a digest of its own, which
 * nobody has approved yet. The old plan closes as `split`. In one transaction the new ones take its place, so that its
 * records stay pinned throughout.
 * @throws ConnectorError `not_found` when the plan has nothing of one of the records
 */
export async function splitHeld(context: SplitContext, held: PlanRow, splitting: Splitting): Promise<Split> {
  const { store, lease } = context;
  await requireAll(store, held, splitting.records);
  const base = {
    ...held,
    run: null,
    state: "building",
    digest: null,
    split_from: held.id,
    trace: null,
    decided_by: null,
  };
  const rest: PlanRow = { ...base, id: newId(store.clock, "plan") };
  const left: PlanRow = { ...base, id: newId(store.clock, "plan") };
  await store.fenced(lease, async (tx) => {
    await createPlan(tx, rest);
    await createPlan(tx, left);
    await copyPlan(tx, held.id, rest.id);
    await divide(tx, { from: rest.id, to: left.id, records: [...splitting.records] });
  });
  const isRest = await hasChanges(store, rest.id);
  const sealed = {
    rest: isRest ? await seal(context, rest, holdsOf(held)) : null,
    left: splitting.left === "held" ? await seal(context, left, [...holdsOf(held), leftOut(context, held)]) : null,
  };
  await store.fenced(lease, async (tx) => {
    await replace(context, tx, { held, sealed, records: [...splitting.records] });
    for (const [plan, kept] of [
      [rest, sealed.rest],
      [left, sealed.left],
    ] as const) {
      if (kept === null) await updatePlan(tx, plan.id, { state: "abandoned" });
    }
    await splitting.also?.(tx);
  });
  return sealed;
}

function leftOut({ actor }: SplitContext, { digest }: PlanRow): Finding {
  return { code: "left_out", detail: `${actor.id} left it out of the plan ${digest?.slice(0, 12)}….` };
}

async function seal({ store, lease }: SplitContext, plan: PlanRow, holds: readonly Finding[]): Promise<PlanRow> {
  const sealed = await sealPlan({ store, lease, plan, keeps: () => false }, { state: "building", holds });
  return { ...sealed, state: "held" };
}

async function replace(
  context: SplitContext,
  tx: Transaction<DB>,
  of: { readonly held: PlanRow; readonly sealed: Split; readonly records: readonly string[] },
): Promise<void> {
  const { store, sync, actor } = context;
  const { held, sealed, records } = of;
  await updatePlan(tx, held.id, {
    ...{ state: "split", finished_at: store.clock.now() },
    decided_by: JSON.stringify(actor),
  });
  await tellDecided(tx, store, { plan: held, decision: "split", actor });
  await movePins(tx, sync.id, { from: held.id, to: sealed.left?.id ?? null, records });
  await movePins(tx, sync.id, { from: held.id, to: sealed.rest?.id ?? null, records: null });
  for (const plan of [sealed.rest, sealed.left]) {
    if (plan === null) continue;
    await updatePlan(tx, plan.id, { state: "held" });
    await tellHeld(tx, store, { sync, plan });
  }
  const after = { rest: sealed.rest?.digest ?? null, left: sealed.left?.digest ?? null, records: [...records] };
  const entry = { type: "split", actor, plan: held.id, detail: held.digest, after };
  await appendJournal(tx, store, streamOf(sync), [entry]);
}

async function requireAll(store: Store, held: PlanRow, records: ReadonlySet<string>): Promise<void> {
  for (const id of records) {
    const mentioned = await store.db
      .selectFrom("plan_changes")
      .select("ordinal")
      .where("plan", "=", held.id)
      .where((eb) => concerns(eb, id))
      .limit(1)
      .executeTakeFirst();
    if (mentioned !== undefined) continue;
    const message = `The plan ${held.digest} has nothing of ${id}; it takes object ids and user principal names.`;
    throw new ConnectorError("not_found", message, { stops: "run", retry: "never" });
  }
}

async function hasChanges({ db }: Store, plan: string): Promise<boolean> {
  const row = await db
    .selectFrom("plan_changes")
    .select("ordinal")
    .where("plan", "=", plan)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Takes the records' own changes, and their memberships in others' changes, out of one plan into another. */
async function divide(
  tx: Transaction<DB>,
  { from, to, records }: { readonly from: string; readonly to: string; readonly records: readonly string[] },
): Promise<void> {
  for (const table of ["plan_changes", "plan_issues"] as const) {
    for (let at = 0; at < records.length; at += 500) {
      const moved = tx.updateTable(table).set({ plan: to }).where("plan", "=", from);
      await moved.where("object_id", "in", records.slice(at, at + 500)).execute();
    }
  }
  const { last } = await tx
    .selectFrom("plan_changes")
    .select(sql<number>`max(ordinal)`.as("last"))
    .where("plan", "in", [from, to])
    .executeTakeFirstOrThrow();
  const chosen = new Set(records);
  let ordinal = Number(last) + 1;
  for (let after = -1; ; ) {
    const rows = await tx
      .selectFrom("plan_changes")
      .selectAll()
      .where("plan", "=", from)
      .where("action", "=", "members")
      .where("ordinal", ">", after)
      .orderBy("ordinal")
      .limit(200)
      .execute();
    if (rows.length === 0) return;
    for (const row of rows) {
      after = row.ordinal;
      const lists = { add: idsOf(row.add), remove: idsOf(row.remove) };
      const taken = listsOf(lists, (id) => chosen.has(id));
      if (taken.add === null && taken.remove === null) continue;
      await tx
        .insertInto("plan_changes")
        .values({ ...row, ...taken, plan: to, ordinal })
        .execute();
      ordinal += 1;
      const kept = listsOf(lists, (id) => !chosen.has(id));
      if (kept.add === null && kept.remove === null) {
        await tx.deleteFrom("plan_changes").where("plan", "=", from).where("ordinal", "=", row.ordinal).execute();
        continue;
      }
      const reduced = tx.updateTable("plan_changes").set(kept).where("plan", "=", from);
      await reduced.where("ordinal", "=", row.ordinal).execute();
    }
  }
}

function listsOf(
  { add, remove }: { readonly add: readonly string[]; readonly remove: readonly string[] },
  which: (id: string) => boolean,
): { readonly add: string | null; readonly remove: string | null } {
  const list = (ids: readonly string[]): string | null => {
    const some = ids.filter(which);
    return some.length === 0 ? null : JSON.stringify(some);
  };
  return { add: list(add), remove: list(remove) };
}
