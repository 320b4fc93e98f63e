import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import type { Simulator } from "../simulator.ts";
import { askToken, GRAPH_DEFAULT, NOW, startSignIn, type TokenReply, Visitor } from "../testing/signin.ts";

const REDIRECT = "http://localhost/signed-in";
const SCOPE = "openid profile email offline_access User.Read";

interface Scene {
  readonly simulator: Simulator;
  readonly client: string;
  readonly user: string;
  readonly password: string;
}

/** A person without any role, and a public app that everybody has consented to. */
async function scene(t: TestContext, wish: Parameters<Simulator["identity"]["addApp"]>[0] = {}): Promise<Scene> {
  const simulator = await startSignIn(t);
  const { client } = simulator.identity.addApp({
    publicFlows: true,
    publicClient: [REDIRECT],
    scopes: ["User.Read", "User.Read.All"],
    ...wish,
  });
  const person = simulator.identity.person("person6@contoso.com");
  assert.ok(person?.password);
  return { simulator, client, user: person.userPrincipalName, password: person.password };
}

function byPassword(
  { simulator, client, user, password }: Scene,
  change: Readonly<Record<string, string | null>> = {},
  tenant?: string,
): Promise<TokenReply> {
  return askToken(
    simulator,
    { grant_type: "password", client_id: client, scope: SCOPE, username: user, password, ...change },
    tenant,
  );
}

test("a user name and password earn tokens for the person", async (t) => {
  const at = await scene(t);
  for (const tenant of [at.simulator.tenant, "contoso.com"]) {
    const { status, body } = await byPassword(at, {}, tenant);
    assert.equal(status, 200, JSON.stringify(body));
    const access = decodeJwt(String(body.access_token));
    assert.equal(access.scp, "User.Read User.Read.All openid profile email");
    assert.deepEqual([access.idtyp, access.upn, access.roles, access.appidacr], ["user", at.user, undefined, "0"]);
    assert.ok(typeof body.refresh_token === "string");
  }
  const me = await byPassword(at);
  const headers = { authorization: `Bearer ${String(me.body.access_token)}` };
  const answer = await fetch(`${at.simulator.graph}/v1.0/me`, { headers });
  assert.equal(((await answer.json()) as { userPrincipalName: string }).userPrincipalName, at.user);
  const write = await fetch(`${at.simulator.graph}/v1.0/users/${at.user}`, { method: "DELETE", headers });
  assert.equal(write.status, 403);
});

const REFUSALS: readonly {
  readonly what: string;
  readonly number: number;
  readonly error: string;
  readonly prepare?: (at: Scene) => void;
  readonly change?: Readonly<Record<string, string | null>>;
  readonly tenant?: string;
}[] = [
  { what: "a wrong password", number: 50126, error: "invalid_grant", change: { password: "wrong" } },
  { what: "an unknown user", number: 50034, error: "invalid_grant", change: { username: "nobody@contoso.com" } },
  {
    what: "a disabled person",
    number: 50057,
    error: "invalid_grant",
    prepare: ({ simulator, user }) => void disable(simulator, user),
    change: {},
  },
  { what: "an expired password", number: 50055, error: "invalid_grant", prepare: set({ expired: true }) },
  { what: "a locked account", number: 50053, error: "invalid_grant", prepare: set({ locked: true }) },
  { what: "no password at all", number: 50056, error: "invalid_grant", prepare: set({ password: null }) },
  { what: "a second factor", number: 50076, error: "interaction_required", prepare: set({ mfa: "required" }) },
  {
    what: "a second factor to enrol",
    number: 50079,
    error: "interaction_required",
    prepare: set({ mfa: "unenrolled" }),
  },
  {
    what: "conditional access that asks for a factor",
    number: 50076,
    error: "interaction_required",
    prepare: policy("mfa"),
  },
  { what: "conditional access that blocks", number: 53003, error: "access_denied", prepare: policy("block") },
  { what: "a device that must be compliant", number: 53000, error: "interaction_required", prepare: policy("device") },
  {
    what: "a device that must be joined",
    number: 53001,
    error: "interaction_required",
    prepare: policy("joined-device"),
  },
  { what: "security defaults", number: 530035, error: "access_denied", prepare: policy("security-defaults") },
  { what: "no consent", number: 65001, error: "invalid_grant", prepare: change({ consented: false }) },
  { what: "public flows off", number: 7000218, error: "invalid_client", prepare: change({ publicFlows: false }) },
  { what: "a secret from a public client", number: 700025, error: "invalid_client", change: { client_secret: "x" } },
  { what: "/common", number: 9001023, error: "invalid_request", tenant: "common" },
  { what: "/organizations for a single-tenant app", number: 50194, error: "invalid_request", tenant: "organizations" },
  {
    what: "an app that asks for assignment",
    number: 50105,
    error: "interaction_required",
    prepare: change({ assignmentRequired: true }),
  },
  { what: "a disabled app", number: 7000112, error: "unauthorized_client", prepare: change({ enabled: false }) },
  {
    what: "a scope that Graph does not have",
    number: 650053,
    error: "invalid_scope",
    change: { scope: "Nothing.Read" },
  },
  {
    what: "another resource",
    number: 500011,
    error: "invalid_resource",
    change: { scope: "https://other.example/Read" },
  },
  { what: "no scope", number: 900144, error: "invalid_request", change: { scope: null } },
];

