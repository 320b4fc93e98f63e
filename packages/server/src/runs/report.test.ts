import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { SyncDefinition } from "@entrain/core";
import type { GraphUser } from "@entrain/simulator";
import { reportSync, type SyncReport } from "./report.ts";
import { scimContent, scimWrites } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, person } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(() => scene.close());

const MAIL = 'emails[type eq "work"].value';

async function open(users: readonly GraphUser[], definition: Partial<SyncDefinition> = {}): Promise<string> {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users, groups: [] } } });
  return await scene.addSync("people", "scim", { records: "user", ...definition });
}

function stranger(more: object): string {
  return scene.scim.store.putUser(undefined, { userName: "stranger@contoso.com", active: true, ...more }).id;
}

async function report(sync: string, samples = 10): Promise<SyncReport> {
  const row = await scene.store.db.selectFrom("syncs").selectAll().where("id", "=", sync).executeTakeFirstOrThrow();
  const signal = new AbortController().signal;
  return await reportSync(scene.engine, { sync: row, samples, signal, onProgress: () => undefined });
}

/** How many there are of each sort. */
function counts(of: SyncReport): { readonly [sort: string]: number } {
  const { join, privileged, create, left, ambiguous, elsewhere, unmatchable, other, unmanaged } = of;
  const sorts = { join, privileged, create, left, ambiguous, elsewhere, unmatchable, other, unmanaged };
  return Object.fromEntries(Object.entries(sorts).flatMap(([name, { count }]) => (count > 0 ? [[name, count]] : [])));
}

/** Every row of the tables that a run writes. */
async function written(): Promise<string> {
  const tables = [
    "links",
    "plans",
    "plan_changes",
    "plan_issues",
    "match_index",
    "pending",
    "runs",
    "journal",
  ] as const;
  const rows = await Promise.all(tables.map((table) => scene.store.db.selectFrom(table).selectAll().execute()));
  return JSON.stringify(rows);
}

