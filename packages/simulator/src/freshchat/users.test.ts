import assert from "node:assert/strict";
import { test } from "node:test";
import { openAccount, START } from "./testing/account.ts";

// Filters and fields are those seen in clients of the live API (PostHog, Airbyte, mailroom, python-freshchat). Nothing
// public shows that addresses or reference ids are unique, nor what PUT does with fields that are left out.

const at = (ms: number): string => new Date(START + ms).toISOString();

test("lists no users without a filter, nor with an empty one or a time that is none", async (t) => {
  const { call } = await openAccount(t, { contacts: 2 });
  for (const query of ["", "?page=1", "?name=x", "?email=", "?created_from=", "?created_from=yesterday"]) {
    const { status, body } = await call("GET", `/users${query}`);
    assert.deepEqual([status, body.code], [400, 400], query);
  }
});

test("finds users by each filter, and only those that all filters hold for", async (t) => {
  const { freshchat, call } = await openAccount(t, { switches: { indexDelayMs: 0 } });
  await call("POST", "/users", { email: "a@x.org", phone: "+491", reference_id: "A" });
  freshchat.advance(1000);
  const b = (await call("POST", "/users", { email: "b@x.org", phone: "+492", reference_id: "B" })).body;
  freshchat.advance(1000);
  await call("PUT", `/users/${String(b.id)}`, { ...b, last_name: "B" });
  const found = async (query: string): Promise<string> =>
    (await call("GET", `/users?sort_order=asc&${query}`)).rows.map(({ reference_id }) => reference_id).join("");
  const expected: Readonly<Record<string, string>> = {
    "email=a@x.org": "A",
    "reference_id=B": "B",
    "phone_no=%2B491": "A",
    "phone_no=+491": "", // An unencoded plus is a space.
    [`created_from=${at(1000)}`]: "B",
    [`created_to=${at(999)}`]: "A",
    "created_from=2026-01-05T09:00:01": "B", // No offset: UTC.
    "created_to=2026-01-05T10:00:00%2B01:00": "A",
    [`updated_from=${at(2000)}`]: "B",
    [`updated_to=${at(1999)}`]: "A",
    [`created_from=${at(0)}&created_to=${at(1000)}`]: "AB",
    "email=a@x.org&reference_id=B": "",
    "reference_id=b": "",
  };
  const told = await Promise.all(Object.keys(expected).map(async (query) => [query, await found(query)]));
  assert.deepEqual(Object.fromEntries(told), expected);
});

test("the filter email tells capital letters apart, or does not", async (t) => {
  const { freshchat, call } = await openAccount(t);
  freshchat.users.create({ email: "Ann@X.org" });
  freshchat.advance(1000);
  const count = async (email: string): Promise<number> => (await call("GET", `/users?email=${email}`)).rows.length;
  assert.deepEqual([await count("Ann@X.org"), await count("ann@x.org")], [1, 0]);
  freshchat.setSwitches({ emailMatch: "folded" });
  assert.deepEqual([await count("Ann@X.org"), await count("ann@x.org")], [1, 1]);
});

test("a created user is there by id at once, and for filters only after the delay", async (t) => {
  const { freshchat, call } = await openAccount(t);
  const { body } = await call("POST", "/users", { reference_id: "r" });
  const found = async (): Promise<number> => (await call("GET", "/users?reference_id=r")).rows.length;
  freshchat.advance(999);
  assert.deepEqual([(await call("GET", `/users/${String(body.id)}`)).status, await found()], [200, 0]);
  freshchat.advance(1);
  assert.equal(await found(), 1);
});

test("creates with 201, or 200, as often as the same user is sent", async (t) => {
  const { freshchat, call } = await openAccount(t);
  const user = { email: "a@x.org", reference_id: "r", properties: [{ name: "department", value: "Ops" }] };
  const made = await call("POST", "/users", user);
  freshchat.setSwitches({ created: 200 });
  assert.deepEqual([made.status, (await call("POST", "/users", user)).status], [201, 200]);
  assert.equal(freshchat.users.list().length, 2);
  assert.deepEqual(made.body, { ...made.body, ...user, first_name: null, created_time: at(0), updated_time: at(0) });
  freshchat.setSwitches({ duplicates: "refused" });
  for (const twin of [{ email: "A@x.org" }, { reference_id: "r" }]) {
    assert.equal((await call("POST", "/users", twin)).status, 400);
  }
  assert.equal((await call("POST", "/users", { reference_id: "R" })).status, 200);
});

