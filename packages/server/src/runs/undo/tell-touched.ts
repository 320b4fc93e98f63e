import type { Transaction } from "kysely";
import { insertPlanIssues } from "../../store/plans.ts";
import type { DB } from "../../store/schema.ts";
import type { ApplyContext } from "../applying.ts";
import type { Prepared } from "../prepare.ts";

/** What an undoing skipped, for somebody changed it between the plan and its approval, is listed with the rest that stays. */
export async function tellTouched(
  { store, plan, withdrawn }: ApplyContext,
  tx: Transaction<DB>,
  prepared: readonly Prepared[],
): Promise<void> {
  const touched = prepared.filter(({ stale }) => stale !== null);
  if (plan.part !== "undo" || withdrawn !== null || touched.length === 0) return;
  const { last } = await tx
    .selectFrom("plan_issues")
    .select((eb) => eb.fn.max<number | null>("ordinal").as("last"))
    .where("plan", "=", plan.id)
    .executeTakeFirstOrThrow();
  const rows = touched.map(({ row, stale }, at) => ({
    ...{ plan: plan.id, ordinal: (last ?? -1) + 1 + at, state: "left", sequence: row.record_sequence },
    ...{ code: "undo_changed", detail: stale ?? "", object_id: row.object_id, name: row.name },
  }));
  await insertPlanIssues(store, tx, rows);
}
