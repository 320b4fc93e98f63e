import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fill } from "../testing/operations.ts";
import { Directory } from "./directory.ts";
import { StateKeeper } from "./keeper.ts";
import { readSnapshot, type Snapshot } from "./snapshot.ts";

const TENANT = { id: "t", organization: {}, defaultDomain: "contoso.com", domains: [] };

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "entrain-keeper-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

function snapshotOf(people: number): Snapshot {
  return { tenant: TENANT, directory: fill(new Directory({ instance: "a", ids: "a", clock: () => 0 }), people, 1) };
}

function change(snapshot: Snapshot, city: string): void {
  for (const user of snapshot.directory.list("user")) snapshot.directory.update(user, { city });
}

async function citiesIn(path: string): Promise<ReadonlySet<unknown>> {
  const read = await readSnapshot(path, { instance: "b", ids: "b", clock: () => 0 });
  assert.ok(read);
  return new Set(read.directory.list("user").map(({ properties }) => properties.city));
}

/** A timer that the test winds on by hand. */
class ManualTimer {
  readonly intervals: number[] = [];
  tick: () => Promise<void> = () => assert.fail("The timer was not started.");
  running = false;

  readonly every = (milliseconds: number, tick: () => Promise<void>): (() => void) => {
    this.intervals.push(milliseconds);
    this.tick = tick;
    this.running = true;
    return () => {
      this.running = false;
    };
  };
}

test("saves every minute when something changed, the first time in any case, and not when nothing did", async (t) => {
  const path = join(await folder(t), "state");
  const snapshot = snapshotOf(3);
  const timer = new ManualTimer();
  const keeper = new StateKeeper(path, snapshot, assert.fail);
  keeper.start(timer.every);
  assert.deepEqual(timer.intervals, [60_000]);
  const inodes: number[] = [];
  for (const city of ["Oslo", null, "Bergen"]) {
    if (city !== null) change(snapshot, city);
    await timer.tick();
    inodes.push((await stat(path)).ino);
  }
  assert.equal(inodes[0], inodes[1]);
  assert.notEqual(inodes[1], inodes[2]);
  assert.deepEqual(await citiesIn(path), new Set(["Bergen"]));
  keeper.stop();
  assert.equal(timer.running, false);
});

test("saves the tenant of one moment, however much is written meanwhile", async (t) => {
  const path = join(await folder(t), "state");
  const snapshot = snapshotOf(20_000);
  const keeper = new StateKeeper(path, snapshot, assert.fail);
  change(snapshot, "Oslo");
  const first = keeper.save();
  await new Promise(setImmediate);
  change(snapshot, "Bergen");
  await first;
  assert.deepEqual(await citiesIn(path), new Set(["Oslo"]));
  await Promise.all([keeper.save(), keeper.save()]);
  assert.deepEqual(await citiesIn(path), new Set(["Bergen"]));
  assert.deepEqual(await readdir(join(path, "..")), ["state"]);
});

test("a save that fails leaves the old file, is told in one sentence, and is made up for by the next", async (t) => {
  const parent = join(await folder(t), "gone");
  const path = join(parent, "state");
  const told: string[] = [];
  const timer = new ManualTimer();
  const keeper = new StateKeeper(path, snapshotOf(1), (message) => void told.push(message));
  keeper.start(timer.every);
  await timer.tick();
  assert.match(
    told.join("|"),
    /^The state file .*gone\/state cannot be written: its folder does not exist; it is tried again in 60 seconds\.$/,
  );
  await assert.rejects(keeper.save(), /cannot be written: its folder does not exist\./);
  await mkdir(parent);
  await timer.tick();
  assert.equal(told.length, 1);
  assert.match(await readFile(path, "utf8"), /"format":1/);
});
