import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { SyncDefinition } from "@entrain/core";
import type { SyncRow } from "./context.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { newUser, person, reference } from "./testing/tenant.ts";
import { DAY, testClock } from "./testing/time.ts";
import { type Trace, traceRecords } from "./trace.ts";

let scene: Scene;
afterEach(() => scene.close());

const wide = { percent: 50, count: 100_000, windowMs: DAY };
const guard = { removals: wide, members: wide };

async function syncRow(id: string): Promise<SyncRow> {
  return await scene.store.db.selectFrom("syncs").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
}

async function trace(sync: string, ids: readonly string[]): Promise<ReadonlyMap<string, Trace>> {
  const signal = new AbortController().signal;
  return await traceRecords(scene.engine, { sync: await syncRow(sync), ids, signal });
}

async function peopleRead(): Promise<readonly string[]> {
  const rows = await scene.store.db.selectFrom("records").select("id").where("kind", "=", "user").execute();
  return rows.map(({ id }) => id);
}

/** What a plan holds of every record: the change with its values, the code of its issue, or nothing. */
async function planned(sync: string): Promise<ReadonlyMap<string, string>> {
  const { plan } = await scene.plan(sync);
  const said = new Map<string, string>();
  const issues = await scene.store.db.selectFrom("plan_issues").selectAll().where("plan", "=", plan.id).execute();
  for (const { object_id, state, code, detail } of issues) {
    if (object_id !== null && state === "issue") said.set(object_id, `issue ${code} ${detail}`);
  }
  const changes = await scene.store.db.selectFrom("plan_changes").selectAll().where("plan", "=", plan.id).execute();
  for (const { object_id, action, record_id, before, after } of changes) {
    said.set(object_id, `${action} ${record_id} ${sorted(before)} ${sorted(after)}`);
  }
  return said;
}

