import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ConnectorError, type Target, type TargetChange, type Wait } from "@entrain/core";
import { createScimTarget, type ScimTargetOptions } from "./index.ts";
import { type ScriptedAnswer, type ScriptedRequest, startScriptedServer } from "./testing/scripted-server.ts";

const TOKEN = "canary-7f3a-token";
const signal = new AbortController().signal;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Bench {
  readonly target: Target;
  readonly requests: readonly ScriptedRequest[];
  readonly host: string;
  /** The milliseconds of every wait; waiting moves the clock and takes no time. */
  readonly waits: readonly number[];
}

async function bench(
  answer: (request: ScriptedRequest, ordinal: number) => ScriptedAnswer,
  options: Partial<ScimTargetOptions> = {},
): Promise<Bench> {
  const server = await startScriptedServer(answer);
  const waits: number[] = [];
  let now = Date.UTC(2026, 0, 1);
  const clock = {
    now: () => now,
    random: () => 0.5,
    sleep: async (ms: number) => {
      waits.push(ms);
      now += ms;
    },
  };
  const target = createScimTarget({ baseUrl: server.baseUrl, token: () => TOKEN, clock, concurrency: 1, ...options });
  closing.push(target.close, server.close);
  return { target, requests: server.requests, host: new URL(server.baseUrl).host, waits };
}

const change = (fields: Partial<TargetChange>): TargetChange => ({
  ordinal: 0,
  kind: "user",
  action: "update",
  recordId: "u1",
  set: {},
  ...fields,
});
const creation = change({ action: "create", recordId: null, set: { userName: "ada@example.org", title: null } });
const update = change({ set: { title: "Countess" } });
const created: ScriptedAnswer = { status: 201, body: { id: "u9", userName: "ada@example.org" } };
const error = (status: number, scimType?: string, detail = "no"): ScriptedAnswer => ({
  status,
  body: { schemas: ["urn:ietf:params:scim:api:messages:2.0:Error"], status: String(status), scimType, detail },
});
const list = (resources: readonly unknown[], totalResults = resources.length): ScriptedAnswer => ({
  status: 200,
  body: { totalResults, Resources: resources },
});

const drain = async (pages: AsyncIterable<unknown>): Promise<void> => {
  for await (const _page of pages);
};
const one = async ({ target }: Bench, each: TargetChange) => (await target.apply([each], signal))[0];

for (const [what, answer] of Object.entries({
  "is cut off": "cut",
  "is answered 500": error(500),
  "is answered 503 without a word on when to come back": error(503),
  "is answered with HTML": { status: 200, body: "<html>Sign in</html>" },
  "is answered with half of a record": { status: 201, body: '{"id":"u9","user' },
  "is answered without an id": { status: 201, body: { userName: "ada" } },
} satisfies { [what: string]: ScriptedAnswer })) {
  test(`sends a creation that ${what} once, and does not know its outcome`, async () => {
    const each = await bench(() => answer);
    assert.equal((await one(each, creation))?.status, "unknown");
    assert.equal(each.requests.length, 1);
  });
}

test("does not know the outcome of a creation that was not answered in time", async () => {
  const each = await bench(() => "hang", { timeouts: { answerMs: 50 } });
  const outcome = await one(each, creation);
  assert.equal(outcome?.status, "unknown");
  assert.match("detail" in outcome ? String(outcome.detail) : "", /within 0.05 s/);
});

test("repeats what may be repeated after a cut connection or a failure of the server", async () => {
  for (const [first, each] of [
    ["cut", update],
    [error(502), update],
    ["cut", change({ action: "delete" })],
  ] as const) {
    const bed = await bench((_, ordinal) => (ordinal === 0 ? first : { status: 204 }));
    assert.deepEqual(await one(bed, each), { status: "applied", recordId: "u1" });
    assert.deepEqual(bed.waits, [375]);
  }
});

test("a deletion that nobody answered is done where the repeated one finds nothing; one that finds nothing at once was not ours", async () => {
  const gone = { status: 404, body: "{}" };
  for (const [answers, status] of [
    [["cut", gone], "applied"],
    [[error(502), gone], "applied"],
    [[gone], "unchanged"],
  ] as const) {
    const bed = await bench((_, ordinal) => answers[ordinal] ?? gone);
    assert.deepEqual(await one(bed, change({ action: "delete" })), { status, recordId: "u1" });
  }
});

