import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { changesOfARun, portalContent } from "./testing/observe.ts";
import { openScene, type Scene, type SceneOptions } from "./testing/scene.ts";
import { crowd, group, newUser, reference } from "./testing/tenant.ts";
import { DAY, testClock } from "./testing/time.ts";

let scene: Scene;
let people: string;
let groups: string;
afterEach(() => scene.close());

const wide = { percent: 100, count: 5000, windowMs: DAY };
/** The guard has tests of its own; here nothing but the read may keep a removal back. */
const guard = { removals: wide, members: wide };

const users = crowd(60);
const ids = users.map(({ id }) => id);
const teams = [..."ABCDEFGHIJKL"].map((name) => group(`Team ${name}`));
const memberships = Object.fromEntries(teams.map(({ id }, at) => [id, ids.slice(at * 3, at * 3 + 4)]));

async function open(
  simulator: SceneOptions["simulator"] = { tenant: { users, groups: teams, memberships } },
): Promise<void> {
  scene = await openScene({ clock: testClock(), simulator: { ...simulator } });
  people = await scene.addSync("people", "portal", { records: "requester", guard });
  groups = await scene.addSync("groups", "portal", { records: "group", guard });
  await scene.run(people);
  await scene.run(groups);
}

/** Five leave, and that is true. */
async function fiveLeave(): Promise<void> {
  for (const id of ids.slice(0, 5)) await scene.graph("DELETE", `/users/${id}`);
}

/** With an expired token the first two requests for changes are the expired one and the one for the latest token. */
const LATEST = 2;
const FIVE = users.slice(0, 5).map(({ displayName }) => `disable ${displayName}`);

test("an empty page with a next link continues, in the full round and in the delta round", async () => {
  await open();
  for (const [path, skip] of [
    ["/users", 0],
    ["/users/delta", LATEST],
  ] as const) {
    scene.simulator.expireDeltaTokens();
    scene.simulator.faults.set([{ action: { type: "empty" }, path, skip, times: 2 }]);
    assert.deepEqual(await changesOfARun(scene, people), []);
    assert.equal(scene.simulator.faults.list()[0]?.struck, 2);
  }
  await fiveLeave();
  scene.simulator.faults.set([{ action: { type: "empty" }, path: "/users/delta", times: 1 }]);
  assert.deepEqual(await changesOfARun(scene, people), FIVE);
});

test("a page that comes twice changes nothing", async () => {
  await open();
  for (const path of ["/users", "/users/delta", "/groups", "/groups/*/members", "/groups/delta"]) {
    scene.simulator.expireDeltaTokens();
    const skip = path.endsWith("delta") ? LATEST : 0;
    scene.simulator.faults.set([{ action: { type: "replay" }, path, skip, times: 2 }]);
    assert.deepEqual(await changesOfARun(scene, groups), []);
    assert.deepEqual(await changesOfARun(scene, people), []);
  }
});

test("an expired token with five true leavers in between: exactly those five go", async () => {
  await open();
  await fiveLeave();
  scene.simulator.expireDeltaTokens();
  assert.deepEqual(await changesOfARun(scene, people), FIVE);
  assert.deepEqual(await changesOfARun(scene, people), []);
});

test("an expired token with five who are gone for good in between: exactly those five are deleted", async () => {
  await open();
  await fiveLeave();
  for (const id of ids.slice(0, 5)) await scene.graph("DELETE", `/directory/deletedItems/${id}`);
  scene.simulator.expireDeltaTokens();
  assert.deepEqual(
    await changesOfARun(scene, people),
    FIVE.map((line) => line.replace("disable", "delete")),
  );
});

test("an expired token after which five leavers of before are gone for good: exactly those five are deleted", async () => {
  await open();
  await fiveLeave();
  assert.deepEqual(await changesOfARun(scene, people), FIVE);
  for (const id of ids.slice(0, 5)) await scene.graph("DELETE", `/directory/deletedItems/${id}`);
  scene.simulator.expireDeltaTokens();
  assert.deepEqual(
    await changesOfARun(scene, people),
    FIVE.map((line) => line.replace("disable", "delete")),
  );
  scene.simulator.expireDeltaTokens();
  assert.deepEqual(await changesOfARun(scene, people), []);
});

