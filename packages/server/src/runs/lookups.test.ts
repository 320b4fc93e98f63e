import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ConnectorError, type TargetLookups } from "@entrain/core";
import type { GraphUser, TenantFile } from "@entrain/simulator";
import type { PortalSettings } from "../portal/kinds.ts";
import { createPortalTarget } from "../portal/target.ts";
import type { Location } from "../store/store.ts";
import { eachEngine } from "../store/testing.ts";
import type { Engine, SyncRow } from "./context.ts";
import { planChanges, planIssues } from "./queries.ts";
import { planSync, type RunSummary, runSync } from "./run.ts";
import { inShort, plannedIn, unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { person } from "./testing/tenant.ts";
import { DAY, type TestClock, testClock } from "./testing/time.ts";
import { traceRecords } from "./trace.ts";

let scene: Scene;
let clock: TestClock;
afterEach(() => scene.close());

const signal = new AbortController().signal;
const ana = person("Ana", { department: "Sales" });
const bo = person("Bo", { department: "sales" });
const cy = person("Cy", { department: "Legal" });

async function open(
  portal: PortalSettings,
  users: readonly GraphUser[] = [ana, bo, cy],
  location?: Location,
): Promise<string> {
  clock = testClock();
  const tenant = { users: [...users], groups: [] } as TenantFile;
  scene = await openScene({ clock, portal, simulator: { tenant }, ...(location === undefined ? {} : { location }) });
  return await scene.addSync("people", "portal", { records: "requester" });
}

/** Adds or renames what the portal keeps, as its administrator would. */
async function keep(lookup: string, value: string, id = `val_${value}`): Promise<void> {
  const row = { target: "t_portal", id, lookup, value, value_key: value.toLowerCase(), created_at: clock.now() };
  await scene.store.transaction(async (tx) => {
    await tx.deleteFrom("portal_lookups").where("id", "=", id).execute();
    await tx.insertInto("portal_lookups").values(row).execute();
  });
}

/** The departments of the requesters, by name: the value of the record that theirs leads to. */
async function departments(): Promise<{ readonly [name: string]: string | null }> {
  const people = await scene.store.db.selectFrom("portal_requesters").select(["display_name", "attributes"]).execute();
  const values = await scene.store.db.selectFrom("portal_lookups").select(["id", "value"]).execute();
  const said = (id: string | undefined): string | null =>
    id === undefined ? null : (values.find((one) => one.id === id)?.value ?? `nothing behind ${id}`);
  return Object.fromEntries(
    people.map((row) => [row.display_name, said((JSON.parse(row.attributes) as { department?: string }).department)]),
  );
}

async function issuesOf(plan: string): Promise<readonly string[]> {
  const issues = await planIssues(scene.store, plan, { after: -1, limit: 50 });
  return issues.map(({ code, detail }) => `${code}: ${detail}`);
}

async function issuesOfRun({ run }: RunSummary): Promise<readonly string[]> {
  const [plan] = await scene.store.db.selectFrom("plans").select("id").where("run", "=", run).execute();
  return await issuesOf(plan?.id ?? "");
}

/** The scene's engine with a portal whose lookups are not what they seem. */
function spoiled(portal: PortalSettings, spoil: (lookups: TargetLookups) => Partial<TargetLookups>): Engine {
  const openTarget = async () => {
    const target = createPortalTarget(scene.store, "t_portal", portal);
    if (target.lookups === undefined) throw new Error("the portal has no lookups");
    return { ...target, lookups: { ...target.lookups, ...spoil(target.lookups) } };
  };
  return { ...scene.engine, openTarget };
}

const options = (sync: string) => ({
  sync,
  actor: { kind: "system", id: "test" } as const,
  signal,
  onProgress: () => undefined,
});

test("people get the record of their department, however it is spelled, and nothing is planned again", async () => {
  const sync = await open({ departments: "known" });
  await keep("department", "Sales");
  await keep("department", "Legal");
  const run = await scene.run(sync);
  assert.equal(run.result, "succeeded");
  assert.deepEqual(await departments(), { Ana: "Sales", Bo: "Sales", Cy: "Legal" });
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  await scene.graph("PATCH", `/users/${bo.id}`, { department: "SALES" });
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("a missing value is one issue that names it and who wants it, and people are created without it", async () => {
  const many = Array.from({ length: 6 }, (_, at) => person(`Person ${at}`, { department: "Research" }));
  const sync = await open({ departments: "known" }, [cy, ...many]);
  await keep("department", "Legal");
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.failed], ["partial", 7, 1]);
  const [issue, ...more] = await issuesOfRun(run);
  assert.deepEqual(more, []);
  assert.match(issue ?? "", /^lookup_missing: The target has no department "Research"; 6 people want it: /);
  assert.match(issue ?? "", /: Person \d, Person \d, Person \d and 3 more and are synced without it$/);
  assert.equal((await departments()).Cy, "Legal");
  assert.equal((await unsynced(scene.store, sync)).size, 0);
});

test("who waits for a value gets it in the run after it appears, by one update each, and nobody is looked at before", async () => {
  const sync = await open({ departments: "known" });
  await scene.run(sync);
  const waiting = await scene.run(sync);
  assert.deepEqual(await plannedIn(scene.store, waiting.run), []);
  assert.equal((await issuesOfRun(waiting)).length, 2);
  await keep("department", "Sales");
  const run = await scene.run(sync);
  assert.deepEqual(inShort(await plannedIn(scene.store, run.run)), ["update Ana", "update Bo"]);
  assert.deepEqual(await departments(), { Ana: "Sales", Bo: "Sales", Cy: null });
  assert.equal((await issuesOfRun(run)).length, 1);
  await keep("department", "Legal");
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  assert.deepEqual(await scene.store.db.selectFrom("lookup_waits").selectAll().execute(), []);
});

test("who moves to a missing department keeps what the target holds, and who moves on waits no more", async () => {
  const sync = await open({ departments: "known" });
  await keep("department", "Sales");
  await keep("department", "Legal");
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Moon", jobTitle: "Pilot" });
  const run = await scene.run(sync);
  const [change] = await plannedIn(scene.store, run.run);
  assert.match(change?.reason ?? "", /department waits until the target has the department "Moon"/);
  assert.deepEqual([change?.action, change?.after?.jobTitle, change?.after?.department], ["update", "Pilot", "Sales"]);
  assert.equal((await departments()).Ana, "Sales");
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Legal" });
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.equal((await departments()).Ana, "Legal");
});

test("values that may be created are changes of the plan with a reason, counted, journalled, and made before who wants them", async () => {
  const sync = await open({ departments: "create" });
  const { plan } = await planSync(scene.engine, options(sync));
  const views = await planChanges(scene.store, plan.id, { after: null, limit: 10 });
  assert.deepEqual(
    views.slice(0, 2).map(({ action, kind, name, reason }) => [action, kind, name, reason]),
    [
      ["lookup", "department", "Legal", "New in the target: 1 person wants it: Cy"],
      ["lookup", "department", views[1]?.name, "New in the target: 2 people want it: Ana, Bo"],
    ],
  );
  assert.equal((JSON.parse(plan.counts) as { lookup: number }).lookup, 2);
  assert.equal((await scene.store.db.selectFrom("portal_lookups").selectAll().execute()).length, 0);
  const run = await scene.apply(sync, plan.digest ?? "");
  assert.deepEqual([run.result, run.counts.create, run.counts.lookup], ["succeeded", 3, 2]);
  const journal = await scene.store.db
    .selectFrom("journal")
    .select(["type", "status"])
    .where("run", "=", run.run)
    .where("action", "=", "lookup")
    .orderBy("sequence")
    .execute();
  assert.deepEqual(
    journal.map(({ type, status }) => status ?? type),
    ["intent", "intent", "applied", "applied"],
  );
  assert.deepEqual(Object.values(await departments()).length, 3);
  assert.equal((await departments()).Cy, "Legal");
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("a crash between creating a value and its outcome creates it once", async () => {
  const sync = await open({ departments: "create" });
  let calls = 0;
  const engine = spoiled({ departments: "create" }, (lookups) => ({
    create: async (...asked) => {
      calls += 1;
      await lookups.create(...asked);
      throw new Error("the power went out");
    },
  }));
  const crashed = await runSync(engine, options(sync));
  assert.deepEqual([crashed.result, crashed.error?.message], ["failed", "the power went out"]);
  assert.equal((await scene.store.db.selectFrom("open_intents").selectAll().execute()).length, 2);
  const again = spoiled({ departments: "create" }, (lookups) => ({
    create: async (...asked) => {
      calls += 1;
      return await lookups.create(...asked);
    },
  }));
  const run = await runSync(again, options(sync));
  assert.deepEqual([run.result, calls], ["succeeded", 1]);
  assert.deepEqual([run.counts.create, run.counts.lookup], [3, 2]);
  const values = await scene.store.db.selectFrom("portal_lookups").select("value_key").execute();
  assert.deepEqual(values.map((row) => row.value_key).sort(), ["legal", "sales"]);
  assert.equal((await departments()).Ana, (await departments()).Bo);
});

test("a creation that was not heard of and had no effect is sent again in the same run", async () => {
  const sync = await open({ departments: "create" });
  let calls = 0;
  const engine = spoiled({ departments: "create" }, (lookups) => ({
    create: async (lookup, values, ...rest) => {
      calls += 1;
      if (calls > 1) return await lookups.create(lookup, values, ...rest);
      return values.map(() => ({ status: "unknown", code: "timeout", detail: "no answer", retry: "now" }) as const);
    },
  }));
  const run = await runSync(engine, options(sync));
  assert.deepEqual([run.result, run.counts.lookup, calls], ["succeeded", 2, 2]);
  assert.equal((await departments()).Cy, "Legal");
});

test("a value that the target refuses is one unsynced value, people go without, and it is tried again when due", async () => {
  const sync = await open({ departments: "create" });
  let calls = 0;
  const refusal = {
    status: "refused",
    code: "refused_by_target",
    detail: "too many departments",
    retry: "later",
  } as const;
  const engine = spoiled({ departments: "create" }, () => ({
    create: async (_lookup, values) => {
      calls += 1;
      return values.map(() => refusal);
    },
  }));
  const run = await runSync(engine, options(sync));
  assert.deepEqual([run.result, run.counts.create, calls], ["partial", 3, 1]);
  assert.deepEqual(await departments(), { Ana: null, Bo: null, Cy: null });
  assert.deepEqual([...(await unsynced(scene.store, sync)).keys()], ["department:legal", "department:sales"]);
  const next = await runSync(engine, options(sync));
  assert.equal(calls, 1);
  assert.match(
    (await issuesOfRun(next))[0] ?? "",
    /^refused_by_target: .*refused to create it: too many departments; 1 person wants/,
  );
  clock.advance(DAY);
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.equal((await departments()).Cy, "Legal");
  assert.equal((await unsynced(scene.store, sync)).size, 0);
});

test("nothing is sent to a target that cannot be reached, and the next run creates values and people", async () => {
  const sync = await open({ departments: "create" });
  const engine = spoiled({ departments: "create" }, () => ({
    create: async () => {
      throw new ConnectorError("unreachable", "nobody there", { stops: "run", retry: "later" });
    },
  }));
  const failed = await runSync(engine, options(sync));
  assert.deepEqual([failed.result, failed.error?.code], ["failed", "unreachable"]);
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.counts.lookup], ["succeeded", 3, 2]);
});

test("a value that is renamed in the target stays with its people, and is missing for who comes after", async () => {
  const sync = await open({ departments: "known" }, [ana]);
  await keep("department", "Sales", "val_1");
  await scene.run(sync);
  await keep("department", "Trade", "val_1");
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  assert.deepEqual(await departments(), { Ana: "Trade" });
  await scene.graph("POST", "/users", {
    ...bo,
    id: undefined,
    mail: undefined,
    passwordProfile: { password: "Not-a-secret-1!" },
  });
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.create, run.result], [1, "partial"]);
  assert.deepEqual(await departments(), { Ana: "Trade", Bo: null });
});

