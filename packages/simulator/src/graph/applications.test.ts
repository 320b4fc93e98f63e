import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { decodeJwt, SignJWT } from "jose";
import type { Simulator } from "../simulator.ts";
import { startClient, type TestClient } from "../testing/client.ts";
import { askToken, GRAPH_DEFAULT, NOW, type TokenReply, testCertificate } from "../testing/signin.ts";
import { person, smallTenant, team } from "../testing/tenant.ts";

const ROLES = ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "Directory.Read.All"];
const USER_READ_ALL = "df021288-bdef-4463-88db-98f22de89214";

function client(
  t: TestContext,
  roles: readonly string[] = [...ROLES, "DelegatedPermissionGrant.ReadWrite.All"],
): Promise<TestClient> {
  const tenant = smallTenant(6, { [team(1)]: { members: [person(6)] } });
  return startClient(t, { tenant, roles, clock: () => NOW });
}

function signIn(simulator: Simulator, appId: unknown, secret: unknown): Promise<TokenReply> {
  return askToken(simulator, {
    grant_type: "client_credentials",
    client_id: String(appId),
    client_secret: String(secret),
    scope: GRAPH_DEFAULT,
  });
}

test("an app is registered, given a secret and a permission through Graph, and signs in with them", async (t) => {
  const c = await client(t);
  const app = await c.send("POST", "/applications", {
    displayName: "Entrain",
    web: { redirectUris: ["https://e.example/x"] },
  });
  assert.deepEqual([app.status, app.body.signInAudience, app.body.passwordCredentials], [201, "AzureADMyOrg", []]);
  const { id, appId } = app.body;
  const secret = await c.send("POST", `/applications/${String(id)}/addPassword`, {
    passwordCredential: { displayName: "one" },
  });
  assert.equal(secret.status, 200);
  assert.deepEqual([secret.body.displayName, secret.body.hint], ["one", String(secret.body.secretText).slice(0, 3)]);
  assert.deepEqual(
    (await signIn(c.simulator, appId, secret.body.secretText)).numbers,
    [700016],
    "no service principal yet",
  );
  const principal = await c.send("POST", "/servicePrincipals", { appId });
  assert.deepEqual([principal.status, principal.body.displayName], [201, "Entrain"]);
  const graph = await c.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')");
  const role = (graph.body.appRoles as { id: string; value: string }[]).find(({ value }) => value === "User.Read.All");
  assert.equal(role?.id, USER_READ_ALL);
  const grant = { principalId: principal.body.id, resourceId: graph.body.id, appRoleId: role?.id };
  const assigned = await c.send("POST", `/servicePrincipals/${String(graph.body.id)}/appRoleAssignedTo`, grant);
  assert.deepEqual(
    [assigned.status, assigned.body.principalType, assigned.body.resourceDisplayName],
    [201, "ServicePrincipal", "Microsoft Graph"],
  );
  const again = await c.send("POST", `/servicePrincipals/${String(principal.body.id)}/appRoleAssignments`, grant);
  assert.deepEqual(
    [again.status, again.body.error?.message],
    [400, "Permission being assigned already exists on the object"],
  );
  const token = await signIn(c.simulator, appId, secret.body.secretText);
  assert.deepEqual(decodeJwt(String(token.body.access_token)).roles, ["User.Read.All"]);
  const shown = await c.get(`/applications(appId='${String(appId)}')`);
  assert.deepEqual((shown.body.passwordCredentials as { secretText: unknown }[])[0]?.secretText, null);
  const list = await c.get(`/servicePrincipals/${String(principal.body.id)}/appRoleAssignments`);
  assert.deepEqual(
    list.body.value?.map(({ appRoleId }) => appRoleId),
    [USER_READ_ALL],
  );
  const gone = await c.send(
    "DELETE",
    `/servicePrincipals/${String(principal.body.id)}/appRoleAssignments/${String(assigned.body.id)}`,
  );
  assert.equal(gone.status, 204);
  assert.deepEqual(
    decodeJwt(String((await signIn(c.simulator, appId, secret.body.secretText)).body.access_token)).roles,
    [],
  );
  const removed = await c.send("POST", `/applications/${String(id)}/removePassword`, { keyId: secret.body.keyId });
  assert.equal(removed.status, 204);
  assert.deepEqual((await signIn(c.simulator, appId, secret.body.secretText)).numbers, [7000215]);
  assert.equal((await c.send("DELETE", `/applications/${String(id)}`)).status, 204);
  assert.equal((await c.get(`/applications/${String(id)}`)).status, 404);
});

