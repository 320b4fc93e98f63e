import type { Scope, ScopeGiven } from "@entrain/core";
import { loadLicences, unknownAmong } from "../store/licences.ts";
import type { Store } from "../store/store.ts";

/** What a scope is decided by at this time, beside the records and the groups. */
export async function scopeGiven(store: Store, connection: string, scope: Scope, now: number): Promise<ScopeGiven> {
  const { licensed } = scope;
  if (licensed === undefined || licensed === true) return { now };
  return { now, unknownLicences: unknownAmong(await loadLicences(store.db, connection), licensed) };
}
