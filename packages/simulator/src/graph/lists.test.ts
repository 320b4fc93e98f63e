import assert from "node:assert/strict";
import { test } from "node:test";
import { startClient } from "../testing/client.ts";
import { person, smallTenant, team } from "../testing/tenant.ts";

const EVENTUAL = { consistencylevel: "eventual" };

test("a page holds 100 records unless asked, 999 at most, and 1000 is refused", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1001) });
  assert.equal((await client.get("/users")).body.value?.length, 100);
  assert.equal((await client.get("/users?$top=999")).body.value?.length, 999);
  const refused = await client.get("/users?$top=1000");
  assert.equal(refused.status, 400);
  assert.equal(
    refused.body.error?.message,
    "Invalid page size specified: '1000'. Must be between 1 and 999 inclusive.",
  );
  assert.equal((await client.get("/users?$top=501&$select=id,signInActivity")).status, 400);
});

test("next links keep the query, stay on the simulator and lead through everyone once", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(250) });
  const first = await client.get("/users?$top=99&$select=id,department");
  const link = first.body["@odata.nextLink"] ?? "";
  assert.ok(link.startsWith(`${client.simulator.graph}/v1.0/users?$top=99&$select=id,department&$skiptoken=`));
  const { records, pages } = await client.all("/users?$top=99&$select=id,department");
  assert.equal(pages, 3);
  assert.equal(new Set(records.map(({ id }) => id)).size, 250);
  assert.deepEqual(Object.keys(records[0] ?? {}), ["id", "department"]);
});

test("a full last page has no next link", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(200) });
  assert.equal((await client.all("/users")).pages, 2);
});

test("paging passes over people deleted meanwhile and misses nobody", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(300) });
  const first = await client.get("/users?$select=id");
  for (const number of [1, 50, 100, 101]) await client.send("DELETE", `/users/${person(number)}`);
  const { records } = await client.all(first.body["@odata.nextLink"] ?? "");
  assert.equal(records.length, 199);
  assert.equal(records[0]?.id, person(102));
});

test("without $select a user has the default properties, never set ones null or empty", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  const { body } = await client.get("/users");
  assert.deepEqual(body.value?.[0], {
    businessPhones: [],
    displayName: "Person 1",
    givenName: null,
    jobTitle: null,
    mail: "person1@contoso.com",
    mobilePhone: null,
    officeLocation: null,
    preferredLanguage: null,
    surname: null,
    userPrincipalName: "person1@contoso.com",
    id: person(1),
  });
});

test("a user is found by id and by user name, in any case; nobody is 404", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(2) });
  assert.equal((await client.get(`/users/${person(2).toUpperCase()}`)).body.id, person(2));
  assert.equal((await client.get("/users/Person2@contoso.com")).body.id, person(2));
  assert.equal((await client.get(`/users('${person(2)}')`)).body.id, person(2));
  const { status, body } = await client.get(`/users/${person(3)}`);
  assert.equal(status, 404);
  assert.equal(body.error?.code, "Request_ResourceNotFound");
});

test("refuses $skip, unknown properties, unknown options; properties kept elsewhere are 501", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  assert.equal((await client.get("/users?$skip=1")).status, 400);
  assert.match((await client.get("/users?$select=shoeSize")).body.error?.message ?? "", /property named 'shoeSize'/);
  assert.equal((await client.get("/users?$frob=1")).status, 400);
  assert.equal((await client.get("/users?$top=5&$top=6")).status, 400);
  assert.equal((await client.get("/users?$select=skills")).status, 501);
  const single = await client.get(`/users/${person(1)}?$select=skills,birthday`);
  assert.deepEqual([single.status, single.body.skills, single.body.birthday], [200, [], "0001-01-01T00:00:00Z"]);
});

