import type { Transaction } from "kysely";
import type { DB } from "../store/schema.ts";
import type { ApplyContext } from "./applying.ts";
import type { Prepared } from "./prepare.ts";

type Written = Pick<Prepared, "row" | "add" | "remove">;

/** What was removed without anybody's approval counts for the guard's windows; what is undone counts no more. */
export async function countRemovals(
  context: ApplyContext,
  tx: Transaction<DB>,
  written: readonly Written[],
): Promise<void> {
  if (context.plan.undoes !== null) await uncountRemovals(context, tx, written, context.plan.undoes);
  if (context.plan.approved_at !== null) return;
  const at = context.store.clock.now();
  const rows = written.flatMap(({ row, remove }) => {
    if (row.action === "disable" || row.action === "delete")
      return [[context.sync.id, "removals", row.object_id, 1, at]];
    return remove.length > 0 ? [[context.sync.id, "members", row.object_id, remove.length, at]] : [];
  });
  if (rows.length === 0) return;
  const columns = [
    { name: "sync", type: "text" },
    { name: "counter", type: "text" },
    { name: "object_id", type: "text" },
    { name: "amount", type: "int8" },
    { name: "at", type: "int8" },
  ] as const;
  await context.store.insertMany(tx, { table: "removals", columns }, rows);
}

/** What the undone run removed of these records, and came back. */
async function uncountRemovals(
  { store, sync }: ApplyContext,
  tx: Transaction<DB>,
  written: readonly Written[],
  run: string,
): Promise<void> {
  const undone = await tx.selectFrom("runs").select("started_at").where("id", "=", run).executeTakeFirst();
  if (undone === undefined) return;
  for (const { row, add } of written) {
    const isBack = row.action === "enable" || row.action === "create";
    if (!isBack && add.length === 0) continue;
    await tx
      .deleteFrom("removals")
      .where("sync", "=", sync.id)
      .where("counter", "=", isBack ? "removals" : "members")
      .where("object_id", "=", row.object_id)
      .where("at", ">=", undone.started_at)
      .where("at", "<=", store.clock.now())
      .execute();
  }
}
