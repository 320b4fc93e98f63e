import type { TargetRecord } from "@entrain/core";
import { linkedRecords } from "../../store/links.ts";
import type { BatchContext } from "../plan-context.ts";

/** What others made of one group's memberships. */
export interface MembersDrift {
  /** Object ids of members that others added, and of those that they removed. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Record ids of members that are none of the connection's people and groups: they are left alone. */
  readonly foreign: readonly string[];
}

/** Compares the members that the target tells of a group with those that it acknowledged from us. */
export async function compareMembers(
  { store, space, kind }: BatchContext,
  groupId: string,
  { members = [] }: Pick<TargetRecord, "members">,
): Promise<MembersDrift> {
  const present = new Set<string>();
  const foreign = new Set(members);
  for (const memberKind of kind.members) {
    const linked = await linkedRecords(store.db, space.target, memberKind, [...foreign]);
    for (const [recordId, { tenant, objectId }] of linked) {
      if (tenant !== space.tenant) continue;
      present.add(objectId);
      foreign.delete(recordId);
    }
  }
  const rows = await store.db
    .selectFrom("known_members")
    .select("member_id")
    .where("target", "=", space.target)
    .where("tenant", "=", space.tenant)
    .where("group_id", "=", groupId)
    .execute();
  const known = new Set(rows.map((row) => row.member_id));
  return {
    added: [...present].filter((id) => !known.has(id)),
    removed: [...known].filter((id) => !present.has(id)),
    foreign: [...foreign],
  };
}
