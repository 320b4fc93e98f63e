import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Scope } from "@entrain/core";
import type { FaultRule } from "@entrain/simulator";
import { heldPlans } from "./queries.ts";
import { changesOfARun, heldChanges, inShort } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, newUser, person, reference } from "./testing/tenant.ts";
import { DAY, MINUTE, type TestClock, testClock } from "./testing/time.ts";

const HOUR = 60 * MINUTE;
const wide = { percent: 100, count: 5000, windowMs: DAY };
const guard = { removals: wide, members: wide };
const users = crowd(30);
const team = group("Team A");
const nested = group("Team B");
const ADMIN = "11111111-1111-4111-8111-111111111111";
const ROLES = [
  "User.ReadWrite.All",
  "Group.ReadWrite.All",
  "Application.ReadWrite.All",
  "AppRoleAssignment.ReadWrite.All",
];
/** A replica that shows what was ten minutes ago. */
const lag = { type: "lag", ms: 10 * MINUTE } as const;

let scene: Scene;
let clock: TestClock;
let people: string;
let groups: string;
afterEach(() => scene.close());

async function open(): Promise<void> {
  clock = testClock();
  const memberships = { [team.id]: users.slice(0, 5).map(({ id }) => id) };
  scene = await openScene({ clock, simulator: { tenant: { users, groups: [team], memberships } } });
  people = await scene.addSync("people", "portal", { records: "requester", guard });
  groups = await scene.addSync("groups", "portal", { records: "group", guard });
  await scene.run(people);
  await scene.run(groups);
}

async function bothChanges(): Promise<readonly string[]> {
  return [...(await changesOfARun(scene, people)), ...(await changesOfARun(scene, groups))];
}

/** Page requests of full rounds of people so far. */
const pages = (): number => scene.simulator.requests.list("/users?").length;
const systemEntries = async (): Promise<readonly string[]> => {
  const rows = await scene.store.db.selectFrom("journal").select(["type"]).where("stream", "=", "system").execute();
  return rows.map(({ type }) => type);
};

async function liveABit(): Promise<readonly string[]> {
  const [member, leaver, disabled] = [users[1], users[9], users[7]].map((user) => user?.id ?? "");
  await scene.graph("PATCH", `/users/${disabled}`, { accountEnabled: false });
  await scene.graph("POST", "/users", newUser("Joiner 1"));
  await scene.graph("POST", `/groups/${team.id}/members/$ref`, reference(leaver ?? ""));
  await scene.graph("DELETE", `/groups/${team.id}/members/${member}/$ref`);
  return ["create Joiner 1", `disable ${users[7]?.displayName}`, "members Team A", "members Team A"];
}

for (const path of ["/users", "/groups", "/groups/*/members", "/$batch"]) {
  test(`a repeated round of which a lagging replica answers ${path} takes nothing back that changes had told`, async () => {
    await open();
    clock.advance(20 * HOUR - 4 * MINUTE);
    const told = await liveABit();
    assert.deepEqual(await bothChanges(), told);
    clock.advance(5 * MINUTE);
    scene.simulator.faults.set([{ action: lag, path }]);
    const begun = pages();
    assert.deepEqual(await bothChanges(), []);
    assert.ok(pages() > begun, "everything was read again");
    scene.simulator.faults.clear();
    for (let day = 0; day < 3; day += 1) {
      clock.advance(DAY);
      assert.deepEqual(await bothChanges(), []);
    }
  });
}

test("nobody is deleted while all of Graph shows what was some minutes ago: the run fails, and the next one finds nothing to do", async () => {
  await open();
  clock.advance(20 * HOUR - 4 * MINUTE);
  const told = await liveABit();
  assert.deepEqual(await bothChanges(), told);
  clock.advance(5 * MINUTE);
  scene.simulator.faults.set([{ action: lag }]);
  for (const sync of [people, groups]) {
    const run = await scene.run(sync);
    assert.deepEqual([run.result, run.error?.code], ["failed", "server_failed"]);
  }
  scene.simulator.faults.clear();
  clock.advance(15 * MINUTE);
  assert.deepEqual(await bothChanges(), []);
});

