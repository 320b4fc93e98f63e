import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Attributes, MappingRule } from "@entrain/core";
import type { TenantFile } from "@entrain/simulator";
import { showPerson } from "./people.ts";
import { changesIn, changesOfARun, plannedIn, scimUser } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { person } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(() => scene.close());

async function open(tenant: TenantFile): Promise<void> {
  scene = await openScene({ clock: testClock(), simulator: { tenant } });
}

type Rules = { readonly [attribute: string]: MappingRule };

const CANARY = "CANARY-4711";
const UPN: Rules = { userName: { direct: "userPrincipalName" }, externalId: { direct: "objectId" } };
const PLAIN: Rules = { ...UPN, nickName: { direct: "employeeId" } };
const SECRET: Rules = { ...UPN, nickName: { direct: "employeeId", sensitive: true } };
const ana = person("Ana Ruiz", { employeeId: CANARY });
const bo = person("Bo Berg", { employeeId: `${CANARY}-b` });

async function known(objectId: string): Promise<Attributes> {
  const { known } = await scene.store.db
    .selectFrom("links")
    .select("known")
    .where("object_id", "=", objectId)
    .executeTakeFirstOrThrow();
  return JSON.parse(known) as Attributes;
}

test("a value that is marked sensitive later leaves the links, stands in no new plan, and is not written again", async () => {
  await open({ users: [ana, bo], groups: [] });
  const sync = await scene.addSync("people", "scim", { records: "user", mapping: PLAIN });
  await scene.run(sync);
  assert.equal((await known(ana.id)).nickName, CANARY);
  await scene.redefine(sync, { mapping: SECRET });
  await scene.graph("PATCH", `/users/${bo.id}`, { employeeId: `${CANARY}-c` });
  const { plan } = await scene.plan(sync);
  const changes = await changesIn(scene.store, plan.id);
  assert.deepEqual(
    changes.map(({ name }) => name),
    ["Bo Berg"],
  );
  assert.doesNotMatch(JSON.stringify(changes), /CANARY/);
  assert.deepEqual(await changesOfARun(scene, sync), ["update Bo Berg"]);
  assert.equal(scimUser(scene.scim, bo.id)?.nickName, `${CANARY}-c`);
  for (const { id } of [ana, bo]) assert.doesNotMatch(JSON.stringify(await known(id)), /CANARY/);
  assert.deepEqual(await changesOfARun(scene, sync), []);
});

test("what is sensitive of a manager is not shown with the manager", async () => {
  await open({ users: [ana, bo], groups: [], managers: { [bo.id]: ana.id } });
  const mapping: Rules = { ...UPN, nickName: { expression: "Redact([manager.employeeId])" } };
  const sync = await scene.addSync("people", "scim", { records: "user", mapping });
  await scene.run(sync);
  assert.equal(scimUser(scene.scim, bo.id)?.nickName, CANARY);
  assert.doesNotMatch(JSON.stringify(await showPerson(scene.engine, ana.id)), /CANARY/);
});

test("a scope that asks for a sensitive value says in no reason what it is", async () => {
  await open({ users: [ana, bo], groups: [] });
  const filters = [[{ attribute: "employeeId", operator: "REGEX MATCH", value: "^CAN" }]] as const;
  const sync = await scene.addSync("people", "scim", { records: "user", mapping: SECRET, scope: { filters } });
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${ana.id}`, { employeeId: "LEFT-4711" });
  const run = await scene.run(sync);
  assert.equal(run.counts.disable, 1);
  const [change] = await plannedIn(scene.store, run.run);
  assert.match(change?.reason ?? "", /^Left scope: employeeId, which is sensitive, is not what the scope asks for/);
  assert.doesNotMatch(JSON.stringify(change), /LEFT-4711/);
  assert.doesNotMatch(JSON.stringify(await showPerson(scene.engine, ana.id)), /LEFT-4711/);
});

test("a scope that calls a sensitive value by Entra's name says in no reason what it is", async () => {
  const cy = person("Cy Cole", { mobilePhone: CANARY });
  await open({ users: [cy], groups: [] });
  const mapping: Rules = { ...UPN, nickName: { direct: "mobilePhone", sensitive: true } };
  const filters = [[{ attribute: "mobile", operator: "REGEX MATCH", value: "^CAN" }]] as const;
  const sync = await scene.addSync("people", "scim", { records: "user", mapping, scope: { filters } });
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${cy.id}`, { mobilePhone: "LEFT-4711" });
  const [change] = await plannedIn(scene.store, (await scene.run(sync)).run);
  assert.match(change?.reason ?? "", /^Left scope: mobile, which is sensitive, is not what the scope asks for/);
  assert.doesNotMatch(JSON.stringify(change), /LEFT-4711/);
});

test("a target that repeats a sensitive value when something else is written is not quoted", async () => {
  await open({ users: [ana], groups: [] });
  const mapping: Rules = { ...SECRET, title: { direct: "jobTitle" } };
  const sync = await scene.addSync("people", "scim", { records: "user", mapping });
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Buyer" });
  const body = JSON.stringify({ detail: `the record ${CANARY.toLowerCase()} (${CANARY}) is locked` });
  scene.disturb(({ method }) => (method === "PATCH" ? { status: 400, body } : null));
  assert.equal((await scene.run(sync)).failed, 1);
  const { detail } = await scene.store.db.selectFrom("pending").select("detail").executeTakeFirstOrThrow();
  assert.match(detail, /is locked/);
  assert.doesNotMatch(detail, /CANARY/i);
});
