import type { Counts } from "@entrain/core";
import { sql } from "kysely";
import { type PlanRow, weightOf } from "../store/plans.ts";
import type { Store } from "../store/store.ts";
import type { Tally } from "./applying.ts";
import type { Progress } from "./context.ts";

/** The states of changes that are still to be sent. */
export const LEFT = ["planned", "again"] as const;

const PAGE = 500;

/** How much a plan changes, as its counts count it, and how much of that earlier runs have seen to. */
export interface Whole {
  readonly total: number;
  readonly before: number;
}

/** Measures a plan that is begun, or gone on with. */
export async function wholeOf({ db }: Store, plan: Pick<PlanRow, "id" | "counts">): Promise<Whole> {
  const total = sum(JSON.parse(plan.counts) as Counts);
  const changes = db.selectFrom("plan_changes").where("plan", "=", plan.id);
  const done = await changes.select("ordinal").where("state", "not in", LEFT).limit(1).executeTakeFirst();
  if (done === undefined) return { total, before: 0 };
  const left = changes.where("state", "in", LEFT);
  const records = await left
    .select(sql<number>`count(*)`.as("count"))
    .where("action", "!=", "members")
    .executeTakeFirstOrThrow();
  let weight = Number(records.count);
  const members = left.select(["ordinal", "action", "add", "remove"]).where("action", "=", "members");
  for (let after = -1; ; ) {
    const page = await members.where("ordinal", ">", after).orderBy("ordinal").limit(PAGE).execute();
    const last = page.at(-1);
    if (last === undefined) return { total, before: Math.max(0, total - weight) };
    after = last.ordinal;
    for (const change of page) weight += weightOf(change);
  }
}

/** How far the applying of a plan is. */
export function progressOf({ failed, unchanged, conflicts, counts }: Tally, { total, before }: Whole): Progress {
  const done = before + failed + unchanged + conflicts + sum(counts);
  return { phase: "applying", detail: "changes", done: Math.min(done, total), total };
}

/** All that counts count together. */
export function sum(counts: Counts): number {
  return Object.values(counts).reduce((total: number, count: number) => total + count, 0);
}
