import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { DEFAULTS, type SyncDefinition } from "@entrain/core";
import type { SyncRow } from "./context.ts";
import { guardsOf, lowerGuard, raiseGuard } from "./raise.ts";
import { runSync } from "./run.ts";
import { heldChanges, inShort, plannedIn, scimMembers, scimUser } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, newUser, person, reference } from "./testing/tenant.ts";
import { DAY, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let clock: TestClock;
let sync: string;
afterEach(() => scene.close());

const HOUR = DAY / 24;
const DELETING: SyncDefinition["deprovision"] = {
  outOfScope: "delete",
  disabled: "disable",
  softDeleted: "delete",
  deleted: "delete",
};
const users = crowd(60);
const ids = users.map(({ id }) => id);

async function open(definition: Partial<SyncDefinition> = {}): Promise<void> {
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users, groups: [] } } });
  sync = await scene.addSync("people", "scim", { records: "user", ...definition });
  const first = await scene.run(sync);
  assert.deepEqual([first.result, first.counts.create], ["succeeded", 60], "a first run is not held");
}

const activeCount = (): number => [...scene.scim.store.users.values()].filter(({ active }) => active === true).length;
const retitle = async (at: number, jobTitle: string): Promise<unknown> =>
  await scene.graph("PATCH", `/users/${ids[at]}`, { jobTitle });
const rename = async (at: number, name: string): Promise<unknown> =>
  await scene.graph("PATCH", `/users/${ids[at]}`, { userPrincipalName: `${name}${at}@contoso.com` });
async function times(count: number, one: (at: number) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < count; at += 1) await one(at);
}
const holdCodes = async (): Promise<readonly string[]> => {
  const plans = await scene.store.db.selectFrom("plans").select("holds").where("state", "=", "held").execute();
  return plans.flatMap(({ holds }) => (JSON.parse(holds) as { readonly code: string }[]).map(({ code }) => code));
};
const syncRow = async (): Promise<SyncRow> =>
  await scene.store.db.selectFrom("syncs").selectAll().where("id", "=", sync).executeTakeFirstOrThrow();

const window = { windowMs: DAY } as const;
const guard = (more: Partial<SyncDefinition["guard"]>): Pick<SyncDefinition, "guard"> => ({
  guard: { ...DEFAULTS.guard, ...more },
});

test("a removal sliced over twenty small runs in a day is held from the seventh of sixty on", async () => {
  await open();
  const results: string[] = [];
  await times(20, async (at) => {
    await scene.graph("DELETE", `/users/${ids[at]}`);
    results.push((await scene.run(sync)).result);
    clock.advance(HOUR);
  });
  assert.deepEqual(results, [...Array(6).fill("succeeded"), ...Array(14).fill("held")]);
  assert.equal(activeCount(), 54);
});

test("what a stopped run has still to remove counts for a preview that is applied before the next run goes on with it", async () => {
  await open(guard({ removals: { percent: 50, count: 500, ...window } }));
  await times(25, (at) => scene.graph("DELETE", `/users/${ids[at]}`));
  const stop = new AbortController();
  scene.disturb(({ method }) => {
    if (method !== "GET") stop.abort(new DOMException("The run was stopped.", "AbortError"));
    return null;
  });
  const actor = { kind: "system", id: "test" } as const;
  const stopped = await runSync(scene.engine, { sync, actor, signal: stop.signal, onProgress: () => undefined });
  scene.disturb(null);
  assert.equal(stopped.result, "cancelled");
  assert.ok(activeCount() > 35, "some of them are left");
  await times(10, (at) => scene.graph("DELETE", `/users/${ids[at + 25]}`));
  const preview = await scene.plan(sync);
  const applied = await scene.apply(sync, preview.plan.digest ?? "");
  assert.deepEqual([applied.result, applied.held?.count], ["held", 10]);
  await scene.run(sync);
  assert.equal(activeCount(), 35);
});

test("a removal dripped over three weeks, one a day, is held by the thirty days at double the percent", async () => {
  await open();
  const results: string[] = [];
  await times(21, async (at) => {
    await scene.graph("DELETE", `/users/${ids[at]}`);
    results.push((await scene.run(sync)).result);
    clock.advance(DAY + 1);
  });
  assert.deepEqual(results, [...Array(12).fill("succeeded"), ...Array(9).fill("held")]);
  assert.equal(activeCount(), 48);
});

