import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { DEFAULTS, type TargetChange } from "@entrain/core";
import { type RunSummary, runSync } from "../run.ts";
import { heldChanges, inShort, plannedIn } from "../testing/observe.ts";
import { OLGA, openScene, type Scene } from "../testing/scene.ts";
import { type Known, person } from "../testing/tenant.ts";
import { testClock } from "../testing/time.ts";

let scene: Scene;
afterEach(async () => await scene.close());

const deprovision = { ...DEFAULTS.deprovision, softDeleted: "delete" as const };
const people = ["Ana", "Bo", "Cy", "Di"].map((name) =>
  person(name, { jobTitle: `${name} old`, department: "Department old" }),
);
const [ana, bo, cy] = people as [Known<object>, Known<object>, Known<object>];
const NAMES = {
  portal: { kind: "requester", title: "jobTitle", department: "department" },
  scim: {
    kind: "user",
    title: "title",
    department: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
  },
  csv: { kind: "user", title: "jobTitle", department: "department" },
} as const;
type Name = keyof typeof NAMES;

async function open(target: Name): Promise<string> {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: people, groups: [] } } });
  return await scene.addSync("people", target, { records: NAMES[target].kind, deprovision });
}

/** What somebody does in the target by hand. */
async function byHand(target: Name, change: Partial<TargetChange>): Promise<void> {
  const row = await scene.store.db.selectFrom("targets").selectAll().where("name", "=", target).executeTakeFirst();
  assert.ok(row);
  const opened = await scene.engine.openTarget(row);
  const full = { ordinal: 0, kind: NAMES[target].kind, action: "update" as const, recordId: null, set: {}, ...change };
  const [outcome] = await opened.apply([full], new AbortController().signal);
  assert.equal(outcome?.status, "applied", JSON.stringify(outcome));
  await opened.close();
}

async function heldIn(target: Name, id: string) {
  const row = await scene.store.db.selectFrom("targets").selectAll().where("name", "=", target).executeTakeFirst();
  assert.ok(row);
  const opened = await scene.engine.openTarget(row);
  const recordId = await recordOf(id);
  const [record] = await opened.get(NAMES[target].kind, [recordId], { members: false }, new AbortController().signal);
  await opened.close();
  return record;
}

async function recordOf(id: string): Promise<string> {
  const link = await scene.store.db.selectFrom("links").select("record_id").where("object_id", "=", id).execute();
  return link[0]?.record_id ?? "";
}

function assertSkipped(run: RunSummary, ...who: readonly string[]): void {
  assert.deepEqual([run.result, run.conflicts, run.failed], ["partial", who.length, 0], JSON.stringify(run));
  for (const name of who) assert.match(run.error?.message ?? "", new RegExp(name));
}

