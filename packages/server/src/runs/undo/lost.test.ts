import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { DEFAULTS } from "@entrain/core";
import { type RunSummary, runSync } from "../run.ts";
import { targetContent } from "../testing/content.ts";
import { heldChanges, inShort, plannedIn, scimUser } from "../testing/observe.ts";
import { OLGA, openScene, type Scene } from "../testing/scene.ts";
import { group, type Known, person, reference } from "../testing/tenant.ts";
import { type TestClock, testClock } from "../testing/time.ts";

let scene: Scene;
let clock: TestClock;
afterEach(async () => await scene.close());

const deprovision = { ...DEFAULTS.deprovision, softDeleted: "delete" as const };
const people = ["Ana", "Bo", "Cy", "Di", "Ed", "Flo", "Gus"].map((name) => person(name, { jobTitle: `${name} old` }));
const [ana, bo, cy] = people as [Known<object>, Known<object>, Known<object>];
const team = group("Team");
const MANAGER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
const KINDS = { portal: "requester", scim: "user", csv: "user" } as const;

async function open(memberships: { readonly [group: string]: readonly string[] } = {}): Promise<void> {
  clock = testClock();
  const tenant = { users: people, groups: [team, group("Other")], memberships };
  scene = await openScene({ clock, simulator: { tenant } });
}

async function undone(sync: string, of: string | null): Promise<RunSummary> {
  const planned = await scene.undo(sync, of);
  assert.equal(planned.result, "held", JSON.stringify(planned));
  return await scene.approve(sync, planned.held?.digest ?? "");
}

async function left(): Promise<readonly unknown[]> {
  return await scene.store.db
    .selectFrom("plan_issues")
    .innerJoin("plans", "plans.id", "plan_issues.plan")
    .select(["plan_issues.code", "plan_issues.detail"])
    .where("plan_issues.state", "=", "left")
    .where("plans.state", "!=", "abandoned")
    .execute();
}

const manages = async (who: { readonly id: string }, whom: { readonly id: string }) =>
  await scene.graph("PUT", `/users/${whom.id}/manager/$ref`, reference(who.id));

for (const target of ["portal", "scim", "csv"] as const) {
  test(`a group that a run deleted in the ${target} comes back with its members`, async () => {
    await open({ [team.id]: [ana.id, bo.id, cy.id] });
    const users = await scene.addSync("people", target, { records: KINDS[target], deprovision });
    const sync = await scene.addSync("groups", target, { records: "group", deprovision });
    for (const one of [users, sync]) await scene.run(one);
    await scene.graph("DELETE", `/groups/${team.id}/members/${cy.id}/$ref`);
    await scene.run(sync);
    const before = await targetContent(scene, target);
    await scene.graph("DELETE", `/groups/${team.id}`);
    const run = await scene.run(sync);
    assert.equal(run.counts.delete, 1);
    assert.equal((await undone(sync, run.run)).result, "succeeded");
    assert.deepEqual(await targetContent(scene, target), before);
    assert.deepEqual(await left(), []);
    assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
    assert.deepEqual(await targetContent(scene, target), before);
  });

  test(`a person whom a run deleted in the ${target} comes back with their manager, and in what refers to them`, async () => {
    await open();
    await manages(bo, cy);
    await manages(cy, ana);
    const sync = await scene.addSync("people", target, { records: KINDS[target], deprovision });
    await scene.run(sync);
    const before = await targetContent(scene, target);
    await scene.graph("DELETE", `/users/${cy.id}`);
    const run = await scene.run(sync);
    assert.deepEqual([run.counts.delete, run.counts.update], [1, 1]);
    assert.equal((await undone(sync, run.run)).result, "succeeded");
    assert.deepEqual(await targetContent(scene, target), before);
  });

  test(`a manager in the ${target} whose record is gone is told, and not planned`, async () => {
    await open();
    await manages(cy, ana);
    const sync = await scene.addSync("people", target, { records: KINDS[target], deprovision });
    await scene.run(sync);
    await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Ana new" });
    await scene.graph("DELETE", `/users/${cy.id}`);
    const run = await scene.run(sync);
    const planned = await scene.undo(sync, run.run, { records: new Set([ana.id]) });
    const [change] = await heldChanges(scene.store, planned.held?.digest ?? "");
    assert.match(change?.reason ?? "", /^Undone: (job title|title|jobTitle): Ana new → Ana old$/);
    const [told] = (await left()) as readonly { readonly code: string; readonly detail: string }[];
    assert.equal(told?.code, "undo_gone");
    assert.match(told?.detail ?? "", /manager was Cy, who has no record in the target now, so it stays$/);
  });
}

