import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { TenantFile } from "@entrain/simulator";
import { removeEntry } from "../config/remove.ts";
import { inShort, plannedIn, scimGroup, scimMembers, scimUser, scimWrites, unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, person } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(() => scene.close());

const [ana, bo, cy] = [person("Ana One"), person("Bo Two"), person("Cy Three")];

async function open(tenant: Partial<TenantFile>): Promise<void> {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: [], groups: [], ...tenant } } });
}

async function remove(sync: string): Promise<void> {
  const actor = { kind: "operator", id: "test" };
  await scene.store.transaction((tx) => removeEntry(tx, scene.store, "syncs", sync, { actor, force: false }));
}

/** A sync that has run is removed, the target changes meanwhile, and the sync is added again. */
async function readded(name: string, records: string, meanwhile: () => void): Promise<string> {
  const first = await scene.addSync(name, "scim", { records });
  assert.equal((await scene.run(first)).result, "succeeded");
  await remove(first);
  meanwhile();
  return await scene.addSync(name, "scim", { records });
}

function deleteUser(id: string): void {
  scene.scim.store.delete(scene.scim.store.users, String(scimUser(scene.scim, id)?.id));
}

async function assertInStep(sync: string): Promise<void> {
  const run = await scene.run(sync);
  assert.deepEqual(
    [run.result, inShort(await plannedIn(scene.store, run.run)), [...(await unsynced(scene.store, sync))]],
    ["succeeded", [], []],
  );
}

for (const count of [3, 260]) {
  test(`a sync that is added again creates who was deleted meanwhile, once, among ${count} people`, async () => {
    const users = crowd(count);
    await open({ users });
    const [first] = users.map(({ id }) => id);
    const sync = await readded("people", "user", () => deleteUser(first ?? ""));
    const before = scene.scim.requests.length;
    const preview = await scene.plan(sync);
    assert.equal(preview.changes, 1);
    const run = await scene.run(sync);
    const [created, ...others] = await plannedIn(scene.store, run.run);
    assert.deepEqual([run.result, created?.action, others], ["succeeded", "create", []]);
    assert.equal(created?.reason, "The record was deleted in the target; it is created anew");
    assert.deepEqual(scimWrites(scene.scim, before), ["POST /Users"]);
    assert.equal(scene.scim.store.users.size, count);
    assert.ok(scene.scim.requests.length - before < 30, "a whole target is read, not asked one by one");
    await assertInStep(sync);
  });
}

test("what was changed by hand while no sync owned it is mended when it is adopted", async () => {
  await open({ users: [ana, bo, cy], managers: { [bo.id]: ana.id } });
  const sync = await readded("people", "user", () => {
    const { users } = scene.scim.store;
    const [anas, bos] = [scimUser(scene.scim, ana.id), scimUser(scene.scim, bo.id)];
    users.set(String(anas?.id), { ...anas, id: String(anas?.id), displayName: "Nobody" });
    users.set(String(bos?.id), { ...bos, id: String(bos?.id), active: false });
  });
  const run = await scene.run(sync);
  assert.deepEqual(inShort(await plannedIn(scene.store, run.run)), ["enable Bo Two", "update Ana One"]);
  assert.equal(scimUser(scene.scim, ana.id)?.displayName, "Ana One");
  assert.equal(scimUser(scene.scim, bo.id)?.active, true);
  await assertInStep(sync);
});

test("an adopted leaver whose record is gone is forgotten", async () => {
  await open({ users: [ana, bo, cy] });
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: true });
  const sync = await readded("people", "user", () => deleteUser(ana.id));
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: false });
  const run = await scene.run(sync);
  assert.deepEqual([run.result, await plannedIn(scene.store, run.run)], ["succeeded", []]);
  const links = await scene.store.db.selectFrom("links").select("object_id").execute();
  assert.deepEqual(links.map((link) => link.object_id).sort(), [bo.id, cy.id].sort());
  await assertInStep(sync);
});

test("an adopted group that is gone comes back with its members, and in the groups that it was in", async () => {
  const [staff, all] = [group("Staff"), group("All")];
  await open({
    users: [ana, bo],
    groups: [staff, all],
    memberships: { [staff.id]: [ana.id, bo.id], [all.id]: [staff.id, ana.id] },
  });
  await scene.run(await scene.addSync("people", "scim", { records: "user" }));
  const sync = await readded("groups", "group", () => {
    scene.scim.store.delete(scene.scim.store.groups, String(scimGroup(scene.scim, staff.id)?.id));
  });
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.counts.members], ["succeeded", 1, 3]);
  assert.deepEqual(scimMembers(scene.scim, staff.id), [ana.id, bo.id].sort());
  assert.deepEqual(scimMembers(scene.scim, all.id), [ana.id, staff.id].sort());
  await assertInStep(sync);
});

for (const count of [12, 260]) {
  test(`a target that holds none of ${count} adopted people is not filled anew`, async () => {
    await open({ users: crowd(count) });
    const sync = await readded("people", "user", () => scene.scim.store.users.clear());
    const run = await scene.run(sync);
    assert.deepEqual([run.result, run.error?.code], ["failed", "target_emptied"]);
    assert.equal(scene.scim.store.users.size, 0);
    const links = await scene.store.db.selectFrom("links").select("sync").execute();
    assert.deepEqual([links.length, links.every((link) => link.sync === null)], [count, true]);
  });
}