for (const target of ["portal", "scim", "csv"] as const) {
  const { title, department } = NAMES[target];

  test(`what somebody changed in the ${target} between the plan and its approval stays, and is told`, async () => {
    const sync = await open(target);
    await scene.run(sync);
    for (const { id } of [ana, bo, cy]) await scene.graph("PATCH", `/users/${id}`, { jobTitle: "New" });
    const run = await scene.run(sync);
    const { held } = await scene.undo(sync, run.run);
    await byHand(target, { recordId: await recordOf(ana.id), set: { [title]: "By hand" } });
    await byHand(target, { recordId: await recordOf(bo.id), set: { [department]: "By hand" } });
    const back = await scene.approve(sync, held?.digest ?? "");
    assertSkipped(back, "Ana");
    assert.equal(back.counts.update, 2);
    const fix =
      /^They are not undone: they are the sync's as before, and its next run looks at them again\. Why, is listed: /;
    assert.match(back.error?.fix ?? "", fix);
    assert.equal((await heldIn(target, ana.id))?.attributes[title], "By hand");
    // What is not undone is nobody's concern here.
    const other = await heldIn(target, bo.id);
    assert.deepEqual([other?.attributes[title], other?.attributes[department]], ["Bo old", "By hand"]);
    const left = await scene.store.db.selectFrom("plan_issues").select(["code", "detail", "name"]).execute();
    const detail = `${title} was changed in the target after the plan was made, so nothing of it was undone`;
    assert.deepEqual(left, [{ code: "undo_changed", detail, name: "Ana" }]);
    const pins = await scene.store.db.selectFrom("pins").select("object_id").orderBy("object_id").execute();
    assert.deepEqual(pins.map(({ object_id: id }) => id).sort(), [bo.id, cy.id].sort());
    // It is the sync's as before, and nothing is written over it.
    const next = await scene.run(sync);
    assert.deepEqual([next.result, await plannedIn(scene.store, next.run)], ["succeeded", []]);
    assert.equal((await heldIn(target, ana.id))?.attributes[title], "By hand");
  });

  test(`a record made in the ${target} that somebody changed before the approval is not deleted`, async () => {
    const sync = await open(target);
    const run = await scene.run(sync);
    const { held } = await scene.undo(sync, run.run);
    await byHand(target, { recordId: await recordOf(ana.id), set: { [title]: "By hand" } });
    await byHand(target, { recordId: await recordOf(bo.id), action: "disable", active: false });
    const back = await scene.approve(sync, held?.digest ?? "");
    assertSkipped(back, "Ana", "Bo");
    assert.equal(back.counts.delete, people.length - 2);
    assert.equal((await heldIn(target, ana.id))?.attributes[title], "By hand");
    assert.equal((await heldIn(target, bo.id))?.active, false);
  });

  test(`a deleted record that somebody made again in the ${target} before the approval is not made twice`, async () => {
    const sync = await open(target);
    await scene.run(sync);
    const before = (await heldIn(target, ana.id))?.attributes ?? {};
    for (const { id } of [ana, bo]) await scene.graph("DELETE", `/users/${id}`);
    const run = await scene.run(sync);
    assert.equal(run.counts.delete, 2);
    const { held } = await scene.undo(sync, run.run);
    const set = Object.fromEntries(Object.entries(before).filter(([, value]) => value !== null));
    await byHand(target, { action: "create", set: { ...set, [title]: "By hand" } });
    const back = await scene.approve(sync, held?.digest ?? "");
    assertSkipped(back, "Ana");
    assert.equal(back.counts.create, 1);
  });
}

test("an undoing whose answers are lost is no conflict with itself", async () => {
  const sync = await open("scim");
  await scene.run(sync);
  for (const { id } of [ana, bo, cy]) await scene.graph("PATCH", `/users/${id}`, { jobTitle: "New" });
  const run = await scene.run(sync);
  const { held } = await scene.undo(sync, run.run);
  assert.deepEqual(inShort(await heldChanges(scene.store, held?.digest ?? "")).length, 3);
  const { openTarget } = scene.engine;
  let asked = 0;
  const engine: typeof scene.engine = {
    ...scene.engine,
    openTarget: async (...of) => {
      const opened = await openTarget(...of);
      return {
        ...opened,
        apply: async (changes, signal) => {
          asked += 1;
          const outcomes = await opened.apply(asked === 1 ? changes.slice(0, 2) : changes, signal);
          if (asked > 1) return outcomes;
          return changes.map(() => ({ status: "unknown", detail: "nothing was heard", retry: "now" }) as never);
        },
      };
    },
  };
  const { approveSync } = await import("../run.ts");
  const { signal } = new AbortController();
  const given = { sync, actor: OLGA, signal, onProgress: () => undefined };
  const back = await approveSync(engine, { ...given, digest: held?.digest ?? "" });
  assert.deepEqual([back.result, back.conflicts, back.counts.update], ["succeeded", 0, 3], JSON.stringify(back));
  assert.equal((await runSync(scene.engine, given)).result, "succeeded");
});
