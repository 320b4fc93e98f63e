import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJwt } from "jose";
import type { Simulator } from "../simulator.ts";
import { askToken, GRAPH_DEFAULT, type Page, startSignIn, Visitor } from "../testing/signin.ts";

const BACK = "https://entrain.example/connected";
const SECRET = "s3cret-of-a-test";

function consentUrl(simulator: Simulator, client: string, tenant: string, version: "v2.0/" | "" = "v2.0/"): string {
  const query = new URLSearchParams({ client_id: client, redirect_uri: BACK, state: "bound", scope: GRAPH_DEFAULT });
  return `${simulator.login}/${tenant}/${version}adminconsent?${query}`;
}

async function signedInAs(
  simulator: Simulator,
  url: string,
  role: string,
  tenant?: string,
): Promise<readonly [Visitor, Page]> {
  const { userPrincipalName: login, password } = simulator.identity.administrator(role, tenant);
  const visitor = new Visitor();
  return [visitor, await visitor.send(await visitor.open(url), { login, passwd: password ?? "" })];
}

async function rolesIn(simulator: Simulator, client: string, tenant: string): Promise<unknown> {
  const fields = { grant_type: "client_credentials", client_id: client, client_secret: SECRET, scope: GRAPH_DEFAULT };
  const { status, body, numbers } = await askToken(simulator, fields, tenant);
  return status === 200 ? decodeJwt(String(body.access_token)).roles : numbers;
}

const WISH = {
  roles: ["User.Read.All", "Group.Read.All"],
  scopes: ["User.Read"],
  web: [BACK],
  secret: SECRET,
  consented: false,
};

test("an administrator sees and accepts what an app asks for, and the permissions spread after a while", async (t) => {
  const simulator = await startSignIn(t, { replicationMs: 30_000 });
  const { client } = simulator.identity.addApp(WISH);
  const [visitor, page] = await signedInAs(
    simulator,
    consentUrl(simulator, client, simulator.tenant),
    "Global Administrator",
  );
  assert.match(page.title, /^Permissions requested/);
  for (const name of WISH.roles) assert.ok(page.text.includes(`data-permission="${name}" data-type="Role"`), name);
  const back = new URL((await visitor.send(page, { consent: "accept" })).location ?? "");
  assert.deepEqual(
    [...back.searchParams],
    [
      ["admin_consent", "True"],
      ["tenant", simulator.tenant],
      ["scope", GRAPH_DEFAULT],
      ["state", "bound"],
    ],
  );
  assert.deepEqual(await rolesIn(simulator, client, simulator.tenant), []);
  simulator.advance(30_000);
  assert.deepEqual(await rolesIn(simulator, client, simulator.tenant), WISH.roles);
});

test("a refusal comes back with the state, and grants nothing", async (t) => {
  const simulator = await startSignIn(t);
  const { client } = simulator.identity.addApp(WISH);
  const [visitor, page] = await signedInAs(
    simulator,
    consentUrl(simulator, client, simulator.tenant, ""),
    "Global Administrator",
  );
  const { searchParams } = new URL((await visitor.send(page, { consent: "refuse" })).location ?? "");
  assert.deepEqual(
    ["error", "error_subcode", "admin_consent", "state"].map((name) => searchParams.get(name)),
    ["access_denied", "cancel", "True", "bound"],
  );
  assert.match(searchParams.get("error_description") ?? "", /^AADSTS65004: /);
  assert.deepEqual(await rolesIn(simulator, client, simulator.tenant), []);
});

test("a Cloud Application Administrator may not consent to Graph's application permissions, but to delegated ones", async (t) => {
  const simulator = await startSignIn(t);
  const role = "Cloud Application Administrator";
  const { client } = simulator.identity.addApp(WISH);
  const [visitor, page] = await signedInAs(simulator, consentUrl(simulator, client, simulator.tenant), role);
  assert.equal(page.title, "Need admin approval");
  const { searchParams } = new URL((await visitor.send(page, { cancel: "1" })).location ?? "");
  assert.equal(searchParams.get("error"), "access_denied");
  const delegated = simulator.identity.addApp({ ...WISH, roles: [], scopes: ["User.Read.All"] });
  const [, granted] = await signedInAs(simulator, consentUrl(simulator, delegated.client, simulator.tenant), role);
  assert.match(granted.title, /^Permissions requested/);
});

