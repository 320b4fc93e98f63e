import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { sql } from "kysely";
import { reconcileSync } from "./reconcile/reconcile.ts";
import { OLGA, openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, reference } from "./testing/tenant.ts";
import { DAY, testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(() => scene.close());

const team = group("Team");

/** Six of thirty-three are disabled, and an administrator of the target clears their records away. */
async function cleared(): Promise<{
  readonly people: string;
  readonly groups: string;
  readonly ids: readonly string[];
}> {
  const clock = testClock();
  const users = crowd(33);
  scene = await openScene({ clock, simulator: { tenant: { users, groups: [team] } } });
  const people = await scene.addSync("people", "portal", { records: "requester" });
  const groups = await scene.addSync("groups", "portal", { records: "group" });
  for (const sync of [people, groups]) assert.equal((await scene.run(sync)).result, "succeeded");
  const ids = users.slice(0, 6).map(({ id }) => id);
  for (const some of [ids.slice(0, 3), ids.slice(3)]) {
    for (const id of some) await scene.graph("PATCH", `/users/${id}`, { accountEnabled: false });
    assert.equal((await scene.run(people)).counts.disable, 3);
    clock.advance(31 * DAY);
  }
  await scene.store.transaction(async (tx) => {
    for (const id of ids) await sql`delete from portal_requesters where external_id = ${id}`.execute(tx);
  });
  return { people, groups, ids };
}

test("leavers whose records were cleared away stop nobody when groups refer to them", async () => {
  const { people, groups, ids } = await cleared();
  for (const id of ids) await scene.graph("POST", `/groups/${team.id}/members/$ref`, reference(id));
  assert.equal((await scene.run(groups)).result, "partial");
  const doubted = await scene.store.db.selectFrom("doubted_links").select("record_id").execute();
  assert.equal(doubted.length, 6);
  const run = await scene.run(people);
  assert.deepEqual([run.result, run.error], ["succeeded", null]);
});

test("leavers whose records were cleared away stop nobody when they change at the source", async () => {
  const { people, ids } = await cleared();
  for (const id of ids) await scene.graph("PATCH", `/users/${id}`, { jobTitle: "Chief" });
  const run = await scene.run(people);
  assert.deepEqual([run.result, run.error], ["succeeded", null]);
});

test("leavers whose records were cleared away stop no resync", async () => {
  const { people } = await cleared();
  const run = await scene.run(people, { resync: true });
  assert.deepEqual([run.result, run.error], ["succeeded", null]);
});

test("leavers whose records were cleared away stop no repair", async () => {
  const { people } = await cleared();
  const { signal } = new AbortController();
  const of = { sync: people, actor: OLGA, signal, onProgress: () => undefined, repair: true, samples: 5 };
  const { run, report } = await reconcileSync(scene.engine, of);
  assert.deepEqual([run.result, run.error, report?.missing.count], ["succeeded", null, 6]);
});

test("an emptied target is seen although the first that are found gone are leavers", async () => {
  const { people, ids } = await cleared();
  await scene.store.transaction(async (tx) => {
    await sql`delete from portal_requesters`.execute(tx);
  });
  for (const id of ids) await scene.graph("PATCH", `/users/${id}`, { accountEnabled: true });
  const run = await scene.run(people);
  assert.deepEqual([run.result, run.error?.code, run.counts.create], ["failed", "target_emptied", 0]);
});
