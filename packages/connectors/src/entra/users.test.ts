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

/** A tenant whose users come in the given pages, then one delta page; `override` may answer first. */
async function tenantOf(
  pages: readonly (readonly object[])[],
  changes: readonly object[] = [],
  override: (call: Call, origin: string) => Answer | null = () => null,
): Promise<FakeTenant> {
  const tenant = await startTenant((call, origin) => {
    const special = override(call, origin);
    if (special !== null) return special;
    if (call.path === "/v1.0/users/$count") return { body: String(pages.flat().length) };
    if (call.path === "/v1.0/users/delta") {
      const latest = call.query.get("$deltatoken") === "latest";
      const number = latest ? 1 : Number(call.query.get("$deltatoken")) + 1;
      const deltaLink = `${origin}/v1.0/users/delta?$deltatoken=${number}`;
      return { body: { "@odata.deltaLink": deltaLink, value: latest ? [] : changes } };
    }
    const at = Number(call.query.get("$skiptoken") ?? 0);
    const next = at + 1 < pages.length ? { "@odata.nextLink": `${origin}/v1.0/users?$skiptoken=${at + 1}` } : {};
    return { body: { ...next, value: pages[at] ?? [] } };
  });
  tenants.push(tenant);
  return tenant;
}

function user(id: string, more: object = {}): object {
  return { id, displayName: `Person ${id}`, mail: null, accountEnabled: true, ...more };
}

function idsOf(pages: readonly SourcePage[]): readonly string[] {
  return pages.flatMap((page) => page.records.map((record) => record.id));
}

function lastWatermark(pages: readonly SourcePage[]): Watermark {
  const page = pages.at(-1);
  assert.ok(page !== undefined);
  return page.watermark;
}

/** What a page says beside its records. */
function shape({ round, begins, complete, expected }: SourcePage): object {
  return { round, begins, complete, expected };
}

async function withRig<T>(rig: Rig, use: (rig: Rig) => Promise<T>): Promise<T> {
  try {
    return await use(rig);
  } finally {
    await rig.source.close();
  }
}

test("takes the delta token before the first page, and follows it after the last", async () => {
  const tenant = await tenantOf([[user("a"), user("b")], [user("c")]], [user("b", { mail: "b@x" })]);
  const pages = await withRig(rigFor(tenant.origin), ({ source }) => readAll(source, "user"));
  const [first, second, ...then] = graphCalls(tenant);
  // Asked for beside each other.
  assert.deepEqual([first, second].toSorted(), [
    "GET /users/$count",
    "GET /users/delta?$deltatoken=latest&$select=id,accountEnabled,displayName,mail,manager",
  ]);
  assert.deepEqual(then, [
    "GET /users?$top=999&$select=id,accountEnabled,displayName,mail&$expand=manager($select=id)",
    "GET /users?$skiptoken=1",
    "GET /users/delta?$deltatoken=1",
  ]);
  assert.deepEqual(pages.map(shape), [
    { round: "full", begins: true, complete: false, expected: 3 },
    { round: "full", begins: false, complete: true, expected: 3 },
    { round: "delta", begins: false, complete: true, expected: undefined },
  ]);
  assert.deepEqual(idsOf(pages), ["a", "b", "c", "b"]);
});

test("asks for the count with the eventual consistency level, and goes on where a tenant refuses it", async () => {
  const refused = { status: 400, body: { error: { code: "Request_BadRequest", message: "no" } } };
  const tenant = await tenantOf([[user("a")]], [], (call) => (call.path.endsWith("$count") ? refused : null));
  const pages = await withRig(rigFor(tenant.origin), ({ source }) => readAll(source, "user"));
  assert.equal(tenant.calls.find((call) => call.path.endsWith("$count"))?.headers.consistencylevel, "eventual");
  assert.deepEqual(idsOf(pages), ["a"]);
  assert.ok(pages.every((page) => page.expected === undefined));
});

test("gives whole records every selected attribute, null where Graph holds none, and the manager", async () => {
  const tenant = await tenantOf([[{ id: "a", displayName: "A", manager: { id: "m" }, surplus: 1 }, { id: "m" }]]);
  const [page] = await withRig(rigFor(tenant.origin), ({ source }) => readAll(source, "user"));
  const form = { kind: "user", form: "whole" };
  assert.deepEqual(page?.records, [
    { ...form, id: "a", attributes: { accountEnabled: null, displayName: "A", mail: null }, manager: "m" },
    { ...form, id: "m", attributes: { accountEnabled: null, displayName: null, mail: null }, manager: null },
  ]);
});