test("what a lagging full round behind an expired link took back is mended about an hour later", async () => {
  await open();
  clock.advance(2 * HOUR);
  const told = await liveABit();
  assert.deepEqual(await bothChanges(), told);
  clock.advance(5 * MINUTE);
  scene.simulator.expireDeltaTokens();
  scene.simulator.faults.set([{ action: lag, path: "/users" }]);
  assert.deepEqual(await changesOfARun(scene, people), [`enable ${users[7]?.displayName}`], "the lag was felt");
  scene.simulator.faults.clear();
  clock.advance(50 * MINUTE);
  assert.deepEqual(await changesOfARun(scene, people), []);
  clock.advance(10 * MINUTE);
  assert.deepEqual(await changesOfARun(scene, people), [`disable ${users[7]?.displayName}`]);
});

test("who joined a moment ago is not removed by a full round behind an expired link while all of Graph lags: that waits, and passes", async () => {
  await open();
  clock.advance(2 * HOUR);
  await scene.graph("POST", "/users", newUser("Joiner 1"));
  assert.deepEqual(await changesOfARun(scene, people), ["create Joiner 1"]);
  clock.advance(5 * MINUTE);
  scene.simulator.expireDeltaTokens();
  scene.simulator.faults.set([{ action: lag }]);
  const run = await scene.run(people);
  assert.deepEqual([run.result, run.counts.disable + run.counts.delete, run.held?.count], ["held", 0, 1]);
  const held = await heldChanges(scene.store, run.held?.digest ?? "");
  assert.deepEqual(inShort(held), ["delete Joiner 1"]);
  scene.simulator.faults.clear();
  clock.advance(HOUR);
  assert.deepEqual(await changesOfARun(scene, people), []);
  assert.deepEqual(await heldPlans(scene.store, people), []);
});

test("who was made long ago and is gone for good is removed by a full round, and who was made today once that is approved", async () => {
  clock = testClock();
  const today = new Date(clock.now()).toISOString();
  const [old, young] = [person("Old One"), person("Young One", { createdDateTime: today })];
  scene = await openScene({ clock, simulator: { tenant: { users: [...users, old, young], groups: [] } } });
  people = await scene.addSync("people", "portal", { records: "requester", guard });
  await scene.run(people);
  for (const { id } of [old, young]) {
    await scene.graph("DELETE", `/users/${id}`);
    await scene.graph("DELETE", `/directory/deletedItems/${id}`);
  }
  scene.simulator.expireDeltaTokens();
  const run = await scene.run(people);
  assert.deepEqual([run.counts.delete, run.held?.count], [1, 1]);
  assert.equal((await scene.approve(people, run.held?.digest ?? "")).counts.delete, 1);
});

const faults: readonly FaultRule[] = [
  { action: { type: "stale-count", percent: -20 }, path: "/users/$count" },
  { action: { type: "ends-empty" }, path: "/users" },
  { action: { type: "status", status: 503 }, path: "/users" },
  { action: { type: "truncate" }, path: "/users" },
];
for (const fault of faults) {
  test(`a repeated round that fails (${fault.action.type} ${fault.path}) keeps no leaver in, and is tried again later`, async () => {
    await open();
    clock.advance(21 * HOUR);
    scene.simulator.faults.set([fault]);
    const begun = pages();
    for (const at of [3, 4, 5]) {
      await scene.graph("PATCH", `/users/${users[at]?.id}`, { accountEnabled: false });
      assert.deepEqual(await changesOfARun(scene, people), [`disable ${users[at]?.displayName}`]);
      clock.advance(10 * MINUTE);
    }
    assert.deepEqual(await systemEntries(), ["reconciliation_failed"]);
    const tried = pages();
    assert.ok(tried > begun);
    scene.simulator.faults.clear();
    clock.advance(40 * MINUTE);
    assert.deepEqual(await changesOfARun(scene, people), []);
    assert.ok(pages() > tried, "tried again");
    assert.deepEqual(await systemEntries(), ["reconciliation_failed", "reconciled"]);
  });
}

