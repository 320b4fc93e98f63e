import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { TenantFile } from "@entrain/simulator";
import { showPerson } from "./people.ts";
import { changesOfARun, inShort, plannedIn } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { person } from "./testing/tenant.ts";
import { DAY, testClock } from "./testing/time.ts";

let scene: Scene;
let sync: string;
afterEach(() => scene.close());

const E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965";
const E5 = "06ebc4ee-1bb5-47dd-8120-11324bc54e06";
const NEVER_BOUGHT = "05e9a617-0261-4cee-bb44-138d3ef5d966";
const READING = ["User.ReadWrite.All", "Group.ReadWrite.All"];
const FULL = [...READING, "LicenseAssignment.ReadWrite.All"];
const wide = { percent: 100, count: 500, windowMs: DAY };

const licensed = (name: string, ...skuIds: readonly string[]) =>
  person(name, { assignedLicenses: skuIds.map((skuId) => ({ skuId, disabledPlans: [] })) });
const [ana, bo, cy] = [licensed("Ana", E3), licensed("Bo", E3), licensed("Cy")];

async function open(licences: readonly string[], roles: readonly string[] = FULL): Promise<void> {
  const tenant: TenantFile = { users: [ana, bo, cy], groups: [] };
  const read = licences.includes(E3) ? "assignedLicenses" : "licences";
  const attributes = ["accountEnabled", "displayName", "userPrincipalName", "mail", "mailNickname", read];
  scene = await openScene({ clock: testClock(), simulator: { tenant, roles }, attributes });
  const guard = { removals: wide, members: wide };
  sync = await scene.addSync("people", "scim", { records: "user", scope: { licensed: licences }, guard });
}

/** What a run did, although it ended with issues. */
async function done(): Promise<readonly string[]> {
  return inShort(await plannedIn(scene.store, (await scene.run(sync)).run));
}

async function said(): Promise<readonly string[]> {
  const { plan } = await scene.plan(sync);
  const rows = await scene.store.db.selectFrom("plan_issues").selectAll().where("plan", "=", plan.id).execute();
  return rows.filter(({ object_id }) => object_id === null).map(({ code, detail }) => `${code} ${detail}`);
}

const taken = (from: { id: string }) =>
  scene.graph("POST", `/users/${from.id}/assignLicense`, { addLicenses: [], removeLicenses: [E3] });

test("a licence that the tenant lacks is an issue of the plan that names the nearest one, and lets nobody leave until it is corrected", async () => {
  await open(["SPE_E3"]);
  assert.deepEqual(await changesOfARun(scene, sync), ["create Ana", "create Bo"]);
  assert.deepEqual(await said(), []);
  await scene.redefine(sync, { scope: { licensed: ["SPE_E33"] } });
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.disable], ["partial", 0], JSON.stringify(run));
  assert.deepEqual(await said(), [
    'licence_unknown scope.licensed[0]: the tenant has no licence "SPE_E33"; nobody leaves the target for want of it; did you mean "SPE_E3"?',
  ]);
  await taken(bo);
  assert.deepEqual(await done(), [], "who loses a licence meanwhile stays, too");
  const [shown] = await showPerson(scene.engine, bo.id);
  assert.match(shown?.syncs[0]?.reason ?? "", /the tenant is not known to have the licence SPE_E33/);
  await scene.redefine(sync, { scope: { licensed: ["spe_e3"] } });
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Bo"]);
  assert.deepEqual(await said(), []);
});

test("a licence that the tenant buys later ends the issue, and who lacks it leaves then", async () => {
  await open(["SPE_E3"]);
  await scene.run(sync);
  await taken(ana);
  scene.simulator.tenancy.setLicences([]);
  assert.deepEqual(await done(), [], "a subscription that ended takes nobody out");
  assert.match((await said()).join(), /the tenant has no licence "SPE_E3"/);
  scene.simulator.tenancy.setLicences(["SPE_E3", "SPE_E5"]);
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Ana"]);
});

test("a licence of the tenant that nobody has is none that is unknown", async () => {
  await open(["SPE_E5", E5.toUpperCase()]);
  assert.deepEqual(await said(), []);
  assert.deepEqual(await changesOfARun(scene, sync), []);
});

test("a service plan is told from a licence, with the licences that hold it", async () => {
  await open(["TEAMS1"]);
  assert.deepEqual(await said(), [
    'licence_unknown scope.licensed[0]: "TEAMS1" is a service plan, and a scope takes the licences that hold it, in this tenant SPE_E3, SPE_E5, SPE_F1; nobody leaves the target for want of it',
  ]);
});

test("without the permission those licences are known that somebody in the directory has or had, and the issue says so", async () => {
  await open([E3, NEVER_BOUGHT], READING);
  assert.deepEqual(await done(), ["create Ana", "create Bo"]);
  const [issue = "", ...more] = await said();
  assert.deepEqual(more, []);
  assert.match(issue, /^licence_unknown scope\.licensed\[1\]: nobody in the directory has or had the licence/);
  assert.match(
    issue,
    /lacks the permission LicenseAssignment\.Read\.All; nobody leaves .* of it; did you mean "05e9a617-.*d965"\?/,
  );
  await scene.redefine(sync, { scope: { licensed: [E3] } });
  assert.deepEqual(await said(), []);
  scene.simulator.setRoles(FULL);
  for (const one of [ana, bo]) await taken(one);
  scene.simulator.setRoles(READING);
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Ana", "disable Bo"], "had by somebody, it is known");
});
