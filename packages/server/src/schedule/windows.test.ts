import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Schedule } from "@entrain/core";
import { systemClock } from "../clock.ts";
import { Wakes } from "../notifications/wakes.ts";
import { pauseSync, resumeSync } from "../runs/pause.ts";
import { syncStatus } from "../runs/queries.ts";
import { type RunOptions, type RunSummary, runSync } from "../runs/run.ts";
import { stopSync } from "../runs/stop.ts";
import { openScene, type Scene } from "../runs/testing/scene.ts";
import { acquireLease, isLease, processOwner, release } from "../store/leases.ts";
import { NO_COUNTS } from "../store/plans.ts";
import { createRun, saveRun } from "../store/runs.ts";
import type { Lease } from "../store/store.ts";
import { runSchedule } from "./schedule.ts";
import { HandClock, Turns } from "./testing.ts";

const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;
const LOG = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const OLGA = { kind: "operator", id: "olga" } as const;
const at = (text: string): number => Date.parse(text);

/** One sync, `a`, under a clock that the test moves; the schedule is not begun yet. */
async function sceneAt(
  context: TestContext,
  now: string,
  schedule: Schedule,
): Promise<{ readonly scene: Scene; readonly clock: HandClock; readonly sync: string }> {
  const clock = new HandClock(at(now));
  const scene = await openScene({ clock, simulator: { people: 1, groups: 0 } });
  context.after(() => scene.close());
  const sync = await scene.addSync("a", "portal", { records: "requester", schedule });
  return { scene, clock, sync };
}

/** Begins a schedule whose runs end when the test says so. */
function begin(scene: Scene): { readonly turns: Turns; readonly wakes: Wakes; stop(): Promise<void> } {
  const [wakes, turns, stopping] = [new Wakes(), new Turns(), new AbortController()];
  const ended = runSchedule({ engine: scene.engine, log: LOG, signal: stopping.signal, run: turns.run, wakes });
  const stop = async (): Promise<void> => {
    stopping.abort();
    turns.end("a");
    await ended;
  };
  return { turns, wakes, stop };
}

const nextRun = async (scene: Scene, sync: string): Promise<string | null> => {
  const next = (await syncStatus(scene.store, sync))?.nextRun ?? null;
  return next === null ? null : new Date(next).toISOString().slice(0, 16);
};

const WORK = { days: ["mon"], from: "08:00", to: "18:00", timezone: "Europe/Rome" } as const;
const DAILY = { cron: "0 6 * * *", timezone: "Europe/Rome" } as const;

test("a cron pattern runs a sync at its time, once, and not before", async (context) => {
  const { scene, clock, sync } = await sceneAt(context, "2026-01-05T04:58Z", DAILY);
  assert.equal(await nextRun(scene, sync), "2026-01-05T05:00");
  const { turns, stop } = begin(scene);
  await clock.pass(MINUTE_MS);
  assert.equal(turns.names.length, 0);
  await clock.pass(MINUTE_MS);
  await turns.reached(1);
  turns.end("a");
  for (let hour = 0; hour < 23; hour += 1) await clock.pass(60 * MINUTE_MS);
  assert.equal(turns.names.length, 1);
  await clock.pass(60 * MINUTE_MS);
  await turns.reached(2);
  await stop();
});

test("runs that were missed while the process was down are made good by one", async (context) => {
  const { scene, clock, sync } = await sceneAt(context, "2026-01-05T04:59Z", DAILY);
  clock.moved(5 * 24 * 60 * MINUTE_MS);
  assert.equal(await nextRun(scene, sync), "2026-01-05T05:00");
  const first = await scene.run(sync);
  assert.equal(first.result, "succeeded");
  assert.equal(await nextRun(scene, sync), "2026-01-10T05:00");
  clock.moved((3 * 24 + 2) * 60 * MINUTE_MS);
  const { turns, stop } = begin(scene);
  await turns.reached(1);
  turns.end("a");
  for (let minute = 0; minute < 30; minute += 1) await clock.pass(MINUTE_MS);
  assert.equal(turns.names.length, 1);
  await stop();
});

