import assert from "node:assert/strict";
import { test } from "node:test";
import { startClient } from "./testing/client.ts";
import { person, smallTenant, team } from "./testing/tenant.ts";

const TENANT = smallTenant(2, { [team(1)]: { members: [person(1)], visibility: "HiddenMembership" } });

const OPENED: readonly (readonly [role: string, paths: readonly string[], closed: readonly string[]])[] = [
  [
    "User.ReadBasic.All",
    ["/users", `/users/${person(1)}`],
    ["/users/delta", "/groups", `/users/${person(1)}/manager`, `/users/${person(1)}/memberOf`, "/organization"],
  ],
  [
    "User.Read.All",
    ["/users", "/users/delta", "/organization"],
    ["/groups", "/groups/delta", `/groups/${team(1)}/members`],
  ],
  ["Group.Read.All", ["/groups", "/groups/delta", `/groups/${team(1)}/members`], ["/users", "/organization"]],
  ["GroupMember.ReadBasic.All", [`/groups/${team(1)}/members`], ["/groups", "/groups/delta"]],
  ["Directory.Read.All", ["/users", "/groups/delta", "/organization", `/users/${person(1)}/memberOf`], []],
  ["Mail.Send", [], ["/users", "/groups"]],
];

for (const [role, paths, closed] of OPENED) {
  test(`${role} opens what the permissions reference says and nothing else`, async (t) => {
    const client = await startClient(t, { tenant: TENANT, roles: [role] });
    for (const path of paths) assert.equal((await client.get(path)).status, 200, path);
    for (const path of closed) {
      const { status, body } = await client.get(path);
      assert.deepEqual([status, body.error?.code], [403, "Authorization_RequestDenied"], path);
    }
  });
}

test("writing needs a writing permission", async (t) => {
  const client = await startClient(t, { tenant: TENANT, roles: ["Directory.Read.All"] });
  assert.equal((await client.send("PATCH", `/users/${person(1)}`, { city: "Oslo" })).status, 403);
  assert.equal((await client.send("DELETE", `/groups/${team(1)}`)).status, 403);
  assert.equal((await client.send("POST", "/groups", {})).status, 403);
});

test("User.ReadBasic.All shows the basic profile and null for the rest", async (t) => {
  const client = await startClient(t, { tenant: TENANT, roles: ["User.ReadBasic.All"] });
  const { body } = await client.get(`/users/${person(1)}?$select=id,displayName,mail,department,accountEnabled`);
  const { "@odata.context": _, ...user } = body;
  assert.deepEqual(user, {
    id: person(1),
    displayName: "Person 1",
    mail: "person1@contoso.com",
    department: null,
    accountEnabled: null,
  });
});

test("without permission to read people a group's members show their id and type alone", async (t) => {
  const client = await startClient(t, { tenant: TENANT, roles: ["Group.Read.All", "Member.Read.Hidden"] });
  const { body } = await client.get(`/groups/${team(1)}/members?$select=id,displayName,mail`);
  assert.deepEqual(body.value, [
    { "@odata.type": "#microsoft.graph.user", id: person(1), displayName: null, mail: null },
  ]);
});

test("hidden memberships read as none without Member.Read.Hidden", async (t) => {
  const client = await startClient(t, { tenant: TENANT, roles: ["Group.Read.All", "User.Read.All"] });
  assert.deepEqual((await client.get(`/groups/${team(1)}/members`)).body.value, []);
  const { records } = await client.all("/groups/delta");
  assert.equal(records[0]?.["members@delta"], undefined);
});

test("a token keeps its roles until the next one is fetched", async (t) => {
  const client = await startClient(t, { tenant: TENANT, roles: ["User.Read.All"] });
  client.simulator.setRoles([]);
  assert.equal((await client.get("/users")).status, 200);
  await client.signIn();
  assert.equal((await client.get("/users")).status, 403);
});