test("gives changed records only what the delta answer holds", async () => {
  const changes = [
    { id: "a", displayName: "New", mail: null },
    { id: "b", "manager@delta": [{ id: "old", "@removed": { reason: "deleted" } }, { id: "new" }] },
    { id: "c", "manager@delta": [{ id: "old", "@removed": { reason: "deleted" } }] },
    { id: "d", "@removed": { reason: "changed" } },
    { id: "e", "@removed": { reason: "deleted" } },
    { id: "f", "@removed": {} },
  ];
  const tenant = await tenantOf([[]], changes);
  const pages = await withRig(rigFor(tenant.origin), ({ source }) => readAll(source, "user"));
  const form = { kind: "user", form: "partial" };
  assert.deepEqual(pages[1]?.records, [
    { ...form, id: "a", attributes: { displayName: "New", mail: null } },
    { ...form, id: "b", attributes: {}, manager: "new" },
    { ...form, id: "c", attributes: {}, manager: null },
    { ...form, id: "d", attributes: {}, removed: "soft" },
    { ...form, id: "e", attributes: {}, removed: "hard" },
    { ...form, id: "f", attributes: {}, removed: "soft" },
  ]);
});

test("reads only the changes from a delta watermark, with a single request", async () => {
  const tenant = await tenantOf([[user("a")]], [user("b")]);
  const first = await withRig(rigFor(tenant.origin), ({ source }) => readAll(source, "user"));
  const before = graphCalls(tenant).length;
  const pages = await withRig(rigFor(tenant.origin), ({ source }) => readAll(source, "user", lastWatermark(first)));
  assert.deepEqual(graphCalls(tenant).slice(before), ["GET /users/delta?$deltatoken=2"]);
  assert.deepEqual(pages.map(shape), [{ round: "delta", begins: false, complete: true, expected: undefined }]);
});

test("fails at any page, and goes on behind the last stored one without loss or repetition", async () => {
  const people = [[user("a")], [user("b")], [], [user("c")]];
  const failures = [
    { status: 200, body: "<html>A proxy's page</html>" },
    { status: 200, body: '{"value": [{"id": "x"' },
    { status: 200, body: { error: "none" } },
    { status: 403, body: { error: { code: "Authorization_RequestDenied", message: "no" } } },
    { status: 200, body: { value: [{ id: "x" }] }, cut: true },
  ] as const;
  for (const failure of failures) {
    for (let failing = 1; failing <= 7; failing++) {
      let requests = 0;
      let broken = true;
      const tenant = await tenantOf(people, [user("d")], () => (++requests >= failing && broken ? failure : null));
      const pages: SourcePage[] = [];
      const read = async (from: Watermark | null): Promise<void> => {
        const { source } = rigFor(tenant.origin);
        try {
          for await (const page of source.read("user", from, new AbortController().signal)) pages.push(page);
        } finally {
          await source.close();
        }
      };
      await assert.rejects(read(null), { name: "ConnectorError" }, `request ${failing}`);
      broken = false;
      await read(pages.at(-1)?.watermark ?? null);
      assert.deepEqual(idsOf(pages), ["a", "b", "c", "d"], `request ${failing}`);
      assert.equal(pages.filter((page) => page.begins).length, 1);
      assert.deepEqual(
        pages.filter((page) => page.complete).map((page) => page.round),
        ["full", "delta"],
      );
    }
  }
});

test("yields an empty page that has a next link, and goes on behind it", async () => {
  const tenant = await tenantOf([[], [user("a")]]);
  const pages = await withRig(rigFor(tenant.origin), ({ source }) => readAll(source, "user"));
  assert.deepEqual(
    pages.map((page) => page.records.length),
    [0, 1, 0],
  );
  assert.deepEqual(
    pages.map((page) => page.complete),
    [false, true, true],
  );
});

test("begins a full round when the delta token is no longer accepted, whatever the wording", async () => {
  const refusals: readonly Answer[] = [
    { status: 410, headers: { location: "https://elsewhere.example/v1.0/users/delta?$deltatoken=" }, body: {} },
    { status: 400, body: { error: { code: "SyncStateNotFound", message: "" } } },
    { status: 404, body: { error: { code: "syncStateNotFound", message: "" } } },
    { status: 400, body: { error: { code: "resyncRequired", message: "" } } },
    { status: 400, body: { error: { code: "SyncStateInvalid", message: "" } } },
    { status: 400, body: { error: { code: "Request_BadRequest", message: "" } } },
  ];
  for (const refusal of refusals) {
    const expired = new Set<string>();
    const override = (call: Call): Answer | null => (expired.has(call.query.get("$deltatoken") ?? "") ? refusal : null);
    const tenant = await tenantOf([[user("a")]], [], override);
    const first = await withRig(rigFor(tenant.origin), ({ source }) => readAll(source, "user"));
    expired.add("2");
    const pages = await withRig(rigFor(tenant.origin), ({ source }) => readAll(source, "user", lastWatermark(first)));
    assert.deepEqual(pages.map(shape), [
      { round: "full", begins: true, complete: true, expected: 1 },
      { round: "delta", begins: false, complete: true, expected: undefined },
    ]);
    assert.ok(pages.every((page) => page.records.every((record) => record.removed === undefined)));
  }
});

