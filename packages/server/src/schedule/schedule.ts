import { ConnectorError } from "@entrain/core";
import { windowsAt } from "../calendar/blackout.ts";
import { dueAt } from "../calendar/due.ts";
import type { Wakes } from "../notifications/wakes.ts";
import type { Engine } from "../runs/context.ts";
import { mayRunNow } from "../runs/failures/quarantine.ts";
import { type RunOptions, type RunSummary, runSync } from "../runs/run.ts";
import { factsOf, type RunLog, RunTeller } from "../runs/tell.ts";
import { BlackoutStops } from "./blackout-stops.ts";
import { Failures } from "./failures.ts";
import { type ScheduledSync, scheduledSyncs } from "./scheduled.ts";

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

const TICK_MS = 1000;
const RUNS_AT_ONCE = 4;
/** A run that could not begin, or was cut off, is tried again after so long at the latest. */
const RETRY_MS = 60_000;

/**
 * Runs each sync whenever its time has come, one run of a sync at a time: who holds its lease runs it, and another
 * process's run counts as ours. A sync with an interval that never ran runs at once, and so does each that was cut off; what
 * was missed meanwhile is made good once. Neither its time nor a notification runs a sync that is paused or in a blackout: it
 * runs when that ends. A run that failed is told and comes again at its next time; {@link Failures} says when notifications
 * bring it forward. Resolves after the signal aborted and the last run ended.
 */
export async function runSchedule(options: ScheduleOptions): Promise<void> {
  const { engine, signal } = options;
  const { clock } = engine.store;
  const running = new Map<string, Promise<void>>();
  const turns = new Turns();
  const teller = new RunTeller(options.log);
  const naps = new Naps(options);
  const stops = new BlackoutStops(options);
  const waiting: Waiting = { connections: new Set(), syncs: new Set() };
  const woken = waiting.syncs;
  while (!signal.aborted) {
    const now = clock.now();
    const syncs = await readSyncs(options, now, waiting);
    await stops.look(syncs, now);
    // Whoever waits longest goes first: syncs that are woken every second must not keep the others out.
    const ordered = syncs.toSorted((one, other) => turns.last(one) - turns.last(other));
    for (const sync of ordered) {
      if (running.has(sync.id) || running.size >= RUNS_AT_ONCE) continue;
      if (!turns.isTurn(sync, now, woken.has(sync.id)) || !mayBegin(sync, now)) continue;
      woken.delete(sync.id);
      turns.begin(sync.id, now);
      const run = runOnce(options, sync, teller).then((end) => {
        turns.end(sync.id, end, clock.now());
        running.delete(sync.id);
        if (woken.has(sync.id)) naps.end();
      });
      running.set(sync.id, run);
    }
    await naps.nap();
  }
  await Promise.all(running.values());
}

/** Whoever paused a sync, or gave it a blackout, and the failures that brought it into quarantine, keep it from beginning by itself, however long it was due. */
function mayBegin({ paused, quarantine, schedule }: ScheduledSync, now: number): boolean {
  return !paused && mayRunNow(quarantine, now) && windowsAt(schedule.blackout ?? [], now).length === 0;
}

/** Whose turn it is, as far as this process knows better than the store. */
class Turns {
  readonly #failures = new Failures();
  /** When a run was last begun here, and when one was begun that came to an end of its own. */
  readonly #begun = new Map<string, number>();
  readonly #ran = new Map<string, number>();

  begin(sync: string, now: number): void {
    this.#begun.set(sync, now);
  }

  end(sync: string, end: End, now: number): void {
    this.#failures.ended(sync, end === "failed" ? "failed" : "other", now);
    const begun = this.#begun.get(sync);
    if ((end === "failed" || end === "ran") && begun !== undefined) this.#ran.set(sync, begun);
  }

  last({ id, history }: ScheduledSync): number {
    return Math.max(history.lastRunAt ?? 0, this.#begun.get(id) ?? 0);
  }

  isTurn({ id, schedule, history }: ScheduledSync, now: number, isWoken: boolean): boolean {
    if ("manual" in schedule || history.underWay !== null) return false;
    // A clock that was set back begins the interval anew.
    for (const times of [this.#begun, this.#ran]) if ((times.get(id) ?? now) > now) times.set(id, now);
    if (isWoken && this.#failures.mayRunEarly(id, now)) return true;
    const again = "everyMs" in schedule ? Math.min(schedule.everyMs, RETRY_MS) : RETRY_MS;
    const begun = this.#begun.get(id);
    if (begun !== undefined && now < begun + again) return false;
    const due = dueAt(schedule, { ...history, lastRunAt: this.#lastRun(id, history.lastRunAt, now) }, now);
    return due !== null && due <= now;
  }

  /** A run that broke off before the store knew of it was one, too. */
  #lastRun(id: string, stored: number | null, now: number): number | null {
    const ran = this.#ran.get(id);
    if (ran === undefined) return stored;
    return stored === null || stored > now ? ran : Math.max(stored, ran);
  }
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

/** The syncs with what decides when they run; those that were woken now are added to `waiting`. */
async function readSyncs(
  { engine, log, wakes }: ScheduleOptions,
  now: number,
  { connections, syncs }: Waiting,
): Promise<readonly ScheduledSync[]> {
  for (const connection of wakes?.take(now) ?? []) connections.add(connection);
  try {
    const all = await scheduledSyncs(engine.store);
    for (const { id, connection, schedule } of all) {
      if (connections.has(connection) && !("manual" in schedule)) syncs.add(id);
    }
    connections.clear();
    return all;
  } catch (error) {
    log.error(factsOf(error), "The schedule could not be read; it is tried again in a second.");
    return [];
  }
}

/** How a run ended: it could not begin, was stopped or cut off, or came to an end of its own. */
type End = "busy" | "stopped" | "failed" | "ran";

/** One run, whose end is told; it never rejects. */
async function runOnce(options: ScheduleOptions, sync: ScheduledSync, teller: RunTeller): Promise<End> {
  const { engine, signal, run = (given) => runSync(engine, given) } = options;
  const actor = { kind: "schedule", id: sync.name } as const;
  try {
    const onProgress = teller.watching(sync.name);
    const summary = await run({ sync: sync.id, actor, signal, onProgress });
    teller.ended(sync.name, summary);
    if (summary.result === "cancelled") return "stopped";
    return summary.result === "failed" ? "failed" : "ran";
  } catch (error) {
    const held = error instanceof ConnectorError && error.code === "lease_held";
    if (held || signal.aborted) return "busy";
    teller.broke(sync.name, "run", error);
    return "failed";
  }
}
