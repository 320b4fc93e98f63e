import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Engine } from "./context.ts";
import { heldPlans, runHistory, syncStatus } from "./queries.ts";
import { applySync, runSync } from "./run.ts";
import { heldChanges, inShort, plannedIn, scimGroup, scimMembers, scimWrites, unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, newUser } from "./testing/tenant.ts";
import { DAY, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let clock: TestClock;
let sync: string;
afterEach(() => scene.close());

const users = crowd(40);
const ids = users.map(({ id }) => id);
const staff = group("Staff");

async function open(): Promise<void> {
  clock = testClock();
  const tenant = { users, groups: [staff], memberships: { [staff.id]: ids.slice(0, 30) } };
  scene = await openScene({ clock, simulator: { tenant } });
  sync = await scene.addSync("people", "scim", { records: "user" });
  const first = await scene.run(sync);
  assert.equal(first.result, "succeeded", JSON.stringify(first.error));
}

async function leave(from: number, to: number): Promise<void> {
  for (const id of ids.slice(from, to)) await scene.graph("DELETE", `/users/${id}`);
}

async function preview(of: string = sync): Promise<string> {
  return (await scene.plan(of)).plan.digest ?? "";
}

const activeCount = (): number => [...scene.scim.store.users.values()].filter(({ active }) => active === true).length;

async function pendingCount(): Promise<number> {
  return (await scene.store.db.selectFrom("pending").selectAll().execute()).length;
}

/** The journal's entries of a type: who, in which run, and the sentence why. */
async function decisions(type: string): Promise<readonly { run: string | null; reason: string | null }[]> {
  return await scene.store.db
    .selectFrom("journal")
    .innerJoin("journal_values as said", (join) =>
      join.onRef("said.stream", "=", "journal.stream").onRef("said.sequence", "=", "journal.sequence"),
    )
    .select(["journal.run", "said.reason"])
    .where("journal.type", "=", type)
    .execute();
}

/** A few changes of every kind that a preview of people can hold: two creations, an update, two removals. */
async function someChanges(): Promise<void> {
  await scene.graph("POST", "/users", newUser("Joiner"));
  await scene.graph("POST", "/users", newUser("Second Joiner"));
  await scene.graph("PATCH", `/users/${ids[20]}`, { jobTitle: "Chief" });
  await leave(0, 2);
}

test("a preview that was applied is not applied again: the refusal names the run that did", async () => {
  await open();
  await someChanges();
  const digest = await preview();
  const first = await scene.apply(sync, digest);
  assert.equal(first.result, "succeeded");
  const before = scene.scim.requests.length;
  const refused = { code: "plan_applied", message: new RegExp(`already applied by the run ${first.run}`) };
  for (const verb of ["apply", "approve"] as const) await assert.rejects(scene[verb](sync, digest), refused);
  const [last] = await runHistory(scene.store, { sync, limit: 1 });
  assert.equal(last?.run, first.run, "what is refused is no run");
  assert.deepEqual(scimWrites(scene.scim, before), []);
  assert.deepEqual([await pendingCount(), (await syncStatus(scene.store, sync))?.unsynced], [0, 0]);
});

test("a preview whose removals were held when it was applied is not applied again either", async () => {
  await open();
  await leave(0, 12);
  await scene.graph("POST", "/users", newUser("Joiner"));
  const digest = await preview();
  const first = await scene.apply(sync, digest);
  assert.deepEqual([first.result, first.counts.create, first.held?.count], ["held", 1, 12]);
  const refused = { code: "plan_applied", message: new RegExp(`already applied by the run ${first.run}`) };
  await assert.rejects(scene.apply(sync, digest), refused);
  const waits = { code: "plan_stale", message: /waits for approval, and is not applied without/ };
  await assert.rejects(scene.apply(sync, first.held?.digest ?? ""), waits);
  const [still, ...others] = await heldPlans(scene.store, sync);
  assert.deepEqual([still?.digest, others], [first.held?.digest, []]);
});

test("a preview that a run has done meanwhile is refused as done, and no record is left in conflict", async () => {
  await open();
  await someChanges();
  const digest = await preview();
  const { run } = await scene.run(sync);
  const refused = await scene.apply(sync, digest);
  assert.equal(refused.error?.code, "plan_applied");
  assert.match(refused.error?.message ?? "", new RegExp(`already applied by the run ${run}`));
  assert.deepEqual([await pendingCount(), activeCount()], [0, 40]);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("of a preview that is done in part, the done changes count as unchanged and moved records are in conflict", async () => {
  await open();
  await someChanges();
  const digest = await preview();
  await scene.graph("PATCH", `/users/${ids[20]}`, { jobTitle: "Boss" });
  await scene.run(sync);
  const late = await scene.apply(sync, digest);
  assert.deepEqual([late.result, late.unchanged, late.counts.update, late.conflicts], ["partial", 4, 0, 1]);
  assert.deepEqual(await unsynced(scene.store, sync), new Map([[ids[20], "conflict"]]));
  const next = await scene.run(sync);
  assert.deepEqual([await plannedIn(scene.store, next.run), await pendingCount()], [[], 0]);
});

test("a change that is done already counts neither as a removal nor against the guard", async () => {
  await open();
  await leave(0, 3);
  await scene.graph("PATCH", `/users/${ids[20]}`, { jobTitle: "Chief" });
  const digest = await preview();
  await scene.graph("PATCH", `/users/${ids[20]}`, { jobTitle: "Boss" });
  assert.equal((await scene.run(sync)).counts.disable, 3);
  const late = await scene.apply(sync, digest);
  assert.deepEqual([late.result, late.unchanged, late.held, late.conflicts], ["partial", 3, null, 1]);
  const counted = scene.store.db.selectFrom("removals").selectAll().where("counter", "=", "removals");
  assert.equal((await counted.execute()).length, 3);
});

test("memberships that a run wrote meanwhile are done, and a late preview writes only the others", async () => {
  await open();
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  await scene.run(groups);
  await scene.graph("DELETE", `/groups/${staff.id}/members/${ids[0]}/$ref`);
  await scene.graph("PATCH", `/groups/${staff.id}`, { displayName: "All staff" });
  const digest = await preview(groups);
  await scene.graph("PATCH", `/groups/${staff.id}`, { displayName: "Everybody" });
  assert.equal((await scene.run(groups)).counts.members, 1);
  const before = scene.scim.requests.length;
  const late = await scene.apply(groups, digest);
  assert.deepEqual([late.unchanged, late.counts.members, scimWrites(scene.scim, before)], [1, 0, []]);
  await scene.run(groups);
  assert.deepEqual(scimMembers(scene.scim, staff.id), ids.slice(1, 30).sort());
  assert.equal(scimGroup(scene.scim, staff.id)?.displayName, "Everybody");
  assert.equal(await pendingCount(), 0);
});

test("a held plan whose changes an approved preview has done closes in that run, and says why", async () => {
  await open();
  await leave(0, 12);
  await scene.graph("POST", "/users", newUser("Joiner"));
  const digest = await preview();
  const { held } = await scene.run(sync);
  assert.equal(held?.count, 12);
  const approved = await scene.approve(sync, digest);
  assert.deepEqual([approved.result, approved.counts.disable, approved.unchanged], ["succeeded", 12, 1]);
  assert.deepEqual([approved.held, await heldPlans(scene.store, sync)], [null, []]);
  const [closed, ...more] = await decisions("superseded");
  assert.deepEqual([closed?.run, more], [approved.run, []]);
  assert.match(closed?.reason ?? "", /12 changes were done meanwhile/);
  const next = await scene.run(sync);
  assert.deepEqual([next.result, next.held, await plannedIn(scene.store, next.run)], ["succeeded", null, []]);
  assert.equal(await pendingCount(), 0);
  await assert.rejects(scene.approve(sync, held?.digest ?? ""), { code: "plan_stale" });
  assert.deepEqual([activeCount(), await pendingCount()], [29, 0]);
});

test("approving a held plan that closed by itself says so", async () => {
  await open();
  await leave(0, 12);
  const { held } = await scene.run(sync);
  for (const id of ids.slice(0, 12)) await scene.graph("POST", `/directory/deletedItems/${id}/restore`);
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.held, await heldPlans(scene.store, sync)], ["succeeded", null, []]);
  assert.equal((await decisions("superseded"))[0]?.run, run.run);
  const late = { code: "plan_stale", message: /no longer waits/ };
  await assert.rejects(scene.approve(sync, held?.digest ?? ""), late);
  assert.deepEqual([activeCount(), await pendingCount()], [40, 0]);
});

test("a held plan whose people all changed at the source closes, and its removals are held anew in the same run", async () => {
  await open();
  for (const id of ids.slice(0, 12)) await scene.graph("PATCH", `/users/${id}`, { accountEnabled: false });
  const first = await scene.run(sync);
  for (const id of ids.slice(0, 12)) await scene.graph("PATCH", `/users/${id}`, { jobTitle: "Gone" });
  const again = await scene.run(sync);
  assert.deepEqual([again.result, again.held?.count], ["held", 12]);
  assert.notEqual(again.held?.digest, first.held?.digest);
  assert.equal((await heldPlans(scene.store, sync)).length, 1);
  assert.equal((await scene.approve(sync, again.held?.digest ?? "")).counts.disable, 12);
});

test("a held plan of which one change still stands goes on waiting", async () => {
  await open();
  await leave(0, 12);
  const { held } = await scene.run(sync);
  for (const id of ids.slice(0, 11)) await scene.graph("POST", `/directory/deletedItems/${id}/restore`);
  assert.deepEqual((await scene.run(sync)).held, held);
  assert.deepEqual(await decisions("superseded"), []);
});

test("applying a preview whose removals a later run has held does not hold them a second time", async () => {
  await open();
  await leave(0, 12);
  await scene.graph("POST", "/users", newUser("Joiner"));
  const digest = await preview();
  const { held } = await scene.run(sync);
  const applied = await scene.apply(sync, digest);
  assert.deepEqual([applied.result, applied.unchanged, applied.held], ["held", 1, held]);
  assert.equal((await heldPlans(scene.store, sync)).length, 1);
  assert.equal((await scene.approve(sync, held?.digest ?? "")).counts.disable, 12);
  assert.deepEqual(await heldPlans(scene.store, sync), []);
});

test("a preview is judged by the guard when it is applied: what filled the window meanwhile counts", async () => {
  await open();
  await leave(0, 3);
  await scene.graph("POST", "/users", newUser("Joiner"));
  const digest = await preview();
  // Away and back again, so that the run between removes three others.
  for (const id of ids.slice(0, 3)) await scene.graph("POST", `/directory/deletedItems/${id}/restore`);
  await leave(3, 6);
  const between = await scene.plan(sync);
  assert.deepEqual(between.plan.holds, "[]");
  assert.equal((await scene.apply(sync, between.plan.digest ?? "")).counts.disable, 3);
  assert.equal((await scene.apply(sync, digest)).held, null, "the restored are in conflict, not removals");
  await leave(6, 8);
  const late = (await scene.plan(sync)).plan;
  assert.deepEqual(JSON.parse(late.holds).length, 1, "five of forty");
  clock.advance(DAY);
});

test("removals of a preview that would pass alone are held when others went meanwhile, until it is approved", async () => {
  await open();
  const scoped = await scene.addSync("few", "portal", { records: "requester" });
  await scene.run(scoped);
  await leave(0, 3);
  const digest = await preview(scoped);
  assert.deepEqual((await scene.plan(scoped)).plan.holds, "[]");
  await scene.store.transaction(async (tx) => {
    const at = clock.now();
    await tx
      .insertInto("removals")
      .values({ sync: scoped, counter: "removals", object_id: "x", amount: 3, at })
      .execute();
  });
  const applied = await scene.apply(scoped, digest);
  assert.deepEqual([applied.result, applied.counts.disable, applied.held?.count], ["held", 0, 3]);
  assert.deepEqual(inShort(await heldChanges(scene.store, applied.held?.digest ?? "")).length, 3);
  assert.equal((await scene.approve(scoped, applied.held?.digest ?? "")).counts.disable, 3);
});

test("a preview that is approved by its digest goes through whatever the guard says", async () => {
  await open();
  await leave(0, 12);
  const digest = await preview();
  const approved = await scene.approve(sync, digest);
  assert.deepEqual([approved.result, approved.counts.disable], ["succeeded", 12]);
});

test("what a preview showed as held stays held when it is applied after the guard's window has passed", async () => {
  await open();
  await leave(0, 4);
  await scene.run(sync);
  await leave(4, 6);
  const digest = await preview();
  clock.advance(DAY + 1);
  const applied = await scene.apply(sync, digest);
  assert.deepEqual([applied.result, applied.counts.disable, applied.held?.count], ["held", 0, 2]);
});

test("a preview whose application broke off before its first change does not count as applied", async () => {
  await open();
  await someChanges();
  await leave(2, 14);
  const digest = await preview();
  const { store } = scene;
  const engine: Engine = {
    ...scene.engine,
    store: {
      ...store,
      fenced: async (lease, work, options) => {
        const split = await store.db.selectFrom("plans").select("id").where("state", "=", "building").execute();
        if (split.length > 0) throw new Error("the machine stopped");
        return await store.fenced(lease, work, options);
      },
    },
  };
  const actor = { kind: "system", id: "test" } as const;
  const options = { sync, digest, actor, signal: new AbortController().signal, onProgress: () => undefined };
  await assert.rejects(applySync(engine, options), /the machine stopped/);
  await assert.rejects(scene.apply(sync, digest), { code: "plan_stale" });
  assert.equal(activeCount(), 40);
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.held?.count], ["held", 2, 14]);
});

test("a preview of what a run left that broke off keeps nothing from the next run, which writes the rest and what hangs on it", async () => {
  clock = testClock();
  scene = await openScene({
    clock,
    simulator: { tenant: { users, groups: [staff], memberships: { [staff.id]: ids.slice(0, 3) } } },
  });
  sync = await scene.addSync("people", "scim", { records: "user" });
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  const actor = { kind: "system", id: "test" } as const;
  const stop = new AbortController();
  scene.disturb(({ method }) => {
    if (method !== "POST") return null;
    stop.abort(new DOMException("The run was stopped.", "AbortError"));
    return "cut";
  });
  const broken = await runSync(scene.engine, { sync: groups, actor, signal: stop.signal, onProgress: () => undefined });
  assert.equal(broken.result, "cancelled");
  scene.disturb(null);
  await scene.run(sync);
  const digest = await preview(groups);
  const applied = await scene.apply(groups, digest);
  assert.equal(applied.result, "succeeded");
  const next = await scene.run(groups);
  assert.deepEqual([next.counts.create + applied.counts.create, next.counts.members], [1, 3]);
  assert.deepEqual(scimMembers(scene.scim, staff.id), ids.slice(0, 3).sort());
});
