import type { RunView } from "../runs/queries.ts";
import type { Store } from "../store/store.ts";

/** A run with its sync's name, which stays known when the sync is gone; null for one that was removed unnamed. */
export interface NamedRun extends RunView {
  readonly syncName: string | null;
  readonly syncRemoved: boolean;
}

/** Adds to runs the names that their syncs have or, where they were removed, had last. */
export async function withSyncNames(store: Store, runs: readonly RunView[]): Promise<readonly NamedRun[]> {
  const ids = [...new Set(runs.map(({ sync }) => sync))];
  if (ids.length === 0) return [];
  const living = await store.db.selectFrom("syncs").select(["id", "name"]).where("id", "in", ids).execute();
  const names = new Map(living.map(({ id, name }) => [id, name]));
  const gone = ids.filter((id) => !names.has(id));
  const had = gone.length === 0 ? new Map<string, string>() : await lastNames(store, gone);
  return runs.map((run) => {
    const name = names.get(run.sync);
    return { ...run, syncName: name ?? had.get(run.sync) ?? null, syncRemoved: name === undefined };
  });
}

/** The last name that a sync's revisions gave it. */
async function lastNames(store: Store, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await store.db
    .selectFrom("revisions")
    .select(["subject", "name"])
    .where("subject", "in", ids)
    .where("name", "is not", null)
    .orderBy("number")
    .execute();
  return new Map(rows.flatMap(({ subject, name }) => (name === null ? [] : [[subject, name] as const])));
}
