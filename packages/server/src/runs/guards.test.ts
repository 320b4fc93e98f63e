import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { syncStatus } from "./queries.ts";
import {
  heldChanges,
  inShort,
  plannedIn,
  portalContent,
  scimGroup,
  scimMembers,
  scimUser,
  unsynced,
} from "./testing/observe.ts";
import { openScene, type Scene, type SceneOptions } from "./testing/scene.ts";
import { crowd, group, idOf, newUser, person, reference } from "./testing/tenant.ts";
import { DAY, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let clock: TestClock;
let sync: string;
afterEach(() => scene.close());

const users = crowd(40);
const ids = users.map(({ id }) => id);

async function open(simulator: SceneOptions["simulator"] = { tenant: { users, groups: [] } }): Promise<void> {
  clock = testClock();
  scene = await openScene({ clock, simulator: { ...simulator } });
  sync = await scene.addSync("people", "scim", { records: "user" });
  assert.equal((await scene.run(sync)).result, "succeeded");
}

async function leave(from: number, to: number): Promise<void> {
  for (const id of ids.slice(from, to)) await scene.graph("DELETE", `/users/${id}`);
}

const said = (from: number, to: number): readonly string[] =>
  users.slice(from, to).map(({ displayName }) => `disable ${displayName}`);
const activeCount = (): number => [...scene.scim.store.users.values()].filter(({ active }) => active === true).length;

test("a directory shrunk by 30 %: the removals are held with the names, and joiners and changes go on", async () => {
  await open();
  await leave(0, 12);
  await scene.graph("POST", "/users", newUser("Joiner"));
  await scene.graph("PATCH", `/users/${ids[20]}`, { jobTitle: "Chief" });
  const run = await scene.run(sync);
  assert.equal(run.result, "held");
  assert.deepEqual(inShort(await plannedIn(scene.store, run.run)), ["create Joiner", "update Person 0021"]);
  assert.equal(run.held?.count, 12);
  assert.deepEqual(inShort(await heldChanges(scene.store, run.held?.digest ?? "")), said(0, 12));
  assert.equal(activeCount(), 41);
  assert.ok(scimUser(scene.scim, ids[20] ?? "")?.title === "Chief");
});

test("while a plan is held, later runs plan only other records; its digest stays", async () => {
  await open();
  await leave(0, 12);
  const { held } = await scene.run(sync);
  clock.advance(DAY / 4);
  await scene.graph("PATCH", `/users/${ids[30]}`, { jobTitle: "Chief" });
  await scene.graph("POST", "/users", newUser("Joiner"));
  await leave(12, 13);
  const next = await scene.run(sync);
  assert.equal(next.result, "succeeded");
  assert.deepEqual(inShort(await plannedIn(scene.store, next.run)), [
    "create Joiner",
    "disable Person 0013",
    "update Person 0031",
  ]);
  assert.deepEqual(next.held, held);
  scene.simulator.expireDeltaTokens();
  const full = await scene.run(sync);
  assert.deepEqual(await plannedIn(scene.store, full.run), []);
  assert.deepEqual(full.held, held);
});

test("approval by the digest applies exactly the held plan, change by change, and afterwards nothing is planned", async () => {
  await open();
  await leave(0, 12);
  const { held } = await scene.run(sync);
  const digest = held?.digest ?? "";
  const seen = await heldChanges(scene.store, digest);
  await scene.graph("PATCH", `/users/${ids[30]}`, { jobTitle: "Chief" });
  const before = scene.scim.requests.length;
  const run = await scene.approve(sync, digest);
  assert.deepEqual([run.result, run.counts.disable, run.failed], ["succeeded", 12, 0]);
  assert.deepEqual(await plannedIn(scene.store, run.run), seen);
  const written = scene.scim.requests.slice(before).filter(({ method }) => method !== "GET");
  assert.deepEqual(written.map(({ path }) => path).sort(), seen.map(({ recordId }) => `/Users/${recordId}`).sort());
  assert.equal(activeCount(), 28);
  assert.deepEqual(inShort(await plannedIn(scene.store, (await scene.run(sync)).run)), ["update Person 0031"]);
  const last = await scene.run(sync);
  assert.deepEqual([await plannedIn(scene.store, last.run), last.held], [[], null]);
});

test("a wrong digest applies nothing", async () => {
  await open();
  await leave(0, 12);
  await scene.run(sync);
  const runs = async (): Promise<number> => (await scene.store.db.selectFrom("runs").select("id").execute()).length;
  const before = await runs();
  await assert.rejects(scene.approve(sync, "0".repeat(64)), { code: "plan_stale" });
  await assert.rejects(scene.apply(sync, "0".repeat(64)), { code: "plan_stale" });
  assert.equal(activeCount(), 40);
  // A slip of the pen is no run, and none that failed.
  assert.equal(await runs(), before);
});

test("a person of a held plan who returned before the approval is not disabled by it", async () => {
  await open();
  await leave(0, 12);
  const { held } = await scene.run(sync);
  await scene.graph("POST", `/directory/deletedItems/${ids[3]}/restore`);
  const run = await scene.approve(sync, held?.digest ?? "");
  assert.equal(run.counts.disable, 11);
  assert.equal(scimUser(scene.scim, ids[3] ?? "")?.active, true);
  const next = await scene.run(sync);
  assert.deepEqual([await plannedIn(scene.store, next.run), next.result, next.held], [[], "succeeded", null]);
});

test("all leavers returned before the approval: it applies nothing, and nothing waits any more", async () => {
  await open();
  await leave(0, 12);
  const { held } = await scene.run(sync);
  for (const id of ids.slice(0, 12)) await scene.graph("POST", `/directory/deletedItems/${id}/restore`);
  await scene.run(sync);
  await assert.rejects(scene.approve(sync, held?.digest ?? ""), { code: "plan_stale", message: /no longer waits/ });
  const next = await scene.run(sync);
  assert.deepEqual([next.result, next.held, activeCount()], ["succeeded", null, 40]);
});

test("a rejected plan is planned anew, and held again", async () => {
  await open();
  await leave(0, 12);
  const { held } = await scene.run(sync);
  await scene.reject(sync, held?.digest ?? "");
  const status = await syncStatus(scene.store, sync);
  assert.deepEqual([status?.unsynced, status?.held], [0, []], "what is planned anew is no failure");
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.held?.count], ["held", 12]);
  await scene.approve(sync, run.held?.digest ?? "");
  assert.equal(activeCount(), 28);
  const decisions = await scene.store.db
    .selectFrom("journal")
    .innerJoin("journal_values as said", (join) =>
      join.onRef("said.stream", "=", "journal.stream").onRef("said.sequence", "=", "journal.sequence"),
    )
    .select(["type", "actor_id", "said.detail"])
    .where("type", "in", ["approved", "rejected"])
    .orderBy("journal.sequence")
    .execute();
  const actor_id = "test";
  assert.deepEqual(decisions, [
    { type: "rejected", actor_id, detail: held?.digest },
    { type: "approved", actor_id, detail: run.held?.digest },
  ]);
});

