import { type GuardCounter, isRematched } from "@entrain/core";
import type { Transaction } from "kysely";
import type { DB } from "../store/schema.ts";
import type { ApplyContext } from "./applying.ts";
import type { Prepared } from "./prepare.ts";
import { changeOf } from "./seal.ts";

type Written = Pick<Prepared, "row" | "link" | "add" | "remove">;

const COLUMNS = [
  { name: "sync", type: "text" },
  { name: "counter", type: "text" },
  { name: "object_id", type: "text" },
  { name: "amount", type: "int8" },
  { name: "at", type: "int8" },
  { name: "linked_at", type: "int8" },
] as const;

/** What was applied without anybody's approval counts for the guards' windows; what is undone counts no more. */
export async function countGuarded(
  context: ApplyContext,
  tx: Transaction<DB>,
  written: readonly Written[],
): Promise<void> {
  if (context.plan.undoes !== null) await uncount(context, tx, written, context.plan.undoes);
  if (context.plan.approved_at !== null) return;
  // The windows begin with the first run's end at the earliest: a clock that was set back behind it must hide nothing.
  const at = Math.max(context.store.clock.now(), context.sync.first_run_at ?? 0);
  const rows = written.flatMap((one) =>
    countersOf(context, one).map(([counter, amount]) => [
      context.sync.id,
      counter,
      one.row.object_id,
      amount,
      at,
      one.link?.owned_since ?? null,
    ]),
  );
  if (rows.length === 0) return;
  await context.store.insertMany(tx, { table: "removals", columns: COLUMNS }, rows);
}

/** What a change counts as; of a first run only what it takes away. */
function countersOf(
  { sync, matching, recreate }: ApplyContext,
  { row, remove }: Written,
): readonly (readonly [GuardCounter, number])[] {
  const isFirst = sync.first_run_at === null;
  switch (row.action) {
    case "disable":
    case "delete":
      return [["removals", 1]];
    case "members":
      return remove.length > 0 ? [["members", remove.length]] : [];
    case "create":
    case "join":
      return isFirst || recreate ? [] : [["creations", 1]];
    case "update":
    case "enable":
      return [
        ...(isFirst ? [] : [["updates", 1] as const]),
        ...(isRematched(changeOf(row), matching) ? [["matching", 1] as const] : []),
      ];
    default:
      return [];
  }
}

/**
 * What the undone run made of these records counts no more: they are as they were. What later runs made of them does, and so
 * does what was resumed by a later run: rather too much is counted than too little.
 */
async function uncount(
  { store, sync }: ApplyContext,
  tx: Transaction<DB>,
  written: readonly Written[],
  run: string,
): Promise<void> {
  const undone = await tx.selectFrom("runs").select("started_at").where("id", "=", run).executeTakeFirst();
  if (undone === undefined) return;
  const next = await tx
    .selectFrom("runs")
    .select((eb) => eb.fn.min<number | null>("started_at").as("at"))
    .where("sync", "=", sync.id)
    .where("id", "!=", run)
    .where("started_at", ">", undone.started_at)
    .executeTakeFirst();
  for (const { row, add } of written) {
    const counters = countersBack(row.action, add);
    if (counters.length === 0) continue;
    const counted = await tx
      .deleteFrom("removals")
      .where("sync", "=", sync.id)
      .where("counter", "in", counters)
      .where("object_id", "=", row.object_id)
      .where("at", ">=", undone.started_at)
      .where("at", "<", next?.at ?? store.clock.now() + 1)
      .returning(["amount", "at"])
      .execute();
    if (row.action !== "members") continue;
    // Of a group's memberships as many are left as did not come back.
    const left = counted.reduce((sum, { amount }) => sum + amount, 0) - add.length;
    if (left <= 0) continue;
    const at = Math.max(...counted.map((one) => one.at));
    const values = [[sync.id, "members", row.object_id, left, at, null]];
    await store.insertMany(tx, { table: "removals", columns: COLUMNS }, values);
  }
}

function countersBack(action: string, add: readonly string[]): readonly GuardCounter[] {
  if (action === "enable") return ["removals", "updates", "matching"];
  if (action === "create") return ["removals"];
  if (action === "delete") return ["creations"];
  if (action === "update" || action === "disable") return ["updates", "matching"];
  return add.length > 0 ? ["members"] : [];
}
