import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { DEFAULTS, type SyncDefinition } from "@entrain/core";
import { targetContent } from "./testing/content.ts";
import { inShort, plannedIn } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { type Known, person } from "./testing/tenant.ts";
import { DAY, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let clock: TestClock;
afterEach(async () => await scene.close());

const people = ["Ana", "Bo", "Cy", "Di"].map((name) => person(name, { jobTitle: "Buyer" }));
const [ana, bo, cy] = people as [Known<object>, Known<object>, Known<object>];
const later = { deleteAfterMs: 30 * DAY, disable: true };
const LATER: SyncDefinition["deprovision"] = { outOfScope: later, disabled: later, softDeleted: later, deleted: later };

async function begin(target: "portal" | "scim", definition: Partial<SyncDefinition> = {}): Promise<string> {
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users: people, groups: [] } } });
  const records = target === "portal" ? "requester" : "user";
  const sync = await scene.addSync("people", target, { records, deprovision: LATER, ...definition });
  await scene.run(sync);
  return sync;
}

async function changes(sync: string): Promise<readonly string[]> {
  const run = await scene.run(sync);
  assert.equal(run.result, "succeeded", JSON.stringify(run));
  return inShort(await plannedIn(scene.store, run.run));
}

const leaving = async (): Promise<number> =>
  (await scene.store.db.selectFrom("links").select("object_id").where("leaving_at", "is not", null).execute()).length;

/** What the targets call it: a plan says what is really done. */
const VERBS = {
  portal: { disable: "deactivated in the portal", delete: "deleted from the portal, with its memberships" },
  scim: { disable: "set to active: false", delete: "deleted with DELETE" },
};

for (const target of ["portal", "scim"] as const) {
  const verbs = VERBS[target];
  test(`who leaves the ${target} is disabled at once and deleted thirty days later, though nothing changed since; who returns is enabled`, async () => {
    const sync = await begin(target);
    const before = await targetContent(scene, target);
    for (const { id } of [ana, bo]) await scene.graph("PATCH", `/users/${id}`, { accountEnabled: false });
    const first = await scene.run(sync);
    const [change] = await plannedIn(scene.store, first.run);
    assert.deepEqual([change?.action, change?.cause], ["disable", "disabled"]);
    assert.match(
      change?.reason ?? "",
      new RegExp(`^The account is disabled at the source; ${verbs.disable}; deleted after 30 days, unless it returns$`),
    );
    clock.advance(20 * DAY);
    assert.deepEqual(await changes(sync), []);
    await scene.graph("PATCH", `/users/${bo.id}`, { accountEnabled: true });
    assert.deepEqual(await changes(sync), ["enable Bo"]);
    assert.equal(await leaving(), 1);
    clock.advance(10 * DAY);
    const last = await scene.run(sync);
    const [deletion] = await plannedIn(scene.store, last.run);
    assert.deepEqual([last.counts.delete, deletion?.name], [1, "Ana"]);
    const said = new RegExp(`^The account is disabled at the source; ${verbs.delete}; 30 days have passed since$`);
    assert.match(deletion?.reason ?? "", said);
    assert.deepEqual(await changes(sync), []);
    await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: true });
    assert.deepEqual(await changes(sync), ["create Ana"]);
    assert.deepEqual(await targetContent(scene, target), before);
    const links = await scene.store.db
      .selectFrom("links")
      .select("object_id")
      .where("object_id", "=", ana.id)
      .execute();
    assert.equal(links.length, 1, "the new record is the same person's");
  });
}

test("each cause waits by its own policy, and a person gone for good is deleted when the days have passed", async () => {
  const deprovision = { ...DEFAULTS.deprovision, softDeleted: later, deleted: later };
  const sync = await begin("scim", { deprovision });
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: false });
  await scene.graph("DELETE", `/users/${bo.id}`);
  assert.deepEqual(await changes(sync), ["disable Ana", "disable Bo"]);
  assert.equal(await leaving(), 1, "who is only disabled does not wait");
  await scene.graph("DELETE", `/directory/deletedItems/${bo.id}`);
  assert.deepEqual(await changes(sync), []);
  clock.advance(31 * DAY);
  assert.deepEqual(await changes(sync), ["delete Bo"]);
  clock.advance(400 * DAY);
  assert.deepEqual(await changes(sync), []);
});