test("a value that vanishes between plan and apply is left out, and comes back by itself", async () => {
  const sync = await open({ departments: "known" }, [cy]);
  await keep("department", "Legal");
  const { plan } = await planSync(scene.engine, options(sync));
  await scene.store.transaction((tx) => tx.deleteFrom("portal_lookups").execute());
  const run = await scene.apply(sync, plan.digest ?? "");
  assert.equal(run.counts.create, 1);
  assert.deepEqual(await departments(), { Cy: null });
  assert.equal((await issuesOfRun(await scene.run(sync))).length, 1);
  await keep("department", "Legal");
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.deepEqual(await departments(), { Cy: "Legal" });
});

test("of two records of one name none is taken, and the issue names both", async () => {
  const sync = await open({ departments: "known" }, [cy]);
  const engine = spoiled({ departments: "known" }, () => ({
    find: async () => [
      { id: "a", value: "Legal" },
      { id: "b", value: "LEGAL" },
    ],
  }));
  const run = await runSync(engine, options(sync));
  assert.equal(run.counts.create, 1);
  assert.match(
    (await issuesOfRun(run))[0] ?? "",
    /^lookup_ambiguous: The target has 2 records for the department "Legal": a, b;/,
  );
});

test("the target is asked once for each value, however many people want it", async () => {
  const many = Array.from({ length: 250 }, (_, at) => person(`Person ${at}`, { department: `Department ${at % 130}` }));
  const sync = await open({ departments: "create" }, many);
  const asked: number[] = [];
  const engine = spoiled({ departments: "create" }, (lookups) => ({
    find: async (lookup, values, ...rest) => {
      asked.push(values.length);
      return await lookups.find(lookup, values, ...rest);
    },
  }));
  const run = await runSync(engine, options(sync));
  assert.deepEqual([run.counts.create, run.counts.lookup], [250, 130]);
  // While planning, before creating, and once more for the ids.
  assert.deepEqual(asked, [100, 30, 100, 30, 100, 30]);
});

