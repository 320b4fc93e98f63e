import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { GraphUser, TenantFile } from "@entrain/simulator";
import type { Engine } from "./context.ts";
import { runSync } from "./run.ts";
import { inShort, plannedIn, scimManager, scimUser, scimWrites, unsynced } from "./testing/observe.ts";
import { openScene, type Scene, type SceneOptions } from "./testing/scene.ts";
import { idOf, person, reference } from "./testing/tenant.ts";
import { DAY, MINUTE, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let clock: TestClock;
afterEach(() => scene.close());

async function open(tenant: TenantFile, options: SceneOptions = {}): Promise<void> {
  clock = testClock();
  scene = await openScene({ clock, ...options, simulator: { tenant } });
}

const ana = person("Ana Manager", { department: "Board" });
const bo = person("Bo Report");
const inSales = { filters: [[{ attribute: "department", operator: "EQUALS", value: "Sales" }]] } as const;

test("a manager who enters scope a day later by a filter is referred to in the run that links the manager, by one update", async () => {
  await open({ users: [ana, bo], groups: [], managers: { [bo.id]: ana.id } });
  const sync = await scene.addSync("people", "scim", { records: "user", scope: inSales });
  await scene.run(sync);
  assert.equal(scimManager(scene.scim, bo.id), null);
  clock.advance(DAY);
  assert.deepEqual((await scene.run(sync)).counts.update, 0);
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Sales" });
  const before = scene.scim.requests.length;
  const run = await scene.run(sync);
  assert.equal(scimManager(scene.scim, bo.id), ana.id);
  assert.deepEqual([run.result, run.counts.create, run.counts.update], ["succeeded", 1, 1]);
  assert.deepEqual(scimWrites(scene.scim, before), ["POST /Users", `PATCH /Users/${scimUser(scene.scim, bo.id)?.id}`]);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("a manager who enters scope a day later by a group is referred to in the run that links the manager, by one update", async () => {
  const staff = { id: idOf("Staff"), displayName: "Staff", securityEnabled: true, mailEnabled: false };
  await open({
    users: [ana, bo],
    groups: [staff],
    memberships: { [staff.id]: [bo.id] },
    managers: { [bo.id]: ana.id },
  });
  const groups = { include: ["Staff"], transitive: true };
  const sync = await scene.addSync("people", "scim", { records: "user", scope: { groups } });
  await scene.run(sync);
  clock.advance(DAY);
  await scene.graph("POST", `/groups/${staff.id}/members/$ref`, reference(ana.id));
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.create, run.counts.update], [1, 1]);
  assert.equal(scimManager(scene.scim, bo.id), ana.id);
});

const two = (first: string, second: string): TenantFile => ({
  users: [ana, bo],
  groups: [],
  managers: { [first]: second, [second]: first },
});

test("a change of managers names the former one as well as the new one", async () => {
  const eve = person("Eve");
  await open({ users: [ana, bo, eve], groups: [], managers: { [bo.id]: ana.id } });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  await scene.graph("PUT", `/users/${bo.id}/manager/$ref`, reference(eve.id));
  const { run } = await scene.run(sync);
  const changes = scene.store.db.selectFrom("plan_changes").innerJoin("plans", "plans.id", "plan_changes.plan");
  const rows = await changes.select("plan_changes.reason").where("plans.run", "=", run).execute();
  assert.equal(rows.length, 1);
  assert.match(rows[0]?.reason ?? "", /: Ana Manager → Eve$/);
});

test("a manager circle, A manages B manages A, converges in one run", async () => {
  await open(two(ana.id, bo.id));
  const sync = await scene.addSync("people", "scim", { records: "user" });
  const run = await scene.run(sync);
  assert.equal(run.result, "succeeded");
  assert.equal(scimManager(scene.scim, bo.id), ana.id);
  assert.equal(scimManager(scene.scim, ana.id), bo.id);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("a person who is their own manager converges in one run", async () => {
  await open({ users: [ana], groups: [], managers: { [ana.id]: ana.id } });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.equal(scimManager(scene.scim, ana.id), ana.id);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("A manages B manages A: both enter scope in one plan, and the run that creates them refers each to the other", async () => {
  const users = [ana, { ...bo, department: "Board" }];
  await open({ users, groups: [], managers: { [ana.id]: bo.id, [bo.id]: ana.id } });
  const sync = await scene.addSync("people", "scim", { records: "user", scope: inSales });
  assert.equal((await scene.run(sync)).counts.create, 0);
  for (const { id } of users) await scene.graph("PATCH", `/users/${id}`, { department: "Sales" });
  const { result, counts } = await scene.run(sync);
  assert.deepEqual([result, counts.create, counts.update], ["succeeded", 2, 2]);
  assert.deepEqual([scimManager(scene.scim, ana.id), scimManager(scene.scim, bo.id)], [bo.id, ana.id]);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("A manages B manages A: when one leaves the other stays as it is, and gets the manager back by one update", async () => {
  const users = [{ ...ana, department: "Sales" }, bo];
  await open({ users, groups: [], managers: { [ana.id]: bo.id, [bo.id]: ana.id } });
  const sync = await scene.addSync("people", "portal", {
    records: "requester",
    scope: inSales,
    deprovision: { outOfScope: "delete", disabled: "disable", softDeleted: "delete", deleted: "delete" },
  });
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Board" });
  const left = await scene.run(sync);
  assert.deepEqual([left.result, left.counts.delete, left.counts.update], ["succeeded", 1, 0]);
  assert.deepEqual(await portalManagers(), { "Bo Report": null });
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Sales" });
  const back = await scene.run(sync);
  assert.deepEqual([back.result, back.counts.create, back.counts.update], ["succeeded", 1, 1]);
  assert.deepEqual(await portalManagers(), { "Ana Manager": "Bo Report", "Bo Report": "Ana Manager" });
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("A manages A: who enters scope as their own manager, and leaves and returns, refers to the record that is there", async () => {
  await open({ users: [ana], groups: [], managers: { [ana.id]: ana.id } });
  const sync = await scene.addSync("people", "portal", {
    records: "requester",
    scope: inSales,
    deprovision: { outOfScope: "delete", disabled: "disable", softDeleted: "delete", deleted: "delete" },
  });
  await scene.run(sync);
  for (const department of ["Sales", "Board", "Sales"]) {
    await scene.graph("PATCH", `/users/${ana.id}`, { department });
    assert.equal((await scene.run(sync)).result, "succeeded");
    assert.deepEqual(await portalManagers(), department === "Sales" ? { "Ana Manager": "Ana Manager" } : {});
    assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  }
});

/** The managers that the portal holds, names by names; one whom it does not hold any more is told by their id. */
async function portalManagers(): Promise<{ readonly [name: string]: string | null }> {
  const rows = await scene.store.db.selectFrom("portal_requesters").select(["id", "display_name", "manager"]).execute();
  const nameOf = (id: string): string => rows.find((row) => row.id === id)?.display_name ?? id;
  return Object.fromEntries(rows.map(({ display_name, manager }) => [display_name, manager && nameOf(manager)]));
}

test("a chain of twelve managers is created from the top, without a further update", async () => {
  const users: (GraphUser & { id: string })[] = Array.from({ length: 12 }, (_, at) => person(`Chain ${at}`));
  const managers = Object.fromEntries(users.slice(1).map((user, at) => [user.id, users[at]?.id ?? ""]));
  await open({ users: users.toReversed(), groups: [], managers });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  const { counts } = await scene.run(sync);
  assert.deepEqual([counts.create, counts.update], [12, 0]);
  for (const [user, manager] of Object.entries(managers)) assert.equal(scimManager(scene.scim, user), manager);
});

test("a manager whose creation was refused is referred to once it succeeds", async () => {
  await open({ users: [ana, bo], groups: [], managers: { [bo.id]: ana.id } });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  let creations = 0;
  scene.disturb(({ method }) => (method === "POST" && creations++ === 0 ? { status: 400, body: "{}" } : null));
  assert.equal((await scene.run(sync)).result, "partial");
  assert.deepEqual([...(await unsynced(scene.store, sync)).keys()], [ana.id]);
  assert.equal(scimManager(scene.scim, bo.id), null);
  scene.disturb(null);
  clock.advance(2 * MINUTE);
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.equal(scimManager(scene.scim, bo.id), ana.id);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("a manager who was deleted in the target and returns is referred to by the new record", async () => {
  await open({ users: [{ ...ana, department: "Sales" }, bo], groups: [], managers: { [bo.id]: ana.id } });
  const deprovision = { outOfScope: "delete", disabled: "delete", softDeleted: "delete", deleted: "delete" } as const;
  const sync = await scene.addSync("people", "scim", { records: "user", scope: inSales, deprovision });
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Board" });
  assert.equal((await scene.run(sync)).counts.delete, 1);
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Sales" });
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.create, run.counts.update], [1, 1]);
  assert.equal(scimManager(scene.scim, bo.id), ana.id);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("a manager who changes is written by one update; a manager who is taken away is cleared", async () => {
  const cy = person("Cy Second");
  await open({ users: [ana, bo, cy], groups: [], managers: { [bo.id]: ana.id } });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  await scene.graph("PUT", `/users/${bo.id}/manager/$ref`, reference(cy.id));
  const [moved, ...others] = await plannedIn(scene.store, (await scene.run(sync)).run);
  assert.deepEqual([moved?.action, moved?.name, others.length], ["update", "Bo Report", 0]);
  assert.match(moved?.reason ?? "", /Cy Second/);
  assert.equal(scimManager(scene.scim, bo.id), cy.id);
  await scene.graph("DELETE", `/users/${bo.id}/manager/$ref`);
  assert.equal((await scene.run(sync)).counts.update, 1);
  assert.equal(scimManager(scene.scim, bo.id), null);
});

const of = (sync: string) => ({
  sync,
  actor: { kind: "system", id: "test" } as const,
  signal: new AbortController().signal,
  onProgress: () => undefined,
});

/** An engine whose source does not tell of some people yet. */
function lagging(engine: Engine, hidden: ReadonlySet<string>): Engine {
  return {
    ...engine,
    openSource: async (row) => {
      const source = await engine.openSource(row);
      return {
        ...{ presence: source.presence.bind(source), verify: source.verify.bind(source) },
        managers: source.managers.bind(source),
        async *read(kind, from, signal) {
          for await (const page of source.read(kind, from, signal)) {
            yield { ...page, records: page.records.filter(({ id }) => !hidden.has(id)) };
          }
        },
        close: () => source.close(),
      };
    },
  };
}

test("a report whose new manager is not told of yet stays in a scope that asks for the manager's attributes", async () => {
  const [cy, leaver] = [person("Cy Manager"), person("Di Leaver")];
  const managers = { [bo.id]: cy.id, [leaver.id]: cy.id };
  await open({ users: [bo, cy, leaver], groups: [], managers });
  const scope = { filters: [[{ attribute: "manager.department", operator: "EQUALS", value: "Sales" }]] } as const;
  const sync = await scene.addSync("people", "scim", { records: "user", scope });
  assert.equal((await scene.run(sync)).counts.create, 2);
  const { id: _id, mail: _mail, ...fresh } = person("Ed Manager", { department: "Sales" });
  const body = { ...fresh, passwordProfile: { password: "Not-a-secret-1!" } };
  const { id: ed } = (await scene.graph("POST", "/users", body)) as { readonly id: string };
  for (const id of [bo.id, leaver.id]) await scene.graph("PUT", `/users/${id}/manager/$ref`, reference(ed));
  await scene.graph("PATCH", `/users/${leaver.id}`, { accountEnabled: false });
  const run = await runSync(lagging(scene.engine, new Set([ed])), of(sync));
  assert.deepEqual(inShort(await plannedIn(scene.store, run.run)), ["disable Di Leaver"]);
  const [pending] = await scene.store.db.selectFrom("pending").select(["reason", "detail"]).execute();
  assert.deepEqual(pending, {
    reason: "suppressed",
    detail: "the directory does not hold the manager, so manager.department cannot be told",
  });
  await scene.graph("PATCH", `/users/${ed}`, { department: "Board" });
  assert.deepEqual(inShort(await plannedIn(scene.store, (await scene.run(sync)).run)), ["disable Bo Report"]);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("what a manager has is written to people whose removal was held while it changed", async () => {
  const team = Array.from({ length: 5 }, (_, at) => person(`Team ${at + 1}`));
  const managers = Object.fromEntries(team.map(({ id }) => [id, ana.id]));
  await open({ users: [ana, ...team], groups: [], managers });
  const mapping = {
    userName: { direct: "userPrincipalName" },
    externalId: { direct: "objectId" },
    title: { direct: "manager.displayName" },
  } as const;
  const sync = await scene.addSync("people", "scim", { records: "user", mapping });
  await scene.run(sync);
  for (const { id } of team) await scene.graph("PATCH", `/users/${id}`, { accountEnabled: false });
  const { held } = await scene.run(sync);
  await scene.graph("PATCH", `/users/${ana.id}`, { displayName: "Ana Soler" });
  await scene.run(sync);
  assert.equal((await scene.approve(sync, held?.digest ?? "")).counts.disable, 5);
  await scene.run(sync);
  const titles = new Set(team.map(({ id }) => scimUser(scene.scim, id)?.title));
  assert.deepEqual([...titles], ["Ana Soler"]);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});

test("a plan counts no change for a person whose manager only waits to be there", async () => {
  await open({ users: [ana, bo], groups: [], managers: { [bo.id]: ana.id } });
  const sync = await scene.addSync("people", "scim", { records: "user", scope: inSales });
  await scene.run(sync);
  await scene.redefine(sync, {
    scope: { filters: [[...inSales.filters[0], { attribute: "id", operator: "IS NOT NULL" }]] },
  });
  const { plan, changes } = await scene.plan(sync);
  const rows = await scene.store.db.selectFrom("plan_changes").select("ordinal").where("plan", "=", plan.id).execute();
  assert.deepEqual([changes, rows.length], [0, 0]);
});

test("who is restored after their manager was deleted reports to nobody, and who returns to a living one reports to them", async () => {
  const [cy, dee] = [person("Cy Manager"), person("Dee Report")];
  await open({ users: [ana, bo, cy, dee], groups: [], managers: { [bo.id]: ana.id, [dee.id]: cy.id } });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  for (const { id } of [bo, dee]) await scene.graph("DELETE", `/users/${id}`);
  await scene.run(sync);
  await scene.graph("DELETE", `/users/${ana.id}`);
  await scene.run(sync);
  for (const { id } of [bo, dee]) await scene.graph("POST", `/directory/deletedItems/${id}/restore`);
  assert.equal((await scene.run(sync)).result, "succeeded");
  const rows = await scene.store.db.selectFrom("records").select(["id", "manager"]).execute();
  const managers = new Map(rows.map(({ id, manager }) => [id, manager]));
  assert.deepEqual([managers.get(bo.id), managers.get(dee.id)], [null, cy.id]);
  assert.deepEqual([scimManager(scene.scim, bo.id), scimManager(scene.scim, dee.id)], [null, cy.id]);
});
