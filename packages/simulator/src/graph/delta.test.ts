import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnswerBody, startClient, type TestClient } from "../testing/client.ts";
import { person, smallTenant, team } from "../testing/tenant.ts";

const DAY_MS = 24 * 3600 * 1000;

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

/** What a client that merges delta pages ends up with. */
function memberships(records: readonly Record<string, unknown>[]): Map<string, Set<string>> {
  const groups = new Map<string, Set<string>>();
  for (const record of records) {
    const members = groups.get(String(record.id)) ?? new Set();
    groups.set(String(record.id), members);
    for (const entry of (record["members@delta"] ?? []) as readonly Record<string, unknown>[]) {
      if (entry["@removed"] === undefined) members.add(String(entry.id));
      else members.delete(String(entry.id));
    }
  }
  return groups;
}

async function deltaLink(client: TestClient, path: string): Promise<string> {
  const { last } = await client.all(path);
  return last["@odata.deltaLink"] ?? assert.fail("The round ended without a delta link.");
}

test("a delta tells exactly the users that changed, with every selected property that was ever set", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(450) });
  const link = await deltaLink(client, "/users/delta?$select=displayName,department,jobTitle");
  await client.send("PATCH", `/users/${person(7)}`, { department: "Research" });
  await client.send("PATCH", `/users/${person(8)}`, { city: "Oslo" });
  await client.send("DELETE", `/users/${person(9)}`);
  const { records, pages } = await client.all(link);
  assert.equal(pages, 1);
  assert.deepEqual(records, [
    { id: person(7), displayName: "Person 7", department: "Research" },
    { id: person(9), "@removed": { reason: "changed" } },
  ]);
});

test("return=minimal tells only what changed, cleared properties as null", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(3) });
  const link = await deltaLink(client, "/users/delta?$select=displayName,department");
  await client.send("PATCH", `/users/${person(1)}`, { department: null });
  const { body, headers } = await client.get(link, { prefer: "return=minimal" });
  assert.deepEqual(body.value, [{ id: person(1), department: null }]);
  assert.equal(headers.get("preference-applied"), "return=minimal");
});

test("$deltatoken=latest answers a delta link and no objects", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(3) });
  const { body } = await client.get("/users/delta?$select=displayName&$deltatoken=latest");
  assert.deepEqual(body.value, []);
  await client.send("PATCH", `/users/${person(2)}`, { displayName: "Renamed" });
  const { records } = await client.all(body["@odata.deltaLink"] ?? "");
  assert.deepEqual(records, [{ id: person(2), displayName: "Renamed" }]);
});

test("a user changed during an initial round is told again in the next round", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(450) });
  const first = await client.get("/users/delta?$select=displayName");
  await client.send("PATCH", `/users/${person(400)}`, { displayName: "Changed" });
  const { records, last } = await client.all(first.body["@odata.nextLink"] ?? "");
  assert.equal(records.filter(({ id }) => id === person(400)).length, 1);
  const next = await client.all(last["@odata.deltaLink"] ?? "");
  assert.deepEqual(next.records, [{ id: person(400), displayName: "Changed" }]);
});

test("managers come as manager@delta when selected", async (t) => {
  const client = await startClient(t, { tenant: { ...smallTenant(3), managers: { [person(1)]: person(2) } } });
  const { records, last } = await client.all("/users/delta?$select=displayName,manager");
  assert.deepEqual(records[0]?.["manager@delta"], [{ "@odata.type": "#microsoft.graph.user", id: person(2) }]);
  const reference = { "@odata.id": `https://graph.microsoft.com/v1.0/users/${person(3)}` };
  assert.equal((await client.send("PUT", `/users/${person(1)}/manager/$ref`, reference)).status, 204);
  const { records: changed } = await client.all(last["@odata.deltaLink"] ?? "");
  assert.deepEqual(changed[0]?.["manager@delta"], [
    { "@odata.type": "#microsoft.graph.user", id: person(2), "@removed": { reason: "deleted" } },
    { "@odata.type": "#microsoft.graph.user", id: person(3) },
  ]);
});

