import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { FaultAction, TenantFile } from "@entrain/simulator";
import type { Location } from "../store/store.ts";
import { eachEngine } from "../store/testing.ts";
import { changesOfARun, inShort, plannedIn, scimUser } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, reference } from "./testing/tenant.ts";
import { DAY, testClock } from "./testing/time.ts";

let scene: Scene;
let sync: string;
let principal: string;
let place: () => Promise<Location>;
afterEach(() => scene.close());

/** The guard has tests of its own; a scene of six people would always trip it. */
const wide = { percent: 100, count: 500, windowMs: DAY };
const guard = { removals: wide, members: wide };
const ROLES = [
  "User.ReadWrite.All",
  "Group.ReadWrite.All",
  "Application.ReadWrite.All",
  "AppRoleAssignment.ReadWrite.All",
];
const ADMIN = "11111111-1111-4111-8111-111111111111";
const READER = "22222222-2222-4222-8222-222222222222";
const NO_ROLE = "00000000-0000-0000-0000-000000000000";

const users = crowd(6);
const [one = "", two = "", three = "", four = "", five = "", six = ""] = users.map(({ id }) => id);
const [outer, inner] = [group("Outer"), group("Inner")];
const tenant: TenantFile = {
  users,
  groups: [outer, inner],
  memberships: { [outer.id]: [two, inner.id], [inner.id]: [three] },
};

/** An enterprise application with two roles, and a sync of whoever is assigned to it. */
async function open(more: { readonly transitive?: boolean; readonly byObjectId?: boolean } = {}): Promise<void> {
  scene = await openScene({ clock: testClock(), location: await place(), simulator: { tenant, roles: ROLES } });
  const role = (id: string, value: string) => ({
    ...{ id, value, displayName: value, description: value, isEnabled: true, allowedMemberTypes: ["User"] },
  });
  const appRoles = [role(ADMIN, "Desk.Admin"), role(READER, "Desk.Read")];
  const app = (await scene.graph("POST", "/applications", { displayName: "Desk", appRoles })) as { appId: string };
  const made = (await scene.graph("POST", "/servicePrincipals", { appId: app.appId })) as { id: string };
  principal = made.id;
  const application = more.byObjectId === true ? principal : app.appId;
  sync = await scene.addSync("people", "scim", {
    records: "user",
    scope: { assigned: { application, transitive: more.transitive ?? true } },
    mapping: {
      userName: { direct: "userPrincipalName" },
      externalId: { direct: "id" },
      displayName: { direct: "displayName" },
      title: { direct: "appRoles.0", whenEmpty: "clear" },
    },
    guard,
  });
}

async function assign(who: string, appRoleId: string = NO_ROLE): Promise<string> {
  const body = { principalId: who, resourceId: principal, appRoleId };
  const made = await scene.graph("POST", `/servicePrincipals/${principal}/appRoleAssignedTo`, body);
  return (made as { readonly id: string }).id;
}

async function unassign(id: string): Promise<void> {
  await scene.graph("DELETE", `/servicePrincipals/${principal}/appRoleAssignedTo/${id}`);
}