test("who left and came back is one of those that the guard's share is taken of, not two", async () => {
  await open();
  await scene.graph("DELETE", `/users/${ids[0]}`);
  assert.equal((await scene.run(sync)).counts.disable, 1);
  await scene.graph("POST", `/directory/deletedItems/${ids[0]}/restore`);
  assert.equal((await scene.run(sync)).counts.enable, 1);
  await times(6, (at) => scene.graph("DELETE", `/users/${ids[at]}`));
  assert.equal((await scene.run(sync)).result, "held", "a tenth of sixty is six, and one was removed before");
});

test("who came and left since is none of those that the guard's share is taken of", async () => {
  await open();
  const { id } = (await scene.graph("POST", "/users", newUser("Joiner 1"))) as { readonly id: string };
  assert.equal((await scene.run(sync)).counts.create, 1);
  await scene.graph("DELETE", `/users/${id}`);
  assert.equal((await scene.run(sync)).counts.disable, 1);
  await times(6, (at) => scene.graph("DELETE", `/users/${ids[at]}`));
  assert.equal((await scene.run(sync)).result, "held", "a tenth of sixty is six, and one was removed before");
});

test("who came and was deleted since is none of those that the guard's share is taken of", async () => {
  await open({ deprovision: DELETING });
  const { id } = (await scene.graph("POST", "/users", newUser("Joiner 1"))) as { readonly id: string };
  assert.equal((await scene.run(sync)).counts.create, 1);
  await scene.graph("DELETE", `/users/${id}`);
  assert.equal((await scene.run(sync)).counts.delete, 1);
  await times(6, (at) => scene.graph("DELETE", `/users/${ids[at]}`));
  assert.equal((await scene.run(sync)).result, "held", "a tenth of sixty is six, and one was removed before");
});

test("who came, left and came back since is none of those that the guard's share is taken of", async () => {
  await open();
  const { id } = (await scene.graph("POST", "/users", newUser("Joiner 1"))) as { readonly id: string };
  assert.equal((await scene.run(sync)).counts.create, 1);
  await scene.graph("PATCH", `/users/${id}`, { accountEnabled: false });
  assert.equal((await scene.run(sync)).counts.disable, 1);
  await scene.graph("PATCH", `/users/${id}`, { accountEnabled: true });
  assert.equal((await scene.run(sync)).counts.enable, 1);
  await times(6, (at) => scene.graph("DELETE", `/users/${ids[at]}`));
  assert.equal((await scene.run(sync)).result, "held", "a tenth of sixty is six, and one was removed before");
});

test("who was deleted, was created anew and was disabled is one of those that the guard's share is taken of", async () => {
  await open({ deprovision: DELETING, ...guard({ removals: { percent: 50, count: 500, ...window } }) });
  await times(2, (at) => scene.graph("DELETE", `/users/${ids[at]}`));
  assert.equal((await scene.run(sync)).counts.delete, 2);
  await times(2, (at) => scene.graph("POST", `/directory/deletedItems/${ids[at]}/restore`));
  assert.equal((await scene.run(sync)).counts.create, 2);
  await times(2, (at) => scene.graph("PATCH", `/users/${ids[at]}`, { accountEnabled: false }));
  assert.equal((await scene.run(sync)).counts.disable, 2);
  const [removals] = await guardsOf(scene.store, await syncRow());
  assert.deepEqual(
    removals?.windows.map(({ applied, allowed }) => `${applied} of ${allowed}`),
    ["4 of 30", "4 of 60"],
  );
});

test("a clock that is set back behind the first run lets nobody slip out of the guard's windows", async () => {
  await open();
  clock.advance(-3 * HOUR);
  const leave = async (at: number): Promise<string> => {
    await scene.graph("DELETE", `/users/${ids[at]}`);
    return (await scene.run(sync)).result;
  };
  const early: string[] = [];
  await times(6, async (at) => void early.push(await leave(at)));
  assert.deepEqual(early, Array(6).fill("succeeded"));
  clock.advance(6 * HOUR);
  assert.equal(await leave(6), "held");
  assert.equal(activeCount(), 54);
});

