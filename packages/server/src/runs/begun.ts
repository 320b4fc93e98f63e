import type { Store } from "../store/store.ts";
import { LEFT } from "./whole.ts";

/** A plan that was begun and not finished, and how many of its changes are left. */
export interface BegunPlan {
  readonly digest: string;
  readonly changes: number;
}

/** What a crash or a stop left of a sync's plans, which its next run goes on with first. */
export async function begunPlans({ db }: Store, sync: string): Promise<readonly BegunPlan[]> {
  const rows = await db
    .selectFrom("plans")
    .innerJoin("plan_changes as change", "change.plan", "plans.id")
    .select((eb) => ["plans.digest", eb.fn.countAll<number>().as("changes")])
    .where("plans.sync", "=", sync)
    .where("plans.state", "in", ["approved", "applying"])
    .where("change.state", "in", LEFT)
    .groupBy(["plans.id", "plans.digest", "plans.created_at"])
    .orderBy("plans.created_at")
    .execute();
  return rows.map(({ digest, changes }) => ({ digest: digest ?? "", changes: Number(changes) }));
}
