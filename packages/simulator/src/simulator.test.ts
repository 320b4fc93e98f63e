import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { startSimulator } from "./simulator.ts";
import { connect, startClient } from "./testing/client.ts";
import { person, smallTenant, team } from "./testing/tenant.ts";

function folder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "entrain-simulator-"));
}

/** Registered last, because hooks run in order and a simulator saves its state as it closes. */
function removeAfter(t: TestContext, file: string): void {
  t.after(() => rm(dirname(file), { recursive: true }));
}

test("the same seed gives the same tenant, ids and secret; another seed another", async (t) => {
  const [a, b, c] = await Promise.all([7, 7, 8].map((seed) => startClient(t, { people: 30, groups: 5, seed })));
  assert.ok(a && b && c);
  const people = async (client: typeof a): Promise<unknown> => (await client.all("/users?$top=999")).records;
  assert.deepEqual(await people(a), await people(b));
  const { tenant, client, secret } = a.simulator;
  assert.deepEqual([tenant, client, secret], [b.simulator.tenant, b.simulator.client, b.simulator.secret]);
  assert.notEqual(tenant, c.simulator.tenant);
  assert.notEqual(secret, c.simulator.secret);
});

test("a tenant outlives a restart with its deleted items, history and delta tokens", async (t) => {
  const stateFile = join(await folder(), "tenant.json");
  const tenant = {
    ...smallTenant(5, { [team(1)]: { members: [person(1), person(2), person(3)] } }),
    managers: { [person(1)]: person(2) },
  };
  const first = await startSimulator({ tenant, stateFile });
  const before = await connect(first);
  const users = await before.all("/users/delta?$select=displayName,manager");
  const groups = await before.all("/groups/delta");
  await before.send("DELETE", `/users/${person(2)}`);
  await before.send("DELETE", `/users/${person(3)}`);
  await before.send("DELETE", `/directory/deletedItems/${person(3)}`);
  await first.close();

  const client = await startClient(t, { stateFile, port: Number(new URL(first.graph).port) });
  removeAfter(t, stateFile);
  assert.equal((await client.get("/users")).body.value?.length, 3);
  const { records } = await client.all(users.last["@odata.deltaLink"] ?? "");
  assert.deepEqual(records, [
    {
      id: person(1),
      displayName: "Person 1",
      "manager@delta": [{ "@odata.type": "#microsoft.graph.user", id: person(2), "@removed": { reason: "deleted" } }],
    },
    { id: person(2), "@removed": { reason: "changed" } },
    { id: person(3), "@removed": { reason: "deleted" } },
  ]);
  const [group] = (await client.all(groups.last["@odata.deltaLink"] ?? "")).records;
  assert.equal([group?.["members@delta"]].flat().length, 2);
  await client.send("POST", `/directory/deletedItems/${person(2)}/restore`);
  assert.equal((await client.get(`/users/${person(1)}/manager`)).body.id, person(2));
  const created = await client.send("POST", "/groups", {
    displayName: "New",
    mailEnabled: false,
    mailNickname: "new",
    securityEnabled: true,
  });
  assert.equal(created.status, 201);
});

test("tokens of a run that was killed before it saved ask for a resynchronisation", async (t) => {
  const stateFile = join(await folder(), "tenant.json");
  const first = await startSimulator({ tenant: smallTenant(3), stateFile });
  const saved = (await (await connect(first)).all("/users/delta?$select=city")).last["@odata.deltaLink"] ?? "";
  await first.close();
  const kept = await readFile(stateFile, "utf8");
  const second = await startSimulator({ stateFile });
  const killed = await connect(second);
  const created = await killed.send("PATCH", `/users/${person(1)}`, { city: "Oslo" });
  assert.equal(created.status, 204);
  const lost = (await killed.all("/users/delta?$select=city")).last["@odata.deltaLink"] ?? "";
  await second.close();
  await writeFile(stateFile, kept);

  const client = await startClient(t, { stateFile });
  removeAfter(t, stateFile);
  for (const number of [1, 2, 3]) await client.send("PATCH", `/users/${person(number)}`, { city: "Bergen" });
  assert.equal((await client.get(`/users/delta${new URL(lost).search}`)).status, 410);
  assert.equal((await client.get(`/users/delta${new URL(saved).search}`)).body.value?.length, 3);
});

test("a run that is killed after a save keeps its changes and its delta tokens", async (t) => {
  const stateFile = join(await folder(), "tenant.json");
  const killed = await startClient(t, { tenant: smallTenant(3), stateFile });
  await killed.send("PATCH", `/users/${person(1)}`, { city: "Oslo" });
  const link = (await killed.all("/users/delta?$select=city")).last["@odata.deltaLink"] ?? "";
  await killed.simulator.save();
  const client = await startClient(t, { stateFile });
  removeAfter(t, stateFile);
  assert.equal((await client.get(`/users/${person(1)}?$select=city`)).body.city, "Oslo");
  await client.send("PATCH", `/users/${person(2)}`, { city: "Rome" });
  const { body } = await client.get(`/users/delta${new URL(link).search}`);
  assert.deepEqual(body.value, [{ id: person(2), city: "Rome" }]);
});

