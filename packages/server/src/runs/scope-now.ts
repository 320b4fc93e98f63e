import { type CompiledScope, ConnectorError, compileScope, type SourceKind, type SyncDefinition } from "@entrain/core";
import { loadRecords, loadWatermark } from "../store/directory.ts";
import type { Store } from "../store/store.ts";
import { managersOf, recordOf } from "./inputs.ts";
import { asScopeSees, withManager } from "./managers.ts";
import { scopeGiven } from "./scope-given.ts";
import { decideScope, groupsOf, resolveScopeGroups, type ScopeGroups, withAppRoles } from "./scope-groups.ts";

/**
 * Which of these records a scope that asks for groups, managers or today lets in by these as they are now; one of which that
 * cannot be told is missing. `null`: none of them changed behind `upto`, so all is as it was planned.
 */
export type ScopeNow = (ids: readonly string[], upto: number) => Promise<ReadonlyMap<string, boolean> | null>;

/**
 * A record's own change number does not move with its groups, its manager and the day: a scope without these needs no such look.
 * `plannedAt` is when the plan was made.
 */
export function scopeNow(
  store: Store,
  connection: string,
  { definition, plannedAt }: { readonly definition: SyncDefinition; readonly plannedAt: number },
): ScopeNow | null {
  const asksForGroups = definition.scope.groups !== undefined || definition.scope.assigned !== undefined;
  const checked = compileScope(definition.scope);
  if ("findings" in checked) return asksForGroups ? async () => new Map() : null;
  const { readsManagers, movedBetween } = checked.scope;
  if (!asksForGroups && !readsManagers && movedBetween === null) return null;
  const resolve = groupsNow(store, connection, definition);
  const kinds: readonly SourceKind[] = [
    ...(asksForGroups ? (["group"] as const) : []),
    ...(readsManagers ? (["user"] as const) : []),
  ];
  return async (ids, upto) => {
    const now = store.clock.now();
    const isNewDay = (movedBetween?.(plannedAt, now) ?? null) !== null;
    if (!isNewDay && !(await haveMoved(store, connection, { kinds, upto }))) return null;
    const compiled = compileScope(definition.scope, await scopeGiven(store, connection, definition.scope, now));
    if ("findings" in compiled) return new Map();
    const { scope } = compiled;
    for (const kind of kinds) {
      if ((await loadWatermark(store.db, connection, kind)).phase !== "settled") return new Map();
    }
    const groups = asksForGroups ? await resolve() : null;
    if (asksForGroups && groups === null) return new Map();
    return await decidedNow(store, connection, { scope, groups, ids });
  };
}

async function decidedNow(
  store: Store,
  connection: string,
  of: { readonly scope: CompiledScope; readonly groups: ScopeGroups | null; readonly ids: readonly string[] },
): Promise<ReadonlyMap<string, boolean>> {
  const { scope, groups, ids } = of;
  const records = await loadRecords(store.db, connection, ids);
  const memberOf = groups === null ? null : await groupsOf(store, connection, groups, ids);
  const asked = scope.readsManagers ? [...records.values()].flatMap(({ manager }) => manager ?? []) : [];
  const managers = await managersOf(store, connection, [...new Set(asked)]);
  const decided = new Map<string, boolean>();
  for (const [id, row] of records) {
    const manager = managers.get(row.manager ?? "") ?? null;
    const read = asScopeSees(withManager(recordOf(row), manager), manager);
    const record = groups === null ? read : withAppRoles(read, groups, memberOf?.get(id));
    decided.set(id, decideScope(scope, record, groups, memberOf?.get(id)).in);
  }
  return decided;
}

/** Of groups their memberships and their records, whose names may change; of managers their records. */
async function haveMoved(
  store: Store,
  connection: string,
  { kinds, upto }: { readonly kinds: readonly SourceKind[]; readonly upto: number },
): Promise<boolean> {
  const since = (table: "edges" | "records") =>
    store.db
      .selectFrom(table)
      .select("sequence")
      .where("connection", "=", connection)
      .where("sequence", ">", upto)
      .limit(1);
  if (kinds.includes("group") && (await since("edges").executeTakeFirst()) !== undefined) return true;
  for (const kind of kinds) {
    if ((await since("records").where("kind", "=", kind).executeTakeFirst()) !== undefined) return true;
  }
  return false;
}

/** What resolving a scope's groups says of one that is not there, or whose members are hidden. */
const UNRESOLVED: ReadonlySet<string> = new Set(["config_invalid", "permission_missing"]);

/** Resolves the scope's groups once for every state of the directory; `null` when one of them cannot be told any more. */
export function groupsNow(
  store: Store,
  connection: string,
  { scope }: SyncDefinition,
): () => Promise<ScopeGroups | null> {
  let at = -1;
  let groups: ScopeGroups | null = null;
  return async () => {
    const { sequence } = await store.db
      .selectFrom("connections")
      .select("sequence")
      .where("id", "=", connection)
      .executeTakeFirstOrThrow();
    if (sequence === at) return groups;
    try {
      groups = await resolveScopeGroups(store, connection, scope, sequence);
    } catch (error) {
      if (!(error instanceof ConnectorError) || !UNRESOLVED.has(error.code)) throw error;
      groups = null;
    }
    at = sequence;
    return groups;
  };
}
