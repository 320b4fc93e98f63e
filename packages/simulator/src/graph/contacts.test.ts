import assert from "node:assert/strict";
import { test } from "node:test";
import { startClient } from "../testing/client.ts";
import { person, smallTenant, team } from "../testing/tenant.ts";

test("contacts are read by OrgContact.Read.All, and nothing in Graph writes them", async (t) => {
  const client = await startClient(t, { people: 60, groups: 20, contacts: 25, roles: ["OrgContact.Read.All"] });
  const { records } = await client.all("/contacts?$top=10");
  assert.equal(records.length, 25);
  const [first] = records;
  for (const name of ["displayName", "mail", "companyName", "phones", "addresses", "proxyAddresses"]) {
    assert.ok(first?.[name] !== undefined && first[name] !== null, name);
  }
  const { body } = await client.get(`/contacts/${first?.id}?$select=displayName,mail`);
  assert.deepEqual([body.displayName, body.mail], [first?.displayName, first?.mail]);
  const filtered = await client.get(`/contacts?$filter=companyName eq '${first?.companyName}'&$select=companyName`);
  assert.ok(filtered.body.value?.every(({ companyName }) => companyName === first?.companyName));
  assert.equal((await client.send("PATCH", `/contacts/${first?.id}`, { mail: "x@example.com" })).status, 405);
  assert.equal((await client.get("/users")).status, 403);
  client.simulator.setRoles(["User.Read.All"]);
  await client.signIn();
  assert.equal((await client.get("/contacts")).status, 403);
});

test("contacts are members of groups, also by type, and delta tells what Exchange changes", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(2, { [team(1)]: { members: [person(1)] } }) });
  const { contacts } = client.simulator;
  const id = contacts.create({ displayName: "Amara Adler", mail: "amara@fabrikam.com" });
  contacts.setMember(team(1), id, true);
  const { body: members } = await client.get(`/groups/${team(1)}/members?$select=id,displayName,mail`);
  assert.deepEqual(members.value?.map((member) => member["@odata.type"]).toSorted(), [
    "#microsoft.graph.orgContact",
    "#microsoft.graph.user",
  ]);
  const cast = await client.get(`/groups/${team(1)}/members/microsoft.graph.orgContact?$select=id,mail`);
  assert.deepEqual(cast.body.value, [{ id, mail: "amara@fabrikam.com" }]);
  const { last } = await client.all("/contacts/delta?$select=displayName,mail");
  const groups = await client.all("/groups/delta?$select=members");
  const [entries] = groups.records.map((group) => group["members@delta"] as readonly Record<string, unknown>[]);
  assert.deepEqual(
    entries?.find((entry) => entry.id === id),
    { "@odata.type": "#microsoft.graph.orgContact", id },
  );
  contacts.update(id, { mail: "amara@litware.com" });
  const changed = await client.all(String(last["@odata.deltaLink"]));
  assert.deepEqual(changed.records, [{ id, displayName: "Amara Adler", mail: "amara@litware.com" }]);
  assert.equal((await client.get(`/contacts/${id}/memberOf`)).body.value?.[0]?.id, team(1));
  contacts.remove(id);
  const gone = await client.all(String(changed.last["@odata.deltaLink"]));
  assert.deepEqual(gone.records, [{ id, "@removed": { reason: "deleted" } }]);
  assert.deepEqual((await client.get(`/groups/${team(1)}/members?$select=id`)).body.value?.length, 1);
  assert.equal((await client.get(`/directory/deletedItems/${id}`)).status, 404);
});

test("an app may put a contact into a security group, not into a Microsoft 365 group", async (t) => {
  const tenant = smallTenant(1, {
    [team(1)]: { members: [] },
    [team(2)]: { members: [], groupTypes: ["Unified"], mailEnabled: true, securityEnabled: false },
  });
  const client = await startClient(t, { tenant });
  const id = client.simulator.contacts.create({ displayName: "Bruno Bianchi" });
  const reference = { "@odata.id": `https://graph.microsoft.com/v1.0/contacts/${id}` };
  assert.equal((await client.send("POST", `/groups/${team(1)}/members/$ref`, reference)).status, 204);
  assert.equal((await client.send("POST", `/groups/${team(2)}/members/$ref`, reference)).status, 400);
});

test("the controls write contacts for other processes", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  const control = async (method: string, body: unknown): Promise<Response> =>
    fetch(`${client.simulator.graph}/_simulator/contacts`, { method, body: JSON.stringify(body) });
  const { id } = (await (await control("POST", { displayName: "Chiara Costa" })).json()) as { readonly id: string };
  assert.equal((await control("PATCH", { id, companyName: "Adatum" })).status, 204);
  assert.equal((await client.get(`/contacts/${id}`)).body.companyName, "Adatum");
  assert.equal((await control("DELETE", { id })).status, 204);
  assert.equal((await client.get(`/contacts/${id}`)).status, 404);
});
