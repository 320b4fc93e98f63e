import { sequenceAt } from "../store/directory-then.ts";
import type { Lease, Store } from "../store/store.ts";

/** How long it is remembered what the directory was, unless it is said otherwise: a year and a month. */
export const USUAL_DIRECTORY_MS: number = 400 * 86_400_000;
export const LEAST_DIRECTORY_MS: number = 86_400_000;

/**
 * Forgets what the directories were before a moment, a day's changes at a time when it is done daily. What they are now, and
 * what they were since, stays. Answers how many versions went.
 */
export async function trimDirectory(
  store: Store,
  lease: Lease,
  of: { readonly before: number; readonly signal: AbortSignal },
): Promise<number> {
  let gone = 0;
  const connections = await store.db.selectFrom("connections").select("id").execute();
  for (const { id } of connections) {
    of.signal.throwIfAborted();
    const sequence = await sequenceAt(store.db, id, of.before);
    if (sequence === null) continue;
    gone += await store.fenced(lease, async (tx) => {
      let count = 0;
      for (const table of ["record_versions", "edge_versions"] as const) {
        const old = tx.deleteFrom(table).where("connection", "=", id).where("until", "<=", sequence);
        count += Number((await old.executeTakeFirst()).numDeletedRows);
      }
      await tx.deleteFrom("directory_times").where("connection", "=", id).where("sequence", "<", sequence).execute();
      return count;
    });
  }
  return gone;
}