test("who is their own manager, and whoever manages each other, are created with their departments in one run", async () => {
  const users = [ana, bo, cy];
  const managers = { [ana.id]: ana.id, [bo.id]: cy.id, [cy.id]: bo.id };
  clock = testClock();
  scene = await openScene({
    clock,
    portal: { departments: "create" },
    simulator: { tenant: { users, groups: [], managers } },
  });
  const sync = await scene.addSync("people", "portal", { records: "requester" });
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.counts.lookup], ["succeeded", 3, 2]);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  assert.equal((await departments()).Cy, "Legal");
});

test("records that are joined are compared by the values behind their ids", async () => {
  const sync = await open({ departments: "known" });
  await keep("department", "Sales");
  await keep("department", "Legal");
  await scene.run(sync);
  await scene.store.transaction((tx) => tx.deleteFrom("links").execute());
  await scene.graph("PATCH", `/users/${cy.id}`, { department: "Sales" });
  await scene.redefine(sync, {});
  const changes = await plannedIn(scene.store, (await scene.run(sync)).run);
  assert.deepEqual(inShort(changes), ["join Ana", "join Bo", "join Cy"]);
  const reasons = new Map(changes.map(({ name, reason }) => [name, reason]));
  assert.match(reasons.get("Cy") ?? "", /department: Legal → Sales/);
  assert.doesNotMatch(reasons.get("Ana") ?? "", /department/);
  assert.deepEqual(await departments(), { Ana: "Sales", Bo: "Sales", Cy: "Sales" });
});