test("removals that trickle stay under the guard run by run, and are held when a day's sum exceeds it", async () => {
  await open();
  await leave(0, 3);
  assert.equal((await scene.run(sync)).result, "succeeded");
  await leave(3, 4);
  assert.equal((await scene.run(sync)).result, "succeeded", "four of forty are ten percent");
  await leave(4, 5);
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.held?.count], ["held", 1]);
  assert.equal(activeCount(), 36);
});

test("approved removals do not count against the guard of those that follow", async () => {
  await open();
  await leave(0, 12);
  const { held } = await scene.run(sync);
  await scene.approve(sync, held?.digest ?? "");
  await leave(12, 14);
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.disable], ["succeeded", 2]);
});

test("people who were disabled long ago do not widen the guard for those who are active", async () => {
  await open();
  await leave(0, 30);
  const { held } = await scene.run(sync);
  await scene.approve(sync, held?.digest ?? "");
  clock.advance(2 * DAY);
  await leave(30, 34);
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.held?.count, activeCount()], ["held", 4, 10]);
});

test("a slow drain of three a day is held by the thirty-day window", async () => {
  await open();
  let day = 0;
  let result = "succeeded";
  for (; day < 12 && result === "succeeded"; day += 1) {
    await leave(day * 3, day * 3 + 3);
    result = (await scene.run(sync)).result;
    clock.advance(DAY + 1);
  }
  assert.deepEqual([result, day], ["held", 3], "after six of forty, nine would be over a fifth");
});

