import assert from "node:assert/strict";
import { test } from "node:test";
import { startClient } from "../testing/client.ts";
import { person, smallTenant, team } from "../testing/tenant.ts";
import { parseFaults } from "./parse.ts";
import { FaultSet } from "./rules.ts";

const EVENTUAL = { consistencylevel: "eventual" };

test("page 3 of /users answers 503 twice, then as ever", async (t) => {
  const client = await startClient(t, {
    tenant: smallTenant(350),
    faults: [{ method: "GET", path: "/users", page: 3, times: 2, action: { type: "status", status: 503 } }],
  });
  const second = await client.get((await client.get("/users")).body["@odata.nextLink"] ?? "");
  const third = second.body["@odata.nextLink"] ?? "";
  assert.equal((await client.get(third)).status, 503);
  const again = await client.get(third);
  assert.deepEqual([again.status, again.body.error?.code], [503, "ServiceNotAvailable"]);
  assert.equal(again.headers.get("x-simulator-fault"), "status");
  const whole = await client.get(third);
  assert.deepEqual([whole.body.value?.length, whole.headers.get("x-simulator-fault")], [100, null]);
  assert.equal(client.simulator.faults.list()[0]?.struck, 2);
});

test("429 comes with Retry-After or without, as asked", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  client.simulator.faults.set(parseFaults("/users status=429 retry-after=7 times=1"));
  const told = await client.get("/users");
  assert.deepEqual([told.status, told.headers.get("retry-after")], [429, "7"]);
  client.simulator.faults.set(parseFaults("/users status=429 times=1"));
  assert.equal((await client.get("/users")).headers.get("retry-after"), null);
  assert.equal((await client.get("/users")).status, 200);
});

test("connections are cut before the headers and in the middle of the body", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(100) });
  for (const at of ["headers", "body"] as const) {
    client.simulator.faults.set([{ path: "/users", times: 1, action: { type: "cut", at } }]);
    await assert.rejects(client.get("/users"), at);
    assert.equal((await client.get("/users")).status, 200);
  }
  assert.equal(client.simulator.requests.list("/users")[0]?.status, 0);
});

test("a write that is cut off before its answer has happened, one cut off before the work has not", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(2) });
  client.simulator.faults.set(
    parseFaults(`PATCH /users/${person(1)} cut=answer; PATCH /users/${person(2)} cut=headers`),
  );
  for (const number of [1, 2]) {
    await assert.rejects(client.send("PATCH", `/users/${person(number)}`, { city: "Oslo" }));
  }
  assert.equal((await client.get(`/users/${person(1)}?$select=city`)).body.city, "Oslo");
  assert.equal((await client.get(`/users/${person(2)}?$select=city`)).body.city, null);
});

test("a truncated answer, HTML with 200 and an answer without value look like success until they are read", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(100) });
  client.simulator.faults.set(parseFaults("/users truncate times=1"));
  const truncated = await client.get("/users");
  assert.equal(truncated.status, 200);
  assert.throws(() => JSON.parse(truncated.text));
  client.simulator.faults.set(parseFaults("/users html times=1"));
  const html = await client.get("/users");
  assert.match(html.headers.get("content-type") ?? "", /text\/html/);
  client.simulator.faults.set(parseFaults("/users no-value times=1"));
  const bare = await client.get("/users");
  assert.deepEqual([bare.status, "value" in bare.body], [200, false]);
});

test("an empty page leads on to what it left out; a replayed page comes twice", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(250) });
  client.simulator.faults.set(parseFaults("/users/delta page=1 times=1 empty"));
  const emptied = await client.all("/users/delta?$select=displayName");
  assert.deepEqual([emptied.pages, emptied.records.length], [3, 250]);
  client.simulator.faults.set(parseFaults("/users page=2 times=1 replay"));
  const replayed = await client.all("/users?$select=id");
  assert.deepEqual([replayed.pages, replayed.records.length], [4, 350]);
  assert.equal(new Set(replayed.records.map(({ id }) => id)).size, 250);
});

test("a round ends empty: a delta with a valid link, a list with none", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(250) });
  client.simulator.faults.set(parseFaults("/users/delta page=1 ends-empty; /users page=2 ends-empty"));
  const delta = await client.all("/users/delta?$select=displayName");
  assert.deepEqual([delta.pages, delta.records.length], [1, 0]);
  client.simulator.faults.clear();
  assert.deepEqual((await client.all(delta.last["@odata.deltaLink"] ?? "")).records, []);
  client.simulator.faults.set(parseFaults("/users page=2 ends-empty"));
  assert.equal((await client.all("/users")).records.length, 100);
});

test("delta tokens expire by fault and by command", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  const { last } = await client.all("/users/delta");
  const link = last["@odata.deltaLink"] ?? "";
  client.simulator.faults.set(parseFaults("/users/delta expired times=1"));
  assert.equal((await client.get(link)).status, 410);
  assert.equal((await client.get(link)).status, 200);
  client.simulator.expireDeltaTokens();
  assert.equal((await client.get(link)).body.error?.code, "syncStateNotFound");
});

