import assert from "node:assert/strict";
import { test } from "node:test";
import { NAMES, startTestServer } from "./testing.ts";

test("pages the attributes of a tenant, and asks the tenant once for all pages", async (context) => {
  const server = await startTestServer();
  context.after(() => server.close());
  const client = await server.signIn();
  const path = `/api/v1/connections/${NAMES.connection}/attributes`;
  const names: string[] = [];
  for (let next: string | null = ""; next !== null; ) {
    const page = await client.get(`${path}?kind=user&limit=40${next === "" ? "" : `&after=${next}`}`);
    assert.equal(page.status, 200, page.text);
    for (const { kind, name } of page.body.items) {
      assert.equal(kind, "user");
      names.push(name);
    }
    next = page.body.next;
  }
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.includes("employeeOrgData.costCenter") && names.includes("manager"));
  const asked = server.simulator.requests.list("getAvailableExtension");
  assert.equal(asked.length, 1);
  const found = await client.get(`${path}?search=EXTENSIONATTRIBUTE1`);
  assert.equal(found.body.items.length, 14, "extensionAttribute1 and 10 to 15, of people and groups");
  assert.equal((await client.get("/api/v1/connections/nobody/attributes")).status, 404);
  assert.equal((await client.get(`${path}?after=nonsense`)).status, 400);
});
