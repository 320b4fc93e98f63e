import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { MatchingRule } from "@entrain/core";
import type { GraphUser, TenantFile } from "@entrain/simulator";
import { changesIn, plannedIn, scimContent, scimUser, scimWrites, unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, idOf, person } from "./testing/tenant.ts";
import { MINUTE, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let clock: TestClock;
let sync: string;
afterEach(() => scene.close());

const MAIL = 'emails[type eq "work"].value';
const EMPLOYEE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber";

async function open(users: readonly GraphUser[], matching: readonly MatchingRule[]): Promise<void> {
  const tenant: TenantFile = { users, groups: [] };
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant } });
  sync = await scene.addSync("people", "scim", { records: "user", matching });
}

const joinable = { operations: { create: true, update: true, remove: true } };
const ana = person("Ana Shared", { mail: "front.desk@contoso.com" });
const bo = person("Bo Shared", { mail: "Front.Desk@contoso.com" });
const cy = person("Cy Alone");

/** A record that stood in the target before us. */
function stranger(more: object): string {
  return scene.scim.store.putUser(undefined, { userName: "stranger@contoso.com", active: true, ...more }).id;
}

test("two people with the same mail are two records where the mail does not match", async () => {
  await open([ana, bo, cy], ["externalId", "userName"]);
  assert.equal((await scene.run(sync)).counts.create, 3);
  const mails = [ana, bo].map(({ id }) => JSON.stringify(scimUser(scene.scim, id)?.emails));
  assert.match(mails[0] ?? "", /front\.desk@contoso\.com/);
  assert.match(mails[1] ?? "", /Front\.Desk@contoso\.com/);
});

test("two unlinked people with one matching value, the mail, are both ambiguous; the others proceed", async () => {
  await open([ana, bo, cy], [MAIL]);
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.failed], ["partial", 1, 2]);
  assert.deepEqual(await unsynced(scene.store, sync), new Map([ana.id, bo.id].sort().map((id) => [id, "ambiguous"])));
  assert.equal(scimUser(scene.scim, ana.id) ?? scimUser(scene.scim, bo.id), undefined);
  const again = await scene.run(sync);
  assert.deepEqual([again.result, again.counts.create], ["partial", 0], "and stay so");
});

test("25 unlinked people with one matching value are all ambiguous, and none of them is created", async () => {
  await open(
    crowd(25, () => ({ mail: "info@contoso.com" })),
    [MAIL],
  );
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.create, run.failed], [0, 25]);
  const pending = await scene.store.db.selectFrom("pending").select("detail").distinct().execute();
  assert.match(
    pending.map(({ detail }) => detail).join("\n"),
    /^[^\n]+ and 5 more$/,
    "each is told the same, in short",
  );
});

test("two unlinked people with one matching value do not join the record that has it", async () => {
  await open([ana, bo], [MAIL]);
  stranger({ emails: [{ type: "work", value: "front.desk@contoso.com" }] });
  const before = scimContent(scene.scim);
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.join, run.counts.create, run.failed], [0, 0, 2]);
  assert.deepEqual([...(await unsynced(scene.store, sync)).values()], ["ambiguous", "ambiguous"]);
  assert.equal(scimContent(scene.scim), before);
});

