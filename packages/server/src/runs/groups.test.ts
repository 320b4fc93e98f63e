import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { TenantFile } from "@entrain/simulator";
import type { Engine } from "./context.ts";
import { runSync } from "./run.ts";
import { plannedIn, scimGroup, scimMembers, scimUser, scimWrites, unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, idOf, reference } from "./testing/tenant.ts";
import { MINUTE, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let clock: TestClock;
let people: string;
let groups: string;
afterEach(() => scene.close());

async function open(tenant: TenantFile): Promise<void> {
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant } });
  people = await scene.addSync("people", "scim", { records: "user" });
  groups = await scene.addSync("groups", "scim", { records: "group" });
}

async function both(): Promise<void> {
  assert.equal((await scene.run(people)).result, "succeeded");
  assert.equal((await scene.run(groups)).result, "succeeded");
}

async function nothingIsPlanned(): Promise<void> {
  for (const sync of [people, groups]) {
    assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  }
}

const SIZES = [0, 1, 19, 20, 21, 99, 100, 101, 998, 999, 1000];

test(`groups of ${SIZES.join(", ")} members and one of 4,000 are equal member for member`, async () => {
  const users = crowd(4000);
  const ids = users.map(({ id }) => id);
  const sized = [...SIZES, 4000].map((size) => ({ ...group(`Group of ${size}`), size }));
  const memberships = Object.fromEntries(sized.map(({ id, size }) => [id, ids.slice(0, size)]));
  await open({ users, groups: sized.map(({ size: _, ...made }) => made), memberships });
  await both();
  for (const { id, size } of sized) {
    assert.deepEqual(scimMembers(scene.scim, id), ids.slice(0, size).toSorted(), `the group of ${size}`);
  }
  await nothingIsPlanned();
});

test("groups of one name with members are ambiguous, each told once and by its id", async () => {
  const users = crowd(2);
  const ids = users.map(({ id }) => id);
  const [one, two] = [group("Team"), group("Team", { id: idOf("the other team") })];
  await open({ users, groups: [one, two], memberships: { [one.id]: ids, [two.id]: ids } });
  await scene.run(people);
  const { run } = await scene.run(groups);
  const rows = await scene.store.db.selectFrom("plan_issues").innerJoin("plans", "plans.id", "plan_issues.plan");
  const issues = await rows
    .select(["code", "detail"])
    .where("plans.run", "=", run)
    .where("plan_issues.state", "=", "issue")
    .execute();
  const [first, second] = [one.id, two.id].sort();
  const detail = `displayName "Team" is the same for Team (${first}), Team (${second})`;
  assert.deepEqual(issues, [
    { code: "ambiguous", detail },
    { code: "ambiguous", detail },
  ]);
});

test("members beyond the first page of a 1,000-member group are removed and added one by one", async () => {
  const users = crowd(1001);
  const ids = users.map(({ id }) => id);
  const staff = group("Staff");
  await open({ users, groups: [staff], memberships: { [staff.id]: ids.slice(0, 1000) } });
  await both();
  const before = scene.scim.requests.length;
  await scene.graph("DELETE", `/groups/${staff.id}/members/${ids[999]}/$ref`);
  await scene.graph("POST", `/groups/${staff.id}/members/$ref`, reference(ids[1000] ?? ""));
  const run = await scene.run(groups);
  assert.equal(run.counts.members, 2);
  assert.equal(scimWrites(scene.scim, before).length, 2);
  assert.deepEqual(scimMembers(scene.scim, staff.id), [...ids.slice(0, 999), ids[1000] ?? ""].sort());
});

test("three levels of nesting arrive level by level", async () => {
  const users = crowd(3);
  const [one, two, three] = users.map(({ id }) => id);
  const levels = ["Top", "Middle", "Bottom"].map((name) => group(name));
  const [top, middle, bottom] = levels.map(({ id }) => id);
  const memberships = {
    [top ?? ""]: [middle ?? "", one ?? ""],
    [middle ?? ""]: [bottom ?? "", two ?? ""],
    [bottom ?? ""]: [three ?? ""],
  };
  await open({ users, groups: levels, memberships });
  await both();
  for (const [id, members] of Object.entries(memberships)) {
    assert.deepEqual(scimMembers(scene.scim, id), members.toSorted());
  }
  await nothingIsPlanned();
});