test("a repeated round without a count goes on like any other", async () => {
  await open();
  clock.advance(21 * HOUR);
  scene.simulator.faults.set([{ action: { type: "status", status: 503 }, path: "/users/$count" }]);
  await scene.graph("PATCH", `/users/${users[3]?.id}`, { accountEnabled: false });
  assert.deepEqual(await changesOfARun(scene, people), [`disable ${users[3]?.displayName}`]);
  assert.deepEqual(await systemEntries(), ["reconciled"]);
});

test("a repeated round that hides what the application may not read stops the read, and begins anew once it no longer does", async () => {
  await open();
  clock.advance(21 * HOUR);
  scene.simulator.faults.set([{ action: { type: "nulls" }, path: "/users" }]);
  for (let times = 0; times < 2; times += 1) {
    const run = await scene.run(people);
    assert.deepEqual([run.result, run.error?.code], ["failed", "permission_lost"]);
    clock.advance(10 * MINUTE);
  }
  scene.simulator.faults.clear();
  await scene.graph("PATCH", `/users/${users[3]?.id}`, { accountEnabled: false });
  const latest = scene.simulator.requests.list("deltatoken=latest").length;
  assert.deepEqual(await changesOfARun(scene, people), [`disable ${users[3]?.displayName}`]);
  assert.equal(scene.simulator.requests.list("deltatoken=latest").length, latest, "changes went on where they stood");
});

test("an excess permission can be taken away: the syncs go on with those that are left", async () => {
  await open();
  const { roles } = scene.simulator;
  scene.simulator.setRoles([...roles, "Directory.Read.All"]);
  assert.deepEqual(await bothChanges(), []);
  scene.simulator.setRoles(roles);
  await scene.graph("PATCH", `/users/${users[3]?.id}`, { accountEnabled: false });
  assert.deepEqual(await bothChanges(), [`disable ${users[3]?.displayName}`]);
});

/** Everybody is in the portal; then the sync is asked for a team alone, which a lagging copy lists without its youngest member. */
async function narrowed(scope: Partial<Scope["groups"]> = {}, inner: readonly string[] = []): Promise<string> {
  clock = testClock();
  const memberships = { [team.id]: [...users.map(({ id }) => id), nested.id], [nested.id]: inner };
  scene = await openScene({ clock, simulator: { tenant: { users, groups: [team, nested], memberships } } });
  people = await scene.addSync("people", "portal", { records: "requester", guard });
  await scene.run(people);
  const { id } = (await scene.graph("POST", "/users", newUser("Joiner 1"))) as { readonly id: string };
  await scene.graph("POST", `/groups/${team.id}/members/$ref`, reference(id));
  assert.deepEqual(await changesOfARun(scene, people), ["create Joiner 1"]);
  await scene.redefine(people, { scope: { groups: { include: [team.displayName], transitive: true, ...scope } } });
  scene.simulator.faults.set([{ action: lag, path: "/groups/*/members" }]);
  return id;
}

for (const [what, scope] of Object.entries({
  "no group of the scope": {},
  "no group of the scope, which leaves a nested one out": { exclude: [nested.displayName] },
})) {
  test(`who was made a short while ago, and whom a lagging copy lists in ${what}, does not leave it by that`, async () => {
    await narrowed(scope, [users[3]?.id ?? ""]);
    const left = "exclude" in scope ? [`disable ${users[3]?.displayName}`] : [];
    assert.deepEqual(await changesOfARun(scene, people), left);
    scene.simulator.faults.clear();
    // The read that is repeated within a day lists everybody.
    clock.advance(21 * HOUR);
    assert.deepEqual(await changesOfARun(scene, people), []);
  });
}

