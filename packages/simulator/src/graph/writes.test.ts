import assert from "node:assert/strict";
import { test } from "node:test";
import { startClient, type TestClient } from "../testing/client.ts";
import { person, smallTenant, team } from "../testing/tenant.ts";

const NEW_USER = {
  accountEnabled: true,
  displayName: "Adele Vance",
  mailNickname: "AdeleV",
  userPrincipalName: "AdeleV@contoso.com",
  passwordProfile: { forceChangePasswordNextSignIn: true, password: "not-A-real-1" },
};
const NEW_GROUP = { displayName: "Library", mailEnabled: false, mailNickname: "library", securityEnabled: true };
const UNIFIED = { groupTypes: ["Unified"], mailEnabled: true, securityEnabled: false };

function reference(id: string): Readonly<Record<string, string>> {
  return { "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${id}` };
}

async function refusal(client: TestClient, method: string, path: string, body?: unknown): Promise<string> {
  const answer = await client.send(method, path, body);
  return `${answer.status} ${answer.body.error?.code} ${answer.body.error?.message}`;
}

test("a created user is there at once; the password is nowhere", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  const { status, body, headers } = await client.send("POST", "/users", NEW_USER);
  assert.equal(status, 201);
  assert.equal(body.displayName, "Adele Vance");
  assert.match(headers.get("location") ?? "", new RegExp(String(body.id)));
  const found = await client.get("/users/adelev@contoso.com?$select=id,accountEnabled,userType,passwordProfile");
  assert.deepEqual(
    [found.body.id, found.body.accountEnabled, found.body.userType, found.body.passwordProfile],
    [body.id, true, "Member", null],
  );
});

test("a user without a required property, with a taken or foreign name, or a weak password is refused", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  for (const name of ["accountEnabled", "displayName", "mailNickname", "userPrincipalName"]) {
    const { [name]: _, ...rest } = NEW_USER as Record<string, unknown>;
    assert.match(
      await refusal(client, "POST", "/users", rest),
      new RegExp(`^400 Request_BadRequest A value is required for property '${name}' of resource 'User'.`),
    );
  }
  const taken = await client.send("POST", "/users", { ...NEW_USER, userPrincipalName: "PERSON1@contoso.com" });
  assert.equal(taken.status, 400);
  assert.equal(taken.body.error?.code, "Request_BadRequest");
  assert.match(JSON.stringify(taken.body.error?.details), /"ObjectConflict","target":"userPrincipalName"/);
  const foreign = { ...NEW_USER, userPrincipalName: "a@fabrikam.com" };
  assert.match(await refusal(client, "POST", "/users", foreign), /verified domain names/);
  const weak = { ...NEW_USER, passwordProfile: { password: "password" } };
  assert.match(await refusal(client, "POST", "/users", weak), /password complexity/);
});

test("unknown, read-only and misshapen properties are refused and nothing is written", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  const path = `/users/${person(1)}`;
  assert.match(await refusal(client, "PATCH", path, { city: "Oslo", shoeSize: 42 }), /'shoeSize' does not exist/);
  assert.match(await refusal(client, "PATCH", path, { createdDateTime: "2020-01-01T00:00:00Z" }), /read-only/);
  assert.match(await refusal(client, "PATCH", path, { accountEnabled: "False" }), /Edm.Boolean/);
  assert.match(
    await refusal(client, "PATCH", path, { jobTitle: "" }),
    /Invalid value specified for property 'jobTitle'/,
  );
  assert.match(await refusal(client, "PATCH", path, { employeeId: "12345678901234567" }), /'employeeId'/);
  assert.match(await refusal(client, "PATCH", path, { skills: ["x"] }), /^400/);
  assert.match(await refusal(client, "PATCH", path, { userPrincipalName: null }), /^400/);
  assert.equal((await client.get(`${path}?$select=city`)).body.city, null);
});

test("a person synced from on-premises is read-only but for what the cloud masters", async (t) => {
  const tenant = smallTenant(2);
  const synced = [...tenant.users].map((user) => ({ ...user, onPremisesSyncEnabled: true }));
  const client = await startClient(t, { tenant: { ...tenant, users: synced } });
  assert.match(await refusal(client, "PATCH", `/users/${person(1)}`, { department: "X" }), /on-premises mastered/);
  assert.match(await refusal(client, "PUT", `/users/${person(1)}/manager/$ref`, reference(person(2))), /on-premises/);
  assert.equal((await client.send("PATCH", `/users/${person(1)}`, { usageLocation: "NO" })).status, 204);
});

