import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { loadRun } from "../store/runs.ts";
import { plannedIn, scimWrites, unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, newUser, person, reference } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
let sync: string;
afterEach(() => scene.close());

const users = crowd(40);
const ids = users.map(({ id }) => id);
const staff = group("Staff");
const memberships = { [staff.id]: ids };

async function open(): Promise<void> {
  scene = await openScene({ simulator: { tenant: { users, groups: [] } } });
  sync = await scene.addSync("people", "scim", { records: "user" });
  assert.equal((await scene.run(sync)).result, "succeeded");
}

async function retitle(of: readonly string[], jobTitle: string): Promise<void> {
  for (const id of of) await scene.graph("PATCH", `/users/${id}`, { jobTitle });
}

async function preview(): Promise<string> {
  return (await scene.plan(sync)).plan.digest ?? "";
}

test("a preview of which no change stands any more is refused: it names how many, and the next run plans them", async () => {
  for (const verb of ["apply", "approve"] as const) {
    await open();
    await retitle(ids.slice(0, 3), "Chief");
    const digest = await preview();
    await retitle(ids.slice(0, 3), "Boss");
    const before = scene.scim.requests.length;
    const late = await scene[verb](sync, digest);
    assert.deepEqual([late.result, late.error?.code, late.conflicts], ["failed", "plan_stale", 0]);
    assert.match(late.error?.message ?? "", /the records of all 3 changes changed after it was made/);
    assert.match(late.error?.fix ?? "", /plan/i);
    assert.deepEqual([scimWrites(scene.scim, before), await unsynced(scene.store, sync)], [[], new Map()]);
    const next = await scene.run(sync);
    assert.deepEqual([next.result, next.counts.update], ["succeeded", 3]);
    if (verb === "apply") await scene.close();
  }
});

test("a plan that is applied in part, for some records changed since, ends as partial and says what to do", async () => {
  await open();
  await retitle(ids.slice(0, 3), "Chief");
  const digest = await preview();
  await retitle(ids.slice(0, 2), "Boss");
  const late = await scene.apply(sync, digest);
  assert.deepEqual([late.result, late.counts.update, late.failed, late.conflicts], ["partial", 1, 0, 2]);
  assert.equal(late.error?.code, "conflict");
  assert.match(late.error?.message ?? "", /2 of the plan's changes were not made/);
  const row = await loadRun(scene.store.db, late.run);
  assert.deepEqual([row?.result, JSON.parse(row?.error ?? "null")], ["partial", late.error]);
  const next = await scene.run(sync);
  assert.deepEqual([next.result, next.conflicts, (await plannedIn(scene.store, next.run)).length], ["succeeded", 0, 2]);
});

test("an approved plan of which most came back meanwhile removes the others, and ends as partial", async () => {
  await open();
  for (const id of ids.slice(0, 12)) await scene.graph("DELETE", `/users/${id}`);
  const { held } = await scene.run(sync);
  for (const id of ids.slice(0, 11)) await scene.graph("POST", `/directory/deletedItems/${id}/restore`);
  const approved = await scene.approve(sync, held?.digest ?? "");
  assert.deepEqual([approved.result, approved.counts.disable, approved.conflicts], ["partial", 1, 11]);
  const names = users.filter(({ id }) => ids.slice(0, 11).includes(id)).map(({ displayName }) => displayName);
  const told = /after it was made: (.+), and 6 more\.$/.exec(approved.error?.message ?? "")?.[1]?.split(", ") ?? [];
  assert.equal(told.length, 5, approved.error?.message);
  assert.ok(told.every((name) => names.includes(name)));
});

test("an approved removal whose person came back meanwhile is told by name", async () => {
  await open();
  for (const id of ids.slice(0, 12)) await scene.graph("DELETE", `/users/${id}`);
  const { held } = await scene.run(sync);
  await scene.graph("POST", `/directory/deletedItems/${ids[0]}/restore`);
  const approved = await scene.approve(sync, held?.digest ?? "");
  assert.deepEqual([approved.result, approved.counts.disable, approved.conflicts], ["partial", 11, 1]);
  const name = users.find(({ id }) => id === ids[0])?.displayName;
  const message = `1 of the plan's changes was not made, for its record changed after it was made: ${name}.`;
  assert.equal(approved.error?.message, message);
});

/** People with few mapped attributes: the office is not among them. */
async function openFew(scope: object = {}): Promise<void> {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users, groups: [staff], memberships } } });
  const mapping = {
    userName: { direct: "userPrincipalName" },
    displayName: { direct: "displayName" },
    title: { direct: "jobTitle" },
  };
  sync = await scene.addSync("few", "scim", { records: "user", mapping, matching: ["userName"], scope });
  assert.equal((await scene.run(sync)).result, "succeeded");
}

