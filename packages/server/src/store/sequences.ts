import type { Transaction } from "kysely";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

/**
 * Gives out `count` change numbers of a connection and returns the first. The row stays locked until commit, so that
 * numbers become visible in their order and a cursor never passes one that is still to come. When they were given out is kept,
 * so that the directory can be told as it was on a date.
 */
export async function takeSequences(
  store: Store,
  tx: Transaction<DB>,
  connection: string,
  count: number,
): Promise<number> {
  const row = await tx
    .updateTable("connections")
    .set((eb) => ({ sequence: eb("sequence", "+", count) }))
    .where("id", "=", connection)
    .returning("sequence")
    .executeTakeFirstOrThrow();
  await tx
    .insertInto("directory_times")
    .values({ connection, sequence: row.sequence, at: store.clock.now() })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return row.sequence - count + 1;
}

/** The connection's last change number. */
export async function lastSequence(tx: Transaction<DB> | Store["db"], connection: string): Promise<number> {
  const row = await tx
    .selectFrom("connections")
    .select("sequence")
    .where("id", "=", connection)
    .executeTakeFirstOrThrow();
  return row.sequence;
}