test("a first report tells joined, created, ambiguous, unmatchable and unmanaged, and writes nothing", async () => {
  const [one, two] = [
    person("Desk One", { mail: "desk@contoso.com" }),
    person("Desk Two", { mail: "DESK@contoso.com" }),
  ];
  const [byMail, byName] = [person("By Mail"), person("By Name")];
  const twice = person("Twice There");
  const users = [one, two, byMail, byName, twice, person("No Mail", { mail: null }), person("All New")];
  const sync = await open(users, { matching: [MAIL, "userName"] });
  await scene.redefine(sync, { matching: [MAIL] });
  stranger({ userName: "x", displayName: "Old Desk", emails: [{ type: "work", value: "desk@contoso.com" }] });
  const mailed = stranger({ userName: "y", displayName: "Mailed", emails: [{ type: "work", value: byMail.mail }] });
  for (const userName of ["z1", "z2"]) stranger({ userName, emails: [{ type: "work", value: twice.mail }] });
  const service = stranger({ userName: "service@contoso.com", active: false });
  await scene.plan(sync);
  const [before, content] = [await written(), scimContent(scene.scim)];
  const of = await report(sync);
  assert.deepEqual(counts(of), { join: 1, create: 2, ambiguous: 3, unmatchable: 1, unmanaged: 1 });
  assert.deepEqual(of.people, { count: 7, inScope: 7, disabled: 0 });
  assert.deepEqual(of.join.by, [{ attribute: MAIL, count: 1 }]);
  assert.deepEqual(of.join.samples, [
    { id: byMail.id, name: "By Mail", record: mailed, recordName: `Mailed (${mailed})`, attribute: MAIL },
  ]);
  assert.deepEqual(of.unmanaged, {
    records: 5,
    count: 1,
    active: 0,
    maybe: 1,
    samples: [{ id: service, name: `service@contoso.com (${service})`, active: false }],
  });
  const details = of.ambiguous.samples.map(({ detail }) => detail).join("\n");
  assert.match(details, /"desk@contoso.com" is the same for Desk .*; in the target it fits Old Desk \(/);
  assert.match(details, /fits 2 records of the target: z1 \(.*\), z2 \(/);
  assert.deepEqual([await written(), scimContent(scene.scim), scimWrites(scene.scim)], [before, content, []]);
});

test("what the report tells is what the run does", async () => {
  const users = crowd(320, (at) => ({ mail: at % 40 === 0 ? "shared@contoso.com" : `person${at}@contoso.com` }));
  const sync = await open(users, { matching: ["userName", MAIL] });
  for (const { userPrincipalName } of users.slice(0, 90)) stranger({ userName: userPrincipalName });
  for (let at = 0; at < 30; at += 1) stranger({ userName: `service${at}@contoso.com` });
  const { plan } = await scene.plan(sync);
  const told = await report(sync, 5);
  const planned = JSON.parse(plan.counts);
  assert.deepEqual([told.join.count, told.create.count], [planned.join, planned.create]);
  assert.deepEqual([told.join.samples.length, told.unmanaged.samples.length], [5, 5]);
  const run = await scene.run(sync);
  assert.deepEqual(
    [run.counts.join, run.counts.create, run.failed],
    [told.join.count, told.create.count, told.ambiguous.count],
  );
  const after = await report(sync, 0);
  assert.deepEqual(after.linked, {
    created: told.create.count,
    joined: told.join.count,
    shared: 0,
    by: [{ attribute: "userName", count: told.join.count }],
  });
  assert.deepEqual([after.join.count, after.create.count, after.ambiguous.count], [0, 0, told.ambiguous.count]);
  assert.equal(after.unmanaged.count, told.unmanaged.count);
});

test("two whom the target would refuse to have one value in common are ambiguous in the report, as in the plan", async () => {
  const [one, two] = [person("Twin One"), person("Twin Two")];
  const mapping = { externalId: { direct: "id" }, userName: { direct: "department" } };
  const sync = await open([one, two, person("Other", { department: "Legal" })], { mapping, matching: ["externalId"] });
  const planned = await scene.plan(sync);
  const of = await report(sync);
  assert.deepEqual([of.create.count, of.ambiguous.count], [planned.changes, planned.issues]);
});

test("who is out of scope is not told, and the record that fits them is unmanaged", async () => {
  const gone = person("Sal Gone", { accountEnabled: false });
  const users = [person("Sal In"), person("Leg Out", { department: "Legal" }), gone];
  const filters = [[{ attribute: "department", operator: "EQUALS", value: "Sales" }]] as const;
  const sync = await open(users, { scope: { filters }, operations: { create: false, update: true, remove: true } });
  const id = stranger({ userName: users[1]?.userPrincipalName });
  await scene.plan(sync);
  const of = await report(sync);
  assert.deepEqual(counts(of), { left: 1, unmanaged: 1 });
  assert.deepEqual(of.people, { count: 3, inScope: 2, disabled: 1 });
  assert.equal(of.unmanaged.samples[0]?.id, id);
});

test("records are told to be perhaps somebody's while people in scope were not looked for", async () => {
  const unmapped = person("No Department", { department: null });
  const mapping = { userName: { direct: "userPrincipalName" }, title: { expression: "Left([department], [nope])" } };
  const disabled = person("Off Work", { accountEnabled: false });
  const sync = await open([unmapped, person("Any One"), disabled], { mapping });
  stranger({ userName: unmapped.userPrincipalName });
  await scene.plan(sync);
  const of = await report(sync);
  assert.equal(of.unmanaged.count, 1);
  assert.equal(of.unmanaged.maybe, of.other.count + of.unmatchable.count + of.people.disabled);
  assert.ok(of.other.count > 0 && of.people.disabled > 0, JSON.stringify(of));
});

test("before the directory was read, the report says what to do first", async () => {
  const sync = await open([person("Any One")]);
  await assert.rejects(report(sync), /was never read/);
});
