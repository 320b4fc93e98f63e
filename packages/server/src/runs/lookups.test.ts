import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { GraphUser } from "@entrain/simulator";
import type { PortalSettings } from "../portal/kinds.ts";
import type { Location } from "../store/store.ts";
import { eachEngine } from "../store/testing.ts";
import { planSync, runSync } from "./run.ts";
import {
  ana,
  bo,
  cy,
  departments,
  issuesOfRun,
  keep,
  openDepartments,
  runOptions,
  spoiled,
} from "./testing/departments.ts";
import { inShort, plannedIn, unsynced } from "./testing/observe.ts";
import type { Scene } from "./testing/scene.ts";
import { person } from "./testing/tenant.ts";

let scene: Scene;
afterEach(() => scene.close());

async function open(
  portal: PortalSettings,
  users: readonly GraphUser[] = [ana, bo, cy],
  location?: Location,
): Promise<string> {
  const opened = await openDepartments(portal, { users, location });
  scene = opened.scene;
  return opened.sync;
}

test("people get the record of their department, however it is spelled, and nothing is planned again", async () => {
  const sync = await open({ departments: "known" });
  await keep(scene, "department", "Sales");
  await keep(scene, "department", "Legal");
  const run = await scene.run(sync);
  assert.equal(run.result, "succeeded");
  assert.deepEqual(await departments(scene), { Ana: "Sales", Bo: "Sales", Cy: "Legal" });
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  await scene.graph("PATCH", `/users/${bo.id}`, { department: "SALES" });
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("a missing value is one issue that names it and who wants it, and people are created without it", async () => {
  const many = Array.from({ length: 6 }, (_, at) => person(`Person ${at}`, { department: "Research" }));
  const sync = await open({ departments: "known" }, [cy, ...many]);
  await keep(scene, "department", "Legal");
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.failed], ["partial", 7, 1]);
  const [issue, ...more] = await issuesOfRun(scene, run);
  assert.deepEqual(more, []);
  assert.match(issue ?? "", /^lookup_missing: The target has no department "Research"; 6 people want it: /);
  assert.match(issue ?? "", /: Person \d, Person \d, Person \d and 3 more and are synced without it$/);
  assert.equal((await departments(scene)).Cy, "Legal");
  assert.equal((await unsynced(scene.store, sync)).size, 0);
});

test("who waits for a value gets it in the run after it appears, by one update each, and nobody is looked at before", async () => {
  const sync = await open({ departments: "known" });
  await scene.run(sync);
  const waiting = await scene.run(sync);
  assert.deepEqual(await plannedIn(scene.store, waiting.run), []);
  assert.equal((await issuesOfRun(scene, waiting)).length, 2);
  await keep(scene, "department", "Sales");
  const run = await scene.run(sync);
  assert.deepEqual(inShort(await plannedIn(scene.store, run.run)), ["update Ana", "update Bo"]);
  assert.deepEqual(await departments(scene), { Ana: "Sales", Bo: "Sales", Cy: null });
  assert.equal((await issuesOfRun(scene, run)).length, 1);
  await keep(scene, "department", "Legal");
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  assert.deepEqual(await scene.store.db.selectFrom("lookup_waits").selectAll().execute(), []);
});

test("who moves to a missing department keeps what the target holds, and who moves on waits no more", async () => {
  const sync = await open({ departments: "known" });
  await keep(scene, "department", "Sales");
  await keep(scene, "department", "Legal");
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Moon", jobTitle: "Pilot" });
  const run = await scene.run(sync);
  const [change] = await plannedIn(scene.store, run.run);
  assert.match(change?.reason ?? "", /department waits until the target has the department "Moon"/);
  assert.deepEqual([change?.action, change?.after?.jobTitle, change?.after?.department], ["update", "Pilot", "Sales"]);
  assert.equal((await departments(scene)).Ana, "Sales");
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Legal" });
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.equal((await departments(scene)).Ana, "Legal");
});

test("a value that is renamed in the target stays with its people, and is missing for who comes after", async () => {
  const sync = await open({ departments: "known" }, [ana]);
  await keep(scene, "department", "Sales", "val_1");
  await scene.run(sync);
  await keep(scene, "department", "Trade", "val_1");
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  assert.deepEqual(await departments(scene), { Ana: "Trade" });
  await scene.graph("POST", "/users", {
    ...bo,
    id: undefined,
    mail: undefined,
    passwordProfile: { password: "Not-a-secret-1!" },
  });
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.create, run.result], [1, "partial"]);
  assert.deepEqual(await departments(scene), { Ana: "Trade", Bo: null });
});

test("a value that vanishes between plan and apply is left out, and comes back by itself", async () => {
  const sync = await open({ departments: "known" }, [cy]);
  await keep(scene, "department", "Legal");
  const { plan } = await planSync(scene.engine, runOptions(sync));
  await scene.store.transaction((tx) => tx.deleteFrom("portal_lookups").execute());
  const run = await scene.apply(sync, plan.digest ?? "");
  assert.equal(run.counts.create, 1);
  assert.deepEqual(await departments(scene), { Cy: null });
  assert.equal((await issuesOfRun(scene, await scene.run(sync))).length, 1);
  await keep(scene, "department", "Legal");
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.deepEqual(await departments(scene), { Cy: "Legal" });
});

test("of two records of one name none is taken, and the issue names both", async () => {
  const sync = await open({ departments: "known" }, [cy]);
  const engine = spoiled(scene, { departments: "known" }, () => ({
    find: async () => [
      { id: "a", value: "Legal" },
      { id: "b", value: "LEGAL" },
    ],
  }));
  const run = await runSync(engine, runOptions(sync));
  assert.equal(run.counts.create, 1);
  assert.match(
    (await issuesOfRun(scene, run))[0] ?? "",
    /^lookup_ambiguous: The target has 2 records for the department "Legal": a, b;/,
  );
});

test("records that are joined are compared by the values behind their ids", async () => {
  const sync = await open({ departments: "known" });
  await keep(scene, "department", "Sales");
  await keep(scene, "department", "Legal");
  await scene.run(sync);
  await scene.store.transaction((tx) => tx.deleteFrom("links").execute());
  await scene.graph("PATCH", `/users/${cy.id}`, { department: "Sales" });
  await scene.redefine(sync, {});
  const changes = await plannedIn(scene.store, (await scene.run(sync)).run);
  assert.deepEqual(inShort(changes), ["join Ana", "join Bo", "join Cy"]);
  const reasons = new Map(changes.map(({ name, reason }) => [name, reason]));
  assert.match(reasons.get("Cy") ?? "", /department: Legal → Sales/);
  assert.doesNotMatch(reasons.get("Ana") ?? "", /department/);
  assert.deepEqual(await departments(scene), { Ana: "Sales", Bo: "Sales", Cy: "Sales" });
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
    await keep(scene, "department", "Sales");
    const second = await scene.run(sync);
    assert.deepEqual([second.counts.update, second.failed], [2, 1]);
    assert.deepEqual(await departments(scene), { Ana: "Sales", Bo: "Sales", Cy: null });
    await scene.graph("PATCH", `/users/${cy.id}`, { department: "Sales", officeLocation: "ZÜRICH" });
    const third = await scene.run(sync);
    assert.deepEqual([third.result, third.counts.update, third.counts.lookup ?? 0], ["succeeded", 1, 0]);
    assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  });
});
