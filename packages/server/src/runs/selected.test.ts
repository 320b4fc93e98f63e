import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { planChanges } from "./plan-queries.ts";
import { heldPlans } from "./queries.ts";
import { planSync, type RunSummary, runSync } from "./run.ts";
import type { Selection } from "./selection.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { group, person } from "./testing/tenant.ts";
import type { Trace } from "./trace.ts";

let scene: Scene;
let sync = "";
afterEach(async () => await scene.close());

const users = Array.from({ length: 30 }, (_, at) =>
  person(`Person ${at}`, { department: at < 12 ? "Sales" : "Legal", jobTitle: "Clerk" }),
);
const idAt = (at: number): string => users[at]?.id ?? "";
const nameAt = (at: number): string => users[at]?.userPrincipalName ?? "";
const [inner, outer] = [group("Inner"), group("Outer")];
const memberships = [
  { group: inner.id, member: idAt(3) },
  { group: outer.id, member: inner.id },
  { group: outer.id, member: idAt(20) },
];

async function open(records = "user"): Promise<void> {
  scene = await openScene({ simulator: { tenant: { users, groups: [inner, outer], memberships } } });
  sync = await scene.addSync("people", "scim", { records });
}

const of = (selection: Selection) => ({
  sync,
  selection,
  actor: { kind: "command", id: "olga" } as const,
  signal: new AbortController().signal,
  onProgress: () => undefined,
});

async function row() {
  const one = await scene.store.db.selectFrom("syncs").selectAll().where("id", "=", sync).executeTakeFirstOrThrow();
  const { cursor, link_cursor, evaluated_revision, first_run_at } = one;
  return { cursor, link_cursor, evaluated_revision, first_run_at };
}

async function names(selection: Selection): Promise<readonly string[]> {
  const { plan } = await planSync(scene.engine, of(selection));
  const changes = await planChanges(scene.store, plan.id, { after: null, limit: 100 });
  return changes.map(({ action, name }) => `${action} ${name}`).sort();
}

async function planOf(summary: RunSummary) {
  const run = await scene.store.db
    .selectFrom("runs")
    .selectAll()
    .where("id", "=", summary.run)
    .executeTakeFirstOrThrow();
  const plan = scene.store.db
    .selectFrom("plans")
    .selectAll()
    .where("id", "=", run.plan ?? "");
  return await plan.executeTakeFirstOrThrow();
}

test("one person is planned and applied by the plan's digest, no cursor moves, and the next run does the rest", async () => {
  await open();
  const before = await row();
  const planned = await planSync(scene.engine, of({ only: [idAt(5)] }));
  assert.deepEqual([planned.changes, planned.plan.part], [1, "selected"]);
  const applied = await scene.apply(sync, planned.plan.digest ?? "");
  assert.deepEqual([applied.result, applied.counts.create], ["succeeded", 1]);
  assert.equal(scene.scim.store.users.size, 1);
  assert.deepEqual(await row(), before, "neither cursors nor the first run");
  const rest = await scene.run(sync);
  assert.deepEqual([rest.result, rest.counts.create], ["succeeded", 29]);
  assert.equal((await scene.plan(sync)).changes, 0);
});

test("a run for one person by sign-in name keeps the trace of what it did", async () => {
  await open();
  const summary = await runSync(scene.engine, of({ only: [nameAt(4).toUpperCase()] }));
  assert.deepEqual([summary.result, summary.counts.create], ["succeeded", 1]);
  const { trace, digest, part, selection } = await planOf(summary);
  assert.equal(part, "selected");
  assert.deepEqual(JSON.parse(selection ?? ""), { only: [nameAt(4).toUpperCase()] });
  assert.match(digest ?? "", /^[0-9a-f]{64}$/);
  const told = JSON.parse(trace ?? "") as Trace;
  assert.equal(told.outcome.action, "create");
  assert.ok(told.fields.some(({ attribute, written }) => attribute === "userName" && written));
  const again = await runSync(scene.engine, of({ only: [idAt(4)] }));
  assert.deepEqual([again.result, again.counts.create], ["succeeded", 0]);
  assert.equal((JSON.parse((await planOf(again)).trace ?? "") as Trace).outcome.action, "none");
});

