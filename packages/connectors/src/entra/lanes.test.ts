import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { SourcePage, Watermark } from "@entrain/core";
import fc from "fast-check";
import { filterOf, lanesFor } from "./lanes.ts";
import { type Answer, type Call, type FakeTenant, graphCalls, readAll, rigFor, startTenant } from "./testing.ts";
import type { Lane } from "./watermark.ts";

const tenants: FakeTenant[] = [];
after(() => Promise.all(tenants.map((tenant) => tenant.close())));

const ATTRIBUTES = ["displayName", "userPrincipalName"];
const PAGE = 40;

type Order = (left: string, right: string) => number;

/** Orders that a directory may keep its names in. */
const ORDERS: readonly Order[] = [
  (left, right) => (left < right ? -1 : left > right ? 1 : 0),
  (left, right) => left.toLowerCase().localeCompare(right.toLowerCase(), "en"),
  (left, right) => left.localeCompare(right, "da", { sensitivity: "base" }),
  (left, right) => right.localeCompare(left, "sv"),
];

function lies(name: string, { from, to }: Pick<Lane, "from" | "to">, order: Order): boolean {
  return (from === null || order(name, from) >= 0) && (to === null || order(name, to) <= 0);
}

interface Person {
  readonly id: string;
  readonly userPrincipalName: string;
  readonly manager?: { readonly id: string };
}

/** A tenant that answers ranges of user principal names, in pages; `override` may answer first. */
async function tenantOf(
  people: readonly Person[],
  override: (call: Call, origin: string) => Answer | null = () => null,
  changes: readonly object[] = [],
): Promise<FakeTenant> {
  const tenant = await startTenant((call, origin) => {
    const special = override(call, origin);
    if (special !== null) return special;
    if (call.path === "/v1.0/users/$count") return { body: String(people.length) };
    if (call.path === "/v1.0/users/delta") {
      const latest = call.query.get("$deltatoken") === "latest";
      const deltaLink = `${origin}/v1.0/users/delta?$deltatoken=${latest ? 1 : 2}`;
      return { body: { "@odata.deltaLink": deltaLink, value: latest ? [] : changes } };
    }
    const filter = call.query.get("$filter") ?? "";
    const named = /^id in \((.*)\)$/.exec(filter)?.[1]?.split(",");
    const bound = (word: string): string | null => new RegExp(`${word} '([^']*)'`).exec(filter)?.[1] ?? null;
    const lane = { from: bound("ge"), to: bound("le") };
    const order = ORDERS[1] as Order;
    const found = people.filter(({ id, userPrincipalName }) =>
      named === undefined ? lies(userPrincipalName, lane, order) : named.includes(`'${id}'`),
    );
    const at = Number(call.query.get("$skiptoken") ?? 0);
    const next = new URLSearchParams({ ...(filter === "" ? {} : { $filter: filter }), $skiptoken: String(at + PAGE) });
    const link = at + PAGE < found.length ? { "@odata.nextLink": `${origin}/v1.0/users?${next}` } : {};
    return { body: { ...link, value: found.slice(at, at + PAGE) } };
  });
  tenants.push(tenant);
  return tenant;
}

function crowd(count: number): readonly Person[] {
  const letters = "abcdefghijklmnopqrstuvwxyz0123456789_";
  return Array.from({ length: count }, (_, at) => {
    const name = `${letters[(at * 7) % letters.length]}${letters[(at * 11) % letters.length]}.${at}`;
    return { id: `id-${at}`, userPrincipalName: `${name}@contoso.example` };
  });
}

async function read(tenant: FakeTenant, from: Watermark | null = null): Promise<SourcePage[]> {
  const { source } = rigFor(tenant.origin, { attributes: ATTRIBUTES });
  try {
    return await readAll(source, "user", from);
  } finally {
    await source.close();
  }
}

function idsOf(pages: readonly SourcePage[]): readonly string[] {
  return pages.flatMap((page) => page.records.map((record) => record.id));
}

test("leaves no name without a lane, whatever order the directory keeps its names in", () => {
  for (const expected of [2_000, 200_000]) {
    const lanes = lanesFor(expected);
    for (const order of ORDERS) {
      fc.assert(fc.property(fc.string({ minLength: 1 }), (name) => lanes.some((lane) => lies(name, lane, order))));
    }
  }
});

