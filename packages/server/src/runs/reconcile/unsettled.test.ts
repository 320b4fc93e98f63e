import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { SyncDefinition } from "@entrain/core";
import { scimUser } from "../testing/observe.ts";
import { openScene, type Scene } from "../testing/scene.ts";
import { crowd, type Known } from "../testing/tenant.ts";
import { testClock } from "../testing/time.ts";
import { type ReconcileReport, reconcileSync } from "./reconcile.ts";

let scene: Scene;
afterEach(async () => await scene.close());

async function told(sync: string): Promise<ReconcileReport> {
  const actor = { kind: "command", id: "olga" } as const;
  const { signal } = new AbortController();
  const of = { sync, actor, signal, onProgress: () => undefined, repair: false, samples: 50 };
  const { report } = await reconcileSync(scene.engine, of);
  assert.ok(report !== null);
  return report;
}

const many = crowd(12, () => ({ jobTitle: "Clerk" }));
const [first, second, third] = many as [Known<object>, Known<object>, Known<object>];

/** The title is the sync's until others change it. */
async function open(): Promise<string> {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: many, groups: [] } } });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  const row = await scene.store.db.selectFrom("syncs").select("definition").executeTakeFirstOrThrow();
  const { mapping } = JSON.parse(row.definition) as SyncDefinition;
  await scene.redefine(sync, { mapping: { ...mapping, title: { direct: "jobTitle", owner: "untilChanged" } } });
  assert.equal((await scene.run(sync)).result, "succeeded");
  return sync;
}

/**
 * A copy was restored in part: of twelve records it holds the first and the third, this one as it was long ago. Two are changed,
 * one of which is written and the other one missed, so that nothing is recorded. Answers what puts the rest back.
 */
async function emptied(sync: string): Promise<() => void> {
  const kept = new Map(scene.scim.store.users);
  const recordId = ({ id }: Known<object>): string => String(scimUser(scene.scim, id)?.id);
  const [own, old] = [recordId(first), recordId(third)];
  for (const id of kept.keys()) if (id !== own && id !== old) scene.scim.store.users.delete(id);
  scene.scim.store.users.set(old, { ...kept.get(old), title: "Apprentice" } as never);
  for (const { id } of [first, second]) await scene.graph("PATCH", `/users/${id}`, { jobTitle: "Chief" });
  assert.equal((await scene.run(sync)).error?.code, "target_emptied");
  assert.equal(scimUser(scene.scim, first.id)?.title, "Chief", "that one was written");
  return () => {
    for (const [id, one] of kept) if (id !== own) scene.scim.store.users.set(id, one);
  };
}

async function promoted(sync: string, people: readonly Known<object>[]): Promise<void> {
  for (const { id } of people) await scene.graph("PATCH", `/users/${id}`, { jobTitle: "Director" });
  assert.equal((await scene.run(sync)).result, "succeeded");
  for (const { id } of people) assert.equal(scimUser(scene.scim, id)?.title, "Director");
}

test("telling of an emptied target takes nothing that was sent and not recorded for what others did", async () => {
  const sync = await open();
  const putBack = await emptied(sync);
  const report = await told(sync);
  assert.deepEqual([report.owned, report.held, report.missing.count, report.changed.count], [12, 2, 10, 0]);
  const idsIn = (samples: readonly { readonly id: string }[]): readonly string[] => samples.map(({ id }) => id).sort();
  assert.deepEqual(idsIn(report.unsettled.samples), [first.id, second.id].sort());
  assert.deepEqual(idsIn(report.theirs.samples), [third.id], "it is told, and nothing is made of it");
  assert.equal(report.inStep, false);
  putBack();
  assert.equal((await scene.run(sync)).result, "succeeded");
  await promoted(sync, [first, third]);
  const after = await told(sync);
  assert.deepEqual([after.inStep, after.unsettled.count, after.theirs.count], [true, 0, 0]);
});

test("what passed for a change by others is the sync's again once it turns out that the sync wrote it", async () => {
  const sync = await open();
  const putBack = await emptied(sync);
  const of = { left_alone: JSON.stringify(["title"]) };
  await scene.store.transaction(async (tx) => {
    await tx.updateTable("links").set(of).where("object_id", "=", first.id).execute();
  });
  putBack();
  assert.equal((await scene.run(sync)).result, "succeeded");
  await promoted(sync, [first]);
});
