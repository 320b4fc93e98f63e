import type { Store } from "../store/store.ts";

/** The code of a deletion's outcome that the target accepted and carries out in its own time. */
export const ACCEPTED = "accepted";
/** What still shows so long behind an accepted deletion was not deleted. */
const LONGEST_MS = 24 * 60 * 60_000;

/** Of these records of a target, those whose deletion it accepted lately: they are about to go. When each was deleted. */
export async function beingDeleted(
  { db, clock }: Pick<Store, "db" | "clock">,
  of: { readonly target: string; readonly kind: string },
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (let at = 0; at < recordIds.length; at += 500) {
    const rows = await db
      .selectFrom("journal")
      .select(["record_id", "at"])
      .where("type", "=", "outcome")
      .where("action", "=", "delete")
      .where("code", "=", ACCEPTED)
      .where("record_id", "in", recordIds.slice(at, at + 500))
      .where("target", "=", of.target)
      .where("kind", "=", of.kind)
      .where("at", ">", clock.now() - LONGEST_MS)
      .execute();
    for (const row of rows) if (row.record_id !== null) found.set(row.record_id, row.at);
  }
  return found;
}
