import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { approvalInWords, approvalOf } from "./approval.ts";
import type { Actor } from "./context.ts";
import { heldPlans } from "./queries.ts";
import { approveSync, planSync, runSync } from "./run.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { undoRun } from "./undo/undo.ts";

let scene: Scene;
let sync = "";
before(async () => {
  scene = await openScene({ simulator: { people: 40, groups: 0 } });
  sync = await scene.addSync("people", "portal", { records: "requester", approval: "second" });
  await scene.run(sync);
});
after(async () => await scene.close());

const by = (id: string, kind: Actor["kind"] = "command") => ({
  sync,
  actor: { kind, id },
  signal: new AbortController().signal,
  onProgress: () => undefined,
});

async function leave(count: number): Promise<void> {
  const { value } = (await scene.graph("GET", "/users?$filter=accountEnabled eq true&$select=id&$top=30")) as {
    value: readonly { readonly id: string }[];
  };
  for (const { id } of value.slice(0, count)) await scene.graph("DELETE", `/users/${id}`);
}

async function onlyHeld() {
  const [held, ...more] = await heldPlans(scene.store, sync);
  assert.ok(held);
  assert.equal(more.length, 0);
  return held;
}

test("a held plan that nobody asked for takes two people, whoever they are, and applies with the second", async () => {
  await leave(9);
  const run = await runSync(scene.engine, by("schedule", "schedule"));
  assert.equal(run.result, "held");
  const { digest } = await onlyHeld();
  const first = await approveSync(scene.engine, { ...by("ana"), digest });
  assert.deepEqual([first.result, first.counts.disable + first.counts.delete], ["held", 0]);
  assert.deepEqual(first.held?.digest, digest);
  const { approval } = await onlyHeld();
  assert.deepEqual(
    approval?.given.map(({ actor }) => actor.id),
    ["ana"],
  );
  assert.equal(approval?.missing, 1);
  assert.match(approvalInWords(approval), /approved by ana; one more operator must approve it/);
  const again = await approveSync(scene.engine, { ...by("ana", "operator"), digest });
  assert.equal(again.result, "held", "one person is one, at the command line and in the console");
  const second = await approveSync(scene.engine, { ...by("bo"), digest });
  assert.equal(second.result, "succeeded");
  assert.equal(second.counts.disable + second.counts.delete, 9);
  const entries = await scene.store.db
    .selectFrom("journal")
    .select(["type", "actor_id"])
    .where("type", "in", ["approval", "approved"])
    .orderBy("sequence")
    .execute();
  assert.deepEqual(
    entries.map(({ type, actor_id }) => `${type} ${actor_id}`),
    ["approval ana", "approval ana", "approved bo"],
  );
});

test("who asked for a plan cannot approve it, and one other can", async () => {
  await leave(9);
  const { plan } = await planSync(scene.engine, by("ana"));
  const digest = plan.digest ?? "";
  await assert.rejects(approveSync(scene.engine, { ...by("ana"), digest }), {
    code: "second_operator",
    message: /ana cannot approve this plan: it takes a second operator, and ana asked for it/,
  });
  const approved = await approveSync(scene.engine, { ...by("bo"), digest });
  assert.equal(approved.result, "succeeded");
});

test("who asked for an undo cannot approve it", async () => {
  const undo = await undoRun(scene.engine, { ...by("ana"), of: null, chosen: {} });
  assert.equal(undo.result, "held");
  const { digest } = await onlyHeld();
  await assert.rejects(approveSync(scene.engine, { ...by("ana"), digest }), { code: "second_operator" });
  const approved = await approveSync(scene.engine, { ...by("bo"), digest });
  assert.equal(approved.result, "succeeded");
});

test("who changed the sync last cannot approve its plans, and taking the demand away frees none that wait", async () => {
  await leave(9);
  await runSync(scene.engine, by("schedule", "schedule"));
  const { digest, plan } = await onlyHeld();
  await scene.store.transaction(async (tx) => {
    const revision = { number: 99, organisation: "default", subject_kind: "sync", subject: sync, name: "people" };
    const actor = JSON.stringify({ kind: "operator", id: "cy" });
    await tx
      .insertInto("revisions")
      .values({ ...revision, document: "{}", actor, at: 0 })
      .execute();
  });
  await scene.redefine(sync, {});
  await scene.store.transaction(async (tx) => {
    const { definition } = await tx.selectFrom("syncs").select("definition").executeTakeFirstOrThrow();
    const { approval: _, ...rest } = JSON.parse(definition) as { approval?: string };
    await tx
      .updateTable("syncs")
      .set({ definition: JSON.stringify(rest) })
      .execute();
  });
  await assert.rejects(approveSync(scene.engine, { ...by("cy"), digest }), {
    code: "second_operator",
    message: /cy changed the sync last/,
  });
  const row = await scene.store.db.selectFrom("plans").selectAll().where("id", "=", plan).executeTakeFirstOrThrow();
  assert.deepEqual((await approvalOf(scene.store.db, row))?.barred, [{ id: "cy", why: "changed" }]);
  const approved = await approveSync(scene.engine, { ...by("ana"), digest });
  assert.equal(approved.result, "succeeded");
});
