import { ConnectorError } from "@entrain/core";
import type { Store } from "../../store/store.ts";
import { NO_TALLY, type Tally } from "../applying.ts";
import { settleLeft } from "../recover.ts";
import type { Session } from "../session.ts";

/** A change that was sent and of which nothing is known: what its record holds may be the sync's own doing. */
interface Unsettled {
  readonly action: string;
  /** Object id, and the target's id of the record; `""` of a creation. */
  readonly objectId: string;
  readonly recordId: string;
  readonly name: string;
}

/** What of a sync was sent and is still to be looked up, by object id. */
export async function unsettledOf(db: Store["db"], sync: string): Promise<ReadonlyMap<string, Unsettled>> {
  const rows = await db
    .selectFrom("open_intents")
    .innerJoin("plan_changes", (join) =>
      join
        .onRef("plan_changes.plan", "=", "open_intents.plan")
        .onRef("plan_changes.ordinal", "=", "open_intents.ordinal"),
    )
    .select(["plan_changes.object_id", "plan_changes.record_id", "plan_changes.name", "plan_changes.action"])
    .where("open_intents.sync", "=", sync)
    .orderBy("plan_changes.action", "desc")
    .execute();
  // The last one of a record counts, and a deletion comes behind what else was sent of it.
  return new Map(
    rows.map(({ object_id: objectId, record_id, name, action }) => [
      objectId,
      { action, objectId, recordId: record_id ?? "", name },
    ]),
  );
}

/**
 * That the target was emptied is the very thing to be told: what was sent and not heard of stays to be looked up, by the next run.
 */
export async function settleToTell(session: Session): Promise<Tally> {
  try {
    return await settleLeft(session);
  } catch (error) {
    if (error instanceof ConnectorError && error.code === "target_emptied") return NO_TALLY;
    throw error;
  }
}
