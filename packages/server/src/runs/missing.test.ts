import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { TenantFile } from "@entrain/simulator";
import {
  inShort,
  plannedIn,
  portalContent,
  scimContent,
  scimGroup,
  scimManager,
  scimMembers,
  scimUser,
  scimWrites,
  unsynced,
} from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, person } from "./testing/tenant.ts";
import { DAY, MINUTE, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let clock: TestClock;
let sync: string;
afterEach(() => scene.close());

const [ana, bo, cy] = [person("Ana One"), person("Bo Two"), person("Cy Three")];
const people = [ana, bo, cy];
const ANEW = "The record was deleted in the target; it is created anew";

async function open(tenant: Partial<TenantFile>, target: "portal" | "scim" = "scim"): Promise<void> {
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users: [], groups: [], ...tenant } } });
  sync = await scene.addSync("people", target, { records: target === "scim" ? "user" : "requester" });
  const run = await scene.run(sync);
  assert.equal(run.result, "succeeded", JSON.stringify(run.error));
}

/** Somebody deletes a person in the target by hand. */
function deleteUser(id: string): string {
  const recordId = String(scimUser(scene.scim, id)?.id);
  scene.scim.store.delete(scene.scim.store.users, recordId);
  return recordId;
}

function rename(id: string, jobTitle: string): Promise<unknown> {
  return scene.graph("PATCH", `/users/${id}`, { jobTitle });
}

async function linkOf(id: string): Promise<{ readonly record_id: string; readonly origin: string } | undefined> {
  const query = scene.store.db.selectFrom("links").select(["record_id", "origin"]).where("object_id", "=", id);
  return await query.executeTakeFirst();
}

async function openIntents(): Promise<number> {
  return (await scene.store.db.selectFrom("open_intents").select("ordinal").execute()).length;
}

/** Nothing is left to plan, to mend or to look up. */
async function assertInStep(of: string = sync): Promise<void> {
  const run = await scene.run(of);
  assert.deepEqual(
    [run.result, inShort(await plannedIn(scene.store, run.run)), [...(await unsynced(scene.store, of))]],
    ["succeeded", [], []],
  );
  assert.equal(await openIntents(), 0);
}

test("a person who was deleted in the target by hand is created anew by the run that finds out", async () => {
  await open({ users: people });
  const before = deleteUser(ana.id);
  await rename(ana.id, "Chief");
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.failed], ["succeeded", 1, 0]);
  const planned = await plannedIn(scene.store, run.run);
  assert.deepEqual(inShort(planned), ["create Ana One", "update Ana One"]);
  const created = planned.find(({ action }) => action === "create");
  assert.deepEqual([created?.reason, created?.cause], [ANEW, "recreated"]);
  const record = scimUser(scene.scim, ana.id);
  assert.notEqual(record?.id, before);
  assert.equal(record?.title, "Chief");
  assert.deepEqual(await linkOf(ana.id), { record_id: record?.id, origin: "created" });
  await assertInStep();
});

test("a person whom somebody made anew by hand is joined, and never counts as created by us", async () => {
  await open({ users: people });
  deleteUser(ana.id);
  const byHand = scene.scim.store.putUser(undefined, { userName: "ana.one@contoso.com", active: true });
  await rename(ana.id, "Chief");
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.counts.join], ["succeeded", 0, 1]);
  assert.deepEqual(await linkOf(ana.id), { record_id: byHand.id, origin: "joined" });
  assert.equal(scene.scim.store.users.get(byHand.id)?.title, "Chief");
  await assertInStep();
});

test("a leaver whose record is gone already needs nothing: disabled or deleted, in scope or out of it", async () => {
  await open({ users: people });
  for (const { id } of people) deleteUser(id);
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: false });
  await scene.graph("DELETE", `/users/${bo.id}`);
  await scene.redefine(sync, {
    scope: { filters: [[{ attribute: "displayName", operator: "NOT EQUALS", value: "Cy Three" }]] },
  });
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.unchanged, run.failed, run.counts.create], ["succeeded", 3, 0, 0]);
  for (const { id } of people) assert.equal(await linkOf(id), undefined);
  assert.equal(scene.scim.store.users.size, 0);
  await assertInStep();
});

test("a person who comes back after the record was deleted in the target is created", async () => {
  await open({ users: people });
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: false });
  await scene.run(sync);
  deleteUser(ana.id);
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: true });
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create], ["succeeded", 1]);
  assert.equal(scimUser(scene.scim, ana.id)?.active, true);
  await assertInStep();
});

test("a manager's new record takes the place of the old one with the reports", async () => {
  await open({ users: people, managers: { [bo.id]: ana.id, [cy.id]: ana.id } });
  deleteUser(ana.id);
  await rename(ana.id, "Chief");
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.deepEqual([scimManager(scene.scim, bo.id), scimManager(scene.scim, cy.id)], [ana.id, ana.id]);
  await assertInStep();
});

