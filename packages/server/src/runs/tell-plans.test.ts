import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Value } from "@entrain/core";
import { heldChanges } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd } from "./testing/tenant.ts";
import { DAY, MINUTE, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let clock: TestClock;
let sync: string;
afterEach(() => scene.close());

const users = crowd(40);
const ids = users.map(({ id }) => id);

async function open(): Promise<void> {
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users, groups: [] } } });
  sync = await scene.addSync("people", "scim", { records: "user" });
  assert.equal((await scene.run(sync)).result, "succeeded");
  await addChannel();
}

async function addChannel(): Promise<void> {
  const settings = JSON.stringify({ url: "http://127.0.0.1:9/", allowPrivate: false });
  const values = {
    id: "channel_1",
    organisation: "default",
    name: "desk",
    type: "webhook",
    settings,
    credential: "{}",
  };
  const fresh = { revision: 1, created_at: clock.now(), disabled_at: null, disabled_of: null };
  await scene.store.transaction((tx) =>
    tx
      .insertInto("channels")
      .values({ ...values, ...fresh })
      .execute(),
  );
}

async function leave(from: number, to: number): Promise<void> {
  for (const id of ids.slice(from, to)) await scene.graph("DELETE", `/users/${id}`);
}

type Data = { readonly [field: string]: Value };

async function told(): Promise<readonly { readonly type: string; readonly data: Data }[]> {
  const rows = await scene.store.db.selectFrom("alerts").selectAll().orderBy("at").orderBy("id").execute();
  return rows.map(({ type, data }) => ({ type, data: JSON.parse(data) as Data }));
}

const typesTold = async (): Promise<readonly string[]> => (await told()).map(({ type }) => type);

test("tells of a held plan once: the sync, how many, why, three of the people, and how to approve it", async () => {
  await open();
  await leave(0, 12);
  const { held } = await scene.run(sync);
  await scene.run(sync);
  clock.advance(2 * DAY);
  await scene.run(sync);
  const [alert, ...others] = await told();
  assert.ok(alert !== undefined && others.length === 0);
  const { plan, reason, people, ...data } = alert.data;
  const approve = `entrain sync approve people --digest ${held?.digest}`;
  assert.deepEqual(data, {
    sync: "people",
    digest: held?.digest,
    changes: 12,
    counts: { create: 0, join: 0, update: 0, enable: 0, disable: 12, delete: 0, members: 0 },
    guards: ["removal_guard"],
    approve,
    reject: `${approve} --reject`,
    detail: "12 changes wait for approval; everything else goes on.",
    fix: "Look at it with `entrain sync held people`, then approve or reject it.",
  });
  assert.match(String(plan), /^plan_/);
  assert.match(String(reason), /12 removals/);
  const names = (await heldChanges(scene.store, held?.digest ?? "")).slice(0, 3).map(({ name }) => name);
  assert.deepEqual(people, names);
});

test("tells that the plan was approved, and by whom", async () => {
  await open();
  await leave(0, 12);
  const { held } = await scene.run(sync);
  await scene.approve(sync, held?.digest ?? "");
  assert.deepEqual(await typesTold(), ["plan.held", "plan.decided"]);
  const [, decided] = await told();
  const { plan, since, ...data } = decided?.data ?? {};
  assert.deepEqual(data, {
    sync: "people",
    digest: held?.digest,
    decision: "approved",
    by: "test",
    detail: "The plan that waited was approved by test.",
    fix: "Nothing needs to be done.",
  });
  await scene.run(sync);
  assert.equal((await told()).length, 2);
});

test("tells that the plan was rejected, and of the one that is held in its place", async () => {
  await open();
  await leave(0, 12);
  const { held } = await scene.run(sync);
  await scene.reject(sync, held?.digest ?? "");
  await scene.run(sync);
  assert.deepEqual(await typesTold(), ["plan.held", "plan.decided", "plan.held"]);
  assert.equal((await told())[1]?.data.decision, "rejected");
});

test("tells that nothing of a plan is left to approve", async () => {
  await open();
  await leave(0, 12);
  await scene.run(sync);
  for (const id of ids.slice(0, 12)) await scene.graph("POST", `/directory/deletedItems/${id}/restore`);
  for (let run = 0; run < 3; run += 1) await scene.run(sync);
  assert.deepEqual(await typesTold(), ["plan.held", "plan.decided"]);
  const { decision, by, detail } = (await told())[1]?.data ?? {};
  assert.deepEqual([decision, by], ["superseded", null]);
  assert.match(String(detail), /Nothing of the plan is left to approve/);
});

test("tells nothing of a preview, nor of its approval, for nothing waited", async () => {
  await open();
  await leave(0, 2);
  const { plan } = await scene.plan(sync);
  await scene.approve(sync, plan.digest ?? "");
  assert.deepEqual(await typesTold(), []);
});

test("tells of a target that keeps refusing runs, and when it works again", async () => {
  await open();
  scene.disturb(() => ({ status: 401 }));
  for (let run = 0; run < 4; run += 1) {
    clock.advance(5 * MINUTE);
    await scene.graph("PATCH", `/users/${ids[20]}`, { jobTitle: `Chief ${run}` });
    assert.equal((await scene.run(sync)).result, "failed");
  }
  assert.deepEqual(await typesTold(), ["sync.failing"]);
  const data = (await told())[0]?.data ?? {};
  assert.deepEqual(
    [data.sync, data.connection, data.failures, data.code],
    ["people", "contoso", 3, "credential_refused"],
  );
  scene.disturb(null);
  await scene.run(sync);
  assert.deepEqual(await typesTold(), ["sync.failing", "sync.recovered"]);
});

test("tells of a tenant that cannot be read instead of its sync, and when it is read again", async () => {
  await open();
  scene.simulator.faults.set([{ action: { type: "html" }, path: "/users/delta", times: 1_000 }]);
  for (let run = 0; run < 4; run += 1) {
    clock.advance(5 * MINUTE);
    assert.equal((await scene.run(sync)).result, "failed");
  }
  assert.deepEqual(await typesTold(), ["connection.failing"]);
  scene.simulator.faults.set([]);
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.deepEqual(await typesTold(), ["connection.failing", "connection.recovered"]);
});