test("tells each wait when it begins and when it is over", async () => {
  const answers: readonly ScriptedAnswer[] = [{ status: 429, headers: { "retry-after": "4" } }, "cut", { status: 204 }];
  const told: (Wait | null)[] = [];
  const bed = await bench((_, ordinal) => answers[ordinal] ?? "cut", { onWait: (wait) => told.push(wait) });
  assert.deepEqual(await one(bed, update), { status: "applied", recordId: "u1" });
  const service = bed.host;
  assert.deepEqual(told, [
    { service, status: 429, seconds: 4, attempt: 2, of: 11 },
    null,
    { service, status: null, seconds: 1, attempt: 2, of: 5 },
    null,
  ]);
});

test("gives up on a server that keeps failing after five attempts, without knowing the outcome", async () => {
  const each = await bench(() => error(500));
  assert.equal((await one(each, update))?.status, "unknown");
  assert.deepEqual([each.requests.length, each.waits], [5, [375, 750, 1500, 3000]]);
});

test("waits as long as the server asks, in seconds or until a date, creations included", async () => {
  for (const header of ["7", "Thu, 01 Jan 2026 00:00:07 GMT"]) {
    for (const status of [429, 503]) {
      const throttled = { status, headers: { "retry-after": header } };
      const each = await bench((_, ordinal) => (ordinal === 0 ? throttled : created));
      assert.deepEqual(await one(each, creation), { status: "applied", recordId: "u9" });
      assert.deepEqual(each.waits, [7000]);
    }
  }
});

test("a server that asks for no wait, or until a date passed, and refuses again is waited out as one that asks for nothing", async () => {
  for (const header of ["0", "Thu, 01 Jan 2025 00:00:00 GMT"]) {
    const throttled = { status: 429, headers: { "retry-after": header } };
    const each = await bench((_, ordinal) => (ordinal < 6 ? throttled : created));
    assert.deepEqual(await one(each, creation), { status: "applied", recordId: "u9" });
    assert.deepEqual(each.waits, [375, 750, 1500, 3000, 6000, 12_000]);
  }
});

test("leaves a wait of more than a minute to the next run", async () => {
  const each = await bench(() => ({ status: 429, headers: { "retry-after": "3600" } }));
  const outcome = await one(each, creation);
  assert.deepEqual(outcome && "code" in outcome && [outcome.status, outcome.code, outcome.retry], [
    "refused",
    "throttled",
    "later",
  ]);
  assert.deepEqual([each.requests.length, each.waits], [1, []]);
});

test("throws when the server cannot be reached, for nothing was sent", async () => {
  const server = await startScriptedServer(() => created);
  await server.close();
  const each = await bench(() => created, { baseUrl: server.baseUrl });
  for (const attempt of [
    () => each.target.apply([creation, update], signal),
    () => each.target.find("user", "userName", ["ada"], signal),
  ]) {
    await assert.rejects(attempt, { name: "ConnectorError", code: "unreachable", retry: "later" });
  }
});

test("stops at a refused credential and never repeats the token that the server echoes", async () => {
  const each = await bench(() => error(401, undefined, `bad token Bearer ${TOKEN}`));
  await assert.rejects(each.target.apply([creation, update, update], signal), (thrown) => {
    assert.ok(thrown instanceof ConnectorError);
    assert.equal(thrown.code, "credential_refused");
    assert.ok(!JSON.stringify([thrown.message, thrown.stack, thrown]).includes(TOKEN));
    assert.match(thrown.message, /\[secret\]/);
    return true;
  });
  assert.equal(each.requests.length, 1);
});

test("answers for each change what became of it when the credential is refused halfway", async () => {
  const each = await bench((_, ordinal) => (ordinal === 0 ? created : error(401)));
  const outcomes = await each.target.apply([creation, update, change({ recordId: "u2", action: "delete" })], signal);
  assert.deepEqual(
    outcomes.map((outcome) => ("code" in outcome ? outcome.code : outcome.status)),
    ["applied", "credential_refused", "credential_refused"],
  );
  assert.equal(each.requests.length, 2);
});

test("sends nothing with an empty token, nor with one that would break out of its header", async () => {
  for (const token of ["", "two words", "line\r\nbreak"]) {
    const each = await bench(() => created, { token: () => token });
    await assert.rejects(each.target.apply([creation], signal), { code: "config_invalid" });
    await assert.rejects(each.target.get("user", ["u1"], { members: false }, signal), { code: "config_invalid" });
    assert.equal(each.requests.length, 0);
  }
});

