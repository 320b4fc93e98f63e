import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { type TestContext, test } from "node:test";
import { type Simulator, startSimulator } from "@entrain/simulator";
import * as oidc from "openid-client";

const REDIRECT = "http://localhost/signed-in";
const GRAPH = "https://graph.microsoft.com/.default";
const SECRET = "s3cret-of-a-test";

async function simulated(t: TestContext): Promise<Simulator> {
  const simulator = await startSimulator({ people: 10, groups: 1, throttle: "off" });
  t.after(() => simulator.close());
  return simulator;
}

function configured(
  { login, tenant }: Simulator,
  client: string,
  authentication: oidc.ClientAuth,
): Promise<oidc.Configuration> {
  const execute = [oidc.allowInsecureRequests];
  return oidc.discovery(new URL(`${login}/${tenant}/v2.0`), client, undefined, authentication, { execute });
}

function refusedWith(number: number): (error: unknown) => boolean {
  return (error) =>
    error instanceof oidc.ResponseBodyError &&
    error.error === "invalid_client" &&
    String(error.error_description).startsWith(`AADSTS${number}: `);
}

/** The fields that a form carries along, and where it goes. */
function formOf(html: string): { readonly action: string; readonly fields: URLSearchParams } {
  const fields = new URLSearchParams();
  for (const [, name = "", value = ""] of html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)) {
    fields.set(name, value);
  }
  return { action: /<form method="post" action="([^"]*)"/.exec(html)?.[1] ?? "", fields };
}

async function postForm(html: string, more: Readonly<Record<string, string>>): Promise<Response> {
  const { action, fields } = formOf(html);
  for (const [name, value] of Object.entries(more)) fields.set(name, value);
  return fetch(action, { method: "POST", body: fields, redirect: "manual" });
}

test("a certified client finds the simulated service by discovery and earns an app's token by either way of sending a secret", async (t) => {
  const simulator = await simulated(t);
  for (const authentication of [oidc.ClientSecretPost(simulator.secret), oidc.ClientSecretBasic(simulator.secret)]) {
    const tokens = await oidc.clientCredentialsGrant(await configured(simulator, simulator.client, authentication), {
      scope: GRAPH,
    });
    assert.equal(tokens.expiresIn() !== undefined, true);
  }
  const wrong = await configured(simulator, simulator.client, oidc.ClientSecretPost("wrong"));
  await assert.rejects(oidc.clientCredentialsGrant(wrong, { scope: GRAPH }), refusedWith(7000215));
});

test("an assertion under no registered certificate is refused with what a certified client can read", async (t) => {
  const simulator = await simulated(t);
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = await crypto.subtle.importKey(
    "pkcs8",
    privateKey.export({ type: "pkcs8", format: "der" }),
    { name: "RSA-PSS", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const config = await configured(simulator, simulator.client, oidc.PrivateKeyJwt(key));
  await assert.rejects(oidc.clientCredentialsGrant(config, { scope: GRAPH }), refusedWith(700027));
});

test("code with PKCE, nonce and state, then a refresh, pass a certified client's checks", async (t) => {
  const simulator = await simulated(t);
  const app = simulator.identity.addApp({ web: [REDIRECT], secret: SECRET, scopes: ["User.Read"] });
  const person = simulator.identity.administrator();
  const config = await configured(simulator, app.client, oidc.ClientSecretPost(SECRET));
  const [pkceCodeVerifier, expectedNonce, expectedState] = [
    oidc.randomPKCECodeVerifier(),
    oidc.randomNonce(),
    oidc.randomState(),
  ];
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT,
    scope: "openid profile email offline_access User.Read",
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    nonce: expectedNonce,
    state: expectedState,
  });
  const page = await (await fetch(url)).text();
  const back = await postForm(page, { login: person.userPrincipalName, passwd: person.password ?? "" });
  const location = new URL(back.headers.get("location") ?? "");
  const tokens = await oidc.authorizationCodeGrant(config, location, {
    pkceCodeVerifier,
    expectedNonce,
    expectedState,
    idTokenExpected: true,
  });
  assert.deepEqual([tokens.claims()?.oid, tokens.claims()?.tid], [person.id, simulator.tenant]);
  const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? "");
  assert.notEqual(renewed.refresh_token, tokens.refresh_token);
  assert.notEqual(renewed.access_token, tokens.access_token);
});

test("the device flow of a certified client ends when somebody has typed its code", async (t) => {
  const simulator = await simulated(t);
  simulator.identity.setDeviceInterval(1);
  const app = simulator.identity.addApp({ publicFlows: true, scopes: ["User.Read"] });
  const person = simulator.identity.administrator();
  const config = await configured(simulator, app.client, oidc.None());
  const device = await oidc.initiateDeviceAuthorization(config, { scope: "openid User.Read" });
  const entered = await postForm(await (await fetch(device.verification_uri)).text(), { user_code: device.user_code });
  const signedIn = await postForm(await entered.text(), {
    login: person.userPrincipalName,
    passwd: person.password ?? "",
  });
  await postForm(await signedIn.text(), { consent: "accept" });
  const tokens = await oidc.pollDeviceAuthorizationGrant(config, device);
  assert.equal(tokens.claims()?.oid, person.id);
});
