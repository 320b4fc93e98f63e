import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ConnectorError } from "@entrain/core";
import type { GraphUser } from "@entrain/simulator";
import type { PortalSettings } from "../portal/kinds.ts";
import { planChanges } from "./plan-queries.ts";
import { planSync, runSync } from "./run.ts";
import { ana, bo, cy, departments, issuesOfRun, openDepartments, runOptions, spoiled } from "./testing/departments.ts";
import { plannedIn, unsynced } from "./testing/observe.ts";
import type { Scene } from "./testing/scene.ts";
import { standingStill } from "./testing/standing-still.ts";
import { person } from "./testing/tenant.ts";
import { DAY, type TestClock } from "./testing/time.ts";

let scene: Scene;
let clock: TestClock;
afterEach(() => scene.close());

async function open(portal: PortalSettings, users: readonly GraphUser[] = [ana, bo, cy]): Promise<string> {
  const opened = await openDepartments(portal, { users });
  scene = opened.scene;
  clock = opened.clock;
  return opened.sync;
}

test("values that may be created are changes of the plan with a reason, counted, journalled, and made before who wants them", async () => {
  const sync = await open({ departments: "create" });
  const { plan } = await planSync(scene.engine, runOptions(sync));
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
  assert.deepEqual(Object.values(await departments(scene)).length, 3);
  assert.equal((await departments(scene)).Cy, "Legal");
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("a crash between creating a value and its outcome creates it once", async () => {
  const sync = await open({ departments: "create" });
  let calls = 0;
  const engine = spoiled(scene, { departments: "create" }, (lookups) => ({
    create: async (...asked) => {
      calls += 1;
      await lookups.create(...asked);
      throw new Error("the power went out");
    },
  }));
  const crashed = await runSync(engine, runOptions(sync));
  assert.deepEqual([crashed.result, crashed.error?.message], ["failed", "the power went out"]);
  assert.equal((await scene.store.db.selectFrom("open_intents").selectAll().execute()).length, 2);
  const again = spoiled(scene, { departments: "create" }, (lookups) => ({
    create: async (...asked) => {
      calls += 1;
      return await lookups.create(...asked);
    },
  }));
  const run = await runSync(again, runOptions(sync));
  assert.deepEqual([run.result, calls], ["succeeded", 1]);
  assert.deepEqual([run.counts.create, run.counts.lookup], [3, 2]);
  const values = await scene.store.db.selectFrom("portal_lookups").select("value_key").execute();
  assert.deepEqual(values.map((row) => row.value_key).sort(), ["legal", "sales"]);
  assert.equal((await departments(scene)).Ana, (await departments(scene)).Bo);
});

test("a process that stood still behind its intents creates no value that another one has created since", async () => {
  const sync = await open({ departments: "create" });
  let calls = 0;
  const engine = spoiled(scene, { departments: "create" }, (lookups) => ({
    create: async (...asked) => {
      calls += 1;
      return await lookups.create(...asked);
    },
  }));
  const store = standingStill(scene.store, async () => {
    clock.advance(DAY);
    assert.equal((await runSync(engine, runOptions(sync))).result, "succeeded");
    assert.equal(calls, 1);
  });
  await assert.rejects(runSync({ ...engine, store }, runOptions(sync)), { code: "lease_lost" });
  assert.equal(calls, 1);
});

test("a creation that was not heard of and had no effect is sent again in the same run", async () => {
  const sync = await open({ departments: "create" });
  let calls = 0;
  const engine = spoiled(scene, { departments: "create" }, (lookups) => ({
    create: async (lookup, values, ...rest) => {
      calls += 1;
      if (calls > 1) return await lookups.create(lookup, values, ...rest);
      return values.map(() => ({ status: "unknown", code: "timeout", detail: "no answer", retry: "now" }) as const);
    },
  }));
  const run = await runSync(engine, runOptions(sync));
  assert.deepEqual([run.result, run.counts.lookup, calls], ["succeeded", 2, 2]);
  assert.equal((await departments(scene)).Cy, "Legal");
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
  const engine = spoiled(scene, { departments: "create" }, () => ({
    create: async (_lookup, values) => {
      calls += 1;
      return values.map(() => refusal);
    },
  }));
  const run = await runSync(engine, runOptions(sync));
  assert.deepEqual([run.result, run.counts.create, calls], ["partial", 3, 1]);
  assert.deepEqual(await departments(scene), { Ana: null, Bo: null, Cy: null });
  assert.deepEqual([...(await unsynced(scene.store, sync)).keys()], ["department:legal", "department:sales"]);
  const next = await runSync(engine, runOptions(sync));
  assert.equal(calls, 1);
  assert.match(
    (await issuesOfRun(scene, next))[0] ?? "",
    /^refused_by_target: .*refused to create it: too many departments; 1 person wants/,
  );
  clock.advance(DAY);
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.equal((await departments(scene)).Cy, "Legal");
  assert.equal((await unsynced(scene.store, sync)).size, 0);
});

test("nothing is sent to a target that cannot be reached, and the next run creates values and people", async () => {
  const sync = await open({ departments: "create" });
  const engine = spoiled(scene, { departments: "create" }, () => ({
    create: async () => {
      throw new ConnectorError("unreachable", "nobody there", { stops: "run", retry: "later" });
    },
  }));
  const failed = await runSync(engine, runOptions(sync));
  assert.deepEqual([failed.result, failed.error?.code], ["failed", "unreachable"]);
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.counts.lookup], ["succeeded", 3, 2]);
});

