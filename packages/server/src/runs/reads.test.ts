import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import type { FaultRule } from "@entrain/simulator";
import { inShort, plannedIn, portalContent } from "./testing/observe.ts";
import { openScene, type Scene, type SceneOptions } from "./testing/scene.ts";
import { crowd, group, newUser, reference } from "./testing/tenant.ts";
import { DAY, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let clock: TestClock;
afterEach(() => scene.close());

const wide = { percent: 100, count: 5000, windowMs: DAY };
/** The guard has tests of its own; here nothing but the read may keep a removal back. */
const guard = { removals: wide, members: wide };

async function open(simulator: SceneOptions["simulator"]): Promise<void> {
  clock = testClock();
  scene = await openScene({ clock, simulator: { ...simulator } });
}

/** What can go wrong with any request. */
const ANY: readonly FaultRule["action"][] = [
  { type: "status", status: 503 },
  { type: "status", status: 403 },
  { type: "cut", at: "headers" },
  { type: "cut", at: "body" },
  { type: "html" },
  { type: "truncate" },
];

/** Where a full round asks, and how often. */
type Asked = readonly (readonly [path: string, times: number])[];

/**
 * Lets a fault strike each request of a full round in turn, with all behind it: `failed`, one sentence, nothing
 * planned, and not one byte of the target is another.
 */
async function atEveryRequest(sync: string, action: FaultRule["action"], asked: Asked): Promise<void> {
  const before = await portalContent(scene.store);
  const plans = await planCount();
  for (const [path, times] of asked) {
    for (let k = 0; k < times; k += 1) {
      scene.simulator.expireDeltaTokens();
      scene.simulator.faults.set([{ action, path, skip: k }]);
      const run = await scene.run(sync);
      const said = `${JSON.stringify(action)} at ${path}, request ${k}: ${JSON.stringify(run)}`;
      assert.ok((scene.simulator.faults.list()[0]?.struck ?? 0) > 0, `never struck: ${said}`);
      assert.equal(run.result, "failed", said);
      assert.match(run.error?.message ?? "", /.{10}/, said);
      assert.equal(await portalContent(scene.store), before, said);
      assert.equal(await planCount(), plans, said);
    }
  }
  scene.simulator.faults.clear();
}

async function planCount(): Promise<number> {
  return (await scene.store.db.selectFrom("plans").select("id").execute()).length;
}

const named = (action: FaultRule["action"]): string => Object.values(action).join(" ");

/** First pages of the lanes that so many people are read in, and the further pages of the one that holds them all. */
const LANE_PAGES = 17;

describe("people, read in lanes", () => {
  const users = crowd(2100);
  const pages: Asked = [
    ["/users", 3],
    ["/users/delta", 2],
  ];
  const faults: readonly (readonly [FaultRule["action"], Asked])[] = [
    ...ANY.map((action) => [action, [...pages, ["/$batch", 2]]] as const),
    [{ type: "no-value" }, pages],
    [{ type: "ends-empty" }, [["/users", LANE_PAGES]]],
    [{ type: "nulls" }, [["/users", LANE_PAGES]]],
  ];
  for (const [action, asked] of faults) {
    test(`${named(action)} at page k, each k: nothing is changed, and then exactly the true leavers go`, async () => {
      await open({ tenant: { users, groups: [] } });
      const sync = await scene.addSync("people", "portal", { records: "requester", guard });
      assert.equal((await scene.run(sync)).counts.create, 2100);
      for (const { id } of users.slice(0, 5)) await scene.graph("DELETE", `/users/${id}`);
      await scene.graph("PATCH", `/users/${users[9]?.id}`, { department: null });
      await scene.graph("POST", "/users", newUser("Joiner"));
      await atEveryRequest(sync, action, asked);
      const run = await scene.run(sync);
      const leavers = users.slice(0, 5).map(({ displayName }) => `disable ${displayName}`);
      assert.deepEqual(
        inShort(await plannedIn(scene.store, run.run)),
        ["create Joiner", ...leavers, `update ${users[9]?.displayName}`].sort(),
      );
      assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
    });
  }
});

describe("groups and their members", () => {
  const users = crowd(30);
  const groups = [..."ABCDEFGHIJKL"].map((name) => group(`Group ${name}`));
  const ids = users.map(({ id }) => id);
  const memberships = Object.fromEntries(groups.map(({ id }, at) => [id, ids.slice(at * 2, at * 2 + 5)]));
  const pages: Asked = [
    ["/groups", 1],
    ["/groups/*/members", 11],
    ["/groups/delta", 2],
  ];
  const faults: readonly (readonly [FaultRule["action"], Asked])[] = [
    ...ANY.map((action) => [action, [...pages, ["/$batch", 2]]] as const),
    [{ type: "no-value" }, pages],
    [{ type: "ends-empty" }, [["/groups", 1]]],
  ];
  for (const [action, asked] of faults) {
    test(`${named(action)} at request k, each k: nothing is changed, and then exactly the true removals go`, async () => {
      await open({ tenant: { users, groups, memberships } });
      await scene.run(await scene.addSync("people", "portal", { records: "requester", guard }));
      const sync = await scene.addSync("groups", "portal", { records: "group", guard });
      const first = await scene.run(sync);
      assert.deepEqual([first.counts.create, first.counts.members], [12, 60]);
      await scene.graph("DELETE", `/groups/${groups[0]?.id}`);
      await scene.graph("DELETE", `/groups/${groups[1]?.id}/members/${ids[2]}/$ref`);
      await scene.graph("POST", `/groups/${groups[2]?.id}/members/$ref`, reference(ids[0] ?? ""));
      await atEveryRequest(sync, action, asked);
      const { counts, result } = await scene.run(sync);
      assert.deepEqual([result, counts.delete, counts.members, counts.update], ["succeeded", 1, 2, 0]);
      assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
    });
  }

  test("a full round in which one group's members came back empty removes them only by approval", async () => {
    await open({ tenant: { users, groups, memberships } });
    await scene.run(await scene.addSync("people", "portal", { records: "requester", guard }));
    const sync = await scene.addSync("groups", "portal", { records: "group", guard });
    await scene.run(sync);
    const before = await portalContent(scene.store);
    scene.simulator.expireDeltaTokens();
    const path = `/groups/${groups[3]?.id}/members`;
    scene.simulator.faults.set([{ action: { type: "ends-empty" }, path }]);
    const run = await scene.run(sync);
    assert.deepEqual([run.result, run.counts.members, run.held?.count], ["held", 0, 5]);
    assert.equal(await portalContent(scene.store), before);
    scene.simulator.faults.clear();
    scene.simulator.expireDeltaTokens();
    const next = await scene.run(sync);
    assert.equal(next.counts.members, 0);
    // The read recovered, so that nothing is left to approve.
    await assert.rejects(scene.approve(sync, run.held?.digest ?? ""), { code: "plan_stale" });
    assert.equal(await portalContent(scene.store), before);
    assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  });
});