test("a group that was deleted in the target comes back with all of its members and in its own groups", async () => {
  const [staff, all] = [group("Staff"), group("All")];
  await open({
    users: people,
    groups: [staff, all],
    memberships: { [staff.id]: [ana.id, bo.id], [all.id]: [staff.id] },
  });
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  assert.equal((await scene.run(groups)).counts.members, 3);
  scene.scim.store.delete(scene.scim.store.groups, String(scimGroup(scene.scim, staff.id)?.id));
  // Found out by a membership: nothing else of the group changes.
  await scene.graph("POST", `/groups/${staff.id}/members/$ref`, {
    "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${cy.id}`,
  });
  const run = await scene.run(groups);
  assert.deepEqual([run.result, run.counts.create, run.counts.members], ["succeeded", 1, 4]);
  assert.deepEqual(scimMembers(scene.scim, staff.id), people.map(({ id }) => id).sort());
  assert.deepEqual(scimMembers(scene.scim, all.id), [staff.id]);
  await assertInStep(groups);
});

test("a person's new record is a member wherever the old one was", async () => {
  const staff = group("Staff");
  await open({ users: people, groups: [staff], memberships: { [staff.id]: [ana.id, bo.id] } });
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  await scene.run(groups);
  deleteUser(ana.id);
  await rename(ana.id, "Chief");
  await scene.run(sync);
  assert.equal((await scene.run(groups)).counts.members, 1);
  assert.deepEqual(scimMembers(scene.scim, staff.id), [ana.id, bo.id].sort());
  await assertInStep(groups);
});

test("the portal's people come back as well", async () => {
  await open({ users: people }, "portal");
  await scene.store.transaction((tx) => tx.deleteFrom("portal_requesters").where("external_id", "=", ana.id).execute());
  await rename(ana.id, "Chief");
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create], ["succeeded", 1]);
  await assertInStep();
});

test("a target that was emptied stops the sync: nothing is created, no link is lost, and the right address goes on", async () => {
  const users = crowd(30);
  const [first, second, third] = users.map(({ id }) => id);
  await open({ users });
  const kept = new Map(scene.scim.store.users);
  scene.scim.store.users.clear();
  await rename(first ?? "", "Chief");
  await scene.graph("DELETE", `/users/${second}`);
  await scene.graph("DELETE", `/directory/deletedItems/${second}`);
  const before = scene.scim.requests.length;
  for (let time = 0; time < 2; time += 1) {
    const run = await scene.run(sync);
    assert.deepEqual([run.result, run.error?.code], ["failed", "target_emptied"]);
    assert.match(run.error?.message ?? "", /21 of 21 records .* gone\. Is the address right\?/);
    assert.match(run.error?.fix ?? "", /address/);
  }
  assert.ok(
    scimWrites(scene.scim, before).every((write) => !write.startsWith("POST")),
    "nothing is created",
  );
  assert.ok(await linkOf(first ?? ""));
  assert.ok(await linkOf(second ?? ""), "who was to be deleted is not taken for deleted");
  for (const [id, user] of kept) scene.scim.store.users.set(id, user);
  await rename(third ?? "", "Chief");
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.update, run.counts.delete], ["succeeded", 2, 1], JSON.stringify(run.error));
  assert.equal(scimUser(scene.scim, first ?? "")?.title, "Chief");
  assert.equal(scimUser(scene.scim, second ?? ""), undefined);
  await assertInStep();
});

test("a target that really was emptied is filled again when somebody says so", async () => {
  const users = crowd(60);
  await open({ users });
  const before = scene.scim.store.users.size;
  for (const { id } of users) deleteUser(id);
  await rename(users[0]?.id ?? "", "Chief");
  const refused = await scene.run(sync);
  assert.equal(refused.error?.code, "target_emptied");
  assert.match(refused.error?.fix ?? "", /--recreate-missing/);
  const run = await scene.run(sync, { recreate: true });
  assert.equal(run.result, "succeeded", JSON.stringify(run.error));
  assert.equal(scene.scim.store.users.size, before);
  assert.equal(scimUser(scene.scim, users[0]?.id ?? "")?.title, "Chief");
  await assertInStep();
});

