import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { decodeJwt, exportJWK, SignJWT } from "jose";
import type { Simulator } from "../simulator.ts";
import {
  askToken,
  assertionFor,
  GRAPH_DEFAULT,
  NOW,
  startSignIn,
  type TestCertificate,
  type TokenReply,
  testCertificate,
  thumbprint,
} from "../testing/signin.ts";

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

function withAssertion(simulator: Simulator, client: string, assertion: string): Promise<TokenReply> {
  return askToken(simulator, {
    grant_type: "client_credentials",
    client_id: client,
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: assertion,
    scope: GRAPH_DEFAULT,
  });
}

interface Certified {
  readonly simulator: Simulator;
  readonly client: string;
  readonly certificate: TestCertificate;
}

async function certified(t: TestContext): Promise<Certified> {
  const simulator = await startSignIn(t);
  const certificate = testCertificate();
  const { client } = simulator.identity.addApp({ roles: ["User.Read.All"], certificate: certificate.pem });
  return { simulator, client, certificate };
}

test("a certificate's assertion earns a token, by PS256 and x5t#S256 as by RS256 and x5t", async (t) => {
  const { simulator, client, certificate } = await certified(t);
  const old = { alg: "RS256", x5t: thumbprint(certificate), "x5t#S256": undefined };
  for (const header of [{}, old]) {
    const { status, body } = await withAssertion(
      simulator,
      client,
      await assertionFor(simulator, client, certificate, { header }),
    );
    assert.equal(status, 200, JSON.stringify(body));
    const claims = decodeJwt(String(body.access_token));
    assert.deepEqual([claims.roles, claims.appidacr, claims.appid], [["User.Read.All"], "2", client]);
  }
});

const SECONDS = NOW / 1000;
const BROKEN: readonly {
  readonly what: string;
  readonly number: number;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
}[] = [
  { what: "an unknown certificate", number: 700027, header: { "x5t#S256": "AAAA" } },
  { what: "no certificate named", number: 700027, header: { "x5t#S256": undefined } },
  { what: "another audience", number: 700023, claims: { aud: "https://elsewhere.example" } },
  { what: "an end that has passed", number: 700024, claims: { nbf: SECONDS - 3600, exp: SECONDS - 3000 } },
  { what: "a beginning that has not come", number: 700024, claims: { nbf: SECONDS + 3600, exp: SECONDS + 3900 } },
  { what: "no end", number: 700024, claims: { exp: undefined } },
  { what: "a subject that is not its issuer", number: 50048, claims: { sub: "someone" } },
  { what: "another app's name", number: 700021, claims: { iss: "someone", sub: "someone" } },
  { what: "no subject", number: 50027, claims: { sub: undefined } },
];

for (const { what, number, ...change } of BROKEN) {
  test(`a client assertion with ${what} is refused with AADSTS${number}`, async (t) => {
    const { simulator, client, certificate } = await certified(t);
    const reply = await withAssertion(simulator, client, await assertionFor(simulator, client, certificate, change));
    assert.deepEqual([reply.status, reply.body.error, reply.numbers], [401, "invalid_client", [number]]);
  });
}

test("an assertion signed by another key under the right thumbprint, or used twice, is refused", async (t) => {
  const { simulator, client, certificate } = await certified(t);
  const forged = { ...testCertificate(), base64: certificate.base64 };
  const wrong = await withAssertion(simulator, client, await assertionFor(simulator, client, forged));
  assert.deepEqual(wrong.numbers, [700027]);
  const once = await assertionFor(simulator, client, certificate);
  assert.equal((await withAssertion(simulator, client, once)).status, 200);
  assert.deepEqual((await withAssertion(simulator, client, once)).numbers, [50012]);
});

