import assert from "node:assert/strict";
import { test } from "node:test";
import type { Simulator } from "../simulator.ts";
import { askToken, GRAPH_DEFAULT, NOW, startSignIn, testCertificate } from "../testing/signin.ts";

async function control(
  simulator: Simulator,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly value: unknown }> {
  const response = await fetch(`${simulator.login}/_simulator${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, value: text === "" ? null : JSON.parse(text) };
}

test("another process registers apps, changes them and ends their credentials", async (t) => {
  const simulator = await startSignIn(t);
  const made = await control(simulator, "POST", "/apps", {
    displayName: "Far",
    roles: ["User.Read.All"],
    secret: "s3cret-of-a-test",
  });
  const { client } = made.value as { client: string };
  assert.deepEqual([made.status, JSON.stringify(made.value).includes("s3cret")], [200, false]);
  const fields = {
    grant_type: "client_credentials",
    client_id: client,
    client_secret: "s3cret-of-a-test",
    scope: GRAPH_DEFAULT,
  };
  assert.equal((await askToken(simulator, fields)).status, 200);
  assert.equal((await control(simulator, "PATCH", "/apps", { client, enabled: false })).status, 204);
  assert.deepEqual((await askToken(simulator, fields)).numbers, [7000112]);
  await control(simulator, "PATCH", "/apps", { client, enabled: true });
  await control(simulator, "POST", "/end-credentials", { client, at: NOW });
  assert.deepEqual((await askToken(simulator, fields)).numbers, [7000222]);
  await control(simulator, "POST", "/app-secrets", { client, value: "an0ther-of-a-test" });
  assert.equal((await askToken(simulator, { ...fields, client_secret: "an0ther-of-a-test" })).status, 200);
  assert.equal(
    (await control(simulator, "POST", "/app-certificates", { client, certificate: testCertificate().pem })).status,
    204,
  );
  assert.equal(
    (await control(simulator, "POST", "/app-trusts", { client, issuer: "https://i.example", subject: "s" })).status,
    204,
  );
  assert.equal((await control(simulator, "POST", "/end-credentials", { client })).status, 204);
  assert.deepEqual((await askToken(simulator, fields)).numbers, [7000215]);
  assert.equal((await control(simulator, "DELETE", "/apps", { client })).status, 204);
  assert.equal(((await control(simulator, "GET", "/apps")).value as readonly unknown[]).length, 1);
});

test("another process reads people's passwords, changes accounts and sets policies", async (t) => {
  const simulator = await startSignIn(t);
  const [first] = (await control(simulator, "GET", "/people")).value as readonly {
    userPrincipalName: string;
    roles: readonly string[];
    password: string;
  }[];
  assert.deepEqual(first?.roles, ["Global Administrator"]);
  const app = simulator.identity.addApp({ publicFlows: true, scopes: ["User.Read"] });
  const fields = {
    grant_type: "password",
    client_id: app.client,
    scope: "User.Read",
    username: first?.userPrincipalName ?? "",
    password: first?.password ?? "",
  };
  assert.equal((await askToken(simulator, fields)).status, 200);
  const steps: readonly (readonly [string, string, unknown, number | null])[] = [
    ["PATCH", "/people", { key: fields.username, mfa: "required" }, 50076],
    ["PATCH", "/people", { key: fields.username, mfa: "off", roles: [] }, null],
    ["PUT", "/conditional-access", { policy: "block" }, 53003],
    ["PUT", "/conditional-access", { policy: "off" }, null],
    ["POST", "/sign-in-failures", { number: 90033 }, 90033],
    ["PUT", "/user-consent", { allowed: false }, null],
    ["PUT", "/replication", { delayMs: 5 }, null],
    ["PUT", "/device-interval", { seconds: 2 }, null],
    ["POST", "/revoke", { person: fields.username }, null],
    ["PUT", "/other-clouds", { "far.example": "microsoftonline.us" }, null],
  ];
  for (const [method, path, body, number] of steps) {
    assert.equal((await control(simulator, method, path, body)).status, 204, path);
    assert.deepEqual((await askToken(simulator, fields)).numbers, number === null ? undefined : [number], path);
  }
  assert.throws(() => simulator.identity.administrator(), /Nobody holds the role/);
});

test("a control that is used wrongly says how", async (t) => {
  const simulator = await startSignIn(t);
  const wrong: readonly (readonly [string, string, unknown, RegExp])[] = [
    ["PATCH", "/apps", {}, /client must be given/],
    ["PATCH", "/apps", { client: "x" }, /There is no app x/],
    ["PATCH", "/people", { key: "nobody" }, /There is no person nobody/],
    ["PATCH", "/people", { key: "person1@contoso.com", roles: ["King"] }, /There is no role King/],
    ["PUT", "/conditional-access", { policy: "maybe" }, /There is no policy maybe/],
    ["POST", "/apps", { scopes: ["Nothing.Read"] }, /no delegated permission Nothing.Read/],
    ["POST", "/app-certificates", { client: simulator.client, certificate: "x" }, /no X.509 certificate/],
    ["PUT", "/user-consent", { allowed: true, tenant: "elsewhere" }, /There is no tenant elsewhere/],
  ];
  for (const [method, path, body, says] of wrong) {
    const { status, value } = await control(simulator, method, path, body);
    assert.equal(status, 400);
    assert.match((value as { error: string }).error, says);
  }
});