test("what a removed sync left behind is no leaver of another sync of the same target", async () => {
  const people = [person("Sal One", { department: "Sales" }), person("Leg One", { department: "Legal" })];
  const [sal, leg] = people;
  await open({ users: people });
  const of = (department: string): object => ({
    records: "user",
    scope: { filters: [[{ attribute: "department", operator: "EQUALS", value: department }]] },
  });
  const sales = await scene.addSync("sales", "scim", { records: "user", ...of("Sales") });
  const legal = await scene.addSync("legal", "scim", { records: "user", ...of("Legal") });
  for (const sync of [sales, legal]) assert.equal((await scene.run(sync)).result, "succeeded");
  await remove(sales);
  const before = scene.scim.requests.length;
  await scene.graph("PATCH", `/users/${sal?.id}`, { jobTitle: "Chief" });
  await assertInStep(legal);
  assert.deepEqual(scimWrites(scene.scim, before), []);
  assert.equal(scimUser(scene.scim, sal?.id ?? "")?.active, true);
  // Whoever moves into the scope of the sync that is left is taken over, and leaves with it.
  await scene.graph("PATCH", `/users/${sal?.id}`, { department: "Legal" });
  assert.equal((await scene.run(legal)).result, "succeeded");
  await scene.graph("PATCH", `/users/${sal?.id}`, { department: "None" });
  const left = await scene.run(legal);
  assert.deepEqual(inShort(await plannedIn(scene.store, left.run)), ["disable Sal One"]);
  assert.equal(scimUser(scene.scim, leg?.id ?? "")?.active, true);
});

/** A sync of three people, of whom the one that nobody owns is gone from the target. Answers its record, too. */
async function openGone(): Promise<{ readonly sync: string; readonly record: string; readonly putBack: () => void }> {
  await open({ users: [ana, bo, cy] });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  assert.equal((await scene.run(sync)).result, "succeeded");
  await scene.store.transaction(async (tx) => {
    await tx.updateTable("links").set({ sync: null }).where("object_id", "=", bo.id).execute();
  });
  const { store } = scene.scim;
  const { users } = store;
  const [record, kept] = [...users].find(([, user]) => user.externalId === bo.id) ?? [];
  assert.ok(record !== undefined && kept !== undefined);
  store.delete(users, record);
  return { sync, record, putBack: () => users.set(record, kept) };
}

test("a preview that makes anew nobody but whose record is gone can be applied", async () => {
  const { sync } = await openGone();
  await scene.graph("PATCH", `/users/${bo.id}`, { jobTitle: "Chief" });
  const { plan } = await scene.plan(sync);
  const applied = await scene.apply(sync, plan.digest ?? "");
  assert.deepEqual([applied.result, applied.error, applied.counts.create], ["succeeded", null, 1]);
  assert.equal(scimUser(scene.scim, bo.id)?.title, "Chief");
  await assertInStep(sync);
});

test("a preview that found a record gone makes no second one when the first was put back since", async () => {
  const { sync, record, putBack } = await openGone();
  // By its old name nobody would find it again.
  await scene.graph("PATCH", `/users/${bo.id}`, { userPrincipalName: "bo.new@contoso.com" });
  await scene.graph("PATCH", `/users/${cy.id}`, { jobTitle: "Clerk" });
  const { plan } = await scene.plan(sync);
  putBack();
  const applied = await scene.apply(sync, plan.digest ?? "");
  assert.deepEqual([applied.counts.create, applied.counts.update, applied.conflicts], [0, 1, 1]);
  const next = await scene.run(sync);
  assert.deepEqual(inShort(await plannedIn(scene.store, next.run)), ["update Bo Two"]);
  assert.deepEqual([scimUser(scene.scim, bo.id)?.id, scene.scim.store.users.size], [record, 3]);
  await assertInStep(sync);
});

test("what came back behind the preview of a sync that is added again is compared by the next run, and leavers leave", async () => {
  await open({ users: [ana, bo, cy] });
  const { users } = scene.scim.store;
  let gone: readonly (readonly [string, NonNullable<ReturnType<typeof users.get>>])[] = [];
  const sync = await readded("people", "user", () => {
    gone = [...users].filter(([, { externalId }]) => externalId !== cy.id);
    for (const [id] of gone) scene.scim.store.delete(users, id);
  });
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: false });
  await scene.graph("PATCH", `/users/${cy.id}`, { jobTitle: "Clerk" });
  const { plan } = await scene.plan(sync);
  for (const [id, user] of gone)
    users.set(id, { ...user, ...(user.externalId === bo.id && { displayName: "Nobody" }) });
  const applied = await scene.apply(sync, plan.digest ?? "");
  assert.deepEqual([applied.counts.create, applied.counts.update, applied.conflicts], [0, 1, 1]);
  const next = await scene.run(sync);
  assert.deepEqual(inShort(await plannedIn(scene.store, next.run)), ["disable Ana One", "update Bo Two"]);
  assert.deepEqual([users.size, scimUser(scene.scim, bo.id)?.displayName], [3, "Bo Two"]);
  await assertInStep(sync);
});