test("when one of two ambiguous people changes the value, both are created", async () => {
  await open([ana, bo], [MAIL]);
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${ana.id}`, { mail: "ana@contoso.com" });
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create], ["succeeded", 2]);
  assert.deepEqual([...(await unsynced(scene.store, sync))], []);
});

test("when one of two ambiguous people is deleted, the other is created", async () => {
  await open([ana, bo], [MAIL]);
  await scene.run(sync);
  await scene.graph("DELETE", `/users/${ana.id}`);
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create], ["succeeded", 1]);
  assert.ok(scimUser(scene.scim, bo.id));
});

test("a person whose matching value is that of a linked person is not joined to that record", async () => {
  await open([ana], [MAIL]);
  await scene.run(sync);
  const before = scimContent(scene.scim);
  const password = { password: "Not-a-secret-1!" };
  const { id: _made, ...late } = bo;
  await scene.graph("POST", "/users", { ...late, passwordProfile: password });
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.create, run.counts.join, run.failed], [0, 0, 1]);
  assert.deepEqual([...(await unsynced(scene.store, sync)).values()], ["linked_elsewhere"]);
  assert.equal(scimContent(scene.scim), before);
});

test("a person who takes the mail of a refused, still unlinked one is ambiguous with them", async () => {
  await open([ana], [MAIL]);
  scene.disturb(({ method }) => (method === "POST" ? { status: 400, body: "{}" } : null));
  await scene.run(sync);
  scene.disturb(null);
  const { id: _made, ...late } = bo;
  await scene.graph("POST", "/users", { ...late, passwordProfile: { password: "Not-a-secret-1!" } });
  assert.equal((await scene.run(sync)).counts.create, 0);
  assert.deepEqual([...(await unsynced(scene.store, sync)).values()].sort(), ["ambiguous", "refused_by_target"]);
  clock.advance(2 * MINUTE);
  assert.equal((await scene.run(sync)).counts.create, 0);
  assert.deepEqual([...(await unsynced(scene.store, sync)).values()], ["ambiguous", "ambiguous"]);
});

test("a person without a matching value and without a link is unmatchable; with a value they are created", async () => {
  await open([person("Dee Mailless", { mail: null }), cy], [MAIL]);
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create], ["partial", 1]);
  assert.deepEqual(await unsynced(scene.store, sync), new Map([[idOf("Dee Mailless"), "unmatchable"]]));
  await scene.graph("PATCH", `/users/${idOf("Dee Mailless")}`, { mail: "dee@contoso.com" });
  assert.deepEqual((await scene.run(sync)).counts.create, 1);
  assert.deepEqual([...(await unsynced(scene.store, sync))], []);
});

test("a linked person who loses the matching value stays linked and is updated", async () => {
  await open([cy], [EMPLOYEE, MAIL]);
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${cy.id}`, { department: "Support", mail: null });
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.update, run.counts.create], ["succeeded", 1, 0]);
  assert.equal((await scene.run(sync)).counts.update, 0);
});

test("a person joins the one record with the matching value, whatever its case; the record is changed, not doubled", async () => {
  await open([cy], ["userName"]);
  const id = stranger({ userName: "CY.Alone@Contoso.com", displayName: "Cyrus", nickName: "Kept" });
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.join, run.counts.create], ["succeeded", 1, 0]);
  assert.equal(scene.scim.store.users.size, 1);
  const joined = scene.scim.store.users.get(id);
  assert.deepEqual([joined?.externalId, joined?.displayName, joined?.nickName], [cy.id, "Cy Alone", "Kept"]);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("a joined record is disabled when its person is deleted for good, never deleted", async () => {
  await open([cy, ana], ["userName"]);
  const id = stranger({ userName: cy.userPrincipalName });
  await scene.run(sync);
  await scene.graph("DELETE", `/users/${cy.id}`);
  await scene.graph("DELETE", `/directory/deletedItems/${cy.id}`);
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.delete, run.counts.disable], [0, 1]);
  assert.equal(scene.scim.store.users.get(id)?.active, false);
});

test("the first matching attribute with a hit decides", async () => {
  await open([person("Eve Both", { employeeId: "E-1" })], [EMPLOYEE, "userName"]);
  const byNumber = stranger({
    userName: "old.name@contoso.com",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { employeeNumber: "e-1" },
  });
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.join, run.counts.create], [1, 0]);
  assert.equal(scimUser(scene.scim, idOf("Eve Both"))?.id, byNumber);
});

test("a value that fits several records of the target is ambiguous, and none of them is touched", async () => {
  await open([cy], [MAIL]);
  for (const userName of ["one@contoso.com", "two@contoso.com"]) {
    stranger({ userName, emails: [{ type: "work", value: cy.mail }] });
  }
  const before = scimContent(scene.scim);
  assert.equal((await scene.run(sync)).failed, 1);
  assert.deepEqual([...(await unsynced(scene.store, sync)).values()], ["ambiguous"]);
  assert.equal(scimContent(scene.scim), before);
});

test("with 300 people to match, the target is read once, and the same decisions are made", async () => {
  const users = Array.from({ length: 300 }, (_, at) => person(`Many ${at}`));
  await open([...users, ana, bo], ["userName", MAIL]);
  for (const { userPrincipalName } of users.slice(0, 40)) stranger({ userName: userPrincipalName });
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.join, run.counts.create, run.failed], [40, 260, 2]);
  assert.deepEqual([...(await unsynced(scene.store, sync)).values()], ["ambiguous", "ambiguous"]);
  const reads = scene.scim.requests.filter(({ method }) => method === "GET").length;
  assert.ok(reads < 20, `${reads} reads`);
});