test("a full round that shrank by 15 % waits for approval although the guard would let it pass", async () => {
  const small = users.map((user, at) => ({ ...user, department: at < 20 ? "Sales" : "Legal" }));
  await open({ tenant: { users: small, groups: [] } });
  const filters = [[{ attribute: "department", operator: "EQUALS", value: "Sales" }]] as const;
  const few = await scene.addSync("few", "portal", { records: "requester", scope: { filters } });
  await scene.run(few);
  const before = await portalContent(scene.store);
  // Three of twenty in scope are few enough for the guard; six of forty are a shrunken round.
  for (const at of [0, 1, 2, 30, 31, 32]) await scene.graph("DELETE", `/users/${ids[at]}`);
  scene.simulator.expireDeltaTokens();
  const run = await scene.run(few);
  assert.deepEqual([run.result, run.counts.disable, run.held?.count], ["held", 0, 3]);
  assert.equal(await portalContent(scene.store), before);
  const changes = await heldChanges(scene.store, run.held?.digest ?? "");
  assert.deepEqual(inShort(changes), said(0, 3));
  assert.equal((await scene.approve(few, run.held?.digest ?? "")).counts.disable, 3);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(few)).run), []);
});

test("held membership removals keep no joiner out, and the group's rename is not lost", async () => {
  const staff = group("Staff");
  await open({ tenant: { users, groups: [staff], memberships: { [staff.id]: ids.slice(0, 30) } } });
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  await scene.run(groups);
  for (const id of ids.slice(0, 10)) await scene.graph("DELETE", `/groups/${staff.id}/members/${id}/$ref`);
  await scene.graph("POST", `/groups/${staff.id}/members/$ref`, reference(ids[35] ?? ""));
  const run = await scene.run(groups);
  assert.deepEqual([run.result, run.counts.members, run.held?.count], ["held", 1, 10]);
  assert.equal(scimMembers(scene.scim, staff.id).length, 31);
  await scene.graph("PATCH", `/groups/${staff.id}`, { displayName: "All staff" });
  await scene.graph("POST", `/groups/${staff.id}/members/$ref`, reference(ids[36] ?? ""));
  const later = await scene.run(groups);
  assert.equal(later.counts.members, 1);
  assert.equal((await scene.approve(groups, run.held?.digest ?? "")).counts.members, 10);
  await scene.run(groups);
  assert.deepEqual(scimMembers(scene.scim, staff.id), [...ids.slice(10, 30), ids[35] ?? "", ids[36] ?? ""].sort());
  assert.equal(scimGroup(scene.scim, staff.id)?.displayName, "All staff");
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(groups)).run), []);
});

test("the memberships of another sync's groups do not widen the guard of a sync's own", async () => {
  const [large, small] = [group("Large"), group("Small")];
  const memberships = { [large.id]: ids, [small.id]: ids.slice(0, 10) };
  await open({ tenant: { users, groups: [large, small], memberships } });
  const only = (displayName: string) => ({
    filters: [[{ attribute: "displayName", operator: "EQUALS", value: displayName } as const]],
  });
  const [first, second] = [
    await scene.addSync("large", "scim", { records: "group", scope: only("Large") }),
    await scene.addSync("small", "scim", { records: "group", scope: only("Small") }),
  ];
  for (const one of [first, second]) assert.equal((await scene.run(one)).result, "succeeded");
  for (const id of ids.slice(0, 4)) await scene.graph("DELETE", `/groups/${small.id}/members/${id}/$ref`);
  const run = await scene.run(second);
  assert.deepEqual([run.result, run.held?.count], ["held", 4], "four of ten, not four of fifty");
});

test("a member of a held removal who returned is not removed by the approval", async () => {
  const staff = group("Staff");
  await open({ tenant: { users, groups: [staff], memberships: { [staff.id]: ids.slice(0, 30) } } });
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  await scene.run(groups);
  for (const id of ids.slice(0, 10)) await scene.graph("DELETE", `/groups/${staff.id}/members/${id}/$ref`);
  const { held } = await scene.run(groups);
  await scene.graph("POST", `/groups/${staff.id}/members/$ref`, reference(ids[0] ?? ""));
  await scene.run(groups);
  await assert.rejects(scene.approve(groups, held?.digest ?? ""), { code: "plan_stale", message: /no longer waits/ });
  for (let runs = 0; runs < 3; runs += 1) {
    const { held: again } = await scene.run(groups);
    if (again) await scene.approve(groups, again.digest);
  }
  assert.deepEqual(scimMembers(scene.scim, staff.id), [ids[0] ?? "", ...ids.slice(10, 30)].sort());
});

