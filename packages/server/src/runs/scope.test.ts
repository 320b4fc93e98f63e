import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { TenantFile } from "@entrain/simulator";
import type { Engine } from "./context.ts";
import { runSync } from "./run.ts";
import { changesOfARun, plannedIn, scimUser } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, person, reference } from "./testing/tenant.ts";
import { DAY, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let clock: TestClock;
let sync: string;
afterEach(() => scene.close());

/** The guard has tests of its own; a scene of four people would always trip it. */
const wide = { percent: 100, count: 500, windowMs: DAY };
const guard = { removals: wide, members: wide };

async function open(tenant: TenantFile, scope: object): Promise<void> {
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant } });
  sync = await scene.addSync("people", "scim", { records: "user", scope, guard });
}

const inSales = { filters: [[{ attribute: "department", operator: "EQUALS", value: "Sales" }]] };
const ana = person("Ana");

test("a person who leaves scope is disabled, and on return the same record is enabled again, brought up to date", async () => {
  await open({ users: [ana, person("Bo")], groups: [] }, inSales);
  await scene.run(sync);
  const id = scimUser(scene.scim, ana.id)?.id;
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Legal" });
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Ana"]);
  assert.equal(scimUser(scene.scim, ana.id)?.active, false);
  assert.deepEqual(await changesOfARun(scene, sync), []);
  await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Counsel" });
  assert.deepEqual(await changesOfARun(scene, sync), [], "a record out of scope is left alone");
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Sales" });
  assert.deepEqual(await changesOfARun(scene, sync), ["enable Ana"]);
  const returned = scimUser(scene.scim, ana.id);
  assert.deepEqual([returned?.id, returned?.active, returned?.title], [id, true, "Counsel"]);
  assert.deepEqual(await changesOfARun(scene, sync), []);
});

test("a person who leaves for the deleted items and returns keeps their record", async () => {
  await open({ users: [ana, person("Bo")], groups: [] }, {});
  await scene.run(sync);
  const id = scimUser(scene.scim, ana.id)?.id;
  await scene.graph("DELETE", `/users/${ana.id}`);
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Ana"]);
  await scene.graph("POST", `/directory/deletedItems/${ana.id}/restore`);
  assert.deepEqual(await changesOfARun(scene, sync), ["enable Ana"]);
  assert.equal(scimUser(scene.scim, ana.id)?.id, id);
  await scene.graph("DELETE", `/users/${ana.id}`);
  await scene.graph("DELETE", `/directory/deletedItems/${ana.id}`);
  assert.deepEqual(await changesOfARun(scene, sync), ["delete Ana"]);
  assert.equal(scimUser(scene.scim, ana.id), undefined);
  assert.deepEqual(await changesOfARun(scene, sync), []);
});

test("a person who is disabled before ever being linked is not created", async () => {
  await open({ users: [ana, person("Bo", { accountEnabled: false })], groups: [] }, {});
  assert.deepEqual(await changesOfARun(scene, sync), ["create Ana"]);
});

test("a rename is an update of the same record, of the user name and every other attribute that changed", async () => {
  await open({ users: [ana], groups: [] }, {});
  await scene.run(sync);
  const id = scimUser(scene.scim, ana.id)?.id;
  const renamed = { userPrincipalName: "ana.married@contoso.com", displayName: "Ana Married", surname: "Married" };
  await scene.graph("PATCH", `/users/${ana.id}`, renamed);
  assert.deepEqual(await changesOfARun(scene, sync), ["update Ana Married"]);
  const after = scimUser(scene.scim, ana.id);
  assert.deepEqual([after?.id, after?.userName, after?.displayName], [id, "ana.married@contoso.com", "Ana Married"]);
});

const users = crowd(6);
const ids = users.map(({ id }) => id);
const [top, middle, bottom] = [group("Top"), group("Middle"), group("Bottom")];
const [one = "", two = "", three = "", four = ""] = ids;
const nested: TenantFile = {
  users,
  groups: [top, middle, bottom],
  memberships: { [top.id]: [one, middle.id], [middle.id]: [two, bottom.id], [bottom.id]: [three] },
};
const ofTop = (transitive: boolean) => ({ groups: { include: ["Top"], transitive } });
const member = (at: { id: string }, who: string) =>
  scene.graph("POST", `/groups/${at.id}/members/$ref`, reference(who));
const leave = (at: { id: string }, who: string) => scene.graph("DELETE", `/groups/${at.id}/members/${who}/$ref`);

test("a direct group scope takes the group's own people and nobody below; joiner and leaver by the membership alone", async () => {
  await open(nested, ofTop(false));
  assert.deepEqual(await changesOfARun(scene, sync), ["create Person 0001"]);
  await member(top, four);
  await leave(top, one);
  await member(middle, ids[4] ?? "");
  assert.deepEqual(await changesOfARun(scene, sync), ["create Person 0004", "disable Person 0001"]);
});

test("a transitive group scope takes three levels; joiner and leaver of the nested group by the membership alone", async () => {
  await open(nested, ofTop(true));
  assert.deepEqual(await changesOfARun(scene, sync), [
    "create Person 0001",
    "create Person 0002",
    "create Person 0003",
  ]);
  await member(bottom, four);
  assert.deepEqual(await changesOfARun(scene, sync), ["create Person 0004"]);
  await leave(bottom, three);
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Person 0003"]);
  assert.deepEqual(await changesOfARun(scene, sync), []);
});

