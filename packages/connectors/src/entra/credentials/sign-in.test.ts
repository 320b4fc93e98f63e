import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { decodeProtectedHeader, jwtVerify } from "jose";
import {
  CLIENT,
  type FakeTenant,
  graphCalls,
  readAll,
  rigFor,
  SECRET,
  START,
  startTenant,
  TENANT,
} from "../testing.ts";
import type { Credential, DelegatedCredential } from "./credential.ts";
import { makeCertificate } from "./testing.ts";

const tenants: FakeTenant[] = [];
after(() => Promise.all(tenants.map((tenant) => tenant.close())));
const made = makeCertificate(START - 86_400_000, START + 86_400_000);
const ASSERTION = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJqb2IifQ.CANARY";

async function emptyTenant(): Promise<FakeTenant> {
  const tenant = await startTenant((call, origin) => {
    if (call.path.endsWith("$count")) return { body: "1" };
    if (call.path.endsWith("/delta"))
      return { body: { "@odata.deltaLink": `${origin}/v1.0/users/delta?t`, value: [] } };
    return { body: { value: [{ id: "1", accountEnabled: true }] } };
  });
  tenants.push(tenant);
  return tenant;
}

function forms(tenant: FakeTenant): readonly Readonly<Record<string, string>>[] {
  return tenant.calls
    .filter((call) => call.path.endsWith("/token"))
    .map((call) => Object.fromEntries(new URLSearchParams(call.body)));
}

async function readWith(tenant: FakeTenant, ...credentials: readonly Credential[]): Promise<void> {
  const { source } = rigFor(tenant.origin, { credentials });
  try {
    await readAll(source, "user");
  } finally {
    await source.close();
  }
}

function refusal(number: number, error = "invalid_client"): FakeTenant["refusal"] {
  return { status: 401, body: { error, error_description: `AADSTS${number}`, error_codes: [number] } };
}

