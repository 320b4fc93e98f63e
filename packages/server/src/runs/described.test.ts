import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { SyncDefinition } from "@entrain/core";
import { changesIn, inShort, scimUser } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { newUser, person } from "./testing/tenant.ts";
import { DAY } from "./testing/time.ts";
import { traceRecords } from "./trace.ts";

let scene: Scene;
afterEach(() => scene.close());

const CORE = "urn:ietf:params:scim:schemas:core:2.0:User";
const DEPARTMENT = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
const wide = { percent: 100, count: 100_000, windowMs: DAY };
const definition: Partial<SyncDefinition> & { readonly records: string } = {
  records: "user",
  mapping: {
    userName: { direct: "userPrincipalName" },
    externalId: { direct: "id" },
    displayName: { direct: "displayName" },
    title: { direct: "jobTitle" },
    userType: { direct: "userType" },
    'emails[type eq "work"].value': { direct: "mail" },
  },
  guard: { removals: wide, members: wide },
};

const EMAILS = {
  name: "emails",
  multiValued: true,
  subAttributes: [{ name: "value" }, { name: "type", canonicalValues: ["home"] }],
};
const LISTED = ["userName", "displayName", "title", "userType"];

interface Limits {
  readonly [attribute: string]: object | null;
}

/** What the server says of its users from now on: attributes that are `null` are not among them. */
function describeUsers(limits: Limits, more: readonly object[] = []): void {
  const listed = LISTED.filter((name) => limits[name] !== null).map((name) => ({ name, ...limits[name] }));
  const body = JSON.stringify({ Resources: [{ id: CORE, attributes: [...listed, EMAILS, ...more] }] });
  scene.disturb(({ path }) => (path === "/Schemas" ? { status: 200, body } : null));
}

function asked(path: string): number {
  return scene.scim.requests.filter((request) => request.path === path).length;
}

async function issuesOf(plan: string): Promise<readonly string[]> {
  const rows = await scene.store.db
    .selectFrom("plan_issues")
    .selectAll()
    .where("plan", "=", plan)
    .where("state", "=", "issue")
    .execute();
  return rows.map(({ code, detail, object_id }) => `${object_id === null ? "all" : "one"} ${code}: ${detail}`);
}

const ANA = person("Ana", { jobTitle: "Clerk", userType: "Member" });
const BO = person("Bo", { jobTitle: "Clerk", userType: "Guest" });

async function openWith(limits: Limits, more: readonly object[] = []): Promise<string> {
  scene = await openScene({ simulator: { tenant: { users: [ANA, BO], groups: [] } } });
  describeUsers(limits, more);
  return await scene.addSync("people", "scim", definition);
}

async function said(
  sync: string,
): Promise<{ readonly changes: readonly string[]; readonly issues: readonly string[] }> {
  const { plan } = await scene.plan(sync);
  const changes = await changesIn(scene.store, plan.id);
  return { changes: inShort(changes), issues: await issuesOf(plan.id) };
}

test("what the server does not have, or never takes, is named once and not sent, and the rest is", async () => {
  const sync = await openWith({ title: { mutability: "readOnly" } });
  const { mapping } = definition;
  await scene.redefine(sync, { mapping: { ...mapping, [DEPARTMENT]: { direct: "department" } } });
  const { plan } = await scene.plan(sync);
  assert.deepEqual([...(await issuesOf(plan.id))].sort(), [
    "all attribute_untaken: The target says that it does not have " +
      `${DEPARTMENT}: what the mapping gives is not written there.`,
    "all attribute_untaken: The target says that it takes no values for title: what the mapping gives is not written there.",
  ]);
  assert.ok(
    scene.scim.requests.every(({ method }) => method === "GET"),
    "a preview writes nothing",
  );
  assert.equal(asked("/Schemas"), 1);
  const run = await scene.approve(sync, plan.digest ?? "");
  assert.deepEqual([run.result, run.failed], ["partial", 2], "somebody has to look at the mapping");
  assert.equal(asked("/Schemas"), 2, "each run asks once");
  const users = [...scene.scim.store.users.values()];
  assert.equal(users.length, 2);
  for (const user of users) assert.deepEqual([user.title, user[DEPARTMENT.slice(0, -11)]], [undefined, undefined]);
  const again = await scene.plan(sync);
  assert.deepEqual([again.changes, again.issues], [0, 2], "nothing is left to do, and it is still told");
});

