import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { TargetChange } from "@entrain/core";
import type { GraphUser } from "@entrain/simulator";
import { createPortalTarget } from "../portal/target.ts";
import { plannedIn, scimUser, scimWrites, unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { person } from "./testing/tenant.ts";
import { MINUTE, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let clock: TestClock;
let sync: string;
afterEach(() => scene.close());

async function open(users: readonly GraphUser[]): Promise<void> {
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users, groups: [] } } });
  sync = await scene.addSync("people", "scim", { records: "user" });
}

const [ana, bo, cy] = [person("Ana One"), person("Bo Two"), person("Cy Three")];
const no = { status: 400, body: JSON.stringify({ scimType: "invalidValue", detail: "The title is not allowed." }) };

test("a value that the target refuses leaves its record unsynced and the others go on", async () => {
  await open([ana, bo, cy]);
  await scene.run(sync);
  const path = `/Users/${scimUser(scene.scim, bo.id)?.id}`;
  scene.disturb((request) => (request.method === "PATCH" && request.path === path ? no : null));
  for (const { id } of [ana, bo, cy]) await scene.graph("PATCH", `/users/${id}`, { jobTitle: "Chief" });
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.update, run.failed], ["partial", 2, 1]);
  assert.deepEqual(await unsynced(scene.store, sync), new Map([[bo.id, "refused_by_target"]]));
  assert.equal(scimUser(scene.scim, cy.id)?.title, "Chief");
});

test("a refused record is not sent again before its time, then less and less often, and leaves when the cause goes", async () => {
  await open([ana, bo]);
  scene.disturb(({ method, ordinal }) => (method === "POST" && ordinal >= 0 ? no : null));
  await scene.run(sync);
  scene.disturb((request) => (request.method === "POST" ? no : null));
  const sentAt: number[] = [];
  for (let minute = 0; minute <= 32; minute += 1) {
    const before = scene.scim.requests.length;
    const run = await scene.run(sync);
    if (scimWrites(scene.scim, before).length > 0) sentAt.push(minute);
    assert.equal(run.result, scimWrites(scene.scim, before).length > 0 ? "partial" : "succeeded");
    clock.advance(MINUTE);
  }
  assert.equal(sentAt.length, 5, `sent again after ${sentAt.join(", ")} minutes`);
  scene.disturb(null);
  clock.advance(60 * MINUTE);
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create], ["succeeded", 2]);
  assert.deepEqual([...(await unsynced(scene.store, sync))], []);
});

test("who is disabled and renamed to a name that the target refuses is disabled all the same, and renamed once it may be", async () => {
  await open([ana, bo, cy]);
  const portal = await scene.addSync("requesters", "portal", { records: "requester" });
  await scene.run(portal);
  const target = createPortalTarget(scene.store, "t_portal");
  const send = async (change: Partial<TargetChange>): Promise<string> => {
    const base = { ordinal: 0, kind: "requester", action: "create", recordId: null, set: {} } as const;
    const [outcome] = await target.apply([{ ...base, ...change }], new AbortController().signal);
    return outcome !== undefined && "recordId" in outcome ? outcome.recordId : "";
  };
  const stranger = await send({ set: { userName: "bo.new@contoso.com", displayName: "Stranger" }, active: true });
  const boNow = async () => {
    const rows = await scene.store.db.selectFrom("portal_requesters").select(["attributes", "active"]).execute();
    return rows
      .map(({ attributes, active }) => [JSON.parse(attributes), active])
      .find(([one]) => one.externalId === bo.id);
  };
  await scene.graph("PATCH", `/users/${bo.id}`, { accountEnabled: false, userPrincipalName: "bo.new@contoso.com" });
  const first = await scene.run(portal);
  assert.deepEqual([first.failed, (await boNow())?.[1]], [1, 1]);
  clock.advance(2 * MINUTE);
  const second = await scene.run(portal);
  assert.deepEqual([second.result, second.counts.disable, (await boNow())?.[1]], ["succeeded", 1, 0]);
  const third = await scene.run(portal);
  assert.deepEqual([third.failed, await unsynced(scene.store, portal)], [1, new Map([[bo.id, "exists"]])]);
  await send({ action: "delete", recordId: stranger });
  clock.advance(2 * MINUTE);
  assert.equal((await scene.run(portal)).counts.update, 1);
  const [values, active] = (await boNow()) ?? [];
  assert.deepEqual([values?.userName, active], ["bo.new@contoso.com", 0]);
  assert.deepEqual([...(await unsynced(scene.store, portal))], []);
});