test("signs an assertion with the certificate's key, as Microsoft documents it", async () => {
  const tenant = await emptyTenant();
  await readWith(tenant, { kind: "certificate", certificate: () => ({ data: made.certificate, key: made.key }) });
  const [form] = forms(tenant);
  assert.equal(form?.client_assertion_type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  assert.equal(form?.client_secret, undefined);
  const jwt = form?.client_assertion ?? "";
  const certificate = new X509Certificate(made.certificate);
  const { payload } = await jwtVerify(jwt, certificate.publicKey, {
    algorithms: ["PS256"],
    audience: `${tenant.origin}/${TENANT}/oauth2/v2.0/token`,
    issuer: CLIENT,
    subject: CLIENT,
    currentDate: new Date(START),
  });
  const header = decodeProtectedHeader(jwt);
  const thumbprint = Buffer.from(certificate.fingerprint256.replaceAll(":", ""), "hex").toString("base64url");
  assert.deepEqual(header, { alg: "PS256", typ: "JWT", "x5t#S256": thumbprint });
  assert.equal(Number(payload.exp) - Number(payload.nbf), 600);
  assert.match(String(payload.jti), /^[\w-]{20,}$/);
});

test("sends another provider's assertion as it is, asked for anew at each sign-in", async () => {
  const tenant = await emptyTenant();
  let asked = 0;
  const credential: Credential = { kind: "federated", assertion: () => `${ASSERTION}${++asked}\n` };
  const { source, time } = rigFor(tenant.origin, { credentials: [credential] });
  await readAll(source, "user");
  time.now += 3_600_000;
  await readAll(source, "user");
  await source.close();
  assert.deepEqual(
    forms(tenant).map((form) => form.client_assertion),
    [`${ASSERTION}1`, `${ASSERTION}2`],
  );
});

test("sends user name and password with the tenant's own endpoint, without a secret for a public client", async () => {
  const tenant = await emptyTenant();
  await readWith(tenant, { kind: "password", username: "sync@contoso.com", password: () => SECRET });
  const [form] = forms(tenant);
  assert.deepEqual(
    { grant: form?.grant_type, username: form?.username, password: form?.password, secret: form?.client_secret },
    { grant: "password", username: "sync@contoso.com", password: SECRET, secret: undefined },
  );
});

test("refreshes an administrator's sign-in, keeps the token that replaces it, and says when it died", async () => {
  const tenant = await emptyTenant();
  const kept: string[] = [];
  const died: string[] = [];
  const credential: DelegatedCredential = {
    kind: "delegated",
    refreshToken: async () => "CANARYrefresh",
    replace: async (token) => void kept.push(token),
    refused: async (reason) => assert.fail(reason),
    died: async (reason) => void died.push(reason),
  };
  tenant.grantMore = { refresh_token: "CANARYnext" };
  await readWith(tenant, credential);
  const [form] = forms(tenant);
  assert.equal(form?.grant_type, "refresh_token");
  assert.equal(form?.refresh_token, "CANARYrefresh");
  assert.match(form?.scope ?? "", /\/\.default offline_access$/);
  assert.deepEqual(kept, ["CANARYnext"]);
  tenant.refusal = refusal(700082, "invalid_grant");
  await assert.rejects(readWith(tenant, credential), { code: "sign_in_refused" });
  assert.equal(died.length, 1);
  assert.doesNotMatch(died.join(), /CANARY/);
  await assert.rejects(
    readWith(tenant, { ...credential, refreshToken: async () => null }),
    /No administrator has signed in/,
  );
});

test("an administrator's sign-in ends by the answers that end it, and outlives those that may pass", async () => {
  const tenant = await emptyTenant();
  const told: string[] = [];
  const credential: DelegatedCredential = {
    kind: "delegated",
    refreshToken: async () => "CANARYrefresh",
    replace: async () => void told.push("works"),
    refused: async () => void told.push("refused"),
    died: async () => void told.push("died"),
  };
  const after = async (number: number): Promise<string> => {
    told.length = 0;
    tenant.refusal = refusal(number, "invalid_grant");
    await assert.rejects(readWith(tenant, credential), { code: "sign_in_refused" });
    return told.join();
  };
  for (const number of [50173, 50132, 50133, 70000, 70008, 70043, 700082, 700084]) {
    assert.equal(await after(number), "died", `AADSTS${number}`);
  }
  for (const number of [50034, 50053, 50055, 50057, 500571, 50076, 50078, 50079, 50105, 53003, 65001, 700016]) {
    assert.equal(await after(number), "refused", `AADSTS${number}`);
  }
  assert.equal(await after(90033), "", "a fault of the service");
  tenant.refusal = null;
  told.length = 0;
  await readWith(tenant, credential);
  assert.deepEqual(told, ["works"]);
});

test("goes on with the second credential when the first is refused, and stays with the one that works", async () => {
  const tenant = await emptyTenant();
  const secrets = (first: string, second: string): Credential[] =>
    [first, second].map((secret) => ({ kind: "secret", secret: () => secret }));
  tenant.judge = (form) => (form.get("client_secret") === "old~secret" ? refusal(7000222) : null);
  const { source, time } = rigFor(tenant.origin, { credentials: secrets("old~secret", "new~secret") });
  await readAll(source, "user");
  time.now += 3_600_000;
  await readAll(source, "user");
  await source.close();
  assert.deepEqual(
    forms(tenant).map((form) => form.client_secret),
    ["old~secret", "new~secret", "new~secret"],
  );
});

test("passes over a credential that cannot be read, but not over a refusal that concerns them all", async () => {
  const tenant = await emptyTenant();
  const broken: Credential = { kind: "certificate", certificate: () => ({ data: "nothing" }) };
  await readWith(tenant, broken, { kind: "secret", secret: () => SECRET });
  assert.equal(forms(tenant).length, 1);
  tenant.refusal = refusal(700016, "unauthorized_client");
  await assert.rejects(
    readWith(tenant, ...[1, 2].map(() => ({ kind: "secret" as const, secret: () => SECRET }))),
    /AADSTS700016/,
  );
  assert.equal(forms(tenant).length, 2);
});

const grantOf = (form: URLSearchParams): string => form.get("grant_type") ?? "";
const person: Credential = { kind: "password", username: "sync@contoso.com", password: () => SECRET };
const agreed: DelegatedCredential = {
  kind: "delegated",
  refreshToken: async () => "CANARYrefresh",
  replace: async () => undefined,
  refused: async () => undefined,
  died: async () => undefined,
};

test("passes from an account that may not sign in to the credential behind it, whatever the reason", async () => {
  const tenant = await emptyTenant();
  for (const first of [person, agreed]) {
    // 1234567 is a number that nobody documents.
    for (const number of [53003, 53000, 53001, 530035, 50105, 65001, 50078, 70043, 50158, 50076, 1234567]) {
      tenant.judge = (form) => (grantOf(form) === "client_credentials" ? null : refusal(number, "invalid_grant"));
      const before = forms(tenant).length;
      await readWith(tenant, first, { kind: "secret", secret: () => SECRET });
      assert.equal(forms(tenant).length, before + 2, `AADSTS${number}`);
    }
  }
});

test("a refusal of the application itself is met by its other secrets too, but not by an account", async () => {
  const tenant = await emptyTenant();
  const secrets = ["one~", "two~"].map((value): Credential => ({ kind: "secret", secret: () => value }));
  tenant.judge = (form) => (grantOf(form) === "client_credentials" ? refusal(53003, "access_denied") : null);
  await readWith(tenant, ...secrets, person);
  assert.deepEqual(
    forms(tenant).map((form) => form.grant_type),
    ["client_credentials", "password"],
  );
});

test("tries no other credential for what concerns the tenant, the application or the service", async () => {
  const tenant = await emptyTenant();
  for (const number of [700016, 7000112, 7000229, 90002, 900023, 90038, 900382, 500011, 90033]) {
    tenant.refusal = refusal(number);
    const before = forms(tenant).length;
    await assert.rejects(readWith(tenant, person, { kind: "secret", secret: () => SECRET }), new RegExp(`${number}`));
    assert.equal(forms(tenant).length, before + 1, `AADSTS${number}`);
  }
});

test("passes over an assertion that cannot be fetched, however that fails", async (t) => {
  const tenant = await emptyTenant();
  let answer: { readonly status: number; readonly body: string; readonly headers?: Record<string, string> } | null =
    null;
  const provider = createServer((_request, response) => {
    if (answer === null) response.destroy();
    else response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    provider.close();
    provider.closeAllConnections();
  });
  const address = provider.address();
  assert.ok(typeof address === "object" && address !== null);
  const url = `http://127.0.0.1:${address.port}/token`;
  const answers = [
    null,
    { status: 200, body: "<html>sign in</html>" },
    { status: 500, body: "down" },
    { status: 429, body: "later", headers: { "retry-after": "3600" } },
  ];
  for (const one of answers) {
    answer = one;
    const before = forms(tenant).length;
    await readWith(tenant, { kind: "federated", assertion: { url } }, { kind: "secret", secret: () => SECRET });
    assert.equal(forms(tenant).length, before + 1, JSON.stringify(one));
  }
  await assert.rejects(
    readWith(tenant, { kind: "federated", assertion: { url } }),
    (fault: Error & { fix?: string }) => {
      assert.match(fault.message, /assertion/);
      assert.match(fault.fix ?? "", /address/);
      return true;
    },
  );
});

test("names every credential when none works", async () => {
  const tenant = await emptyTenant();
  tenant.refusal = refusal(7000215);
  const certificate: Credential = {
    kind: "certificate",
    certificate: () => ({ data: made.certificate, key: made.key }),
  };
  await assert.rejects(readWith(tenant, { kind: "secret", secret: () => SECRET }, certificate), (fault: Error) => {
    assert.match(fault.message, /None of the 2 credentials works\. the client secret: .* — the certificate: /);
    assert.doesNotMatch(fault.message, /CANARY/);
    return true;
  });
});

test("answers a claims challenge with a new token that was asked for with those claims", async () => {
  const challenge = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}';
  let challenged = false;
  const tenant = await startTenant((call, origin) => {
    if (!challenged) {
      challenged = true;
      const claims = Buffer.from(challenge).toString("base64");
      const header = `Bearer realm="", authorization_uri="${origin}", error="insufficient_claims", claims="${claims}"`;
      return {
        status: 401,
        headers: { "www-authenticate": header },
        body: { error: { code: "InvalidAuthenticationToken" } },
      };
    }
    if (call.path.endsWith("$count")) return { body: "1" };
    if (call.path.endsWith("/delta"))
      return { body: { "@odata.deltaLink": `${origin}/v1.0/users/delta?t`, value: [] } };
    return { body: { value: [{ id: "1", accountEnabled: true }] } };
  });
  tenants.push(tenant);
  await readWith(tenant, { kind: "secret", secret: () => SECRET });
  const [first, second, ...more] = forms(tenant).map((form) => JSON.parse(form.claims ?? "null"));
  assert.deepEqual(first, { access_token: { xms_cc: { values: ["cp1"] } } });
  assert.deepEqual(second, { access_token: { nbf: { essential: true, value: "1" }, xms_cc: { values: ["cp1"] } } });
  assert.deepEqual(more, []);
  assert.ok(graphCalls(tenant).length > 2);
});

