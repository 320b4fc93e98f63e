import type { GuardCounter } from "@entrain/core";
import type { Transaction } from "kysely";
import type { Actor } from "./journal.ts";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

/** A guard that lets more go for a while; what it does not say is as the definition has it. */
export interface GuardRaise {
  readonly counter: GuardCounter;
  readonly percent?: number;
  readonly count?: number;
  readonly until: number;
  readonly actor: Actor;
  readonly at: number;
}

/** What of a sync's guards is raised at this time. */
export async function loadRaises(db: Store["db"], sync: string, now: number): Promise<readonly GuardRaise[]> {
  const rows = await db
    .selectFrom("guard_raises")
    .selectAll()
    .where("sync", "=", sync)
    .where("until", ">", now)
    .orderBy("counter")
    .execute();
  return rows.map(({ counter, figures, until, actor, at }) => ({
    counter: counter as GuardCounter,
    ...(JSON.parse(figures) as Pick<GuardRaise, "percent" | "count">),
    until,
    actor: JSON.parse(actor) as Actor,
    at,
  }));
}

/** Raises a guard, in place of whatever it was raised to before. */
export async function saveRaise(tx: Transaction<DB>, sync: string, raise: GuardRaise): Promise<void> {
  const { counter, percent, count, until, actor, at } = raise;
  const row = { figures: JSON.stringify({ percent, count }), until, actor: JSON.stringify(actor), at };
  await tx
    .insertInto("guard_raises")
    .values({ sync, counter, ...row })
    .onConflict((oc) => oc.columns(["sync", "counter"]).doUpdateSet(row))
    .execute();
}

/** Lets a guard fall back before its time. */
export async function endRaise(tx: Transaction<DB>, sync: string, counter: GuardCounter): Promise<void> {
  await tx.deleteFrom("guard_raises").where("sync", "=", sync).where("counter", "=", counter).execute();
}
