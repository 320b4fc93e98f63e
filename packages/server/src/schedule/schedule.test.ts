import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { systemClock } from "../clock.ts";
import { Wakes } from "../notifications/wakes.ts";
import { openScene, type Scene } from "../runs/testing/scene.ts";
import { acquireLease, isLease, processOwner, release } from "../store/leases.ts";
import type { Store } from "../store/store.ts";
import { runSchedule } from "./schedule.ts";
import { HandClock, Turns } from "./testing.ts";

const EVERY_MS = 60_000;
const HOUR_MS = 3_600_000;

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

test("notifications bring a failing sync forward after a minute, and half as often after each further failure", {
  timeout: 60_000,
}, async (context) => {
  const { clock, begun, wakes, stop } = await woken(context, { everyMs: 24 * HOUR_MS });
  await begun.reached(1);
  const STEP_S = 15;
  const times: number[] = [];
  const start = clock.now();
  for (let step = 0; step < 65; step += 1) {
    const before = begun.names.length;
    wakes.wake("c_test", clock.now());
    begun.end("a", "failed");
    await clock.pass(STEP_S * 1_000);
    if (begun.names.length > before) times.push((clock.now() - start) / 1_000);
  }
  const apart = times.map((time, at) => time - (times[at - 1] ?? 0));
  assert.equal(apart.length, 4);
  for (const [at, least] of [60, 120, 240, 480].entries()) {
    const seconds = apart[at] ?? 0;
    assert.ok(seconds >= least && seconds <= least + 2 * STEP_S, `${seconds} instead of ${least} s`);
  }
  await clock.pass(HOUR_MS);
  await begun.reached(6);
  begun.end("a", "succeeded");
  await clock.pass(1_000);
  wakes.wake("c_test", clock.now());
  await clock.pass(1_000);
  await begun.reached(7);
  await stop();
});

test("a failing sync still runs at its own time, and a wake that had to wait is not lost", {
  timeout: 60_000,
}, async (context) => {
  const { clock, begun, wakes, stop } = await woken(context, { everyMs: 30_000 });
  await begun.reached(1);
  begun.end("a", "failed");
  await clock.pass(30_000);
  await begun.reached(2);
  begun.end("a", "succeeded");
  await clock.pass(1_000);
  wakes.wake("c_test", clock.now());
  await clock.pass(1_000);
  await begun.reached(3);
  await stop();
});

test("a clock that is set back stops no sync for longer than its interval", { timeout: 60_000 }, async (context) => {
  const { clock, begun, stop } = await woken(context, { everyMs: EVERY_MS });
  await begun.reached(1);
  begun.end("a", "succeeded");
  clock.setBack(5 * HOUR_MS);
  await clock.pass(1_000);
  await clock.pass(EVERY_MS);
  await begun.reached(2);
  await stop();
});

test("a store that fails is asked once a second, and what was woken meanwhile runs once it is back", {
  timeout: 60_000,
}, async (context) => {
  let fails = 0;
  const { clock, begun, wakes, told, stop } = await woken(context, {
    everyMs: HOUR_MS,
    store: (store) =>
      new Proxy(store, {
        get: (of, name, receiver) => {
          if (name === "db" && fails > 0 && fails-- > 0) throw new Error("the database is away");
          return Reflect.get(of, name, receiver);
        },
      }),
  });
  await begun.reached(1);
  begun.end("a", "succeeded");
  await clock.pass(1_000);
  fails = 3;
  wakes.wake("c_test", clock.now());
  for (let second = 0; second < 3; second += 1) await clock.pass(1_000);
  assert.equal(told.length, 3);
  await clock.pass(1_000);
  await begun.reached(2);
  await stop();
});

/** One sync, `a`, whose runs end when the test says so, and who may wake it. */
async function woken(
  context: TestContext,
  options: { readonly everyMs: number; readonly store?: (store: Store) => Store },
): Promise<{
  readonly clock: HandClock;
  readonly begun: Turns;
  readonly wakes: Wakes;
  readonly told: readonly string[];
  stop(): Promise<void>;
}> {
  const clock = new HandClock();
  const scene = await openScene({ clock, simulator: { people: 1, groups: 0 } });
  context.after(() => scene.close());
  await scene.addSync("a", "portal", { records: "requester", schedule: { everyMs: options.everyMs } });
  const wakes = new Wakes();
  const begun = new Turns();
  const stopping = new AbortController();
  const told: string[] = [];
  const log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (_: object, say: string) => void told.push(say),
  };
  const engine = { ...scene.engine, store: options.store?.(scene.store) ?? scene.store };
  const ended = runSchedule({ engine, log, signal: stopping.signal, run: begun.run, wakes });
  const stop = async (): Promise<void> => {
    stopping.abort();
    begun.end("a", "succeeded");
    await ended;
  };
  return { clock, begun, wakes, told, stop };
}