test("apps are found by filter, paged, counted and selected", async (t) => {
  const c = await client(t);
  for (const name of ["Alpha", "Beta", "Beta two"]) await c.send("POST", "/applications", { displayName: name });
  const names = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<unknown> =>
    (await c.all(path, headers)).records.map(({ displayName }) => displayName);
  assert.deepEqual(await names("/applications?$filter=displayName eq 'beta'"), ["Beta"]);
  assert.deepEqual(await names("/applications?$filter=startswith(displayName,'Beta')"), ["Beta", "Beta two"]);
  assert.deepEqual(await names(`/applications?$filter=appId eq '${c.simulator.client}'`), ["Simulated connector"]);
  assert.deepEqual(
    await names(`/servicePrincipals?$filter=appId eq '${c.simulator.client}' or displayName eq 'none'`),
    ["Simulated connector"],
  );
  const { records, pages } = await c.all("/applications?$top=2&$select=displayName");
  assert.deepEqual([records.length, pages, Object.keys(records[0] ?? {})], [4, 2, ["displayName"]]);
  const found = await names('/applications?$search="displayName:two"&$count=true', { ConsistencyLevel: "eventual" });
  assert.deepEqual(found, ["Beta two"]);
  assert.equal((await c.get("/applications?$filter=displayName ne 'x'")).status, 400);
  assert.equal((await c.get("/applications/$count", { ConsistencyLevel: "eventual" })).text, "4");
});

test("a certificate is put in by PATCH, and rolled by addKey with a proof that it signs", async (t) => {
  const c = await client(t);
  const app = await c.send("POST", "/applications", { displayName: "Certified" });
  const path = `/applications/${String(app.body.id)}`;
  const [first, second] = [testCertificate(), testCertificate()];
  assert.equal(
    (
      await c.send("PATCH", path, {
        keyCredentials: [{ type: "AsymmetricX509Cert", usage: "Verify", key: first.base64 }],
      })
    ).status,
    204,
  );
  const proofBy = (certificate: typeof first, life = 600): Promise<string> =>
    new SignJWT({
      aud: "00000002-0000-0000-c000-000000000000",
      iss: String(app.body.id),
      nbf: NOW / 1000,
      exp: NOW / 1000 + life,
    })
      .setProtectedHeader({ alg: "RS256" })
      .sign(certificate.key);
  const add = async (proof: string): Promise<number> => {
    const keyCredential = { type: "AsymmetricX509Cert", usage: "Verify", key: second.base64 };
    return (await c.send("POST", `${path}/addKey`, { keyCredential, passwordCredential: null, proof })).status;
  };
  assert.deepEqual(
    [await add(await proofBy(second)), await add(await proofBy(first, 3600)), await add("x")],
    [400, 400, 400],
  );
  assert.equal(await add(await proofBy(first)), 200);
  const { body } = await c.get(path);
  const keys = body.keyCredentials as {
    keyId: string;
    endDateTime: string;
    customKeyIdentifier: string;
    key: unknown;
  }[];
  assert.deepEqual(
    [keys.length, keys[0]?.key, keys[0]?.endDateTime],
    [2, null, new Date(NOW + 3600_000).toISOString()],
  );
  const removed = await c.send("POST", `${path}/removeKey`, { keyId: keys[0]?.keyId, proof: await proofBy(second) });
  assert.equal(removed.status, 204);
  assert.equal((await c.send("PATCH", path, { keyCredentials: [{ key: "bm9uZQ==" }] })).status, 400);
});

test("federated credentials keep Microsoft's rules", async (t) => {
  const c = await client(t);
  const app = await c.send("POST", "/applications", { displayName: "Federated" });
  const path = `/applications/${String(app.body.id)}/federatedIdentityCredentials`;
  const good = {
    name: "cluster",
    issuer: "https://issuer.example",
    subject: "one",
    audiences: ["api://AzureADTokenExchange"],
  };
  assert.equal((await c.send("POST", path, good)).status, 201);
  for (const change of [
    {},
    { name: "other" },
    { name: "x" },
    { name: "abc", subject: "2", audiences: [] },
    { name: "abc", issuer: "http://issuer.example" },
  ]) {
    assert.equal((await c.send("POST", path, { ...good, ...change })).status, 400, JSON.stringify(change));
  }
  for (let i = 2; i <= 20; i++) await c.send("POST", path, { ...good, name: `cluster-${i}`, subject: `${i}` });
  assert.equal((await c.send("POST", path, { ...good, name: "more", subject: "more" })).status, 400);
  assert.equal((await c.send("PATCH", `${path}/cluster`, { subject: "x" })).status, 404);
  const [one] = (await c.get(path)).body.value ?? [];
  assert.equal((await c.send("PATCH", `${path}/${String(one?.id)}`, { subject: "changed" })).status, 204);
  assert.equal((await c.get(`${path}/${String(one?.id)}`)).body.subject, "changed");
  assert.equal((await c.send("DELETE", `${path}/${String(one?.id)}`)).status, 204);
});

