import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { Mapping } from "@entrain/core";
import type { FaultAction } from "@entrain/simulator";
import type { Location } from "../store/store.ts";
import { eachEngine } from "../store/testing.ts";
import { showPerson } from "./people.ts";
import { changesOfARun, inShort, plannedIn, scimUser } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd } from "./testing/tenant.ts";
import { DAY, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let sync: string;
let clock: TestClock;
let place: () => Promise<Location>;
afterEach(() => scene.close());

const MAPPING: Mapping = {
  userName: { direct: "userPrincipalName" },
  externalId: { direct: "id" },
  title: { direct: "photo.hash" },
};
const PEOPLE = 6;

async function open(people = PEOPLE): Promise<readonly string[]> {
  clock = testClock();
  const users = crowd(people);
  const roles = ["User.ReadWrite.All", "Group.Read.All"];
  scene = await openScene({ clock, location: await place(), simulator: { tenant: { users, groups: [] }, roles } });
  for (const { id } of users) scene.simulator.tenancy.setPhoto(id, true);
  sync = await scene.addSync("people", "scim", { records: "user", mapping: MAPPING, matching: ["externalId"] });
  return users.map(({ id }) => id);
}

function asked(): number {
  return scene.simulator.requests.list("/users/").filter(({ path }) => path.includes("/photo/")).length;
}

const hashOf = (id: string): unknown => scimUser(scene.scim, id)?.title ?? null;

async function issuesOf(run: string): Promise<readonly string[]> {
  const { store } = scene;
  const plan = await store.db.selectFrom("plans").select("id").where("run", "=", run).executeTakeFirstOrThrow();
  const rows = await store.db
    .selectFrom("plan_issues")
    .select(["code", "detail"])
    .where("plan", "=", plan.id)
    .execute();
  return rows.map(({ code, detail }) => `${code}: ${detail}`);
}

eachEngine((engine) => {
  beforeEach(() => {
    place = () => engine.place();
  });

  test("maps the photo's hash, asks again after a week, and follows who has another one or none any more", async () => {
    const [one = "", two = "", three = ""] = await open();
    scene.simulator.tenancy.setPhoto(three, false);
    assert.equal((await changesOfARun(scene, sync)).length, PEOPLE);
    assert.match(String(hashOf(one)), /^[0-9a-f]{64}$/);
    const [shown] = await showPerson(scene.engine, one);
    assert.deepEqual(shown?.attributes.photo, { hash: hashOf(one) });
    assert.notEqual(hashOf(one), hashOf(two));
    assert.equal(hashOf(three), null);
    assert.equal(asked(), PEOPLE);
    const before = hashOf(one);
    scene.simulator.tenancy.setPhoto(one, true);
    scene.simulator.tenancy.setPhoto(two, false);
    scene.simulator.tenancy.setPhoto(three, true);
    assert.deepEqual(await changesOfARun(scene, sync), []);
    assert.equal(asked(), PEOPLE, "photos were asked for again within a week");
    clock.advance(7 * DAY);
    assert.deepEqual(await changesOfARun(scene, sync), [
      "update Person 0001",
      "update Person 0002",
      "update Person 0003",
    ]);
    assert.equal(asked(), 2 * PEOPLE);
    assert.notEqual(hashOf(one), before);
    assert.equal(hashOf(two), null);
    assert.match(String(hashOf(three)), /^[0-9a-f]{64}$/);
    assert.deepEqual(await changesOfARun(scene, sync), []);
  });

  test("reads no more photos than a run may, later runs read on, and a full read of people clears none", async () => {
    const ids = await open(220);
    assert.equal((await changesOfARun(scene, sync)).length, 220);
    assert.equal(asked(), 200);
    assert.equal(ids.filter((id) => hashOf(id) === null).length, 20);
    assert.equal((await changesOfARun(scene, sync)).length, 20);
    assert.equal(asked(), 220);
    assert.equal(ids.filter((id) => hashOf(id) === null).length, 0);
    scene.simulator.expireDeltaTokens();
    assert.deepEqual(await changesOfARun(scene, sync), []);
    assert.equal(asked(), 220);
  });

  test("a refusal of all clears nothing and says so, and the photos are read once it is over", async () => {
    const [one = ""] = await open();
    await changesOfARun(scene, sync);
    const before = hashOf(one);
    clock.advance(7 * DAY);
    scene.simulator.tenancy.setPhoto(one, false);
    const actions: readonly FaultAction[] = [
      { type: "status", status: 403 },
      { type: "status", status: 503 },
      { type: "cut", at: "headers" },
    ];
    for (const action of actions) {
      scene.simulator.faults.set([{ method: "GET", path: "/users/*/photo/$value", action }]);
      const run = await scene.run(sync);
      assert.equal(run.result, "partial", JSON.stringify(action));
      assert.deepEqual(inShort(await plannedIn(scene.store, run.run)), []);
      const [issue = ""] = await issuesOf(run.run);
      assert.match(issue, /Photos cannot be read now, and no photo is changed/);
      if (action.type === "status" && action.status === 403)
        assert.match(issue, /^permission_missing: .*ProfilePhoto\.Read\.All/);
    }
    assert.equal(hashOf(one), before);
    scene.simulator.faults.set([]);
    assert.deepEqual(await changesOfARun(scene, sync), ["update Person 0001"]);
    assert.equal(hashOf(one), null);
  });

  test("one photo that is not told keeps nobody else from theirs, and is asked for again with the others", async () => {
    const [one = "", two = ""] = await open();
    scene.simulator.faults.set([
      { method: "GET", path: `/users/${one}/photo/$value`, action: { type: "status", status: 400 } },
    ]);
    const run = await scene.run(sync);
    assert.deepEqual([run.result, run.counts.create], ["partial", PEOPLE]);
    const issues = await issuesOf(run.run);
    assert.equal(issues.length, 1);
    assert.match(issues[0] ?? "", new RegExp(`The photo of ${one} was not told, and stays as it is known for a week`));
    assert.equal(hashOf(one), null);
    assert.match(String(hashOf(two)), /^[0-9a-f]{64}$/);
    scene.simulator.faults.set([]);
    assert.deepEqual(await changesOfARun(scene, sync), []);
    clock.advance(7 * DAY);
    assert.deepEqual(await changesOfARun(scene, sync), ["update Person 0001"]);
  });

  test("asks for no photo where no sync maps one", async () => {
    await open();
    await scene.redefine(sync, { mapping: { userName: { direct: "userPrincipalName" } }, matching: ["userName"] });
    await changesOfARun(scene, sync);
    assert.equal(asked(), 0);
  });
});
