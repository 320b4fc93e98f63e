import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Scope } from "@entrain/core";
import type { TenantFile } from "@entrain/simulator";
import { asScopeSees } from "./managers.ts";
import { showPerson } from "./people.ts";
import { changesIn, changesOfARun, inShort, plannedIn, scimUser } from "./testing/observe.ts";
import { openScene, type Scene, type SceneOptions } from "./testing/scene.ts";
import { crowd, group, person, reference } from "./testing/tenant.ts";
import { DAY, testClock } from "./testing/time.ts";

let scene: Scene;
let sync: string;
afterEach(() => scene.close());

/** The guard has tests of its own; a scene of a few people would always trip it. */
const wide = { percent: 100, count: 500, windowMs: DAY };
const guard = { removals: wide, members: wide };

async function open(simulator: SceneOptions["simulator"] & object, scope: Scope): Promise<void> {
  scene = await openScene({ clock: testClock(), simulator });
  sync = await scene.addSync("people", "scim", { records: "user", scope, guard });
}

/** Changes of a run with their reasons, sorted. */
async function reasonsOfARun(): Promise<readonly string[]> {
  const run = await scene.run(sync);
  assert.equal(run.result, "succeeded", JSON.stringify(run));
  return (await plannedIn(scene.store, run.run))
    .map(({ action, name, reason }) => `${action} ${name}: ${reason}`)
    .sort();
}

const member = (at: { id: string }, who: string) =>
  scene.graph("POST", `/groups/${at.id}/members/$ref`, reference(who));
const leave = (at: { id: string }, who: string) => scene.graph("DELETE", `/groups/${at.id}/members/${who}/$ref`);
const rename = (at: { id: string }, displayName: string) => scene.graph("PATCH", `/groups/${at.id}`, { displayName });

const [one, two, three] = crowd(3);
if (one === undefined || two === undefined || three === undefined) throw new Error("a crowd of three");
const [top, middle, lower, bottom, side] = [
  group("Top"),
  group("Middle"),
  group("Lower"),
  group("Bottom"),
  group("Side"),
];

/** Person 0001 four levels below Top, and once more by Side. */
const twoPaths: TenantFile = {
  users: [one, two],
  groups: [top, middle, lower, bottom, side],
  memberships: {
    [top.id]: [middle.id, side.id, two.id],
    [middle.id]: [lower.id],
    [lower.id]: [bottom.id],
    [bottom.id]: [one.id],
    [side.id]: [one.id],
  },
};

test("who is reached over four levels and two paths stays while one remains, and leaves with the group named", async () => {
  for (const cut of [() => leave(bottom, one.id), () => leave(middle, lower.id), () => leave(top, middle.id)]) {
    await open({ tenant: twoPaths }, { groups: { include: ["Top"], transitive: true } });
    assert.deepEqual(await reasonsOfARun(), [
      "create Person 0001: New: member of Top",
      "create Person 0002: New: member of Top",
    ]);
    await cut();
    assert.deepEqual(await reasonsOfARun(), []);
    await leave(side, one.id);
    assert.deepEqual(await reasonsOfARun(), [
      "disable Person 0001: Left scope: not a member of Top; set to active: false",
    ]);
    assert.equal(scimUser(scene.scim, one.id)?.active, false);
    const [shown] = await showPerson(scene.engine, one.id);
    assert.match(shown?.syncs[0]?.reason ?? "", /not a member of Top/);
    assert.deepEqual(await reasonsOfARun(), []);
    await scene.close();
  }
  await open({ tenant: twoPaths }, { groups: { include: ["Top"], transitive: true } });
  await scene.run(sync);
  await leave(side, one.id);
  assert.deepEqual(await reasonsOfARun(), [], "the long path alone");
  await leave(lower, bottom.id);
  assert.deepEqual(await reasonsOfARun(), [
    "disable Person 0001: Left scope: not a member of Top; set to active: false",
  ]);
});

test("who is in an excluded group is out although an included one has them, by nesting too, and follows either", async () => {
  const memberships = { [top.id]: [one.id, two.id], [side.id]: [bottom.id], [bottom.id]: [two.id] };
  const groups = { include: ["Top"], exclude: ["Side"], transitive: true };
  await open({ tenant: { ...twoPaths, memberships } }, { groups });
  assert.deepEqual(await reasonsOfARun(), ["create Person 0001: New: not a member of Side and member of Top"]);
  await member(side, one.id);
  await leave(bottom, two.id);
  assert.deepEqual(await reasonsOfARun(), [
    "create Person 0002: New: not a member of Side and member of Top",
    "disable Person 0001: Left scope: member of Side, which is excluded; set to active: false",
  ]);
  await member(bottom, two.id);
  await leave(side, one.id);
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Person 0002", "enable Person 0001"]);
  await leave(side, bottom.id);
  assert.deepEqual(await changesOfARun(scene, sync), ["enable Person 0002"]);
});