for (const [what, filters] of [
  ["alone", undefined],
  ["with a role that its groups give", [[{ attribute: "appRoles", operator: "EQUALS", value: "Desk.Admin" } as const]]],
] as const) {
  test(`who is young, and whom a lagging copy lists in no group that is assigned to the application, ${what}, does not leave the scope`, async () => {
    clock = testClock();
    const memberships = { [team.id]: users.map(({ id }) => id) };
    const directory = { users, groups: [team], memberships };
    scene = await openScene({ clock, simulator: { tenant: directory, roles: ROLES } });
    const named = { value: "Desk.Admin", displayName: "Admin", description: "Admin", allowedMemberTypes: ["User"] };
    const appRoles = [{ ...named, id: ADMIN, isEnabled: true }];
    const app = (await scene.graph("POST", "/applications", { displayName: "Desk", appRoles })) as { appId: string };
    const { id: principal } = (await scene.graph("POST", "/servicePrincipals", { appId: app.appId })) as { id: string };
    const body = { principalId: team.id, resourceId: principal, appRoleId: ADMIN };
    await scene.graph("POST", `/servicePrincipals/${principal}/appRoleAssignedTo`, body);
    people = await scene.addSync("people", "portal", { records: "requester", guard });
    await scene.run(people);
    const { id } = (await scene.graph("POST", "/users", newUser("Joiner 1"))) as { readonly id: string };
    await scene.graph("POST", `/groups/${team.id}/members/$ref`, reference(id));
    assert.deepEqual(await changesOfARun(scene, people), ["create Joiner 1"]);
    const assigned = { application: app.appId, transitive: true };
    await scene.redefine(people, { scope: { assigned, ...(filters === undefined ? {} : { filters }) } });
    scene.simulator.faults.set([{ action: lag, path: "/groups/*/members" }]);
    assert.deepEqual(await changesOfARun(scene, people), []);
    scene.simulator.faults.clear();
    clock.advance(21 * HOUR);
    assert.deepEqual(await changesOfARun(scene, people), []);
  });
}

test("who is no longer young and is still listed in no group of the scope leaves it", async () => {
  const id = await narrowed();
  scene.simulator.faults.clear();
  await scene.graph("DELETE", `/groups/${team.id}/members/${id}/$ref`);
  assert.deepEqual(await changesOfARun(scene, people), []);
  clock.advance(7 * HOUR);
  assert.deepEqual(await changesOfARun(scene, people), ["disable Joiner 1"]);
});

test("who is young, listed in no group of the scope, and disabled at the source is disabled at once", async () => {
  const id = await narrowed();
  await scene.graph("PATCH", `/users/${id}`, { accountEnabled: false });
  assert.deepEqual(await changesOfARun(scene, people), ["disable Joiner 1"]);
});

test("who is young and was in a group that left the scope's group leaves the scope at once", async () => {
  clock = testClock();
  const memberships = { [team.id]: [...users.map(({ id }) => id), nested.id] };
  scene = await openScene({ clock, simulator: { tenant: { users, groups: [team, nested], memberships } } });
  const scope = { groups: { include: [team.displayName], transitive: true } };
  people = await scene.addSync("people", "portal", { records: "requester", guard, scope });
  await scene.run(people);
  const { id } = (await scene.graph("POST", "/users", newUser("Joiner 1"))) as { readonly id: string };
  await scene.graph("POST", `/groups/${nested.id}/members/$ref`, reference(id));
  assert.deepEqual(await changesOfARun(scene, people), ["create Joiner 1"]);
  await scene.graph("DELETE", `/groups/${team.id}/members/${nested.id}/$ref`);
  assert.deepEqual(await changesOfARun(scene, people), ["disable Joiner 1"]);
});

test("who was made a short while ago and was taken out of the scope's group leaves it at once", async () => {
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users, groups: [team] } } });
  const scope = { groups: { include: [team.displayName], transitive: true } };
  people = await scene.addSync("people", "portal", { records: "requester", guard, scope });
  await scene.run(people);
  const { id } = (await scene.graph("POST", "/users", newUser("Joiner 1"))) as { readonly id: string };
  await scene.graph("POST", `/groups/${team.id}/members/$ref`, reference(id));
  assert.deepEqual(await changesOfARun(scene, people), ["create Joiner 1"]);
  await scene.graph("DELETE", `/groups/${team.id}/members/${id}/$ref`);
  assert.deepEqual(await changesOfARun(scene, people), ["disable Joiner 1"]);
});
