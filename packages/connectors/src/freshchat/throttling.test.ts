import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Wait } from "@entrain/core";
import { benches, creation, KINDS, one, PATHS, sent, signal } from "./testing/steps.ts";

const bench = benches(afterEach);
const CURT = { type: "status", status: 429, body: "empty" } as const;

test("a limit per minute that is told by 429 alone delays lists and creations, and fails none of them", async () => {
  const rate = { requestsPerMinute: 60, retryAfter: false };
  for (const kind of KINDS) {
    const told: (Wait | null)[] = [];
    const bed = await bench({ rate, contacts: 120, agents: 120 }, { onWait: (wait) => told.push(wait) });
    const store = bed.account[kind === "agent" ? "agents" : "users"];
    const before = store.list().length;
    for (let n = 1; n <= 80; n += 2) {
      const outcomes = await Promise.all([n, n + 1].map((each) => one(bed.target, creation(kind, each))));
      const statuses = outcomes.map(({ status }) => status);
      assert.deepEqual(statuses, ["applied", "applied"], `${kind} ${n}`);
    }
    const emails = store.list().map(({ email }) => email);
    assert.equal(emails.length, before + 80);
    assert.equal(new Set(emails).size, emails.length, "each was created once");
    for (let lists = 0; lists < 20; lists += 1) {
      const ids: string[] = [];
      for await (const page of bed.target.list(kind, { members: false }, signal)) ids.push(...page.map(({ id }) => id));
      assert.equal(new Set(ids).size, emails.length);
    }
    assert.ok(bed.account.requests.list().some(({ status }) => status === 429));
    const begun = told.filter((wait) => wait !== null);
    assert.deepEqual([...new Set(begun.map(({ status, of }) => `${status} of ${of}`))], ["429 of 11"]);
    assert.equal(told.length, 2 * begun.length, "each wait ended");
  }
});

test("what Freshchat refuses with 429 alone for longer than about two minutes is left to the next run", async () => {
  for (const kind of KINDS) {
    const told: string[] = [];
    const onWait = (wait: Wait | null): void => {
      if (wait !== null) told.push(`${wait.attempt} of ${wait.of}`);
    };
    const bed = await bench({ faults: [{ method: "POST", path: PATHS[kind], action: CURT }] }, { onWait });
    const outcome = await one(bed.target, creation(kind));
    assert.deepEqual(
      [outcome.status, "code" in outcome && outcome.code, "retry" in outcome && outcome.retry],
      ["refused", "throttled", "later"],
    );
    assert.deepEqual(bed.waits, [375, 750, 1500, 3000, 6000, 12_000, 22_500, 22_500, 22_500, 22_500]);
    assert.deepEqual([told[0], told.at(-1), sent(bed, "POST")], ["2 of 11", "11 of 11", 11]);
  }
});

test("a wait out of a limit costs no attempt for what fails behind it", async () => {
  const failed = { type: "status", status: 500 } as const;
  const list = { method: "GET", path: "/users" } as const;
  const bed = await bench({
    faults: [
      { ...list, action: CURT, times: 7 },
      { ...list, action: failed, times: 4 },
    ],
  });
  for await (const _page of bed.target.list("contact", { members: false }, signal));
  const wordless = [375, 750, 1500, 3000, 6000, 12_000, 22_500];
  assert.deepEqual(bed.waits, [...wordless, 375, 750, 1500, 3000]);
});

test("a wait for a limit ends when the work is stopped, and nothing is sent behind it", async () => {
  const stop = new AbortController();
  const onWait = (wait: Wait | null): void => {
    if (wait?.attempt === 7) stop.abort(new Error("enough"));
  };
  const bed = await bench({ faults: [{ method: "GET", path: "/users", action: CURT }] }, { onWait });
  const reading = async (): Promise<void> => {
    for await (const _page of bed.target.list("contact", { members: false }, stop.signal));
  };
  await assert.rejects(reading());
  assert.deepEqual([bed.account.requests.count, bed.waits.length], [6, 5]);
});

test("tells the status of a success without an answer of the API's: somebody does answer", async () => {
  const statuses: (number | null)[] = [];
  const onWait = (wait: Wait | null): void => {
    if (wait !== null) statuses.push(wait.status);
  };
  const page = { type: "status", status: 200, body: "html" } as const;
  const faults = [{ method: "GET", path: "/users", action: page, times: 1 }] as const;
  const bed = await bench({ faults }, { onWait });
  for await (const _page of bed.target.list("contact", { members: false }, signal));
  assert.deepEqual(statuses, [200]);
});

for (const retryAfter of [0, 1]) {
  test(`a limit that is told with Retry-After: ${retryAfter} delays a creation as one that is told by 429 alone`, async () => {
    const action = { type: "status", status: 429, retryAfter } as const;
    const bed = await bench({ faults: [{ method: "POST", path: PATHS.contact, action, times: 6 }] });
    assert.equal((await one(bed.target, creation("contact"))).status, "applied");
    const least = retryAfter * 1_000;
    assert.deepEqual(
      bed.waits,
      [375, 750, 1500, 3000, 6000, 12_000].map((ms) => Math.max(ms, least)),
    );
  });
}
