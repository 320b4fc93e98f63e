import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { DEFAULTS } from "@entrain/core";
import type { RunSummary } from "../run.ts";
import { targetContent } from "../testing/content.ts";
import { plannedIn } from "../testing/observe.ts";
import { openScene, type Scene } from "../testing/scene.ts";
import { group, type Known, person, reference } from "../testing/tenant.ts";
import { DAY, type TestClock, testClock } from "../testing/time.ts";

let scene: Scene;
let clock: TestClock;
let users: string;
let groups: string;
afterEach(async () => await scene.close());

const deprovision = { ...DEFAULTS.deprovision, softDeleted: "delete" as const, outOfScope: "delete" as const };
const people = ["Ana", "Bo", "Cy", "Di", "Ed"].map((name) =>
  person(name, { jobTitle: `${name} old`, department: "Sales" }),
);
const [ana, bo, cy, di] = people as [Known<object>, Known<object>, Known<object>, Known<object>];
const [team, other] = [group("Team"), group("Other")];
const KINDS = { portal: "requester", scim: "user", csv: "user" } as const;
type Name = keyof typeof KINDS;
const GUARD = { percent: 100, count: 1000, windowMs: 86_400_000 };
const guard = { removals: GUARD, members: GUARD };

async function open(target: Name): Promise<readonly string[]> {
  clock = testClock();
  const memberships = { [team.id]: [ana.id, bo.id, cy.id], [other.id]: [ana.id, di.id] };
  scene = await openScene({ clock, simulator: { tenant: { users: people, groups: [team, other], memberships } } });
  users = await scene.addSync("people", target, { records: KINDS[target], deprovision, guard });
  groups = await scene.addSync("groups", target, { records: "group", deprovision, guard });
  for (const one of [users, groups]) assert.equal((await scene.run(one)).result, "succeeded");
  return await targetContent(scene, target);
}

async function undone(sync: string, of: string): Promise<readonly string[]> {
  const planned = await scene.undo(sync, of);
  assert.equal(planned.result, "held", JSON.stringify(planned));
  const back = await scene.approve(sync, planned.held?.digest ?? "");
  assert.equal(back.result, "succeeded", JSON.stringify(back));
  return await leftBy(back);
}

async function leftBy({ run }: RunSummary): Promise<readonly string[]> {
  const rows = await scene.store.db
    .selectFrom("plan_issues")
    .innerJoin("plans", "plans.id", "plan_issues.plan")
    .select(["plan_issues.name", "plan_issues.detail"])
    .where("plan_issues.state", "=", "left")
    .where("plans.run", "=", run)
    .orderBy("plan_issues.ordinal")
    .execute();
  return rows.map(({ name, detail }) => `${name}: ${detail}`);
}

async function assertQuiet(target: Name, before: readonly string[]): Promise<void> {
  assert.deepEqual(await targetContent(scene, target), before);
  for (const one of [users, groups, users]) {
    const next = await scene.run(one);
    assert.deepEqual([next.result, await plannedIn(scene.store, next.run)], ["succeeded", []]);
  }
  assert.deepEqual(await targetContent(scene, target), before);
}

