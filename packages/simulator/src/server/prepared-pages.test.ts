import assert from "node:assert/strict";
import { test } from "node:test";
import { startClient } from "../testing/client.ts";
import { person, smallTenant, team } from "../testing/tenant.ts";

const PATH = "/users?$top=999&$select=id,displayName,department,mail,userPrincipalName";

test("a page comes again as it was, and new after any write, for other roles and for a fault", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(200, { [team(1)]: { members: [person(1)] } }) });
  const first = await client.get(PATH);
  assert.ok(first.text.length > 8192);
  assert.deepEqual((await client.get(PATH)).body, first.body);
  assert.equal((await client.get(PATH)).headers.get("x-ms-resource-unit"), "1");
  await client.send("PATCH", `/users/${person(7)}`, { displayName: "Renamed" });
  const renamed = await client.get(PATH);
  assert.equal(renamed.body.value?.find(({ id }) => id === person(7))?.displayName, "Renamed");
  client.simulator.faults.set([{ path: "/users", times: 1, action: { type: "nulls" } }]);
  assert.equal((await client.get(PATH)).body.value?.[0]?.department, null);
  assert.equal((await client.get(PATH)).body.value?.[0]?.department, "Sales");
  client.simulator.setRoles(["User.ReadBasic.All"]);
  await client.signIn();
  assert.equal((await client.get(PATH)).body.value?.[0]?.department, null);
  client.simulator.setRoles(["Group.Read.All"]);
  await client.signIn();
  assert.equal((await client.get(PATH)).status, 403);
});
