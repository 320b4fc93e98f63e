import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { CODES, type Protect, type SyncDefinition } from "@entrain/core";
import { exemptSync } from "./exempt.ts";
import { showPerson } from "./people.ts";
import {
  changesIn,
  heldChanges,
  inShort,
  plannedIn,
  scimGroup,
  scimMembers,
  scimUser,
  unsynced,
} from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, idOf, newUser, person } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";
import { tracePerson } from "./trace-person.ts";
import { undoRun } from "./undo/undo.ts";

let scene: Scene;
let sync: string;
afterEach(() => scene.close());

const ana = person("Ana", { department: "Sales", jobTitle: "Chief" });
const users = [ana, ...crowd(40)];
const ids = users.map(({ id }) => id);
const staff = group("Staff");
const memberships = { [staff.id]: ids };
const PROTECT: Protect = { people: ["ana@contoso.com"] };
const { signal } = new AbortController();
const of = (id: string) => ({
  sync: id,
  actor: { kind: "operator", id: "olga" } as const,
  signal,
  onProgress: () => undefined,
});

async function open(definition: Partial<SyncDefinition> = {}): Promise<void> {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users, groups: [staff], memberships } } });
  sync = await scene.addSync("people", "scim", { records: "user", protect: PROTECT, ...definition });
  const run = await scene.run(sync);
  assert.equal(run.result, "succeeded", JSON.stringify(run));
}

async function protectByConnection(protect: Protect): Promise<void> {
  await scene.store.transaction(async (tx) => {
    await tx
      .updateTable("connections")
      .set({ uses: JSON.stringify({ protect }) })
      .execute();
  });
}

const isActive = (id: string = ana.id): boolean => scimUser(scene.scim, id)?.active === true;
const pendingDetail = async (id: string): Promise<string> =>
  (
    await scene.store.db
      .selectFrom("pending")
      .select("detail")
      .where("object_id", "=", id)
      .where("reason", "=", "issue")
      .executeTakeFirst()
  )?.detail ?? "";

async function survives(): Promise<void> {
  const run = await scene.run(sync);
  assert.equal(isActive(), true);
  assert.deepEqual([run.counts.disable, run.counts.delete], [0, 0]);
  assert.equal((await unsynced(scene.store, sync)).get(ana.id), "protected");
}

test("a protected person who is disabled or deleted at the source stays, and is an issue that says so", async () => {
  await open();
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: false });
  await survives();
  assert.match(await pendingDetail(ana.id), /^would be disabled: .+, but is protected by the sync's list$/);
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: true });
  await scene.run(sync);
  assert.deepEqual(await unsynced(scene.store, sync), new Map(), "it is over when nothing is wanted any more");
  await scene.graph("DELETE", `/users/${ana.id}`);
  await survives();
});

test("a protected person is not deleted for good, by whatever policy", async () => {
  const all = { outOfScope: "delete", disabled: "delete", softDeleted: "delete", deleted: "delete" } as const;
  await open({ deprovision: all });
  await scene.graph("DELETE", `/users/${ana.id}`);
  await survives();
  await scene.graph("DELETE", `/directory/deletedItems/${ana.id}`);
  scene.simulator.expireDeltaTokens();
  await survives();
});

test("a protected person survives a change of the scope", async () => {
  await open();
  const filters = [[{ attribute: "department", operator: "EQUALS", value: "Legal" }]] as const;
  await scene.redefine(sync, { scope: { filters } });
  await survives();
  const held = (await scene.run(sync)).held;
  assert.equal(held?.count, 40, "everybody else waits for approval");
  await scene.approve(sync, held?.digest ?? "");
  assert.equal(isActive(), true);
});

test("a protected person keeps what would be cleared, and gets what is new", async () => {
  await open();
  await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: null, displayName: "Ana L." });
  const run = await scene.run(sync);
  assert.equal(run.counts.update, 1);
  const record = scimUser(scene.scim, ana.id);
  assert.deepEqual([record?.title, record?.displayName], ["Chief", "Ana L."]);
  assert.match(await pendingDetail(ana.id), /^would have title cleared, but is protected/);
});

