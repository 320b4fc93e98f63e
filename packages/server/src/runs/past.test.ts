import assert from "node:assert/strict";
import { test } from "node:test";
import { historyOf } from "./past.ts";
import { openScene } from "./testing/scene.ts";
import { crowd } from "./testing/tenant.ts";
import { DAY, testClock } from "./testing/time.ts";

test("a resync puts the next scheduled run off as any whole run does, and a run of some records does not", async (context) => {
  const clock = testClock();
  const [one] = crowd(3);
  const scene = await openScene({ clock, simulator: { tenant: { users: crowd(3), groups: [] } } });
  context.after(() => scene.close());
  const sync = await scene.addSync("people", "portal", { records: "requester" });
  const lastRunAt = async (): Promise<number> => {
    const row = await scene.store.db.selectFrom("syncs").selectAll().where("id", "=", sync).executeTakeFirstOrThrow();
    return (await historyOf(scene.store, row)).lastRunAt ?? 0;
  };
  await scene.run(sync);
  const first = await lastRunAt();
  clock.advance(DAY);
  await scene.run(sync, { selection: { only: [one?.id ?? ""] } });
  assert.equal(await lastRunAt(), first);
  await scene.run(sync, { resync: true });
  assert.ok((await lastRunAt()) >= first + DAY);
});
