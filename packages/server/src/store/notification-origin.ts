import type { Store } from "./store.ts";

const KEY = "notification_origin";
/** Longer than several looks of the server in charge: a restart does not lose the charge. */
const HELD_MS = 5 * 60_000;

/**
 * Who has Microsoft tell of changes: of the servers on one store those at one public origin, for Microsoft tells one address.
 * A server says its origin again at each look; when none does for five minutes, another one may. `null` only asks.
 * Answers the origin in charge, null when there is none.
 */
export async function claimNotifications(store: Store, origin: string | null): Promise<string | null> {
  return store.transaction(
    async (tx) => {
      const row = await tx.selectFrom("meta").select("value").where("key", "=", KEY).executeTakeFirst();
      const held =
        row === undefined ? null : (JSON.parse(row.value) as { readonly origin: string; readonly at: number });
      const now = store.clock.now();
      if (held !== null && held.origin !== origin && now - held.at < HELD_MS) return held.origin;
      if (origin === null) return null;
      const value = JSON.stringify({ origin, at: now });
      if (row === undefined) {
        const made = await tx
          .insertInto("meta")
          .values({ key: KEY, value })
          .onConflict((conflict) => conflict.column("key").doNothing())
          .executeTakeFirst();
        return Number(made.numInsertedOrUpdatedRows) === 1 ? origin : null;
      }
      // Of two that find it free at once, one is first.
      const taken = await tx
        .updateTable("meta")
        .set({ value })
        .where("key", "=", KEY)
        .where("value", "=", row.value)
        .executeTakeFirst();
      return Number(taken.numUpdatedRows) === 1 ? origin : null;
    },
    { repeatable: true },
  );
}