function sorted(attributes: string | null): string {
  const entries = Object.entries(JSON.parse(attributes ?? "{}") as object);
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The same of a trace, which the fields must bear out one by one. */
function told({ outcome, fields, record }: Trace): string | undefined {
  const { action, code, reason, before, after } = outcome;
  if (action === "none") return undefined;
  if (action === "issue") return `issue ${code} ${reason}`;
  for (const { attribute, value, written } of fields) {
    const asks = JSON.stringify(after?.[attribute] ?? null) !== JSON.stringify(before?.[attribute] ?? null);
    assert.equal(written, asks, `${attribute} is ${written ? "" : "not "}written`);
    if (written && action !== "disable") assert.deepEqual(value ?? null, after?.[attribute], attribute);
  }
  const [from, to] = [before, after].map((one) => sorted(JSON.stringify(one ?? {})));
  return `${action} ${action === "create" ? null : record?.id} ${from} ${to}`;
}

async function agrees(sync: string): Promise<readonly string[]> {
  const plan = await planned(sync);
  const ids = await peopleRead();
  const traces = await trace(sync, ids);
  assert.equal(traces.size, ids.length);
  for (const id of ids) {
    const one = traces.get(id);
    assert.ok(one !== undefined);
    assert.equal(told(one), plan.get(id), `${id}: the trace and the plan`);
  }
  return [
    ...new Set(
      [...plan.values()].map((said) =>
        said
          .split(" ")
          .slice(0, said.startsWith("issue") ? 2 : 1)
          .join(" "),
      ),
    ),
  ];
}

const definition = {
  records: "requester",
  scope: { filters: [[{ attribute: "userType", operator: "EQUALS", value: "Member" }]] },
  matching: ["mail"],
  mapping: {
    userName: { expression: "ToLower([userPrincipalName])" },
    externalId: { direct: "id" },
    displayName: { expression: 'IIF([surname] <> "", Join(", ", [surname], [givenName]), [displayName])' },
    mail: { expression: "IgnoreFlowIfNullOrEmpty([mail])" },
    department: {
      expression: 'Switch([department], [department], "Sales", "Vertrieb", "Finance", "Finanzen")',
      default: "none",
    },
    officeLocation: { direct: "officeLocation", whenEmpty: "keep" },
    employeeId: { expression: "Left(NormalizeDiacritics(StripSpaces([displayName])), 8)", apply: "create" },
    businessPhones: { direct: "businessPhones" },
    manager: { direct: "manager" },
  },
  guard,
} as const satisfies Partial<SyncDefinition> & { records: string };

test("a trace and the plan say the same of each of 5,000 people, field by field, at first and after changes", async () => {
  scene = await openScene({ clock: testClock(), simulator: { people: 5_000, groups: 5, seed: 11 } });
  const sync = await scene.addSync("people", "portal", definition);
  await scene.plan(sync);
  await someRecords();
  const first = await agrees(sync);
  assert.deepEqual([...first].sort(), ["create", "issue ambiguous", "issue unmatchable", "join"]);

  assert.notEqual((await scene.run(sync)).result, "failed");
  await someChanges();
  const then = await agrees(sync);
  for (const kind of ["update", "disable", "issue unmatchable"])
    assert.ok(then.includes(kind), `${kind} among ${then}`);

  await scene.redefine(sync, { scope: {}, mapping: { ...definition.mapping, department: { direct: "department" } } });
  const last = await agrees(sync);
  for (const kind of ["create", "update", "disable"]) assert.ok(last.includes(kind), `${kind} among ${last}`);
});

/** A portal that knows some of the people already, each by mail. */
async function someRecords(): Promise<void> {
  const rows = await scene.store.db.selectFrom("records").select("attributes").where("kind", "=", "user").execute();
  const people = rows.map(({ attributes }) => JSON.parse(attributes) as { mail: string | null; displayName: string });
  const mails = [...new Set(people.flatMap(({ mail }) => mail ?? []))].slice(0, 300);
  const targetRow = await scene.store.db
    .selectFrom("targets")
    .selectAll()
    .where("type", "=", "portal")
    .executeTakeFirstOrThrow();
  const target = await scene.engine.openTarget(targetRow);
  const changes = mails.map((mail, ordinal) => ({
    ...{ ordinal, kind: "requester", action: "create" as const, recordId: null },
    set: { userName: `old-${ordinal}`, mail, department: ordinal % 2 === 0 ? "Vertrieb" : "Old" },
  }));
  const outcomes = await target.apply(changes, new AbortController().signal);
  assert.ok(outcomes.every(({ status }) => status === "applied"));
  await target.close();
}

async function someChanges(): Promise<void> {
  const rows = await scene.store.db.selectFrom("records").selectAll().where("kind", "=", "user").execute();
  const inCloud = rows.filter(({ attributes }) => {
    const { onPremisesSyncEnabled, accountEnabled } = JSON.parse(attributes) as { [name: string]: unknown };
    return onPremisesSyncEnabled !== true && accountEnabled === true;
  });
  const ids = inCloud.map(({ id }) => id);
  for (const id of ids.slice(0, 40))
    await scene.graph("PATCH", `/users/${id}`, { department: "Sales", officeLocation: null });
  for (const id of ids.slice(40, 60)) await scene.graph("PATCH", `/users/${id}`, { accountEnabled: false });
  for (const id of ids.slice(60, 80)) await scene.graph("DELETE", `/users/${id}`);
  for (const id of ids.slice(80, 100)) await scene.graph("PUT", `/users/${id}/manager/$ref`, reference(ids[100] ?? ""));
  const { userPrincipalName = "" } = JSON.parse(inCloud[0]?.attributes ?? "{}") as { userPrincipalName?: string };
  const domain = userPrincipalName.split("@")[1];
  for (let at = 0; at < 10; at += 1) {
    const name = { userPrincipalName: `newcomer${at}@${domain}` };
    await scene.graph("POST", "/users", newUser(`Newcomer ${at}`, name));
  }
}

test("a trace names what each field is made of, and what the target has now", async () => {
  const boss = person("Bo Boss", { department: "Legal" });
  const ana = person("Ana Silva", { givenName: "Ana", surname: "Silva", jobTitle: null });
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: [ana, boss], groups: [] } } });
  await scene.graph("PUT", `/users/${ana.id}/manager/$ref`, reference(boss.id));
  const scope = { filters: [[{ attribute: "department", operator: "EQUALS", value: "Sales" }]] } as const;
  const mapping = {
    userName: { direct: "userPrincipalName" },
    displayName: { expression: 'Join(", ", [surname], [givenName])' },
    jobTitle: { direct: "jobTitle", whenEmpty: "keep" },
    mobilePhone: { direct: "mobilePhone", sensitive: true },
    employeeId: { constant: "new", apply: "create" },
    manager: { direct: "manager" },
  } as const;
  const sync = await scene.addSync("people", "portal", {
    records: "requester",
    scope,
    mapping,
    matching: ["userName"],
  });
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${ana.id}`, { givenName: "Anna", mobilePhone: "+49 CANARY" });
  await scene.plan(sync);
  const before = await scene.store.db.selectFrom("plans").select("id").execute();
  const traces = await trace(sync, [ana.id, boss.id]);
  assert.deepEqual(await scene.store.db.selectFrom("plans").select("id").execute(), before);

  const one = traces.get(ana.id);
  assert.deepEqual(one?.scope, { in: true, reason: "department is Sales" });
  assert.deepEqual([one?.record?.state, one?.outcome.action], ["created", "update"]);
  const fields = new Map(one?.fields.map((field) => [field.attribute, field]));
  const { rule: _rule, ...displayName } = fields.get("displayName") ?? assert.fail("no field");
  assert.deepEqual(displayName, {
    attribute: "displayName",
    sources: { surname: "Silva", givenName: "Anna" },
    emptied: false,
    value: "Silva, Anna",
    detail: null,
    present: "Silva, Ana",
    written: true,
  });
  assert.match(fields.get("jobTitle")?.detail ?? "", /stays as it is/);
  assert.match(fields.get("employeeId")?.detail ?? "", /only when the record is created/);
  assert.deepEqual([fields.get("mobilePhone")?.value, fields.get("mobilePhone")?.written], ["[sensitive]", true]);
  assert.ok(!JSON.stringify([...traces]).includes("CANARY"));
  // The manager is out of scope, so there is nobody to point to.
  const manager = fields.get("manager");
  assert.deepEqual([manager?.written, manager?.value], [false, { $ref: boss.id }]);
  assert.equal(manager?.detail, "waits until the target has a record of Bo Boss");
  assert.deepEqual(one?.sought, []);
  const other = traces.get(boss.id);
  assert.deepEqual([other?.scope?.in, other?.record, other?.outcome.action], [false, null, "none"]);
  assert.deepEqual(other?.sought, [{ attribute: "userName", value: boss.userPrincipalName }]);
});
