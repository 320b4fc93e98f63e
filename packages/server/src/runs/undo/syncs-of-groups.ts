import type { BatchContext } from "../plan-context.ts";

/** The sync that has a group's record, or had it last. */
export interface GroupSync {
  readonly id: string;
  readonly name: string;
}

/** Whose groups these are, of any sync to the same target; who has lost its record is told by the journal. */
export async function syncsOfGroups(
  { store, space }: Pick<BatchContext, "store" | "space">,
  ids: readonly string[],
): Promise<ReadonlyMap<string, GroupSync>> {
  const found = new Map<string, GroupSync>();
  const groups = [...new Set(ids)];
  for (let at = 0; at < groups.length; at += 500) {
    const slice = groups.slice(at, at + 500);
    const linked = await store.db
      .selectFrom("links")
      .innerJoin("syncs", "syncs.id", "links.sync")
      .select(["links.object_id", "syncs.id", "syncs.name"])
      .where("links.target", "=", space.target)
      .where("links.tenant", "=", space.tenant)
      .where("links.object_id", "in", slice)
      .execute();
    for (const { object_id, id, name } of linked) found.set(object_id, { id, name });
    const rest = slice.filter((id) => !found.has(id));
    if (rest.length === 0) continue;
    const deleted = await store.db
      .selectFrom("journal")
      .innerJoin("syncs", (join) =>
        join.on((eb) => eb("journal.stream", "=", eb(eb.val("sync:"), "||", eb.ref("syncs.id")))),
      )
      .select(["journal.object_id", "syncs.id", "syncs.name"])
      .where("journal.object_id", "in", rest)
      .where("journal.target", "=", space.target)
      .where("journal.type", "=", "outcome")
      .where("journal.action", "=", "delete")
      .orderBy("journal.at")
      .execute();
    for (const { object_id, id, name } of deleted) if (object_id !== null) found.set(object_id, { id, name });
  }
  return found;
}