test("a person who is protected by name is so under every later name, also when all comes at once", async () => {
  await open();
  const renamed = { userPrincipalName: "ex.ana@contoso.com", accountEnabled: false };
  await scene.graph("PATCH", `/users/${ana.id}`, renamed);
  await survives();
  assert.equal(scimUser(scene.scim, ana.id)?.userName, "ex.ana@contoso.com");
});

test("a list that was written after a plan was held still spares whom it names, by every kind of approval", async () => {
  await open();
  await scene.redefine(sync, {});
  for (const id of ids.slice(1, 13)) await scene.graph("DELETE", `/users/${id}`);
  const { held } = await scene.run(sync);
  const spared = ids[5] ?? "";
  await protectByConnection({ people: [spared.toUpperCase()] });
  const run = await scene.approve(sync, held?.digest ?? "");
  assert.deepEqual([run.counts.disable, isActive(spared)], [11, true]);
  await scene.run(sync);
  assert.match(await pendingDetail(spared), /is protected by the connection's list$/);
});

test("a preview that was approved before the list was written spares whom it names", async () => {
  await open();
  const leaver = ids[3] ?? "";
  await scene.graph("DELETE", `/users/${leaver}`);
  for (const verb of ["apply", "approve"] as const) {
    await protectByConnection({});
    const { plan } = await scene.plan(sync);
    assert.deepEqual(inShort(await changesIn(scene.store, plan.id)), ["disable Person 0003"]);
    await protectByConnection({ people: [leaver] });
    const run = await scene[verb](sync, plan.digest ?? "");
    assert.equal(run.error?.code, "plan_stale");
    assert.match(run.error?.message ?? "", /: the record of its change is protected by now\.$/);
    assert.equal(isActive(leaver), true);
  }
});

test("a protected person stays when the rest of a held plan is approved", async () => {
  await open();
  for (const id of ids.slice(1, 13)) await scene.graph("DELETE", `/users/${id}`);
  const { held } = await scene.run(sync);
  await protectByConnection({ people: [ids[2] ?? ""] });
  const options = { ...of(sync), digest: held?.digest ?? "", records: [ids[1] ?? ""] };
  const { digest } = await exemptSync(scene.engine, options);
  assert.equal((await scene.approve(sync, digest ?? "")).counts.disable, 10);
  assert.deepEqual([isActive(ids[1]), isActive(ids[2]), isActive(ids[3])], [true, true, false]);
});

test("undoing a creation does not delete a protected person, and says so", async () => {
  await open();
  const bea = (await scene.graph("POST", "/users", newUser("Bea"))) as { readonly id: string };
  const cay = (await scene.graph("POST", "/users", newUser("Cay"))) as { readonly id: string };
  const { run } = await scene.run(sync);
  await protectByConnection({ people: [bea.id] });
  const undo = await undoRun(scene.engine, { ...of(sync), of: run, chosen: {} });
  const digest = undo.held?.digest ?? "";
  assert.deepEqual(inShort(await heldChanges(scene.store, digest)), ["delete Cay"]);
  const left = await scene.store.db.selectFrom("plan_issues").select(["code", "object_id"]).execute();
  assert.ok(left.some(({ code, object_id }) => code === "protected" && object_id === bea.id));
  await scene.approve(sync, digest);
  assert.ok(scimUser(scene.scim, bea.id));
  assert.equal(scimUser(scene.scim, cay.id), undefined);
});

test("an undo that was planned before the list was written deletes nobody whom it names", async () => {
  await open();
  const bea = (await scene.graph("POST", "/users", newUser("Bea"))) as { readonly id: string };
  const cay = (await scene.graph("POST", "/users", newUser("Cay"))) as { readonly id: string };
  const { run } = await scene.run(sync);
  const undo = await undoRun(scene.engine, { ...of(sync), of: run, chosen: {} });
  await protectByConnection({ people: [bea.id] });
  await scene.approve(sync, undo.held?.digest ?? "");
  assert.ok(scimUser(scene.scim, bea.id));
  assert.equal(scimUser(scene.scim, cay.id), undefined);
});

test("undoing an enabling does not disable a protected person", async () => {
  await open({ protect: {} });
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: false });
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: true });
  const { run } = await scene.run(sync);
  assert.equal(isActive(), true);
  await protectByConnection(PROTECT);
  const undo = await undoRun(scene.engine, { ...of(sync), of: run, chosen: {} });
  assert.deepEqual([undo.error?.code, isActive()], ["nothing_to_undo", true]);
});

