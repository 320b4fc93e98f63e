import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestServer, type TestServer } from "./api/testing.ts";
import { type RunSummary, runSync } from "./runs/run.ts";

const ROLES = ["User.ReadWrite.All", "Group.Read.All"];
const MAPPING = {
  businessPhones: { direct: "licences", whenEmpty: "clear" },
  city: { direct: "signInActivity.lastSignInDateTime" },
  department: { direct: "signInActivity.lastSignInDateTime", default: "never" },
} as const;

async function open(roles: readonly string[], scope: object = {}): Promise<TestServer> {
  const server = await startTestServer({ simulator: { roles } });
  await server.installation.store.transaction(async (tx) => {
    const row = await tx.selectFrom("syncs").selectAll().where("name", "=", "people").executeTakeFirstOrThrow();
    const definition = JSON.parse(row.definition);
    const next = { ...definition, scope, mapping: { ...definition.mapping, ...MAPPING } };
    await tx
      .updateTable("syncs")
      .set({ definition: JSON.stringify(next), revision: row.revision + 1 })
      .where("id", "=", row.id)
      .execute();
  });
  return server;
}

async function runPeople({ installation }: TestServer): Promise<RunSummary> {
  const { store, engine } = installation;
  const { id } = await store.db.selectFrom("syncs").select("id").where("name", "=", "people").executeTakeFirstOrThrow();
  const actor = { kind: "system", id: "test" } as const;
  return await runSync(engine, { sync: id, actor, signal: new AbortController().signal, onProgress: () => undefined });
}

async function issuesOf({ installation }: TestServer): Promise<readonly string[]> {
  const { db } = installation.store;
  const plan = await db.selectFrom("plans").select("id").orderBy("created_at", "desc").executeTakeFirstOrThrow();
  const rows = await db.selectFrom("plan_issues").select(["code", "detail"]).where("plan", "=", plan.id).execute();
  return rows.map(({ code, detail }) => `${code}: ${detail}`);
}

interface Held {
  readonly businessPhones?: readonly string[];
  readonly city?: string;
}

async function held({ installation }: TestServer): Promise<ReadonlyMap<string, Held>> {
  const rows = await installation.store.db.selectFrom("portal_requesters").selectAll().execute();
  return new Map(rows.map((row) => [row.external_id ?? "", JSON.parse(row.attributes) as Held]));
}

test("tells licences by their part numbers and when people last signed in, and follows licences by delta", async (context) => {
  const server = await open([...ROLES, "LicenseAssignment.ReadWrite.All", "AuditLog.Read.All"]);
  context.after(() => server.close());
  assert.equal((await runPeople(server)).result, "succeeded");
  const people = await held(server);
  const licensed = [...people].find(([, { businessPhones }]) => businessPhones?.includes("SPE_E3"));
  assert.ok(licensed !== undefined, "nobody has a licence");
  assert.ok([...people.values()].some(({ city }) => city !== undefined && /^\d{4}-\d\d-\d\dT/.test(city)));
  const [id] = licensed;
  const change = { addLicenses: [], removeLicenses: ["05e9a617-0261-4cee-bb44-138d3ef5d965"] };
  await server.graph("POST", `/users/${id}/assignLicense`, change);
  assert.equal((await runPeople(server)).counts.update, 1);
  assert.deepEqual((await held(server)).get(id)?.businessPhones ?? [], []);
  assert.equal(server.simulator.requests.list("/users/delta").length > 1, true);
});

test("goes on without what the permissions or licences do not reach, says so, clears nothing, and takes it up again", async (context) => {
  const full = [...ROLES, "LicenseAssignment.ReadWrite.All", "AuditLog.Read.All"];
  const server = await open(full);
  context.after(() => server.close());
  await runPeople(server);
  const before = await held(server);
  assert.deepEqual(await issuesOf(server), []);
  server.simulator.setRoles(ROLES);
  const without = await runPeople(server);
  assert.equal(without.result, "partial");
  assert.equal(without.counts.update, 0, "something was cleared for want of a permission");
  const issues = await issuesOf(server);
  assert.equal(issues.length, 2);
  assert.match(issues[0] ?? "", /^attribute_refused: Graph does not tell signInActivity.*AuditLog\.Read\.All/);
  assert.match(issues[1] ?? "", /^attribute_refused: Graph does not tell licences.*LicenseAssignment\.Read\.All/);
  assert.deepEqual(await held(server), before);
  const rounds = (): number =>
    server.simulator.requests.list("/users?").filter(({ path }) => path.includes("top=999")).length;
  const begun = rounds();
  assert.ok(begun > 0);
  await runPeople(server);
  assert.equal(rounds(), begun, "each run read everything anew");
  server.simulator.setRoles(full);
  assert.equal((await runPeople(server)).result, "succeeded");
  assert.deepEqual(await held(server), before);
});