test("a plan that is held is not planned a second time by a changed configuration", async () => {
  const staff = group("Staff");
  await open({ tenant: { users, groups: [staff], memberships: { [staff.id]: ids.slice(0, 30) } } });
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  await scene.run(groups);
  for (const id of ids.slice(0, 10)) await scene.graph("DELETE", `/groups/${staff.id}/members/${id}/$ref`);
  const { held } = await scene.run(groups);
  const raised = { percent: 100, count: 500, windowMs: DAY };
  await scene.redefine(groups, { guard: { removals: raised, members: raised } });
  const run = await scene.run(groups);
  assert.deepEqual([run.counts.members, run.held], [0, held]);
  assert.equal(scimMembers(scene.scim, staff.id).length, 30);
});

/** A record with rights of its own that stood in the portal before us. */
async function addAdministrator(mail: string | null = null): Promise<void> {
  await scene.store.transaction(async (tx) => {
    await tx
      .insertInto("portal_requesters")
      .values({
        id: "admin",
        target: "t_portal",
        external_id: null,
        user_name: "boss@contoso.com",
        display_name: "Administrator",
        attributes: JSON.stringify({ userName: "boss@contoso.com", displayName: "Administrator", mail }),
        user_name_key: "boss@contoso.com",
        external_id_key: null,
        mail_key: mail,
        manager: null,
        active: 1,
        privileged: 1,
        updated_at: 0,
      })
      .execute();
  });
}

test("a person who joins a record with rights of its own waits for approval, and reports refer to them afterwards", async () => {
  clock = testClock();
  const [boss, report] = [person("Boss"), person("Report")];
  scene = await openScene({
    clock,
    simulator: { tenant: { users: [boss, report], groups: [], managers: { [report.id]: boss.id } } },
  });
  sync = await scene.addSync("people", "portal", { records: "requester" });
  await addAdministrator();
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.counts.join, run.held?.count], ["held", 1, 0, 1]);
  assert.equal((await scene.approve(sync, run.held?.digest ?? "")).counts.join, 1);
  assert.equal((await scene.run(sync)).counts.update, 1);
  const rows = await scene.store.db
    .selectFrom("portal_requesters")
    .selectAll()
    .where("external_id", "=", idOf("Report"))
    .execute();
  assert.equal(rows[0]?.manager, "admin");
});

test("of two people whose joins of one record are held, the one approved second does not touch it", async () => {
  clock = testClock();
  const [boss, mole] = [person("Boss", { mail: "root@contoso.com" }), person("Mole", { mail: null })];
  scene = await openScene({ clock, simulator: { tenant: { users: [boss, mole], groups: [] } } });
  sync = await scene.addSync("people", "portal", { records: "requester", matching: ["mail"] });
  await addAdministrator("root@contoso.com");
  const first = await scene.run(sync);
  await scene.graph("PATCH", `/users/${mole.id}`, { mail: "root@contoso.com" });
  const second = await scene.run(sync);
  assert.deepEqual([first.held?.count, second.held?.count], [1, 1]);
  assert.equal((await scene.approve(sync, first.held?.digest ?? "")).counts.join, 1);
  const before = await portalContent(scene.store);
  await assert.rejects(scene.approve(sync, second.held?.digest ?? ""), { code: "plan_stale", message: /no longer/ });
  assert.equal(await portalContent(scene.store), before);
  await scene.run(sync);
  assert.deepEqual(await unsynced(scene.store, sync), new Map([[mole.id, "linked_elsewhere"]]));
});

test("people of a held plan who returned to the scope's group before the approval are not disabled by it", async () => {
  const [staff, inner] = [group("Staff"), group("Inner")];
  const memberships = { [staff.id]: [inner.id, ...ids.slice(6)], [inner.id]: ids.slice(0, 6) };
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users, groups: [staff, inner], memberships } } });
  const scope = { groups: { include: ["Staff"], transitive: true } };
  sync = await scene.addSync("people", "scim", { records: "user", scope });
  await scene.run(sync);
  for (const id of [inner.id, ...ids.slice(6, 12)])
    await scene.graph("DELETE", `/groups/${staff.id}/members/${id}/$ref`);
  const { held } = await scene.run(sync);
  assert.equal(held?.count, 12);
  await scene.graph("POST", `/groups/${staff.id}/members/$ref`, reference(inner.id));
  assert.equal((await scene.run(sync)).counts.enable, 0);
  await scene.graph("POST", `/groups/${staff.id}/members/$ref`, reference(ids[6] ?? ""));
  const run = await scene.approve(sync, held?.digest ?? "");
  assert.deepEqual([run.counts.disable, activeCount()], [5, 35]);
  const next = await scene.run(sync);
  assert.deepEqual([await plannedIn(scene.store, next.run), next.result, next.held], [[], "succeeded", null]);
});