test("people and groups are assigned to an app, and an app that asks for it lets only them in", async (t) => {
  const c = await client(t);
  const { identity } = c.simulator;
  const app = identity.addApp({ publicFlows: true, scopes: ["User.Read"] });
  const principal = (await c.get(`/servicePrincipals(appId='${app.client}')`)).body;
  const user = identity.person(person(6));
  const fields = {
    grant_type: "password",
    client_id: app.client,
    scope: "User.Read",
    username: user?.userPrincipalName ?? "",
    password: user?.password ?? "",
  };
  assert.equal(
    (await c.send("PATCH", `/servicePrincipals/${String(principal.id)}`, { appRoleAssignmentRequired: true })).status,
    204,
  );
  assert.deepEqual((await askToken(c.simulator, fields)).numbers, [50105]);
  const role = { resourceId: principal.id, appRoleId: "00000000-0000-0000-0000-000000000000" };
  const wrong = await c.send("POST", `/groups/${team(1)}/appRoleAssignments`, { ...role, principalId: person(1) });
  assert.equal(wrong.status, 400);
  const made = await c.send("POST", `/groups/${team(1)}/appRoleAssignments`, { ...role, principalId: team(1) });
  assert.deepEqual([made.status, made.body.principalType], [201, "Group"]);
  assert.equal((await askToken(c.simulator, fields)).status, 200);
  await c.send("POST", `/users/${person(1)}/appRoleAssignments`, { ...role, principalId: person(1) });
  const assigned = await c.get(`/servicePrincipals/${String(principal.id)}/appRoleAssignedTo`);
  assert.deepEqual(
    assigned.body.value?.map(({ principalId }) => principalId),
    [team(1), person(1)],
  );
});

