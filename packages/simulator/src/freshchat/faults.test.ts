import assert from "node:assert/strict";
import { test } from "node:test";
import { openAccount } from "./testing/account.ts";

// Public clients of the live API survive 429 with and without Retry-After, 5xx, and bodies that are not JSON (PostHog,
// python-freshchat); a lost answer after a commit is what any network does.

test("a burst of 5xx comes with JSON, nothing or a page, and then it is over", async (t) => {
  const { freshchat, call } = await openAccount(t);
  for (const body of ["json", "empty", "html"] as const) {
    for (const status of [500, 503]) {
      freshchat.faults.set([{ path: "/agents", times: 2, action: { type: "status", status, body } }]);
      const [first, second, third] = [
        await call("GET", "/agents"),
        await call("GET", "/agents"),
        await call("GET", "/agents"),
      ];
      assert.deepEqual([first.status, second.status, third.status], [status, status, 200]);
      if (body === "json") assert.equal(first.body.code, status);
      else assert.match(first.text, body === "empty" ? /^$/ : /^<!DOCTYPE html>/);
    }
  }
});

test("a fault of 429 carries Retry-After only where it is given", async (t) => {
  const { freshchat, call } = await openAccount(t);
  freshchat.faults.set([{ times: 1, action: { type: "status", status: 429, retryAfter: 7 } }]);
  assert.equal((await call("GET", "/agents")).headers.get("retry-after"), "7");
  freshchat.faults.set([{ times: 1, action: { type: "status", status: 429 } }]);
  const { status, headers } = await call("GET", "/agents");
  assert.deepEqual([status, headers.get("retry-after")], [429, null]);
});

test("a lost answer to POST leaves the record that it made; a refused connection leaves none", async (t) => {
  const { freshchat, call } = await openAccount(t);
  freshchat.faults.set([
    { method: "POST", path: "/users", times: 1, action: { type: "cut", at: "headers" } },
    { method: "POST", path: "/users", times: 1, action: { type: "cut", at: "answer" } },
  ]);
  const counts: number[] = [];
  for (let round = 0; round < 2; round++) {
    await assert.rejects(call("POST", "/users", { reference_id: "r" }));
    counts.push(freshchat.users.list().length);
  }
  assert.deepEqual(counts, [0, 1]);
  assert.deepEqual(
    freshchat.requests.list("/users").map(({ status }) => status),
    [0, 201],
  );
  assert.deepEqual(
    freshchat.faults.list().map(({ struck }) => struck),
    [1, 1],
  );
});

test("an answer breaks off in the middle, or is half of its JSON", async (t) => {
  const { freshchat, call } = await openAccount(t, { agents: 3 });
  freshchat.faults.set([{ times: 1, action: { type: "cut", at: "body" } }]);
  await assert.rejects(call("GET", "/agents"));
  freshchat.faults.set([{ times: 1, action: { type: "truncate" } }]);
  await assert.rejects(call("GET", "/agents"), SyntaxError);
});

test("answers so many requests in a minute of its clock, the rest with 429", async (t) => {
  const { freshchat, call } = await openAccount(t, { rate: { requestsPerMinute: 2, retryAfter: true } });
  const statuses = async (count: number): Promise<readonly number[]> => {
    const told: number[] = [];
    for (let number = 0; number < count; number++) told.push((await call("GET", "/agents")).status);
    return told;
  };
  assert.deepEqual(await statuses(3), [200, 200, 429]);
  freshchat.advance(20_500);
  assert.equal((await call("GET", "/agents")).headers.get("retry-after"), "40");
  freshchat.advance(39_500);
  assert.deepEqual(await statuses(3), [200, 200, 429]);
  freshchat.setRate({ requestsPerMinute: 0 });
  const { status, headers, body } = await call("GET", "/agents");
  assert.deepEqual([status, headers.get("retry-after"), body.code], [429, null, 429]);
  freshchat.setRate(null);
  assert.deepEqual(await statuses(3), [200, 200, 200]);
});