test("held membership removals of a group that was renamed in the same run are planned anew when rejected", async () => {
  const staff = group("Staff");
  await open({ tenant: { users, groups: [staff], memberships: { [staff.id]: ids.slice(0, 30) } } });
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  await scene.run(groups);
  for (const id of ids.slice(0, 10)) await scene.graph("DELETE", `/groups/${staff.id}/members/${id}/$ref`);
  await scene.graph("PATCH", `/groups/${staff.id}`, { displayName: "All staff" });
  const run = await scene.run(groups);
  assert.deepEqual([run.counts.update, run.held?.count], [1, 10]);
  await scene.reject(groups, run.held?.digest ?? "");
  const again = await scene.run(groups);
  assert.deepEqual([again.result, again.held?.count], ["held", 10]);
});

test("a preview that is applied after its people were held unpins none of them", async () => {
  await open();
  for (const id of ids.slice(0, 12)) await scene.graph("PATCH", `/users/${id}`, { jobTitle: "Chief" });
  await scene.graph("PATCH", `/users/${ids[20]}`, { jobTitle: "Chief" });
  const preview = await scene.plan(sync);
  await leave(0, 12);
  const { held } = await scene.run(sync);
  const run = await scene.apply(sync, preview.plan.digest ?? "");
  assert.deepEqual([run.result, run.counts.update, run.unchanged, run.conflicts], ["partial", 0, 1, 12]);
  const next = await scene.run(sync);
  assert.deepEqual([next.result, next.held], ["succeeded", held]);
  assert.equal((await scene.approve(sync, held?.digest ?? "")).counts.disable, 12);
});

test("a preview that is applied late does not settle a change that was refused since", async () => {
  await open();
  await scene.graph("PATCH", `/users/${ids[0]}`, { jobTitle: "Chief" });
  scene.disturb(({ method }) => (method === "PATCH" ? { status: 400 } : null));
  assert.equal((await scene.run(sync)).failed, 1);
  await scene.graph("PATCH", `/users/${ids[0]}`, { jobTitle: null });
  const preview = await scene.plan(sync);
  await scene.graph("PATCH", `/users/${ids[0]}`, { jobTitle: "Boss" });
  assert.equal((await scene.run(sync)).failed, 1);
  scene.disturb(null);
  await scene.apply(sync, preview.plan.digest ?? "");
  clock.advance(DAY);
  assert.equal((await scene.run(sync)).counts.update, 1);
  assert.equal(scimUser(scene.scim, ids[0] ?? "")?.title, "Boss");
});

test("two people who want one record with rights of its own are ambiguous, and nothing waits for approval", async () => {
  clock = testClock();
  const two = ["Boss", "Mole"].map((name) => person(name, { mail: "root@contoso.com" }));
  scene = await openScene({ clock, simulator: { tenant: { users: two, groups: [] } } });
  sync = await scene.addSync("people", "portal", { records: "requester", matching: ["mail"] });
  await addAdministrator("root@contoso.com");
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.failed, run.held], ["partial", 2, null]);
});

test("a manager who is linked while the join of a report is held is referred to after the approval", async () => {
  clock = testClock();
  const [boss, chief] = [person("Boss"), person("Chief", { department: "Board" })];
  const tenant = { users: [boss, chief], groups: [], managers: { [boss.id]: chief.id } };
  scene = await openScene({ clock, simulator: { tenant } });
  const filters = [[{ attribute: "department", operator: "EQUALS", value: "Sales" }]] as const;
  sync = await scene.addSync("people", "portal", { records: "requester", scope: { filters } });
  await addAdministrator();
  const { held } = await scene.run(sync);
  await scene.graph("PATCH", `/users/${chief.id}`, { department: "Sales" });
  assert.equal((await scene.run(sync)).counts.create, 1);
  assert.equal((await scene.approve(sync, held?.digest ?? "")).counts.join, 1);
  assert.equal((await scene.run(sync)).counts.update, 1);
  const rows = await scene.store.db
    .selectFrom("portal_requesters")
    .select("manager")
    .where("id", "=", "admin")
    .execute();
  assert.ok(rows[0]?.manager);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});
