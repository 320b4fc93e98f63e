import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Scope, SyncDefinition } from "@entrain/core";
import type { TenantFile } from "@entrain/simulator";
import type { Engine, SyncRow } from "./context.ts";
import { type RunSummary, runSync } from "./run.ts";
import { createDesk, type Desk } from "./testing/desk.ts";
import { plannedIn } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { person } from "./testing/tenant.ts";
import { traceRecords } from "./trace.ts";

let scene: Scene;
let desk: Desk;
afterEach(() => scene.close());

const signal = new AbortController().signal;
const ana = person("Ana", { department: "Board", jobTitle: "Agent" });
const bo = person("Bo", { department: "Sales" });
const managed: TenantFile = { users: [ana, bo], groups: [], managers: { [bo.id]: ana.id } };
const having = (attribute: string, value: string): Scope => ({
  filters: [[{ attribute, operator: "EQUALS", value }]],
});
const agents = having("jobTitle", "Agent");
const sales = having("department", "Sales");

/** A tenant, and a help desk with agents and requesters; a requester's manager may be either, in the order given. */
async function open(references: readonly string[], tenant: TenantFile = managed): Promise<void> {
  scene = await openScene({ simulator: { tenant } });
  desk = createDesk(references);
}

function engine(): Engine {
  return { ...scene.engine, openTarget: async () => desk.open() };
}

async function rowOf(sync: string): Promise<SyncRow> {
  return await scene.store.db.selectFrom("syncs").selectAll().where("id", "=", sync).executeTakeFirstOrThrow();
}

async function addSync(records: "agent" | "requester", scope: Scope): Promise<string> {
  const kind = desk.open().kinds.find(({ name }) => name === records);
  const sync = await scene.addSync(`${records}s`, "portal", { records: "requester", scope, ...kind?.preset });
  const row = await rowOf(sync);
  const definition: SyncDefinition = {
    ...(JSON.parse(row.definition) as SyncDefinition),
    records,
    deprovision: { outOfScope: "delete", disabled: "disable", softDeleted: "delete", deleted: "delete" },
    guard: {
      removals: { percent: 50, count: 500, windowMs: 86_400_000 },
      members: { percent: 50, count: 500, windowMs: 86_400_000 },
    },
  };
  const changes = { records, definition: JSON.stringify(definition) };
  await scene.store.transaction((tx) => tx.updateTable("syncs").set(changes).where("id", "=", sync).execute());
  return sync;
}

async function run(sync: string): Promise<RunSummary> {
  const summary = await runSync(engine(), {
    sync,
    actor: { kind: "system", id: "test" },
    signal,
    onProgress: () => undefined,
  });
  assert.equal(summary.result, "succeeded", JSON.stringify(summary));
  return summary;
}

/** Runs again, which must plan nothing. */
async function isSettled(...syncs: readonly string[]): Promise<void> {
  for (const sync of syncs) assert.deepEqual(await plannedIn(scene.store, (await run(sync)).run), []);
}

const managerOf = (login: string): string | null | undefined => desk.managers("requester").get(login);

test("a requester's manager who is an agent is referred to when the agents are synced first", async () => {
  await open(["agent", "requester"]);
  const [agent, requester] = [await addSync("agent", agents), await addSync("requester", sales)];
  await run(agent);
  const { counts } = await run(requester);
  assert.equal(managerOf("Bo"), desk.idOf("agent", "Ana"));
  assert.deepEqual([counts.create, counts.update], [1, 0]);
  await isSettled(agent, requester);
});

test("a requester's manager who becomes an agent later, by another sync, is referred to by one update", async () => {
  await open(["requester", "agent"]);
  const [agent, requester] = [await addSync("agent", agents), await addSync("requester", sales)];
  await run(requester);
  assert.equal(managerOf("Bo"), null);
  await run(agent);
  const { counts } = await run(requester);
  assert.equal(managerOf("Bo"), desk.idOf("agent", "Ana"));
  assert.deepEqual([counts.create, counts.update], [0, 1]);
  await isSettled(agent, requester);
});