test("a cycle of three groups converges", async () => {
  const ring = ["Ring A", "Ring B", "Ring C"].map((name) => group(name));
  const memberships = Object.fromEntries(ring.map(({ id }, at) => [id, [ring[(at + 1) % 3]?.id ?? ""]]));
  await open({ users: [], groups: ring, memberships });
  await both();
  for (const [id, members] of Object.entries(memberships)) assert.deepEqual(scimMembers(scene.scim, id), members);
  await nothingIsPlanned();
});

test("groups synced before their people take them in once the people are linked, by memberships alone", async () => {
  const users = crowd(3);
  const staff = group("Staff");
  await open({ users, groups: [staff], memberships: { [staff.id]: users.map(({ id }) => id) } });
  assert.equal((await scene.run(groups)).counts.members, 0);
  await scene.run(people);
  const run = await scene.run(groups);
  assert.deepEqual([run.counts.members, run.counts.update], [3, 0]);
  assert.equal(scimMembers(scene.scim, staff.id).length, 3);
});

test("a nested group that is created later is added to the groups that hold it", async () => {
  const [outer, inner] = [group("Outer"), group("Inner")];
  await open({ users: [], groups: [outer, inner], memberships: { [outer.id]: [inner.id] } });
  const filters = [[{ attribute: "displayName", operator: "EQUALS", value: "Outer" }]] as const;
  await scene.redefine(groups, { scope: { filters } });
  assert.equal((await scene.run(groups)).counts.create, 1);
  await scene.graph("PATCH", `/groups/${inner.id}`, { displayName: "Outer of old" });
  await scene.run(groups);
  await scene.graph("PATCH", `/groups/${outer.id}`, { displayName: "Outer" });
  await scene.redefine(groups, {
    scope: { filters: [[{ attribute: "displayName", operator: "REGEX MATCH", value: "Outer.*" }]] },
  });
  await scene.run(groups);
  assert.deepEqual(scimMembers(scene.scim, outer.id), [inner.id]);
});

test("a nested group that enters scope later is added to the groups that hold it, in that run", async () => {
  const [outer, inner] = [group("Outer"), group("Inner")];
  await open({ users: [], groups: [outer, inner], memberships: { [outer.id]: [inner.id] } });
  const filters = [[{ attribute: "displayName", operator: "REGEX MATCH", value: "Out.*" }]] as const;
  await scene.redefine(groups, { scope: { filters } });
  assert.equal((await scene.run(groups)).counts.create, 1);
  await scene.graph("PATCH", `/groups/${inner.id}`, { displayName: "Out at last" });
  const { counts } = await scene.run(groups);
  assert.deepEqual([counts.create, counts.members], [1, 1]);
  assert.deepEqual(scimMembers(scene.scim, outer.id), [inner.id]);
  await nothingIsPlanned();
});

test("a nested group whose creation was refused is added to its group once it is created", async () => {
  const [outer, inner] = [group("Outer"), group("Inner")];
  await open({ users: [], groups: [inner, outer], memberships: { [outer.id]: [inner.id] } });
  let creations = 0;
  scene.disturb(({ method }) => (method === "POST" && creations++ === 0 ? { status: 400, body: "{}" } : null));
  assert.equal((await scene.run(groups)).result, "partial");
  const [refused] = (await unsynced(scene.store, groups)).keys();
  scene.disturb(null);
  assert.equal((await scene.run(groups)).counts.create, 0, "not before its time");
  clock.advance(2 * MINUTE);
  await scene.run(groups);
  assert.ok(refused !== undefined && scimGroup(scene.scim, refused) !== undefined);
  assert.deepEqual(scimMembers(scene.scim, outer.id), [inner.id]);
  await nothingIsPlanned();
});

