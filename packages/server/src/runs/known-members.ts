import type { Transaction } from "kysely";
import type { DB } from "../store/schema.ts";
import type { ApplyContext } from "./applying.ts";
import type { Prepared } from "./prepare.ts";

/** The group of a change. */
type Group = Pick<Prepared["row"], "object_id">;

/** Stores the memberships that the target acknowledged, both ends as object ids. */
export async function saveMembers(
  context: Pick<ApplyContext, "store" | "space">,
  tx: Transaction<DB>,
  written: readonly (Pick<Prepared, "add"> & { readonly row: Group })[],
): Promise<void> {
  const { target, tenant } = context.space;
  const rows = written.flatMap(({ row, add }) => add.map((member) => [target, tenant, row.object_id, member]));
  if (rows.length === 0) return;
  await context.store.insertMany(
    tx,
    {
      table: "known_members",
      columns: [
        { name: "target", type: "text" },
        { name: "tenant", type: "text" },
        { name: "group_id", type: "text" },
        { name: "member_id", type: "text" },
      ],
      conflict: "on conflict (target, tenant, group_id, member_id) do nothing",
    },
    rows,
  );
}

/** Forgets memberships whose removal the target acknowledged. */
export async function forgetMembers(
  context: Pick<ApplyContext, "space">,
  tx: Transaction<DB>,
  written: readonly (Pick<Prepared, "remove"> & { readonly row: Group })[],
): Promise<void> {
  const { target, tenant } = context.space;
  for (const { row, remove } of written) {
    if (remove.length === 0) continue;
    await tx
      .deleteFrom("known_members")
      .where("target", "=", target)
      .where("tenant", "=", tenant)
      .where("group_id", "=", row.object_id)
      .where("member_id", "in", remove)
      .execute();
  }
}