test("departments that were texts become records when every record is looked at again", async () => {
  const sync = await open({});
  await scene.run(sync);
  const engine = spoiled({ departments: "create" }, () => ({}));
  const run = await runSync(engine, { ...options(sync), recreate: true });
  assert.deepEqual([run.result, run.counts.create, run.counts.update, run.counts.lookup], ["succeeded", 0, 3, 2]);
  assert.equal((await departments()).Cy, "Legal");
  assert.deepEqual(await plannedIn(scene.store, (await runSync(engine, options(sync))).run), []);
});

test("no more than 200 values are created at once, and the rest come by the runs that follow", async () => {
  const many = Array.from({ length: 230 }, (_, at) => person(`Person ${at}`, { department: `Department ${at}` }));
  const sync = await open({ departments: "create" }, many);
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.create, run.counts.lookup, run.failed], [230, 200, 30]);
  assert.match((await issuesOfRun(run))[0] ?? "", /^lookup_missing: .*a plan creates at most 200 values/);
  const next = await scene.run(sync);
  assert.deepEqual([next.result, next.counts.update, next.counts.lookup], ["succeeded", 30, 30]);
});

eachEngine((engine) => {
  test("values that are missing, appear, and are created lead to the same", async () => {
    const place = await engine.place();
    const sync = await open(
      { departments: "known", locations: "create" },
      [{ ...ana, officeLocation: "Zürich" }, bo, cy],
      place,
    );
    const first = await scene.run(sync);
    assert.deepEqual([first.counts.create, first.counts.lookup, first.failed], [3, 1, 2]);
    await keep("department", "Sales");
    const second = await scene.run(sync);
    assert.deepEqual([second.counts.update, second.failed], [2, 1]);
    assert.deepEqual(await departments(), { Ana: "Sales", Bo: "Sales", Cy: null });
    await scene.graph("PATCH", `/users/${cy.id}`, { department: "Sales", officeLocation: "ZÜRICH" });
    const third = await scene.run(sync);
    assert.deepEqual([third.result, third.counts.update, third.counts.lookup ?? 0], ["succeeded", 1, 0]);
    assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  });
});