test("does not follow a redirect, so the token stays with its server", async () => {
  const elsewhere = await startScriptedServer(() => created);
  closing.push(elsewhere.close);
  const location = { location: `${elsewhere.baseUrl}/Users` };
  for (const status of [301, 302, 307, 308]) {
    const each = await bench(() => ({ status, headers: location }));
    const outcome = await one(each, creation);
    assert.equal(outcome?.status, "refused");
    assert.match("detail" in outcome ? String(outcome.detail) : "", /Redirects are not followed/);
    await assert.rejects(each.target.find("user", "userName", ["ada"], signal), { code: "request_refused" });
  }
  assert.equal(elsewhere.requests.length, 0);
});

test("refuses an address that would send the token readable, or hold a secret itself", () => {
  const clock = { now: () => 0, random: () => 0, sleep: async () => {} };
  const create = (baseUrl: string) => createScimTarget({ baseUrl, token: () => TOKEN, clock });
  for (const address of [
    "http://example.com/scim",
    "http://127.0.0.1.example.com/scim",
    "ftp://127.0.0.1/scim",
    "file:///etc/passwd",
    "https://user:secret@example.com/scim",
    "https://example.com/scim?token=secret",
    "scim",
  ]) {
    assert.throws(
      () => create(address),
      (thrown) =>
        thrown instanceof ConnectorError && thrown.code === "config_invalid" && !/secret/.test(thrown.message),
    );
  }
  for (const address of [
    "https://example.com/scim/v2/",
    "http://localhost:1/",
    "http://[::1]:1",
    "http://127.0.0.9:1",
  ]) {
    assert.ok(create(address));
  }
});

test("speaks plainly: a User-Agent, lower-case operations, true booleans, and never a null", async () => {
  const each = await bench(({ method }) => (method === "POST" ? created : { status: 204 }));
  await one(each, creation);
  await one(each, change({ action: "disable", active: false, set: { title: null, displayName: "Ada" } }));
  await one(each, change({ kind: "group", action: "members", recordId: "g1", add: ["u1"], remove: ["u2"] }));
  for (const { headers } of each.requests) {
    assert.equal(headers["user-agent"], "Entrain");
    assert.equal(headers["content-type"], "application/scim+json");
    assert.equal(headers.authorization, `Bearer ${TOKEN}`);
  }
  const [post, ...patches] = each.requests.map(({ body }) => body);
  assert.deepEqual(post, {
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"],
    active: true,
    userName: "ada@example.org",
  });
  assert.deepEqual(
    patches.map((body) => Object(body).Operations),
    [
      [
        { op: "replace", path: "active", value: false },
        { op: "remove", path: "title" },
        { op: "replace", path: "displayName", value: "Ada" },
      ],
      [{ op: "remove", path: 'members[value eq "u2"]' }],
      [{ op: "add", path: "members", value: [{ value: "u1" }] }],
    ],
  );
});

test("adds an element that a strict server does not have, and makes no second one after a cut", async () => {
  const mail = 'emails[type eq "work"].value';
  const answers: ScriptedAnswer[] = [
    error(400, "noTarget"),
    { status: 200, body: { id: "u1", emails: [{ type: "home", value: "ada@home.example", primary: true }] } },
    "cut",
  ];
  const each = await bench((_, ordinal) => answers[ordinal] ?? { status: 204 });
  assert.equal((await one(each, change({ set: { [mail]: "ada@example.org" } })))?.status, "unknown");
  assert.deepEqual(Object(each.requests[2]?.body).Operations, [
    { op: "add", path: "emails", value: [{ type: "work", value: "ada@example.org" }] },
  ]);
  assert.equal(each.requests.length, 3);
});

test("refuses a disabling that the server accepts and does not make", async () => {
  const each = await bench(() => ({ status: 200, body: { id: "u1", active: true } }));
  const outcome = await one(each, change({ action: "disable", active: false }));
  assert.equal(outcome?.status, "refused");
  assert.match("detail" in outcome ? String(outcome.detail) : "", /u1.*still enabled/);
});

test("names the values that the server kept otherwise than they were set", async () => {
  const each = await bench(() => ({ status: 200, body: { id: "u1", title: "COUNTESS" } }));
  const outcome = await one(each, change({ set: { title: "Countess", nickName: null } }));
  assert.deepEqual(outcome?.status, "applied");
  assert.match(outcome?.detail ?? "", /other values than were set: title\.$/);
});

