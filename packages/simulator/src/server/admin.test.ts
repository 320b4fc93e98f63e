import assert from "node:assert/strict";
import { test } from "node:test";
import { startClient, type TestClient } from "../testing/client.ts";
import { person, smallTenant } from "../testing/tenant.ts";

async function control(
  client: TestClient,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${client.simulator.graph}/_simulator${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

test("faults are set, seen and cleared over HTTP, and do not strike the controls", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  const rules = [{ path: "/**", action: { type: "status", status: 500 } }];
  assert.equal((await control(client, "PUT", "/faults", rules)).status, 204);
  assert.equal((await client.get("/users")).status, 500);
  assert.deepEqual((await control(client, "GET", "/faults")).body, [{ ...rules[0], struck: 1 }]);
  await control(client, "DELETE", "/faults");
  assert.equal((await client.get("/users")).status, 200);
  assert.equal((await control(client, "POST", "/faults", { path: "/users", action: { type: "bang" } })).status, 400);
});

test("the log of requests holds method, path and status in order, and no token", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  await control(client, "DELETE", "/requests");
  await client.get("/users?$top=1");
  await client.get("/users/nobody@contoso.com");
  const { body } = await control(client, "GET", "/requests");
  const { count, requests } = body as { count: number; requests: readonly Record<string, unknown>[] };
  assert.equal(count, 2);
  assert.deepEqual(
    requests.map(({ method, path, status }) => [method, path, status]),
    [
      ["GET", "/v1.0/users?$top=1", 200],
      ["GET", "/v1.0/users/nobody@contoso.com", 404],
    ],
  );
  assert.equal(JSON.stringify(body).includes("Bearer"), false);
});

test("clock, roles, secrets, delta tokens and churn move over HTTP; secrets are never shown", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(20), clock: () => 1_800_000_000_000 });
  assert.deepEqual((await control(client, "POST", "/clock", { advanceMs: 5 })).body, { now: 1_800_000_000_005 });
  assert.equal((await control(client, "POST", "/clock", { advanceMs: -5 })).status, 400);
  await control(client, "PUT", "/roles", ["User.Read.All"]);
  assert.deepEqual(client.simulator.roles, ["User.Read.All"]);
  await control(client, "POST", "/secrets", { value: "a new one", expiresAt: 7 });
  assert.deepEqual((await control(client, "GET", "/secrets")).body, [{ expiresAt: null }, { expiresAt: 7 }]);
  const { last } = await client.all("/users/delta");
  await control(client, "POST", "/churn", { changes: 3 });
  const { version } = (await control(client, "GET", "/status")).body as { version: number };
  assert.ok(version > 1);
  await control(client, "POST", "/expire-delta-tokens");
  assert.equal((await client.get(last["@odata.deltaLink"] ?? "")).status, 410);
  assert.equal((await control(client, "GET", "/nothing")).status, 404);
  assert.equal((await client.get(`/users/${person(1)}`)).status, 200);
});