test("neither its time nor a notification runs a sync in a blackout; it runs once when that ends", async (context) => {
  const often = { everyMs: 5 * MINUTE_MS, blackout: [WORK] } as const;
  const { scene, clock, sync } = await sceneAt(context, "2026-01-05T06:58Z", often);
  const { turns, wakes, stop } = begin(scene);
  await turns.reached(1);
  turns.end("a");
  await clock.pass(2 * MINUTE_MS);
  assert.equal(await nextRun(scene, sync), "2026-01-05T17:00");
  assert.equal((await syncStatus(scene.store, sync))?.blackoutUntil, at("2026-01-05T17:00Z"));
  wakes.wake("c_test", clock.now());
  for (let hour = 0; hour < 9; hour += 1) await clock.pass(60 * MINUTE_MS);
  await clock.pass(59 * MINUTE_MS);
  assert.equal(turns.names.length, 1);
  await clock.pass(MINUTE_MS);
  await turns.reached(2);
  turns.end("a");
  await clock.pass(SECOND_MS);
  await clock.pass(SECOND_MS);
  assert.equal(turns.names.length, 2);
  await stop();
});

for (const stops of [true, false]) {
  test(`a run that began before a blackout ${stops ? "is stopped at its beginning" : "goes on to its end"}${stops ? " where that is asked for" : " otherwise"}`, async (context) => {
    const window = stops ? { ...WORK, stop: true as const } : WORK;
    const { scene, clock, sync } = await sceneAt(context, "2026-01-05T06:59Z", { manual: true, blackout: [window] });
    await underWay(scene, sync);
    const { stop } = begin(scene);
    await clock.pass(SECOND_MS);
    const asked = async (): Promise<unknown> => {
      const row = await scene.store.db.selectFrom("leases").select("stop").executeTakeFirstOrThrow();
      return row.stop === null ? null : JSON.parse(row.stop);
    };
    assert.equal(await asked(), null);
    await clock.pass(MINUTE_MS);
    await clock.pass(SECOND_MS);
    const expected = { actor: { kind: "schedule", id: "a" }, cause: "blackout" };
    assert.deepEqual(await asked(), stops ? expected : null);
    await stop();
  });
}

/** A run that some process carries out; its lease outlasts the test. */
async function underWay(scene: Scene, sync: string): Promise<Lease> {
  const owner = processOwner(systemClock);
  const lease = await acquireLease(scene.store, `sync:${sync}`, owner, 3_600_000);
  assert.ok(isLease(lease));
  const row = {
    id: "run_1",
    sync,
    mode: "incremental",
    phase: "applying",
    result: null,
    counts: JSON.stringify(NO_COUNTS),
  };
  const rest = {
    failed: 0,
    unchanged: 0,
    progress: "{}",
    actor: JSON.stringify(OLGA),
    owner: "{}",
    fence: 1,
    read_ms: 0,
  };
  const started_at = scene.store.clock.now();
  await scene.store.fenced(lease, (tx) => createRun(tx, { ...row, ...rest, started_at }));
  return lease;
}

test("what was told of while another process ran the sync is read once that run has ended", async (context) => {
  const { scene, clock, sync } = await sceneAt(context, "2026-01-05T12:00Z", { everyMs: 24 * 60 * MINUTE_MS });
  const lease = await underWay(scene, sync);
  const { turns, wakes, stop } = begin(scene);
  wakes.wake("c_test", clock.now());
  await clock.pass(MINUTE_MS);
  await clock.pass(2 * MINUTE_MS);
  assert.equal(turns.names.length, 0);
  const finished_at = clock.now();
  const end = { phase: "finished", result: "succeeded", finished_at };
  await scene.store.fenced(lease, (tx) => saveRun(tx, "run_1", end));
  await release(scene.store, lease);
  await clock.pass(SECOND_MS);
  await turns.reached(1);
  await stop();
});

