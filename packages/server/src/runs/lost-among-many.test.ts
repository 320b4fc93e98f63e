import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { sql } from "kysely";
import { scimGroup, scimUser } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, person, reference } from "./testing/tenant.ts";
import { DAY, testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(async () => await scene.close());

const [ana, bo, cy] = [person("Ana One"), person("Bo Two"), person("Cy Three")];
const team = group("Team");

function deleteUser(objectId: string): void {
  scene.scim.store.delete(scene.scim.store.users, String(scimUser(scene.scim, objectId)?.id));
}

const refuseGroups = ({
  method,
  path,
}: {
  readonly method: string;
  readonly path: string;
}): { status: number } | null => (method === "PATCH" && path.includes("/Groups") ? { status: 400 } : null);

test("a lost record is found however many records other refused changes refer to", async () => {
  const clock = testClock();
  const many = crowd(230).sort((a, b) => (a.id < b.id ? -1 : 1));
  const lost = many.at(-1)?.id ?? "";
  const others = many.slice(0, -1).map(({ id }) => id);
  const groups = [group("Read-only 1"), group("Read-only 2"), group("Read-only 3")] as const;
  const [one, two, three] = groups;
  const memberships = {
    [one.id]: others.slice(0, 80),
    [two.id]: others.slice(80, 160),
    [three.id]: others.slice(160, 220),
    [team.id]: [lost],
  };
  scene = await openScene({ clock, simulator: { tenant: { users: many, groups: [...groups, team], memberships } } });
  const people = await scene.addSync("people", "scim", { records: "user" });
  assert.equal((await scene.run(people)).counts.create, 230);
  deleteUser(lost);
  const teams = await scene.addSync("groups", "scim", { records: "group" });
  // Three groups are not to be written, and one names somebody who is gone; the server says no more than that it refuses.
  scene.disturb(refuseGroups);
  for (let times = 0; times < 8; times += 1) {
    await scene.run(teams);
    await scene.run(people);
    clock.advance(DAY);
  }
  assert.ok(scimUser(scene.scim, lost) !== undefined, "made anew");
});

test("a lost record that the refusal names is asked for first, however many others there are", async () => {
  const clock = testClock();
  const many = crowd(320).sort((a, b) => (a.id < b.id ? -1 : 1));
  const lost = many.at(150)?.id ?? "";
  const memberships = { [team.id]: many.map(({ id }) => id) };
  scene = await openScene({ clock, simulator: { tenant: { users: many, groups: [team], memberships } } });
  const people = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(people);
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  const id = String(scimUser(scene.scim, lost)?.id);
  deleteUser(lost);
  const detail = `No resource stands at Users/${id}.`;
  scene.disturb((request) => {
    return refuseGroups(request) && { status: 400, body: JSON.stringify({ status: "400", detail }) };
  });
  await scene.run(groups);
  const doubted = await scene.store.db.selectFrom("doubted_links").select("record_id").execute();
  assert.deepEqual(doubted, [{ record_id: id }]);
});

test("a record that the target does not show keeps nothing from being found out of the others", async () => {
  const clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users: [ana, bo, cy], groups: [team] } } });
  const people = await scene.addSync("people", "scim", { records: "user" });
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  for (const sync of [people, groups]) await scene.run(sync);
  const hidden = String(scimUser(scene.scim, ana.id)?.id);
  deleteUser(bo.id);
  for (const { id } of [ana, bo]) await scene.graph("POST", `/groups/${team.id}/members/$ref`, reference(id));
  // The server shows an administrator's record to nobody, and refuses the group for the one who is gone.
  scene.disturb((request) => {
    if (request.method === "GET" && request.path.endsWith(`/Users/${hidden}`)) return { status: 403 };
    return scimUser(scene.scim, bo.id) === undefined ? refuseGroups(request) : null;
  });
  await scene.run(groups);
  const run = await scene.run(people);
  assert.deepEqual([run.result, run.counts.create], ["succeeded", 1]);
  assert.ok(scimUser(scene.scim, bo.id) !== undefined, "made anew");
});

test("a loss of more than the guard lets go stops the sync, though it is found a little at a time", async () => {
  const clock = testClock();
  const many = crowd(600);
  const lost = many.filter((_, at) => at % 2 === 0 && at < 540).map(({ id }) => id);
  const memberships = { [team.id]: lost };
  scene = await openScene({ clock, simulator: { tenant: { users: many, groups: [team], memberships } } });
  const limit = { percent: 40, count: 500, windowMs: 3 * DAY };
  const guard = { removals: limit, members: limit };
  const people = await scene.addSync("people", "portal", { records: "requester", guard });
  assert.equal((await scene.run(people)).counts.create, 600);
  await scene.store.transaction(async (tx) => {
    for (const id of lost) await sql`delete from portal_requesters where external_id = ${id}`.execute(tx);
  });
  const groups = await scene.addSync("groups", "portal", { records: "group" });
  const runs = [];
  for (let times = 0; times < 2; times += 1) {
    assert.equal((await scene.run(groups)).result, "partial");
    const run = await scene.run(people);
    runs.push([run.result, run.error?.code ?? null, run.counts.create]);
    clock.advance(DAY);
  }
  // Of 600 the guard lets 240 go: 200 were looked for at first, and 70 are left.
  assert.deepEqual(runs, [
    ["succeeded", null, 200],
    ["failed", "target_emptied", 0],
  ]);
});

test("a group that somebody deleted is made anew although one of its memberships is pinned", async () => {
  const [outer, inner] = [group("Outer"), group("Inner")];
  const clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users: [ana], groups: [outer, inner] } } });
  await scene.run(await scene.addSync("people", "scim", { records: "user" }));
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  await scene.run(groups);
  await scene.graph("POST", `/groups/${inner.id}/members/$ref`, reference(ana.id));
  const run = await scene.run(groups);
  assert.equal(run.counts.members, 1);
  const undo = await scene.undo(groups, run.run);
  assert.equal((await scene.approve(groups, undo.held?.digest ?? "")).result, "succeeded");
  scene.scim.store.delete(scene.scim.store.groups, String(scimGroup(scene.scim, inner.id)?.id));
  await scene.graph("POST", `/groups/${outer.id}/members/$ref`, reference(inner.id));
  scene.disturb(refuseGroups);
  assert.equal((await scene.run(groups)).result, "partial");
  scene.disturb(null);
  clock.advance(DAY);
  const next = await scene.run(groups);
  assert.deepEqual([next.result, next.counts.create], ["succeeded", 1]);
});