test("a group whose creation was cut off before it took effect gets its members once it is created", async () => {
  const users = crowd(2);
  const staff = group("Staff");
  await open({ users, groups: [staff], memberships: { [staff.id]: users.map(({ id }) => id) } });
  await scene.run(people);
  let creations = 0;
  scene.disturb(({ method, path }) => (method === "POST" && path === "/Groups" && creations++ === 0 ? "cut" : null));
  const run = await scene.run(groups);
  assert.deepEqual([run.counts.create, run.counts.members], [1, 2]);
  assert.equal(scimMembers(scene.scim, staff.id).length, 2);
  await nothingIsPlanned();
});

test("a member who was let in although another of the same change was refused is let out again when they leave", async () => {
  const users = crowd(3);
  const ids = users.map(({ id }) => id);
  const [one = "", two = "", three = ""] = ids;
  const staff = group("Staff");
  await open({ users, groups: [staff] });
  await both();
  scene.scim.store.delete(scene.scim.store.users, String(scimUser(scene.scim, two)?.id));
  for (const id of ids) await scene.graph("POST", `/groups/${staff.id}/members/$ref`, reference(id));
  assert.equal((await scene.run(groups)).result, "partial");
  assert.deepEqual(scimMembers(scene.scim, staff.id), [one, three].sort());
  await scene.graph("DELETE", `/groups/${staff.id}/members/${one}/$ref`);
  await scene.run(groups);
  assert.deepEqual(scimMembers(scene.scim, staff.id), [three]);
});

test("a membership that was refused is tried again although its group changed meanwhile", async () => {
  const users = crowd(1);
  const staff = group("Staff");
  await open({ users, groups: [staff] });
  await both();
  await scene.graph("POST", `/groups/${staff.id}/members/$ref`, reference(users[0]?.id ?? ""));
  scene.disturb(({ method }) => (method === "PATCH" ? { status: 400, body: "{}" } : null));
  assert.equal((await scene.run(groups)).failed, 1);
  scene.disturb(null);
  await scene.graph("PATCH", `/groups/${staff.id}`, { description: "Everybody" });
  await scene.run(groups);
  clock.advance(2 * MINUTE);
  await scene.run(groups);
  assert.deepEqual(scimMembers(scene.scim, staff.id), [users[0]?.id]);
  assert.deepEqual([...(await unsynced(scene.store, groups))], []);
});

test("a refused membership is tried less and less often, and its group's rename goes on", async () => {
  const users = crowd(1);
  const staff = group("Staff");
  await open({ users, groups: [staff], memberships: { [staff.id]: [users[0]?.id ?? ""] } });
  await scene.run(people);
  scene.disturb(({ method }) => (method === "PATCH" ? { status: 400, body: "{}" } : null));
  const tries: number[] = [];
  for (let minute = 0; minute < 40; minute += 1) {
    const before = scene.scim.requests.length;
    await scene.run(groups);
    if (scimWrites(scene.scim, before).some((write) => write.startsWith("PATCH"))) tries.push(minute);
    clock.advance(MINUTE);
  }
  assert.ok(tries.length <= 7, `tried at minutes ${tries.join(", ")}`);
  scene.disturb(null);
  await scene.graph("PATCH", `/groups/${staff.id}`, { displayName: "All staff" });
  await scene.run(groups);
  assert.equal(scimGroup(scene.scim, staff.id)?.displayName, "All staff");
});