for (const references of [
  ["agent", "requester"],
  ["requester", "agent"],
]) {
  const [first = ""] = references;
  for (const order of [
    ["agent", "requester"],
    ["requester", "agent"],
  ] as const) {
    test(`a manager who is both is referred to as ${first}, with the ${order[0]}s synced first`, async () => {
      await open(references);
      const syncs = new Map([
        ["agent", await addSync("agent", agents)],
        ["requester", await addSync("requester", {})],
      ]);
      for (const kind of [...order, ...order]) await run(syncs.get(kind) ?? "");
      assert.equal(managerOf("Bo"), desk.idOf(first, "Ana"));
      await isSettled(...syncs.values());
    });
  }
}

test("a report is referred from the manager's new record of the better kind by one update that names both", async () => {
  await open(["agent", "requester"]);
  const [agent, requester] = [await addSync("agent", agents), await addSync("requester", {})];
  await run(requester);
  assert.equal(managerOf("Bo"), desk.idOf("requester", "Ana"));
  await run(agent);
  const trace = (await traceRecords(engine(), { sync: await rowOf(requester), ids: [bo.id], signal })).get(bo.id);
  const planned = await plannedIn(scene.store, (await run(requester)).run);
  assert.deepEqual(
    planned.map(({ action, name, reason }) => [action, name, reason]),
    [["update", "Bo", "manager: Ana (requester) → Ana (agent)"]],
  );
  assert.equal(trace?.outcome.reason, planned[0]?.reason);
  assert.equal(managerOf("Bo"), desk.idOf("agent", "Ana"));
});

test("a report is referred to the manager's other record once the first one is gone, by one update", async () => {
  await open(["agent", "requester"]);
  const [agent, requester] = [await addSync("agent", agents), await addSync("requester", {})];
  await run(agent);
  await run(requester);
  await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Retired" });
  assert.equal((await run(agent)).counts.delete, 1);
  const { counts } = await run(requester);
  assert.equal(counts.update, 1);
  assert.equal(managerOf("Bo"), desk.idOf("requester", "Ana"));
  await isSettled(agent, requester);
});

test("a manager who leaves the reports' own sync is referred to as what else the target knows, in the same run", async () => {
  await open(["requester", "agent"], { ...managed, users: [{ ...ana, department: "Sales" }, bo] });
  const [agent, requester] = [await addSync("agent", agents), await addSync("requester", sales)];
  await run(agent);
  await run(requester);
  assert.equal(managerOf("Bo"), desk.idOf("requester", "Ana"));
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Board" });
  const { counts } = await run(requester);
  assert.deepEqual([counts.delete, counts.update], [1, 1]);
  assert.equal(managerOf("Bo"), desk.idOf("agent", "Ana"));
  await isSettled(agent, requester);
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Sales" });
  await run(requester);
  assert.equal(managerOf("Bo"), desk.idOf("requester", "Ana"));
  await isSettled(agent, requester);
});

test("A manages B manages A: with one of them an agent and the other a requester both are referred to", async () => {
  const users = [ana, bo];
  await open(["agent", "requester"], { users, groups: [], managers: { [bo.id]: ana.id, [ana.id]: bo.id } });
  const [agent, requester] = [await addSync("agent", agents), await addSync("requester", sales)];
  await run(requester);
  await run(agent);
  await run(requester);
  assert.equal(managerOf("Bo"), desk.idOf("agent", "Ana"));
  assert.equal(desk.managers("agent").get("Ana"), desk.idOf("requester", "Bo"));
  await isSettled(agent, requester);
});

test("A manages A: who is their own manager refers to their own record of the better kind", async () => {
  await open(["agent", "requester"], { users: [ana], groups: [], managers: { [ana.id]: ana.id } });
  const [agent, requester] = [await addSync("agent", agents), await addSync("requester", {})];
  await run(requester);
  assert.equal(managerOf("Ana"), desk.idOf("requester", "Ana"));
  await run(agent);
  await run(requester);
  assert.equal(managerOf("Ana"), desk.idOf("agent", "Ana"));
  assert.equal(desk.managers("agent").get("Ana"), desk.idOf("agent", "Ana"));
  await isSettled(agent, requester);
});
