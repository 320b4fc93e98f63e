import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Change } from "@entrain/core";
import type { GraphGroup, GraphUser, TenantFile } from "@entrain/simulator";
import { makeFiftyChanges } from "./testing/fifty.ts";
import { plannedIn, scimWrites } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, type Known } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
let people: string;
let groups: string;
afterEach(() => scene.close());

/** Named once more in the assertions, so that a change of the default shows. */
const MOST_REQUESTS = 10;

/** A tenant of plain people, every tenth a manager of the nine behind, in groups of a hundred. */
function company(
  size: number,
): TenantFile & { readonly people: Known<GraphUser>[]; readonly teams: Known<GraphGroup>[] } {
  const users = crowd(size);
  const teams = Array.from({ length: 10 }, (_, at) => group(`Team ${at}`));
  const late = users.slice(60);
  const memberships = Object.fromEntries(
    teams.map(({ id }, at) => [id, late.slice(at * 100, at * 100 + 100).map((one) => one.id)]),
  );
  const managers = Object.fromEntries(
    late.flatMap(({ id }, at) => (at % 10 === 0 ? [] : [[id, late[at - (at % 10)]?.id ?? ""]])),
  );
  return { users, groups: teams, memberships, managers, people: users.slice(0, 50), teams };
}

const said = (changes: readonly Change[]): readonly string[] =>
  changes
    .map(({ action, cause, name, add, remove }) => {
      const members = action === "members" ? ` +${add.length} -${remove.length}` : "";
      return `${action} ${cause} ${name}${members}`;
    })
    .sort();

async function inStep(target: "portal" | "scim", size: number): Promise<ReturnType<typeof company>> {
  const { people: some, teams, ...tenant } = company(size);
  scene = await openScene({ clock: testClock(), simulator: { tenant } });
  people = await scene.addSync("people", target, { records: target === "portal" ? "requester" : "user" });
  groups = await scene.addSync("groups", target, { records: "group" });
  for (const sync of [people, groups]) assert.equal((await scene.run(sync)).result, "succeeded");
  return { people: some, teams, ...tenant };
}

async function requestsOf(sync: string, expected: readonly string[]): Promise<number> {
  scene.simulator.requests.clear();
  const run = await scene.run(sync);
  assert.equal(run.result, "succeeded", JSON.stringify(run));
  const changes = await plannedIn(scene.store, run.run);
  assert.deepEqual(said(changes), expected);
  for (const { reason, name } of changes) assert.ok(reason.length > 5, `${name} has a reason`);
  return scene.simulator.requests.count;
}

for (const target of ["portal", "scim"] as const) {
  test(`a second run of 1,000 people and their groups into ${target} plans nothing and writes nothing`, async () => {
    await inStep(target, 1000);
    const before = scene.scim.requests.length;
    for (const sync of [people, groups, people, groups]) assert.ok((await requestsOf(sync, [])) <= MOST_REQUESTS);
    assert.deepEqual(scimWrites(scene.scim, before), []);
    scene.simulator.expireDeltaTokens();
    for (const sync of [people, groups]) await requestsOf(sync, []);
    assert.deepEqual(scimWrites(scene.scim, before), [], "nor does a full round");
  });

  test(`after 50 changes among 1,000 people a run into ${target} plans exactly those, by kind and reason, with at most 10 Graph requests, the token's included`, async () => {
    const { people: some, teams } = await inStep(target, 1000);
    const fifty = await makeFiftyChanges(scene, { people: some, groups: teams });
    assert.ok((await requestsOf(people, fifty.people)) <= MOST_REQUESTS);
    assert.ok((await requestsOf(groups, fifty.groups)) <= MOST_REQUESTS);
    await requestsOf(people, []);
    await requestsOf(groups, []);
  });
}

test("after 50 changes among 100,000 people a run into portal plans exactly those, with at most 10 Graph requests", async () => {
  const { people: some, teams } = await inStep("portal", 100_000);
  const fifty = await makeFiftyChanges(scene, { people: some, groups: teams });
  assert.ok((await requestsOf(people, fifty.people)) <= MOST_REQUESTS);
  assert.ok((await requestsOf(groups, fifty.groups)) <= MOST_REQUESTS);
  await requestsOf(people, []);
  await requestsOf(groups, []);
});

test("the reasons of changes name the attributes, from and to", async () => {
  const { people: some } = await inStep("portal", 1000);
  await scene.graph("PATCH", `/users/${some[0]?.id}`, { department: "Reorganised" });
  const [change] = await plannedIn(scene.store, (await scene.run(people)).run);
  assert.match(change?.reason ?? "", /department.*Sales.*Reorganised/);
  assert.deepEqual([change?.before?.department, change?.after?.department], ["Sales", "Reorganised"]);
});

test("a preview plans the same changes with the same digest as often as asked, and writes nothing", async () => {
  const { people: some, teams } = await inStep("scim", 1000);
  const fifty = await makeFiftyChanges(scene, { people: some, groups: teams });
  const before = scene.scim.requests.length;
  const [first, second] = [await scene.plan(people), await scene.plan(people)];
  assert.equal(first.plan.digest, second.plan.digest);
  assert.deepEqual(scimWrites(scene.scim, before), []);
  await requestsOf(people, fifty.people);
});
