import { appendJournal } from "../store/journal.ts";
import { ITSELF, type NewPin, pinRecords } from "../store/pins.ts";
import { idsOf, type PlanRow } from "../store/plans.ts";
import type { Store } from "../store/store.ts";
import { streamOf } from "./applying.ts";
import { planByDigest, refusal } from "./by-digest.ts";
import type { Engine } from "./context.ts";
import { syncLease, withLease } from "./lease.ts";
import { recordsNamed } from "./plan-records.ts";
import { leaseOptions, type RunOptions } from "./session.ts";
import { splitHeld } from "./split.ts";

const PAGE = 1000;

/** What became of a held plan that records were exempted from. */
export interface Exempted {
  /** The digest under which the rest goes on waiting; null when nothing is left of it. */
  readonly digest: string | null;
  /** Object ids. */
  readonly records: readonly string[];
}

/**
 * Exempts records from a held plan: the rest goes on waiting under a digest of its own, and no plan touches what was exempted
 * until it is released. Records are named as {@link recordsNamed} takes them; a person who is named leaves the plan with their memberships in its groups.
 * @throws ConnectorError `plan_stale` when no such plan waits, `not_found` when it has nothing of one of the records
 */
export async function exemptSync(
  engine: Engine,
  options: RunOptions & { readonly digest: string; readonly records: readonly string[] },
): Promise<Exempted> {
  const { store } = engine;
  const { actor, digest } = options;
  return await withLease(store, syncLease(options.sync), leaseOptions(options), async (lease) => {
    const held = await planByDigest(store, options.sync, { digest, states: ["held"] });
    if (!held) throw await refusal(store, options.sync, digest);
    const records = new Set(await recordsNamed(store, held, options.records));
    const sync = await store.db
      .selectFrom("syncs")
      .select(["id", "name"])
      .where("id", "=", options.sync)
      .executeTakeFirstOrThrow();
    const pins = await pinsIn(store, held, records);
    const at = store.clock.now();
    const { rest } = await splitHeld({ store, lease, sync, actor }, held, {
      records,
      left: "dropped",
      also: async (tx) => {
        const by = { sync: sync.id, plan: held.id, run: "", actor: JSON.stringify(actor), at };
        await pinRecords(
          store,
          tx,
          pins.map((pin) => ({ ...pin, ...by })),
        );
        const base = { type: "exempted", actor, plan: held.id, detail: `from the held plan ${digest}` };
        const entries = [...records].map((objectId) => ({ ...base, objectId }));
        await appendJournal(tx, store, streamOf(sync), entries);
      },
    });
    return { digest: rest?.digest ?? null, records: [...records] };
  });
}

/** What of a plan concerns these records: their own changes, their memberships, and a group's members. */
async function pinsIn(
  store: Store,
  { id: plan }: PlanRow,
  records: ReadonlySet<string>,
): Promise<readonly Pick<NewPin, "object_id" | "member" | "name">[]> {
  const pins: Pick<NewPin, "object_id" | "member" | "name">[] = [];
  for (let after = -1; ; ) {
    const rows = await store.db
      .selectFrom("plan_changes")
      .select(["ordinal", "object_id", "name", "action", "add", "remove"])
      .where("plan", "=", plan)
      .where("ordinal", ">", after)
      .orderBy("ordinal")
      .limit(PAGE)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return pins;
    after = last.ordinal;
    for (const { object_id, name, action, add, remove } of rows) {
      if (action !== "members") {
        if (records.has(object_id)) pins.push({ object_id, member: ITSELF, name });
        continue;
      }
      const members = [...idsOf(add), ...idsOf(remove)].filter((id) => records.has(object_id) || records.has(id));
      for (const member of members) pins.push({ object_id, member, name });
    }
  }
}