for (const size of [1, 19, 20, 21, 99, 100, 101, 998, 999, 1000]) {
  test(`a group of ${size} members arrives whole in slices`, async (t) => {
    const members = Array.from({ length: size }, (_, i) => person(i + 1));
    const tenant = smallTenant(size, { [team(1)]: { members: [] }, [team(2)]: { members }, [team(3)]: { members } });
    const client = await startClient(t, { tenant, deltaPaging: { objects: 2, members: 300 } });
    const { records } = await client.all("/groups/delta?$select=displayName,members");
    const groups = memberships(records);
    assert.equal(records.find(({ id }) => id === team(1))?.["members@delta"], undefined);
    assert.deepEqual([...(groups.get(team(2)) ?? [])].toSorted(byText), members);
    assert.deepEqual([...(groups.get(team(3)) ?? [])].toSorted(byText), members);
    if (size > 300) assert.ok(records.filter(({ id }) => id === team(2)).length > 1);
  });
}

test("membership changes come as entries, a removed one marked, also when the member was deleted", async (t) => {
  const client = await startClient(t, {
    tenant: smallTenant(5, { [team(1)]: { members: [person(1), person(2)] } }),
  });
  const link = await deltaLink(client, "/groups/delta");
  const reference = { "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${person(3)}` };
  assert.equal((await client.send("POST", `/groups/${team(1)}/members/$ref`, reference)).status, 204);
  assert.equal((await client.send("DELETE", `/groups/${team(1)}/members/${person(1)}/$ref`)).status, 204);
  assert.equal((await client.send("DELETE", `/users/${person(2)}`)).status, 204);
  const { records } = await client.all(link);
  const type = "#microsoft.graph.user";
  assert.deepEqual(records[0]?.["members@delta"], [
    { "@odata.type": type, id: person(3) },
    { "@odata.type": type, id: person(1), "@removed": { reason: "deleted" } },
    { "@odata.type": type, id: person(2), "@removed": { reason: "deleted" } },
  ]);
});

test("a Microsoft 365 group goes as changed and comes back whole, a security group goes as deleted", async (t) => {
  const unified = { groupTypes: ["Unified"], mailEnabled: true, securityEnabled: false };
  const client = await startClient(t, {
    tenant: smallTenant(4, {
      [team(1)]: { members: [person(1), person(2)], ...unified },
      [team(2)]: { members: [person(3)] },
    }),
  });
  const link = await deltaLink(client, "/groups/delta");
  await client.send("DELETE", `/groups/${team(1)}`);
  await client.send("DELETE", `/groups/${team(2)}`);
  const { records, last } = await client.all(link);
  assert.deepEqual(records, [
    { id: team(1), "@removed": { reason: "changed" } },
    { id: team(2), "@removed": { reason: "deleted" } },
  ]);
  assert.equal((await client.send("POST", `/directory/deletedItems/${team(1)}/restore`)).status, 200);
  const restored = memberships((await client.all(last["@odata.deltaLink"] ?? "")).records);
  assert.deepEqual([...(restored.get(team(1)) ?? [])], [person(1), person(2)]);
});

test("a restored user returns with groups, manager and reports", async (t) => {
  const client = await startClient(t, {
    tenant: {
      ...smallTenant(3, { [team(1)]: { members: [person(2)] } }),
      managers: { [person(2)]: person(1), [person(3)]: person(2) },
    },
  });
  await client.send("DELETE", `/users/${person(2)}`);
  assert.equal((await client.get(`/users/${person(3)}/manager`)).status, 404);
  const link = await deltaLink(client, "/users/delta?$select=userPrincipalName,manager&$deltatoken=latest");
  await client.send("POST", `/directory/deletedItems/${person(2)}/restore`);
  const { records } = await client.all(link);
  assert.equal(records[0]?.userPrincipalName, "person2@contoso.com");
  assert.equal((await client.get(`/users/${person(3)}/manager`)).body.id, person(2));
  assert.equal((await client.get(`/users/${person(2)}/manager`)).body.id, person(1));
  assert.equal((await client.get(`/groups/${team(1)}/members`)).body.value?.length, 1);
});

test("deleted items appear in an initial round as removed, and after 30 days no more", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(3), clock: () => 1_800_000_000_000 });
  await client.send("DELETE", `/users/${person(1)}`);
  const { records } = await client.all("/users/delta");
  assert.deepEqual(records[0], { id: person(1), "@removed": { reason: "changed" } });
  for (let day = 0; day < 29; day += 5) client.simulator.advance(5 * DAY_MS);
  await client.signIn();
  const { records: later } = await client.all("/users/delta");
  assert.deepEqual(
    later.map(({ id }) => id),
    [person(2), person(3)],
  );
});

