import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Presence } from "@entrain/core";
import { type Answer, type FakeTenant, graphCalls, type Rig, rigFor, startTenant } from "./testing.ts";

const tenants: FakeTenant[] = [];
after(() => Promise.all(tenants.map((tenant) => tenant.close())));

interface Inner {
  readonly id: string;
  readonly url: string;
}
interface InnerAnswer {
  readonly status: number;
  readonly headers?: object;
  readonly body?: object;
}

const NOT_FOUND: InnerAnswer = { status: 404, body: { error: { code: "Request_ResourceNotFound" } } };

/** A tenant that answers each request of a batch by itself; `null` leaves it out. Answers come in reverse order. */
async function tenantOf(answer: (url: string) => InnerAnswer | null): Promise<FakeTenant> {
  const tenant = await startTenant((call): Answer => {
    const { requests } = JSON.parse(call.body) as { requests: readonly Inner[] };
    assert.ok(requests.length <= 20);
    const responses = requests.flatMap(({ id, url }) => {
      const inner = answer(url);
      return inner === null ? [] : [{ id, ...inner }];
    });
    return { body: { responses: responses.reverse() } };
  });
  tenants.push(tenant);
  return tenant;
}

async function lookUp(rig: Rig, ids: readonly string[], kind: "user" | "group" = "user"): Promise<object> {
  try {
    const found: ReadonlyMap<string, Presence> = await rig.source.presence(kind, ids, new AbortController().signal);
    return Object.fromEntries(found);
  } finally {
    await rig.source.close();
  }
}

test("tells present, restorable and gone apart", async () => {
  const tenant = await tenantOf((url) => {
    const there = ["/users/a?$select=id", "/directory/deletedItems/b?$select=id"];
    return there.includes(url) ? { status: 200, body: {} } : NOT_FOUND;
  });
  assert.deepEqual(await lookUp(rigFor(tenant.origin), ["a", "b", "c"]), { a: "present", b: "soft", c: "hard" });
});

test("looks groups up as groups", async () => {
  const tenant = await tenantOf((url) => (url.startsWith("/groups/") ? { status: 200, body: {} } : NOT_FOUND));
  assert.deepEqual(await lookUp(rigFor(tenant.origin), ["a"], "group"), { a: "present" });
});

test("asks for twenty at a time, and for nothing when nothing is asked", async () => {
  const tenant = await tenantOf(() => ({ status: 200, body: {} }));
  const ids = Array.from({ length: 41 }, (_, index) => `u${index}`);
  assert.equal(Object.keys(await lookUp(rigFor(tenant.origin), ids)).length, 41);
  assert.equal(graphCalls(tenant).length, 3);
  assert.deepEqual(await lookUp(rigFor(tenant.origin), []), {});
  assert.equal(graphCalls(tenant).length, 3);
});

test("asks a throttled part again after the wait that it names", async () => {
  const asked = new Map<string, number>();
  const tenant = await tenantOf((url) => {
    const count = (asked.get(url) ?? 0) + 1;
    asked.set(url, count);
    const throttled = url.includes("/b?") && count < 3;
    return throttled ? { status: 429, headers: { "Retry-After": "9" }, body: {} } : { status: 200, body: {} };
  });
  const rig = rigFor(tenant.origin);
  assert.deepEqual(await lookUp(rig, ["a", "b"]), { a: "present", b: "present" });
  assert.deepEqual(rig.time.waits, [9000, 9000]);
  assert.equal(asked.get("/users/a?$select=id"), 1);
});

test("stops for a part that asks to wait for an hour, and keeps everybody else from asking", async () => {
  const tenant = await tenantOf((url) =>
    url.includes("/b?") ? { status: 429, headers: { "Retry-After": "3600" }, body: {} } : { status: 200, body: {} },
  );
  const rig = rigFor(tenant.origin);
  await assert.rejects(lookUp(rig, ["a", "b"]), { code: "throttled", retryAfterMs: 3_600_000 });
  await assert.rejects(lookUp(rig, ["a"]), { code: "throttled" });
  assert.deepEqual([rig.time.waits, graphCalls(tenant).length], [[], 1]);
});

test("takes no failure for gone", async () => {
  const failures: readonly (readonly [InnerAnswer | null, string])[] = [
    [{ status: 429 }, "throttled"],
    [{ status: 503 }, "server_failed"],
    [{ status: 403, body: { error: {} } }, "permission_missing"],
    [{ status: 404 }, "answer_invalid"],
    [{ status: 200.5 }, "answer_invalid"],
    [null, "answer_invalid"],
  ];
  for (const [failure, code] of failures) {
    const tenant = await tenantOf((url) => (url.includes("/b?") ? failure : NOT_FOUND));
    await assert.rejects(lookUp(rigFor(tenant.origin), ["a", "b"]), { code });
  }
});

test("takes an answer that is no batch for a fault", async () => {
  const tenant = await startTenant(() => ({ body: { value: [] } }));
  tenants.push(tenant);
  await assert.rejects(lookUp(rigFor(tenant.origin), ["a"]), { code: "answer_invalid" });
});
