import type { Selectable, Transaction } from "kysely";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

/** What goes on, and to what: the id of the sync, connection or plan. */
export interface EpisodeKey {
  readonly kind: "sync.failing" | "sync.quarantined" | "sync.released" | "connection.failing" | "plan.held";
  readonly subject: string;
}

/** Something that goes on. `since` and `toldAt` in milliseconds UTC; `toldAt` is null while nobody was told. */
export interface Episode {
  readonly count: number;
  readonly since: number;
  readonly toldAt: number | null;
}

/** Counts one more occurrence, which begins an episode where there is none. */
export async function countEpisode(tx: Transaction<DB>, key: EpisodeKey, now: number): Promise<Episode> {
  const row = await tx
    .insertInto("alert_episodes")
    .values({ ...key, count: 1, since: now, told_at: null })
    .onConflict((conflict) =>
      conflict.columns(["kind", "subject"]).doUpdateSet((eb) => ({ count: eb("alert_episodes.count", "+", 1) })),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
  return episodeOf(row);
}

/** What goes on, or null. */
export async function findEpisode(db: Store["db"] | Transaction<DB>, key: EpisodeKey): Promise<Episode | null> {
  const row = await db
    .selectFrom("alert_episodes")
    .selectAll()
    .where("kind", "=", key.kind)
    .where("subject", "=", key.subject)
    .executeTakeFirst();
  return row === undefined ? null : episodeOf(row);
}

export async function markEpisodeTold(tx: Transaction<DB>, key: EpisodeKey, now: number): Promise<void> {
  await tx
    .updateTable("alert_episodes")
    .set({ told_at: now })
    .where("kind", "=", key.kind)
    .where("subject", "=", key.subject)
    .execute();
}

/** It is over. Answers what it was, or null when nothing went on. */
export async function endEpisode(tx: Transaction<DB>, key: EpisodeKey): Promise<Episode | null> {
  const [row] = await tx
    .deleteFrom("alert_episodes")
    .where("kind", "=", key.kind)
    .where("subject", "=", key.subject)
    .returningAll()
    .execute();
  return row === undefined ? null : episodeOf(row);
}

function episodeOf({ count, since, told_at }: Selectable<DB["alert_episodes"]>): Episode {
  return { count: Number(count), since: Number(since), toldAt: told_at };
}