test("says which record stands in the way of a creation", async () => {
  const each = await bench(({ method }) => (method === "POST" ? error(409, "uniqueness") : list([{ id: "u7" }])));
  const outcome = await one(each, creation);
  assert.deepEqual(outcome && "code" in outcome && [outcome.status, outcome.code, outcome.retry], [
    "refused",
    "exists",
    "now",
  ]);
  assert.match(String(outcome?.detail), /u7 has the same userName/);
});

test("never removes all members where a server refuses to remove single ones", async () => {
  const each = await bench(() => error(400, "invalidPath"));
  const ids = Array.from({ length: 250 }, (_, n) => `u${n}`);
  const outcome = await one(each, change({ kind: "group", action: "members", recordId: "g1", remove: ids }));
  assert.equal(outcome?.status, "refused");
  for (const { body } of each.requests) {
    for (const { op, path } of Object(body).Operations)
      assert.match(`${op} ${path}`, /^remove members\[value eq "u\d+"\]$/);
  }
  assert.ok(each.requests.length < 20, `${each.requests.length} requests`);
});

test("adds the other members when the server refuses one, at most 100 a request", async () => {
  const members = new Set<string>();
  const each = await bench(({ body }) => {
    const values: string[] = Object(body).Operations[0].value.map(({ value }: { value: string }) => value);
    assert.ok(values.length <= 100);
    if (values.includes("bad")) return error(400, "invalidValue", "no such member");
    for (const value of values) members.add(value);
    return { status: 204 };
  });
  const good = Array.from({ length: 350 }, (_, n) => `u${n}`);
  const add = good.toSpliced(123, 0, "bad");
  const outcome = await one(each, change({ kind: "group", action: "members", recordId: "g1", add }));
  assert.match(
    outcome && "code" in outcome ? `${outcome.code} ${outcome.detail}` : "",
    /refused_by_target.*no such member/,
  );
  assert.equal(members.size, 350);
});

test("does not know the outcome of a members change that broke off in the middle", async () => {
  const each = await bench((_, ordinal) => (ordinal === 0 ? { status: 204 } : error(401)));
  const add = Array.from({ length: 150 }, (_, n) => `u${n}`);
  assert.equal((await one(each, change({ kind: "group", action: "members", recordId: "g1", add })))?.status, "unknown");
});

test("lists through a server that gives fewer than asked, and one that gives everything at once", async () => {
  const all = Array.from({ length: 23 }, (_, n) => ({ id: `u${n}`, userName: `ada${n}` }));
  for (const cap of [1, 7, 23]) {
    const each = await bench(({ path }) => {
      const start = Number(new URLSearchParams(path.split("?")[1]).get("startIndex")) - 1;
      return list(cap === 23 ? all : all.slice(start, start + cap), all.length);
    });
    const ids: string[] = [];
    for await (const page of each.target.list("user", { members: false }, signal))
      ids.push(...page.map(({ id }) => id));
    assert.deepEqual(
      ids,
      all.map(({ id }) => id),
    );
  }
});

for (const [what, answer] of Object.entries({
  "ends early": (ordinal) => (ordinal === 0 ? list([{ id: "u1" }], 3) : { status: 200, body: { totalResults: 3 } }),
  "gives one page for ever": () => list([{ id: "u1" }], 3),
  "gives no total": () => ({ status: 200, body: { Resources: [] } }),
  "gives a record without an id": () => list([{ userName: "ada" }]),
  "is HTML": () => ({ status: 200, body: "<html></html>" }),
  "is cut off in the middle": () => ({ status: 200, body: '{"totalResults":1,"Resources":[{"id"' }),
  "is nothing": () => ({ status: 200 }),
} satisfies { [what: string]: (ordinal: number) => ScriptedAnswer })) {
  test(`takes a list that ${what} for a failed read`, async () => {
    const each = await bench((_, ordinal) => answer(ordinal));
    await assert.rejects(drain(each.target.list("user", { members: false }, signal)), {
      name: "ConnectorError",
      code: "answer_invalid",
    });
  });
}

test("matches nobody where a server ignores the filter", async () => {
  const each = await bench(() => list([{ id: "u1", userName: "someone.else@example.org" }]));
  await assert.rejects(each.target.find("user", "userName", ["ada@example.org"], signal), { code: "answer_invalid" });
});

test("takes no other record for the one that was asked by id", async () => {
  const each = await bench(() => ({ status: 200, body: { id: "u2", userName: "other" } }));
  await assert.rejects(each.target.get("user", ["u1"], { members: false }, signal), { code: "answer_invalid" });
});

