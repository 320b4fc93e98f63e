import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Retries } from "@entrain/core";
import { eachEngine } from "../../store/testing.ts";
import { scimUser, scimWrites, unsynced } from "../testing/observe.ts";
import { openScene, type Scene } from "../testing/scene.ts";
import { person } from "../testing/tenant.ts";
import { DAY, MINUTE, type TestClock, testClock } from "../testing/time.ts";
import { retryDelayMs } from "./retries.ts";

const HOUR = 60 * MINUTE;
const DEFAULT: Retries = { firstMs: MINUTE, lastMs: DAY, attempts: 20 };
const [ana, bo, cy] = [person("Ana One"), person("Bo Two"), person("Cy Three")];
const no = (detail: string) => ({ status: 400, body: JSON.stringify({ scimType: "invalidValue", detail }) });

test("delays double from the first to the last, a fifth sooner or later as chance has it", () => {
  const delay = (attempts: number, random: number): number => retryDelayMs(DEFAULT, attempts, { random: () => random });
  assert.deepEqual(
    [1, 2, 3, 11].map((attempts) => delay(attempts, 0.5) / MINUTE),
    [1, 2, 4, 1024],
  );
  assert.deepEqual(
    [delay(1, 0), delay(1, 0.999)].map((ms) => Math.round(ms / 1000)),
    [48, 72],
  );
  assert.deepEqual([delay(12, 0.5), delay(1000, 0.999)], [DAY, DAY]);
  assert.equal(delay(1000, 0), 0.8 * DAY);
});

let scene: Scene;
let clock: TestClock;
let sync: string;
afterEach(() => scene?.close());

const RETRIES: Retries = { firstMs: MINUTE, lastMs: 4 * MINUTE, attempts: 3 };

async function deadIn(): Promise<readonly string[]> {
  const rows = await scene.store.db
    .selectFrom("pending")
    .select("object_id")
    .where("dead_at", "is not", null)
    .execute();
  return rows.map((row) => row.object_id).sort();
}

/** Runs every ten minutes; answers how many writes arrived in each run. */
async function writesIn(runs: number, apart: number = 10 * MINUTE): Promise<readonly number[]> {
  const counts: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const before = scene.scim.requests.length;
    await scene.run(sync);
    counts.push(scimWrites(scene.scim, before).length);
    clock.advance(apart);
  }
  return counts;
}

eachEngine((engine) => {
  async function open(): Promise<void> {
    clock = testClock();
    scene = await openScene({
      clock,
      location: await engine.place(),
      simulator: { tenant: { users: [ana, bo, cy], groups: [] } },
    });
    sync = await scene.addSync("people", "scim", { records: "user", retries: RETRIES });
    await scene.run(sync);
    scene.disturb(({ method }) => (method === "PATCH" ? no("The title is not allowed.") : null));
    for (const { id } of [ana, bo]) await scene.graph("PATCH", `/users/${id}`, { jobTitle: "Chief" });
    assert.deepEqual(await writesIn(6), [2, 2, 2, 0, 0, 0]);
    assert.deepEqual(await deadIn(), [ana.id, bo.id].sort());
  }

  test("a record that was refused as often as the policy says is not tried any more, and stays listed", async () => {
    await open();
    assert.deepEqual(await writesIn(3, DAY), [0, 0, 0]);
    assert.deepEqual([...(await unsynced(scene.store, sync)).keys()].sort(), [ana.id, bo.id].sort());
  });

  test("a dead letter whose record changes is tried at once, and has all of its attempts again", async () => {
    await open();
    await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Boss" });
    assert.deepEqual(await writesIn(5), [1, 1, 1, 0, 0]);
    await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Clerk" });
    scene.disturb(null);
    assert.deepEqual(await writesIn(2), [1, 0]);
    assert.equal(scimUser(scene.scim, ana.id)?.title, "Clerk");
    // That one record was mended says nothing of the other.
    assert.deepEqual(await deadIn(), [bo.id]);
  });

  test("another configuration has every dead letter tried again", async () => {
    await open();
    scene.disturb(null);
    const { mapping } = JSON.parse(
      (await scene.store.db.selectFrom("syncs").select("definition").executeTakeFirstOrThrow()).definition,
    );
    await scene.redefine(sync, { mapping });
    assert.deepEqual(await writesIn(2), [2, 0]);
    assert.deepEqual(await deadIn(), []);
  });

  test("after a week one dead letter of a kind is tried, and the others as soon as it is accepted", async () => {
    await open();
    clock.advance(7 * DAY);
    assert.deepEqual(await writesIn(4), [1, 1, 0, 0]);
    assert.deepEqual((await deadIn()).length, 2);
    scene.disturb(null);
    clock.advance(7 * DAY);
    assert.deepEqual(await writesIn(3), [1, 1, 0]);
    assert.deepEqual([...(await unsynced(scene.store, sync))], []);
    assert.equal(scimUser(scene.scim, bo.id)?.title, "Chief");
  });
});

test("a target that has no time now makes no dead letters", async () => {
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users: [ana], groups: [] } } });
  sync = await scene.addSync("people", "scim", { records: "user", retries: { ...RETRIES, attempts: 1 } });
  scene.disturb(({ method }) => (method === "POST" ? { status: 429, body: "{}" } : null));
  await scene.run(sync);
  assert.deepEqual(await deadIn(), []);
  scene.disturb(null);
  clock.advance(HOUR);
  assert.equal((await scene.run(sync)).counts.create, 1);
});