test("begins a full round again once at most in one read", async () => {
  const gone: Answer = { status: 410, body: {} };
  const tenant = await tenantOf([[user("a")]], [], (call) => (call.url.endsWith("deltatoken=1") ? gone : null));
  await withRig(rigFor(tenant.origin), async ({ source }) => {
    await assert.rejects(readAll(source, "user"), { code: "watermark_expired" });
  });
});

test("begins a full round from a watermark of another selection, another tenant or another make", async () => {
  const tenant = await tenantOf([[user("a")]]);
  const first = await withRig(rigFor(tenant.origin), ({ source }) => readAll(source, "user"));
  const stored = lastWatermark(first);
  const other = { attributes: ["displayName"] };
  const began = async (rig: Rig, from: Watermark): Promise<boolean | undefined> =>
    (await withRig(rig, ({ source }) => readAll(source, "user", from)))[0]?.begins;
  assert.equal(await began(rigFor(tenant.origin), stored), false);
  assert.equal(
    await began(rigFor(tenant.origin, { attributes: ["mail", "accountEnabled", "displayName"] }), stored),
    false,
  );
  assert.equal(await began(rigFor(tenant.origin, other), stored), true);
  assert.equal(await began(rigFor(tenant.origin, { tenant: "contoso.example" }), stored), true);
  assert.equal(await began(rigFor(tenant.origin), "not a watermark" as Watermark), true);
  assert.equal(await began(rigFor(tenant.origin), stored.replace('"v":1', '"v":0') as Watermark), true);
});

test("refuses a link to another host before anything is sent there", async () => {
  const foreign = await startTenant(() => ({ body: { value: [] } }));
  tenants.push(foreign);
  const tenant = await tenantOf([], [], (call) =>
    call.path === "/v1.0/users" ? { body: { "@odata.nextLink": `${foreign.origin}/v1.0/users?x`, value: [] } } : null,
  );
  await withRig(rigFor(tenant.origin), async ({ source }) => {
    await assert.rejects(readAll(source, "user"), { code: "link_foreign" });
  });
  assert.equal(foreign.calls.length, 0);
});

test("refuses a link to the same host by another scheme or port, and says what it points to", async () => {
  for (const change of [
    (origin: string) => origin.replace("http:", "https:"),
    (origin: string) => origin.replace(/:\d+$/, ":1"),
    (origin: string) => origin.replace("//", "//user@"),
  ]) {
    const tenant = await tenantOf([], [], (call, origin) =>
      call.path === "/v1.0/users"
        ? { body: { "@odata.nextLink": `${change(origin)}/v1.0/users?x`, value: [user("a")] } }
        : null,
    );
    await withRig(rigFor(tenant.origin), async ({ source }) => {
      await assert.rejects(readAll(source, "user"), {
        code: "link_foreign",
        message: /paging link points to https?:\/\/127\.0\.0\.1:\d+, not to http:.*; it was not followed/,
      });
    });
  }
});

test("yields a person that one page holds twice both times, in Graph's order", async () => {
  const tenant = await tenantOf([[user("a", { mail: "old" }), user("b"), user("a", { mail: "new" })]]);
  await withRig(rigFor(tenant.origin), async ({ source }) => {
    const [page] = await readAll(source, "user");
    assert.deepEqual(
      page?.records.map(({ id, attributes }) => [id, attributes.mail]),
      [
        ["a", "old"],
        ["b", null],
        ["a", "new"],
      ],
    );
  });
});

