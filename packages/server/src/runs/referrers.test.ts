import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { DEFAULTS } from "@entrain/core";
import { targetContent } from "./testing/content.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { person } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(async () => await scene.close());

const [boss, ana] = [person("Boss"), person("Ana")];

for (const target of ["portal", "scim", "csv"] as const) {
  test(`who reports to somebody whose record is deleted and made anew reports to the new record in the ${target}`, async () => {
    const tenant = { users: [boss, ana], groups: [], managers: { [ana.id]: boss.id } };
    scene = await openScene({ clock: testClock(), simulator: { tenant } });
    const records = target === "portal" ? "requester" : "user";
    const sync = await scene.addSync("people", target, { records });
    const undo = async (of: string, records: readonly string[] | null) => {
      const planned = await scene.undo(sync, of, records === null ? {} : { records: new Set(records) });
      return await scene.approve(sync, planned.held?.digest ?? "");
    };
    const first = await scene.run(sync);
    await scene.run(sync);
    const before = await targetContent(scene, target);
    const gone = await undo(first.run, [boss.id]);
    assert.equal(gone.counts.delete, 1, JSON.stringify(gone));
    const back = await undo(gone.run, null);
    assert.equal(back.counts.create, 1, JSON.stringify(back));
    await scene.run(sync);
    assert.deepEqual(await targetContent(scene, target), before);
  });
}

test("who was changed by the run that deleted their manager has them back when it is undone", async () => {
  const tenant = { users: [boss, ana], groups: [], managers: { [ana.id]: boss.id } };
  scene = await openScene({ clock: testClock(), simulator: { tenant } });
  const deprovision = { ...DEFAULTS.deprovision, disabled: "delete" as const };
  const sync = await scene.addSync("people", "portal", { records: "requester", deprovision });
  await scene.run(sync);
  await scene.run(sync);
  const before = await targetContent(scene, "portal");
  await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Head" });
  await scene.graph("PATCH", `/users/${boss.id}`, { accountEnabled: false });
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.update, run.counts.delete], [1, 1]);
  const planned = await scene.undo(sync, run.run);
  assert.equal((await scene.approve(sync, planned.held?.digest ?? "")).result, "succeeded");
  assert.deepEqual(await targetContent(scene, "portal"), before);
});
