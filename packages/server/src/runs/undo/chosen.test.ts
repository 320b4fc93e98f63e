import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { DEFAULTS } from "@entrain/core";
import { eachEngine } from "../../store/testing.ts";
import { heldChanges, inShort } from "../testing/observe.ts";
import { OLGA, openScene, type Scene } from "../testing/scene.ts";
import { type Known, person } from "../testing/tenant.ts";
import { testClock } from "../testing/time.ts";

let scene: Scene;
afterEach(async () => await scene.close());

const people = ["Ana", "Bo", "Cy", "Di", "Ed", "Flo", "Gus"].map((name) => person(name, { jobTitle: `${name} old` }));
const [ana, , , , ed] = people as [Known<object>, unknown, unknown, unknown, Known<object>];
const tenant = { users: people, groups: [] };

eachEngine((engine) => {
  test("chosen records of a run go back, and the rest stays", async () => {
    scene = await openScene({ clock: testClock(), location: await engine.place(), simulator: { tenant } });
    const sync = await scene.addSync("people", "scim", { records: "user" });
    const run = await scene.run(sync);
    const planned = await scene.undo(sync, run.run, { records: new Set([ana.id, ed.id]) });
    assert.deepEqual(inShort(await heldChanges(scene.store, planned.held?.digest ?? "")), ["delete Ana", "delete Ed"]);
  });

  test("chosen numbers of a run go back, and the rest stays", async () => {
    scene = await openScene({ clock: testClock(), location: await engine.place(), simulator: { tenant } });
    const sync = await scene.addSync("people", "scim", { records: "user" });
    const run = await scene.run(sync);
    const planned = await scene.undo(sync, run.run, { ordinals: new Set([0, 3]) });
    assert.equal(planned.held?.count, 2, JSON.stringify(planned));
    const refused = { code: "nothing_to_undo", message: /changed nothing of 9007199254740991\.$/ };
    const none = new Set([Number.MAX_SAFE_INTEGER]);
    await assert.rejects(scene.undo(sync, run.run, { ordinals: none }), refused);
  });
});

test("a number that two plans of one run have is refused with what both did, and not guessed", async () => {
  const clock = testClock();
  scene = await openScene({ clock, simulator: { tenant } });
  const narrow = { percent: 1, count: 1, windowMs: 86_400_000 };
  const { deprovision } = DEFAULTS;
  const sync = await scene.addSync("people", "scim", {
    ...{ records: "user", deprovision, guard: { removals: narrow, members: narrow } },
  });
  await scene.run(sync);
  for (const one of people.slice(0, 4)) await scene.graph("PATCH", `/users/${one.id}`, { accountEnabled: false });
  await scene.run(sync);
  // The process ends when the approval stands and before anything of it is begun.
  const approved = { state: "approved", approved_by: JSON.stringify(OLGA), approved_at: clock.now() };
  await scene.store.transaction((tx) => tx.updateTable("plans").set(approved).where("state", "=", "held").execute());
  for (const one of people.slice(4)) await scene.graph("PATCH", `/users/${one.id}`, { jobTitle: "New" });
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.disable, run.counts.update], [4, 3], JSON.stringify(run));
  const ordinalOf = async (who: { readonly id: string }): Promise<number> => {
    const entries = scene.store.db.selectFrom("journal").select("ordinal").where("run", "=", run.run);
    return (await entries.where("object_id", "=", who.id).executeTakeFirstOrThrow()).ordinal ?? -1;
  };
  const number = await ordinalOf(ana);
  await assert.rejects(scene.undo(sync, run.run, { ordinals: new Set([number]) }), {
    code: "usage",
    message: new RegExp(
      `^The run ${run.run} applied several plans, and ${number} is the number of a change of each: disable Ana \\(${ana.id}\\) in plan_\\w+ and update \\w+ \\([-\\w]+\\) in plan_\\w+\\.$`,
    ),
    fix: new RegExp(`^Choose by record: entrain sync undo people --run ${run.run} --record [-\\w]+$`),
  });
  const runs = await scene.store.db.selectFrom("runs").select("id").where("mode", "=", "undo").execute();
  assert.deepEqual(runs, []);
  const one = await scene.undo(sync, run.run, { records: new Set([ana.id]) });
  assert.deepEqual(inShort(await heldChanges(scene.store, one.held?.digest ?? "")), ["enable Ana"]);
});