test("divides nobody where few people are, or nobody knows how many", () => {
  assert.deepEqual([null, 0, 1500].flatMap(lanesFor).map(filterOf), [null, null, null]);
});

test("reads many people in lanes, each once, behind a delta token and with the count", async () => {
  const people = crowd(1600);
  const tenant = await tenantOf(people);
  const pages = await read(tenant);
  assert.deepEqual(idsOf(pages).toSorted(), people.map(({ id }) => id).toSorted());
  const calls = graphCalls(tenant);
  assert.deepEqual(
    calls
      .slice(0, 2)
      .map((call) => call.slice(0, 12))
      .toSorted(),
    ["GET /users/$", "GET /users/d"],
  );
  assert.ok(calls.some((call) => call.includes("&$filter=userPrincipalName ge 'a' and userPrincipalName le 'b'")));
  assert.deepEqual(
    pages.filter(({ begins, complete }) => begins || complete).map(({ round, begins }) => [round, begins]),
    [
      ["full", true],
      ["full", false],
      ["delta", false],
    ],
  );
});

test("goes on from every watermark with exactly the people that no stored page held", async () => {
  const people = crowd(1600);
  const tenant = await tenantOf(people);
  const whole = await read(tenant);
  for (let stored = 1; stored < whole.length; stored += 3) {
    const rest = await read(tenant, whole[stored - 1]?.watermark ?? null);
    const both = [...whole.slice(0, stored), ...rest];
    assert.deepEqual(idsOf(both).toSorted(), people.map(({ id }) => id).toSorted(), `after page ${stored}`);
    assert.ok(rest.every((page) => !page.begins));
  }
});

test("reads one page after the other where a service refuses to divide its people", async () => {
  const people = crowd(1600);
  const refused = { status: 400, body: { error: { code: "Request_UnsupportedQuery", message: "no" } } };
  const tenant = await tenantOf(people, (call) => (call.query.get("$filter") === null ? null : refused));
  assert.deepEqual(idsOf(await read(tenant)).toSorted(), people.map(({ id }) => id).toSorted());
});

test("reads whoever changed meanwhile whole, for a new name may have led past a lane", async () => {
  const moved = { id: "moved", userPrincipalName: "z@contoso.example", manager: { id: "id-1" } };
  const change = { id: "moved", userPrincipalName: "z@contoso.example" };
  const gone = { id: "gone", "@removed": { reason: "changed" } };
  const override = (call: Call): Answer | null =>
    call.query.get("$filter") === "id in ('moved')" ? { body: { value: [moved] } } : null;
  const pages = await read(await tenantOf(crowd(1600), override, [change, gone]));
  assert.deepEqual(
    pages.at(-1)?.records.map(({ id, form, manager, removed }) => ({ id, form, manager, removed })),
    [
      { id: "moved", form: "whole", manager: "id-1", removed: undefined },
      { id: "moved", form: "partial", manager: undefined, removed: undefined },
      { id: "gone", form: "partial", manager: undefined, removed: "soft" },
    ],
  );
});

test("notices a lane whose next link keeps leading back", async () => {
  const override = (call: Call, origin: string): Answer | null =>
    call.query.get("$filter")?.includes("le 'a'")
      ? { body: { value: [{ id: "x" }], "@odata.nextLink": `${origin}/v1.0/users?$filter=le 'a'&$skiptoken=1` } }
      : null;
  await assert.rejects(read(await tenantOf(crowd(1600), override)), { code: "link_loop" });
});

test("begins anew when a lane's link is no longer accepted after a while", async () => {
  let expired = false;
  const old = { status: 400, body: { error: { code: "Directory_ExpiredPageToken" } } };
  const people = crowd(1600);
  const tenant = await tenantOf(people, (call) => (expired && call.query.get("$skiptoken") === "40" ? old : null));
  const first = await read(tenant);
  const link = first.findIndex((page) => page.watermark.includes("skiptoken=40"));
  expired = true;
  const source = rigFor(tenant.origin, { attributes: ATTRIBUTES }).source;
  const pages: SourcePage[] = [];
  for await (const page of source.read("user", first[link]?.watermark ?? null, new AbortController().signal)) {
    pages.push(page);
    if (page.begins) expired = false;
  }
  await source.close();
  assert.equal(pages.filter((page) => page.begins).length, 1);
  assert.deepEqual([...new Set(idsOf(pages.slice(pages.findIndex((page) => page.begins))))].length, people.length);
});
