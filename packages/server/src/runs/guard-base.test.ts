import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { DEFAULTS, type SyncDefinition } from "@entrain/core";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, newUser } from "./testing/tenant.ts";
import { DAY, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let clock: TestClock;
let sync: string;
afterEach(() => scene.close());

const users = crowd(60);
const ids = users.map(({ id }) => id);
const deprovision = { ...DEFAULTS.deprovision, softDeleted: "delete" } as const;

/** Sixty people who have long been there. */
async function open(definition: Partial<SyncDefinition> = {}): Promise<void> {
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users, groups: [] } } });
  sync = await scene.addSync("people", "scim", { records: "user", ...definition });
  assert.equal((await scene.run(sync)).counts.create, 60);
  clock.advance(100 * DAY);
}

function emptyTarget(): void {
  const { store } = scene.scim;
  for (const id of [...store.users.keys()]) store.delete(store.users, id);
}
async function times(count: number, one: (at: number) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < count; at += 1) await one(at);
}
const holdCodes = async (): Promise<readonly string[]> => {
  const plans = await scene.store.db.selectFrom("plans").select("holds").where("state", "=", "held").execute();
  return plans.flatMap(({ holds }) => (JSON.parse(holds) as { readonly code: string }[]).map(({ code }) => code));
};

test("who was made anew in an emptied target counts among whom the guard's share is taken of", async () => {
  await open();
  emptyTarget();
  assert.equal((await scene.run(sync, { recreate: true })).counts.create, 60);
  clock.advance(2 * DAY);
  await times(6, (at) => scene.graph("DELETE", `/users/${ids[at]}`));
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.disable, await holdCodes()], ["succeeded", 6, []]);
  await scene.graph("DELETE", `/users/${ids[6]}`);
  assert.equal((await scene.run(sync)).result, "held", "a tenth of sixty is six, in an emptied target as before");
});

test("who was made and lost again since is none of those that the guard's share is taken of", async () => {
  await open();
  await times(10, (at) => scene.graph("POST", "/users", newUser(`Joiner ${at}`)));
  assert.equal((await scene.run(sync)).counts.create, 10);
  emptyTarget();
  assert.equal((await scene.run(sync, { recreate: true })).counts.create, 70);
  await times(7, (at) => scene.graph("DELETE", `/users/${ids[at]}`));
  assert.equal((await scene.run(sync)).result, "held", "a tenth of the sixty who were there a day ago is six");
});

test("whose approved deletion was undone counts among whom the guard's share is taken of", async () => {
  await open({ deprovision });
  await times(40, (at) => scene.graph("DELETE", `/users/${ids[at]}`));
  const { held } = await scene.run(sync);
  const gone = await scene.approve(sync, held?.digest ?? "");
  assert.equal(gone.counts.delete, 40);
  clock.advance(2 * DAY);
  const back = await scene.undo(sync, gone.run);
  assert.equal((await scene.approve(sync, back.held?.digest ?? "")).counts.create, 40);
  for (const id of ids.slice(40, 46)) await scene.graph("DELETE", `/users/${id}`);
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.delete, await holdCodes()], ["succeeded", 6, []]);
  await scene.graph("DELETE", `/users/${ids[46]}`);
  assert.equal((await scene.run(sync)).result, "held", "a tenth of sixty is six, as before");
});

test("whose deletion stands is none of those that the guard's share is taken of when they return", async () => {
  await open({ deprovision });
  await times(40, (at) => scene.graph("DELETE", `/users/${ids[at]}`));
  const { held } = await scene.run(sync);
  assert.equal((await scene.approve(sync, held?.digest ?? "")).counts.delete, 40);
  clock.advance(20 * DAY);
  await times(40, (at) => scene.graph("POST", `/directory/deletedItems/${ids[at]}/restore`));
  assert.equal((await scene.run(sync)).counts.create, 40);
  for (const id of ids.slice(40, 44)) await scene.graph("DELETE", `/users/${id}`);
  assert.equal(
    (await scene.run(sync)).result,
    "held",
    "a tenth of the twenty who were there a day ago is three at least",
  );
});

test("who left since the window began counts for the other guards' shares as for that of the removals", async () => {
  const members = { percent: 10, count: 500, windowMs: DAY };
  await open({ guard: { removals: { percent: 50, count: 500, windowMs: DAY }, members } });
  await times(4, async (slice) => {
    await times(5, (at) => scene.graph("DELETE", `/users/${ids[5 * slice + at]}`));
    const left = await scene.run(sync);
    assert.deepEqual([left.result, left.counts.disable, await holdCodes()], ["succeeded", 5, []]);
  });
  const rename = (at: number): Promise<unknown> =>
    scene.graph("PATCH", `/users/${ids[at]}`, { userPrincipalName: `renamed${at}@contoso.com` });
  await times(6, (at) => rename(30 + at));
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.update, await holdCodes()], ["succeeded", 6, []]);
  await rename(40);
  assert.equal((await scene.run(sync)).result, "held", "a tenth of the sixty who were there is six");
});
