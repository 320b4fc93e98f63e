import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { SyncDefinition } from "@entrain/core";
import type { GraphUser } from "@entrain/simulator";
import type { PortalSettings } from "../portal/kinds.ts";
import type { SyncRow } from "./context.ts";
import { reportSync, type SyncReport } from "./report.ts";
import { planSync } from "./run.ts";
import { ana, bo, cy, issuesOfRun, keep, openDepartments, runOptions } from "./testing/departments.ts";
import { plannedIn } from "./testing/observe.ts";
import type { Scene } from "./testing/scene.ts";
import { person } from "./testing/tenant.ts";
import { type Trace, traceRecords } from "./trace.ts";

let scene: Scene;
afterEach(() => scene.close());

async function open(portal: PortalSettings, users: readonly GraphUser[] = [ana, bo, cy]): Promise<string> {
  const opened = await openDepartments(portal, { users });
  scene = opened.scene;
  return opened.sync;
}

async function rowOf(sync: string): Promise<SyncRow> {
  return await scene.store.db.selectFrom("syncs").selectAll().where("id", "=", sync).executeTakeFirstOrThrow();
}

async function traced(sync: string, ids: readonly string[]): Promise<ReadonlyMap<string, Trace>> {
  const { signal } = new AbortController();
  return await traceRecords(scene.engine, { sync: await rowOf(sync), ids, signal });
}

test("a trace says what the plan says of a missing value", async () => {
  const sync = await open({ departments: "known" });
  await keep(scene, "department", "Legal");
  const ids = [ana.id, cy.id];
  await planSync(scene.engine, runOptions(sync));
  const before = await traced(sync, ids);
  const planned = new Map(
    (await plannedIn(scene.store, (await scene.run(sync)).run)).map((one) => [one.objectId, one]),
  );
  for (const id of ids) {
    assert.equal(before.get(id)?.outcome.reason, planned.get(id)?.reason);
    assert.deepEqual(before.get(id)?.outcome.after, planned.get(id)?.after);
  }
  const after = (await traced(sync, ids)).get(ana.id);
  assert.deepEqual([after?.outcome.action, after?.outcome.code], ["none", "lookup_missing"]);
  const field = after?.fields.find(({ attribute }) => attribute === "department");
  assert.deepEqual([field?.value, field?.written], ["Sales", false]);
  assert.match(field?.detail ?? "", /waits until the target has the department "Sales"/);
  const joined = (await traced(sync, ids)).get(cy.id);
  assert.equal(joined?.fields.find(({ attribute }) => attribute === "department")?.present, "Legal");
});

test("a trace says of a value that a plan may create that it does so unless too many others come first", async () => {
  const sync = await open({ departments: "create" });
  await keep(scene, "department", "Legal");
  await planSync(scene.engine, runOptions(sync));
  const traces = await traced(sync, [ana.id, cy.id]);
  const detailOf = (id: string): string | null | undefined =>
    traces.get(id)?.fields.find(({ attribute }) => attribute === "department")?.detail;
  assert.match(
    detailOf(ana.id) ?? "",
    /^The target has no department "Sales" yet; the plan creates it before, unless 200 other values come first/,
  );
  assert.equal(detailOf(cy.id), null);
});

test("of very many missing values the hundred that most people want are told, and one issue says how many more there are", async () => {
  const many = Array.from({ length: 130 }, (_, at) => person(`Person ${at}`, { department: `Floor ${at}` }));
  const twice = person("Somebody Else", { department: "Floor 129" });
  const sync = await open({ departments: "known" }, [...many, twice]);
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.create, run.failed], [131, 101]);
  const issues = await issuesOfRun(scene, run);
  assert.match(issues.at(-1) ?? "", /^lookup_missing: The target lacks 30 more values, which people want 30 times/);
  assert.ok(issues.some((issue) => issue.includes('no department "Floor 129"; 2 people want it')));
  assert.equal((await scene.store.db.selectFrom("lookup_waits").selectAll().execute()).length, 131);
  const next = await scene.run(sync);
  assert.deepEqual([next.counts.create, next.counts.update, next.failed], [0, 0, 101]);
  await keep(scene, "department", "Floor 3");
  await keep(scene, "department", "Floor 77");
  const after = await scene.run(sync);
  assert.deepEqual([after.counts.update, after.failed], [2, 101]);
  assert.match((await issuesOfRun(scene, after)).at(-1) ?? "", /lacks 28 more values/);
});