for (const target of ["portal", "scim", "csv"] as const) {
  test(`memberships that went with a deleted record of the ${target} are told, and come back by the groups' sync`, async () => {
    const before = await open(target);
    await scene.graph("DELETE", `/users/${ana.id}`);
    const run = await scene.run(users);
    assert.equal(run.counts.delete, 1);
    assert.deepEqual(await plannedIn(scene.store, (await scene.run(groups)).run), []);
    assert.deepEqual(await undone(users, run.run), [
      "Ana: it was in Other and Team, groups of the sync groups, and went from there with its record; " +
        `once it is back: entrain sync undo groups --run ${run.run}`,
    ]);
    assert.deepEqual(await undone(groups, run.run), []);
    await assertQuiet(target, before);
    const again = await scene.undo(groups, run.run);
    assert.match(again.error?.message ?? "", /is left to undo: all of it is as it was before/);
  });

  for (const first of ["people", "groups"] as const) {
    for (const back of ["people", "groups"] as const) {
      test(`members and groups of the ${target}, deleted by ${first} first and undone by ${back} first, are together again`, async () => {
        const before = await open(target);
        for (const { id } of [ana, bo]) await scene.graph("DELETE", `/users/${id}`);
        await scene.graph("DELETE", `/groups/${team.id}`);
        const runs = new Map<string, string>();
        const both = { people: [users, groups], groups: [groups, users] };
        for (const one of both[first]) runs.set(one, (await scene.run(one)).run);
        for (const one of both[back]) await undone(one, runs.get(one) ?? "");
        // What could not come back yet, for the other's record was not there: the same undoing once more, and the other run's.
        for (const run of [runs.get(groups), runs.get(users)]) {
          // Where the groups' run took them out before, the people's took none of their memberships along.
          const rest = await scene.undo(groups, run ?? "").catch((fault: { readonly code: string }) => fault);
          if ("code" in rest) assert.equal(rest.code, "nothing_to_undo");
          else if (rest.held !== null) await scene.approve(groups, rest.held.digest);
        }
        await assertQuiet(target, before);
      });
    }
  }
}

test("members that cannot come back with their group are named, with what to do", async () => {
  await open("scim");
  await scene.graph("DELETE", `/groups/${team.id}`);
  const run = await scene.run(groups);
  for (const { id } of [ana, bo]) await scene.graph("DELETE", `/users/${id}`);
  await scene.run(users);
  assert.deepEqual(await undone(groups, run.run), [
    "Team: Ana and Bo, who were members of it, have no record in the target now, or another one since; " +
      `once what they had is brought back: entrain sync undo groups --run ${run.run}`,
  ]);
});

for (const turned of [0, -1]) {
  const when = turned === 0 ? "meanwhile" : "meanwhile, and after the clock was set back,";
  test(`who came back at the source ${when} is another member than who went with the record`, async () => {
    await open("scim");
    clock.advance(2 * DAY);
    await scene.redefine(users, {
      scope: { filters: [[{ attribute: "jobTitle", operator: "EQUALS", value: "Bo old" }]] },
    });
    const run = await scene.run(users);
    assert.equal(run.counts.delete, 4, JSON.stringify(run));
    clock.advance(turned * DAY);
    await scene.redefine(users, { scope: {} });
    assert.equal((await scene.run(users)).counts.create, 4);
    const refused = await scene.undo(groups, run.run);
    assert.match(refused.error?.message ?? "", /another one since/);
    // Their groups take them in by themselves.
    assert.equal((await scene.run(groups)).counts.members, 4);
  });
}

test("a group comes back into the group that it was in", async () => {
  const inner = group("Inner");
  const memberships = { [team.id]: [inner.id, ana.id], [inner.id]: [bo.id] };
  const tenant = { users: people, groups: [team, inner], memberships };
  scene = await openScene({ clock: testClock(), simulator: { tenant } });
  users = await scene.addSync("people", "scim", { records: "user", deprovision, guard });
  groups = await scene.addSync("groups", "scim", { records: "group", deprovision, guard });
  for (const one of [users, groups]) await scene.run(one);
  const before = await targetContent(scene, "scim");
  await scene.graph("DELETE", `/groups/${inner.id}`);
  const one = await scene.run(groups);
  assert.deepEqual(await undone(groups, one.run), []);
  await assertQuiet("scim", before);
});

test("who is left to themselves again stays in the groups that a run put them into, and that is told", async () => {
  clock = testClock();
  const memberships = { [team.id]: [ana.id, bo.id] };
  scene = await openScene({ clock, simulator: { tenant: { users: people, groups: [team], memberships } } });
  scene.scim.store.putUser(undefined, { userName: "ana@contoso.com", active: true, title: "By hand" });
  users = await scene.addSync("people", "scim", { records: "user", deprovision, guard });
  groups = await scene.addSync("groups", "scim", { records: "group", deprovision, guard });
  const joined = await scene.run(users);
  assert.equal(joined.counts.join, 1);
  const moved = await scene.run(groups);
  assert.deepEqual(await undone(users, joined.run), [
    "Ana: it stays in Team, a group of the sync groups, as its record stays; " +
      "to take it out, undo that before this: entrain sync undo groups",
  ]);
  const planned = await scene.undo(groups, moved.run);
  assert.equal(planned.result, "held");
});