test("$count is advanced: refused as a segment, silently ignored as an option, told on the first page only", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(150) });
  assert.equal((await client.get("/users/$count")).body.error?.code, "Request_BadRequest");
  const counted = await client.get("/users/$count", EVENTUAL);
  assert.equal(counted.text, "150");
  assert.match(counted.headers.get("content-type") ?? "", /text\/plain/);
  assert.equal((await client.get("/users?$count=true")).body["@odata.count"], undefined);
  const first = await client.get("/users?$count=true", EVENTUAL);
  assert.equal(first.body["@odata.count"], 150);
  const second = await client.get(first.body["@odata.nextLink"] ?? "", EVENTUAL);
  assert.equal(second.body["@odata.count"], undefined);
  assert.equal((await client.get("/users/$count?$filter=department eq 'Sales'", EVENTUAL)).text, "75");
});

test("advanced queries need header and $count=true, on every page again", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(300) });
  const query = "/users?$filter=department ne 'Legal'&$count=true&$top=99";
  assert.equal((await client.get(query)).body.error?.code, "Request_UnsupportedQuery");
  assert.equal((await client.get(query.replace("&$count=true", ""), EVENTUAL)).status, 400);
  const first = await client.get(query, EVENTUAL);
  assert.equal(first.body["@odata.count"], 150);
  assert.equal((await client.get(first.body["@odata.nextLink"] ?? "")).status, 400);
  assert.equal((await client.get(first.body["@odata.nextLink"] ?? "", EVENTUAL)).body.value?.length, 51);
});

test("$search without the header is refused in Graph's words", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(20) });
  const refused = await client.get('/users?$search="displayName:Person"');
  assert.equal(refused.body.error?.code, "Request_UnsupportedQuery");
  const found = await client.get('/users?$search="displayName:13"', EVENTUAL);
  assert.deepEqual(
    found.body.value?.map(({ id }) => id),
    [person(13)],
  );
});

test("orders by display name across pages; together with a filter only as an advanced query", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(120) });
  const { records } = await client.all("/users?$orderby=displayName desc&$top=50&$select=displayName");
  const names = records.map(({ displayName }) => String(displayName));
  assert.deepEqual(names, names.toSorted().toReversed());
  assert.equal(names.length, 120);
  const both = "/users?$orderby=displayName&$filter=department eq 'Sales'";
  assert.equal((await client.get(both)).status, 400);
  assert.equal((await client.get(`${both}&$count=true`, EVENTUAL)).status, 200);
  assert.equal((await client.get("/users?$orderby=department")).status, 400);
});

test("$expand=members stops at 20 and gives no link; $expand=manager gives the manager", async (t) => {
  const members = Array.from({ length: 25 }, (_, i) => person(i + 1));
  const client = await startClient(t, {
    tenant: {
      ...smallTenant(25, { [team(1)]: { members } }),
      managers: { [person(1)]: person(2), [person(2)]: person(3) },
    },
  });
  const { body } = await client.get("/groups?$expand=members");
  const [group] = body.value ?? [];
  assert.equal([group?.members].flat().length, 20);
  assert.deepEqual(
    Object.keys(group ?? {}).filter((name) => name.startsWith("members@")),
    [],
  );
  const chain = await client.get(`/users/${person(1)}?$select=id&$expand=manager($levels=max;$select=id)`);
  assert.deepEqual(chain.body.manager, {
    "@odata.type": "#microsoft.graph.user",
    id: person(2),
    manager: { "@odata.type": "#microsoft.graph.user", id: person(3), manager: null },
  });
});

test("members are typed and mixed; a cast selects one type", async (t) => {
  const client = await startClient(t, {
    tenant: smallTenant(3, {
      [team(1)]: { members: [person(1), person(2), team(2)] },
      [team(2)]: { members: [person(3)] },
    }),
  });
  const { body } = await client.get(`/groups/${team(1)}/members?$select=id`);
  assert.deepEqual(body.value, [
    { "@odata.type": "#microsoft.graph.user", id: person(1) },
    { "@odata.type": "#microsoft.graph.user", id: person(2) },
    { "@odata.type": "#microsoft.graph.group", id: team(2) },
  ]);
  const mixed = await client.get(`/groups/${team(1)}/members?$select=department,securityEnabled`);
  assert.deepEqual(mixed.body.value?.slice(1), [
    { "@odata.type": "#microsoft.graph.user", id: person(2), department: "Legal" },
    { "@odata.type": "#microsoft.graph.group", id: team(2), securityEnabled: true },
  ]);
  assert.equal((await client.get(`/groups/${team(1)}/members?$select=shoeSize`)).status, 400);
  const people = await client.get(`/groups/${team(1)}/members/microsoft.graph.user?$select=id`);
  assert.deepEqual(people.body.value, [{ id: person(1) }, { id: person(2) }]);
  assert.equal((await client.get(`/groups/${team(1)}/members/$count`, EVENTUAL)).text, "3");
  assert.equal((await client.get(`/groups/${team(1)}/members/microsoft.graph.group/$count`, EVENTUAL)).text, "1");
});