test("nobody removes a protected person from a group, nor anybody from a protected group", async () => {
  const open_ = { ...staff, id: idOf("Open"), displayName: "Open", mailNickname: "open" };
  scene = await openScene({
    clock: testClock(),
    simulator: { tenant: { users, groups: [staff, open_], memberships: { ...memberships, [open_.id]: ids } } },
  });
  await protectByConnection({ people: [ana.id], groups: ["STAFF"] });
  await scene.run(await scene.addSync("people", "scim", { records: "user" }));
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  await scene.run(groups);
  for (const id of [ana.id, ids[1]]) {
    await scene.graph("DELETE", `/groups/${open_.id}/members/${id}/$ref`);
    await scene.graph("DELETE", `/groups/${staff.id}/members/${id}/$ref`);
  }
  const run = await scene.run(groups);
  assert.equal(run.counts.members, 1, JSON.stringify(run));
  assert.deepEqual(scimMembers(scene.scim, open_.id), ids.filter((id) => id !== ids[1]).sort());
  assert.deepEqual(scimMembers(scene.scim, staff.id), [...ids].sort());
  assert.match(await pendingDetail(open_.id), /^Ana would be removed from the group, but is protected by/);
  assert.equal((await scene.run(groups)).counts.members, 0);
  assert.match(await pendingDetail(open_.id), /^Ana would be removed/, "it is told as long as it is wanted");
  await scene.graph("DELETE", `/groups/${staff.id}`);
  await scene.run(groups);
  assert.ok(scimGroup(scene.scim, staff.id));
  await protectByConnection({});
  await scene.graph("PATCH", `/groups/${open_.id}`, { displayName: "Open to all" });
  await scene.run(groups);
  assert.equal(scimMembers(scene.scim, open_.id).includes(ana.id), false, "released, it goes its way");
});

test("a held removal of memberships that is approved leaves a protected member in", async () => {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users, groups: [staff], memberships } } });
  await scene.run(await scene.addSync("people", "scim", { records: "user" }));
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  await scene.run(groups);
  for (const id of ids.slice(0, 12)) await scene.graph("DELETE", `/groups/${staff.id}/members/${id}/$ref`);
  const { held } = await scene.run(groups);
  assert.equal(held?.count, 12);
  await protectByConnection(PROTECT);
  await scene.approve(groups, held?.digest ?? "");
  assert.deepEqual(scimMembers(scene.scim, staff.id), [ana.id, ...ids.slice(12)].sort());
});

test("an approved change of who was put on a list meanwhile is told to be protected, and not to have changed", async () => {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users, groups: [staff], memberships } } });
  sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  for (const id of ids.slice(0, 12)) await scene.graph("DELETE", `/users/${id}`);
  const { held } = await scene.run(sync);
  await protectByConnection({ people: [String(ids[1])] });
  await scene.graph("POST", `/directory/deletedItems/${ids[2]}/restore`);
  const approved = await scene.approve(sync, held?.digest ?? "");
  assert.deepEqual([approved.result, approved.conflicts], ["partial", 2]);
  const [guarded, back] = [1, 2].map((at) => users.find(({ id }) => id === ids[at])?.displayName);
  assert.equal(
    approved.error?.message,
    `1 of the plan's changes was not made, for its record changed after it was made: ${back}. ` +
      `1 of the plan's changes was not made, for its record is protected by the connection's list: ${guarded}.`,
  );
});

