import assert from "node:assert/strict";
import { test } from "node:test";
import { startClient, type TestClient } from "../testing/client.ts";
import { person, smallTenant } from "../testing/tenant.ts";

interface Inner {
  readonly id: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

async function batch(client: TestClient, requests: readonly unknown[]): Promise<readonly Inner[]> {
  const { status, body } = await client.send("POST", "/$batch", { requests });
  assert.equal(status, 200);
  return body.responses as readonly Inner[];
}

test("each request of a batch has its own status, headers and body", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(2) });
  const responses = await batch(client, [
    { id: "1", method: "GET", url: "/users?$top=1&$select=id" },
    { id: "2", method: "GET", url: "users/nobody@contoso.com" },
    { id: "3", method: "GET", url: "/users/$count", headers: { ConsistencyLevel: "eventual" } },
    {
      id: "4",
      method: "PATCH",
      url: `/users/${person(2)}`,
      body: { city: "Oslo" },
      headers: { "Content-Type": "application/json" },
    },
  ]);
  assert.deepEqual(
    responses.map(({ id, status }) => [id, status]),
    [
      ["1", 200],
      ["2", 404],
      ["3", 200],
      ["4", 204],
    ],
  );
  assert.deepEqual(responses[0]?.body?.value, [{ id: person(1) }]);
  assert.equal(responses[2]?.body, "2" as unknown);
  assert.equal((await client.get(`/users/${person(2)}?$select=city`)).body.city, "Oslo");
});

test("a request after a failed predecessor answers 424", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(2) });
  const responses = await batch(client, [
    { id: "c", method: "GET", url: "/users", dependsOn: ["b"] },
    { id: "b", method: "GET", url: "/users", dependsOn: ["a"] },
    { id: "a", method: "GET", url: "/users/nobody@contoso.com" },
  ]);
  assert.deepEqual(
    responses.map(({ id, status }) => [id, status]),
    [
      ["a", 404],
      ["b", 424],
      ["c", 424],
    ],
  );
});

const GET = { method: "GET", url: "/users" };
const BROKEN: Readonly<Record<string, unknown>> = {
  "more than 20 requests": Array.from({ length: 21 }, (_, i) => ({ ...GET, id: String(i) })),
  "an id used twice": [
    { ...GET, id: "1" },
    { ...GET, id: "1" },
  ],
  "a missing id": [GET],
  "an absolute url": [{ ...GET, id: "1", url: "https://graph.microsoft.com/v1.0/users" }],
  "a body without content type": [{ id: "1", method: "PATCH", url: "/users/x", body: {} }],
  "an unknown predecessor": [{ ...GET, id: "1", dependsOn: ["9"] }],
  "a cycle": [{ ...GET, id: "1", dependsOn: ["1"] }],
  "no list": "requests",
};

for (const [what, requests] of Object.entries(BROKEN)) {
  test(`a batch with ${what} is refused as a whole`, async (t) => {
    const client = await startClient(t, { tenant: smallTenant(1) });
    assert.equal((await client.send("POST", "/$batch", { requests })).status, 400);
  });
}