test("passwords need their own permission, narrow permissions write only what they name", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1), roles: ["User.ReadWrite.All"] });
  const path = `/users/${person(1)}`;
  const password = { passwordProfile: { password: "not-A-real-1" } };
  assert.match(await refusal(client, "PATCH", path, password), /^403 Authorization_RequestDenied/);
  client.simulator.setRoles(["User-PasswordProfile.ReadWrite.All", "User.EnableDisableAccount.All"]);
  await client.signIn();
  assert.equal((await client.send("PATCH", path, { ...password, accountEnabled: false })).status, 204);
  assert.match(await refusal(client, "PATCH", path, { department: "X" }), /^403/);
});

test("a manager is assigned, read, listed as direct report and removed", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(2) });
  const path = `/users/${person(1)}/manager`;
  assert.equal((await client.get(path)).status, 404);
  assert.equal((await client.send("PUT", `${path}/$ref`, reference(person(2)))).status, 204);
  assert.equal((await client.get(path)).body.id, person(2));
  assert.equal((await client.get(`/users/${person(2)}/directReports`)).body.value?.[0]?.id, person(1));
  assert.equal((await client.send("DELETE", `${path}/$ref`)).status, 204);
  assert.equal((await client.send("DELETE", `${path}/$ref`)).status, 404);
  assert.match(await refusal(client, "PUT", `${path}/$ref`, reference(person(9))), /^404 Request_ResourceNotFound/);
});

test("a security group and a Microsoft 365 group are created, others are refused", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(3) });
  const bind = [person(1), person(2)].map((id) => `https://graph.microsoft.com/v1.0/users/${id}`);
  const created = await client.send("POST", "/groups", { ...NEW_GROUP, "members@odata.bind": bind });
  assert.equal(created.status, 201);
  assert.equal((await client.get(`/groups/${String(created.body.id)}/members`)).body.value?.length, 2);
  const unified = await client.send("POST", "/groups", { ...NEW_GROUP, ...UNIFIED });
  assert.deepEqual([unified.body.mail, unified.body.visibility], ["library@contoso.com", "Public"]);
  assert.match(await refusal(client, "POST", "/groups", { ...NEW_GROUP, ...UNIFIED }), /mailNickname already exists/);
  assert.match(await refusal(client, "POST", "/groups", { ...NEW_GROUP, mailEnabled: true }), /mail-enabled groups/);
  const { displayName: _, ...nameless } = NEW_GROUP;
  assert.match(await refusal(client, "POST", "/groups", nameless), /'displayName' of resource 'Group'/);
});

test("adding a member twice is 400, an unknown one 404; removing one that is none is 404", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(2, { [team(1)]: { members: [person(1)] } }) });
  const path = `/groups/${team(1)}/members`;
  assert.match(
    await refusal(client, "POST", `${path}/$ref`, reference(person(1))),
    /^400 Request_BadRequest One or more added object references already exist for the following modified properties: 'members'\./,
  );
  assert.match(await refusal(client, "POST", `${path}/$ref`, reference(person(9))), /^404/);
  assert.match(await refusal(client, "POST", `${path}/$ref`, { "@odata.id": "nonsense" }), /^400/);
  assert.match(await refusal(client, "DELETE", `${path}/${person(2)}/$ref`), /^404/);
});

test("twenty members are bound at once, all or none", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(42, { [team(1)]: { members: [person(42)] } }) });
  const bind = (from: number, to: number): Readonly<Record<string, readonly string[]>> => ({
    "members@odata.bind": Array.from(
      { length: to - from + 1 },
      (_, i) => `https://x/v1.0/directoryObjects/${person(from + i)}`,
    ),
  });
  assert.equal((await client.send("PATCH", `/groups/${team(1)}`, bind(1, 20))).status, 204);
  assert.match(await refusal(client, "PATCH", `/groups/${team(1)}`, bind(21, 41)), /limit of 20/);
  assert.match(await refusal(client, "PATCH", `/groups/${team(1)}`, bind(33, 42)), /already exist/);
  assert.match(await refusal(client, "PATCH", `/groups/${team(1)}`, bind(40, 43)), /^404/);
  assert.equal((await client.get(`/groups/${team(1)}/members`)).body.value?.length, 21);
});

test("members of dynamic, synced and mail-enabled groups cannot be written; Microsoft 365 groups take people only", async (t) => {
  const client = await startClient(t, {
    tenant: smallTenant(2, {
      [team(1)]: { members: [person(1)], groupTypes: ["DynamicMembership"], membershipRule: 'user.department -eq "X"' },
      [team(2)]: { members: [person(1)], onPremisesSyncEnabled: true },
      [team(3)]: { members: [person(1)], mailEnabled: true },
      [team(4)]: { members: [], ...UNIFIED },
      [team(5)]: { members: [] },
    }),
  });
  for (const id of [team(1), team(2), team(3)]) {
    assert.match(await refusal(client, "POST", `/groups/${id}/members/$ref`, reference(person(2))), /^400/, id);
    assert.match(await refusal(client, "DELETE", `/groups/${id}/members/${person(1)}/$ref`), /^400/, id);
  }
  assert.match(await refusal(client, "POST", `/groups/${team(4)}/members/$ref`, reference(team(5))), /^400/);
  assert.equal((await client.send("POST", `/groups/${team(4)}/members/$ref`, reference(person(1)))).status, 204);
  assert.match(await refusal(client, "POST", `/groups/${team(5)}/members/$ref`, reference(team(5))), /^400/);
});