const WRONG: readonly Readonly<Record<string, unknown>>[] = [
  { properties: { department: "Ops" } },
  { properties: [{ name: "department", value: 5 }] },
  { properties: [{ name: "department" }] },
  { properties: ["department"] },
  { properties: [{ name: "shoe_size", value: "43" }] },
  { email: "nobody" },
  { first_name: 7 },
];
for (const body of WRONG) {
  test(`refuses ${JSON.stringify(body)} with 400 and keeps nothing`, async (t) => {
    const { freshchat, call } = await openAccount(t);
    assert.equal((await call("POST", "/users", body)).status, 400);
    assert.equal(freshchat.users.list().length, 0);
  });
}

test("takes properties that the account does not define when switched", async (t) => {
  const { call } = await openAccount(t, { switches: { properties: "free" } });
  const properties = [{ name: "shoe_size", value: "43" }];
  assert.deepEqual((await call("POST", "/users", { properties })).body.properties, properties);
});

test("PUT clears what is left out, keeps it, or keeps even properties that are not named", async (t) => {
  const { freshchat, call } = await openAccount(t);
  const [department, city] = [
    { name: "department", value: "Ops" },
    { name: "city", value: "Rome" },
  ];
  const results: unknown[] = [];
  for (const put of ["replace", "merge", "merge-properties"] as const) {
    freshchat.setSwitches({ put });
    const { body } = await call("POST", "/users", { email: "a@x.org", reference_id: "r", properties: [department] });
    freshchat.advance(5);
    const { body: after } = await call("PUT", `/users/${String(body.id)}`, { first_name: "A", properties: [city] });
    assert.deepEqual([after.id, after.created_time, after.first_name], [body.id, body.created_time, "A"]);
    assert.equal(Date.parse(String(after.updated_time)), Date.parse(String(body.updated_time)) + 5);
    results.push([after.email, after.reference_id, after.properties]);
  }
  assert.deepEqual(results, [
    [null, null, [city]],
    ["a@x.org", "r", [city]],
    ["a@x.org", "r", [department, city]],
  ]);
});

test("null and empty text clear a field; what only the account writes is passed over", async (t) => {
  const { call } = await openAccount(t, { switches: { put: "merge" } });
  const { body } = await call("POST", "/users", { id: "mine", first_name: "A", last_name: "B", phone: "+49" });
  assert.notEqual(body.id, "mine");
  const written = { first_name: null, last_name: "", id: "other", created_time: "1999", login_status: true, bogus: 1 };
  const { body: after } = await call("PUT", `/users/${String(body.id)}`, written);
  assert.deepEqual(after, { ...body, first_name: null, last_name: null });
});

test("deletes with 202 and later, or with 204 and at once; the second time it is 404", async (t) => {
  const { freshchat, call } = await openAccount(t, { contacts: 2 });
  const [one, two] = freshchat.users.list().map(({ id }) => `/users/${id}`);
  const status = async (method: string, path = ""): Promise<number> =>
    (await call(method, path, method === "PUT" ? {} : undefined)).status;
  assert.deepEqual(
    [await status("DELETE", one), await status("DELETE", one), await status("GET", one)],
    [202, 404, 200],
  );
  freshchat.advance(30_000);
  assert.deepEqual([await status("GET", one), await status("PUT", one)], [404, 404]);
  freshchat.setSwitches({ userDeletion: 204 });
  assert.deepEqual(
    [await status("DELETE", two), await status("DELETE", two), await status("GET", two)],
    [204, 404, 404],
  );
});

test("another administrator edits and deletes users behind the client's back", async (t) => {
  const { freshchat, call } = await openAccount(t, { contacts: 2 });
  const [one, two] = freshchat.users.list();
  freshchat.advance(60_000);
  freshchat.users.update(one?.id ?? "", { first_name: "Edited" });
  freshchat.users.remove(two?.id ?? "");
  const { rows } = await call("GET", `/users?updated_from=${at(60_000)}`);
  assert.deepEqual(rows, [{ ...one, first_name: "Edited", updated_time: at(60_000) }]);
  assert.equal((await call("GET", `/users/${two?.id}`)).status, 404);
  assert.throws(() => freshchat.users.remove("nobody"), RangeError);
});