function set(account: Parameters<Simulator["identity"]["changePerson"]>[1]): (at: Scene) => void {
  return ({ simulator, user }) => simulator.identity.changePerson(user, account);
}

function policy(name: Parameters<Simulator["identity"]["setConditionalAccess"]>[0]): (at: Scene) => void {
  return ({ simulator }) => simulator.identity.setConditionalAccess(name);
}

function change(app: Parameters<Simulator["identity"]["changeApp"]>[1]): (at: Scene) => void {
  return ({ simulator, client }) => simulator.identity.changeApp(client, app);
}

async function disable(simulator: Simulator, user: string): Promise<void> {
  const fields = {
    grant_type: "client_credentials",
    client_id: simulator.client,
    client_secret: simulator.secret,
    scope: GRAPH_DEFAULT,
  };
  const token = String((await askToken(simulator, fields)).body.access_token);
  await fetch(`${simulator.graph}/v1.0/users/${user}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ accountEnabled: false }),
  });
}

for (const { what, number, error, prepare, change: fields = {}, tenant } of REFUSALS) {
  test(`a password sign-in with ${what} is refused with AADSTS${number}`, async (t) => {
    const at = await scene(t);
    if (number === 50057) await disable(at.simulator, at.user);
    else prepare?.(at);
    const reply = await byPassword(at, fields, tenant);
    assert.deepEqual([reply.body.error, reply.numbers], [error, [number]]);
    assert.equal(JSON.stringify(reply.body).includes(at.password), false);
  });
}

test("ten wrong passwords lock an account for a minute, a right one included", async (t) => {
  const at = await scene(t);
  for (let i = 0; i < 10; i++) await byPassword(at, { password: "wrong" });
  assert.deepEqual((await byPassword(at)).numbers, [50053]);
  at.simulator.advance(60_000);
  assert.equal((await byPassword(at)).status, 200);
});

test("a guest and a person of a federated domain have no password here", async (t) => {
  const simulator = await startSignIn(t, {
    tenant: {
      organization: {
        verifiedDomains: [
          { name: "a.example", isDefault: true },
          { name: "f.example", type: "Federated" },
        ],
      },
      users: [
        { id: "1", userPrincipalName: "guest@a.example", userType: "Guest", displayName: "G" },
        { id: "2", userPrincipalName: "away@f.example", displayName: "F" },
      ],
      groups: [],
    },
  });
  const { client } = simulator.identity.addApp({ publicFlows: true, scopes: ["User.Read"] });
  for (const user of ["guest@a.example", "away@f.example"]) {
    assert.deepEqual((await byPassword({ simulator, client, user, password: "any" })).numbers, [50056]);
  }
});

test("refresh tokens renew themselves, and end with revocation, a new password, 90 days and a withdrawn consent", async (t) => {
  const at = await scene(t);
  const { simulator, client, user } = at;
  const refresh = (token: unknown, more: Readonly<Record<string, string>> = {}): Promise<TokenReply> =>
    askToken(simulator, { grant_type: "refresh_token", client_id: client, refresh_token: String(token), ...more });
  const first = await byPassword(at);
  const second = await refresh(first.body.refresh_token);
  assert.equal(second.status, 200);
  assert.notEqual(second.body.refresh_token, first.body.refresh_token);
  assert.equal((await refresh(second.body.refresh_token, { scope: "User.Read" })).status, 200);
  assert.deepEqual((await refresh("nonsense")).numbers, [70000]);
  simulator.identity.revoke({ person: user });
  assert.deepEqual((await refresh(second.body.refresh_token)).numbers, [50173]);
  const before = await byPassword(at);
  simulator.identity.changePerson(user, { password: "An0ther-one" });
  assert.deepEqual((await refresh(before.body.refresh_token)).numbers, [50133]);
  const last = await byPassword({ ...at, password: "An0ther-one" });
  simulator.identity.changeApp(client, { consented: false });
  assert.deepEqual((await refresh(last.body.refresh_token)).numbers, [65001]);
  simulator.identity.changeApp(client, { consented: true });
  simulator.advance(90 * 24 * 3600_000);
  assert.deepEqual((await refresh(last.body.refresh_token)).numbers, [700082]);
});

const VERIFIER = randomBytes(48).toString("base64url");
const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");

function authorizeUrl(
  { simulator, client }: Pick<Scene, "simulator" | "client">,
  change: Readonly<Record<string, string | null>> = {},
): string {
  const fields = {
    client_id: client,
    response_type: "code",
    redirect_uri: REDIRECT,
    scope: SCOPE,
    state: "st&te",
    nonce: "n0nce",
    code_challenge: CHALLENGE,
    code_challenge_method: "S256",
    ...change,
  };
  const query = new URLSearchParams(
    Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
  return `${simulator.login}/${simulator.tenant}/oauth2/v2.0/authorize?${query}`;
}

function codeIn(location: string | null): URL {
  assert.ok(location !== null);
  return new URL(location);
}

test("somebody signs in by the page, and the code is redeemed with its verifier, once", async (t) => {
  const at = await scene(t);
  const { simulator, client, user, password } = at;
  const visitor = new Visitor();
  const login = await visitor.open(authorizeUrl(at, { login_hint: user }));
  assert.deepEqual([login.status, login.title], [200, "Sign in"]);
  assert.ok(login.text.includes(`value="${user}"`));
  const wrong = await visitor.send(login, { login: user, passwd: "wrong" });
  assert.match(wrong.text, /role="alert">AADSTS50126/);
  const back = codeIn((await visitor.send(wrong, { login: user, passwd: password })).location);
  assert.deepEqual([back.origin + back.pathname, back.searchParams.get("state")], [REDIRECT, "st&te"]);
  const fields = {
    grant_type: "authorization_code",
    client_id: client,
    code: back.searchParams.get("code") ?? "",
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
  };
  assert.deepEqual((await askToken(simulator, { ...fields, code_verifier: "x".repeat(43) })).numbers, [501481]);
  assert.deepEqual((await askToken(simulator, { ...fields, redirect_uri: "http://localhost/other" })).numbers, [70000]);
  assert.deepEqual((await askToken(simulator, { ...fields, client_secret: "x" })).numbers, [700025]);
});

test("a code gives an ID token with the nonce, signed by the published key", async (t) => {
  const at = await scene(t);
  const { simulator, client, user, password } = at;
  const visitor = new Visitor();
  const login = await visitor.open(authorizeUrl(at));
  const code = codeIn((await visitor.send(login, { login: user, passwd: password })).location).searchParams.get("code");
  const fields = {
    grant_type: "authorization_code",
    client_id: client,
    code,
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
    client_info: "1",
  };
  const { status, body } = await askToken(simulator, fields, "common");
  assert.equal(status, 200, JSON.stringify(body));
  const keys = createRemoteJWKSet(new URL(`${simulator.login}/${simulator.tenant}/discovery/v2.0/keys`));
  const { payload } = await jwtVerify(String(body.id_token), keys, {
    issuer: `${simulator.login}/${simulator.tenant}/v2.0`,
    audience: client,
    currentDate: new Date(NOW),
  });
  const { id } = simulator.identity.person(user) ?? { id: "" };
  assert.deepEqual(
    [payload.nonce, payload.oid, payload.tid, payload.preferred_username, payload.email],
    ["n0nce", id, simulator.tenant, user, user],
  );
  assert.notEqual(payload.sub, id);
  assert.deepEqual((await askToken(simulator, fields)).numbers, [54005]);
  const silent = await visitor.open(authorizeUrl(at, { prompt: "none" }));
  assert.ok(codeIn(silent.location).searchParams.has("code"), "the browser is still signed in");
  const after = await visitor.open(
    `${simulator.login}/${simulator.tenant}/oauth2/v2.0/logout?post_logout_redirect_uri=${REDIRECT}&state=s`,
  );
  assert.equal(after.location, `${REDIRECT}?state=s`);
  const out = await visitor.open(authorizeUrl(at, { prompt: "none" }));
  assert.equal(codeIn(out.location).searchParams.get("error"), "login_required");
});

test("the second factor is asked for on the page, and a wrong code is told", async (t) => {
  const at = await scene(t);
  at.simulator.identity.changePerson(at.user, { mfa: "required" });
  const visitor = new Visitor();
  const login = await visitor.open(authorizeUrl(at));
  const code = await visitor.send(login, { login: at.user, passwd: at.password });
  assert.equal(code.title, "Enter code");
  const wrong = await visitor.send(code, { otc: "x" });
  assert.match(wrong.text, /AADSTS500121/);
  const { mfaCode = "" } = at.simulator.identity.person(at.user) ?? {};
  assert.ok(codeIn((await visitor.send(wrong, { otc: mfaCode })).location).searchParams.has("code"));
});

const TOLD_ON_PAGE: readonly (readonly [
  what: string,
  number: number,
  change: Readonly<Record<string, string | null>>,
])[] = [
  ["an unregistered redirect URI", 50011, { redirect_uri: "http://localhost/signed-in/" }],
  ["an unknown app", 700016, { client_id: "00000000-1111-4222-8333-444444444444" }],
  ["no app", 900144, { client_id: null }],
  ["an unknown response mode", 70007, { response_mode: "pigeon" }],
];

for (const [what, number, change] of TOLD_ON_PAGE) {
  test(`an authorization request with ${what} is told on a page as AADSTS${number}`, async (t) => {
    const page = await new Visitor().open(authorizeUrl(await scene(t), change));
    assert.deepEqual([page.status, page.location], [400, null]);
    assert.ok(page.text.includes(`AADSTS${number}: `), page.text);
  });
}

const TOLD_TO_APP: readonly (readonly [
  what: string,
  error: string,
  change: Readonly<Record<string, string | null>>,
])[] = [
  ["no response type", "invalid_request", { response_type: null }],
  ["another response type", "unsupported_response_type", { response_type: "token" }],
  ["an ID token that is not enabled", "unsupported_response_type", { response_type: "id_token" }],
  ["no scope", "invalid_request", { scope: null }],
  ["an unknown scope", "invalid_scope", { scope: "Nothing.Read" }],
  ["a short challenge", "invalid_request", { code_challenge: "short" }],
  ["an unknown prompt", "invalid_request", { prompt: "pretty" }],
];

for (const [what, error, change] of TOLD_TO_APP) {
  test(`an authorization request with ${what} is answered to the app as ${error}`, async (t) => {
    const page = await new Visitor().open(authorizeUrl(await scene(t), change));
    const { searchParams } = codeIn(page.location);
    assert.deepEqual([page.status, searchParams.get("error"), searchParams.get("state")], [302, error, "st&te"]);
    assert.match(searchParams.get("error_description") ?? "", /^AADSTS\d+: .+Trace ID: /s);
  });
}

test("the answer comes in the fragment or as a form where the app wants it so", async (t) => {
  const at = await scene(t);
  const visitor = new Visitor();
  const login = await visitor.open(authorizeUrl(at, { response_mode: "form_post" }));
  const posted = await visitor.send(login, { login: at.user, passwd: at.password });
  assert.deepEqual([posted.status, posted.action, posted.hidden.state], [200, REDIRECT, "st&te"]);
  assert.ok(posted.hidden.code);
  const fragment = codeIn((await visitor.open(authorizeUrl(at, { response_mode: "fragment" }))).location);
  assert.ok(new URLSearchParams(fragment.hash.slice(1)).has("code"));
});

test("people consent to what needs no administrator, refuse what they like, and cannot grant more", async (t) => {
  const at = await scene(t, { consented: false });
  const { user, password } = at;
  const visitor = new Visitor();
  const page = await visitor.send(await visitor.open(authorizeUrl(at)), { login: user, passwd: password });
  assert.equal(page.title, "Permissions requested");
  assert.match(page.text, /data-permission="User.Read"/);
  const refused = codeIn((await visitor.send(page, { consent: "refuse" })).location);
  assert.deepEqual([refused.searchParams.get("error"), refused.searchParams.get("state")], ["access_denied", "st&te"]);
  const again = await visitor.open(authorizeUrl(at));
  assert.ok(codeIn((await visitor.send(again, { consent: "accept" })).location).searchParams.has("code"));
  assert.ok(codeIn((await visitor.open(authorizeUrl(at))).location).searchParams.has("code"), "not asked twice");
  const more = await visitor.open(authorizeUrl(at, { scope: "User.Read.All" }));
  assert.equal(more.title, "Need admin approval");
  assert.match(more.text, /AADSTS90094/);
  const back = codeIn((await visitor.send(more, { cancel: "1" })).location);
  assert.equal(back.searchParams.get("error"), "access_denied");
});

test("without user consent, every permission needs an administrator", async (t) => {
  const at = await scene(t, { consented: false });
  at.simulator.identity.setUserConsent(false);
  const visitor = new Visitor();
  const page = await visitor.send(await visitor.open(authorizeUrl(at)), { login: at.user, passwd: at.password });
  assert.equal(page.title, "Need admin approval");
});
