import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { loadRun } from "../store/runs.ts";
import { plannedIn, scimWrites, unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd } from "./testing/tenant.ts";

let scene: Scene;
let sync: string;
afterEach(() => scene.close());

const users = crowd(40);
const ids = users.map(({ id }) => id);

async function open(): Promise<void> {
  scene = await openScene({ simulator: { tenant: { users, groups: [] } } });
  sync = await scene.addSync("people", "scim", { records: "user" });
  assert.equal((await scene.run(sync)).result, "succeeded");
}

async function retitle(of: readonly string[], jobTitle: string): Promise<void> {
  for (const id of of) await scene.graph("PATCH", `/users/${id}`, { jobTitle });
}

async function preview(): Promise<string> {
  return (await scene.plan(sync)).plan.digest ?? "";
}

test("a preview of which no change stands any more is refused: it names how many, and the next run plans them", async () => {
  for (const verb of ["apply", "approve"] as const) {
    await open();
    await retitle(ids.slice(0, 3), "Chief");
    const digest = await preview();
    await retitle(ids.slice(0, 3), "Boss");
    const before = scene.scim.requests.length;
    const late = await scene[verb](sync, digest);
    assert.deepEqual([late.result, late.error?.code, late.conflicts], ["failed", "plan_stale", 0]);
    assert.match(late.error?.message ?? "", /the records of all 3 changes changed after it was made/);
    assert.match(late.error?.fix ?? "", /plan/i);
    assert.deepEqual([scimWrites(scene.scim, before), await unsynced(scene.store, sync)], [[], new Map()]);
    const next = await scene.run(sync);
    assert.deepEqual([next.result, next.counts.update], ["succeeded", 3]);
    if (verb === "apply") await scene.close();
  }
});

test("a plan that is applied in part, for some records changed since, ends as partial and says what to do", async () => {
  await open();
  await retitle(ids.slice(0, 3), "Chief");
  const digest = await preview();
  await retitle(ids.slice(0, 2), "Boss");
  const late = await scene.apply(sync, digest);
  assert.deepEqual([late.result, late.counts.update, late.failed, late.conflicts], ["partial", 1, 0, 2]);
  assert.equal(late.error?.code, "conflict");
  assert.match(late.error?.message ?? "", /2 of the plan's changes were not made/);
  const row = await loadRun(scene.store.db, late.run);
  assert.deepEqual([row?.result, JSON.parse(row?.error ?? "null")], ["partial", late.error]);
  const next = await scene.run(sync);
  assert.deepEqual([next.result, next.conflicts, (await plannedIn(scene.store, next.run)).length], ["succeeded", 0, 2]);
});

test("an approved plan of which most came back meanwhile removes the others, and ends as partial", async () => {
  await open();
  for (const id of ids.slice(0, 12)) await scene.graph("DELETE", `/users/${id}`);
  const { held } = await scene.run(sync);
  for (const id of ids.slice(0, 11)) await scene.graph("POST", `/directory/deletedItems/${id}/restore`);
  const approved = await scene.approve(sync, held?.digest ?? "");
  assert.deepEqual([approved.result, approved.counts.disable, approved.conflicts], ["partial", 1, 11]);
});