test("delegated permissions are granted, changed and taken away by oauth2PermissionGrants", async (t) => {
  const c = await client(t);
  const app = c.simulator.identity.addApp();
  const clientId = (await c.get(`/servicePrincipals(appId='${app.client}')`)).body.id;
  const resourceId = (await c.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")).body.id;
  const grant = { clientId, consentType: "AllPrincipals", resourceId, scope: "User.Read" };
  const made = await c.send("POST", "/oauth2PermissionGrants", grant);
  assert.deepEqual([made.status, made.body.scope, made.body.principalId], [201, "User.Read", null]);
  assert.equal((await c.send("POST", "/oauth2PermissionGrants", grant)).status, 400);
  assert.equal((await c.send("POST", "/oauth2PermissionGrants", { ...grant, consentType: "Principal" })).status, 400);
  const path = `/oauth2PermissionGrants/${String(made.body.id)}`;
  assert.equal((await c.send("PATCH", path, { scope: "User.Read Group.Read.All" })).status, 204);
  assert.equal(
    (await c.get(`/servicePrincipals/${String(clientId)}/oauth2PermissionGrants`)).body.value?.[0]?.scope,
    "User.Read Group.Read.All",
  );
  assert.equal((await c.send("DELETE", path)).status, 204);
  assert.equal((await c.get(path)).status, 404);
});

test("Application.ReadWrite.OwnedBy reaches its own apps alone; nothing is written with less", async (t) => {
  const c = await client(t, ["Application.ReadWrite.OwnedBy"]);
  const foreign = c.simulator.identity.addApp();
  const own = await c.send("POST", "/applications", { displayName: "Own" });
  assert.equal((await c.send("PATCH", `/applications/${String(own.body.id)}`, { displayName: "Mine" })).status, 204);
  assert.equal((await c.send("PATCH", `/applications/${foreign.application}`, { displayName: "Mine" })).status, 403);
  assert.equal((await c.send("POST", `/applications/${foreign.application}/addPassword`, {})).status, 403);
  c.simulator.setRoles(["Application.Read.All"]);
  await c.signIn();
  assert.equal((await c.get("/applications")).status, 200);
  assert.equal((await c.send("POST", "/applications", { displayName: "No" })).status, 403);
  assert.equal((await c.get("/oauth2PermissionGrants")).status, 403);
});

test("a signed-in administrator registers an app, and a person without a role does not", async (t) => {
  const c = await client(t);
  const { identity } = c.simulator;
  const scopes = ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"];
  const app = identity.addApp({ publicFlows: true, scopes });
  const tokenOf = async (key: string): Promise<string> => {
    const who = identity.person(key);
    const fields = {
      grant_type: "password",
      client_id: app.client,
      scope: GRAPH_DEFAULT,
      username: who?.userPrincipalName ?? "",
      password: who?.password ?? "",
    };
    return String((await askToken(c.simulator, fields)).body.access_token);
  };
  const send = (token: string, path: string, body: unknown): Promise<Response> =>
    fetch(`${c.simulator.graph}/v1.0${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const plain = await tokenOf(person(6));
  assert.equal((await send(plain, "/applications", { displayName: "No" })).status, 403);
  const cloud = await tokenOf(identity.administrator("Cloud Application Administrator").id);
  const made = await send(cloud, "/applications", { displayName: "Yes" });
  assert.equal(made.status, 201);
  const { appId } = (await made.json()) as { appId: string };
  const principal = (await (await send(cloud, "/servicePrincipals", { appId })).json()) as { id: string };
  const graph = (await c.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")).body;
  const grant = { principalId: principal.id, resourceId: graph.id, appRoleId: USER_READ_ALL };
  const path = `/servicePrincipals/${principal.id}/appRoleAssignments`;
  assert.equal(
    (await send(cloud, path, grant)).status,
    403,
    "Graph's permissions need a Privileged Role Administrator",
  );
  const top = await tokenOf(identity.administrator().id);
  assert.equal((await send(top, path, grant)).status, 201);
});

test("directory roles say who administers", async (t) => {
  const c = await client(t);
  const global = (await c.get("/directoryRoles(roleTemplateId='62e90394-69f5-4237-9190-012177145e10')")).body;
  assert.equal(global.displayName, "Global Administrator");
  const members = await c.get(`/directoryRoles/${String(global.id)}/members`);
  assert.deepEqual(
    members.body.value?.map(({ id }) => id),
    [person(1)],
  );
  const held = await c.get(`/roleManagement/directory/roleAssignments?$filter=principalId eq '${person(2)}'`);
  assert.deepEqual(
    held.body.value?.map(({ roleDefinitionId }) => roleDefinitionId),
    ["158c047a-c907-4556-b7ef-446551a6b5f7"],
  );
});

test("a new password signs in, an old one no longer, and one to be changed first is refused as expired", async (t) => {
  const c = await client(t, ["User.ReadWrite.All", "User-PasswordProfile.ReadWrite.All"]);
  const { identity } = c.simulator;
  const app = identity.addApp({ publicFlows: true, scopes: ["User.Read"] });
  const user = identity.person(person(6));
  const numbers = async (password: string): Promise<unknown> =>
    (
      await askToken(c.simulator, {
        grant_type: "password",
        client_id: app.client,
        scope: "User.Read",
        username: user?.userPrincipalName ?? "",
        password,
      })
    ).numbers;
  assert.equal(await numbers(user?.password ?? ""), undefined);
  await c.send("PATCH", `/users/${person(6)}`, {
    passwordProfile: { password: "N3w-password!", forceChangePasswordNextSignIn: false },
  });
  assert.deepEqual([await numbers(user?.password ?? ""), await numbers("N3w-password!")], [[50126], undefined]);
  await c.send("PATCH", `/users/${person(6)}`, {
    passwordProfile: { password: "N3xt-password!", forceChangePasswordNextSignIn: true },
  });
  assert.deepEqual(await numbers("N3xt-password!"), [50055]);
});

test("a permission that is taken away stays in tokens until that has spread, and Graph shows it gone at once", async (t) => {
  const c = await client(t);
  const app = c.simulator.identity.addApp({ roles: ["User.Read.All"], secret: "s3cret-of-a-test" });
  c.simulator.identity.setReplicationDelay(60_000);
  const roles = async (): Promise<unknown> =>
    decodeJwt(String((await signIn(c.simulator, app.client, "s3cret-of-a-test")).body.access_token)).roles;
  const path = `/servicePrincipals(appId='${app.client}')/appRoleAssignments`;
  const [held] = (await c.get(path)).body.value ?? [];
  assert.equal((await c.send("DELETE", `${path}/${String(held?.id)}`)).status, 204);
  assert.deepEqual((await c.get(path)).body.value, []);
  assert.deepEqual(await roles(), ["User.Read.All"]);
  c.simulator.advance(60_000);
  assert.deepEqual(await roles(), []);
});