test("transitive members follow nesting, also around a cycle", async (t) => {
  const client = await startClient(t, {
    tenant: smallTenant(4, {
      [team(1)]: { members: [person(1), team(2)] },
      [team(2)]: { members: [person(2), team(3)] },
      [team(3)]: { members: [person(3), team(1)] },
    }),
  });
  const { records } = await client.all(`/groups/${team(1)}/transitiveMembers?$select=id`);
  assert.deepEqual(
    records.map(({ id }) => id),
    [person(1), person(2), person(3), team(1), team(2), team(3)],
  );
  const above = await client.get(`/users/${person(3)}/transitiveMemberOf?$select=id`);
  assert.deepEqual(
    above.body.value?.map(({ id }) => id),
    [team(1), team(2), team(3)],
  );
  const direct = await client.get(`/users/${person(3)}/memberOf?$select=id`);
  assert.deepEqual(
    direct.body.value?.map(({ id }) => id),
    [team(3)],
  );
  const cast = `/users/${person(3)}/transitiveMemberOf/microsoft.graph.group`;
  assert.equal((await client.get(cast)).status, 400);
  assert.equal((await client.get(`${cast}?$count=true`, EVENTUAL)).body["@odata.count"], 3);
});

test("answers are compressed on request and carry request ids", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(200) });
  const { headers } = await client.get("/users?$top=200", { "accept-encoding": "gzip", "client-request-id": "mine" });
  assert.equal(headers.get("content-encoding"), "gzip");
  assert.equal(headers.get("client-request-id"), "mine");
  assert.match(headers.get("request-id") ?? "", /^[0-9a-f-]{36}$/);
  const { body } = await client.get("/users/nobody@contoso.com", { "client-request-id": "mine" });
  assert.deepEqual(Object.keys(body.error?.innerError as object), ["date", "request-id", "client-request-id"]);
});

test("what Graph does not have, it refuses in Graph's words", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  const { status, body } = await client.get("/teams");
  assert.deepEqual([status, body.error?.code], [400, "BadRequest"]);
  assert.equal((await client.send("PUT", "/users", {})).status, 405);
  assert.equal((await client.get("/me")).status, 400);
  assert.equal((await client.get(`${client.simulator.graph}/beta/users`)).body.error?.message, "Invalid version: beta");
});

test("a broken path or body is refused in Graph's words, not by a cut connection", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  assert.equal((await client.get("/users/%E0%A4%A")).status, 400);
  const { login, graph } = client.simulator;
  assert.equal(
    (await fetch(`${login}/%E0%A4%A/oauth2/v2.0/token`, { method: "POST", body: "grant_type=x" })).status,
    400,
  );
  const broken = await fetch(`${graph}/v1.0/users`, { method: "POST", body: "{" });
  assert.equal(broken.status, 401);
  assert.match((await client.send("POST", "/users", [])).body.error?.message ?? "", /Unable to read JSON/);
});

test("the organization names the tenant and its verified domains", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  const { body } = await client.get("/organization?$select=id,displayName,verifiedDomains");
  assert.equal(body.value?.[0]?.id, client.simulator.tenant);
  assert.deepEqual(Object.keys(body.value?.[0] ?? {}), ["id", "displayName", "verifiedDomains"]);
  assert.equal((await client.get(`/organization/${client.simulator.tenant}`)).status, 200);
  assert.equal((await client.get(`/organization/${person(1)}`)).status, 404);
});
