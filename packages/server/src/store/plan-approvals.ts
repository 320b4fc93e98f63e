import type { Transaction } from "kysely";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

type Reader = Transaction<DB> | Store["db"];

/** That somebody approved a plan. */
export interface PlanApproval {
  readonly actor: { readonly kind: string; readonly id: string };
  readonly at: number;
}

/** Keeps an approval; who approves twice has approved once. */
export async function saveApproval(tx: Transaction<DB>, plan: string, { actor, at }: PlanApproval): Promise<void> {
  await tx
    .insertInto("plan_approvals")
    .values({ plan, actor_kind: actor.kind, actor_id: actor.id, at })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Who approved a plan, first come first. */
export async function approvalsOf(db: Reader, plan: string): Promise<readonly PlanApproval[]> {
  const rows = await db
    .selectFrom("plan_approvals")
    .selectAll()
    .where("plan", "=", plan)
    .orderBy("at")
    .orderBy("actor_id")
    .execute();
  return rows.map(({ actor_kind: kind, actor_id: id, at }) => ({ actor: { kind, id }, at }));
}
