import assert from "node:assert/strict";
import { test } from "node:test";
import { startClient } from "./testing/client.ts";
import { person, smallTenant } from "./testing/tenant.ts";
import { type Charge, Throttle, unitsOf } from "./throttle.ts";

const IDENTITY = { client: "app", tenant: "tenant" };

test("select saves a unit, expand costs one, a small top saves one, and one is the least", () => {
  assert.equal(unitsOf(2, { select: null, expand: null, top: null }), 2);
  assert.equal(unitsOf(2, { select: ["id"], expand: null, top: 999 }), 1);
  assert.equal(unitsOf(3, { select: null, expand: "members", top: 5 }), 3);
  assert.equal(unitsOf(1, { select: ["id"], expand: null, top: 1 }), 1);
});

test("a small tenant is throttled at 3,500 units in ten seconds, told how long to wait, and served again then", () => {
  let now = 0;
  const throttle = new Throttle({ people: 49, enforced: true, clock: () => now, identity: IDENTITY });
  // 1,000 units a second: over the limit of units, under that of requests.
  const charges = Array.from({ length: 4000 }, () => {
    now += 2;
    return throttle.charge(2, false);
  });
  const loud = ({ headers }: Charge): number => Number(headers["x-ms-throttle-limit-percentage"] ?? 0);
  const first = charges.map(({ refusal }) => refusal?.status).indexOf(429);
  const refused = charges[first]?.refusal;
  assert.ok(first > 2000, String(first));
  assert.equal(refused?.status, 429);
  assert.equal(refused?.headers["x-ms-throttle-scope"], "Tenant_Application/ReadWrite/app/tenant");
  assert.equal(refused?.headers["retry-after"], "1");
  assert.ok(charges.slice(0, 1000).every((charge) => loud(charge) === 0));
  assert.ok(charges.slice(-100).every((charge) => loud(charge) > 1 && loud(charge) <= 1.8));
  now += 60_000;
  assert.equal(throttle.charge(2, false).refusal, null);
});

test("3,000 writes in two and a half minutes are the limit of an app in a tenant", () => {
  let now = 0;
  const throttle = new Throttle({ people: 1000, enforced: true, clock: () => now, identity: IDENTITY });
  let written = 0;
  let { refusal } = throttle.charge(1, true);
  for (; refusal === null && written < 10_000; written++) {
    now += 2;
    ({ refusal } = throttle.charge(1, true));
  }
  assert.ok(refusal !== null && written >= 3000 && written < 3300, String(written));
  assert.equal(refusal.headers["x-ms-throttle-scope"], "Tenant_Application/Write/app/tenant");
  assert.equal(refusal.headers["x-ms-throttle-information"], "WriteLimitExceeded");
  now += Number(refusal.headers["retry-after"]) * 1000 + 2000;
  assert.equal(throttle.charge(1, true).refusal, null);
});

test("answers tell their cost; a 429 comes as Graph's error with Retry-After, and inside a batch alone", async (t) => {
  const client = await startClient(t, {
    tenant: smallTenant(5),
    throttle: "published",
    clock: () => 1_800_000_000_000,
  });
  assert.equal((await client.get("/users")).headers.get("x-ms-resource-unit"), "2");
  assert.equal((await client.get("/users?$select=id")).headers.get("x-ms-resource-unit"), "1");
  const requests = Array.from({ length: 20 }, (_, i) => ({ id: String(i), method: "GET", url: `/users/${person(1)}` }));
  const seen = new Set<number>();
  for (let i = 0; i < 105 && !seen.has(429); i++) {
    const { status, body } = await client.send("POST", "/$batch", { requests });
    assert.equal(status, 200);
    for (const response of body.responses as readonly { readonly status: number }[]) seen.add(response.status);
  }
  assert.deepEqual(
    [...seen].toSorted((a, b) => a - b),
    [200, 429],
  );
  const refused = await client.get("/users");
  assert.deepEqual([refused.status, refused.body.error?.code], [429, "TooManyRequests"]);
  assert.ok(Number(refused.headers.get("retry-after")) >= 1);
  assert.ok(Number(refused.headers.get("x-ms-throttle-limit-percentage")) >= 1);
  client.simulator.advance(60_000);
  assert.equal((await client.get("/users")).status, 200);
});

test("reports allow five requests in ten seconds, conditional access one a second without saying how long to wait", () => {
  let now = 0;
  const throttle = new Throttle({ people: 1000, enforced: true, clock: () => now, identity: IDENTITY });
  const reports = Array.from({ length: 6 }, () => throttle.charge(1, false, "reports").refusal);
  assert.deepEqual(
    reports.map((refusal) => refusal?.status),
    [undefined, undefined, undefined, undefined, undefined, 429],
  );
  assert.equal(reports[5]?.headers["retry-after"], "2");
  assert.equal(throttle.charge(1, false, "conditionalAccess").refusal, null);
  const silent = throttle.charge(1, false, "conditionalAccess").refusal;
  assert.deepEqual([silent?.status, silent?.headers["retry-after"]], [429, undefined]);
  assert.equal(throttle.charge(2, false).refusal, null);
  now += 10_000;
  assert.equal(throttle.charge(1, false, "reports").refusal, null);
  assert.equal(throttle.charge(1, false, "conditionalAccess").refusal, null);
});

test("a wait may be a fraction of a second longer than whole seconds", () => {
  let now = 0;
  const throttle = new Throttle({ people: 49, enforced: true, clock: () => now, identity: IDENTITY });
  const waits = new Set<string>();
  for (let i = 0; i < 12_000; i++) {
    now++;
    const { refusal } = throttle.charge(2, false);
    if (refusal !== null) waits.add(String(refusal.headers["retry-after"]));
  }
  assert.ok(
    [...waits].some((wait) => /^\d+\.\d+$/.test(wait)),
    [...waits].slice(0, 5).join(),
  );
});
