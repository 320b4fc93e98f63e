import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Simulator, startSimulator } from "@entrain/simulator";
import { errorOf, run, runJson, start, withPeople } from "./testing.ts";

interface Status {
  readonly nextRun: number | null;
  readonly paused: {
    readonly by: { readonly id: string };
    readonly until: number | null;
    readonly note: string;
  } | null;
  readonly lastRun: { readonly result: string; readonly stoppedBy: { readonly kind: string } | null } | null;
}

async function installed(context: TestContext): Promise<{ readonly cwd: string; readonly simulator: Simulator }> {
  const simulator = await startSimulator({ people: 20, groups: 2, seed: 5, throttle: "off" });
  context.after(() => simulator.close());
  const cwd = await withPeople(context, simulator, ['schedule: { cron: "0 6 * * 1-5", timezone: Europe/Rome }']);
  return { cwd, simulator };
}

test("a paused sync says who, until when and why, and is run by hand only by who says so", async (context) => {
  const { cwd } = await installed(context);
  const status = () => runJson<Status>(["sync", "status", "people"], { cwd });
  const { nextRun } = await status();
  assert.ok(nextRun !== null && nextRun > Date.now());

  const paused = await run(["sync", "pause", "people", "--until", "2h", "--note", "The desk is moving."], { cwd });
  assert.match(paused.stdout, /^people does not run by itself until 20\d\d-.* UTC$/m);
  const told = await status();
  assert.equal(told.paused?.note, "The desk is moving.");
  assert.ok((told.nextRun ?? 0) >= (told.paused?.until ?? Number.POSITIVE_INFINITY));
  const shown = await run(["sync", "status", "people"], { cwd });
  assert.match(shown.stdout, /^paused +by \S+ since .* until .*: The desk is moving\.$/m);
  const listed = await run(["sync", "list"], { cwd });
  assert.match(listed.stdout, /people .*0 6 \* \* 1-5 Europe\/Rome .*never ran, paused/);

  const refused = await run(["sync", "run", "people", "--json"], { cwd });
  const error = errorOf(refused);
  assert.deepEqual([refused.code, error.code], [1, "sync_paused"]);
  assert.match(
    error.message,
    /^The sync people is paused by \S+ until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: The desk is moving\.$/,
  );
  assert.match(error.fix, /entrain sync resume people.*--anyway/);
  const anyway = await runJson<{ readonly result: string }>(["sync", "run", "people", "--anyway"], { cwd });
  assert.equal(anyway.result, "succeeded");

  const resumed = await run(["sync", "resume", "people"], { cwd });
  assert.match(resumed.stdout, /^people runs by itself again\. It was paused by \S+ since .* UTC\.$/m);
  assert.deepEqual(await runJson(["sync", "resume", "people"], { cwd }), { sync: "people", resumed: false });
  assert.equal((await runJson<{ readonly result: string }>(["sync", "run", "people"], { cwd })).result, "succeeded");
});

test("a paused sync that runs only when it is asked to is not said to run by itself when it is resumed", async (context) => {
  const simulator = await startSimulator({ people: 5, groups: 1, seed: 5, throttle: "off" });
  context.after(() => simulator.close());
  const cwd = await withPeople(context, simulator, ["schedule: manual"]);
  await run(["sync", "pause", "people"], { cwd });
  const resumed = await run(["sync", "resume", "people"], { cwd });
  assert.match(resumed.stdout, /^people may run again; it does when it is asked to\. It was paused by /m);
  assert.deepEqual(await runJson(["sync", "resume", "people"], { cwd }), { sync: "people", resumed: false });
  await run(["sync", "pause", "people"], { cwd });
  assert.deepEqual(await runJson(["sync", "resume", "people"], { cwd }), { sync: "people", resumed: true });
});

test("what --until cannot mean is wrong usage", async (context) => {
  const { cwd } = await installed(context);
  for (const until of ["tomorrow", "2026-11-23T08:00", "2020-01-01T00:00Z", "23:00"]) {
    const ran = await run(["sync", "pause", "people", "--until", until, "--json"], { cwd });
    assert.equal(ran.code, 2, until);
    assert.match(errorOf(ran).message, /^--until /);
  }
  assert.equal((await runJson<Status>(["sync", "status", "people"], { cwd })).paused, null);
});

test("a run is stopped from another process, and what does not run cannot be stopped", async (context) => {
  const { cwd, simulator } = await installed(context);
  const idle = await run(["sync", "stop", "people", "--json"], { cwd });
  assert.deepEqual([idle.code, errorOf(idle).code], [1, "not_running"]);

  simulator.faults.set([{ action: { type: "slow", ms: 600_000 } }]);
  const running = start(["sync", "run", "people", "--json"], { cwd });
  context.after(() => running.child.kill("SIGKILL"));
  const stopped = await untilRunning(cwd);
  assert.deepEqual([stopped.sync, stopped.result], ["people", "cancelled"]);
  const ended = await running.ended;
  assert.equal(ended.code, 1);
  assert.equal(JSON.parse(ended.stdout).result, "cancelled");
  assert.match(errorOf({ ...ended, stdout: "" }).message, /^The run was stopped by \S+\.$/);
  const { lastRun, nextRun } = await runJson<Status>(["sync", "status", "people"], { cwd });
  assert.deepEqual([lastRun?.result, lastRun?.stoppedBy?.kind], ["cancelled", "command"]);
  assert.ok((nextRun ?? 0) > Date.now());
});

/** Asks until the run has begun; each asking takes as long as a command does. */
async function untilRunning(cwd: string): Promise<{ readonly sync: string; readonly result: string | null }> {
  for (;;) {
    const ran = await run(["sync", "stop", "people", "--json"], { cwd });
    if (ran.code === 0) return JSON.parse(ran.stdout);
    assert.equal(errorOf(ran).code, "not_running");
  }
}

test("a run whose process was killed is said to be broken off, and not to go on or never to have been", async (context) => {
  const { cwd, simulator } = await installed(context);
  simulator.faults.set([{ action: { type: "slow", ms: 60_000 } }]);
  const killed = start(["sync", "run", "people"], { cwd });
  await killed.until(/reading/);
  const status = () => runJson<Status & { readonly running: boolean }>(["sync", "status", "people"], { cwd });
  const before = await status();
  assert.deepEqual([before.lastRun?.result, before.running], [null, true]);
  killed.child.kill("SIGKILL");
  await killed.ended;
  simulator.faults.clear();
  const { lastRun, running } = await status();
  assert.deepEqual([lastRun?.result, running], [null, false]);
  const shown = await run(["sync", "status", "people"], { cwd });
  assert.match(shown.stdout, /^last run .*: broken off while reading/m);
  assert.match((await run(["sync", "list"], { cwd })).stdout, /people .*broken off while reading/);
});