const METADATA = "https://graph.microsoft.com/v1.0/$metadata#users";
const CONTEXTS = {
  "no context": "",
  "a context without properties": `"@odata.context":"${METADATA}",`,
  "a context with the extensions": `"@odata.context":"${METADATA}(displayName,extension_1_big,manager(id))",`,
  "a context of all properties": `"@odata.context":"${METADATA}(*,manager(id))",`,
  "a context of changes": `"@odata.context":"${METADATA}(displayName)/$delta",`,
};
for (const [which, context] of Object.entries(CONTEXTS)) {
  test(`of a page with ${which}, whole numbers that a double cannot hold stay digits, and texts exactly as they are`, async () => {
    const text = `\u0000 \ud83d "quoted" ${"9".repeat(100_000)}`;
    const page =
      `{${context}"value":[{"id":"a","extension_1_big":9007199254740993,"extension_1_low":-9223372036854775808,` +
      `"extension_1_exact":9007199254740991,"extension_1_half":0.12345678901234567,"displayName":${JSON.stringify(text)}}]}`;
    const tenant = await tenantOf([[user("a")]], [], (call) => (call.path === "/v1.0/users" ? { body: page } : null));
    const attributes = ["displayName", "big", "low", "exact", "half"].map((name) =>
      name === "displayName" ? name : `extension_1_${name}`,
    );
    await withRig(rigFor(tenant.origin, { attributes }), async ({ source }) => {
      const [first] = await readAll(source, "user");
      assert.deepEqual(first?.records[0]?.attributes, {
        displayName: text,
        extension_1_big: "9007199254740993",
        extension_1_low: "-9223372036854775808",
        extension_1_exact: 9007199254740991,
        extension_1_half: 0.12345678901234566,
      });
    });
  });
}

test("notices a next link that keeps leading back to a page already read", async () => {
  const tenant = await tenantOf([], [], (call, origin) =>
    call.path === "/v1.0/users"
      ? { body: { "@odata.nextLink": `${origin}/v1.0/users?$skiptoken=1`, value: [user("a")] } }
      : null,
  );
  await withRig(rigFor(tenant.origin), async ({ source }) => {
    await assert.rejects(readAll(source, "user"), { code: "link_loop" });
  });
});

test("gives up on empty pages that lead to ever new ones", async () => {
  let number = 0;
  const tenant = await tenantOf([], [], (call, origin) => {
    if (call.path !== "/v1.0/users") return null;
    number += 1;
    return { body: { "@odata.nextLink": `${origin}/v1.0/users?$skiptoken=${number}`, value: [] } };
  });
  await withRig(rigFor(tenant.origin), async ({ source }) => {
    await assert.rejects(readAll(source, "user"), { code: "link_loop" });
  });
});

test("fetches one page ahead of the consumer, and no more", async () => {
  const tenant = await tenantOf([[user("a")], [user("b")], [user("c")], [user("d")]]);
  await withRig(rigFor(tenant.origin), async ({ source }) => {
    const pages = source.read("user", null, new AbortController().signal)[Symbol.asyncIterator]();
    await pages.next();
    // Each of these comes back after everything that the page ahead may have set off.
    for (let trip = 0; trip < 10; trip++) await (await fetch(`${tenant.origin}/elsewhere`)).text();
    assert.deepEqual(graphCalls(tenant).slice(3), ["GET /users?$skiptoken=1"]);
    await pages.return?.();
  });
});

test("stops within one request when aborted, with the signal's reason", async () => {
  let reached: () => void = () => {};
  const waiting = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const tenant = await startTenant((call, origin) => {
    if (call.path.endsWith("$count")) return { body: "2" };
    if (call.path.endsWith("/delta"))
      return { body: { "@odata.deltaLink": `${origin}/v1.0/users/delta?a`, value: [] } };
    reached();
    return new Promise<Answer>(() => {});
  });
  tenants.push(tenant);
  await withRig(rigFor(tenant.origin), async ({ source }) => {
    const controller = new AbortController();
    const reason = new Error("Ctrl-C");
    void waiting.then(() => controller.abort(reason));
    const read = source.read("user", null, controller.signal)[Symbol.asyncIterator]();
    await assert.rejects(read.next(), reason);
    assert.equal(graphCalls(tenant).length, 3);
  });
});

test("asks for smaller pages with sign-in activity, which delta cannot track", async () => {
  const tenant = await tenantOf([[user("a")]]);
  const rig = rigFor(tenant.origin, { attributes: ["id", "mail", "signInActivity"] });
  await withRig(rig, ({ source }) => readAll(source, "user"));
  assert.ok(graphCalls(tenant).includes("GET /users/delta?$deltatoken=latest&$select=id,mail,manager"));
  assert.equal(
    graphCalls(tenant)[0],
    "GET /users?$top=1&$select=id,signInActivity",
    "one record tells whether it is told",
  );
  assert.equal(graphCalls(tenant)[3], "GET /users?$top=500&$select=id,mail,signInActivity&$expand=manager($select=id)");
});