test("values beyond those that one plan creates are told as such", async () => {
  const many = Array.from({ length: 320 }, (_, at) => person(`Person ${at}`, { department: `Floor ${at}` }));
  const sync = await open({ departments: "create" }, many);
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.create, run.counts.lookup, run.failed], [320, 200, 101]);
  const issues = await issuesOfRun(scene, run);
  assert.match(issues.at(-1) ?? "", /lacks 20 more values, .*; the runs that follow create 20 of them\./);
  const next = await scene.run(sync);
  assert.deepEqual([next.result, next.counts.lookup, next.counts.update], ["succeeded", 120, 120]);
});

async function report(sync: string, samples = 10): Promise<SyncReport> {
  const { signal } = new AbortController();
  return await reportSync(scene.engine, { sync: await rowOf(sync), samples, signal, onProgress: () => undefined });
}

test("a first report tells which values plans create and which are missing, and the run does as it says", async () => {
  const users = [
    { ...ana, officeLocation: "Oslo" },
    { ...bo, officeLocation: "oslo" },
    { ...cy, officeLocation: "Bergen" },
    person("Di", { department: "Finance", accountEnabled: false }),
  ];
  const sync = await open({ departments: "known", locations: "create" }, users);
  await keep(scene, "department", "Legal");
  await scene.plan(sync);
  const before = await scene.store.db.selectFrom("portal_lookups").selectAll().execute();
  const told = await report(sync);
  assert.deepEqual(told.newValues, {
    count: 2,
    each: 200,
    samples: [
      { lookup: "location", value: "Oslo", people: 2 },
      { lookup: "location", value: "Bergen", people: 1 },
    ],
  });
  assert.deepEqual(told.missingValues, {
    count: 1,
    samples: [
      {
        ...{ lookup: "department", value: "Sales", people: 2 },
        ...{ code: "lookup_missing", detail: 'The target has no department "Sales"' },
      },
    ],
  });
  assert.deepEqual(await scene.store.db.selectFrom("portal_lookups").selectAll().execute(), before);
  const short = await report(sync, 1);
  assert.deepEqual([short.newValues.count, short.newValues.samples.length], [2, 1]);
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.lookup, run.failed], [told.newValues.count, told.missingValues.count]);
  const after = await report(sync);
  assert.deepEqual([after.newValues.count, after.missingValues], [0, told.missingValues], "who waits is told, too");
  await keep(scene, "department", "Sales");
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.equal((await report(sync)).missingValues.count, 0);
});

test("a report counts what joined people ask for, and not what is asked for by people who are held", async () => {
  const sync = await open({ departments: "known" }, [ana, bo, cy]);
  await scene.run(sync);
  await scene.store.transaction(async (tx) => {
    await tx.deleteFrom("links").execute();
    await tx.deleteFrom("lookup_waits").execute();
  });
  await scene.graph("PATCH", `/users/${bo.id}`, { userPrincipalName: "bo.other@contoso.com" });
  await scene.redefine(sync, { matching: ["userName"] });
  await scene.plan(sync);
  const told = await report(sync);
  assert.deepEqual([told.join.count, told.create.count], [2, 1]);
  assert.deepEqual(
    told.missingValues.samples.map(({ value, people }) => [value.toLowerCase(), people]),
    [
      ["sales", 2],
      ["legal", 1],
    ],
  );
  const { operations } = JSON.parse((await rowOf(sync)).definition) as SyncDefinition;
  await scene.redefine(sync, { operations: { ...operations, update: false } });
  const joining = await report(sync);
  assert.deepEqual(
    joining.missingValues.samples.map(({ value, people }) => [value.toLowerCase(), people]),
    [["sales", 1]],
    "with updates switched off, joining writes nothing",
  );
});

test("a target without lookups is asked for none, and its report says so in zeros", async () => {
  const sync = await open({});
  await scene.plan(sync);
  const { newValues, missingValues } = await report(sync);
  assert.deepEqual([newValues.count, missingValues], [0, { count: 0, samples: [] }]);
});
