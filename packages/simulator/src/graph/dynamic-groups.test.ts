import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMembershipRule } from "../tenant/membership-rule.ts";
import { startClient, type TestClient } from "../testing/client.ts";
import { person, smallTenant, team } from "../testing/tenant.ts";

const SALES = { groupTypes: ["DynamicMembership"], membershipRule: 'user.department -eq "Sales"' };

async function membersOf(client: TestClient, group: string): Promise<readonly unknown[]> {
  return (await client.all(`/groups/${group}/members?$select=id&$top=999`)).records.map(({ id }) => id);
}

/** The next round of a delta: its link, and what it says of members, added or removed. */
async function nextRound(client: TestClient, link: string): Promise<{ readonly link: string; readonly said: unknown }> {
  const { records, last } = await client.all(link);
  const said = records.flatMap(({ "members@delta": members }) =>
    ((members ?? []) as readonly { readonly id: string; readonly "@removed"?: unknown }[]).map(
      (member) => `${member["@removed"] === undefined ? "+" : "-"}${Number(member.id.slice(-4))}`,
    ),
  );
  return { link: last["@odata.deltaLink"] ?? "", said };
}

test("a person who is created, moved, deleted or restored enters and leaves dynamic groups, and delta tells it", async (t) => {
  const client = await startClient(t, {
    tenant: smallTenant(3, { [team(1)]: { ...SALES, members: [person(1), person(3)] } }),
  });
  let round = await nextRound(client, "/groups/delta?$select=displayName,members");
  const after = async (write: Promise<{ readonly status: number }>): Promise<unknown> => {
    const { status } = await write;
    assert.ok(status < 300, String(status));
    round = await nextRound(client, round.link);
    return round.said;
  };
  assert.deepEqual(await after(client.send("PATCH", `/users/${person(1)}`, { department: "Legal" })), ["-1"]);
  assert.deepEqual(await after(client.send("PATCH", `/users/${person(2)}`, { department: "sales" })), ["+2"]);
  assert.deepEqual(await after(client.send("PATCH", `/users/${person(2)}`, { jobTitle: "Clerk" })), []);
  assert.deepEqual(await after(client.send("DELETE", `/users/${person(3)}`)), ["-3"]);
  assert.deepEqual(await after(client.send("POST", `/directory/deletedItems/${person(3)}/restore`)), ["+3"]);
  const created = await client.send("POST", "/users", {
    accountEnabled: true,
    displayName: "New",
    mailNickname: "new",
    userPrincipalName: "new@contoso.com",
    department: "Sales",
    passwordProfile: { password: "xWwvJ]6NMw+bWH-d" },
  });
  assert.equal(created.status, 201);
  assert.deepEqual(await membersOf(client, team(1)), [person(2), person(3), created.body.id]);
});

test("a group that is created with a rule or gets another one has the people whom it names", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(4, { [team(1)]: { members: [person(2)] } }) });
  const body = { displayName: "Sales", mailEnabled: false, mailNickname: "sales", securityEnabled: true, ...SALES };
  const created = await client.send("POST", "/groups", body);
  const id = String(created.body.id);
  assert.deepEqual(await membersOf(client, id), [person(1), person(3)]);
  await client.send("PATCH", `/groups/${id}`, { membershipRule: 'user.mail -startsWith "person4"' });
  assert.deepEqual(await membersOf(client, id), [person(4)]);
  await client.send("PATCH", `/groups/${id}`, { membershipRule: 'user.mail -match "x"' });
  assert.deepEqual(await membersOf(client, id), [person(4)]);
  await client.send("PATCH", `/groups/${team(1)}`, { ...SALES, membershipRuleProcessingState: "On" });
  assert.deepEqual(await membersOf(client, team(1)), [person(1), person(3)]);
});

test("members cannot be given to a group that is made or becomes dynamic", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(2, { [team(1)]: { members: [] } }) });
  const bind = { "members@odata.bind": [`https://graph.microsoft.com/v1.0/users/${person(2)}`] };
  const body = { displayName: "Sales", mailEnabled: false, mailNickname: "sales", securityEnabled: true, ...SALES };
  assert.equal((await client.send("POST", "/groups", { ...body, ...bind })).status, 400);
  assert.equal((await client.send("PATCH", `/groups/${team(1)}`, { ...SALES, ...bind })).status, 400);
  assert.deepEqual(await membersOf(client, team(1)), []);
});

test("after churn every dynamic group of a generated tenant has exactly the people whom its rule names", async (t) => {
  const client = await startClient(t, { people: 200, groups: 60, seed: 5 });
  const { last } = await client.all("/groups/delta?$select=members");
  client.simulator.churn(80);
  const groups = (await client.all("/groups?$select=id,membershipRule&$top=999")).records.filter(
    ({ membershipRule }) => typeof membershipRule === "string",
  );
  const select = "id,department,accountEnabled,userType,onPremisesSyncEnabled,employeeType,jobTitle,usageLocation";
  const people = (await client.all(`/users?$select=${select}&$top=999`)).records;
  for (const { id, membershipRule } of groups) {
    const expected = people.filter(parseMembershipRule(String(membershipRule))).map((user) => user.id);
    assert.deepEqual(await membersOf(client, String(id)), expected, String(membershipRule));
  }
  const changed = new Set((await client.all(last["@odata.deltaLink"] ?? "")).records.map(({ id }) => id));
  assert.ok(groups.some(({ id }) => changed.has(id)));
});