async function moveOffice(of: readonly string[]): Promise<void> {
  for (const id of of) await scene.graph("PATCH", `/users/${id}`, { officeLocation: "Annex" });
}

test("a preview is applied although its people changed in what the sync does not map", async () => {
  await openFew();
  await retitle(ids.slice(0, 3), "Chief");
  await scene.graph("POST", "/users", newUser("Joiner"));
  await scene.graph("PATCH", `/users/${ids[9]}`, { accountEnabled: false });
  const digest = await preview();
  const joiner = [...(await loadJoiner())];
  await moveOffice([...ids.slice(0, 2), ...ids.slice(9, 10), ...joiner]);
  const applied = await scene.apply(sync, digest);
  const { update, create, disable } = applied.counts;
  assert.deepEqual([applied.result, applied.conflicts, update, create, disable], ["succeeded", 0, 3, 1, 1]);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

async function loadJoiner(): Promise<readonly string[]> {
  const rows = await scene.store.db.selectFrom("records").select(["id", "attributes"]).execute();
  return rows.filter(({ attributes }) => attributes.includes("Joiner")).map(({ id }) => id);
}

test("an approval holds although another sync reads that the leavers moved to another office", async () => {
  await openFew({ groups: { include: ["Staff"], transitive: true } });
  const other = await scene.addSync("other", "portal", { records: "requester" });
  for (const id of ids.slice(0, 8)) await scene.graph("DELETE", `/groups/${staff.id}/members/${id}/$ref`);
  const { held } = await scene.run(sync);
  assert.equal(held?.count, 8);
  await moveOffice(ids.slice(0, 8));
  await scene.run(other);
  assert.deepEqual((await scene.run(sync)).held, held, "it goes on waiting");
  const approved = await scene.approve(sync, held?.digest ?? "");
  assert.deepEqual([approved.result, approved.counts.disable, approved.conflicts], ["succeeded", 8, 0]);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("an approved removal whose person came back into scope is a conflict still, whatever else changed", async () => {
  await openFew({ groups: { include: ["Staff"], transitive: true } });
  for (const id of ids.slice(0, 8)) await scene.graph("DELETE", `/groups/${staff.id}/members/${id}/$ref`);
  const { held } = await scene.run(sync);
  await scene.graph("POST", `/groups/${staff.id}/members/$ref`, reference(ids[0] ?? ""));
  await moveOffice(ids.slice(0, 2));
  const approved = await scene.approve(sync, held?.digest ?? "");
  assert.deepEqual([approved.result, approved.counts.disable, approved.conflicts], ["partial", 7, 1]);
});

test("an update whose mapped value changed is a conflict, and the later value is written by the next run", async () => {
  await openFew();
  await retitle(ids.slice(0, 2), "Chief");
  const digest = await preview();
  await moveOffice(ids.slice(0, 2));
  await retitle(ids.slice(0, 1), "Boss");
  const applied = await scene.apply(sync, digest);
  assert.deepEqual([applied.result, applied.counts.update, applied.conflicts], ["partial", 1, 1]);
  assert.equal((await scene.run(sync)).counts.update, 1);
  assert.equal(titleOf(0), "Boss");
});

function titleOf(at: number): unknown {
  const name = users[at]?.userPrincipalName;
  return [...scene.scim.store.users.values()].find(({ userName }) => userName === name)?.title;
}

test("an approved join of a record with rights of its own holds while nothing that it maps changes", async () => {
  const boss = person("Boss");
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: [boss], groups: [] } } });
  const mapping = { userName: { direct: "userPrincipalName" }, displayName: { direct: "displayName" } };
  sync = await scene.addSync("few", "portal", { records: "requester", mapping, matching: ["userName"] });
  const attributes = JSON.stringify({ userName: "boss@contoso.com", displayName: "Administrator" });
  const keys = { user_name_key: "boss@contoso.com", external_id_key: null, mail_key: null };
  const names = { external_id: null, user_name: "boss@contoso.com", display_name: "Administrator", manager: null };
  await scene.store.transaction(async (tx) => {
    const row = { id: "admin", target: "t_portal", ...names, ...keys, attributes };
    await tx
      .insertInto("portal_requesters")
      .values({ ...row, active: 1, privileged: 1, updated_at: 0 })
      .execute();
  });
  const { held } = await scene.run(sync);
  assert.equal(held?.count, 1);
  await moveOffice([boss.id]);
  assert.deepEqual((await scene.run(sync)).held, held);
  await moveOffice([boss.id]);
  const approved = await scene.approve(sync, held?.digest ?? "");
  assert.deepEqual([approved.result, approved.counts.join, approved.conflicts], ["succeeded", 1, 0]);
  const next = await scene.run(sync);
  assert.deepEqual([next.result, await plannedIn(scene.store, next.run)], ["succeeded", []]);
});