test("who was put on the sync's own list meanwhile is told to be protected, although that is another configuration", async () => {
  await open({ protect: {} });
  for (const id of ids.slice(1, 13)) await scene.graph("DELETE", `/users/${id}`);
  const { held } = await scene.run(sync);
  await scene.redefine(sync, { protect: { people: [String(ids[1])] } });
  const approved = await scene.approve(sync, held?.digest ?? "");
  assert.deepEqual([approved.result, approved.counts.disable, approved.conflicts], ["partial", 11, 1]);
  assert.deepEqual([approved.error?.code, approved.error?.fix], ["protected", CODES.protected]);
  assert.match(approved.error?.message ?? "", /^1 of the plan's changes was not made, for its record is protected by/);
});

test("an entry that names nobody is told with every plan, and of a deleted person it is none", async () => {
  await open();
  await protectByConnection({ people: ["nobody@contoso.com", idOf("nobody at all")] });
  for (let runs = 0; runs < 2; runs += 1) {
    const { plan } = await scene.plan(sync);
    const told = await scene.store.db
      .selectFrom("plan_issues")
      .select(["code", "detail"])
      .where("plan", "=", plan.id)
      .execute();
    assert.deepEqual(
      told.map(({ code }) => code),
      ["protected_unknown", "protected_unknown"],
    );
    assert.match(told[0]?.detail ?? "", /protect\.people: nobody is "nobody@contoso\.com"/);
  }
  await protectByConnection({});
  await scene.graph("DELETE", `/users/${ana.id}`);
  await scene.run(sync);
  assert.deepEqual([...(await unsynced(scene.store, sync)).values()], ["protected"]);
});

test("that a person is protected is told with how the syncs treat them", async () => {
  await open();
  const [trace] = await tracePerson(scene.engine, { person: ana.id, sync: null, signal });
  const [traced] = trace?.syncs ?? [];
  assert.equal(traced !== undefined && "protectedBy" in traced && traced.protectedBy, "the sync's list");
  const [shown] = await showPerson(scene.engine, ana.id);
  assert.equal(shown?.syncs[0]?.protectedBy, "the sync's list");
  const [other] = await showPerson(scene.engine, ids[1] ?? "");
  assert.equal(other?.syncs[0] !== undefined && "protectedBy" in other.syncs[0], false);
});

test("the manager of a protected person who was undone is not promised to be cleared, and stays an issue", async () => {
  await open();
  const boss = (await scene.graph("POST", "/users", newUser("Boss"))) as { readonly id: string };
  const { run: made } = await scene.run(sync);
  const reference = { "@odata.id": `https://graph.microsoft.com/v1.0/users/${boss.id}` };
  await scene.graph("PUT", `/users/${ana.id}/manager/$ref`, reference);
  await scene.run(sync);
  const undo = await scene.undo(sync, made, { records: new Set([boss.id]) });
  await scene.approve(sync, undo.held?.digest ?? "");
  for (let runs = 0; runs < 3; runs += 1) {
    const { run } = await scene.run(sync);
    assert.deepEqual(await plannedIn(scene.store, run), []);
    assert.deepEqual(await unsynced(scene.store, sync), new Map([[ana.id, "protected"]]));
  }
  assert.match(await pendingDetail(ana.id), /^would have .*manager cleared, but is protected by the sync's list$/);
});

test("a protected person is not counted by the guard", async () => {
  await open();
  for (const id of ids.slice(0, 6)) await scene.graph("DELETE", `/users/${id}`);
  const run = await scene.run(sync);
  assert.deepEqual([run.held, run.counts.disable], [null, 5], "five of forty-one are a tenth, rounded up");
  assert.deepEqual((await plannedIn(scene.store, run.run)).length, 5);
});