test("looking for every record gives none of them away to another sync of the same target, even when that fails", async () => {
  const users = ["Sales", "Legal"].flatMap((department) =>
    [1, 2, 3, 4].map((n) => person(`${department} ${n}`, { department })),
  );
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users, groups: [] } } });
  const scopeOf = (value: string) => ({ filters: [[{ attribute: "department", operator: "EQUALS", value }]] }) as const;
  const sales = await scene.addSync("sales", "scim", { records: "user", scope: scopeOf("Sales") });
  const legal = await scene.addSync("legal", "scim", { records: "user", scope: scopeOf("Legal") });
  for (const one of [sales, legal]) {
    const first = await scene.run(one);
    assert.equal(first.result, "succeeded", JSON.stringify(first.error));
  }
  scene.simulator.faults.set([{ action: { type: "status", status: 403 }, path: "/users/delta" }]);
  assert.equal((await scene.run(sales, { recreate: true })).result, "failed");
  scene.simulator.faults.clear();
  await rename(users[0]?.id ?? "", "Chief");
  const before = scimWrites(scene.scim).length;
  const run = await scene.run(legal);
  assert.deepEqual([run.result, inShort(await plannedIn(scene.store, run.run))], ["succeeded", []]);
  assert.equal(scimWrites(scene.scim).length, before);
  assert.equal((await scene.run(sales)).counts.update, 1);
});

test("looking for every record changes nothing in a target that holds them all", async () => {
  await open({ users: crowd(30) });
  const before = scimWrites(scene.scim).length;
  const run = await scene.run(sync, { recreate: true });
  assert.equal(run.result, "succeeded", JSON.stringify(run.error));
  assert.equal(scimWrites(scene.scim).length, before);
  await assertInStep();
});

test("deletions alone do not take an emptied target for one that they were carried out in", async () => {
  const users = crowd(30);
  const [first] = users.map(({ id }) => id);
  await open({ users });
  const kept = new Map(scene.scim.store.users);
  scene.scim.store.users.clear();
  await scene.graph("DELETE", `/users/${first}`);
  await scene.graph("DELETE", `/directory/deletedItems/${first}`);
  assert.equal((await scene.run(sync)).error?.code, "target_emptied");
  for (const [id, user] of kept) scene.scim.store.users.set(id, user);
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.equal(scimUser(scene.scim, first ?? ""), undefined);
});

test("more records gone than the guard allows stop the sync although others are there; a raised guard lets them come back", async () => {
  const users = crowd(40);
  await open({ users });
  for (const { id } of users.slice(0, 5)) deleteUser(id);
  for (const { id } of users) await rename(id, "Chief");
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.error?.code], ["failed", "target_emptied"]);
  assert.match(run.error?.message ?? "", /5 of 40 records/);
  assert.equal(scene.scim.store.users.size, 35);
  const guard = { percent: 50, count: 500, windowMs: DAY };
  await scene.redefine(sync, { guard: { removals: guard, members: guard } });
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.equal(scene.scim.store.users.size, 40);
  await assertInStep();
});

test("the portal is guarded in the same way, and keeps what it holds", async () => {
  const users = crowd(40);
  await open({ users }, "portal");
  const rows = await scene.store.db.selectFrom("portal_requesters").select("id").limit(30).execute();
  const ids = rows.map(({ id }) => id);
  await scene.store.transaction((tx) => tx.deleteFrom("portal_requesters").where("id", "in", ids).execute());
  for (const { id } of users) await rename(id, "Chief");
  const before = await portalContent(scene.store);
  assert.equal((await scene.run(sync)).error?.code, "target_emptied");
  assert.equal(await portalContent(scene.store), before);
});

test("a record that the target denies once and holds when asked is not given up", async () => {
  await open({ users: people });
  const before = scimContent(scene.scim);
  const { record_id: id = "" } = (await linkOf(ana.id)) ?? {};
  scene.disturb(({ method }) => (method === "PATCH" ? { status: 404, body: "{}" } : null));
  await rename(ana.id, "Chief");
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.failed], ["partial", 0, 1]);
  assert.deepEqual(await unsynced(scene.store, sync), new Map([[ana.id, "refused_by_target"]]));
  assert.deepEqual([(await linkOf(ana.id))?.record_id, scimContent(scene.scim)], [id, before]);
  scene.disturb(null);
  clock.advance(2 * MINUTE);
  assert.equal((await scene.run(sync)).counts.update, 1);
  await assertInStep();
});

test("every write to a record that was gone has an intent and an outcome", async () => {
  await open({ users: people });
  deleteUser(ana.id);
  deleteUser(bo.id);
  await rename(ana.id, "Chief");
  await scene.graph("PATCH", `/users/${bo.id}`, { accountEnabled: false });
  const { run } = await scene.run(sync);
  const rows = await scene.store.db
    .selectFrom("journal")
    .select(["type", "ordinal", "action", "status"])
    .where("run", "=", run)
    .orderBy("sequence")
    .execute();
  const told = rows.map(({ type, action, status }) => [type, action, status].join(" "));
  assert.deepEqual(told.sort(), [
    "intent create ",
    "intent disable ",
    "intent update ",
    "outcome create applied",
    "outcome disable unchanged",
    "outcome update conflict",
  ]);
});
