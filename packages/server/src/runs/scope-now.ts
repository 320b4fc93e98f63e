import { ConnectorError, compileScope, type SyncDefinition } from "@entrain/core";
import { loadRecords, loadWatermark } from "../store/directory.ts";
import type { Store } from "../store/store.ts";
import { recordOf } from "./evaluate-batch.ts";
import {
  belongs,
  belongsToAssigned,
  groupsOf,
  resolveScopeGroups,
  type ScopeGroups,
  withAppRoles,
} from "./scope-groups.ts";

/**
 * Which of these records a scope that asks for groups lets in by the memberships as they are now; one of which that
 * cannot be told is missing. `null`: no membership changed behind `upto`, so all is as it was planned.
 */
export type ScopeNow = (ids: readonly string[], upto: number) => Promise<ReadonlyMap<string, boolean> | null>;

/** A record's own change number does not move with its groups: a scope without groups needs no such look. */
export function scopeNow(store: Store, connection: string, definition: SyncDefinition): ScopeNow | null {
  if (definition.scope.groups === undefined && definition.scope.assigned === undefined) return null;
  const compiled = compileScope(definition.scope);
  const resolve = groupsNow(store, connection, definition);
  return async (ids, upto) => {
    if (!(await haveMoved(store, connection, upto))) return null;
    if ((await loadWatermark(store.db, connection, "group")).phase !== "settled") return new Map();
    const groups = await resolve();
    if (groups === null || "findings" in compiled) return new Map();
    const records = await loadRecords(store.db, connection, ids);
    const memberOf = await groupsOf(store, connection, groups, ids);
    const decided = new Map<string, boolean>();
    for (const [id, row] of records) {
      const belongsTo = (name: string): boolean => belongs(groups, name, id, memberOf.get(id));
      const isAssigned = (): boolean => belongsToAssigned(groups, id, memberOf.get(id));
      decided.set(
        id,
        compiled.scope.decide(withAppRoles(recordOf(row), groups, memberOf.get(id)), belongsTo, isAssigned).in,
      );
    }
    return decided;
  };
}

async function haveMoved(store: Store, connection: string, upto: number): Promise<boolean> {
  const edge = await store.db
    .selectFrom("edges")
    .select("group_id")
    .where("connection", "=", connection)
    .where("sequence", ">", upto)
    .limit(1)
    .executeTakeFirst();
  return edge !== undefined;
}

/** Resolves the scope's groups once for every state of the directory; `null` when one of them is not there any more. */
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
      if (!(error instanceof ConnectorError) || error.code !== "config_invalid") throw error;
      groups = null;
    }
    at = sequence;
    return groups;
  };
}
