import { ConnectorError, grouped, type SyncDefinition } from "@entrain/core";
import type { Engine, Progress } from "../runs/context.ts";
import { type RunSummary, runSync } from "../runs/run.ts";
import type { Store } from "../store/store.ts";

/** What the schedule tells; secrets never are among it. */
export interface ScheduleLog {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface ScheduleOptions {
  readonly engine: Engine;
  readonly log: ScheduleLog;
  /** Stops the schedule: runs end between two batches, and {@link runSchedule} resolves when they have. */
  readonly signal: AbortSignal;
  /** Told of every run's progress. */
  readonly onProgress?: (sync: string, progress: Progress) => void;
}

/** A sync that runs by itself. */
interface Scheduled {
  readonly id: string;
  readonly name: string;
  readonly everyMs: number;
  /** When its last run began; null when it never ran, or the last run was cut off. */
  readonly lastRunAt: number | null;
}

const TICK_MS = 1000;
const RUNS_AT_ONCE = 4;

/**
 * Runs each sync whenever its time has come, one run of a sync at a time: who holds its lease runs it, and another
 * process's run counts as ours. A sync that never ran, or was cut off, runs at once. A run that failed is told and comes
 * again at its next time. Resolves after the signal aborted and the last run ended.
 */
export async function runSchedule(options: ScheduleOptions): Promise<void> {
  const { engine, signal } = options;
  const { store } = engine;
  const running = new Map<string, Promise<void>>();
  const notBefore = new Map<string, number>();
  const told = new Map<string, string>();
  while (!signal.aborted) {
    const now = store.clock.now();
    for (const sync of await dueSyncs(options, now)) {
      if (running.has(sync.id) || running.size >= RUNS_AT_ONCE || now < (notBefore.get(sync.id) ?? 0)) continue;
      notBefore.set(sync.id, now + sync.everyMs);
      const run = runOnce(options, sync, told).finally(() => running.delete(sync.id));
      running.set(sync.id, run);
    }
    // An abort ends the sleep, and with it the loop.
    await store.clock.sleep(TICK_MS, signal).catch(() => undefined);
  }
  await Promise.all(running.values());
}

async function dueSyncs({ engine, log }: ScheduleOptions, now: number): Promise<readonly Scheduled[]> {
  try {
    const all = await scheduledSyncs(engine.store);
    return all.filter(({ lastRunAt, everyMs }) => lastRunAt === null || lastRunAt + everyMs <= now);
  } catch (error) {
    log.error(factsOf(error), "The schedule could not be read; it is tried again in a second.");
    return [];
  }
}

async function scheduledSyncs(store: Store): Promise<readonly Scheduled[]> {
  const rows = await store.db.selectFrom("syncs").select(["id", "name", "definition"]).orderBy("name").execute();
  const scheduled: Scheduled[] = [];
  for (const { id, name, definition } of rows) {
    const { schedule } = JSON.parse(definition) as SyncDefinition;
    if (!("everyMs" in schedule)) continue;
    const last = await store.db
      .selectFrom("runs")
      .select(["started_at", "result"])
      .where("sync", "=", id)
      .orderBy("started_at", "desc")
      .limit(1)
      .executeTakeFirst();
    const cutOff = last === undefined || last.result === null || last.result === "cancelled";
    scheduled.push({ id, name, everyMs: schedule.everyMs, lastRunAt: cutOff ? null : last.started_at });
  }
  return scheduled;
}

/** One run, whose end is told; it never rejects. `told` holds, by sync, the digest of the held plan that was told of. */
async function runOnce(options: ScheduleOptions, sync: Scheduled, told: Map<string, string>): Promise<void> {
  const { engine, log, signal, onProgress } = options;
  try {
    const summary = await runSync(engine, {
      sync: sync.id,
      actor: { kind: "schedule", id: sync.name },
      signal,
      onProgress: (progress) => onProgress?.(sync.id, progress),
    });
    tell(options, sync, summary, told);
  } catch (error) {
    const held = error instanceof ConnectorError && error.code === "lease_held";
    if (held || signal.aborted) return;
    log.error({ sync: sync.name, ...factsOf(error) }, `The run of ${sync.name} failed.`);
  }
}

function tell({ log }: ScheduleOptions, sync: Scheduled, summary: RunSummary, told: Map<string, string>): void {
  const { run, result, counts, failed, ms, held, error } = summary;
  const facts = { sync: sync.name, run, result, counts, failed, ms };
  if (held === null) told.delete(sync.name);
  else if (told.get(sync.name) !== held.digest) {
    told.set(sync.name, held.digest);
    const line = `${sync.name}: ${held.count} changes wait for approval: entrain sync approve ${sync.name} --digest ${held.digest}`;
    log.warn({ ...facts, held }, line);
  }
  if (result === "failed") log.error({ ...facts, error }, `${sync.name}: ${error?.message ?? "The run failed."}`);
  else if (result === "partial") log.warn(facts, `${sync.name}: ${failed} records could not be synced.`);
  else if (result !== "held") tellSuccess(log, facts, sync.name);
}

/** A run that changed something is worth a line; that nothing changed is for whoever looks closely. */
function tellSuccess(log: ScheduleLog, facts: Pick<RunSummary, "counts" | "result">, name: string): void {
  const changes = Object.values(facts.counts).reduce((sum: number, count: number) => sum + count, 0);
  if (changes > 0)
    log.info(facts, `${name}: ${facts.result}, ${grouped(changes)} ${changes === 1 ? "change" : "changes"}`);
  else log.debug(facts, `${name}: ${facts.result}, no changes`);
}

function factsOf(error: unknown): { readonly code: string; readonly error: string } {
  if (error instanceof ConnectorError) return { code: error.code, error: error.message };
  return { code: "internal", error: error instanceof Error ? error.message : String(error) };
}
