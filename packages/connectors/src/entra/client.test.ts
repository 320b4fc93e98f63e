import assert from "node:assert/strict";
import { after, test } from "node:test";
import { inspect } from "node:util";
import { ConnectorError, type Wait } from "@entrain/core";
import {
  type Answer,
  type Call,
  type FakeTenant,
  graphCalls,
  type Rig,
  readAll,
  rigFor,
  SECRET,
  START,
  startTenant,
  TOKEN_CANARY,
} from "./testing.ts";

const tenants: FakeTenant[] = [];
after(() => Promise.all(tenants.map((tenant) => tenant.close())));

/** A tenant of one user that answers the first requests to `/users` as told. */
async function tenantThat(answers: readonly Answer[]): Promise<FakeTenant> {
  const left = [...answers];
  const tenant = await startTenant((call, origin) => {
    if (call.path.endsWith("$count")) return { body: "1" };
    if (call.path.endsWith("/delta"))
      return { body: { "@odata.deltaLink": `${origin}/v1.0/users/delta?t`, value: [] } };
    return left.shift() ?? { body: { value: [{ id: "a" }] } };
  });
  tenants.push(tenant);
  return tenant;
}

async function read(rig: Rig): Promise<number> {
  try {
    return (await readAll(rig.source, "user")).flatMap((page) => page.records).length;
  } finally {
    await rig.source.close();
  }
}

async function faultOf(rig: Rig): Promise<ConnectorError> {
  const fault: unknown = await read(rig).catch((error: unknown) => error);
  assert.ok(fault instanceof ConnectorError);
  return fault;
}

function throttled(after?: string, more: object = {}): Answer {
  return { status: 429, headers: { ...(after === undefined ? {} : { "retry-after": after }), ...more }, body: {} };
}

test("waits as long as Graph asks, in whole seconds, with a fraction, and to a date", async () => {
  const date = new Date(START).toUTCString();
  const until = new Date(START + 30_000).toUTCString();
  const tenant = await tenantThat([throttled("7"), throttled("2.128"), throttled(until, { date })]);
  const rig = rigFor(tenant.origin);
  assert.equal(await read(rig), 1);
  assert.deepEqual(rig.time.waits, [7000, 2128, 30_000]);
});

test("backs off with jitter where Graph asks to wait but not how long", async () => {
  const tenant = await tenantThat([throttled(), throttled(""), throttled("later"), throttled("0")]);
  const rig = rigFor(tenant.origin);
  assert.equal(await read(rig), 1);
  assert.deepEqual(rig.time.waits, [250, 500, 1000, 2000]);
});

test("tells each wait when it begins and when it is over: who, why, how long, which attempt", async () => {
  const tenant = await tenantThat([throttled("7"), throttled("2.128"), { status: 503, body: {} }]);
  const told: (Wait | null)[] = [];
  const rig = rigFor(tenant.origin, { onWait: (wait) => told.push(wait) });
  assert.equal(await read(rig), 1);
  const service = "Microsoft Graph";
  assert.deepEqual(told, [
    { service, status: 429, seconds: 7, attempt: 2, of: 8 },
    null,
    { service, status: 429, seconds: 3, attempt: 3, of: 8 },
    null,
    { service, status: 503, seconds: 1, attempt: 4, of: 8 },
    null,
  ]);
});

test("tells the wait for a token, and a wait that is cut short as over", async () => {
  const tenant = await tenantThat([]);
  tenant.refusal = throttled("9");
  const told: (Wait | null)[] = [];
  const stop = new Error("stopped");
  const rig = rigFor(tenant.origin, { onWait: (wait) => told.push(wait), sleep: () => Promise.reject(stop) });
  await assert.rejects(read(rig));
  assert.deepEqual(told, [{ service: "Microsoft sign-in", status: 429, seconds: 9, attempt: 2, of: 8 }, null]);
});

test("tells the wait for a service that does not answer", async () => {
  const tenant = await tenantThat([{ body: { value: [] }, cut: true }]);
  const told: (Wait | null)[] = [];
  const rig = rigFor(tenant.origin, { onWait: (wait) => told.push(wait) });
  assert.equal(await read(rig), 1);
  assert.deepEqual(told, [{ service: "Microsoft Graph", status: null, seconds: 1, attempt: 2, of: 5 }, null]);
});

