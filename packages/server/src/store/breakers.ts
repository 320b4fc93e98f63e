import type { Selectable, Transaction } from "kysely";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

export type BreakerRow = Selectable<DB["target_breakers"]>;
type Reader = Store["db"] | Transaction<DB>;

/** What is known against a target, or null when it answered last. */
export async function loadBreaker(db: Reader, target: string): Promise<BreakerRow | null> {
  return (await db.selectFrom("target_breakers").selectAll().where("target", "=", target).executeTakeFirst()) ?? null;
}

/** Counts faults in a row, of whichever process. Answers how many there are by now. */
export async function countFaults(
  tx: Transaction<DB>,
  fault: Pick<BreakerRow, "target" | "code" | "detail"> & { readonly faults: number; readonly now: number },
): Promise<number> {
  const { target, code, detail, faults, now } = fault;
  const row = await tx
    .insertInto("target_breakers")
    .values({ target, failures: faults, since: now, last_at: now, opened_at: null, code, detail })
    .onConflict((conflict) =>
      conflict.column("target").doUpdateSet((eb) => ({
        failures: eb("target_breakers.failures", "+", faults),
        last_at: now,
        code,
        detail,
      })),
    )
    .returning("failures")
    .executeTakeFirstOrThrow();
  return Number(row.failures);
}

/** Opens the breaker of a target: whoever comes next asks it once before anything else. */
export async function openBreaker(tx: Transaction<DB>, target: string, now: number): Promise<void> {
  await tx
    .updateTable("target_breakers")
    .set((eb) => ({ opened_at: eb.fn.coalesce("opened_at", eb.val(now)), last_at: now }))
    .where("target", "=", target)
    .execute();
}

/** The target answered a probe: it is tried, and one more fault opens the breaker again. */
export async function halfOpenBreaker(tx: Transaction<DB>, target: string, failures: number): Promise<void> {
  await tx.updateTable("target_breakers").set({ opened_at: null, failures }).where("target", "=", target).execute();
}

/** The target answered, or is no more. */
export async function forgetBreaker(tx: Transaction<DB>, target: string): Promise<void> {
  await tx.deleteFrom("target_breakers").where("target", "=", target).execute();
}