test("a subtree that is cut off leaves scope with everyone in it, and returns with them", async () => {
  await open(nested, ofTop(true));
  await scene.run(sync);
  await leave(top, middle.id);
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Person 0002", "disable Person 0003"]);
  await member(top, middle.id);
  assert.deepEqual(await changesOfARun(scene, sync), ["enable Person 0002", "enable Person 0003"]);
});

test("two cuts at once, one below the other, let everyone below both leave", async () => {
  await open(nested, ofTop(true));
  await scene.run(sync);
  await leave(top, middle.id);
  await leave(middle, bottom.id);
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Person 0002", "disable Person 0003"]);
});

test("a nested group that is deleted lets its people, and those of the groups below it, leave", async () => {
  await open(nested, ofTop(true));
  await scene.run(sync);
  await scene.graph("DELETE", `/groups/${middle.id}`);
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Person 0002", "disable Person 0003"]);
});

test("a person in two ways stays while one way remains", async () => {
  await open({ ...nested, memberships: { [top.id]: [one, middle.id], [middle.id]: [one] } }, ofTop(true));
  await scene.run(sync);
  await leave(top, one);
  assert.deepEqual(await changesOfARun(scene, sync), []);
  await leave(middle, one);
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Person 0001"]);
});

test("a cycle in the scope's groups is walked once", async () => {
  const memberships = { [top.id]: [middle.id], [middle.id]: [top.id, two] };
  await open({ ...nested, memberships }, ofTop(true));
  assert.deepEqual(await changesOfARun(scene, sync), ["create Person 0002"]);
  await leave(top, middle.id);
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Person 0002"]);
});

test("a scope group that is deleted or renamed stops the sync and removes nobody", async () => {
  await open(nested, ofTop(true));
  await scene.run(sync);
  await scene.graph("PATCH", `/groups/${top.id}`, { displayName: "Renamed" });
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.error?.code], ["failed", "config_invalid"]);
  assert.match(run.error?.message ?? "", /"Top"/);
  await scene.graph("PATCH", `/groups/${top.id}`, { displayName: "Top" });
  assert.deepEqual(await changesOfARun(scene, sync), []);
});

test("a scope that is changed by the operator plans exactly the difference", async () => {
  await open({ users: [ana, person("Bo", { department: "Legal" })], groups: [] }, inSales);
  assert.deepEqual(await changesOfARun(scene, sync), ["create Ana"]);
  await scene.redefine(sync, { scope: {} });
  assert.deepEqual(await changesOfARun(scene, sync), ["create Bo"]);
  assert.deepEqual(await changesOfARun(scene, sync), []);
});

test("the reasons say why: joined by scope, left scope, deleted, disabled", async () => {
  await open({ users: [ana, person("Bo"), person("Cy"), person("Dee", { department: "Legal" })], groups: [] }, inSales);
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Legal" });
  await scene.graph("PATCH", `/users/${person("Bo").id}`, { accountEnabled: false });
  await scene.graph("DELETE", `/users/${person("Cy").id}`);
  await scene.graph("PATCH", `/users/${person("Dee").id}`, { department: "Sales" });
  const changes = await plannedIn(scene.store, (await scene.run(sync)).run);
  const causes = changes.map(({ name, cause, action }) => `${name} ${action} ${cause}`).sort();
  assert.deepEqual(causes, [
    "Ana disable outOfScope",
    "Bo disable disabled",
    "Cy disable softDeleted",
    "Dee create new",
  ]);
  assert.match(changes.find(({ name }) => name === "Ana")?.reason ?? "", /department.*Legal/i);
  clock.advance(DAY);
});

test("who left the scope's group stays while another sync's read of groups has failed, and leaves once one is good", async () => {
  const [staff, bo] = [group("Staff"), person("Bo")];
  const memberships = { [staff.id]: [ana.id, bo.id] };
  await open({ users: [ana, bo], groups: [staff], memberships }, { groups: { include: ["Staff"], transitive: false } });
  await scene.run(sync);
  await scene.graph("DELETE", `/groups/${staff.id}/members/${ana.id}/$ref`);
  const openSource: Engine["openSource"] = async (connection) => {
    const source = await scene.engine.openSource(connection);
    return {
      read: (...asked) => source.read(...asked),
      presence: (...asked) => source.presence(...asked),
      managers: (...asked) => source.managers(...asked),
      verify: (signal) => source.verify(signal),
      // The read lease is given back next, and another sync's read goes wrong before this one has planned.
      close: async () => {
        await source.close();
        await scene.store.transaction((tx) =>
          tx.updateTable("watermarks").set({ incomplete: "{}" }).where("kind", "=", "group").execute(),
        );
      },
    };
  };
  const signal = new AbortController().signal;
  const actor = { kind: "system", id: "test" } as const;
  await runSync({ ...scene.engine, openSource }, { sync, actor, signal, onProgress: () => undefined });
  assert.equal(scimUser(scene.scim, ana.id)?.active, true);
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Ana"]);
});
