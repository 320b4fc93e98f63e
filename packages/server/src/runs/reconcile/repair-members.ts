import { forgetMembers, saveMembers } from "../known-members.ts";
import type { GroupPairs, Pair } from "../pairs.ts";
import type { PlanContext } from "../plan-context.ts";
import type { ReconcileNotes } from "./notes.ts";

/**
 * The memberships that others moved, each as the target has it now. What others made of one as the directory has it is known
 * from now on, and is not told.
 */
export async function* driftedPairs(context: PlanContext, notes: ReconcileNotes): AsyncGenerator<GroupPairs> {
  for (const { groupId, added, removed } of notes.groups()) {
    const edges = await edgesAmong(context, groupId, [...added, ...removed]);
    const stands = (id: string): boolean => edges.get(id)?.present === true;
    await acknowledge(context, groupId, {
      add: added.filter(stands),
      remove: removed.filter((id) => !stands(id)),
    });
    const pairOf = (memberId: string, known: boolean): Pair => {
      const { present, doubtful } = edges.get(memberId) ?? { present: false, doubtful: false };
      return { memberId, present, doubtful, known };
    };
    const pairs = [
      ...added.filter((id) => !stands(id)).map((id) => pairOf(id, true)),
      ...removed.filter(stands).map((id) => pairOf(id, false)),
    ];
    if (pairs.length > 0) yield { groupId, pairs };
  }
}

async function edgesAmong(
  { store, sync }: PlanContext,
  groupId: string,
  members: readonly string[],
): Promise<ReadonlyMap<string, Pick<Pair, "present" | "doubtful">>> {
  const found = new Map<string, Pick<Pair, "present" | "doubtful">>();
  for (let at = 0; at < members.length; at += 500) {
    const rows = await store.db
      .selectFrom("edges")
      .select(["member_id", "present", "doubtful"])
      .where("connection", "=", sync.connection)
      .where("group_id", "=", groupId)
      .where("member_id", "in", members.slice(at, at + 500))
      .execute();
    for (const row of rows) found.set(row.member_id, { present: row.present === 1, doubtful: row.doubtful === 1 });
  }
  return found;
}

async function acknowledge(
  context: PlanContext,
  groupId: string,
  { add, remove }: { readonly add: readonly string[]; readonly remove: readonly string[] },
): Promise<void> {
  if (add.length + remove.length === 0) return;
  const row = { object_id: groupId };
  await context.store.fenced(context.lease, async (tx) => {
    await saveMembers(context, tx, [{ row, add }]);
    for (let at = 0; at < remove.length; at += 500)
      await forgetMembers(context, tx, [{ row, remove: remove.slice(at, at + 500) }]);
  });
}