test("a paused sync is neither scheduled nor woken, and once it is resumed one run makes good what it missed", async (context) => {
  const { scene, clock, sync } = await sceneAt(context, "2026-01-05T12:00Z", { everyMs: 5 * MINUTE_MS });
  await pauseSync(scene.store, sync, { actor: OLGA, until: null, note: "The target is being moved." });
  assert.equal(await nextRun(scene, sync), null);
  const { turns, wakes, stop } = begin(scene);
  wakes.wake("c_test", clock.now());
  for (let hour = 0; hour < 5; hour += 1) await clock.pass(60 * MINUTE_MS);
  assert.equal(turns.names.length, 0);
  const status = await syncStatus(scene.store, sync);
  const paused = { by: OLGA, since: at("2026-01-05T12:00Z"), until: null, note: "The target is being moved." };
  assert.deepEqual(status?.paused, paused);
  assert.deepEqual(await resumeSync(scene.store, sync, OLGA), paused);
  await clock.pass(SECOND_MS);
  await turns.reached(1);
  turns.end("a");
  await clock.pass(MINUTE_MS);
  assert.equal(turns.names.length, 1);
  const told = await scene.store.db.selectFrom("journal").select(["type", "actor_id"]).orderBy("sequence").execute();
  assert.deepEqual(told, [
    { type: "paused", actor_id: "olga" },
    { type: "resumed", actor_id: "olga" },
  ]);
  await stop();
});

test("a pause with an end is over by itself", async (context) => {
  const { scene, clock, sync } = await sceneAt(context, "2026-01-05T12:00Z", { everyMs: 5 * MINUTE_MS });
  await pauseSync(scene.store, sync, { actor: OLGA, until: at("2026-01-05T13:00Z"), note: null });
  assert.equal(await nextRun(scene, sync), "2026-01-05T13:00");
  const { turns, stop } = begin(scene);
  await clock.pass(59 * MINUTE_MS);
  assert.equal(turns.names.length, 0);
  await clock.pass(MINUTE_MS);
  await turns.reached(1);
  await stop();
});

test("a run that somebody stopped does not come back before its time; one that was cut off does at once", async (context) => {
  const { scene, sync } = await sceneAt(context, "2026-01-05T12:00Z", DAILY);
  const run = async (stopped: () => Promise<unknown>, signal: AbortSignal): Promise<string> => {
    let asked: Promise<unknown> = Promise.resolve();
    const onBegin = (): void => {
      asked = stopped();
    };
    const onProgress = (): void => undefined;
    const { result } = await runSync(scene.engine, { sync, actor: OLGA, signal, onProgress, onBegin });
    await asked;
    return result;
  };
  const cut = new AbortController();
  assert.equal(await run(async () => cut.abort(), cut.signal), "cancelled");
  assert.equal(await nextRun(scene, sync), "2026-01-05T12:00");
  const never = new AbortController().signal;
  assert.equal(await run(() => stopSync(scene.store, sync, { actor: OLGA, cause: "asked" }), never), "cancelled");
  assert.equal(await nextRun(scene, sync), "2026-01-06T05:00");
});

test("two schedules on one store never run a sync twice at once", async (context) => {
  const clock = new HandClock();
  const scene = await openScene({ clock, simulator: { people: 20, groups: 0 } });
  context.after(() => scene.close());
  await scene.addSync("a", "portal", { records: "requester", schedule: { everyMs: MINUTE_MS } });
  const stopping = new AbortController();
  let [active, most, ended] = [0, 0, 0];
  const waiting: (() => void)[] = [];
  const run = async (options: RunOptions): Promise<RunSummary> => {
    let begun = false;
    const onBegin = (): void => {
      begun = true;
      active += 1;
      most = Math.max(most, active);
    };
    try {
      return await runSync(scene.engine, { ...options, onBegin });
    } finally {
      if (begun) {
        active -= 1;
        ended += 1;
        for (const wake of waiting.splice(0)) wake();
      }
    }
  };
  const both = [1, 2].map(() => runSchedule({ engine: scene.engine, log: LOG, signal: stopping.signal, run }));
  for (let interval = 1; interval <= 4; interval += 1) {
    while (ended < interval) await new Promise<void>((resolve) => waiting.push(resolve));
    await clock.pass(MINUTE_MS);
  }
  stopping.abort();
  await Promise.all(both);
  assert.equal(most, 1);
  const runs = await scene.store.db.selectFrom("runs").select(["result", "started_at"]).orderBy("started_at").execute();
  assert.ok(runs.every(({ result }) => result === "succeeded" || result === "cancelled"));
  assert.equal(new Set(runs.map(({ started_at }) => started_at)).size, runs.length);
});