test("whoever was disabled before begins to wait when the policy is made, and waits no more when it is taken back", async () => {
  const sync = await begin("scim", { deprovision: DEFAULTS.deprovision });
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: false });
  await changes(sync);
  clock.advance(100 * DAY);
  await scene.redefine(sync, { deprovision: LATER });
  assert.deepEqual(await changes(sync), []);
  assert.equal(await leaving(), 1);
  clock.advance(29 * DAY);
  await scene.redefine(sync, { deprovision: DEFAULTS.deprovision });
  assert.deepEqual(await changes(sync), []);
  assert.equal(await leaving(), 0);
  await scene.redefine(sync, { deprovision: LATER });
  await changes(sync);
  clock.advance(29 * DAY);
  assert.deepEqual(await changes(sync), [], "the days begin anew");
  clock.advance(2 * DAY);
  assert.deepEqual(await changes(sync), ["delete Ana"]);
});

test("what nothing disables is left as it is until the days have passed, and a return ends the waiting", async () => {
  const kept = { ...later, disable: false };
  const sync = await begin("scim", { deprovision: { ...LATER, disabled: kept } });
  for (const { id } of [ana, bo]) await scene.graph("PATCH", `/users/${id}`, { accountEnabled: false });
  assert.deepEqual(await changes(sync), []);
  assert.equal(await leaving(), 2);
  await scene.graph("PATCH", `/users/${bo.id}`, { accountEnabled: true });
  assert.deepEqual(await changes(sync), []);
  assert.equal(await leaving(), 1);
  clock.advance(31 * DAY);
  assert.deepEqual(await changes(sync), ["delete Ana"]);
});

test("a deletion that was refused waits for its next try, and many at once are held by the guard", async () => {
  const guard = { ...DEFAULTS.guard, removals: { percent: 50, count: 500, windowMs: DAY } };
  const sync = await begin("scim", { guard });
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: false });
  await changes(sync);
  clock.advance(31 * DAY);
  scene.disturb(({ method }) => (method === "DELETE" ? { status: 403 } : null));
  const refused = await scene.run(sync);
  assert.equal(refused.failed, 1);
  const writes = scene.scim.requests.filter(({ method }) => method === "DELETE").length;
  await scene.run(sync);
  assert.equal(scene.scim.requests.filter(({ method }) => method === "DELETE").length, writes, "not before it is due");
  scene.disturb(null);
  clock.advance(DAY);
  assert.deepEqual(await changes(sync), ["delete Ana"]);
});

test("creations, updates and removals can each be switched off; a rename is an update of the same record", async () => {
  const sync = await begin("scim", { deprovision: DEFAULTS.deprovision });
  const set = async (operations: Partial<SyncDefinition["operations"]>): Promise<void> =>
    await scene.redefine(sync, { operations: { create: true, update: true, remove: true, ...operations } });
  const ids = (): readonly string[] => [...scene.scim.store.users.keys()].sort();
  const known = ids();
  await scene.graph("PATCH", `/users/${ana.id}`, { displayName: "Anna", userPrincipalName: "anna@contoso.com" });
  await set({ update: false });
  assert.deepEqual(await changes(sync), []);
  await set({});
  assert.deepEqual(await changes(sync), ["update Anna"]);
  assert.deepEqual(ids(), known);
  await scene.graph("PATCH", `/users/${cy.id}`, { accountEnabled: false });
  await set({ remove: false });
  assert.deepEqual(await changes(sync), []);
  await set({});
  assert.deepEqual(await changes(sync), ["disable Cy"]);
  const joiner = { ...person("Eve"), passwordProfile: { password: "Not-a-secret-1!" } };
  const { id: _, ...body } = joiner;
  await scene.graph("POST", "/users", body);
  await set({ create: false });
  assert.deepEqual(await changes(sync), []);
  await set({});
  assert.deepEqual(await changes(sync), ["create Eve"]);
});