test("a refused record that changes at the source is tried at once", async () => {
  await open([ana]);
  scene.disturb((request) => (request.method === "POST" ? no : null));
  await scene.run(sync);
  scene.disturb(null);
  assert.equal((await scene.run(sync)).counts.create, 0);
  await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Allowed" });
  assert.equal((await scene.run(sync)).counts.create, 1);
});

test("a refused disable leaves the record active and is tried again", async () => {
  await open([ana, bo]);
  await scene.run(sync);
  scene.disturb((request) => (request.method === "PATCH" ? no : null));
  await scene.graph("PATCH", `/users/${ana.id}`, { accountEnabled: false });
  assert.equal((await scene.run(sync)).failed, 1);
  scene.disturb(null);
  clock.advance(2 * MINUTE);
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.disable], ["succeeded", 1]);
  assert.equal(scimUser(scene.scim, ana.id)?.active, false);
});

test("a person whose refused update is undone at the source is unsynced no more", async () => {
  await open([ana]);
  await scene.run(sync);
  scene.disturb((request) => (request.method === "PATCH" ? no : null));
  await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Chief" });
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: null });
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.deepEqual([...(await unsynced(scene.store, sync))], []);
});

/** Values that break quoting, casing, storing or parsing somewhere. */
const HOSTILE: readonly string[] = [
  "O'Brien",
  `"Quoted" \\ back\\slash`,
  "'; drop table records; --",
  "50 % _ off*",
  "名字 山田太郎",
  "שלום עולם",
  "Zoe\u0301 and Zoé",
  "İstanbul ı I i ß ẞ",
  "👩‍👩‍👧‍👦 family",
  "<script>alert(1)</script>",
  "line\nbreak\ttab",
  "__proto__",
  "constructor",
  '{"$ref":"x"}',
  "x".repeat(250),
];

test("hostile display names, O'Brien among them, arrive unchanged and stay in step", async () => {
  const users = HOSTILE.map((displayName, at) => person(`Hostile ${at}`, { displayName }));
  await open(users);
  assert.deepEqual((await scene.run(sync)).counts.create, HOSTILE.length);
  for (const { id, displayName } of users) assert.equal(scimUser(scene.scim, id)?.displayName, displayName);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("hostile values match: O'Brien and all others join the record that holds them", async () => {
  const number = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber";
  const users = HOSTILE.map((employeeId, at) => person(`Hostile ${at}`, { employeeId }));
  await open(users);
  await scene.redefine(sync, { matching: [number] });
  for (const [at, employeeNumber] of HOSTILE.entries()) {
    const schema = number.slice(0, number.lastIndexOf(":"));
    scene.scim.store.putUser(undefined, {
      userName: `old${at}@contoso.com`,
      active: true,
      [schema]: { employeeNumber },
    });
  }
  const { counts } = await scene.run(sync);
  assert.deepEqual([counts.join, counts.create], [HOSTILE.length, 0]);
});

test("O'Brien is matched by user name and mail with the apostrophe", async () => {
  const brien = person("Sinead O'Brien", {
    userPrincipalName: "sinead.o'brien@contoso.com",
    mail: "sinead.o'brien@contoso.com",
  });
  await open([brien]);
  await scene.redefine(sync, { matching: ['emails[type eq "work"].value', "userName"] });
  scene.scim.store.putUser(undefined, { userName: "Sinead.O'Brien@contoso.com", active: true });
  assert.equal((await scene.run(sync)).counts.join, 1);
});

test("a text that no store can hold, U+0000, concerns its record alone", async () => {
  const users = [
    person("Nul name", { displayName: "Nul\u0000name" }),
    person("Nul id", { employeeId: "1\u00002" }),
    ana,
  ];
  await open(users);
  const number = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber";
  await scene.redefine(sync, { matching: [number, "userName"] });
  const run = await scene.run(sync);
  assert.notEqual(run.result, "failed", JSON.stringify(run.error));
  assert.ok(scimUser(scene.scim, ana.id));
});

test("half a character, a lone surrogate, concerns its record alone and stays in step", async () => {
  await open([person("Half", { displayName: "Half \ud83d" }), ana]);
  const run = await scene.run(sync);
  assert.notEqual(run.result, "failed", JSON.stringify(run.error));
  assert.ok(scimUser(scene.scim, ana.id));
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});
