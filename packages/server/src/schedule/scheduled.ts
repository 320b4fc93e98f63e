import type { Schedule, SyncDefinition } from "@entrain/core";
import { type Quarantine, quarantines } from "../runs/failures/quarantine.ts";
import { type History, historyOf } from "../runs/past.ts";
import { pausesNow } from "../runs/pause.ts";
import type { Store } from "../store/store.ts";

/** A sync with what decides when it runs by itself. */
export interface ScheduledSync {
  readonly id: string;
  readonly name: string;
  readonly connection: string;
  readonly schedule: Schedule;
  readonly history: History;
  readonly paused: boolean;
  /** It is slowed down: see {@link mayRunNow}. */
  readonly quarantine: Quarantine | undefined;
}

/** The syncs that run by themselves, and those that a blackout may stop. */
export async function scheduledSyncs(store: Store): Promise<readonly ScheduledSync[]> {
  const rows = await store.db
    .selectFrom("syncs")
    .select(["id", "name", "connection", "definition", "created_at", "scheduled_at"])
    .orderBy("name")
    .execute();
  const pauses = await pausesNow(store);
  const slowed = await quarantines(store);
  const scheduled: ScheduledSync[] = [];
  for (const row of rows) {
    const { schedule } = JSON.parse(row.definition) as SyncDefinition;
    if ("manual" in schedule && schedule.blackout === undefined) continue;
    const { id, name, connection } = row;
    const [paused, quarantine] = [pauses.has(id), slowed.get(id)];
    scheduled.push({ id, name, connection, schedule, history: await historyOf(store, row), paused, quarantine });
  }
  return scheduled;
}