test("an expired token with a group, two memberships and a joiner in between: exactly those", async () => {
  await open();
  await scene.graph("DELETE", `/groups/${teams[0]?.id}`);
  await scene.graph("DELETE", `/groups/${teams[1]?.id}/members/${ids[3]}/$ref`);
  await scene.graph("POST", `/groups/${teams[2]?.id}/members/$ref`, reference(ids[59] ?? ""));
  scene.simulator.expireDeltaTokens();
  const changes = await changesOfARun(scene, groups);
  assert.deepEqual(changes, ["delete Team A", "members Team B", "members Team C"]);
  assert.deepEqual(await changesOfARun(scene, groups), []);
});

test("a permission of users that is taken away stops the read; once it is back, the true removals go", async () => {
  await open();
  const { roles } = scene.simulator;
  const before = await portalContent(scene.store);
  await fiveLeave();
  await scene.graph("PATCH", `/users/${ids[9]}`, { department: null });
  for (const left of [["User.ReadBasic.All"], ["Group.Read.All"], []]) {
    scene.simulator.setRoles(left);
    const run = await scene.run(people);
    assert.equal(run.result, "failed", `${left}: ${JSON.stringify(run)}`);
    assert.match(run.error?.code ?? "", /permission/);
    assert.equal(await portalContent(scene.store), before);
  }
  scene.simulator.setRoles(roles);
  assert.deepEqual(await changesOfARun(scene, people), [...FIVE, `update ${users[9]?.displayName}`].sort());
});

test("a permission of groups that is taken away stops the read; once it is back, the true removals go", async () => {
  const secret = teams.map((team, at) => (at === 4 ? { ...team, visibility: "HiddenMembership" } : team));
  await open({ tenant: { users, groups: secret, memberships } });
  const { roles } = scene.simulator;
  const before = await portalContent(scene.store);
  await scene.graph("DELETE", `/groups/${teams[1]?.id}/members/${ids[3]}/$ref`);
  for (const lost of ["Member.Read.Hidden", "Group"]) {
    scene.simulator.setRoles(roles.filter((role) => !role.startsWith(lost) && !role.startsWith("Directory")));
    for (const expired of [false, true]) {
      if (expired) scene.simulator.expireDeltaTokens();
      const run = await scene.run(groups);
      assert.deepEqual([run.result, run.error?.code], ["failed", "permission_lost"], JSON.stringify(run));
      assert.equal(await portalContent(scene.store), before);
    }
  }
  scene.simulator.setRoles(roles);
  assert.deepEqual(await changesOfARun(scene, groups), ["members Team B"]);
});

test("nulls in a delta round clear and disable nobody; once the values are back, the true changes go", async () => {
  await open();
  const before = await portalContent(scene.store);
  scene.simulator.faults.set([{ action: { type: "nulls" }, path: "/users**" }]);
  await fiveLeave();
  for (const id of ids.slice(10, 20)) await scene.graph("PATCH", `/users/${id}`, { jobTitle: "Chief" });
  const run = await scene.run(people);
  assert.equal(run.result, "failed", JSON.stringify(run));
  assert.equal(await portalContent(scene.store), before);
  scene.simulator.faults.clear();
  const chiefs = users.slice(10, 20).map(({ displayName }) => `update ${displayName}`);
  assert.deepEqual(await changesOfARun(scene, people), [...FIVE, ...chiefs].sort());
});

test("nulls that end a full round at its first page leave the delta that follows complete: true removals go", async () => {
  await open();
  const { roles } = scene.simulator;
  scene.simulator.setRoles([...roles, "User.ReadBasic.All"]);
  scene.simulator.faults.set([{ action: { type: "nulls" }, path: "/users" }]);
  assert.equal((await scene.run(people)).result, "failed");
  scene.simulator.faults.clear();
  scene.simulator.setRoles(roles);
  await fiveLeave();
  assert.deepEqual(await changesOfARun(scene, people), FIVE);
});

test("nulls in the very first read store nothing and create nobody; the next read begins where that one failed", async () => {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users, groups: [] } } });
  people = await scene.addSync("people", "portal", { records: "requester", guard });
  scene.simulator.faults.set([{ action: { type: "nulls" }, path: "/users" }]);
  const run = await scene.run(people);
  assert.deepEqual([run.result, run.error?.code], ["failed", "permission_lost"]);
  scene.simulator.faults.clear();
  assert.equal((await changesOfARun(scene, people)).length, users.length);
});