test("members of a group, nested ones too, and a filter's records are planned, and nobody else", async () => {
  await open();
  // A group is known only to a directory whose groups are read.
  await scene.run(await scene.addSync("groups", "scim", { records: "group" }));
  assert.deepEqual(await names({ group: "Outer" }), ["create Person 20", "create Person 3"]);
  assert.deepEqual(await names({ group: inner.id }), ["create Person 3"]);
  assert.equal((await names({ filter: "department EQUALS Sales" })).length, 12);
  assert.equal((await names({ filter: "department NOT EQUALS Sales" })).length, 18);
  assert.deepEqual(await names({ filter: "displayName EQUALS Person 7" }), ["create Person 7"]);
});

test("one group of a sync of groups is planned with its memberships", async () => {
  await open();
  await scene.run(sync);
  sync = await scene.addSync("groups", "scim", { records: "group" });
  const summary = await runSync(scene.engine, of({ group: "Inner" }));
  assert.deepEqual([summary.counts.create, summary.counts.members], [1, 1]);
  assert.equal(scene.scim.store.groups.size, 1);
  const rest = await scene.run(sync);
  assert.deepEqual([rest.counts.create, rest.counts.members], [1, 2]);
});

test("what is chosen wrongly is said before anything is planned", async () => {
  await open();
  const wrong = async (selection: Selection, code: string, message: RegExp): Promise<void> => {
    await assert.rejects(planSync(scene.engine, of(selection)), { code, message });
  };
  await wrong({ only: ["nobody@contoso.com"] }, "not_found", /has no person "nobody@contoso.com"/);
  await wrong({ group: "Nowhere" }, "not_found", /has no group "Nowhere"/);
  await wrong({ filter: "department LIKES Sales" }, "usage", /ATTRIBUTE OPERATOR VALUE/);
  await wrong({ filter: "departement EQUALS Sales" }, "usage", /departement/);
  await wrong({ only: [idAt(1)], group: "Inner" }, "usage", /one of these/);
});

test("leavers of a filter are held by the guard, and others that wait stay as they are", async () => {
  await open();
  await scene.run(sync);
  await scene.redefine(sync, {
    scope: { filters: [[{ attribute: "department", operator: "EQUALS", value: "Legal" }]] },
  });
  const pending = await scene.store.db.selectFrom("pending").selectAll().execute();
  const before = await row();
  const summary = await runSync(scene.engine, of({ filter: "department EQUALS Sales" }));
  assert.equal(summary.result, "held");
  const [held] = await heldPlans(scene.store, sync);
  assert.deepEqual([held?.count, held?.holds[0]?.code], [12, "removal_guard"]);
  assert.deepEqual(await row(), before);
  const others = await scene.store.db.selectFrom("pending").selectAll().where("plan", "is", null).execute();
  assert.deepEqual(others, pending);
});

test("who wants what somebody outside of the selection wants, too, is ambiguous as in a whole plan", async () => {
  const twins = [person("Twin A", { mail: "t@contoso.com" }), person("Twin B", { mail: "t@contoso.com" })];
  scene = await openScene({ simulator: { tenant: { users: twins, groups: [] } } });
  sync = await scene.addSync("people", "scim", { records: "user", matching: ['emails[type eq "work"].value'] });
  const { changes, issues } = await planSync(scene.engine, of({ only: [twins[0]?.id ?? ""] }));
  assert.deepEqual([changes, issues], [0, 1]);
});

test("a manager outside of the selection is written by the run that makes their record", async () => {
  await open();
  await scene.graph("PUT", `/users/${idAt(1)}/manager/$ref`, {
    "@odata.id": `https://graph.microsoft.com/v1.0/users/${idAt(0)}`,
  });
  const one = await runSync(scene.engine, of({ only: [idAt(1)] }));
  assert.deepEqual([one.result, one.counts.create], ["succeeded", 1]);
  const rest = await scene.run(sync);
  assert.deepEqual([rest.result, rest.counts.create, rest.counts.update], ["succeeded", 29, 1]);
  assert.equal((await scene.plan(sync)).changes, 0);
});