test("tells the words of a fault that are no JSON, and no page", async () => {
  const said = async (body: string): Promise<string> => {
    const each = await bench(() => ({ status: 500, body }));
    const [outcome] = await each.target.apply([update], signal);
    return outcome?.detail ?? "";
  };
  assert.match(await said("Boom\nat line 1"), /The server answered 500: Boom at line 1$/);
  assert.match(await said("<html>Boom</html>"), /The server answered 500$/);
  assert.match(await said('{"detail":"Boo'), /The server answered 500$/);
});

test("does not know what became of the request under way when it is stopped, and sends no other", async () => {
  const stop = new AbortController();
  const each = await bench(() => {
    stop.abort(new Error("stop"));
    return "hang";
  });
  const outcomes = await each.target.apply([creation, update], stop.signal);
  assert.deepEqual(
    outcomes.map((outcome) => ("code" in outcome ? [outcome.status, outcome.code] : [outcome.status])),
    [
      ["unknown", "outcome_unknown"],
      ["refused", "cancelled"],
    ],
  );
  assert.equal(each.requests.length, 1);
});

test("verifies with a name that nobody has, and says how to mend what it finds", async () => {
  const failing = async (answer: (request: ScriptedRequest) => ScriptedAnswer): Promise<readonly string[]> => {
    const each = await bench(answer);
    const checks = await each.target.verify(signal);
    assert.ok(each.requests.every(({ method }) => method === "GET"));
    for (const { ok, fix, detail } of checks) {
      assert.equal(fix === null, ok);
      assert.ok(!detail.includes(TOKEN));
    }
    return checks.filter(({ ok }) => !ok).map(({ name }) => name);
  };
  const config = (supported: boolean): ScriptedAnswer => ({ status: 200, body: { patch: { supported } } });
  const on = (path: string, fitting: ScriptedAnswer) => (request: ScriptedRequest) =>
    request.path.startsWith(`/scim/${path}`) ? fitting : list([]);
  assert.deepEqual(await failing(on("ServiceProviderConfig", config(true))), []);
  assert.deepEqual(await failing(on("ServiceProviderConfig", error(404))), []);
  assert.deepEqual(await failing(on("ServiceProviderConfig", config(false))), ["Changing records"]);
  assert.deepEqual(await failing(on("Users", error(401))), ["Address and token"]);
  assert.deepEqual(await failing(on("Users", error(404))), ["Address and token"]);
  assert.deepEqual(await failing(on("Users", list([{ id: "u1" }], 900))), ["Looking up users"]);
  assert.deepEqual(await failing(on("Groups", error(403))), ["Reading groups"]);
});

test("a name that leads to this machine or a private network is not connected to unless that is allowed", async () => {
  const resolve = async (): Promise<{ address: string; family: number }[]> => [{ address: "127.0.0.1", family: 4 }];
  const named = async (options: Partial<ScimTargetOptions>): Promise<Bench> => {
    const server = await startScriptedServer(() => list([]));
    const baseUrl = server.baseUrl.replace("127.0.0.1", "desk.example");
    const clock = { now: () => 0, random: () => 0.5, sleep: async () => assert.fail("tried again") };
    const target = createScimTarget({ baseUrl, token: () => TOKEN, clock, allowHttp: true, resolve, ...options });
    closing.push(target.close, server.close);
    return { target, requests: server.requests, host: new URL(baseUrl).host, waits: [] };
  };
  const guarded = await named({});
  const [first] = await guarded.target.verify(signal);
  assert.equal(first?.ok, false);
  assert.match(first?.detail ?? "", /desk\.example leads to 127\.0\.0\.1, this machine/);
  assert.match(first?.fix ?? "", /allowPrivate/);
  assert.equal(guarded.requests.length, 0);
  await assert.rejects(guarded.target.find("user", "userName", ["ada"], signal), { code: "config_invalid" });
  const open = await named({ allowPrivate: true });
  assert.equal((await open.target.verify(signal))[0]?.ok, true);
  assert.ok(open.requests.length > 0);
});

test("an address that no server has is refused before anything is sent", () => {
  const clock = { now: () => 0, random: () => 0.5, sleep: async () => {} };
  for (const baseUrl of ["https://169.254.169.254/scim", "https://[fe80::1]/scim", "https://0.0.0.0/scim"]) {
    assert.throws(() => createScimTarget({ baseUrl, token: () => TOKEN, clock }), { code: "config_invalid" }, baseUrl);
  }
});