test("the ids of new people repeat only in a run that is named alike", async (t) => {
  const options = { tenant: smallTenant(1), clock: () => 1_800_000_000_000 };
  const ids = await Promise.all(
    [undefined, undefined, "a", "a"].map(async (instance) => {
      const client = await startClient(t, { ...options, instance });
      client.simulator.churn(30);
      return JSON.stringify((await client.all("/users?$select=id&$top=999")).records);
    }),
  );
  assert.notEqual(ids[0], ids[1]);
  assert.equal(ids[2], ids[3]);
});

test("without a state file the same seed is another tenant state: its tokens ask for a resynchronisation", async (t) => {
  const first = await startClient(t, { people: 5, groups: 1, seed: 3 });
  const link = (await first.all("/users/delta")).last["@odata.deltaLink"] ?? "";
  const second = await startClient(t, { people: 5, groups: 1, seed: 3 });
  assert.equal((await second.get(`/users/delta${new URL(link).search}`)).status, 410);
});

test("a damaged state file, a taken port and an address of another machine are one sentence each", async (t) => {
  const stateFile = join(await folder(), "tenant.json");
  removeAfter(t, stateFile);
  await writeFile(stateFile, "{}");
  await assert.rejects(
    startSimulator({ stateFile }),
    /The state file .* is damaged .* Delete it to start with a fresh tenant\./,
  );
  assert.equal(await readFile(stateFile, "utf8"), "{}");
  const { simulator } = await startClient(t, { tenant: smallTenant(1) });
  const port = Number(new URL(simulator.graph).port);
  await assert.rejects(
    startSimulator({ tenant: smallTenant(1), port }),
    new RegExp(`^Error: Port ${port} on 127.0.0.1 is taken`),
  );
  await assert.rejects(startSimulator({ tenant: smallTenant(1), host: "192.0.2.1" }), /not an address of this machine/);
});

test("documents with almost nothing in them load, completed by what the service always sets", async (t) => {
  const client = await startClient(t, {
    tenant: {
      users: [
        { displayName: "Adele Vance" },
        { displayName: "Adele Vance" },
        { mail: "x@contoso.com", shoe_size: "42" },
      ],
      groups: [{ displayName: "All", "@odata.type": "#microsoft.graph.group" }, { groupTypes: ["Unified"] }],
    },
  });
  const { records } = await client.all("/users?$select=id,userPrincipalName,accountEnabled,userType,shoe_size");
  assert.deepEqual(
    records.map(({ userPrincipalName }) => userPrincipalName),
    ["AdeleVance@contoso.com", "AdeleVance.1@contoso.com", "x@contoso.com"],
  );
  assert.deepEqual([records[2]?.accountEnabled, records[2]?.userType, records[2]?.shoe_size], [true, "Member", "42"]);
  assert.equal(new Set(records.map(({ id }) => id)).size, 3);
  const groups = await client.get("/groups?$select=mailEnabled,securityEnabled");
  assert.deepEqual(groups.body.value, [
    { mailEnabled: false, securityEnabled: true },
    { mailEnabled: true, securityEnabled: false },
  ]);
});

test("no made-up user name takes one that a later person of the tenant has", async (t) => {
  const userPrincipalName = "AdeleVance@contoso.com";
  const tenant = { users: [{ displayName: "Adele Vance" }, { userPrincipalName }], groups: [] };
  const client = await startClient(t, { tenant });
  const { records } = await client.all("/users?$select=userPrincipalName");
  assert.deepEqual(records, [{ userPrincipalName: "AdeleVance.0@contoso.com" }, { userPrincipalName }]);
});

test("a reference that leads nowhere is named", async () => {
  const tenant = smallTenant(1, { [team(1)]: { members: [person(2)] } });
  await assert.rejects(startSimulator({ tenant }), new RegExp(`no user or group with the id ${person(2)}`));
});

test("churn makes exactly the changes that a delta then tells", async (t) => {
  const client = await startClient(t, { people: 200, groups: 20, seed: 5 });
  const { last } = await client.all(
    "/users/delta?$select=displayName,department,accountEnabled,userPrincipalName,manager",
  );
  client.simulator.churn(50);
  const { records } = await client.all(last["@odata.deltaLink"] ?? "");
  assert.ok(records.length > 10 && records.length <= 120, String(records.length));
  const live = await client.all("/users?$select=id");
  const ids = new Set(live.records.map(({ id }) => id));
  for (const record of records) assert.equal(ids.has(record.id), record["@removed"] === undefined);
});

test("a delta of 100 changes costs as little in a large tenant as in a small one", async (t) => {
  const seen: number[] = [];
  for (const people of [300, 3000]) {
    const client = await startClient(t, { tenant: smallTenant(people) });
    const { last } = await client.all("/users/delta?$select=department&$deltatoken=latest");
    for (let i = 1; i <= 100; i++) await client.send("PATCH", `/users/${person(i)}`, { department: "Research" });
    const { records, pages } = await client.all(last["@odata.deltaLink"] ?? "");
    seen.push(records.length, pages);
  }
  assert.deepEqual(seen, [100, 1, 100, 1]);
});
