import { ConnectorError } from "@entrain/core";
import { appendJournal } from "../store/journal.ts";
import { askToStop } from "../store/leases.ts";
import type { StopRequest, Store } from "../store/store.ts";
import { streamOf } from "./applying.ts";
import { holderInWords, syncLease } from "./lease.ts";

/** Who was asked to stop what it does for a sync, such as `process 4711 on host`. */
export interface Asked {
  readonly holder: string;
  /** The run under way; null for a preview. */
  readonly run: string | null;
}

/**
 * Asks whoever runs or previews a sync, in whichever process, to stop. It does so after the batch that it is writing, and the
 * next run goes on where it stopped; who asks twice asks once. Null when nothing is under way.
 */
export async function stopSync(store: Store, sync: string, request: StopRequest): Promise<Asked | null> {
  return await store.transaction(async (tx) => {
    const asked = await askToStop(tx, store, syncLease(sync), request);
    if (asked === null) return null;
    const last = await tx
      .selectFrom("runs")
      .select(["id", "result"])
      .where("sync", "=", sync)
      .orderBy("started_at", "desc")
      .limit(1)
      .executeTakeFirst();
    const run = last === undefined || last.result !== null ? null : last.id;
    const { actor, cause } = request;
    if (asked.news) await appendJournal(tx, store, streamOf({ id: sync }), [{ type: "stop", actor, run, cause }]);
    return { holder: holderInWords(asked.holder.heldBy), run };
  });
}

/** @throws ConnectorError `not_running` */
export function requireAsked(asked: Asked | null, name: string): Asked {
  if (asked !== null) return asked;
  throw new ConnectorError("not_running", `Nothing runs for the sync ${name}.`, { stops: "sync", retry: "never" });
}