test("nesting counts for each list by itself", async () => {
  const memberships = { [top.id]: [middle.id, two.id], [middle.id]: [one.id], [side.id]: [bottom.id] };
  const tenant = { ...twoPaths, users: [one, two, three], memberships: { ...memberships, [bottom.id]: [two.id] } };
  const groups = { include: ["Top"], exclude: [side.id] };
  await open({ tenant }, { groups: { ...groups, transitive: { include: true, exclude: false } } });
  assert.deepEqual(await changesOfARun(scene, sync), ["create Person 0001", "create Person 0002"]);
  await scene.redefine(sync, { scope: { groups: { ...groups, transitive: { include: false, exclude: true } } } });
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Person 0001", "disable Person 0002"]);
});

test("an excluded group that is deleted stops the sync, and lets nobody in", async () => {
  const memberships = { [side.id]: [one.id] };
  await open({ tenant: { ...twoPaths, memberships } }, { groups: { exclude: ["Side"], transitive: true } });
  assert.deepEqual(await changesOfARun(scene, sync), ["create Person 0002"]);
  await scene.graph("DELETE", `/groups/${side.id}`);
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.error?.code], ["failed", "config_invalid"]);
  assert.match(run.error?.message ?? "", /"Side" is not in the directory/);
  assert.equal(scimUser(scene.scim, one.id), undefined);
});

test("a group that hides its members from the application stops the sync, in either list, and lets nobody in", async () => {
  const hidden = group("Hidden", { visibility: "HiddenMembership" });
  const memberships = { [top.id]: [one.id, two.id], [side.id]: [hidden.id], [hidden.id]: [one.id] };
  const tenant = { ...twoPaths, groups: [top, side, hidden], memberships };
  const roles = ["User.ReadWrite.All", "Group.ReadWrite.All"];
  const excluding: Scope = { groups: { include: ["Top"], exclude: ["Side"], transitive: true } };
  await open({ tenant, roles }, excluding);
  for (const scope of [excluding, { groups: { include: ["Hidden"], transitive: false } }]) {
    await scene.redefine(sync, { scope });
    const run = await scene.run(sync);
    assert.deepEqual([run.result, run.error?.code], ["failed", "permission_missing"]);
    assert.match(run.error?.message ?? "", /group "Hidden" hides its members.* Member\.Read\.Hidden/);
  }
  assert.equal(scimUser(scene.scim, one.id), undefined);
  scene.simulator.setRoles([...roles, "Member.Read.Hidden"]);
  assert.deepEqual(await changesOfARun(scene, sync), ["create Person 0001"]);
  await scene.redefine(sync, { scope: excluding });
  assert.deepEqual(await changesOfARun(scene, sync), ["create Person 0002", "disable Person 0001"]);
});

test("a name that passes from one group to another brings that one's people, and lets the others leave", async () => {
  const memberships = { [top.id]: [one.id], [side.id]: [two.id] };
  await open({ tenant: { ...twoPaths, memberships } }, { groups: { include: ["Top"], transitive: true } });
  assert.deepEqual(await changesOfARun(scene, sync), ["create Person 0001"]);
  await rename(top, "Former");
  await rename(side, "Top");
  assert.deepEqual(await changesOfARun(scene, sync), ["create Person 0002", "disable Person 0001"]);
  assert.deepEqual(await changesOfARun(scene, sync), []);
});

const [ana, bo, cy] = [person("Ana"), person("Bo", { department: "Legal" }), person("Cy")];
/** Cy reports to Ana, Ana to Bo. */
const reporting: TenantFile = {
  users: [ana, bo, cy],
  groups: [],
  managers: { [cy.id]: ana.id, [ana.id]: bo.id },
};
const setManager = (of: { id: string }, to: { id: string }) =>
  scene.graph("PUT", `/users/${of.id}/manager/$ref`, reference(to.id));
const ofManagers = (attribute: string, value: string): Scope => ({
  filters: [[{ attribute, operator: "EQUALS", value }]],
});

test("who reports to somebody follows that person's department, and a new manager", async () => {
  await open({ tenant: reporting }, ofManagers("manager.department", "Sales"));
  assert.deepEqual(await reasonsOfARun(), ["create Cy: New: manager.department is Sales"]);
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Legal" });
  assert.deepEqual(await reasonsOfARun(), [
    "disable Cy: Left scope: manager.department is Legal, not Sales; set to active: false",
  ]);
  await scene.graph("PATCH", `/users/${bo.id}`, { department: "Sales" });
  assert.deepEqual(await changesOfARun(scene, sync), ["create Ana"]);
  await setManager(cy, bo);
  assert.deepEqual(await changesOfARun(scene, sync), ["enable Cy"]);
  assert.deepEqual(await changesOfARun(scene, sync), []);
});