test("members without a record are told when a group comes back", async () => {
  await open({ [team.id]: [ana.id, bo.id] });
  const users = await scene.addSync("people", "scim", { records: "user", deprovision });
  const sync = await scene.addSync("groups", "scim", { records: "group", deprovision });
  for (const one of [users, sync]) await scene.run(one);
  await scene.graph("DELETE", `/groups/${team.id}`);
  await scene.graph("DELETE", `/users/${bo.id}`);
  const run = await scene.run(sync);
  assert.equal((await scene.run(users)).counts.delete, 1);
  assert.equal((await scene.undo(sync, run.run)).result, "held");
  assert.deepEqual(await left(), [
    {
      code: "undo_gone",
      detail:
        "Bo, who was a member of it, has no record in the target now, or another one since; " +
        `once what they had is brought back: entrain sync undo groups --run ${run.run}`,
    },
  ]);
});

test("a record that was disabled before it was deleted, and made anew before that, comes back disabled", async () => {
  await open();
  const sync = await scene.addSync("people", "scim", { records: "user", deprovision });
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: false });
  await scene.run(sync);
  const before = await targetContent(scene, "scim");
  await scene.graph("DELETE", `/users/${ana.id}`);
  const first = await scene.run(sync);
  const back = await undone(sync, first.run);
  assert.deepEqual(await targetContent(scene, "scim"), before);
  // What was undone is undone in turn, and that once more.
  const again = await undone(sync, back.run);
  assert.equal(again.counts.delete, 1, JSON.stringify(again));
  assert.equal((await undone(sync, again.run)).counts.create, 1);
  assert.deepEqual(await targetContent(scene, "scim"), before);
});

test("a record that was enabled again after the clock was set back comes back enabled", async () => {
  await open();
  const sync = await scene.addSync("people", "scim", { records: "user", deprovision });
  await scene.run(sync);
  clock.advance(7_200_000);
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: false });
  assert.equal((await scene.run(sync)).counts.disable, 1);
  clock.advance(-3_600_000);
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: true });
  assert.equal((await scene.run(sync)).counts.enable, 1);
  await scene.graph("DELETE", `/users/${ana.id}`);
  const run = await scene.run(sync);
  assert.equal(run.counts.delete, 1, JSON.stringify(run));
  const planned = await scene.undo(sync, run.run);
  const [change] = await heldChanges(scene.store, planned.held?.digest ?? "");
  assert.deepEqual([change?.action, change?.active], ["create", null]);
});

for (const too of [true, false]) {
  test(`a manager who cannot come back is told of a report who ${too ? "does" : "stayed"}, and not promised`, async () => {
    await open();
    await manages(cy, ana);
    const sync = await scene.addSync("people", "scim", { records: "user", deprovision });
    await scene.run(sync);
    for (const one of too ? [ana, cy] : [cy]) await scene.graph("DELETE", `/users/${one.id}`);
    const run = await scene.run(sync);
    assert.equal(run.counts.delete, too ? 2 : 1, JSON.stringify(run));
    // An administrator of the target makes the manager again by hand.
    scene.scim.store.putUser(undefined, { userName: "cy@contoso.com", active: true });
    const planned = await scene.undo(sync, run.run);
    const detail = `${MANAGER} was Cy, who has no record in the target now, so it stays`;
    if (too) {
      assert.deepEqual(inShort(await heldChanges(scene.store, planned.held?.digest ?? "")), ["create Ana"]);
      assert.deepEqual((await left()).slice(1), [{ code: "undo_gone", detail }]);
    } else {
      assert.deepEqual([planned.result, planned.error?.code], ["failed", "nothing_to_undo"]);
      assert.ok(planned.error?.message.endsWith(`; Ana: ${detail}.`), JSON.stringify(planned));
    }
  });
}