test("more new people than the company has room for by its guard are held with their names, and created by approval", async () => {
  await open(guard({ creations: { percent: 5, count: 3, ...window } }));
  for (const name of ["Ann", "Bea", "Cay", "Dot"]) await scene.graph("POST", "/users", newUser(name));
  await retitle(0, "Chief");
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.counts.update, run.held?.count], ["held", 0, 1, 4]);
  assert.deepEqual(await holdCodes(), ["creation_guard"]);
  const digest = run.held?.digest ?? "";
  const held = inShort(await heldChanges(scene.store, digest));
  assert.deepEqual(held, ["create Ann", "create Bea", "create Cay", "create Dot"]);
  assert.equal(scene.scim.store.users.size, 60);
  assert.equal((await scene.approve(sync, digest)).counts.create, 4);
  const next = await scene.run(sync);
  assert.deepEqual([next.result, await plannedIn(scene.store, next.run)], ["succeeded", []]);
});

test("by default fifty new people pass in a company of sixty, in slices too, and the next are held", async () => {
  await open();
  await times(30, async (at) => await scene.graph("POST", "/users", newUser(`Joiner ${at}`)));
  assert.equal((await scene.run(sync)).counts.create, 30);
  clock.advance(HOUR);
  await times(20, async (at) => await scene.graph("POST", "/users", newUser(`Later ${at}`)));
  assert.equal((await scene.run(sync)).counts.create, 20);
  await scene.graph("POST", "/users", newUser("Last"));
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.held?.count], ["held", 1]);
});

test("a manager whose creation is held is referred to after the approval", async () => {
  await open(guard({ creations: { percent: 1, count: 0, ...window } }));
  const boss = (await scene.graph("POST", "/users", newUser("Boss"))) as { readonly id: string };
  await scene.graph("PUT", `/users/${ids[0]}/manager/$ref`, reference(boss.id));
  const run = await scene.run(sync);
  assert.equal(run.held?.count, 1);
  assert.equal((await scene.approve(sync, run.held?.digest ?? "")).counts.create, 1);
  assert.equal((await scene.run(sync)).counts.update, 1);
});

test("a new group whose creation is held waits with its members", async () => {
  await open();
  const groups = await scene.addSync("groups", "scim", {
    records: "group",
    ...guard({ creations: { percent: 1, count: 0, ...window } }),
  });
  const staff = group("Staff");
  await scene.graph("POST", "/groups", { ...staff, id: undefined });
  await scene.run(groups);
  const [late] = [group("Late")];
  const made = (await scene.graph("POST", "/groups", { ...late, id: undefined })) as { readonly id: string };
  await scene.graph("POST", `/groups/${made.id}/members/$ref`, reference(ids[0] ?? ""));
  const run = await scene.run(groups);
  assert.deepEqual([run.result, run.conflicts, run.held?.count], ["held", 0, 2]);
  await scene.approve(groups, run.held?.digest ?? "");
  assert.deepEqual(scimMembers(scene.scim, made.id), [ids[0]]);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(groups)).run), []);
});

test("updates beyond their guard are held; a person who changes again and again counts once", async () => {
  await open(guard({ updates: { percent: 90, count: 5, ...window } }));
  await times(4, async (at) => {
    await retitle(0, `Title ${at}`);
    assert.equal((await scene.run(sync)).result, "succeeded");
  });
  await times(4, async (at) => await retitle(at, "Chief"));
  assert.equal((await scene.run(sync)).result, "succeeded");
  await retitle(4, "Chief");
  await retitle(5, "Chief");
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.held?.count], ["held", 2]);
  assert.deepEqual(await holdCodes(), ["update_guard"]);
  // What the record asks for meanwhile is planned once the plan is decided.
  await retitle(4, "Boss");
  await scene.approve(sync, run.held?.digest ?? "");
  await scene.run(sync);
  assert.equal(scimUser(scene.scim, ids[4] ?? "")?.title, "Boss");
  assert.equal(scimUser(scene.scim, ids[5] ?? "")?.title, "Chief");
});

test("a mass rename of the matching attribute is held with the names, and other updates go on", async () => {
  await open();
  await times(7, async (at) => await rename(at, "renamed"));
  await retitle(20, "Chief");
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.update, run.held?.count], ["held", 1, 7]);
  assert.deepEqual(await holdCodes(), ["matching_guard"]);
  const held = await heldChanges(scene.store, run.held?.digest ?? "");
  assert.deepEqual(
    inShort(held),
    users.slice(0, 7).map(({ displayName }) => `update ${displayName}`),
  );
  assert.ok(held.every(({ reason }) => /userName/.test(reason)));
  assert.equal(scimUser(scene.scim, ids[0] ?? "")?.userName, "person.0001@contoso.com");
  assert.equal((await scene.approve(sync, run.held?.digest ?? "")).counts.update, 7);
  assert.equal(scimUser(scene.scim, ids[0] ?? "")?.userName, "renamed0@contoso.com");
});

