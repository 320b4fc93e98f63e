import assert from "node:assert/strict";
import { test } from "node:test";
import { type Wait, waitInWords } from "./wait.ts";

const WAIT: Wait = { service: "Microsoft Graph", status: 429, seconds: 12, attempt: 2, of: 6 };

test("says who is busy, for how long, and which attempt comes", () => {
  assert.equal(waitInWords(WAIT), "Microsoft Graph is busy (429); trying again in 12 s (attempt 2 of 6)");
  assert.equal(
    waitInWords({ ...WAIT, status: 503, seconds: 1, attempt: 3 }),
    "Microsoft Graph is busy (503); trying again in 1 s (attempt 3 of 6)",
  );
});

test("tells a service that failed from one that is busy, and from one that does not answer", () => {
  assert.equal(
    waitInWords({ ...WAIT, status: 500 }),
    "Microsoft Graph failed (500); trying again in 12 s (attempt 2 of 6)",
  );
  assert.equal(
    waitInWords({ ...WAIT, service: "Microsoft sign-in", status: null }),
    "Microsoft sign-in does not answer; trying again in 12 s (attempt 2 of 6)",
  );
});

test("does not say of a portal's page that nobody answers", () => {
  assert.equal(
    waitInWords({ ...WAIT, service: "acme.freshchat.com", status: 200 }),
    "acme.freshchat.com answers (200) with something other than its API; trying again in 12 s (attempt 2 of 6)",
  );
});