test("one person without an account state is an issue of their own, is not disabled, and the others go on", async () => {
  await open();
  const before = scene.simulator.faults;
  before.set([{ action: { type: "nulls" }, path: "/users/delta", times: 1 }]);
  await scene.graph("POST", "/users", newUser("Joiner"));
  const run = await scene.run(people);
  assert.notEqual(run.result, "failed", "nothing was known of the joiner, so nothing was taken back");
  assert.deepEqual([run.counts.disable, run.counts.create], [0, 0]);
});

test("members that hide behind hidden memberships are not removed", async () => {
  const secret = teams.map((team, at) => (at === 4 ? { ...team, visibility: "HiddenMembership" } : team));
  await open({ tenant: { users, groups: secret, memberships } });
  const before = await portalContent(scene.store);
  scene.simulator.faults.set([{ action: { type: "hidden" } }]);
  assert.deepEqual(await changesOfARun(scene, groups), []);
  scene.simulator.expireDeltaTokens();
  const run = await scene.run(groups);
  assert.equal(run.counts.members, 0, JSON.stringify(run));
  assert.equal(await portalContent(scene.store), before);
});

test("a $count that lags behind by a little is no loss; one that is far off fails the read and removes nobody", async () => {
  await open();
  const before = await portalContent(scene.store);
  for (const action of [{ type: "stale-count", less: 2 } as const, { type: "stale-count", less: -2 } as const]) {
    scene.simulator.expireDeltaTokens();
    scene.simulator.faults.set([{ action }]);
    assert.deepEqual(await changesOfARun(scene, people), []);
  }
  scene.simulator.faults.set([{ action: { type: "stale-count", percent: 50 } }]);
  scene.simulator.expireDeltaTokens();
  assert.deepEqual(await changesOfARun(scene, people), [], "more records than counted are no loss");
  scene.simulator.faults.set([{ action: { type: "stale-count", percent: -20 } }]);
  scene.simulator.expireDeltaTokens();
  await fiveLeave();
  const run = await scene.run(people);
  assert.deepEqual([run.result, run.error?.code], ["failed", "round_short"]);
  assert.equal(await portalContent(scene.store), before);
  scene.simulator.faults.clear();
  assert.deepEqual(await changesOfARun(scene, people), FIVE);
});

test("a delta round that lags shows changes later, once", async () => {
  await open();
  await fiveLeave();
  scene.simulator.faults.set([{ action: { type: "lag", versions: 3 }, path: "/users/delta" }]);
  const first = await changesOfARun(scene, people);
  assert.ok(first.length < FIVE.length, "the lag was felt");
  scene.simulator.faults.clear();
  assert.deepEqual([...first, ...(await changesOfARun(scene, people))].sort(), FIVE);
  assert.deepEqual(await changesOfARun(scene, people), []);
});

test("a full round that lags removes nobody who is there and brings nobody back who left", async () => {
  await open();
  await fiveLeave();
  for (const name of ["Late 1", "Late 2"]) await scene.graph("POST", "/users", newUser(name));
  assert.equal((await changesOfARun(scene, people)).length, 7);
  const before = await portalContent(scene.store);
  scene.simulator.faults.set([{ action: { type: "lag", versions: 7 }, path: "/users" }]);
  scene.simulator.expireDeltaTokens();
  assert.deepEqual(await changesOfARun(scene, people), []);
  scene.simulator.faults.clear();
  assert.deepEqual(await changesOfARun(scene, people), []);
  scene.simulator.expireDeltaTokens();
  assert.deepEqual(await changesOfARun(scene, people), []);
  assert.equal(await portalContent(scene.store), before);
});

test("joiners whom a lagging full round does not show arrive with the next full round at the latest", async () => {
  await open();
  for (const name of ["Late 1", "Late 2"]) await scene.graph("POST", "/users", newUser(name));
  scene.simulator.faults.set([{ action: { type: "lag", versions: 2 }, path: "/users" }]);
  scene.simulator.expireDeltaTokens();
  const first = await changesOfARun(scene, people);
  scene.simulator.faults.clear();
  scene.simulator.expireDeltaTokens();
  assert.deepEqual([...first, ...(await changesOfARun(scene, people))], ["create Late 1", "create Late 2"]);
});