test("DELETE of a member without /$ref deletes the person, if the app may", async (t) => {
  const client = await startClient(t, {
    tenant: smallTenant(2, { [team(1)]: { members: [person(1), person(2)] } }),
    roles: ["GroupMember.ReadWrite.All", "User.Read.All"],
  });
  const path = `/groups/${team(1)}/members/${person(1)}`;
  assert.match(await refusal(client, "DELETE", path), /^403/);
  client.simulator.setRoles(["GroupMember.ReadWrite.All", "User.ReadWrite.All"]);
  await client.signIn();
  assert.equal((await client.send("DELETE", path)).status, 204);
  assert.equal((await client.get(`/users/${person(1)}`)).status, 404);
});

test("deleted items are listed by type and together, restored, and purged for good", async (t) => {
  const client = await startClient(t, {
    tenant: smallTenant(3, { [team(1)]: { members: [], ...UNIFIED }, [team(2)]: { members: [] } }),
  });
  for (const path of [`/users/${person(1)}`, `/users/${person(2)}`, `/groups/${team(1)}`, `/groups/${team(2)}`]) {
    assert.equal((await client.send("DELETE", path)).status, 204);
  }
  const users = await client.get(
    "/directory/deletedItems/microsoft.graph.user?$select=id,deletedDateTime,userPrincipalName",
  );
  assert.deepEqual(
    users.body.value?.map(({ id }) => id),
    [person(1), person(2)],
  );
  assert.match(String(users.body.value?.[0]?.userPrincipalName), /^[0-9a-f]{32}person1@contoso.com$/);
  assert.match(String(users.body.value?.[0]?.deletedDateTime), /^\d{4}-/);
  assert.equal((await client.get("/directory/deletedItems/graph.group")).body.value?.length, 1);
  assert.equal((await client.get("/directory/deletedItems")).body.value?.length, 3);
  assert.equal((await client.get(`/directory/deletedItems/${team(2)}`)).status, 404);
  const restored = await client.send("POST", `/directory/deletedItems/${person(1)}/restore`);
  assert.deepEqual([restored.status, restored.body["@odata.type"]], [200, "#microsoft.graph.user"]);
  assert.equal((await client.get("/users/person1@contoso.com")).status, 200);
  assert.equal((await client.send("DELETE", `/directory/deletedItems/${person(2)}`)).status, 204);
  assert.match(await refusal(client, "POST", `/directory/deletedItems/${person(2)}/restore`), /^404/);
});

test("a user cannot come back while somebody else has the name", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(2) });
  await client.send("DELETE", `/users/${person(1)}`);
  await client.send("PATCH", `/users/${person(2)}`, { userPrincipalName: "person1@contoso.com" });
  assert.match(
    await refusal(client, "POST", `/directory/deletedItems/${person(1)}/restore`),
    /userPrincipalName already exists/,
  );
});

test("getByIds finds what lives, by type; membership questions follow nesting", async (t) => {
  const client = await startClient(t, {
    tenant: smallTenant(2, { [team(1)]: { members: [team(2)] }, [team(2)]: { members: [person(1)] } }),
  });
  const ids = [person(1), team(1), person(9)];
  const all = await client.send("POST", "/directoryObjects/getByIds", { ids });
  assert.deepEqual(
    all.body.value?.map(({ id }) => id),
    [person(1), team(1)],
  );
  const groups = await client.send("POST", "/directoryObjects/getByIds", { ids, types: ["group"] });
  assert.deepEqual(
    groups.body.value?.map((record) => record["@odata.type"]),
    ["#microsoft.graph.group"],
  );
  const above = await client.send("POST", `/users/${person(1)}/getMemberGroups`, { securityEnabledOnly: true });
  assert.deepEqual(above.body.value, [team(1), team(2)]);
  const checked = await client.send("POST", `/users/${person(1)}/checkMemberGroups`, { groupIds: [team(1), team(3)] });
  assert.deepEqual(checked.body.value, [team(1)]);
});

test("revoking sessions answers true and moves the date that sessions are valid from", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  const answer = await client.send("POST", `/users/${person(1)}/revokeSignInSessions`);
  assert.deepEqual([answer.status, answer.body.value], [200, true]);
  const { body } = await client.get(`/users/${person(1)}?$select=signInSessionsValidFromDateTime`);
  assert.match(String(body.signInSessionsValidFromDateTime), /Z$/);
});