test("an expired or removed certificate is refused, and a second one overlaps with the first", async (t) => {
  const { simulator, client, certificate } = await certified(t);
  const next = testCertificate();
  simulator.identity.addCertificate(client, next.pem);
  for (const one of [certificate, next]) {
    assert.equal((await withAssertion(simulator, client, await assertionFor(simulator, client, one))).status, 200);
  }
  const [first] = simulator.identity.apps().find((app) => app.client === client)?.certificates ?? [];
  simulator.identity.endCredentials(client, NOW, first?.keyId);
  const expired = await withAssertion(simulator, client, await assertionFor(simulator, client, certificate));
  assert.match(String(expired.body.error_description), /AADSTS700027.*expired/);
  assert.equal((await withAssertion(simulator, client, await assertionFor(simulator, client, next))).status, 200);
  simulator.identity.endCredentials(client, null);
  const gone = await withAssertion(simulator, client, await assertionFor(simulator, client, next));
  assert.match(String(gone.body.error_description), /AADSTS700027.*not found/);
});

interface Issuer {
  readonly url: string;
  sign(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>;
}

/** Another token issuer, with discovery and keys. */
async function startIssuer(t: TestContext): Promise<Issuer> {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", use: "sig" };
  const server = createServer((request, response) => {
    const found = request.url?.endsWith("/keys") ? { keys: [jwk] } : { issuer: url, jwks_uri: `${url}/keys` };
    response.end(JSON.stringify(found));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    sign: (claims, header = {}) =>
      new SignJWT({ iss: url, sub: "workload", aud: "api://AzureADTokenExchange", exp: SECONDS + 600, ...claims })
        .setProtectedHeader({ alg: "RS256", kid: "one", ...header })
        .sign(privateKey),
  };
}

test("another issuer's token signs in an app that trusts it, and only with its exact issuer, subject and audience", async (t) => {
  const [simulator, issuer, stranger] = [await startSignIn(t), await startIssuer(t), await startIssuer(t)];
  const { client } = simulator.identity.addApp({ federated: { issuer: issuer.url, subject: "workload" } });
  assert.equal((await withAssertion(simulator, client, await issuer.sign({}))).status, 200);
  const others = [{ sub: "Workload" }, { aud: "api://azureadtokenexchange" }, { iss: `${issuer.url}/` }];
  for (const claims of others) {
    assert.deepEqual((await withAssertion(simulator, client, await issuer.sign(claims))).numbers, [70021]);
  }
  const forged = await stranger.sign({ iss: issuer.url });
  assert.deepEqual((await withAssertion(simulator, client, forged)).numbers, [700027]);
  const late = await issuer.sign({ exp: SECONDS - 600 });
  assert.deepEqual((await withAssertion(simulator, client, late)).numbers, [700024]);
});

test("an issuer that cannot be asked is told as such", async (t) => {
  const simulator = await startSignIn(t);
  const issuer = await startIssuer(t);
  const elsewhere = "https://issuer.example";
  const { client } = simulator.identity.addApp({ federated: { issuer: elsewhere, subject: "workload" } });
  const reply = await withAssertion(simulator, client, await issuer.sign({ iss: elsewhere }));
  assert.deepEqual([reply.status, reply.numbers], [401, [50166]]);
});

test("a disabled app, a public app and another cloud's tenant are refused by their own numbers", async (t) => {
  const simulator = await startSignIn(t);
  const { identity } = simulator;
  const { client } = identity.addApp({ secret: "s3cret-of-a-test" });
  const fields = {
    grant_type: "client_credentials",
    client_id: client,
    client_secret: "s3cret-of-a-test",
    scope: GRAPH_DEFAULT,
  };
  assert.equal((await askToken(simulator, fields)).status, 200);
  identity.changeApp(client, { enabled: false });
  assert.deepEqual((await askToken(simulator, fields)).numbers, [7000112]);
  const open = identity.addApp({ publicFlows: true });
  assert.deepEqual((await askToken(simulator, { ...fields, client_id: open.client })).numbers, [700025]);
  identity.setOtherClouds({ "agency.onmicrosoft.us": "microsoftonline.us" });
  assert.deepEqual((await askToken(simulator, fields, "agency.onmicrosoft.us")).numbers, [900432]);
  const device = { grant_type: "device_code", client_id: client, device_code: "x" };
  assert.deepEqual((await askToken(simulator, device, "agency.onmicrosoft.us")).numbers, [90038]);
  assert.deepEqual((await askToken(simulator, fields, "organizations")).numbers, [50059]);
});

test("a granted or removed permission shows in tokens when it has spread", async (t) => {
  const simulator = await startSignIn(t, { replicationMs: 60_000 });
  const { client } = simulator.identity.addApp({
    secret: "s3cret-of-a-test",
    roles: ["User.Read.All"],
    consented: false,
  });
  const roles = async (): Promise<unknown> => {
    const fields = {
      grant_type: "client_credentials",
      client_id: client,
      client_secret: "s3cret-of-a-test",
      scope: GRAPH_DEFAULT,
    };
    return decodeJwt(String((await askToken(simulator, fields)).body.access_token)).roles;
  };
  assert.deepEqual(await roles(), []);
  simulator.identity.changeApp(client, { consented: true });
  assert.deepEqual(await roles(), []);
  simulator.advance(60_000);
  assert.deepEqual(await roles(), ["User.Read.All"]);
});

test("failures that were ordered meet the next requests and no more", async (t) => {
  const simulator = await startSignIn(t);
  const fields = {
    grant_type: "client_credentials",
    client_id: simulator.client,
    client_secret: simulator.secret,
    scope: GRAPH_DEFAULT,
  };
  for (const [number, status] of [
    [90055, 429],
    [90033, 503],
    [90024, 503],
    [50196, 400],
  ] as const) {
    simulator.identity.failSignIns(number);
    const reply = await askToken(simulator, fields);
    assert.deepEqual([reply.status, reply.numbers], [status, [number]]);
    assert.equal((await askToken(simulator, fields)).status, 200);
  }
});

test("a client with cp1 is challenged by Graph after a revocation until its token answers the challenge", async (t) => {
  const simulator = await startSignIn(t);
  const fields = {
    grant_type: "client_credentials",
    client_id: simulator.client,
    client_secret: simulator.secret,
    scope: GRAPH_DEFAULT,
  };
  const cp1 = { xms_cc: { values: ["cp1"] } };
  const get = (token: unknown): Promise<Response> =>
    fetch(`${simulator.graph}/v1.0/users?$top=1`, { headers: { authorization: `Bearer ${String(token)}` } });
  const plain = await askToken(simulator, fields);
  const capable = await askToken(simulator, { ...fields, claims: JSON.stringify({ access_token: cp1 }) });
  assert.deepEqual([plain.body.expires_in, capable.body.expires_in], [3599, 28 * 3600 - 1]);
  simulator.identity.revoke({ client: simulator.client });
  assert.equal((await get(plain.body.access_token)).status, 200, "without cp1 a token lives to its end");
  const challenged = await get(capable.body.access_token);
  const header = challenged.headers.get("www-authenticate") ?? "";
  assert.equal(challenged.status, 401);
  assert.match(header, /^Bearer .*error="insufficient_claims", claims="[A-Za-z0-9+/=]+"$/);
  const claims = JSON.parse(Buffer.from(/claims="([^"]+)"/.exec(header)?.[1] ?? "", "base64").toString()) as {
    readonly access_token: Readonly<Record<string, unknown>>;
  };
  const merged = JSON.stringify({ access_token: { ...claims.access_token, ...cp1 } });
  const fresh = await askToken(simulator, { ...fields, claims: merged });
  assert.equal((await get(fresh.body.access_token)).status, 200);
  const stale = await askToken(simulator, { ...fields, claims: JSON.stringify({ access_token: cp1 }) });
  assert.equal((await get(stale.body.access_token)).status, 401);
  simulator.identity.changeApp(simulator.client, { enabled: false });
  assert.equal((await get(fresh.body.access_token)).status, 401);
});

test("claims that are no JSON are refused", async (t) => {
  const simulator = await startSignIn(t);
  const fields = {
    grant_type: "client_credentials",
    client_id: simulator.client,
    client_secret: simulator.secret,
    scope: GRAPH_DEFAULT,
  };
  assert.deepEqual((await askToken(simulator, { ...fields, claims: "cp1" })).numbers, [9002313]);
});