test("a lagging endpoint tells an older directory, the others the newest; what it missed comes later", async (t) => {
  const client = await startClient(t, {
    tenant: smallTenant(3, { [team(1)]: { members: [person(1)] } }),
    clock: () => 1_800_000_000_000,
  });
  const { last } = await client.all("/users/delta?$select=displayName");
  client.simulator.advance(10_000);
  await client.send("DELETE", `/users/${person(1)}`);
  await client.send("PATCH", `/users/${person(2)}`, { displayName: "New" });
  client.simulator.faults.set(
    parseFaults("/users/delta lag=5000; /users lag=5000; /users/$count lag=5000; /groups/*/members lag=5000"),
  );
  assert.equal((await client.get("/users")).body.value?.length, 3);
  assert.equal((await client.get("/users")).body.value?.[1]?.displayName, "Person 2");
  assert.equal((await client.get("/users/$count", EVENTUAL)).text, "3");
  assert.equal((await client.get(`/groups/${team(1)}/members`)).body.value?.length, 1);
  assert.equal((await client.get(`/users/${person(1)}`)).status, 404);
  const stale = await client.all(last["@odata.deltaLink"] ?? "");
  assert.deepEqual(stale.records, []);
  client.simulator.advance(5_000);
  const { records } = await client.all(stale.last["@odata.deltaLink"] ?? "");
  assert.deepEqual(records, [
    { id: person(1), "@removed": { reason: "changed" } },
    { id: person(2), displayName: "New" },
  ]);
});

test("$count is stale by a percentage or a number", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(200) });
  client.simulator.faults.set(parseFaults("/users/$count stale-count=10%"));
  assert.equal((await client.get("/users/$count", EVENTUAL)).text, "180");
  client.simulator.faults.set(parseFaults("/users stale-count=3"));
  assert.equal((await client.get("/users?$count=true", EVENTUAL)).body["@odata.count"], 197);
});

test("a lost permission shows as nulls and as hidden members, under a token that says otherwise", async (t) => {
  const client = await startClient(t, {
    tenant: smallTenant(2, { [team(1)]: { members: [person(1)], visibility: "HiddenMembership" } }),
  });
  client.simulator.faults.set(parseFaults("/users nulls; /users/delta nulls; /groups/** hidden"));
  const { body } = await client.get("/users?$select=id,department,accountEnabled,mail");
  assert.deepEqual(body.value?.[0], {
    id: person(1),
    department: null,
    accountEnabled: null,
    mail: "person1@contoso.com",
  });
  const { records } = await client.all("/users/delta?$select=department");
  assert.deepEqual(records[0], { id: person(1), department: null });
  assert.deepEqual((await client.get(`/groups/${team(1)}/members`)).body.value, []);
});

test("faults strike the sign-in service and single requests of a batch too", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  client.simulator.faults.set(
    parseFaults("POST /*/oauth2/v2.0/token status=503 times=1; GET /users/* status=429 retry-after=1"),
  );
  const token = await fetch(`${client.simulator.login}/${client.simulator.tenant}/oauth2/v2.0/token`, {
    method: "POST",
  });
  assert.equal(token.status, 503);
  await token.body?.cancel();
  const { body } = await client.send("POST", "/$batch", {
    requests: [
      { id: "1", method: "GET", url: `/users/${person(1)}` },
      { id: "2", method: "GET", url: "/users" },
    ],
  });
  const responses = body.responses as readonly { readonly status: number; readonly headers: Record<string, string> }[];
  assert.deepEqual(
    responses.map(({ status }) => status),
    [429, 200],
  );
  assert.equal(responses[0]?.headers["Retry-After"], "1");
  assert.deepEqual(
    responses.map(({ headers }) => headers["X-Simulator-Fault"]),
    ["status", undefined],
  );
});

test("a slow answer keeps its own client waiting and nobody else", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  client.simulator.faults.set(parseFaults("/users slow=600000"));
  const abort = new AbortController();
  const slow = fetch(`${client.simulator.graph}/v1.0/users`, { signal: abort.signal }).then(
    () => "answered",
    () => "given up",
  );
  assert.equal((await client.get("/groups")).status, 200);
  assert.equal(await Promise.race([slow, Promise.resolve("waiting")]), "waiting");
  abort.abort();
  assert.equal(await slow, "given up");
});

test("skip lets requests pass first, and the first rule of a type wins", () => {
  const faults = new FaultSet(parseFaults("/users skip=1 times=1 status=500; /** status=503"));
  const target = { method: "GET", path: "/v1.0/users", page: 1 };
  const statuses = [1, 2, 3].map(() =>
    faults.take(target).map((action) => (action.type === "status" ? action.status : 0)),
  );
  assert.deepEqual(statuses, [[503], [500], [503]]);
});

test("faults are written as text or as JSON, and a mistake is named", () => {
  assert.deepEqual(parseFaults("GET /users page=3 times=2 status=503 retry-after=1.5 ; slow=2"), [
    { method: "GET", path: "/users", page: 3, times: 2, action: { type: "status", status: 503, retryAfter: 1.5 } },
    { action: { type: "slow", ms: 2 } },
  ]);
  assert.deepEqual(parseFaults('[{"path":"/users","action":{"type":"html"}}]'), [
    { path: "/users", action: { type: "html" } },
  ]);
  for (const [text, problem] of [
    ["/users", /names no action/],
    ["/users boom", /"boom"/],
    ["/users status=9", /between 200 and 599/],
    ["/users page=x html", /"x" where a number belongs/],
    ["/users cut=off", /headers, answer or body/],
    ['[{"path":"/users"}]', /no action of a known type/],
    ['[{"times":1.5,"action":{"type":"html"}}]', /whole number as times/],
  ] as const) {
    assert.throws(() => parseFaults(text), problem);
  }
});