test("one app of several tenants is installed in a customer's tenant by its administrator's consent", async (t) => {
  const simulator = await startSignIn(t, { tenants: 2, people: 20, groups: 2 });
  const [home = "", customer = ""] = simulator.tenants;
  assert.notEqual(home, customer);
  const { client } = simulator.identity.addApp({ ...WISH, multiTenant: true });
  assert.deepEqual(await rolesIn(simulator, client, customer), [700016]);
  const url = consentUrl(simulator, client, "organizations");
  const [visitor, page] = await signedInAs(simulator, url, "Global Administrator", customer);
  const back = new URL((await visitor.send(page, { consent: "accept" })).location ?? "");
  assert.equal(back.searchParams.get("tenant"), customer);
  assert.deepEqual(await rolesIn(simulator, client, customer), WISH.roles);
  const fields = { grant_type: "client_credentials", client_id: client, client_secret: SECRET, scope: GRAPH_DEFAULT };
  const users = async (tenant: string): Promise<unknown> => {
    const token = String((await askToken(simulator, fields, tenant)).body.access_token);
    const answer = await fetch(`${simulator.graph}/v1.0/users?$select=id&$top=1`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return ((await answer.json()) as { value?: readonly unknown[] }).value?.[0];
  };
  simulator.identity.changeApp(client, { consented: true });
  assert.notDeepEqual(await users(home), await users(customer));
});

test("an administrator of another tenant is refused, and a single-tenant app is not found there", async (t) => {
  const simulator = await startSignIn(t, { tenants: 2, people: 20, groups: 2 });
  const [home = "", customer = ""] = simulator.tenants;
  const { client } = simulator.identity.addApp(WISH);
  const [, page] = await signedInAs(simulator, consentUrl(simulator, client, home), "Global Administrator", customer);
  assert.deepEqual([page.status, page.text.includes("AADSTS50020")], [400, true]);
  const elsewhere = await new Visitor().open(consentUrl(simulator, client, customer));
  assert.deepEqual([elsewhere.status, elsewhere.text.includes("AADSTS700016")], [400, true]);
});

test("a device is signed in by a code that somebody types, confirms and may decline", async (t) => {
  const simulator = await startSignIn(t);
  const { client } = simulator.identity.addApp({ publicFlows: true, scopes: ["User.Read"] });
  const { userPrincipalName: login, password } = simulator.identity.administrator();
  const start = async (): Promise<Readonly<Record<string, string>>> => {
    const body = new URLSearchParams({ client_id: client, scope: "openid offline_access User.Read" });
    const url = `${simulator.login}/${simulator.tenant}/oauth2/v2.0/devicecode`;
    return (await (await fetch(url, { method: "POST", body })).json()) as Record<string, string>;
  };
  const poll = (code: string | undefined): ReturnType<typeof askToken> =>
    askToken(simulator, {
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      client_id: client,
      device_code: code ?? "",
    });
  const device = await start();
  assert.deepEqual([device.expires_in, device.interval], [900, 5]);
  assert.deepEqual(
    [(await poll(device.device_code)).body.error, (await poll(device.device_code)).numbers],
    ["authorization_pending", [70016]],
  );
  const visitor = new Visitor();
  const empty = await visitor.open(device.verification_uri ?? "");
  assert.match((await visitor.send(empty, { user_code: "NOSUCHONE" })).text, /AADSTS70018/);
  const entered = await visitor.send(empty, { user_code: device.user_code ?? "" });
  const confirm = await visitor.send(entered, { login, passwd: password ?? "" });
  assert.match(confirm.text, /Are you trying to sign in to Test app\?/);
  assert.equal((await visitor.send(confirm, { consent: "accept" })).title, "You have signed in");
  const tokens = await poll(device.device_code);
  assert.deepEqual([tokens.status, decodeJwt(String(tokens.body.access_token)).upn], [200, login]);
  const second = await start();
  const page = await visitor.send(await visitor.open(second.verification_uri ?? ""), {
    user_code: second.user_code ?? "",
  });
  await visitor.send(page, { consent: "refuse" });
  assert.equal((await poll(second.device_code)).body.error, "authorization_declined");
  const third = await start();
  simulator.advance(15 * 60_000);
  assert.deepEqual(
    [(await poll(third.device_code)).numbers, (await poll("x")).body.error],
    [[70019], "bad_verification_code"],
  );
});
