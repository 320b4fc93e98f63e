import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { SourcePage, Watermark } from "@entrain/core";
import {
  type Answer,
  type Call,
  type FakeTenant,
  graphCalls,
  type Rig,
  readAll,
  rigFor,
  startTenant,
} from "./testing.ts";

const tenants: FakeTenant[] = [];
after(() => Promise.all(tenants.map((tenant) => tenant.close())));

interface Shape {
  /** Member ids of each group, in Graph's order. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly groupsPerPage?: number;
  readonly membersPerPage?: number;
  readonly changes?: readonly object[];
  readonly override?: (call: Call, origin: string) => Answer | null;
}

async function tenantOf({ groups, groupsPerPage = 999, membersPerPage = 999, ...rest }: Shape): Promise<FakeTenant> {
  const { changes = [], override = () => null } = rest;
  const slice = (items: readonly object[], size: number, call: Call, origin: string): Answer => {
    const at = Number(call.query.get("$skiptoken") ?? 0);
    const next = `${origin}${call.path}?$skiptoken=${at + size}`;
    const link = at + size < items.length ? { "@odata.nextLink": next } : {};
    return { body: { ...link, value: items.slice(at, at + size) } };
  };
  const tenant = await startTenant((call, origin) => {
    const special = override(call, origin);
    if (special !== null) return special;
    if (call.path === "/v1.0/groups/$count") return { body: String(Object.keys(groups).length) };
    if (call.path === "/v1.0/groups/delta") {
      const latest = call.query.get("$deltatoken") === "latest";
      const deltaLink = `${origin}/v1.0/groups/delta?$deltatoken=${latest ? 1 : 2}`;
      return { body: { "@odata.deltaLink": deltaLink, value: latest ? [] : changes } };
    }
    if (call.path === "/v1.0/groups") {
      return slice(
        Object.keys(groups).map((id) => ({ id, displayName: id })),
        groupsPerPage,
        call,
        origin,
      );
    }
    const members = groups[call.path.split("/")[3] ?? ""];
    if (members === undefined) return { status: 404, body: { error: { code: "Request_ResourceNotFound" } } };
    if (!call.path.endsWith("/members")) return { body: { id: call.path.split("/")[3] } };
    const entities = members.map((id) => ({ "@odata.type": "#microsoft.graph.user", id }));
    return slice(entities, membersPerPage, call, origin);
  });
  tenants.push(tenant);
  return tenant;
}

function people(count: number, prefix = "u"): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

async function read(rig: Rig, from: Watermark | null = null, limit?: number): Promise<SourcePage[]> {
  try {
    return await readAll(rig.source, "group", from, limit);
  } finally {
    await rig.source.close();
  }
}

/**
 * What a consumer holds that keeps to the contract: members seen since a group's `start` stay, the others go at its `end`.
 * Fails where a list ends that never started.
 */
function consume(pages: readonly SourcePage[], held: Map<string, Set<string>> = new Map()): Map<string, Set<string>> {
  const seen = new Map<string, Set<string>>();
  for (const { id, memberships } of pages.flatMap((page) => page.records)) {
    if (memberships?.form !== "slice") continue;
    if (memberships.start) seen.set(id, new Set());
    const members = seen.get(id);
    assert.ok(members !== undefined, `${id} goes on without having started`);
    for (const member of memberships.members) members.add(member.id);
    if (memberships.end) held.set(id, members);
  }
  return held;
}

function asLists(held: ReadonlyMap<string, ReadonlySet<string>>): Record<string, readonly string[]> {
  return Object.fromEntries([...held].map(([id, members]) => [id, [...members]]));
}

test("reads groups with all their members, whatever their number", async () => {
  const sizes = [0, 1, 19, 20, 21, 99, 100, 101, 998, 999, 1000, 4000];
  const groups = Object.fromEntries(sizes.map((size) => [`g${size}`, people(size)]));
  const pages = await read(rigFor((await tenantOf({ groups })).origin));
  assert.deepEqual(asLists(consume(pages)), groups);
  assert.deepEqual(
    pages
      .map(({ round, begins, complete }) => ({ round, begins, complete }))
      .filter((page) => page.begins || page.complete),
    [
      { round: "full", begins: true, complete: false },
      { round: "full", begins: false, complete: true },
      { round: "delta", begins: false, complete: true },
    ],
  );
});

test("takes the delta token with its members before the first group, and asks each group once", async () => {
  const tenant = await tenantOf({ groups: { a: [], b: ["u"] } });
  const pages = await read(rigFor(tenant.origin));
  assert.deepEqual(graphCalls(tenant).toSorted(), [
    "GET /groups/$count",
    "GET /groups/a/members?$top=999&$select=id",
    "GET /groups/b/members?$top=999&$select=id",
    "GET /groups/delta?$deltatoken=1",
    "GET /groups/delta?$deltatoken=latest&$select=id,displayName,visibility,members",
    "GET /groups?$top=999&$select=id,displayName,visibility",
  ]);
  const records = pages.flatMap((page) => page.records).toSorted((left, right) => (left.id < right.id ? -1 : 1));
  assert.deepEqual(records, [
    {
      kind: "group",
      id: "a",
      form: "whole",
      attributes: { displayName: "a", visibility: null },
      memberships: { form: "slice", start: true, members: [], end: true },
    },
    {
      kind: "group",
      id: "b",
      form: "whole",
      attributes: { displayName: "b", visibility: null },
      memberships: { form: "slice", start: true, members: [{ id: "u", type: "user" }], end: true },
    },
  ]);
});

test("goes on from every watermark to the same members, inside a page of groups and inside a large group", async () => {
  const sizes = [0, 3, 7, 12, 1, 5];
  const groups = Object.fromEntries(
    people(45, "g").map((id, index) => [id, people(sizes[index % sizes.length] ?? 0, id)]),
  );
  const tenant = await tenantOf({ groups, groupsPerPage: 30, membersPerPage: 3 });
  const whole = await read(rigFor(tenant.origin));
  assert.deepEqual(asLists(consume(whole)), groups);
  for (let stored = 1; stored < whole.length; stored++) {
    const watermark = whole[stored - 1]?.watermark ?? null;
    const rest = await read(rigFor(tenant.origin), watermark);
    const both = [...whole.slice(0, stored), ...rest];
    assert.deepEqual(both.flatMap((page) => page.records).length, whole.flatMap((page) => page.records).length);
    assert.deepEqual(asLists(consume(both)), groups, `after page ${stored}`);
    assert.ok(rest.every((page) => !page.begins));
  }
});

test("reads a large group again from its start when the link to its next slice is no longer accepted", async () => {
  const expired = new Set<string>();
  const override = (call: Call): Answer | null =>
    expired.has(call.query.get("$skiptoken") ?? "")
      ? { status: 400, body: { error: { code: "Directory_ExpiredPageToken" } } }
      : null;
  const tenant = await tenantOf({ groups: { a: people(5) }, membersPerPage: 2, override });
  const first = await read(rigFor(tenant.origin), null, 1);
  expired.add("2");
  const rig = rigFor(tenant.origin);
  const rest: SourcePage[] = [];
  for await (const page of rig.source.read("group", first[0]?.watermark ?? null, new AbortController().signal)) {
    rest.push(page);
    expired.clear();
  }
  await rig.source.close();
  assert.deepEqual(asLists(consume([...first, ...rest])), { a: people(5) });
  assert.equal(rest.flatMap((page) => page.records).filter((record) => record.form === "whole").length, 0);
});

test("reads a page of groups again when the last group read has left it", async () => {
  const groups: Record<string, readonly string[]> = Object.fromEntries(people(30, "g").map((id) => [id, [`m${id}`]]));
  const tenant = await tenantOf({ groups });
  const first = await read(rigFor(tenant.origin), null, 1);
  const { after } = JSON.parse(first[0]?.watermark ?? "") as { readonly after: string };
  delete groups[after];
  const rest = await read(rigFor(tenant.origin), first[0]?.watermark ?? null);
  const ids = rest.flatMap((page) => page.records.map((record) => record.id));
  assert.deepEqual(ids.toSorted(), Object.keys(groups).toSorted());
});

test("leaves out a group that goes between its page and its members", async () => {
  const gone = { status: 404, body: { error: { code: "Request_ResourceNotFound" } } };
  const override = (call: Call): Answer | null => (call.path.startsWith("/v1.0/groups/b") ? gone : null);
  const pages = await read(rigFor((await tenantOf({ groups: { a: ["u"], b: ["u"] }, override })).origin));
  assert.deepEqual(
    pages.flatMap((page) => page.records.map((record) => record.id)),
    ["a"],
  );
});

test("fails when a group is there but its members are not found, instead of taking them for none", async () => {
  const lagging = { status: 404, body: { error: { code: "Request_ResourceNotFound" } } };
  const override = (call: Call): Answer | null => (call.path === "/v1.0/groups/b/members" ? lagging : null);
  const tenant = await tenantOf({ groups: { a: ["u"], b: ["u"] }, override });
  await assert.rejects(read(rigFor(tenant.origin)), { code: "server_failed" });
});

test("leaves hidden memberships unknown without the permission to see them", async () => {
  const hidden = { body: { value: [{ id: "a", displayName: "a", visibility: "HiddenMembership" }] } };
  const refused = { status: 403, body: { error: { code: "Authorization_RequestDenied" } } };
  for (const members of [refused, { body: { value: [] } }]) {
    const override = (call: Call): Answer | null =>
      call.path === "/v1.0/groups" ? hidden : call.path.endsWith("/members") ? members : null;
    const [page] = await read(rigFor((await tenantOf({ groups: { a: [] }, override })).origin));
    assert.deepEqual(page?.records, [
      { kind: "group", id: "a", form: "whole", attributes: { displayName: "a", visibility: "HiddenMembership" } },
    ]);
  }
});

test("takes an empty hidden group for empty with that permission", async () => {
  const hidden = { body: { value: [{ id: "a", visibility: "HiddenMembership" }] } };
  const tenant = await tenantOf({
    groups: { a: [] },
    override: (call) => (call.path === "/v1.0/groups" ? hidden : null),
  });
  tenant.roles = ["Group.Read.All", "Member.Read.Hidden"];
  const [page] = await read(rigFor(tenant.origin));
  assert.equal(page?.records[0]?.memberships?.form, "slice");
});

test("names the permission when members are refused", async () => {
  const refused = { status: 403, body: { error: { code: "Authorization_RequestDenied", message: "Insufficient" } } };
  const override = (call: Call): Answer | null => (call.path.endsWith("/members") ? refused : null);
  const tenant = await tenantOf({ groups: { a: [] }, override });
  await assert.rejects(read(rigFor(tenant.origin)), { code: "permission_missing", message: /GroupMember\.Read\.All/ });
});

test("reads changed groups as changes, each slice on its own, with the types of new members", async () => {
  const removed = { "@removed": { reason: "deleted" } };
  const changes = [
    {
      id: "a",
      displayName: "New",
      "members@delta": [{ "@odata.type": "#microsoft.graph.user", id: "u" }, { id: "x" }],
    },
    {
      id: "a",
      "members@delta": [
        { "@odata.type": "#microsoft.graph.group", id: "g" },
        { id: "old", ...removed },
      ],
    },
    { id: "b", description: null },
    { id: "c", "@removed": { reason: "deleted" } },
    {
      id: "d",
      "members@delta": [
        { id: "u", ...removed },
        { "@odata.type": "#microsoft.graph.orgContact", id: "u" },
      ],
    },
  ];
  const pages = await read(rigFor((await tenantOf({ groups: {}, changes })).origin));
  const record = { kind: "group", form: "partial", attributes: {} };
  const members = (add: object[], remove: string[]): object => ({ memberships: { form: "changes", add, remove } });
  assert.deepEqual(pages[1]?.records, [
    {
      ...record,
      id: "a",
      attributes: { displayName: "New" },
      ...members(
        [
          { id: "u", type: "user" },
          { id: "x", type: "unknown" },
        ],
        [],
      ),
    },
    { ...record, id: "a", ...members([{ id: "g", type: "group" }], ["old"]) },
    { ...record, id: "b" },
    { ...record, id: "c", removed: "hard" },
    { ...record, id: "d", ...members([{ id: "u", type: "contact" }], []) },
  ]);
});

test("yields one empty page that begins and completes the round of a tenant without groups", async () => {
  const pages = await read(rigFor((await tenantOf({ groups: {} })).origin));
  assert.deepEqual(
    pages.map(({ records, round, begins, complete, expected }) => ({ records, round, begins, complete, expected })),
    [
      { records: [], round: "full", begins: true, complete: true, expected: 0 },
      { records: [], round: "delta", begins: false, complete: true, expected: undefined },
    ],
  );
});

test("asks for as many member lists at a time as it may, and for no more", async () => {
  let now = 0;
  let most = 0;
  let left = 40;
  let full: () => void = () => {};
  let all = new Promise<void>((resolve) => {
    full = resolve;
  });
  const tenant = await startTenant(async (call, origin) => {
    if (call.path.endsWith("$count")) return { body: "40" };
    if (call.path.endsWith("/delta"))
      return { body: { "@odata.deltaLink": `${origin}/v1.0/groups/delta?x`, value: [] } };
    if (call.path === "/v1.0/groups") return { body: { value: people(40, "g").map((id) => ({ id })) } };
    now += 1;
    left -= 1;
    most = Math.max(most, now);
    // Answers only once three are waiting, and gives a fourth one time to come.
    if (now >= 3 || left === 0) setImmediate(() => setImmediate(full));
    await all;
    now -= 1;
    if (now === 0) {
      all = new Promise<void>((resolve) => {
        full = resolve;
      });
    }
    return { body: { value: [] } };
  });
  tenants.push(tenant);
  await read(rigFor(tenant.origin, { concurrency: 3 }));
  assert.equal(most, 3);
});

test("reads the longest list of members on while the consumer is still busy with its first slice", async () => {
  const reached = Promise.withResolvers<void>();
  const override = (call: Call): Answer | null => {
    if (call.query.get("$skiptoken") === "8") reached.resolve();
    return null;
  };
  const tenant = await tenantOf({ groups: { a: people(10) }, membersPerPage: 2, override });
  const { source } = rigFor(tenant.origin);
  const pages = source.read("group", null, new AbortController().signal)[Symbol.asyncIterator]();
  await pages.next();
  await reached.promise;
  await pages.return?.();
  await source.close();
});

test("asks for a group by its id that was begun and has left its page meanwhile", async () => {
  const held = Promise.withResolvers<void>();
  const groups: Record<string, readonly string[]> = { a: ["u"], b: ["v"], c: ["w"] };
  const listed: Record<string, readonly string[]> = { ...groups };
  const tenant = await startTenant(async (call, origin) => {
    if (call.path.endsWith("$count")) return { body: "3" };
    if (call.path.endsWith("/delta"))
      return { body: { "@odata.deltaLink": `${origin}/v1.0/groups/delta?x`, value: [] } };
    if (call.path === "/v1.0/groups") return { body: { value: Object.keys(listed).map((id) => ({ id })) } };
    const id = call.path.split("/")[3] ?? "";
    if (!call.path.endsWith("/members")) return { body: { id, displayName: `named ${id}` } };
    if (id === "a") await held.promise;
    return { body: { value: groups[id]?.map((member) => ({ id: member })) ?? [] } };
  });
  tenants.push(tenant);
  const first = await read(rigFor(tenant.origin), null, 1);
  held.resolve();
  delete listed.a;
  const rest = await read(rigFor(tenant.origin), first[0]?.watermark ?? null);
  assert.deepEqual(asLists(consume([...first, ...rest])).a, ["u"]);
  const names = rest.flatMap((page) => page.records).filter(({ id }) => id === "a");
  assert.equal(names[0]?.attributes.displayName, "named a");
});
