import type { TargetKind } from "@entrain/core";
import { loadRecords } from "../store/directory.ts";
import type { LinkSpace } from "../store/links.ts";
import type { Store } from "../store/store.ts";
import { nameIn } from "./names.ts";
import { type Protection, protectedAmong } from "./protection.ts";

const PAGE = 1000;

/**
 * Which of these groups are not deleted, for the target acknowledged somebody as a member whom a list protects: the membership
 * would go with the group. By object id, who protects it, in words. Only groups that would be deleted should be asked about.
 */
export async function keptByMembers(
  of: {
    readonly store: Store;
    readonly connection: string;
    readonly space: LinkSpace;
    readonly kind: Pick<TargetKind, "members">;
  },
  protection: Protection | null,
  groups: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const kept = new Map<string, string>();
  if (protection === null || of.kind.members.length === 0) return kept;
  for (const group of new Set(groups)) {
    const by = await protectedMember(of, protection, group);
    if (by !== null) kept.set(group, by);
  }
  return kept;
}

/** The first member of a group whom a list protects. */
async function protectedMember(
  { store, connection, space }: Omit<Parameters<typeof keptByMembers>[0], "kind">,
  protection: Protection,
  group: string,
): Promise<string | null> {
  for (let after = ""; ; ) {
    const rows = await store.db
      .selectFrom("known_members")
      .select("member_id")
      .where("target", "=", space.target)
      .where("tenant", "=", space.tenant)
      .where("group_id", "=", group)
      .where("member_id", ">", after)
      .orderBy("member_id")
      .limit(PAGE)
      .execute();
    const ids = rows.map(({ member_id: id }) => id);
    const [first] = await protectedAmong({ store, connection }, protection, ids);
    if (first !== undefined) {
      const [id, list] = first;
      const record = (await loadRecords(store.db, connection, [id])).get(id);
      return `its member ${nameIn(record?.attributes ?? null) ?? id} (${list})`;
    }
    const last = ids.at(-1);
    if (last === undefined || ids.length < PAGE) return null;
    after = last;
  }
}