test("who reports to a named person is found by object id and by a user principal name that changes", async () => {
  await open({ tenant: reporting }, ofManagers("manager", "ana@contoso.com"));
  assert.deepEqual(await reasonsOfARun(), ["create Cy: New: manager is ana@contoso.com"]);
  await scene.graph("PATCH", `/users/${ana.id}`, { userPrincipalName: "ana.ortiz@contoso.com" });
  assert.deepEqual(await reasonsOfARun(), [
    "disable Cy: Left scope: manager is ana.ortiz@contoso.com, not ana@contoso.com; set to active: false",
  ]);
  await scene.redefine(sync, { scope: ofManagers("manager", ana.id) });
  assert.deepEqual(await changesOfARun(scene, sync), ["enable Cy"]);
  await scene.redefine(sync, { scope: { filters: [[{ attribute: "manager", operator: "IS NULL" }]] } });
  assert.deepEqual(await changesOfARun(scene, sync), ["create Bo", "disable Cy"]);
});

test("a plan is stale where the manager changed sides before it was applied", async () => {
  await open({ tenant: reporting }, ofManagers("manager.department", "Sales"));
  const { plan } = await scene.plan(sync);
  assert.deepEqual(inShort(await changesIn(scene.store, plan.id)), ["create Cy"]);
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Legal" });
  const applied = await scene.apply(sync, plan.digest ?? "");
  assert.deepEqual([applied.counts.create, applied.error?.code], [0, "plan_stale"]);
  assert.equal(scimUser(scene.scim, cy.id), undefined);
});

test("a manager whom a shrunken round found gone takes nobody out of scope", () => {
  const record = { kind: "user", id: cy.id, attributes: {}, manager: ana.id, removed: null } as const;
  const manager = { ...record, id: ana.id, attributes: { department: "Sales" }, removed: "hard" } as const;
  assert.deepEqual(asScopeSees(record, { ...manager, doubtful: "shrunken" }).managerAttributes, {
    department: "Sales",
  });
  assert.equal(asScopeSees(record, manager), record);
});

test("people are named in and out beside the filters, and one alone is a scope", async () => {
  const filters = [[{ attribute: "department", operator: "EQUALS", value: "Sales" }]] as const;
  await open({ tenant: reporting }, { filters, people: { include: [bo.id], exclude: ["cy@contoso.com"] } });
  assert.deepEqual(await reasonsOfARun(), [
    "create Ana: New: department is Sales",
    "create Bo: New: named among the people whom the scope includes",
  ]);
  await scene.redefine(sync, { scope: { people: { include: ["BO@contoso.com"] } } });
  assert.deepEqual(await reasonsOfARun(), [
    "disable Ana: Left scope: not among the people whom the scope includes; set to active: false",
  ]);
});

test("people only are everybody of a generated company but its mailboxes, rooms, equipment and services", async () => {
  await open({ people: 400, groups: 6, seed: 7 }, { peopleOnly: true, guests: "exclude" });
  const { plan } = await scene.plan(sync);
  const planned = new Set((await changesIn(scene.store, plan.id)).map(({ objectId }) => objectId));
  const rows = await scene.store.db
    .selectFrom("records")
    .select(["id", "attributes"])
    .where("kind", "=", "user")
    .execute();
  const leftOut = rows.flatMap(({ id, attributes }) => {
    const { accountEnabled, userType, displayName } = JSON.parse(attributes);
    return planned.has(id) || userType === "Guest" || accountEnabled === false ? [] : [String(displayName)];
  });
  assert.ok(planned.size > 250, `${planned.size} planned`);
  assert.ok(leftOut.length > 0);
  // What is enabled and nobody's is a service's; mailboxes, rooms and equipment are disabled.
  for (const name of leftOut) assert.match(name, /^(svc|adm|emergency|sync)-/);
});

test("a person whom a scope names and nobody is becomes an issue of the plan that names the place, until it is corrected", async () => {
  await open({ tenant: { users: [one, two], groups: [] } }, { people: { include: [one.id, "Nobody@contoso.com"] } });
  const said = async (): Promise<readonly string[]> => {
    const { plan, issues } = await scene.plan(sync);
    const rows = await scene.store.db.selectFrom("plan_issues").selectAll().where("plan", "=", plan.id).execute();
    assert.equal(issues, rows.length);
    return rows.map(({ code, detail }) => `${code} ${detail}`);
  };
  assert.deepEqual(await said(), ['person_unknown scope.people.include: nobody is "Nobody@contoso.com"']);
  assert.equal((await scene.run(sync)).counts.create, 1);
  await scene.redefine(sync, { scope: { people: { include: [one.id.toUpperCase(), two.userPrincipalName ?? ""] } } });
  assert.deepEqual(await said(), []);
});