test("a rename of the matching attribute that is sliced over many runs is held, too", async () => {
  await open();
  const results: string[] = [];
  await times(10, async (at) => {
    await rename(at, "renamed");
    results.push((await scene.run(sync)).result);
    clock.advance(HOUR);
  });
  assert.deepEqual(results, [...Array(6).fill("succeeded"), ...Array(4).fill("held")]);
});

test("a preview that was made while a guard was raised is judged again when it is applied", async () => {
  await open(guard({ updates: { percent: 90, count: 3, ...window } }));
  const by = { kind: "operator", id: "olga" } as const;
  await raiseGuard(scene.store, await syncRow(), { counter: "updates", count: 10, forMs: HOUR, actor: by });
  await times(5, async (at) => await retitle(at, "Chief"));
  const { plan } = await scene.plan(sync);
  assert.equal(plan.holds, "[]");
  clock.advance(2 * HOUR);
  const run = await scene.apply(sync, plan.digest ?? "");
  assert.deepEqual([run.result, run.counts.update, run.held?.count], ["held", 0, 5]);
});

test("a raised guard passes more for a while, and falls back by itself", async () => {
  await open();
  const by = { kind: "operator", id: "olga" } as const;
  const row = await syncRow();
  const raised = await raiseGuard(scene.store, row, { counter: "removals", percent: 30, forMs: 2 * HOUR, actor: by });
  assert.deepEqual([raised.percent, raised.count, raised.by], [30, 500, by]);
  await times(12, async (at) => await scene.graph("DELETE", `/users/${ids[at]}`));
  assert.deepEqual((await scene.run(sync)).counts.disable, 12);
  clock.advance(2 * HOUR);
  await scene.graph("DELETE", `/users/${ids[12]}`);
  assert.deepEqual((await scene.run(sync)).result, "held");
  const journalled = await scene.store.db.selectFrom("journal").select("type").where("actor_id", "=", "olga").execute();
  assert.deepEqual(journalled, [{ type: "guard_raised" }]);
});

test("a guard is never raised beyond its bounds, longer than a day, or to less", async () => {
  await open();
  const by = { kind: "operator", id: "olga" } as const;
  const row = await syncRow();
  const raise = async (more: { percent?: number; count?: number; forMs?: number }) =>
    await raiseGuard(scene.store, row, { counter: "removals", forMs: HOUR, actor: by, ...more });
  await assert.rejects(raise({ percent: 51 }), /at most: a guard that lets more than half/);
  await assert.rejects(raise({ count: 100_001 }), /the guard cannot be switched off/);
  await assert.rejects(raise({ percent: 30, forMs: DAY + 1 }), /for 24h at most/);
  await assert.rejects(raise({ percent: 10 }), /raises nothing/);
  assert.equal(await lowerGuard(scene.store, row, { counter: "removals", actor: by }), false);
  await raise({ percent: 30 });
  assert.equal(await lowerGuard(scene.store, row, { counter: "removals", actor: by }), true);
  const [removals] = await guardsOf(scene.store, row);
  assert.deepEqual([removals?.percent, removals?.raised], [10, null]);
});

test("how its windows are filled is told with every guard", async () => {
  await open();
  await times(3, async (at) => await scene.graph("DELETE", `/users/${ids[at]}`));
  await retitle(10, "Chief");
  await scene.graph("POST", "/users", newUser(person("Joiner").displayName));
  await scene.run(sync);
  const told = (await guardsOf(scene.store, await syncRow())).map(({ counter, windows }) => [
    counter,
    ...windows.map(({ applied, allowed }) => `${applied} of ${allowed}`),
  ]);
  assert.deepEqual(told, [
    ["removals", "3 of 6", "3 of 12"],
    ["members", "0 of 3", "0 of 3"],
    ["creations", "1 of 50", "1 of 60"],
    ["updates", "1 of 100"],
    ["matching", "0 of 6", "0 of 12"],
  ]);
});