test("the target is asked once for each value, however many people want it", async () => {
  const many = Array.from({ length: 250 }, (_, at) => person(`Person ${at}`, { department: `Department ${at % 130}` }));
  const sync = await open({ departments: "create" }, many);
  const asked: number[] = [];
  const engine = spoiled(scene, { departments: "create" }, (lookups) => ({
    find: async (lookup, values, ...rest) => {
      asked.push(values.length);
      return await lookups.find(lookup, values, ...rest);
    },
  }));
  const run = await runSync(engine, runOptions(sync));
  assert.deepEqual([run.counts.create, run.counts.lookup], [250, 130]);
  // While planning, before creating, and once more for the ids.
  assert.deepEqual(asked, [100, 30, 100, 30, 100, 30]);
});

test("who is their own manager, and whoever manages each other, are created with their departments in one run", async () => {
  const managers = { [ana.id]: ana.id, [bo.id]: cy.id, [cy.id]: bo.id };
  const opened = await openDepartments({ departments: "create" }, { managers });
  scene = opened.scene;
  const { sync } = opened;
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.counts.lookup], ["succeeded", 3, 2]);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  assert.equal((await departments(scene)).Cy, "Legal");
});

test("departments that were texts become records when every record is looked at again", async () => {
  const sync = await open({});
  await scene.run(sync);
  const engine = spoiled(scene, { departments: "create" }, () => ({}));
  const run = await runSync(engine, { ...runOptions(sync), recreate: true });
  assert.deepEqual([run.result, run.counts.create, run.counts.update, run.counts.lookup], ["succeeded", 0, 3, 2]);
  assert.equal((await departments(scene)).Cy, "Legal");
  assert.deepEqual(await plannedIn(scene.store, (await runSync(engine, runOptions(sync))).run), []);
});

test("no more than 200 values are created at once, and the rest come by the runs that follow", async () => {
  const many = Array.from({ length: 230 }, (_, at) => person(`Person ${at}`, { department: `Department ${at}` }));
  const sync = await open({ departments: "create" }, many);
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.create, run.counts.lookup, run.failed], [230, 200, 30]);
  assert.match((await issuesOfRun(scene, run))[0] ?? "", /^lookup_missing: .*a plan creates at most 200 values/);
  const next = await scene.run(sync);
  assert.deepEqual([next.result, next.counts.update, next.counts.lookup], ["succeeded", 30, 30]);
});
