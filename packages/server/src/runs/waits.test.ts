import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { loadRun } from "../store/runs.ts";
import type { Engine, Progress } from "./context.ts";
import { runSync } from "./run.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { testClock } from "./testing/time.ts";
import { WaitTeller } from "./waits.ts";

const WAIT = { service: "Microsoft Graph", status: 429, seconds: 12, attempt: 2, of: 8 };
const MESSAGE = "Microsoft Graph is busy (429); trying again in 12 s (attempt 2 of 8)";
const READING: Progress = { phase: "reading", detail: "users", done: 999, total: 5000 };

let close: () => Promise<void> = async () => undefined;
afterEach(async () => {
  await close();
  close = async () => undefined;
});

interface Bench {
  readonly waits: WaitTeller;
  readonly told: Progress[];
  readonly saved: Progress[];
}

function bench(): Bench {
  const told: Progress[] = [];
  const saved: Progress[] = [];
  const waits = new WaitTeller({
    clock: { now: () => 0 },
    tell: (progress) => told.push(progress),
    save: async (progress) => void saved.push(progress),
  });
  return { waits, told, saved };
}

test("tells a wait beside the progress so far, and that it is over", () => {
  const { waits, told } = bench();
  waits.onProgress(READING);
  waits.onWait(WAIT);
  waits.onWait(null);
  assert.deepEqual(told, [READING, { ...READING, waiting: { ...WAIT, message: MESSAGE } }, READING]);
});

test("goes on telling a wait while what was fetched before it is stored", () => {
  const { waits, told } = bench();
  waits.onWait(WAIT);
  waits.onProgress(READING);
  assert.equal(told.at(-1)?.waiting, told[0]?.waiting);
  waits.onWait(null);
  waits.onProgress(READING);
  assert.equal("waiting" in (told.at(-1) ?? {}), false);
});

test("of several waits at a time tells the one that ends last, until all are over", () => {
  const { waits, told } = bench();
  waits.onWait(WAIT);
  waits.onWait({ ...WAIT, seconds: 5 });
  assert.equal(told.length, 1);
  waits.onWait({ ...WAIT, seconds: 30, attempt: 3 });
  waits.onWait(null);
  waits.onWait(null);
  assert.equal(told.at(-1)?.waiting?.seconds, 30);
  waits.onWait(null);
  assert.equal(told.at(-1)?.waiting, undefined);
});

test("writes a wait down for other processes, again beside later progress, and that it is over", async () => {
  const { waits, saved } = bench();
  waits.onWait(WAIT);
  await waits.settled();
  waits.onProgress(READING);
  await waits.settled();
  waits.onWait(null);
  await waits.settled();
  waits.onProgress(READING);
  await waits.settled();
  assert.deepEqual(
    saved.map(({ done, waiting }) => [done, waiting?.message]),
    [
      [0, MESSAGE],
      [999, MESSAGE],
      [999, undefined],
    ],
  );
});

for (const [what, path, service] of [
  ["Graph", "/users", "Microsoft Graph"],
  ["the sign-in service", "/*/oauth2/v2.0/token", "Microsoft sign-in"],
] as const) {
  test(`a run tells that it waits for ${what}, and leaves no wait behind in the store`, async () => {
    const scene = await open();
    const { engine, simulator, store } = scene;
    const sync = await scene.addSync("people", "portal", { records: "requester" });
    simulator.faults.set([{ path, times: 1, action: { type: "status", status: 429, retryAfter: 20 } }]);
    const { run, told } = await runTold(engine, sync);
    assert.deepEqual(messagesOf(told), [`${service} is busy (429); trying again in 20 s (attempt 2 of 8)`]);
    assert.doesNotMatch((await loadRun(store.db, run))?.progress ?? "waiting", /waiting/);
  });
}

test("a run tells that it waits for a SCIM server", async () => {
  const scene = await open();
  const sync = await scene.addSync("people", "scim", { records: "user" });
  let refused = false;
  scene.disturb(() => {
    if (refused) return null;
    refused = true;
    return { status: 429, headers: { "Retry-After": "7" } };
  });
  const { told } = await runTold(scene.engine, sync);
  const { host } = new URL(scene.scim.baseUrl);
  assert.deepEqual(messagesOf(told), [`${host} is busy (429); trying again in 7 s (attempt 2 of 11)`]);
});

async function open(): Promise<Scene> {
  const opened = await openScene({ clock: testClock() });
  close = () => opened.close();
  return opened;
}

async function runTold(engine: Engine, sync: string): Promise<{ readonly run: string; readonly told: Progress[] }> {
  const told: Progress[] = [];
  const { signal } = new AbortController();
  const actor = { kind: "system", id: "test" } as const;
  const summary = await runSync(engine, { sync, actor, signal, onProgress: (progress) => told.push(progress) });
  assert.equal(summary.result, "succeeded");
  return { run: summary.run, told };
}

function messagesOf(told: readonly Progress[]): readonly string[] {
  return [...new Set(told.flatMap(({ waiting }) => (waiting ? [waiting.message] : [])))];
}