test("a deleted group is deleted; a restored one returns with its members", async () => {
  const users = crowd(2);
  const team = group("Team", {
    groupTypes: ["Unified"],
    mailEnabled: true,
    securityEnabled: false,
    mail: "team@contoso.com",
  });
  await open({ users, groups: [team, group("Other")], memberships: { [team.id]: users.map(({ id }) => id) } });
  await both();
  await scene.graph("DELETE", `/groups/${team.id}`);
  assert.equal((await scene.run(groups)).counts.delete, 1);
  assert.equal(scimGroup(scene.scim, team.id), undefined);
  await scene.graph("POST", `/directory/deletedItems/${team.id}/restore`);
  const run = await scene.run(groups);
  assert.deepEqual([run.counts.create, run.counts.members], [1, 2]);
  assert.deepEqual(scimMembers(scene.scim, team.id), users.map(({ id }) => id).sort());
  await nothingIsPlanned();
});

test("a group that leaves scope and returns holds every member again", async () => {
  const users = crowd(2);
  const team = group("Team one");
  await open({ users, groups: [team], memberships: { [team.id]: users.map(({ id }) => id) } });
  const filters = [[{ attribute: "displayName", operator: "REGEX MATCH", value: "Team.*" }]] as const;
  await scene.redefine(groups, { scope: { filters } });
  await both();
  await scene.graph("PATCH", `/groups/${team.id}`, { displayName: "Archive" });
  assert.equal((await scene.run(groups)).counts.delete, 1);
  await scene.graph("PATCH", `/groups/${team.id}`, { displayName: "Team two" });
  await scene.run(groups);
  assert.deepEqual(scimMembers(scene.scim, team.id), users.map(({ id }) => id).sort());
  await nothingIsPlanned();
});

test("a member who was deleted in the target and returns is a member again", async () => {
  const users = crowd(2);
  const staff = group("Staff");
  const ids = users.map(({ id }) => id);
  await open({ users, groups: [staff], memberships: { [staff.id]: ids } });
  const deprovision = { outOfScope: "delete", disabled: "delete", softDeleted: "delete", deleted: "delete" } as const;
  await scene.redefine(people, { deprovision });
  await both();
  await scene.graph("PATCH", `/users/${ids[0]}`, { accountEnabled: false });
  await both();
  assert.deepEqual(scimMembers(scene.scim, staff.id), [ids[1]]);
  await scene.graph("PATCH", `/users/${ids[0]}`, { accountEnabled: true });
  await both();
  assert.deepEqual(scimMembers(scene.scim, staff.id), ids.toSorted());
  await nothingIsPlanned();
});

test("a person who is deleted at the source stays no member, and is one again when restored", async () => {
  const users = crowd(3);
  const staff = group("Staff");
  const ids = users.map(({ id }) => id);
  await open({ users, groups: [staff], memberships: { [staff.id]: ids } });
  await both();
  await scene.graph("DELETE", `/users/${idOf("Person 0001")}`);
  await both();
  await scene.graph("POST", `/directory/deletedItems/${idOf("Person 0001")}/restore`);
  await both();
  assert.deepEqual(scimMembers(scene.scim, staff.id), ids.toSorted());
  await nothingIsPlanned();
});

test("a membership that another sync's failed read keeps back is removed by the next run that reads well", async () => {
  const users = crowd(3);
  const staff = group("Staff");
  const [gone = "", ...rest] = users.map(({ id }) => id);
  await open({ users, groups: [staff], memberships: { [staff.id]: [gone, ...rest] } });
  await both();
  await scene.graph("DELETE", `/groups/${staff.id}/members/${gone}/$ref`);
  const failing = async (): Promise<void> => {
    const incomplete = JSON.stringify({ code: "permission_lost", detail: "another sync read without the permission" });
    await scene.store.transaction((tx) =>
      tx.updateTable("watermarks").set({ incomplete }).where("kind", "=", "group").execute(),
    );
  };
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
        await failing();
      },
    };
  };
  const signal = new AbortController().signal;
  const actor = { kind: "system", id: "test" } as const;
  await runSync({ ...scene.engine, openSource }, { sync: groups, actor, signal, onProgress: () => undefined });
  assert.equal(scimMembers(scene.scim, staff.id).length, 3);
  await scene.run(groups);
  assert.deepEqual(scimMembers(scene.scim, staff.id), [...rest].sort());
});