test("asks the machine's managed identity, as Azure App Service hands it out", async (t) => {
  const tenant = await emptyTenant();
  const asked: URL[] = [];
  const endpoint = createServer((request, response) => {
    asked.push(new URL(request.url ?? "", "http://127.0.0.1"));
    const known = request.headers["x-identity-header"] === "header";
    const expires_on = String(Math.floor(Date.now() / 1000) + 3600);
    response.writeHead(known ? 200 : 401, { "content-type": "application/json" });
    response.end(
      JSON.stringify({ access_token: `${ASSERTION}`, expires_on, resource: tenant.origin, token_type: "Bearer" }),
    );
  });
  await new Promise<void>((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
  const address = endpoint.address();
  assert.ok(typeof address === "object" && address !== null);
  const names = { IDENTITY_ENDPOINT: `http://127.0.0.1:${address.port}/msi/token`, IDENTITY_HEADER: "header" };
  Object.assign(process.env, names);
  t.after(() => {
    for (const name of Object.keys(names)) delete process.env[name];
    endpoint.close();
    endpoint.closeAllConnections();
  });
  await readWith(tenant, { kind: "managed-identity", identity: "3b1f7e2c-1111-4222-8333-444455556666" });
  assert.equal(forms(tenant).length, 0);
  assert.equal(asked[0]?.searchParams.get("resource"), tenant.origin);
  assert.equal(asked[0]?.searchParams.get("client_id"), "3b1f7e2c-1111-4222-8333-444455556666");
  assert.ok(tenant.calls.every((call) => call.headers.authorization === `Bearer ${ASSERTION}`));
});
