import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { DEFAULTS } from "@entrain/core";
import { trimHistory } from "../history.ts";
import { targetContent } from "../testing/content.ts";
import { openScene, type Scene } from "../testing/scene.ts";
import { group, type Known, person } from "../testing/tenant.ts";
import { DAY, type TestClock, testClock } from "../testing/time.ts";

let scene: Scene;
let clock: TestClock;
let users: string;
let groups: string;
afterEach(async () => await scene.close());

const WIDE = { percent: 100, count: 1000, windowMs: DAY };
const [ana, bo] = ["Ana", "Bo"].map((name) => person(name)) as [Known<object>, Known<object>];
const [team, inner] = [group("Team"), group("Inner")];

/** Ana and the group Inner are in Team, Bo is in Inner; what leaves the scope is deleted. */
async function open(): Promise<void> {
  clock = testClock();
  const memberships = { [team.id]: [inner.id, ana.id], [inner.id]: [bo.id] };
  scene = await openScene({
    ...{ clock, simulator: { tenant: { users: [ana, bo], groups: [team, inner], memberships } } },
  });
  const deprovision = { ...DEFAULTS.deprovision, outOfScope: "delete" as const };
  const guard = { removals: WIDE, members: WIDE };
  users = await scene.addSync("people", "scim", { records: "user", deprovision, guard });
  groups = await scene.addSync("groups", "scim", { records: "group", deprovision, guard });
  for (const one of [users, groups]) assert.equal((await scene.run(one)).result, "succeeded");
}

async function narrow(sync: string, operator: "EQUALS" | "NOT EQUALS", value: string): Promise<string> {
  await scene.redefine(sync, { scope: { filters: [[{ attribute: "displayName", operator, value }]] } });
  const run = await scene.run(sync);
  assert.equal(run.counts.delete, 1, JSON.stringify(run));
  return run.run;
}

/** History keeps runs for a while, and the journal always. */
async function forget(sync: string, run: string): Promise<void> {
  clock.advance(40 * DAY);
  await scene.run(sync);
  await trimHistory({ store: scene.store, keepMs: 31 * DAY, signal: new AbortController().signal });
  assert.deepEqual(await scene.store.db.selectFrom("runs").select("id").where("id", "=", run).execute(), []);
}

async function left(): Promise<readonly string[]> {
  const issues = scene.store.db.selectFrom("plan_issues").select(["name", "detail"]).where("state", "=", "left");
  return (await issues.execute()).map(({ name, detail }) => `${name}: ${detail}`);
}

test("a run that history forgot is undone with the group that went from another one with its record", async () => {
  await open();
  const before = await targetContent(scene, "scim");
  const run = await narrow(groups, "EQUALS", "Team");
  await forget(groups, run);
  const planned = await scene.undo(groups, run);
  const back = await scene.approve(groups, planned.held?.digest ?? "");
  assert.equal(back.result, "succeeded", JSON.stringify(back));
  assert.deepEqual(await left(), []);
  assert.deepEqual(await targetContent(scene, "scim"), before);
});

test("undoing a run that history forgot tells of the groups of another sync that who comes back was in", async () => {
  await open();
  const run = await narrow(users, "NOT EQUALS", "Ana");
  await forget(users, run);
  await scene.undo(users, run);
  const next = `once it is back: entrain sync undo groups --run ${run}`;
  const was = "Ana: it was in Team, a group of the sync groups, and went from there with its record";
  assert.deepEqual(await left(), [`${was}; ${next}`]);
});

test("of a run that history forgot, it is said all the same whose it was", async () => {
  await open();
  await scene.graph("PATCH", `/users/${bo.id}`, { jobTitle: "New" });
  const { run } = await scene.run(users);
  await forget(users, run);
  await assert.rejects(scene.undo(groups, run), {
    code: "nothing_to_undo",
    message: /was one of the sync people, and took nothing from what groups writes/,
    fix: `Undo it there: entrain sync undo people --run ${run}`,
  });
});
