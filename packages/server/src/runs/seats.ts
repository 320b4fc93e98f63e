import { grouped, type Seats } from "@entrain/core";
import { sql, type Transaction } from "kysely";
import { insertPlanIssues, updatePlan } from "../store/plans.ts";
import type { DB } from "../store/schema.ts";
import type { PlanContext } from "./plan-context.ts";

/** Seats of a target's kind, as it told when a plan was made. */
export interface PlannedSeats extends Seats {
  /** How many the plan would take: records that it creates or enables. */
  readonly needed: number;
  /** How many of its creations wait, for there is no seat for them. */
  readonly waiting: number;
}

const PAGE = 500;

/**
 * Takes creations out of a plan for which the target has no seat left; each becomes an issue, and everything else goes on. Who
 * has waited longest goes first. Answers the seats, null where the target tells of none, and the number of issues.
 */
export async function planSeats(
  context: PlanContext,
  firstIssue: number,
): Promise<{ readonly seats: PlannedSeats | null; readonly waiting: number }> {
  const { store, plan, target, kind, lease, signal } = context;
  const told = (await target.seats?.(kind.name, signal)) ?? null;
  if (told === null) return { seats: null, waiting: 0 };
  const { create, enable } = await taking(context);
  const waiting = Math.max(0, create - Math.max(0, told.total - told.used));
  const seats = { used: told.used, total: told.total, needed: create + enable, waiting };
  await store.fenced(lease, async (tx) => {
    await updatePlan(tx, plan.id, { seats: JSON.stringify(seats) });
    if (waiting > 0) await leaveWaiting(context, tx, { seats, firstIssue, kept: create - waiting });
  });
  return { seats, waiting };
}

/** What takes a seat; what is held anyway may be let go today, and takes one then. */
async function taking({ store, plan }: PlanContext): Promise<{ readonly create: number; readonly enable: number }> {
  const rows = await store.db
    .selectFrom("plan_changes")
    .select(["action", sql<number>`count(*)`.as("count")])
    .where("plan", "=", plan.id)
    .where("action", "in", ["create", "enable"])
    .groupBy("action")
    .execute();
  const count = (action: string): number => Number(rows.find((row) => row.action === action)?.count ?? 0);
  return { create: count("create"), enable: count("enable") };
}

async function leaveWaiting(
  { store, plan, sync }: PlanContext,
  tx: Transaction<DB>,
  { seats, firstIssue, kept }: { readonly seats: PlannedSeats; readonly firstIssue: number; readonly kept: number },
): Promise<void> {
  const taken = `${grouped(seats.used)} of ${grouped(seats.total)} seats are taken`;
  const detail = `The target has no seat for this record: ${taken}, and ${grouped(seats.needed)} are needed.`;
  // Nobody else is matched by what the waiting ones want: they stay in the index.
  const chosen = await tx
    .selectFrom("plan_changes")
    .leftJoin("pending", (join) =>
      join.on("pending.sync", "=", sync.id).onRef("pending.object_id", "=", "plan_changes.object_id"),
    )
    .select("plan_changes.ordinal")
    .where("plan_changes.plan", "=", plan.id)
    .where("plan_changes.action", "=", "create")
    .orderBy(sql`coalesce(pending.since, ${Number.MAX_SAFE_INTEGER})`)
    .orderBy("plan_changes.ordinal")
    .execute();
  const left = chosen.slice(kept).map(({ ordinal }) => ordinal);
  let issue = firstIssue;
  for (let at = 0; at < left.length; at += PAGE) {
    const ordinals = left.slice(at, at + PAGE);
    const rows = await tx
      .selectFrom("plan_changes")
      .select(["object_id", "name", "record_sequence"])
      .where("plan", "=", plan.id)
      .where("ordinal", "in", ordinals)
      .execute();
    const issues = rows.map(({ object_id, name, record_sequence: sequence }) => ({
      ...{ plan: plan.id, ordinal: issue++, state: "issue", code: "no_seat" },
      ...{ detail, object_id, name, sequence },
    }));
    await insertPlanIssues(store, tx, issues);
    const ids = rows.map(({ object_id }) => object_id);
    // Memberships of a group that is not made now are planned with it.
    await tx.deleteFrom("plan_changes").where("plan", "=", plan.id).where("object_id", "in", ids).execute();
  }
}
