import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { type Simulator, startSimulator } from "../simulator.ts";
import { smallTenant } from "../testing/tenant.ts";

const HOUR_MS = 3600 * 1000;

async function start(t: TestContext, roles?: readonly string[]): Promise<Simulator> {
  const simulator = await startSimulator({ tenant: smallTenant(1), roles, clock: () => 1_800_000_000_000 });
  t.after(() => simulator.close());
  return simulator;
}

interface TokenAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function token(
  simulator: Simulator,
  change: Readonly<Record<string, string | null>> = {},
  tenant: string = simulator.tenant,
  headers: Readonly<Record<string, string>> = {},
): Promise<TokenAnswer> {
  const fields = {
    grant_type: "client_credentials",
    client_id: simulator.client,
    client_secret: simulator.secret,
    scope: "https://graph.microsoft.com/.default",
    ...change,
  };
  const body = new URLSearchParams(
    Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
  const response = await fetch(`${simulator.login}/${tenant}/oauth2/v2.0/token`, { method: "POST", body, headers });
  return { status: response.status, body: (await response.json()) as TokenAnswer["body"] };
}

test("a client secret earns a signed token with Microsoft's claims", async (t) => {
  const simulator = await start(t, ["User.Read.All", "Group.Read.All"]);
  const { status, body } = await token(simulator);
  assert.equal(status, 200);
  assert.deepEqual([body.token_type, body.expires_in, body.ext_expires_in], ["Bearer", 3599, 3599]);
  const keys = createRemoteJWKSet(new URL(`${simulator.login}/${simulator.tenant}/discovery/v2.0/keys`));
  const { payload, protectedHeader } = await jwtVerify(String(body.access_token), keys, {
    issuer: `${simulator.login}/${simulator.tenant}/`,
    audience: "https://graph.microsoft.com",
    currentDate: new Date(1_800_000_000_000),
  });
  assert.deepEqual([protectedHeader.typ, protectedHeader.alg], ["JWT", "RS256"]);
  assert.deepEqual(payload.roles, ["User.Read.All", "Group.Read.All"]);
  assert.deepEqual([payload.tid, payload.appid, payload.idtyp], [simulator.tenant, simulator.client, "app"]);
  assert.deepEqual([payload.appidacr, payload.ver, payload.oid], ["1", "1.0", payload.sub]);
  assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 3600);
});

test("the tenant may be named by a verified domain, the secret may come as HTTP Basic, the scope may name this host", async (t) => {
  const simulator = await start(t);
  const basic = Buffer.from(`${simulator.client}:${simulator.secret}`).toString("base64");
  const answer = await token(
    simulator,
    { client_id: null, client_secret: null, scope: `${simulator.graph}/.default` },
    "contoso.onmicrosoft.com",
    { authorization: `Basic ${basic}` },
  );
  assert.equal(answer.status, 200);
});

const REFUSALS: readonly {
  readonly what: string;
  readonly number: number;
  readonly error: string;
  readonly status: number;
  readonly change?: Readonly<Record<string, string | null>>;
  readonly tenant?: string;
}[] = [
  { what: "a wrong tenant", number: 90002, error: "invalid_request", status: 400, tenant: "nowhere.example" },
  { what: "a wrong app", number: 700016, error: "unauthorized_client", status: 400, change: { client_id: "x" } },
  { what: "a wrong secret", number: 7000215, error: "invalid_client", status: 401, change: { client_secret: "x" } },
  { what: "no secret", number: 7000218, error: "invalid_client", status: 401, change: { client_secret: null } },
  {
    what: "another grant",
    number: 70003,
    error: "unsupported_grant_type",
    status: 400,
    change: { grant_type: "magic" },
  },
  { what: "no grant", number: 900144, error: "invalid_request", status: 400, change: { grant_type: null } },
  { what: "a delegated scope", number: 1002012, error: "invalid_scope", status: 400, change: { scope: "User.Read" } },
  { what: "a meaningless scope", number: 70011, error: "invalid_scope", status: 400, change: { scope: "x/.default" } },
  {
    what: "another cloud's Graph",
    number: 500011,
    error: "invalid_resource",
    status: 400,
    change: { scope: "https://graph.microsoft.us/.default" },
  },
  { what: "/common", number: 9001023, error: "invalid_request", status: 400, tenant: "common" },
];

