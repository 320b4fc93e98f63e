import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Clock, systemClock } from "../clock.ts";
import { Wakes } from "../notifications/wakes.ts";
import type { RunOptions, RunSummary } from "../runs/run.ts";
import { openScene, type Scene } from "../runs/testing/scene.ts";
import { acquireLease, isLease, processOwner, release } from "../store/leases.ts";
import { NO_COUNTS } from "../store/plans.ts";
import { runSchedule } from "./schedule.ts";

const EVERY_MS = 60_000;

/** A clock that stands until it is moved; who sleeps wakes when it passes. */
class HandClock implements Clock {
  #now = Date.UTC(2026, 0, 5);
  #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();
  #asleep: (() => void)[] = [];
  readonly random = systemClock.random;
  readonly bytes = systemClock.bytes;
  readonly now = (): number => this.#now;
  readonly monotonic = (): number => this.#now;

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const sleeper = { at: this.#now + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      for (const tell of this.#asleep.splice(0)) tell();
    });
  }

  /** Moves the clock; resolves when somebody sleeps again. */
  async pass(ms: number): Promise<void> {
    const asleep = new Promise<void>((resolve) => this.#asleep.push(resolve));
    this.#now += ms;
    for (const sleeper of this.#sleepers) {
      if (sleeper.at > this.#now) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
    await asleep;
  }
}

interface Told {
  readonly level: string;
  readonly message: string;
}

/** A sync that runs every minute, under a clock that the test moves. */
async function scheduled(context: TestContext): Promise<{
  readonly scene: Scene;
  readonly clock: HandClock;
  readonly sync: string;
  readonly told: readonly Told[];
  /** Resolves when so many lines were told. */
  heard(count: number): Promise<void>;
  runs(): Promise<number>;
  stop(): Promise<void>;
}> {
  const clock = new HandClock();
  const scene = await openScene({ clock, simulator: { people: 40, groups: 4 } });
  context.after(() => scene.close());
  const sync = await scene.addSync("people", "portal", { records: "requester", schedule: { everyMs: EVERY_MS } });
  const told: Told[] = [];
  const waiting = new Map<() => void, number>();
  const tell = (level: string) => (_facts: object, message: string) => {
    told.push({ level, message });
    for (const [wake, count] of waiting) if (told.length >= count) wake();
  };
  const stopping = new AbortController();
  const log = { debug: tell("debug"), info: tell("info"), warn: tell("warn"), error: tell("error") };
  const ended = runSchedule({ engine: scene.engine, log, signal: stopping.signal });
  const stop = async (): Promise<void> => {
    stopping.abort();
    await ended;
  };
  return {
    scene,
    clock,
    sync,
    told,
    heard: (count) =>
      new Promise((resolve) => (told.length >= count ? resolve() : waiting.set(resolve as () => void, count))),
    runs: async () => (await scene.store.db.selectFrom("runs").select("id").execute()).length,
    stop,
  };
}

test("a sync runs at once, then whenever its time has come, and never before", async (context) => {
  const { clock, told, heard, runs, stop } = await scheduled(context);
  await heard(1);
  assert.equal(told[0]?.level, "info");
  assert.match(told[0]?.message ?? "", /^people: succeeded, \d+ changes$/);
  await clock.pass(EVERY_MS / 2);
  assert.equal(await runs(), 1);
  await clock.pass(EVERY_MS / 2);
  await heard(2);
  assert.equal(await runs(), 2);
  await stop();
});

test("a run that failed is told in one sentence, and comes again at its next time", async (context) => {
  const { scene, clock, told, heard, stop } = await scheduled(context);
  await heard(1);
  const { secret } = scene.simulator;
  scene.simulator.setSecrets([{ value: "another" }]);
  await clock.pass(2 * 3_600_000); // The token that was kept has run out.
  await heard(2);
  assert.equal(told[1]?.level, "error");
  assert.match(told[1]?.message ?? "", /^people: .*secret.*[.)]$/);
  scene.simulator.setSecrets([{ value: secret }]);
  await clock.pass(EVERY_MS);
  await heard(3);
  assert.equal(told[2]?.message, "people: succeeded, no changes");
  await stop();
});

test("what another process runs is left to it, without a word", async (context) => {
  const { scene, clock, sync, told, heard, runs, stop } = await scheduled(context);
  await heard(1);
  const lease = await acquireLease(scene.store, `sync:${sync}`, processOwner(systemClock), 3_600_000);
  assert.ok(isLease(lease));
  await clock.pass(EVERY_MS);
  await clock.pass(1000);
  assert.equal(await runs(), 1);
  await release(scene.store, lease);
  await clock.pass(EVERY_MS);
  await heard(2);
  assert.equal(told.length, 2);
  assert.equal(told[1]?.message, "people: succeeded, no changes");
  await stop();
});

test("a plan that waits for approval is told of once, with the line to type", async (context) => {
  const { scene, clock, told, heard, runs, stop } = await scheduled(context);
  await heard(1);
  const found = (await scene.graph("GET", "/users?$filter=accountEnabled eq true&$select=id")) as {
    readonly value: readonly { readonly id: string }[];
  };
  for (const { id } of found.value.slice(0, 12)) await scene.graph("DELETE", `/users/${id}`);
  await clock.pass(EVERY_MS);
  await heard(2);
  assert.equal(told[1]?.level, "warn");
  assert.match(told[1]?.message ?? "", /changes wait for approval: entrain sync approve people --digest [0-9a-f]{64}$/);
  await clock.pass(EVERY_MS);
  await heard(3);
  assert.deepEqual(told[2], { level: "debug", message: "people: succeeded, no changes" });
  assert.equal(await runs(), 3);
  await stop();
});

test("syncs that are woken again and again leave a turn to the one that waits longest", async (context) => {
  const clock = new HandClock();
  const scene = await openScene({ clock, simulator: { people: 1, groups: 0 } });
  context.after(() => scene.close());
  for (const name of ["a", "b", "c", "d", "e"]) {
    await scene.addSync(name, "portal", { records: "requester", schedule: { everyMs: EVERY_MS } });
  }
  const wakes = new Wakes();
  const begun = new Turns();
  const stopping = new AbortController();
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const ended = runSchedule({ engine: scene.engine, log, signal: stopping.signal, run: begun.run, wakes });
  await begun.reached(4);
  wakes.wake("c_test", clock.now());
  await clock.pass(1000);
  begun.end("a");
  await begun.reached(5);
  assert.deepEqual(begun.names, ["a", "b", "c", "d", "e"]);
  begun.end("b");
  await begun.reached(6);
  assert.equal(begun.names[5], "a");
  stopping.abort();
  for (const name of begun.names) begun.end(name);
  await ended;
});

/** Runs that begin when the schedule lets them, and end when the test does. */
class Turns {
  readonly names: string[] = [];
  readonly #ends = new Map<string, () => void>();
  readonly #waiting: { readonly count: number; readonly wake: () => void }[] = [];

  readonly run = async ({ actor }: RunOptions): Promise<RunSummary> => {
    this.names.push(actor.id);
    for (const { count, wake } of this.#waiting) if (this.names.length >= count) wake();
    await new Promise<void>((resolve) => this.#ends.set(actor.id, resolve));
    const nothing = { failed: 0, unchanged: 0, conflicts: 0, ms: 0, readMs: 0, held: null, error: null };
    return { run: actor.id, result: "succeeded", counts: NO_COUNTS, ...nothing };
  };

  end(name: string): void {
    this.#ends.get(name)?.();
  }

  reached(count: number): Promise<void> {
    return new Promise((wake) => (this.names.length >= count ? wake() : this.#waiting.push({ count, wake })));
  }
}