test("plans nobody while the scope asks for what is withheld", async (context) => {
  const activity = { attribute: "signInActivity.lastSignInDateTime", operator: "IS NOT NULL" };
  const full = [...ROLES, "LicenseAssignment.ReadWrite.All", "AuditLog.Read.All"];
  const server = await open(full, { filters: [[activity]] });
  context.after(() => server.close());
  await runPeople(server);
  const before = await held(server);
  assert.ok(before.size > 0);
  server.simulator.setRoles(ROLES);
  const refused = await runPeople(server);
  assert.deepEqual([refused.result, refused.error?.code], ["failed", "attribute_refused"]);
  assert.match(refused.error?.message ?? "", /The scope asks for signInActivity, so nobody is planned/);
  assert.deepEqual(await held(server), before);
});

test("verify and the list of permissions name what syncs of photos and of contacts need", async (context) => {
  const server = await startTestServer({ simulator: { roles: ROLES, contacts: 3 } });
  context.after(() => server.close());
  const { store, engine, openInspector } = server.installation;
  const standing = async (): Promise<ReadonlyMap<string, string>> => {
    const row = await store.db.selectFrom("connections").selectAll().executeTakeFirstOrThrow();
    const inspector = openInspector(row);
    const found = (await inspector.permissions(new AbortController().signal)) ?? [];
    await inspector.close();
    return new Map(found.map(({ permission, state }) => [permission, state]));
  };
  const before = await standing();
  assert.deepEqual([before.get("OrgContact.Read.All"), before.get("ProfilePhoto.Read.All")], [undefined, undefined]);
  await store.transaction(async (tx) => {
    const row = await tx.selectFrom("syncs").selectAll().where("name", "=", "people").executeTakeFirstOrThrow();
    const definition = JSON.parse(row.definition);
    const photos = { ...definition, mapping: { ...definition.mapping, city: { direct: "photo.hash" } } };
    await tx
      .updateTable("syncs")
      .set({ definition: JSON.stringify(photos) })
      .where("id", "=", row.id)
      .execute();
    const mapping = { userName: { direct: "mail" }, displayName: { direct: "displayName" } };
    const contacts = JSON.stringify({ ...definition, source: "contact", mapping, matching: ["userName"] });
    await tx
      .insertInto("syncs")
      .values({ ...row, id: "s_contacts", name: "contacts", definition: contacts })
      .execute();
  });
  const after = await standing();
  assert.equal(after.get("OrgContact.Read.All"), "missing");
  assert.notEqual(after.get("ProfilePhoto.Read.All"), undefined);
  const source = await engine.openSource(
    await store.db.selectFrom("connections").selectAll().executeTakeFirstOrThrow(),
  );
  context.after(() => source.close());
  const checks = await source.verify(new AbortController().signal);
  const of = (name: string) => checks.find((check) => check.name === name);
  assert.match(of("permissions")?.detail ?? "", /OrgContact\.Read\.All/);
  assert.equal(of("contacts")?.ok, false);
  assert.equal(of("photos")?.ok, true);
});

test("verify names the licence that a mapping needs and the tenant lacks, before any run does", async (context) => {
  const roles = [...ROLES, "LicenseAssignment.ReadWrite.All", "AuditLog.Read.All"];
  const server = await open(roles);
  context.after(() => server.close());
  const { store, engine } = server.installation;
  const row = await store.db.selectFrom("connections").selectAll().executeTakeFirstOrThrow();
  const activity = async (): Promise<readonly [boolean | undefined, string]> => {
    const source = await engine.openSource(row);
    const checks = await source.verify(new AbortController().signal).finally(() => source.close());
    const found = checks.find(({ name }) => name === "sign-in activity");
    return [found?.ok, `${found?.detail} ${found?.fix}`];
  };
  assert.equal((await activity())[0], true);
  server.simulator.tenancy.setLicences([]);
  const [ok, said] = await activity();
  assert.equal(ok, false);
  assert.match(said, /lacks the licence .*Microsoft Entra ID P1/);
});
