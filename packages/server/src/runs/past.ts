import type { Past } from "../calendar/due.ts";
import { readLease } from "../store/leases.ts";
import type { Store } from "../store/store.ts";
import type { Actor, SyncRow } from "./context.ts";
import { syncLease } from "./lease.ts";

/** What became of a sync until now. */
export interface History extends Past {
  /** The run that some process carries out now. */
  readonly underWay: { readonly run: string; readonly startedAt: number } | null;
}

/** Runs that read and plan everything that changed; others carry out a certain plan, and put off nothing. */
const WHOLE = ["incremental", "resync"];

/** What became of a sync until now, as far as its next run depends on it. */
export async function historyOf(
  store: Store,
  sync: Pick<SyncRow, "id" | "created_at" | "scheduled_at">,
): Promise<History> {
  const runs = store.db
    .selectFrom("runs")
    .select(["id", "mode", "started_at", "result", "stopped_by"])
    .where("sync", "=", sync.id)
    .orderBy("started_at", "desc")
    .limit(1);
  const last = await runs.executeTakeFirst();
  const base = { sync: sync.id, since: sync.scheduled_at ?? sync.created_at };
  if (last === undefined) return { ...base, lastRunAt: null, cutOff: false, underWay: null };
  const whole = WHOLE.includes(last.mode) ? last : await runs.where("mode", "in", WHOLE).executeTakeFirst();
  const lives = last.result === null && (await readLease(store, syncLease(sync.id))) !== null;
  const dead = last.result === null && !lives;
  return {
    ...base,
    lastRunAt: whole?.started_at ?? null,
    cutOff: dead || (last.result === "cancelled" && !isByHand(last.stopped_by)),
    underWay: lives ? { run: last.id, startedAt: last.started_at } : null,
  };
}

/** Whoever stopped a run by hand does not want it back at once. */
function isByHand(stoppedBy: string | null): boolean {
  return stoppedBy !== null && (JSON.parse(stoppedBy) as Actor).kind !== "schedule";
}