test("a join that wrote nothing is let go of, and the record stays as it is", async () => {
  await open();
  const sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  const before = await targetContent(scene, "scim");
  await scene.store.transaction((tx) => tx.deleteFrom("links").where("object_id", "=", ana.id).execute());
  await scene.redefine(sync, {});
  const run = await scene.run(sync);
  assert.deepEqual(inShort(await plannedIn(scene.store, run.run)), ["join Ana"]);
  assert.equal((await undone(sync, run.run)).result, "succeeded");
  assert.deepEqual(await targetContent(scene, "scim"), before);
  const links = await scene.store.db.selectFrom("links").select("object_id").execute();
  assert.ok(links.every(({ object_id: id }) => id !== ana.id));
});

test("records and numbers that the run did nothing of are told, instead of undoing less than was asked for", async () => {
  await open();
  const sync = await scene.addSync("people", "scim", { records: "user" });
  const run = await scene.run(sync);
  for (const chosen of [{ records: new Set([ana.id, "nobody"]) }, { ordinals: new Set([0, 4711]) }]) {
    const message = /changed nothing of (nobody|4711)\.$/;
    await assert.rejects(scene.undo(sync, run.run, chosen), { code: "nothing_to_undo", message });
  }
});

test("a slip in what is to be undone is said before there is a run, and of another sync's run whose it was", async () => {
  await open();
  const sync = await scene.addSync("people", "scim", { records: "user" });
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  await assert.rejects(scene.undo(sync, null), { code: "nothing_to_undo", message: /people has applied nothing yet/ });
  const run = await scene.run(sync);
  const runs = async () => (await scene.store.db.selectFrom("runs").select("id").execute()).length;
  const plans = async () => (await scene.store.db.selectFrom("plans").select("id").execute()).length;
  const before = [await runs(), await plans()];
  await assert.rejects(scene.undo(groups, run.run), {
    code: "nothing_to_undo",
    message: /was one of the sync people, and took nothing from what groups writes/,
    fix: `Undo it there: entrain sync undo people --run ${run.run}`,
  });
  await assert.rejects(scene.undo(sync, "run_none"), { code: "not_found" });
  await assert.rejects(scene.undo(sync, run.run, { records: new Set(["nobody"]) }), { code: "nothing_to_undo" });
  assert.deepEqual([await runs(), await plans()], before);
});

test("memberships that took effect although their change was refused move back", async () => {
  await open();
  const users = await scene.addSync("people", "scim", { records: "user" });
  const sync = await scene.addSync("groups", "scim", { records: "group" });
  for (const one of [users, sync]) await scene.run(one);
  const before = await targetContent(scene, "scim");
  for (const one of [ana, bo]) await scene.graph("POST", `/groups/${team.id}/members/$ref`, reference(one.id));
  const { openTarget } = scene.engine;
  const engine: typeof scene.engine = {
    ...scene.engine,
    openTarget: async (...of) => {
      const target = await openTarget(...of);
      return {
        ...target,
        apply: async ([change, ...more], signal) => {
          if (change?.action !== "members") return await target.apply(change ? [change, ...more] : [], signal);
          assert.deepEqual(more, []);
          await target.apply([{ ...change, add: (change.add ?? []).slice(0, 1) }], signal);
          return [{ status: "refused", code: "refused_by_target", detail: "one is too many", retry: "later" }];
        },
      };
    },
  };
  const { signal } = new AbortController();
  const run = await runSync(engine, { sync, actor: OLGA, signal, onProgress: () => undefined });
  assert.equal(run.failed, 1, JSON.stringify(run));
  assert.notDeepEqual(await targetContent(scene, "scim"), before);
  assert.equal((await undone(sync, run.run)).result, "succeeded");
  assert.deepEqual(await targetContent(scene, "scim"), before);
});

