import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { plainSync } from "./render.ts";
import { flawWith, syncWith } from "./testing.ts";

describe("retries", () => {
  it("are read, filled in from the defaults, and exported as they were meant", () => {
    const sync = syncWith("retries: { first: 30s, attempts: 5 }");
    assert.deepEqual(sync.retries, { firstMs: 30_000, lastMs: 86_400_000, attempts: 5 });
    assert.deepEqual(plainSync(sync).retries, { first: "30s", last: "24h", attempts: 5 });
  });

  it("are refused where they would try without end, too often, or backwards", () => {
    assert.match(flawWith("retries: { attempts: 0 }"), /retries\.attempts/);
    assert.match(flawWith("retries: { first: 1 }"), /retries\.first: must be a duration with its unit/);
    assert.match(flawWith("retries: { last: 90d }"), /retries\.last: must be at most 30d/);
    assert.match(
      flawWith("retries: { first: 1h, last: 5m }"),
      /retries\.last: last \(5m\) is shorter than first \(1h\)/,
    );
    assert.match(flawWith("retries: { first: 2d }"), /retries\.first: last \(24h\) is shorter than first \(2d\)/);
    assert.match(flawWith("retries: { every: 5m }"), /every/);
  });
});