test("tries passing server faults and cut connections again", async () => {
  const faults = [500, 502, 503, 504, 509].map((status) => ({ status, body: {} }));
  const tenant = await tenantThat([...faults, { body: { value: [] }, cut: true }]);
  const rig = rigFor(tenant.origin);
  assert.equal(await read(rig), 1);
  assert.equal(rig.time.waits.length, 6);
  const retries = rig.events
    .filter((event) => event.path === "/v1.0/users")
    .map(({ status, retry }) => ({ status, retry }));
  assert.deepEqual(retries.at(-2), { status: null, retry: 5 });
  assert.deepEqual(retries.at(-1), { status: 200, retry: 6 });
});

test("gives up after a bounded number of tries, and says what Graph asked for", async () => {
  const rig = rigFor((await tenantThat(Array.from({ length: 20 }, () => throttled("3")))).origin);
  const fault = await faultOf(rig);
  assert.equal(fault.code, "throttled");
  assert.equal(fault.retryAfterMs, 3000);
  assert.equal(fault.retry, "later");
  assert.equal(rig.time.waits.length, 7);
  const failed = await faultOf(rigFor((await tenantThat(Array.from({ length: 20 }, () => ({ status: 503 })))).origin));
  assert.equal(failed.code, "server_failed");
});

test("leaves a wait of more than five minutes to the schedule", async () => {
  const rig = rigFor((await tenantThat([throttled("3600")])).origin);
  assert.equal((await faultOf(rig)).retryAfterMs, 3_600_000);
  assert.deepEqual(rig.time.waits, []);
});

test("sends nothing at all while Graph asks to wait", async () => {
  const waiting = new Set<string>();
  const tenant = await startTenant((call, origin) => {
    if (call.path.endsWith("$count")) return { body: "8" };
    if (call.path.endsWith("/delta"))
      return { body: { "@odata.deltaLink": `${origin}/v1.0/groups/delta?t`, value: [] } };
    if (call.path === "/v1.0/groups") return { body: { value: ["a", "b", "c", "d", "e"].map((id) => ({ id })) } };
    if (call.path.includes("/a/") && !waiting.has("a")) {
      waiting.add("a");
      return throttled("60");
    }
    return { body: { value: [] } };
  });
  tenants.push(tenant);
  const rig = rigFor(tenant.origin, { concurrency: 1 });
  await readAll(rig.source, "group");
  await rig.source.close();
  assert.deepEqual(rig.time.waits, [60_000]);
});

test("signs in again once when Graph refuses the token, then gives up", async () => {
  const refused: Answer = { status: 401, body: { error: { code: "InvalidAuthenticationToken", message: "expired" } } };
  const once = await tenantThat([refused]);
  assert.equal(await read(rigFor(once.origin)), 1);
  assert.equal(once.calls.filter((call) => call.path.endsWith("/token")).length, 2);
  const twice = await tenantThat([refused, refused, refused]);
  const fault = await faultOf(rigFor(twice.origin));
  assert.equal(fault.code, "sign_in_refused");
  assert.equal(fault.status, 401);
  assert.equal(graphCalls(twice).filter((call) => call.startsWith("GET /users?")).length, 2);
});

