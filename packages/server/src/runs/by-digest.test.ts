import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { digestNamed } from "./by-digest.ts";
import { runHistory } from "./queries.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(() => scene.close());

test("the beginning of a digest names the plan of this sync that has it, and of several it is refused with all of them", async () => {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: crowd(3), groups: [] } } });
  const [people, agents] = [
    await scene.addSync("people", "scim", { records: "user" }),
    await scene.addSync("agents", "portal", { records: "requester" }),
  ];
  const { plan: mine } = await scene.plan(people);
  const { plan: other } = await scene.plan(agents);
  const [one, two] = [`abcdef012345${"0".repeat(52)}`, `abcdef019999${"0".repeat(52)}`];
  const call = (id: string, digest: string): Promise<unknown> =>
    scene.store.transaction((tx) => tx.updateTable("plans").set({ digest }).where("id", "=", id).execute());
  await call(mine.id, one);
  await call(other.id, two);
  assert.equal(await digestNamed(scene.store, people, "abcdef01"), one, "no other sync's plan is looked at");
  assert.equal(await digestNamed(scene.store, people, two), two, "a whole digest is taken as it is");
  await assert.rejects(digestNamed(scene.store, people, two.slice(0, 12)), { code: "plan_stale" });
  const again = [
    { ...mine, id: "plan_second", digest: two },
    { ...mine, id: "plan_third", digest: one },
  ];
  await scene.store.transaction((tx) => tx.insertInto("plans").values(again).execute());
  await assert.rejects(digestNamed(scene.store, people, "abcdef01"), {
    code: "usage",
    message: new RegExp(`give more of the one that you mean: ${one}, ${two}\\.$`),
  });
  assert.equal(await digestNamed(scene.store, people, "abcdef012"), one, "two plans of one digest are alike");
});

test("a digest that nothing can be done with is refused with where to look, and is no run", async () => {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: crowd(3), groups: [] } } });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  for (const verb of ["apply", "approve"] as const) {
    await assert.rejects(scene[verb](sync, "0".repeat(64)), {
      code: "plan_stale",
      fix: "See what waits with `entrain sync held people`, or make a new plan with `entrain sync plan people`.",
    });
  }
  assert.deepEqual(await runHistory(scene.store, { sync, limit: 5 }), []);
});
