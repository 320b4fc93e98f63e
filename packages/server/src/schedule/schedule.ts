import { ConnectorError, type SyncDefinition } from "@entrain/core";
import type { Wakes } from "../notifications/wakes.ts";
import type { Engine } from "../runs/context.ts";
import { type RunOptions, type RunSummary, runSync } from "../runs/run.ts";
import { factsOf, type RunLog, RunTeller } from "../runs/tell.ts";
import type { Store } from "../store/store.ts";
import { Failures } from "./failures.ts";

export interface ScheduleOptions {
  readonly engine: Engine;
  readonly log: RunLog;
  /** Stops the schedule: runs end between two batches, and {@link runSchedule} resolves when they have. */
  readonly signal: AbortSignal;
  /** Runs a sync; {@link runSync} unless given, by whoever also shows the runs of this process and can stop them. */
  readonly run?: (options: RunOptions) => Promise<RunSummary>;
  /** Connections whose syncs run before their time, because Microsoft told of a change. */
  readonly wakes?: Wakes;
}

/** A sync that runs by itself. */
interface Scheduled {
  readonly id: string;
  readonly name: string;
  readonly connection: string;
  readonly everyMs: number;
  /** When its last run began; null when it never ran, or the last run was cut off. */
  readonly lastRunAt: number | null;
}

const TICK_MS = 1000;
const RUNS_AT_ONCE = 4;

/**
 * Runs each sync whenever its time has come, one run of a sync at a time: who holds its lease runs it, and another
 * process's run counts as ours. A sync that never ran, or was cut off, runs at once. A run that failed is told and comes
 * again at its next time; {@link Failures} says when notifications bring it forward. Resolves after the signal aborted and
 * the last run ended.
 */
export async function runSchedule(options: ScheduleOptions): Promise<void> {
  const { engine, signal } = options;
  const { store } = engine;
  const running = new Map<string, Promise<void>>();
  const begunAt = new Map<string, number>();
  const teller = new RunTeller(options.log);
  const naps = new Naps(options);
  const failures = new Failures();
  const waiting: Waiting = { connections: new Set(), syncs: new Set() };
  const woken = waiting.syncs;
  while (!signal.aborted) {
    const now = store.clock.now();
    const due = await dueSyncs(options, now, waiting);
    // Whoever waits longest goes first: syncs that are woken every second must not keep the others out.
    const last = ({ id, lastRunAt }: Scheduled): number => Math.max(lastRunAt ?? 0, begunAt.get(id) ?? 0);
    for (const sync of due.toSorted((one, other) => last(one) - last(other))) {
      const early = woken.has(sync.id) && failures.mayRunEarly(sync.id, now);
      if (running.has(sync.id) || running.size >= RUNS_AT_ONCE) continue;
      const begun = begunAt.get(sync.id) ?? Number.NEGATIVE_INFINITY;
      // A clock that was set back begins the interval anew.
      if (begun > now) begunAt.set(sync.id, now);
      if (!early && now < Math.min(begun, now) + sync.everyMs) continue;
      woken.delete(sync.id);
      begunAt.set(sync.id, now);
      const run = runOnce(options, sync, teller).then((result) => {
        failures.ended(sync.id, result, store.clock.now());
        running.delete(sync.id);
        if (woken.has(sync.id)) naps.end();
      });
      running.set(sync.id, run);
    }
    await naps.nap();
  }
  await Promise.all(running.values());
}

/** Sleeps of the schedule: a second, or until a connection is woken. */
class Naps {
  readonly #options: ScheduleOptions;
  #alarm = new AbortController();

  constructor(options: ScheduleOptions) {
    this.#options = options;
    options.wakes?.onWake(() => this.end());
  }

  end(): void {
    this.#alarm.abort();
  }

  async nap(): Promise<void> {
    const { engine, signal, wakes } = this.#options;
    const { clock } = engine.store;
    const next = wakes?.next(clock.now()) ?? TICK_MS;
    // An abort ends the sleep, and with it the loop.
    await clock.sleep(Math.min(TICK_MS, next), AbortSignal.any([signal, this.#alarm.signal])).catch(() => undefined);
    this.#alarm = new AbortController();
  }
}

/** What was woken and did not run yet. Connections stand for their syncs until the store has told which these are. */
interface Waiting {
  readonly connections: Set<string>;
  readonly syncs: Set<string>;
}

/** Syncs whose time has come, with those that were woken; what was woken now is added to `waiting`. */
async function dueSyncs(
  { engine, log, wakes }: ScheduleOptions,
  now: number,
  { connections, syncs }: Waiting,
): Promise<readonly Scheduled[]> {
  for (const connection of wakes?.take(now) ?? []) connections.add(connection);
  try {
    const all = await scheduledSyncs(engine.store);
    for (const { id, connection } of all) if (connections.has(connection)) syncs.add(id);
    connections.clear();
    // What ran in the future ran before the clock was set back.
    const isDue = ({ lastRunAt, everyMs }: Scheduled): boolean =>
      lastRunAt === null || lastRunAt > now || lastRunAt + everyMs <= now;
    return all.filter((sync) => syncs.has(sync.id) || isDue(sync));
  } catch (error) {
    log.error(factsOf(error), "The schedule could not be read; it is tried again in a second.");
    return [];
  }
}

async function scheduledSyncs(store: Store): Promise<readonly Scheduled[]> {
  const rows = await store.db
    .selectFrom("syncs")
    .select(["id", "name", "connection", "definition"])
    .orderBy("name")
    .execute();
  const scheduled: Scheduled[] = [];
  for (const { id, name, connection, definition } of rows) {
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
    scheduled.push({ id, name, connection, everyMs: schedule.everyMs, lastRunAt: cutOff ? null : last.started_at });
  }
  return scheduled;
}

/** One run, whose end is told; it never rejects. */
async function runOnce(options: ScheduleOptions, sync: Scheduled, teller: RunTeller): Promise<"failed" | "other"> {
  const { engine, signal, run = (given) => runSync(engine, given) } = options;
  const actor = { kind: "schedule", id: sync.name } as const;
  try {
    const onProgress = teller.watching(sync.name);
    const summary = await run({ sync: sync.id, actor, signal, onProgress });
    teller.ended(sync.name, summary);
    return summary.result === "failed" ? "failed" : "other";
  } catch (error) {
    const held = error instanceof ConnectorError && error.code === "lease_held";
    if (held || signal.aborted) return "other";
    teller.broke(sync.name, "run", error);
    return "failed";
  }
}
