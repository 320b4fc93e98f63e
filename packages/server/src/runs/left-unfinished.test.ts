import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { DEFAULTS } from "@entrain/core";
import { plansIn } from "../store/plans.ts";
import { stopSync } from "./stop.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, person } from "./testing/tenant.ts";

const LEGAL = person("Legal One", { department: "Legal" });
const users = [...crowd(160), LEGAL];
const sales = { filters: [[{ attribute: "department", operator: "EQUALS", value: "Sales" }]] } as const;
const legal = { filters: [[{ attribute: "department", operator: "EQUALS", value: "Legal" }]] } as const;
const active = ({ scim }: Scene): number => [...scim.store.users.values()].filter((one) => one.active === true).length;

/** A sync whose scope was mistaken: disabling 160 people was approved, and stopped in its middle. */
async function stoppedRemoval(context: TestContext) {
  const scene = await openScene({ simulator: { tenant: { users, groups: [] } } });
  context.after(() => scene.close());
  const sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  await scene.redefine(sync, { scope: legal });
  const { held } = await scene.run(sync);
  const digest = held?.digest ?? "";
  assert.equal(held?.count, 160);
  let sent = 0;
  let asked: Promise<unknown> = Promise.resolve();
  scene.disturb(({ method }) => {
    if (method === "GET") return null;
    sent += 1;
    if (sent === 3) asked = stopSync(scene.store, sync, { actor: { kind: "operator", id: "olga" }, cause: "asked" });
    return null;
  });
  const stopped = await scene.approve(sync, digest);
  await asked;
  scene.disturb(null);
  assert.equal(stopped.result, "cancelled");
  const left = active(scene);
  assert.ok(left > 1 && left < 161, `${left} are active`);
  const approve = `entrain sync approve people --digest ${digest}`;
  assert.equal(
    stopped.error?.fix,
    `${left - 1} changes of its plan are left. Go on with it: entrain sync run people, or with it alone: ${approve}. Drop it: ${approve} --reject`,
  );
  return { scene, sync, digest, stopped, left };
}

test("what is left of a stopped plan is not gone on with once the configuration asks for something else", async (context) => {
  const { scene, sync, left } = await stoppedRemoval(context);
  await scene.redefine(sync, { scope: {} });
  const next = await scene.run(sync);
  assert.deepEqual([next.counts.disable, next.counts.enable], [0, 161 - left]);
  assert.equal(active(scene), 161);
  const after = await scene.run(sync);
  assert.deepEqual([after.result, after.held], ["succeeded", null]);
  assert.equal((await scene.plan(sync)).changes, 0);
});

test("what is left of a stopped plan is gone on with where the configuration still asks for it", async (context) => {
  const { scene, sync, left } = await stoppedRemoval(context);
  const guard = { ...DEFAULTS.guard, removals: { ...DEFAULTS.guard.removals, count: 400 } };
  await scene.redefine(sync, { guard });
  assert.equal((await scene.run(sync)).counts.disable, left - 1);
  assert.equal(active(scene), 1);
});

test("a held plan that the configuration does not ask for any more is closed, and approving it does nothing", async (context) => {
  const scene = await openScene({ simulator: { tenant: { users, groups: [] } } });
  context.after(() => scene.close());
  const sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  await scene.redefine(sync, { scope: legal });
  const { held } = await scene.run(sync);
  await scene.redefine(sync, { scope: sales });
  const run = await scene.approve(sync, held?.digest ?? "");
  assert.deepEqual([run.result, run.error?.code, active(scene)], ["failed", "plan_stale", 161]);
  const next = await scene.run(sync);
  assert.deepEqual([next.result, next.counts.disable, active(scene)], ["succeeded", 1, 160]);
});

test("rejecting what is left of a stopped plan drops it; the next run plans it anew and holds it again", async (context) => {
  const { scene, sync, digest, left } = await stoppedRemoval(context);
  await scene.reject(sync, digest);
  assert.deepEqual(await plansIn(scene.store.db, sync, ["applying", "approved"]), []);
  const next = await scene.run(sync);
  assert.deepEqual([next.result, next.counts.disable, next.held?.count], ["held", 0, left - 1]);
  assert.equal(active(scene), left);
});

test("undoing a stopped run writes nothing, and what was left of it is not gone on with", async (context) => {
  const { scene, sync, stopped, left } = await stoppedRemoval(context);
  const { held } = await scene.undo(sync, stopped.run);
  assert.equal(active(scene), left);
  assert.equal(held?.count, 161 - left);
  assert.equal((await scene.approve(sync, held?.digest ?? "")).counts.enable, 161 - left);
  const next = await scene.run(sync);
  assert.deepEqual([next.counts.disable, next.held?.count, active(scene)], [0, left - 1, 161]);
});

test("a run for one person leaves a stopped plan alone; the next whole run goes on with it", async (context) => {
  const { scene, sync, left } = await stoppedRemoval(context);
  await scene.graph("PATCH", `/users/${LEGAL.id}`, { jobTitle: "Chief" });
  const one = await scene.run(sync, { selection: { only: [LEGAL.id] } });
  assert.deepEqual([one.result, one.counts.update, one.counts.disable], ["succeeded", 1, 0]);
  assert.equal(active(scene), left);
  assert.equal((await scene.run(sync)).counts.disable, left - 1);
});

test("a preview tells what a stopped run left, and approving another plan does not go on with it", async (context) => {
  const { scene, sync, digest, left } = await stoppedRemoval(context);
  await scene.graph("PATCH", `/users/${LEGAL.id}`, { jobTitle: "Chief" });
  const preview = await scene.plan(sync);
  assert.deepEqual(preview.begun, [{ digest, changes: left - 1 }]);
  const run = await scene.apply(sync, preview.plan.digest ?? "");
  assert.deepEqual([run.counts.update, run.counts.disable, active(scene)], [1, 0, left]);
});

test("a run that only went on with what another began says so in the journal, and to whoever wants to undo it", async (context) => {
  const { scene, sync, stopped, left } = await stoppedRemoval(context);
  const next = await scene.run(sync);
  assert.equal(next.counts.disable, left - 1);
  const journal = await scene.store.db.selectFrom("journal").select("type").where("run", "=", next.run).execute();
  assert.deepEqual(
    journal.map(({ type }) => type),
    ["resumed"],
  );
  await assert.rejects(scene.undo(sync, next.run), {
    code: "nothing_to_undo",
    message: new RegExp(`went on with what the run ${stopped.run} began`),
    fix: new RegExp(`--run ${stopped.run}$`),
  });
  assert.equal((await scene.undo(sync, stopped.run)).held?.count, 160);
});