test("a run that also finished a plan approved before it is undone by what each of the two said before", async () => {
  await open();
  const guard = { removals: { percent: 1, count: 1, windowMs: 86_400_000 } };
  const sync = await scene.addSync("people", "scim", {
    records: "user",
    guard: { ...guard, members: guard.removals },
  });
  await scene.run(sync);
  const before = await targetContent(scene, "scim");
  for (const one of people.slice(0, 4)) await scene.graph("PATCH", `/users/${one.id}`, { accountEnabled: false });
  const held = await scene.run(sync);
  assert.equal(held.held?.count, 4, JSON.stringify(held));
  // The process ends when the approval stands and before anything of it is begun.
  const approved = { state: "approved", approved_by: JSON.stringify(OLGA), approved_at: clock.now() };
  await scene.store.transaction((tx) => tx.updateTable("plans").set(approved).where("state", "=", "held").execute());
  for (const one of people.slice(4)) await scene.graph("PATCH", `/users/${one.id}`, { jobTitle: "New" });
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.disable, run.counts.update], ["succeeded", 4, 3], JSON.stringify(run));
  assert.equal((await undone(sync, run.run)).result, "succeeded");
  assert.deepEqual(await targetContent(scene, "scim"), before);
  assert.deepEqual(await left(), []);
});

test("undoing one run leaves what later runs took from the same group in the guard's count", async () => {
  await open({ [team.id]: people.map(({ id }) => id) });
  const guard = { percent: 90, count: 100, windowMs: 86_400_000 };
  const users = await scene.addSync("people", "scim", { records: "user" });
  const sync = await scene.addSync("groups", "scim", { records: "group", guard: { removals: guard, members: guard } });
  for (const one of [users, sync]) await scene.run(one);
  const counted = async () => {
    const rows = await scene.store.db
      .selectFrom("removals")
      .select("amount")
      .where("counter", "=", "members")
      .execute();
    return rows.reduce((sum, { amount }) => sum + amount, 0);
  };
  const leave = async (...who: readonly { readonly id: string }[]) => {
    clock.advance(60_000);
    for (const { id } of who) await scene.graph("DELETE", `/groups/${team.id}/members/${id}/$ref`);
    return await scene.run(sync);
  };
  const first = await leave(ana);
  await leave(bo, cy);
  assert.equal(await counted(), 3);
  clock.advance(60_000);
  assert.equal((await undone(sync, first.run)).result, "succeeded");
  assert.equal(await counted(), 2);
});

test("who asks twice for the same undoing gets the plan that waits already", async () => {
  await open();
  const sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  const [first, second] = [await scene.undo(sync, null), await scene.undo(sync, null)];
  assert.deepEqual([second.result, second.held], ["held", first.held]);
  const plans = await scene.store.db.selectFrom("plans").select("state").where("part", "=", "undo").execute();
  assert.deepEqual(plans, [{ state: "held" }]);
});

test("what an undoing was refused is not undone, and is the sync's as before", async () => {
  await open();
  const sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  for (const one of [ana, bo]) await scene.graph("PATCH", `/users/${one.id}`, { jobTitle: "New" });
  const run = await scene.run(sync);
  const planned = await scene.undo(sync, run.run);
  const record = String(scimUser(scene.scim, ana.id)?.id);
  scene.disturb(({ method, path }) => (method === "PATCH" && path.includes(record) ? { status: 400 } : null));
  const back = await scene.approve(sync, planned.held?.digest ?? "");
  assert.deepEqual([back.result, back.failed, back.counts.update], ["partial", 1, 1], JSON.stringify(back));
  scene.disturb(null);
  const pins = await scene.store.db.selectFrom("pins").select("object_id").execute();
  assert.deepEqual(pins, [{ object_id: bo.id }]);
  await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Newest" });
  clock.advance(86_400_000);
  assert.deepEqual(inShort(await plannedIn(scene.store, (await scene.run(sync)).run)), ["update Ana"]);
});
