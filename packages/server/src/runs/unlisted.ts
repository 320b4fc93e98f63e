import type { CompiledScope, DirectoryRecord } from "@entrain/core";
import { type DirectoryRow, isYoung } from "../store/directory.ts";
import type { Store } from "../store/store.ts";
import { decideScope, type ScopeGroups } from "./scope-groups.ts";

/**
 * Those of these records that are so young that a copy of the directory which lags may not have their memberships yet, and that
 * no group of the scope ever listed. Who was listed once and is no more was taken out.
 */
export async function unlistedAmong(
  store: Store,
  connection: string,
  { groups, rows }: { readonly groups: ScopeGroups | null; readonly rows: readonly DirectoryRow[] },
): Promise<ReadonlySet<string>> {
  if (groups === null) return new Set();
  const now = store.clock.now();
  const young = new Set(rows.flatMap((row) => (row.removed === null && isYoung(row, now) ? [row.id] : [])));
  const ids = [...young];
  for (let at = 0; at < ids.length; at += 500) {
    const edges = await store.db
      .selectFrom("edges")
      .select(["member_id", "group_id"])
      .where("connection", "=", connection)
      .where("member_id", "in", ids.slice(at, at + 500))
      .execute();
    for (const { member_id: id, group_id: group } of edges) if (groups.reach.has(group)) young.delete(id);
  }
  return young;
}

/** Whether nothing but the groups that it is in, and what it is assigned to, keeps a record out of scope. */
export function isOutByGroups(
  scope: CompiledScope,
  record: DirectoryRecord,
  groups: ScopeGroups,
  memberOf: ReadonlySet<string> | undefined,
): boolean {
  const { lists, assigned } = groups;
  const included = [...lists.include.values()].flatMap((reach) => [...reach]);
  const all = new Set([...(memberOf ?? []), ...included, ...(assigned?.reach ?? [])]);
  return !decideScope(scope, record, groups, memberOf).in && decideScope(scope, record, groups, all).in;
}
