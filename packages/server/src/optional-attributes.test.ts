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
