import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Check } from "@entrain/core";
import type { FreshchatOptions } from "@entrain/simulator";
import { createFreshchatTarget, type FreshchatTargetOptions } from "./index.ts";
import { type Bench, openBench } from "./testing/bench.ts";

const signal = new AbortController().signal;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function bench(options: FreshchatOptions = {}, more: Partial<FreshchatTargetOptions> = {}): Promise<Bench> {
  const opened = await openBench(options, more);
  closing.push(opened.target.close, opened.close);
  return opened;
}

const failed = (checks: readonly Check[]): readonly Check[] => checks.filter(({ ok }) => !ok);

test("verifies the account and each right by a check of its own, however Freshchat words it", async () => {
  for (const switches of [
    { configuration: "wrapped", metadata: "both" },
    { configuration: "bare", metadata: "bare" },
  ] as const) {
    const bed = await bench({ switches, agents: 3, contacts: 3 });
    const checks = await bed.target.verify(signal);
    assert.deepEqual(failed(checks), []);
    assert.deepEqual(
      checks.map(({ name }) => name),
      [
        "Address and token",
        "Reading agents",
        "Reading contacts",
        "Looking up contacts",
        "Reading groups",
        "Reading roles",
      ],
    );
    assert.ok(bed.account.requests.list().every(({ method }) => method === "GET"));
  }
});

test("tells the host of a portal from that of the API, and asks it no more", async () => {
  const bed = await bench();
  bed.account.setPortal(true);
  const checks = await bed.target.verify(signal);
  assert.deepEqual(checks, [
    {
      name: "Address and token",
      ok: false,
      detail: "The address answers (200) with a page, not with the API: use the API host.",
      fix: "Use the API's own host (https://ACCOUNT.freshchat.com/v2), not the address of a portal.",
    },
  ]);
  assert.equal(bed.account.requests.count, 1);
});

test("says of a token that it is refused where to get another, and never shows it", async () => {
  const bed = await bench({}, { token: () => "canary-7f3a-token" });
  const [check, ...others] = await bed.target.verify(signal);
  assert.deepEqual([check?.ok, others], [false, []]);
  assert.match(check?.detail ?? "", /Freshchat answered 401/);
  assert.match(check?.fix ?? "", /API Tokens/);
  assert.doesNotMatch(JSON.stringify(check), /canary/);
});

test("names the right that is missing, with what it is needed for", async () => {
  for (const [path, name] of Object.entries({
    "/agents": "Reading agents",
    "/users": "Reading contacts",
    "/groups": "Reading groups",
    "/roles": "Reading roles",
  })) {
    const bed = await bench({ faults: [{ path, times: 1, action: { type: "status", status: 403 } }] });
    const [check, ...others] = failed(await bed.target.verify(signal));
    assert.deepEqual([check?.name, others], [name, []]);
    assert.match(check?.fix ?? "", /administrator/);
  }
});

test("tells an answer that is no account's", async () => {
  const bed = await bench({
    faults: [{ path: "/accounts/configuration", action: { type: "status", status: 200, body: "empty" } }],
  });
  const [check] = await bed.target.verify(signal);
  assert.deepEqual([check?.ok, check?.detail], [false, "The address answers, but not with a Freshchat account."]);
});

const addressed = (baseUrl: string): void => {
  const clock = { now: () => 0, random: () => 0, sleep: () => Promise.resolve() };
  void createFreshchatTarget({ baseUrl, token: () => "t", clock }).close();
};

test("sends its token to Freshworks alone, and to this machine", () => {
  for (const address of [
    "https://acme.freshchat.com/v2",
    "https://acme-1234567890-0a1b2c3d4e5f.freshchat.com/v2/",
    "https://api.eu.freshchat.com",
    "https://acme.myfreshworks.com/v2",
    "http://127.0.0.1:8080/v2",
    "http://localhost:8080",
  ]) {
    addressed(address);
  }
  for (const [address, message] of [
    ["http://acme.freshchat.com/v2", /must begin with https/],
    ["https://freshchat.com.example.org/v2", /neither freshchat\.com nor myfreshworks\.com/],
    ["https://evilfreshchat.com/v2", /neither/],
    ["https://10.0.0.1/v2", /neither/],
    ["https://169.254.169.254/v2", /cannot be used/],
    ["https://acme.freshchat.com/v1", /must end in \/v2/],
    ["https://user:word@acme.freshchat.com/v2", /must hold no user/],
    ["https://acme.freshchat.com/v2?x=1", /must hold no user/],
    ["acme.freshchat.com", /is not a URL/],
  ] as const) {
    assert.throws(() => addressed(address), { code: "config_invalid", message }, address);
  }
});

test("reaches no private address by a name of Freshworks", async () => {
  const clock = { now: () => 0, random: () => 0, sleep: () => Promise.resolve() };
  const resolve = async () => [{ address: "127.0.0.1", family: 4 }];
  const target = createFreshchatTarget({ baseUrl: "https://acme.freshchat.com/v2", token: () => "t", clock, resolve });
  closing.push(target.close);
  await assert.rejects(target.get("agent", ["x"], { members: false }, signal), {
    code: "config_invalid",
    message: /acme\.freshchat\.com leads to 127\.0\.0\.1/,
  });
});

test("refuses names that no property of a contact can have", () => {
  const clock = { now: () => 0, random: () => 0, sleep: () => Promise.resolve() };
  for (const properties of [{ contact: ["a", "a"] }, { contact: [" a"] }, { contact: [""] }, { agent: ["a"] }]) {
    const baseUrl = "https://acme.freshchat.com/v2";
    assert.throws(() => createFreshchatTarget({ baseUrl, token: () => "t", clock, properties }), {
      code: "config_invalid",
    });
  }
});
