import { ConnectorError } from "@entrain/core";
import { planByDigest, refusal } from "./by-digest.ts";
import type { Engine } from "./context.ts";
import { syncLease, withLease } from "./lease.ts";
import { recordsNamed } from "./plan-records.ts";
import { leaseOptions, type RunOptions } from "./session.ts";
import { type Split, splitHeld } from "./split.ts";

/**
 * Leaves records out of a held plan: they go on waiting in a plan of their own, all else waits under a digest that nobody has
 * approved yet. Nothing is applied. Records are named as {@link recordsNamed} takes them.
 * @throws ConnectorError `plan_stale` when no such plan waits, `not_found` when it has nothing of one of the records, `usage`
 * when nothing would be left
 */
export async function leaveOut(
  engine: Engine,
  options: RunOptions & { readonly digest: string; readonly records: readonly string[] },
): Promise<{ readonly [plan in keyof Split]: NonNullable<Split[plan]> }> {
  const { store } = engine;
  const { actor, digest } = options;
  return await withLease(store, syncLease(options.sync), leaseOptions(options), async (lease) => {
    const held = await planByDigest(store, options.sync, { digest, states: ["held"] });
    if (!held) throw await refusal(store, options.sync, digest);
    const sync = await store.db
      .selectFrom("syncs")
      .select(["id", "name"])
      .where("id", "=", options.sync)
      .executeTakeFirstOrThrow();
    const records = new Set(await recordsNamed(store, held, options.records));
    await refuseAll(store, held.id, records);
    const { rest, left } = await splitHeld({ store, lease, sync, actor }, held, { records, left: "held" });
    if (rest === null || left === null) throw new Error("a plan was split into nothing");
    return { rest, left };
  });
}

async function refuseAll(store: Engine["store"], plan: string, records: ReadonlySet<string>): Promise<void> {
  const rows = await store.db
    .selectFrom("plan_changes")
    .select("object_id")
    .where("plan", "=", plan)
    .distinct()
    .limit(records.size + 1)
    .execute();
  if (rows.some(({ object_id: id }) => !records.has(id))) return;
  const message = "Nothing of the plan would be left: reject it instead.";
  throw new ConnectorError("usage", message, { stops: "run", retry: "never" });
}