test("the trace tells what a plan leaves out, and why", async () => {
  const sync = await openWith({ title: { mutability: "readOnly" }, userType: null });
  await scene.run(sync);
  const row = await scene.store.db.selectFrom("syncs").selectAll().where("id", "=", sync).executeTakeFirstOrThrow();
  const signal = new AbortController().signal;
  const traces = await traceRecords(scene.engine, { sync: row, ids: [ANA.id], signal });
  const details = new Map(traces.get(ANA.id)?.fields.map(({ attribute, detail }) => [attribute, detail]));
  assert.equal(details.get("title"), "not written: the target says that it takes no values for it");
  assert.equal(details.get("userType"), "not written: the target says that it does not have it");
  assert.equal(traces.get(ANA.id)?.outcome.action, "none");
});

test("what is immutable is written when a record is created, and a change of it later is not", async () => {
  const sync = await openWith({ title: { mutability: "immutable" } });
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.equal(scimUser(scene.scim, ANA.id)?.title, "Clerk");
  await scene.graph("PATCH", `/users/${ANA.id}`, { jobTitle: "Head", displayName: "Ana Head" });
  assert.equal((await scene.run(sync)).result, "succeeded");
  const { title, displayName } = scimUser(scene.scim, ANA.id) ?? {};
  assert.deepEqual([title, displayName], ["Clerk", "Ana Head"]);
});

test("what the server requires beyond the mapping stops creations, one by one, and no leaver", async () => {
  const sync = await openWith({});
  assert.equal((await scene.run(sync)).result, "succeeded");
  describeUsers({}, [{ name: "nickName", required: true }]);
  const cy = person("Cy");
  await scene.graph("POST", "/users", newUser("Cy"));
  await scene.graph("PATCH", `/users/${BO.id}`, { accountEnabled: false });
  const planned = await said(sync);
  assert.deepEqual(planned.changes, ["disable Bo"]);
  assert.deepEqual(planned.issues, [
    "one value_missing: nickName is required by the target, but no rule of the mapping gives it",
  ]);
  assert.equal(scimUser(scene.scim, cy.id), undefined);
});

test("a value that the server requires and the source lacks is an issue of that record before anything is sent", async () => {
  const sync = await openWith({ title: { required: true } });
  await scene.graph("PATCH", `/users/${BO.id}`, { jobTitle: null });
  const planned = await said(sync);
  assert.deepEqual(planned.changes, ["create Ana"]);
  assert.deepEqual(planned.issues, ["one value_missing: title is required by the target, but jobTitle is empty"]);
});

test("two who would share a value that the server wants unique are told, and neither is created", async () => {
  const sync = await openWith({ title: { uniqueness: "server" } });
  const { changes, issues } = await said(sync);
  assert.deepEqual(changes, []);
  assert.equal(issues.length, 2);
  for (const issue of issues) assert.match(issue, /^one ambiguous: title "Clerk" is the same for /);
});

test("values that differ only in case are two where the server says so", async () => {
  const sync = await openWith({ title: { uniqueness: "server", caseExact: true } });
  await scene.graph("PATCH", `/users/${BO.id}`, { jobTitle: "CLERK" });
  assert.deepEqual(await said(sync), { changes: ["create Ana", "create Bo"], issues: [] });
});

test("canonical values lend their spelling and refuse nobody, nor does the type of an address", async () => {
  const sync = await openWith({ userType: { canonicalValues: ["member"] } });
  assert.equal((await scene.run(sync)).result, "succeeded");
  const types = [ANA, BO].map(({ id }) => scimUser(scene.scim, id)?.userType);
  assert.deepEqual(types, ["member", "Guest"]);
  const emails = scimUser(scene.scim, ANA.id)?.emails as readonly { readonly value: string }[];
  assert.deepEqual(
    emails.map(({ value }) => value),
    [ANA.mail],
  );
});

test("what the server says of itself later counts from the next run, for the records that it evaluates", async () => {
  const sync = await openWith({ title: null });
  assert.equal((await scene.run(sync)).result, "partial");
  describeUsers({});
  assert.deepEqual(await said(sync), { changes: [], issues: [] });
  await scene.graph("PATCH", `/users/${ANA.id}`, { displayName: "Ana Head" });
  assert.equal((await scene.run(sync)).result, "succeeded");
  const titles = [ANA, BO].map(({ id }) => scimUser(scene.scim, id)?.title);
  assert.deepEqual(titles, ["Clerk", undefined]);
});

test("without an answer nothing is planned, and what the server was given before stays", async () => {
  const sync = await openWith({});
  scene.disturb(({ path }) => (path === "/Schemas" ? { status: 401 } : null));
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.error?.code], ["failed", "credential_refused"]);
  scene.disturb(({ path }) => (path === "/Schemas" ? { status: 404 } : null));
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.equal(scene.scim.store.users.size, 2);
});