eachEngine((engine) => {
  beforeEach(() => {
    place = () => engine.place();
  });

  test("takes who is assigned to an application, people and whole groups, and follows who comes and goes", async () => {
    await open();
    await assign(one);
    await assign(six);
    const outerAssigned = await assign(outer.id);
    assert.deepEqual(await changesOfARun(scene, sync), [
      "create Person 0001",
      "create Person 0002",
      "create Person 0003",
      "create Person 0006",
    ]);
    assert.deepEqual(await changesOfARun(scene, sync), []);
    const fourAssigned = await assign(four);
    await scene.graph("POST", `/groups/${inner.id}/members/$ref`, reference(five));
    assert.deepEqual(await changesOfARun(scene, sync), ["create Person 0004", "create Person 0005"]);
    await unassign(outerAssigned);
    assert.deepEqual(await changesOfARun(scene, sync), [
      "disable Person 0002",
      "disable Person 0003",
      "disable Person 0005",
    ]);
    await unassign(fourAssigned);
    await assign(inner.id);
    assert.deepEqual(await changesOfARun(scene, sync), [
      "disable Person 0004",
      "enable Person 0003",
      "enable Person 0005",
    ]);
    assert.deepEqual(await changesOfARun(scene, sync), []);
  });

  test("takes the members of assigned groups alone, as Entra does, where nesting does not count", async () => {
    await open({ transitive: false, byObjectId: true });
    const outerAssigned = await assign(outer.id);
    assert.deepEqual(await changesOfARun(scene, sync), ["create Person 0002"]);
    await assign(inner.id);
    assert.deepEqual(await changesOfARun(scene, sync), ["create Person 0003"]);
    await unassign(outerAssigned);
    assert.deepEqual(await changesOfARun(scene, sync), ["disable Person 0002"]);
  });

  test("maps the roles that people have themselves and through groups, and follows a change of role alone", async () => {
    await open();
    const before = await assign(one, READER);
    await assign(outer.id, READER);
    await assign(three, ADMIN);
    await scene.run(sync);
    const titles = () => [one, two, three].map((id) => scimUser(scene.scim, id)?.title ?? null);
    assert.deepEqual(titles(), ["Desk.Read", "Desk.Read", "Desk.Admin"]);
    await assign(one, ADMIN);
    await unassign(before);
    await assign(outer.id, ADMIN);
    assert.deepEqual(await changesOfARun(scene, sync), ["update Person 0001", "update Person 0002"]);
    assert.deepEqual(titles(), ["Desk.Admin", "Desk.Admin", "Desk.Admin"]);
  });

  test("removes nobody after a failed, empty or shortened read, and does once the assignment is really gone", async () => {
    await open();
    const ids = [await assign(one), await assign(two), await assign(three)];
    assert.equal((await changesOfARun(scene, sync)).length, 3);
    const path = `/servicePrincipals/${principal}/appRoleAssignedTo`;
    const actions: readonly FaultAction[] = [
      { type: "status", status: 403 },
      { type: "status", status: 503 },
      { type: "html" },
      { type: "truncate" },
      { type: "no-value" },
      { type: "ends-empty" },
    ];
    for (const action of actions) {
      scene.simulator.faults.set([{ method: "GET", path, action }]);
      const run = await scene.run(sync);
      assert.equal(run.result, action.type === "ends-empty" ? "succeeded" : "failed", action.type);
      assert.deepEqual(inShort(await plannedIn(scene.store, run.run)), [], action.type);
    }
    const lookedUp = scene.simulator.requests.list(`${path}/`).length;
    assert.equal(lookedUp, ids.length, "who was missing from the empty list was not looked up");
    scene.simulator.faults.set([]);
    assert.deepEqual(await changesOfARun(scene, sync), []);
    await unassign(ids[1] ?? "");
    assert.deepEqual(await changesOfARun(scene, sync), ["disable Person 0002"]);
  });

  test("plans nobody for an application that the tenant does not have, and names the permission that is missing", async () => {
    await open();
    await assign(one);
    await changesOfARun(scene, sync);
    scene.simulator.setRoles(ROLES.slice(0, 2));
    await scene.redefine(sync, {});
    const refused = await scene.run(sync);
    assert.equal(refused.result, "failed");
    assert.match(refused.error?.message ?? "", /Application\.Read\.All/);
    scene.simulator.setRoles(ROLES);
    await scene.redefine(sync, { scope: { assigned: { application: ADMIN, transitive: true } } });
    const unknown = await scene.run(sync);
    assert.deepEqual([unknown.result, unknown.error?.code], ["failed", "config_invalid"]);
    assert.equal(scimUser(scene.scim, one)?.active, true);
  });
});
