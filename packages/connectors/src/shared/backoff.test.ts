import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs, retryAfterMs } from "./backoff.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");

test("reads whole and fractional seconds", () => {
  assert.equal(retryAfterMs("7", null, NOW), 7000);
  assert.equal(retryAfterMs("2.128", null, NOW), 2128);
  assert.equal(retryAfterMs(" 0 ", null, NOW), 0);
});

test("reads an HTTP date against the answer's own date, or the clock without one", () => {
  const at = "Sun, 01 Mar 2026 12:00:30 GMT";
  assert.equal(retryAfterMs(at, null, NOW), 30_000);
  assert.equal(retryAfterMs(at, "Sun, 01 Mar 2026 12:00:25 GMT", NOW), 5000);
  assert.equal(retryAfterMs("Sun, 01 Mar 2026 11:00:00 GMT", null, NOW), 0);
});

test("takes a header without a usable value for none", () => {
  for (const header of [null, "", "soon", "-1", "1, 2"]) assert.equal(retryAfterMs(header, null, NOW), null);
});

test("backs off exponentially with full jitter, up to half a minute", () => {
  assert.equal(backoffMs(0, 1), 500);
  assert.equal(backoffMs(3, 1), 4000);
  assert.equal(backoffMs(3, 0.25), 1000);
  assert.equal(backoffMs(50, 1), 30_000);
  assert.equal(backoffMs(50, 0), 0);
});