for (const { what, number, error, status, change, tenant } of REFUSALS) {
  test(`${what} is refused with AADSTS${number}`, async (t) => {
    const simulator = await start(t);
    const answer = await token(simulator, change, tenant);
    assert.equal(answer.status, status);
    assert.equal(answer.body.error, error);
    assert.deepEqual(answer.body.error_codes, [number]);
    assert.match(String(answer.body.error_description), new RegExp(`^AADSTS${number}: .+ Trace ID: .+ Timestamp: `));
    assert.deepEqual(Object.keys(answer.body), [
      "error",
      "error_description",
      "error_codes",
      "timestamp",
      "trace_id",
      "correlation_id",
      "error_uri",
    ]);
    assert.equal(JSON.stringify(answer.body).includes(simulator.secret), false);
  });
}

test("an expired secret is refused as expired, and a new one works at once", async (t) => {
  const simulator = await start(t);
  simulator.setSecrets([{ value: simulator.secret, expiresAt: 1_800_000_000_000 + HOUR_MS }, { value: "other" }]);
  assert.equal((await token(simulator)).status, 200);
  simulator.advance(HOUR_MS);
  assert.deepEqual((await token(simulator)).body.error_codes, [7000222]);
  assert.equal((await token(simulator, { client_secret: "other" })).status, 200);
});

test("discovery names the endpoints of the tenant, in both versions", async (t) => {
  const simulator = await start(t);
  for (const [version, issuer] of [
    ["/v2.0", "/v2.0"],
    ["", "/"],
  ]) {
    const url = `${simulator.login}/contoso.com${version}/.well-known/openid-configuration`;
    const document = (await (await fetch(url)).json()) as Record<string, unknown>;
    assert.equal(document.issuer, `${simulator.login}/${simulator.tenant}${issuer}`);
    assert.equal(document.token_endpoint, `${simulator.login}/${simulator.tenant}/oauth2/v2.0/token`);
    assert.equal(document.jwks_uri, `${simulator.login}/${simulator.tenant}/discovery/v2.0/keys`);
  }
  const unknown = await fetch(`${simulator.login}/nowhere.example/v2.0/.well-known/openid-configuration`);
  assert.equal(unknown.status, 400);
});

test("Graph refuses a missing, a broken, a foreign and an expired token with 401 and a challenge", async (t) => {
  const simulator = await start(t);
  const other = await start(t);
  const ask = (authorization?: string): Promise<Response> =>
    fetch(`${simulator.graph}/v1.0/users`, { headers: authorization === undefined ? {} : { authorization } });
  const own = `Bearer ${String((await token(simulator)).body.access_token)}`;
  const foreign = `Bearer ${String((await token(other)).body.access_token)}`;
  assert.equal((await ask(own)).status, 200);
  for (const authorization of [undefined, "Bearer nonsense", foreign, `${own}x`]) {
    const response = await ask(authorization);
    assert.equal(response.status, 401);
    assert.match(response.headers.get("www-authenticate") ?? "", /^Bearer /);
    assert.equal(((await response.json()) as { error: { code: string } }).error.code, "InvalidAuthenticationToken");
  }
  simulator.advance(HOUR_MS + 1000);
  const expired = await ask(own);
  assert.match(await expired.text(), /Lifetime validation failed, the token is expired/);
});

test("tells who checks an account's password, and refuses it where that is another provider", async (t) => {
  const simulator = await startSimulator({ people: 5, groups: 0, throttle: "off" });
  t.after(() => simulator.close());
  const { userPrincipalName: username, password } = simulator.identity.administrator();
  const typeOf = async (account: string): Promise<unknown> => {
    const answer = await fetch(`${simulator.login}/common/UserRealm/${encodeURIComponent(account)}?api-version=1.0`);
    return ((await answer.json()) as { readonly account_type?: unknown }).account_type;
  };
  const { client } = simulator.identity.addApp({ publicFlows: true, scopes: ["User.Read"] });
  const form = { grant_type: "password", client_id: client, client_secret: null, username, password: password ?? "" };
  assert.equal((await token(simulator, form)).status, 200);
  assert.equal(await typeOf(username), "Managed");
  assert.equal(await typeOf("somebody@unknown.example"), "Unknown");
  simulator.identity.setFederated(username.split("@")[1] ?? "", true);
  assert.equal(await typeOf(username), "Federated");
  assert.deepEqual((await token(simulator, form)).body.error_codes, [50056]);
});
