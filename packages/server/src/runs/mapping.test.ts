import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Attributes, MappingRule } from "@entrain/core";
import type { GraphUser, TenantFile } from "@entrain/simulator";
import { unsyncedRecords } from "./failures/unsynced.ts";
import { showPerson } from "./people.ts";
import { planChanges, planIssues } from "./plan-queries.ts";
import { changesIn, changesOfARun, plannedIn, scimUser, scimWrites, unsynced } from "./testing/observe.ts";
import { openScene, type Scene, type SceneOptions } from "./testing/scene.ts";
import { person, reference } from "./testing/tenant.ts";
import { MINUTE, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let clock: TestClock;
afterEach(() => scene.close());

async function open(tenant: TenantFile, options: SceneOptions = {}): Promise<void> {
  clock = testClock();
  scene = await openScene({ clock, ...options, simulator: { tenant } });
}

type Rules = { readonly [attribute: string]: MappingRule };

const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const UPN: Rules = { userName: { direct: "userPrincipalName" }, externalId: { direct: "objectId" } };

async function portalRecord(objectId: string): Promise<Attributes> {
  const row = await scene.store.db
    .selectFrom("targets")
    .selectAll()
    .where("id", "=", "t_portal")
    .executeTakeFirstOrThrow();
  const target = await scene.engine.openTarget(row);
  const [record] = await target.find("requester", "externalId", [objectId], new AbortController().signal);
  return record?.attributes ?? {};
}

const ana = person("Ana Ruiz", { givenName: "Ana", surname: "Ruíz", jobTitle: "head of sales", companyName: null });
const bo = person("Bo Berg", { givenName: "Bo", surname: "Berg", jobTitle: null, companyName: "Contoso" });

test("expressions of five functions are written to the portal and to a SCIM server, and a second run plans nothing", async () => {
  await open({ users: [ana, bo], groups: [] });
  const name =
    'Join(", ", ToUpper(NormalizeDiacritics([surname]), ), Coalesce([preferredLanguage], Mid([givenName], 1, 1)), IIF(IsNullOrEmpty([companyName]), "extern", [companyName]))';
  const title: MappingRule = { expression: "PCase([jobTitle])", default: "Staff" };
  const portal = await scene.addSync("portal", "portal", {
    records: "requester",
    mapping: { ...UPN, displayName: { expression: name }, jobTitle: title },
  });
  const scim = await scene.addSync("scim", "scim", {
    records: "user",
    mapping: { ...UPN, displayName: { expression: name }, title },
  });
  assert.deepEqual(await changesOfARun(scene, portal), ["create Ana Ruiz", "create Bo Berg"]);
  assert.deepEqual(await changesOfARun(scene, scim), ["create Ana Ruiz", "create Bo Berg"]);
  assert.equal((await portalRecord(ana.id)).displayName, "RUIZ, A, extern");
  assert.equal((await portalRecord(bo.id)).jobTitle, "Staff");
  assert.equal(scimUser(scene.scim, bo.id)?.displayName, "BERG, B, Contoso");
  assert.equal(scimUser(scene.scim, ana.id)?.title, "Head Of Sales");
  for (const sync of [portal, scim]) assert.deepEqual(await changesOfARun(scene, sync), []);
  await scene.graph("PATCH", `/users/${ana.id}`, { companyName: "Contoso" });
  for (const sync of [portal, scim]) assert.deepEqual(await changesOfARun(scene, sync), ["update Ana Ruiz"]);
  assert.equal((await portalRecord(ana.id)).displayName, "RUIZ, A, Contoso");
});

test("a value that an expression cannot use stops its record alone, and is mended by the source", async () => {
  await open({
    users: [
      { ...ana, officeLocation: "third" },
      { ...bo, officeLocation: "1" },
    ],
    groups: [],
  });
  const sync = await scene.addSync("people", "scim", {
    records: "user",
    mapping: { ...UPN, displayName: { expression: "Mid([displayName], [officeLocation], 2)" } },
  });
  const first = await scene.run(sync);
  assert.equal(first.counts.create, 1);
  assert.deepEqual([...(await unsynced(scene.store, sync))], [[ana.id, "expression_failed"]]);
  const { detail } = await scene.store.db.selectFrom("pending").select("detail").executeTakeFirstOrThrow();
  assert.match(detail, /^displayName: column 20: .*"third"/);
  await scene.graph("PATCH", `/users/${ana.id}`, { officeLocation: "2" });
  assert.deepEqual(await changesOfARun(scene, sync), ["create Ana Ruiz"]);
  assert.deepEqual([...(await unsynced(scene.store, sync))], []);
});

const JOINED = 'Join(".", [givenName], [surname])';
const UNIQUE: MappingRule = {
  expression: `SelectUniqueValue(ToLower(${JOINED}, ), ToLower(Append(${JOINED}, "1"), ), ToLower(Append(${JOINED}, "2"), ))`,
  apply: "create",
};
const byId: Rules = { userName: UNIQUE, externalId: { direct: "objectId" }, displayName: { direct: "displayName" } };
const namesake = (at: number): GraphUser & { readonly id: string } =>
  person(`Ana Ruiz ${at}`, { givenName: at === 2 ? "ANA" : "Ana", surname: "Ruiz" });

const userNames = (): readonly unknown[] => [...scene.scim.store.users.values()].map(({ userName }) => userName).sort();

test("two people of one name get two user names in one plan, which the target has free and which stay", async () => {
  const [one, two] = [namesake(1), namesake(2)];
  await open({ users: [one, two], groups: [] });
  scene.scim.store.putUser(undefined, { schemas: [], userName: "Ana.Ruiz" });
  const sync = await scene.addSync("people", "scim", { records: "user", mapping: byId, matching: ["externalId"] });
  const preview = await scene.plan(sync);
  const again = await scene.plan(sync);
  assert.equal(again.plan.digest, preview.plan.digest, "the same plan made again is the same");
  const planned = (await changesIn(scene.store, preview.plan.id)).map(({ after }) => after?.userName).sort();
  assert.deepEqual(planned, ["ana.ruiz1", "ana.ruiz2"]);
  const run = await scene.apply(sync, again.plan.digest ?? "");
  assert.equal(run.result, "succeeded");
  assert.deepEqual(userNames(), ["Ana.Ruiz", "ana.ruiz1", "ana.ruiz2"]);
  await scene.graph("PATCH", `/users/${one.id}`, { surname: "Soler" });
  assert.deepEqual(await changesOfARun(scene, sync), [], "a value that was chosen is not chosen again");
});

test("people of one name who come later get what is left, and the last one is told how many values were tried", async () => {
  await open({ users: [namesake(1)], groups: [] });
  const sync = await scene.addSync("people", "scim", { records: "user", mapping: byId, matching: ["externalId"] });
  await scene.run(sync);
  for (const at of [2, 3]) {
    await scene.graph("POST", "/users", newPerson(`Ana Ruiz ${at}`));
    assert.equal((await scene.run(sync)).counts.create, 1);
  }
  await scene.graph("POST", "/users", newPerson("Ana Ruiz 4"));
  const last = await scene.run(sync);
  assert.equal(last.counts.create, 0);
  assert.deepEqual(userNames(), ["ana.ruiz", "ana.ruiz1", "ana.ruiz2"]);
  const [pending] = await scene.store.db.selectFrom("pending").select(["code", "detail"]).execute();
  assert.equal(pending?.code, "value_taken");
  assert.match(pending?.detail ?? "", /^userName: each of the 3 values that SelectUniqueValue may choose is taken/);
});

function newPerson(displayName: string): object {
  const { id: _id, mail: _mail, ...user } = person(displayName, { givenName: "Ana", surname: "Ruiz" });
  return { ...user, passwordProfile: { password: "Not-a-secret-1!" } };
}

test("people of one name get different values in different batches of one plan, with the target read as a whole", async () => {
  const crowd = Array.from({ length: 1_050 }, (_, at) =>
    person(`Crowd ${at}`, { givenName: "C", surname: `N${at % 1_048}x` }),
  );
  await open({ users: crowd, groups: [] });
  scene.scim.store.putUser(undefined, { schemas: [], userName: "c.n7x" });
  const sync = await scene.addSync("people", "scim", { records: "user", mapping: byId, matching: ["externalId"] });
  const { plan } = await scene.plan(sync);
  const values = (await changesIn(scene.store, plan.id)).map(({ after }) => String(after?.userName));
  assert.deepEqual([values.length, new Set(values).size], [1_050, 1_050]);
  assert.ok(!values.includes("c.n7x") && values.includes("c.n7x1"));
  assert.deepEqual(
    values.filter((value) => ["c.n0x1", "c.n1x1"].includes(value)).length,
    2,
    "taken by an earlier creation",
  );
});

test("a value that somebody takes between plan and apply is refused by the target, and the next one is chosen", async () => {
  await open({ users: [namesake(1)], groups: [] });
  const sync = await scene.addSync("people", "scim", { records: "user", mapping: byId, matching: ["externalId"] });
  const { plan } = await scene.plan(sync);
  scene.scim.store.putUser(undefined, { schemas: [], userName: "ana.ruiz" });
  assert.equal((await scene.apply(sync, plan.digest ?? "")).result, "partial");
  clock.advance(2 * MINUTE);
  assert.deepEqual(await changesOfARun(scene, sync), ["create Ana Ruiz 1"]);
  assert.deepEqual(userNames(), ["ana.ruiz", "ana.ruiz1"]);
});

test("chance is planned, applied as planned, and the same when the plan is made again", async () => {
  await open({ users: [ana, bo], groups: [] });
  const mapping: Rules = {
    ...UPN,
    nickName: { expression: "Guid()", apply: "create" },
    title: { expression: 'RandomString(12, 1, 1, 1, 3, "lI")', apply: "create" },
  };
  const sync = await scene.addSync("people", "scim", { records: "user", mapping });
  const [first, second] = [await scene.plan(sync), await scene.plan(sync)];
  assert.equal(first.plan.digest, second.plan.digest);
  const planned = new Map(
    (await changesIn(scene.store, first.plan.id)).map(({ objectId, after }) => [objectId, after]),
  );
  assert.notEqual(planned.get(ana.id)?.nickName, planned.get(bo.id)?.nickName);
  await scene.apply(sync, second.plan.digest ?? "");
  for (const { id } of [ana, bo]) {
    assert.equal(scimUser(scene.scim, id)?.nickName, planned.get(id)?.nickName);
    assert.equal(scimUser(scene.scim, id)?.title, planned.get(id)?.title);
    assert.match(
      String(planned.get(id)?.nickName),
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  }
  assert.deepEqual(await changesOfARun(scene, sync), []);
});

const FALLBACK: Rules = {
  ...UPN,
  nickName: { direct: "manager.mail" },
  title: { expression: 'Join(" of ", "Report", [manager.displayName])' },
};

test("a target without references gets the manager's attributes, anew whenever the manager's record changes", async () => {
  await open({ users: [ana, bo], groups: [], managers: { [bo.id]: ana.id } });
  const sync = await scene.addSync("people", "scim", { records: "user", mapping: FALLBACK });
  await scene.run(sync);
  assert.equal(scimUser(scene.scim, bo.id)?.nickName, ana.mail);
  assert.equal(scimUser(scene.scim, bo.id)?.title, "Report of Ana Ruiz");
  assert.equal(scimUser(scene.scim, ana.id)?.nickName, undefined);
  assert.deepEqual(await changesOfARun(scene, sync), []);
  await scene.graph("PATCH", `/users/${ana.id}`, { displayName: "Ana Soler" });
  assert.deepEqual(await changesOfARun(scene, sync), ["update Bo Berg"]);
  assert.equal(scimUser(scene.scim, bo.id)?.title, "Report of Ana Soler");
  await scene.graph("DELETE", `/users/${bo.id}/manager/$ref`);
  assert.deepEqual(await changesOfARun(scene, sync), ["update Bo Berg"]);
  assert.equal(scimUser(scene.scim, bo.id)?.nickName ?? null, null);
  assert.deepEqual(await changesOfARun(scene, sync), []);
});

test("a manager who is not in the sync's scope is named all the same, and one who comes later as soon as known", async () => {
  await open({ users: [{ ...ana, department: "Board" }, bo], groups: [], managers: { [bo.id]: ana.id } });
  const scope = { filters: [[{ attribute: "department", operator: "EQUALS", value: "Sales" }]] } as const;
  const sync = await scene.addSync("people", "scim", { records: "user", scope, mapping: FALLBACK });
  assert.deepEqual(await changesOfARun(scene, sync), ["create Bo Berg"]);
  assert.equal(scimUser(scene.scim, bo.id)?.nickName, ana.mail);
  await scene.graph("POST", "/users", newPerson("Ana Ruiz 5"));
  const users = (await scene.graph("GET", "/users?$select=id,displayName")) as {
    readonly value: readonly { readonly id: string; readonly displayName: string }[];
  };
  const fresh = users.value.find(({ displayName }) => displayName === "Ana Ruiz 5")?.id ?? "";
  await scene.graph("PUT", `/users/${bo.id}/manager/$ref`, reference(fresh));
  await scene.run(sync);
  assert.equal(scimUser(scene.scim, bo.id)?.title, "Report of Ana Ruiz 5");
  assert.deepEqual(await changesOfARun(scene, sync), []);
});

test("managers in a circle, and a person who is their own, come to rest in one run with a fallback too", async () => {
  const cy = person("Cy Self");
  const managers = { [ana.id]: bo.id, [bo.id]: ana.id, [cy.id]: cy.id };
  await open({ users: [ana, bo, cy], groups: [], managers });
  const mapping: Rules = { ...FALLBACK, [`${ENTERPRISE}:manager`]: { direct: "manager" } };
  const sync = await scene.addSync("people", "scim", { records: "user", mapping });
  assert.equal((await scene.run(sync)).result, "succeeded");
  const titles = [ana, bo, cy].map(({ id }) => scimUser(scene.scim, id)?.title);
  assert.deepEqual(titles, ["Report of Bo Berg", "Report of Ana Ruiz", "Report of Cy Self"]);
  assert.deepEqual(await changesOfARun(scene, sync), []);
  await scene.graph("PATCH", `/users/${cy.id}`, { displayName: "Cy Own" });
  assert.deepEqual(await changesOfARun(scene, sync), ["update Cy Own"]);
});

const CANARY = "CANARY-4711";

test("a sensitive value is sent, kept and shown nowhere else, and written again when it changes", async () => {
  await open({
    users: [
      { ...ana, employeeId: CANARY },
      { ...bo, employeeId: `${CANARY}-b` },
    ],
    groups: [],
  });
  const mapping: Rules = {
    ...UPN,
    [`${ENTERPRISE}:employeeNumber`]: { direct: "employeeId", sensitive: true },
    nickName: { expression: 'Redact(Append([employeeId], "!"))' },
    title: { expression: 'Redact(RandomString(12, 1, 1, 1, 3, ""))', apply: "create" },
  };
  const sync = await scene.addSync("people", "scim", { records: "user", mapping });
  let creations = 0;
  const body = JSON.stringify({ detail: `nickName ${CANARY}-b! is wrong` });
  scene.disturb(({ method }) => (method === "POST" && creations++ < 2 ? { status: 400, body } : null));
  assert.equal((await scene.run(sync)).result, "partial");
  const { detail } = await scene.store.db.selectFrom("pending").select("detail").limit(1).executeTakeFirstOrThrow();
  assert.match(detail, /nickName \[sensitive\]\S* is wrong/);
  await leavesNoTrace(CANARY);
  scene.disturb(null);
  clock.advance(2 * MINUTE);
  assert.equal((await scene.run(sync)).counts.create, 2);
  const sent = scimUser(scene.scim, ana.id);
  assert.equal((sent?.[ENTERPRISE] as { readonly employeeNumber?: string } | undefined)?.employeeNumber, CANARY);
  assert.equal(sent?.nickName, `${CANARY}!`);
  assert.equal(String(sent?.title).length, 12);
  await leavesNoTrace(CANARY, String(sent?.title));
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  await scene.graph("PATCH", `/users/${ana.id}`, { employeeId: `${CANARY}-2` });
  const run = await scene.run(sync);
  assert.equal(run.counts.update, 1);
  assert.equal(scimUser(scene.scim, ana.id)?.nickName, `${CANARY}-2!`);
  const [change] = await plannedIn(scene.store, run.run);
  assert.match(change?.reason ?? "", /nickName: \[sensitive\] → \[sensitive\]/);
  await leavesNoTrace(CANARY, String(sent?.title));
});

/** Everything but the directory, which holds the source, is free of the values. */
async function leavesNoTrace(...values: readonly string[]): Promise<void> {
  const { db } = scene.store;
  const tables = [
    await db.selectFrom("plan_changes").selectAll().execute(),
    await db.selectFrom("plan_issues").selectAll().execute(),
    await db.selectFrom("plans").selectAll().execute(),
    await db.selectFrom("links").selectAll().execute(),
    await db.selectFrom("pending").selectAll().execute(),
    await db.selectFrom("journal").selectAll().execute(),
    await db.selectFrom("journal_values").selectAll().execute(),
    await db.selectFrom("runs").selectAll().execute(),
    await db.selectFrom("match_index").selectAll().execute(),
  ];
  const held = JSON.stringify(tables);
  for (const value of values) assert.ok(!held.includes(value), `${value} is kept`);
  const plans = await db.selectFrom("plans").select("id").execute();
  const syncs = await db.selectFrom("syncs").select("id").execute();
  const seen = [
    await Promise.all(plans.map(({ id }) => planChanges(scene.store, id, { after: null, limit: 100 }))),
    await Promise.all(plans.map(({ id }) => planIssues(scene.store, id, { after: -1, limit: 100 }))),
    await Promise.all(syncs.map(({ id }) => unsyncedRecords(scene.store, { sync: id, limit: 100 }))),
    await showPerson(scene.engine, ana.id),
  ];
  const told = JSON.stringify(seen);
  for (const value of values) assert.ok(!told.includes(value), `${value} is shown`);
  assert.doesNotMatch(told, /\$sensitive/);
}

test("joining a record compares a sensitive value without showing what the target holds", async () => {
  await open({ users: [{ ...ana, employeeId: CANARY }], groups: [] });
  scene.scim.store.putUser(undefined, { schemas: [], userName: ana.userPrincipalName, nickName: `${CANARY}-old` });
  const mapping: Rules = { ...UPN, nickName: { direct: "employeeId", sensitive: true } };
  const sync = await scene.addSync("people", "scim", { records: "user", mapping });
  const run = await scene.run(sync);
  assert.equal(run.counts.join, 1);
  assert.equal(scimUser(scene.scim, ana.id)?.nickName, CANARY);
  await leavesNoTrace(CANARY);
  assert.deepEqual(await changesOfARun(scene, sync), []);
});

test("a plan whose sensitive value changed before it was applied does not send the new one", async () => {
  await open({ users: [ana, { ...bo, employeeId: CANARY }], groups: [], managers: { [ana.id]: bo.id } });
  const mapping: Rules = { ...UPN, nickName: { direct: "manager.employeeId", sensitive: true } };
  const sync = await scene.addSync("people", "scim", { records: "user", mapping });
  const { plan } = await scene.plan(sync);
  await scene.graph("PATCH", `/users/${bo.id}`, { employeeId: `${CANARY}-2` });
  const other = await scene.addSync("others", "portal", { records: "requester" });
  await scene.run(other); // Reads the directory.
  await scene.apply(sync, plan.digest ?? "");
  assert.equal(scimUser(scene.scim, ana.id), undefined);
  assert.deepEqual(await changesOfARun(scene, sync), ["create Ana Ruiz"]);
  assert.equal(scimUser(scene.scim, ana.id)?.nickName, `${CANARY}-2`);
});

test("two new records that the target would refuse to have the same value are told before anything is sent", async () => {
  await open({ users: [namesake(1), namesake(2), bo], groups: [] });
  const userName: MappingRule = { expression: 'ToLower(Join(".", [givenName], [surname]), )' };
  const mapping: Rules = { ...byId, userName };
  const sync = await scene.addSync("people", "scim", { records: "user", mapping, matching: ["externalId"] });
  const before = scene.scim.requests.length;
  assert.equal((await scene.run(sync)).counts.create, 1);
  assert.deepEqual([...(await unsynced(scene.store, sync)).values()], ["ambiguous", "ambiguous"]);
  assert.deepEqual(scimWrites(scene.scim, before), ["POST /Users"]);
  const { detail } = await scene.store.db.selectFrom("pending").select("detail").limit(1).executeTakeFirstOrThrow();
  assert.match(detail, /^userName "ana\.ruiz" is the same for Ana Ruiz . \(.*\), Ana Ruiz . \(/);
});