test("a trace says what the plan says of a missing value", async () => {
  const sync = await open({ departments: "known" });
  await keep("department", "Legal");
  const row = (): Promise<SyncRow> =>
    scene.store.db.selectFrom("syncs").selectAll().where("id", "=", sync).executeTakeFirstOrThrow();
  const ids = [ana.id, cy.id];
  await planSync(scene.engine, options(sync));
  const before = await traceRecords(scene.engine, { sync: await row(), ids, signal });
  const planned = new Map(
    (await plannedIn(scene.store, (await scene.run(sync)).run)).map((one) => [one.objectId, one]),
  );
  for (const id of ids) {
    assert.equal(before.get(id)?.outcome.reason, planned.get(id)?.reason);
    assert.deepEqual(before.get(id)?.outcome.after, planned.get(id)?.after);
  }
  const after = (await traceRecords(scene.engine, { sync: await row(), ids, signal })).get(ana.id);
  assert.deepEqual([after?.outcome.action, after?.outcome.code], ["none", "lookup_missing"]);
  const field = after?.fields.find(({ attribute }) => attribute === "department");
  assert.deepEqual([field?.value, field?.written], ["Sales", false]);
  assert.match(field?.detail ?? "", /waits until the target has the department "Sales"/);
  const joined = (await traceRecords(scene.engine, { sync: await row(), ids, signal })).get(cy.id);
  assert.equal(joined?.fields.find(({ attribute }) => attribute === "department")?.present, "Legal");
});
