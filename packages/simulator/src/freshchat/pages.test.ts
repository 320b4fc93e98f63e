import assert from "node:assert/strict";
import { test } from "node:test";
import { openAccount, START } from "./testing/account.ts";

// Page sizes and both blocks of metadata are those that public clients rely on: 20 unless asked, 50 at most (PostHog),
// `links.next_page.href` (Airbyte), `pagination.total_pages` (Pipedream, PostHog), bare arrays now and then (PostHog).

const ids = (rows: readonly Readonly<Record<string, unknown>>[]): readonly unknown[] => rows.map(({ id }) => id);

test("pages hold 20 rows unless 50 or fewer are asked for, and one behind the last is empty", async (t) => {
  const { call } = await openAccount(t, { agents: 60 });
  const counts = [];
  for (const query of ["", "?items_per_page=50", "?items_per_page=50&page=2", "?items_per_page=50&page=3", "?page=4"]) {
    counts.push((await call("GET", `/agents${query}`)).rows.length);
  }
  assert.deepEqual(counts, [20, 50, 10, 0, 0]);
});

test("refuses more than 50 rows with 400, or clamps to 50 and says so", async (t) => {
  const { freshchat, call } = await openAccount(t, { agents: 60 });
  assert.equal((await call("GET", "/agents?items_per_page=51")).status, 400);
  freshchat.setSwitches({ pageLimit: "clamp" });
  const { status, rows, body } = await call("GET", "/agents?items_per_page=100");
  assert.deepEqual([status, rows.length], [200, 50]);
  assert.deepEqual(body.pagination, { total_items: 60, total_pages: 2, current_page: 1, items_per_page: 50 });
});

for (const query of ["page=0", "page=-1", "page=x", "items_per_page=0", "page=", "items_per_page=1.5"]) {
  test(`refuses ${query} with 400`, async (t) => {
    const { call } = await openAccount(t);
    assert.equal((await call("GET", `/agents?${query}`)).status, 400);
  });
}

test("tells its pages in both blocks, in either, or in none", async (t) => {
  const { freshchat, call } = await openAccount(t, { agents: 25 });
  const keys: unknown[] = [];
  for (const metadata of ["both", "pagination", "links", "bare"] as const) {
    freshchat.setSwitches({ metadata });
    const { body, rows } = await call("GET", "/agents");
    assert.equal(rows.length, 20);
    keys.push(Object.keys(body));
  }
  assert.deepEqual(keys, [["agents", "pagination", "links"], ["agents", "pagination"], ["agents", "links"], []]);
});

test("links lead to the next page until the last, without the other parameters unless switched", async (t) => {
  const { freshchat, call } = await openAccount(t, { contacts: 45 });
  const path = "/users?created_from=2020-01-01&items_per_page=15";
  const short = { first_page: { href: "/v2/users?page=1" }, last_page: { href: "/v2/users?page=3" } };
  assert.deepEqual((await call("GET", path)).body.links, { ...short, next_page: { href: "/v2/users?page=2" } });
  assert.deepEqual((await call("GET", `${path}&page=3`)).body.links, short);
  freshchat.setSwitches({ linkQuery: "whole" });
  let next: string | undefined = path;
  const seen = new Set<unknown>();
  while (next !== undefined) {
    const { rows, body } = await call("GET", next.replace(/^\/v2/, ""));
    for (const id of ids(rows)) seen.add(id);
    next = (body.links as { next_page?: { href: string } }).next_page?.href;
  }
  assert.equal(seen.size, 45);
});

test("lists the newest first unless switched, and as sort_order wants", async (t) => {
  const { freshchat, call } = await openAccount(t, { agents: 3 });
  const oldest = freshchat.agents.list().map(({ id }) => id);
  const newest = oldest.toReversed();
  assert.deepEqual(ids((await call("GET", "/agents")).rows), newest);
  assert.deepEqual(ids((await call("GET", "/agents?sort_order=asc")).rows), oldest);
  freshchat.setSwitches({ order: "oldest" });
  assert.deepEqual(ids((await call("GET", "/agents")).rows), oldest);
  assert.deepEqual(ids((await call("GET", "/agents?sort_order=desc")).rows), newest);
});

test("a record that goes between two pages hides another from the reader, one that comes repeats one", async (t) => {
  const { freshchat, call } = await openAccount(t, { agents: 30 });
  const newest = freshchat.agents.list().toReversed();
  const first = newest[0]?.id ?? "";
  const step = { do: "remove", kind: "agents", id: first } as const;
  freshchat.faults.set([{ path: "/agents", page: 2, times: 1, action: { type: "meanwhile", steps: [step] } }]);
  const pages = [await call("GET", "/agents"), await call("GET", "/agents?page=2")].flatMap(({ rows }) => ids(rows));
  assert.equal(pages.includes(newest[20]?.id), false);
  const [before] = [await call("GET", "/agents")];
  freshchat.agents.create({ email: "new@x.org" });
  const [last, again] = [ids(before.rows).at(-1), ids((await call("GET", "/agents?page=2")).rows)[0]];
  assert.equal(again, last);
});

test("groups and roles are lists like the others", async (t) => {
  const { call } = await openAccount(t, { groups: ["A", "B"], roles: ["Night shift"] });
  assert.deepEqual(
    (await call("GET", "/groups?sort_order=asc")).rows.map(({ name }) => name),
    ["A", "B"],
  );
  const roles = (await call("GET", "/roles?sort_order=asc")).rows;
  assert.deepEqual(roles.at(-1), { ...roles.at(-1), name: "Night shift", is_custom_role: true });
  assert.equal((await call("GET", "/groups?items_per_page=1&page=2")).rows.length, 1);
});

test("agents have no filter by time: such a parameter is passed over", async (t) => {
  const { call } = await openAccount(t, { agents: 3 });
  const later = new Date(START + 1).toISOString();
  assert.equal((await call("GET", `/agents?updated_since=${later}&updated_from=${later}`)).rows.length, 3);
});