test("names the missing permission and both request ids", async () => {
  const body = { error: { code: "Authorization_RequestDenied", message: "Insufficient privileges." } };
  const tenant = await tenantThat([{ status: 403, headers: { "request-id": "server-7" }, body }]);
  const fault = await faultOf(rigFor(tenant.origin));
  assert.equal(fault.code, "permission_missing");
  assert.equal(fault.requestId, "server-7");
  assert.match(
    fault.message,
    /^GET \/v1\.0\/users was refused \(403 Authorization_RequestDenied\): Insufficient privileges\./,
  );
  assert.match(fault.message, /needs the permission User\.Read\.All/);
  const sent = tenant.calls.find((call) => call.path === "/v1.0/users")?.headers["client-request-id"];
  assert.match(String(sent), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(fault.message.endsWith(`(request-id server-7, client-request-id ${sent})`));
});

test("finds the request id inside the error where there is no header, in both spellings", async () => {
  for (const name of ["innerError", "innererror"]) {
    const body = { error: { code: "", message: "", [name]: { "request-id": "inner-1" } } };
    const tenant = await tenantThat([{ status: 400, body }]);
    assert.equal((await faultOf(rigFor(tenant.origin))).requestId, "inner-1");
  }
});

test("takes no answer for a page that is not one", async () => {
  const answers: readonly Answer[] = [
    { body: "<!doctype html><p>Sign in to the guest network</p>" },
    { body: '{"value":[{"id":"a"},' },
    { body: { "@odata.context": "x" } },
    { body: { value: {} } },
    { body: { value: [{ displayName: "nobody" }] } },
    { body: { value: [], "@odata.nextLink": 7 } },
    { body: "null" },
    { body: "" },
  ];
  for (const answer of answers) {
    const fault = await faultOf(rigFor((await tenantThat([answer])).origin));
    assert.equal(fault.code, "answer_invalid");
    assert.match(fault.message, /client-request-id/);
  }
});

test("says which entry of a page has no id, and takes nothing of that page", async () => {
  const tenant = await tenantThat([{ body: { value: [{ id: "a" }, { displayName: "nobody" }, { id: "c" }] } }]);
  assert.match((await faultOf(rigFor(tenant.origin))).message, /entry 2 of 3 in the `value` list has no id/);
});

test("takes a delta answer without any link for an invalid one", async () => {
  const tenant = await startTenant(() => ({ body: { value: [] } }));
  tenants.push(tenant);
  assert.equal((await faultOf(rigFor(tenant.origin))).code, "answer_invalid");
});

test("reports every request without its query, and compresses answers", async () => {
  const tenant = await tenantThat([]);
  const rig = rigFor(tenant.origin);
  await read(rig);
  assert.deepEqual(rig.events.map((event) => `${event.method} ${event.path} ${event.status} ${event.retry}`).slice(2), [
    "GET /v1.0/users/delta 200 0",
    "GET /v1.0/users/$count 200 0",
    "GET /v1.0/users 200 0",
    "GET /v1.0/users/delta 200 0",
  ]);
  assert.ok(tenant.calls.every((call) => call.headers["accept-encoding"] === "gzip"));
});

test("names the host and the cause when nothing listens there", async () => {
  const closed = await startTenant(() => ({}));
  await closed.close();
  const rig = rigFor(closed.origin);
  const fault = await faultOf(rig);
  assert.equal(fault.code, "unreachable");
  assert.match(fault.message, /could not be reached: nothing listens there/);
  assert.equal(rig.time.waits.length, 4);
});

test("says when an answer takes too long", async () => {
  const tenant = await startTenant(() => new Promise<Answer>(() => {}));
  tenants.push(tenant);
  const fault = await faultOf(rigFor(tenant.origin, { timeouts: { total: 40 } }));
  assert.equal(fault.code, "timeout");
});

test("keeps the secret and the token out of every fault, even when a server repeats them", async () => {
  const echo = (call: Call): string => `${call.headers.authorization} ${call.body} ${SECRET} ${TOKEN_CANARY}`;
  const scenes: readonly ((call: Call) => Answer)[] = [
    (call) => ({ status: 400, body: { error: { code: "Bad", message: String(call.headers.authorization) } } }),
    (call) => ({ status: 403, body: { error: { code: "Bad", message: String(call.headers.authorization) } } }),
    (call) => ({ status: 401, body: { error: { code: "Bad", message: String(call.headers.authorization) } } }),
    (call) => ({ status: 200, body: echo(call) }),
    (call) => ({ status: 500, body: echo(call) }),
    (call) => ({ status: 200, body: echo(call), cut: true }),
  ];
  for (const scene of scenes) {
    const tenant = await startTenant(scene);
    tenants.push(tenant);
    assertClean(await faultOf(rigFor(tenant.origin)));
  }
  const refusals: readonly Answer[] = [
    { status: 401, body: { error: "invalid_client", error_description: `no: ${SECRET}`, error_codes: [7000215] } },
    { status: 400, body: { error: SECRET, error_description: SECRET, error_codes: [1] } },
    { status: 200, body: { access_token: TOKEN_CANARY, token_type: "mac" } },
    { status: 200, body: `<html>${SECRET}${TOKEN_CANARY}` },
    { status: 302, headers: { location: `https://x.example/${SECRET}` }, body: "" },
  ];
  for (const refusal of refusals) {
    const tenant = await tenantThat([]);
    tenant.refusal = refusal;
    assertClean(await faultOf(rigFor(tenant.origin)));
  }
});

function assertClean(fault: unknown): void {
  const seen = inspect(fault, { depth: 20, showHidden: true, getters: true });
  assert.ok(!seen.includes(SECRET) && !seen.includes(TOKEN_CANARY), seen.replaceAll(/CANARY/g, "LEAK"));
}

test("shows neither the secret nor the token when the source itself is printed", async () => {
  const rig = rigFor((await tenantThat([])).origin);
  await readAll(rig.source, "user");
  assertClean(rig.source);
  await rig.source.close();
});