test("a sync that must not create joins and waits, and creates nothing", async () => {
  await open([cy, ana], ["userName"]);
  await scene.redefine(sync, { operations: { ...joinable.operations, create: false } });
  stranger({ userName: cy.userPrincipalName });
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.join, run.counts.create], [1, 0]);
  assert.deepEqual(
    scimWrites(scene.scim).filter((write) => write.startsWith("POST")),
    [],
  );
});

test("a person is found by an expression over the source, whatever the mapping writes there", async () => {
  const alias: MatchingRule = { attribute: "userName", expression: 'Join("@", [mailNickname], "old.example")' };
  await open([cy, ana], [alias, "externalId"]);
  const id = stranger({ userName: "CY.Alone@old.example" });
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.join, run.counts.create], ["succeeded", 1, 1]);
  assert.equal(scimUser(scene.scim, cy.id)?.id, id);
  const joined = (await plannedIn(scene.store, run.run)).find(({ action }) => action === "join");
  assert.deepEqual(joined?.matchedBy, { attribute: "userName", value: "cy.alone@old.example" });
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("what an expression cannot tell is an issue, and nobody is created in doubt", async () => {
  const number: MatchingRule = { attribute: EMPLOYEE, expression: "NumFromDate([employeeId])" };
  await open([person("Eve Both", { employeeId: "E-1" })], [number, "userName"]);
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.create, run.failed], [0, 1]);
  assert.deepEqual([...(await unsynced(scene.store, sync)).values()], ["expression_failed"]);
});

test("which record a later attribute finds is said in the reason of the join", async () => {
  await open([person("Eve Both", { employeeId: "E-1" })], [EMPLOYEE, "userName"]);
  const extension = { employeeNumber: "e-1" };
  stranger({ userName: "old@x", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": extension });
  const namesake = stranger({ userName: "eve.both@contoso.com" });
  const { plan } = await scene.plan(sync);
  const [join] = await changesIn(scene.store, plan.id);
  assert.match(
    join?.reason ?? "",
    new RegExp(
      `; userName "eve.both@contoso.com" fits eve.both@contoso.com \\(${namesake}\\), but .*employeeNumber goes before$`,
    ),
  );
});

test("people who share a value are told with the record that it fits", async () => {
  await open([ana, bo], [MAIL]);
  const id = stranger({ displayName: "Front Desk", emails: [{ type: "work", value: "front.desk@contoso.com" }] });
  await scene.run(sync);
  const pending = await scene.store.db.selectFrom("pending").select("detail").distinct().execute();
  const people = [ana, bo].sort((a, b) => (a.id < b.id ? -1 : 1)).map((one) => `${one.displayName} (${one.id})`);
  assert.equal(pending.length, 1);
  assert.ok(
    pending[0]?.detail.endsWith(` is the same for ${people.join(", ")}; in the target it fits Front Desk (${id})`),
    pending[0]?.detail,
  );
});

test("a record with rights of its own that is found by what is not written is joined by approval alone", async () => {
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users: [cy], groups: [] } } });
  const old: MatchingRule = { attribute: "mail", expression: "[mail]" };
  const mapping = { userName: { direct: "userPrincipalName" }, externalId: { direct: "id" } };
  sync = await scene.addSync("people", "portal", { records: "requester", mapping, matching: [old] });
  const target = await scene.engine.openTarget(
    await scene.store.db.selectFrom("targets").selectAll().where("id", "=", "t_portal").executeTakeFirstOrThrow(),
  );
  const set = { userName: "admin@contoso.com", mail: String(cy.mail) };
  const made = { ordinal: 1, kind: "requester", action: "create", recordId: null, set } as const;
  await target.apply([made], new AbortController().signal);
  await scene.store.transaction((tx) => tx.updateTable("portal_requesters").set({ privileged: 1 }).execute());
  const held = await scene.run(sync);
  assert.deepEqual([held.result, held.counts.join, held.held?.count], ["held", 0, 1]);
  // What changes meanwhile is not about the join: it is still the one that was approved.
  await scene.graph("PATCH", `/users/${cy.id}`, { city: "Porto" });
  const run = await scene.approve(sync, held.held?.digest ?? "");
  assert.deepEqual([run.result, run.counts.join], ["succeeded", 1]);
  const links = await scene.store.db.selectFrom("links").select(["origin", "matched_by"]).execute();
  assert.deepEqual(links, [{ origin: "joined", matched_by: "mail" }]);
  await target.close();
});