test("a token dies after seven days: 410 with the URL to start over", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(3), clock: () => 1_800_000_000_000 });
  const link = await deltaLink(client, "/users/delta?$select=displayName");
  client.simulator.advance(7 * DAY_MS - 1);
  await client.signIn();
  assert.equal((await client.get(link)).status, 200);
  client.simulator.advance(2);
  const refused = await client.get(link);
  assert.equal(refused.status, 410);
  assert.equal(refused.body.error?.code, "syncStateNotFound");
  const again = await client.all(refused.headers.get("location") ?? "");
  assert.deepEqual(Object.keys(again.records[0] ?? {}), ["id", "displayName"]);
  assert.equal(again.records.length, 3);
});

test("a token of another tenant state asks for a resynchronisation, a forged one is malformed", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(3) });
  const other = await startClient(t, { tenant: smallTenant(3) });
  const foreign = new URL(await deltaLink(other, "/users/delta")).search;
  const refused = await client.get(`/users/delta${foreign}`);
  assert.deepEqual([refused.status, refused.body.error?.code], [410, "resyncRequired"]);
  const own = new URL(await deltaLink(client, "/users/delta")).search;
  assert.equal((await client.get(`/groups/delta${own}`)).status, 400);
  assert.equal((await client.get(`/users/delta${own}x`)).status, 400);
});

test("delta refuses $top, $expand and $orderby, and filters by at most 50 ids", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(60) });
  for (const option of ["$top=5", "$expand=manager", "$orderby=displayName"]) {
    assert.equal((await client.get(`/users/delta?${option}`)).status, 400, option);
  }
  const clauses = (count: number): string =>
    Array.from({ length: count }, (_, i) => `id eq '${person(i + 1)}'`).join(" or ");
  const { records } = await client.all(`/users/delta?$filter=${encodeURIComponent(clauses(50))}`);
  assert.equal(records.length, 50);
  assert.equal((await client.get(`/users/delta?$filter=${encodeURIComponent(clauses(51))}`)).status, 400);
  assert.equal((await client.get("/users/delta?$filter=displayName eq 'x'")).status, 400);
});

test("a round of changes spans pages when it must", async (t) => {
  const client = await startClient(t, {
    tenant: smallTenant(3, { [team(1)]: { members: [] } }),
    deltaPaging: { objects: 1, members: 10 },
  });
  const link = await deltaLink(client, "/users/delta?$select=displayName");
  for (const number of [1, 2, 3])
    await client.send("PATCH", `/users/${person(number)}`, { displayName: `New ${number}` });
  const pages: AnswerBody[] = [];
  for (let url: string | undefined = link; url !== undefined; url = pages[pages.length - 1]?.["@odata.nextLink"]) {
    pages.push((await client.get(url)).body);
  }
  assert.deepEqual(
    pages.map(({ value }) => value?.length),
    [1, 1, 1],
  );
});
