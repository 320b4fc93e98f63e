import { APP_ROLES, byCodeUnits, type CompiledScope, type DirectoryRecord, type ScopeDecision } from "@entrain/core";
import { type DirectoryRow, isYoung } from "../store/directory.ts";
import type { Store } from "../store/store.ts";
import { decideScope, everNested, reaches, type ScopeGroups } from "./scope-groups.ts";

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
  if (young.size === 0) return young;
  const ever = await everNested(store, connection, groups.reach);
  const ids = [...young];
  for (let at = 0; at < ids.length; at += 500) {
    const edges = await store.db
      .selectFrom("edges")
      .select(["member_id", "group_id"])
      .where("connection", "=", connection)
      .where("member_id", "in", ids.slice(at, at + 500))
      .execute();
    for (const { member_id: id, group_id: group } of edges) if (ever.has(group)) young.delete(id);
  }
  return young;
}

/**
 * The record as it is known, with each role that is known to be given in the scope's application, and with all of them: who is
 * listed nowhere yet may come to have one or several, and a clause may ask for a role as well as for the want of it.
 */
function withAnyRoles(record: DirectoryRecord, { assigned }: ScopeGroups): readonly DirectoryRecord[] {
  const roles = [...new Set([...(assigned?.roles.values() ?? [])].flat())].sort(byCodeUnits);
  if (roles.length === 0) return [record];
  const sets = [...roles.map((role) => [role]), roles];
  return [record, ...sets.map((of) => ({ ...record, attributes: { ...record.attributes, [APP_ROLES]: of } }))];
}

/**
 * The decision on a record that no group of the scope ever listed: if nothing but the lists of its groups, and of whom is
 * assigned to its application with which roles, keeps it out, it is out as far as is known only.
 */
export function asFarAsListed(
  scope: CompiledScope,
  record: DirectoryRecord,
  groups: ScopeGroups,
  memberOf: ReadonlySet<string> | undefined,
): ScopeDecision {
  const decided = decideScope(scope, record, groups, memberOf);
  if (decided.in) return decided;
  const isExcluded = (name: string): boolean => {
    const reach = groups.lists.exclude.get(name);
    return reach !== undefined && reaches(reach, record.id, memberOf);
  };
  const mayBeIn = withAnyRoles(record, groups).some((one) => {
    const listed = scope.decide(
      one,
      (name, list) => list === "include" || isExcluded(name),
      () => true,
    );
    return listed.in || listed.untold === true;
  });
  if (!mayBeIn) return decided;
  const why = "the record is a few hours old, and a copy of the directory that lags may not list its memberships yet";
  return { ...decided, reason: `${decided.reason}; ${why}`, untold: true };
}