for (const target of ["portal", "scim", "csv"] as const) {
  test(`a manager in the ${target} who comes back is whom also undone reports refer to again`, async () => {
    clock = testClock();
    scene = await openScene({ clock, simulator: { tenant: { users: people, groups: [] } } });
    for (const one of [ana, bo]) await scene.graph("PUT", `/users/${one.id}/manager/$ref`, reference(cy.id));
    users = await scene.addSync("people", target, { records: KINDS[target], deprovision, guard });
    await scene.run(users);
    const before = await targetContent(scene, target);
    for (const { id } of [ana, bo]) await scene.graph("PATCH", `/users/${id}`, { jobTitle: "New" });
    const titles = await scene.run(users);
    assert.deepEqual(await undone(users, titles.run), []);
    await scene.graph("DELETE", `/users/${cy.id}`);
    const run = await scene.run(users);
    assert.deepEqual([run.counts.delete, run.counts.update], [1, 0]);
    assert.deepEqual(await undone(users, run.run), []);
    assert.deepEqual(await targetContent(scene, target), before);
    // The pins are those of the first undoing still.
    const pins = await scene.store.db.selectFrom("pins").select(["object_id", "run"]).execute();
    const of = new Map(pins.map((pin) => [pin.object_id, pin.run]));
    assert.deepEqual([of.get(ana.id), of.get(cy.id)], [titles.run, run.run]);
    const next = await scene.run(users);
    assert.deepEqual([next.result, await plannedIn(scene.store, next.run)], ["succeeded", []]);
  });

  test(`a manager in the ${target} who left the scope and comes back is whom undone reports refer to again`, async () => {
    clock = testClock();
    scene = await openScene({ clock, simulator: { tenant: { users: people, groups: [] } } });
    for (const one of [ana, bo]) await scene.graph("PUT", `/users/${one.id}/manager/$ref`, reference(cy.id));
    users = await scene.addSync("people", target, { records: KINDS[target], deprovision, guard });
    await scene.run(users);
    const before = await targetContent(scene, target);
    await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "New" });
    const titles = await scene.run(users);
    assert.deepEqual(await undone(users, titles.run), []);
    const filter = { attribute: "jobTitle", operator: "NOT EQUALS", value: "Cy old" } as const;
    await scene.redefine(users, { scope: { filters: [[filter]] } });
    const run = await scene.run(users);
    assert.equal(run.counts.delete, 1, JSON.stringify(run));
    assert.deepEqual(await undone(users, run.run), []);
    await scene.run(users);
    assert.deepEqual(await targetContent(scene, target), before);
  });

  test(`a manager in the ${target} whose record comes back is whom reports refer to again, whatever the source says by now`, async () => {
    clock = testClock();
    scene = await openScene({ clock, simulator: { tenant: { users: people, groups: [] } } });
    for (const one of [ana, bo]) await scene.graph("PUT", `/users/${one.id}/manager/$ref`, reference(cy.id));
    const gone = { ...deprovision, disabled: "delete" } as const;
    users = await scene.addSync("people", target, { records: KINDS[target], deprovision: gone, guard });
    await scene.run(users);
    const before = await targetContent(scene, target);
    await scene.graph("PATCH", `/users/${cy.id}`, { accountEnabled: false });
    const run = await scene.run(users);
    assert.equal(run.counts.delete, 1);
    // With it the source's references go, for good: no next run would bring them back.
    await scene.graph("DELETE", `/users/${cy.id}`);
    assert.deepEqual(await undone(users, run.run), []);
    assert.deepEqual(await targetContent(scene, target), before);
    const next = await scene.run(users);
    assert.deepEqual([next.result, await plannedIn(scene.store, next.run)], ["succeeded", []]);
  });
}
