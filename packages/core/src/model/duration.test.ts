import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatDuration, parseDuration } from "./duration.ts";

describe("durations", () => {
  it("are read in seconds, minutes, hours and days", () => {
    assert.equal(parseDuration("30s"), 30_000);
    assert.equal(parseDuration("5m"), 300_000);
    assert.equal(parseDuration("24h"), 86_400_000);
    assert.equal(parseDuration("7d"), 604_800_000);
  });

  it("are nothing else", () => {
    for (const text of ["", "5", "m", "0s", "-5m", "1.5h", "5 m", "5M", "1w", "5m ", "99999d", "9999999999s"]) {
      assert.equal(parseDuration(text), null, text);
    }
  });

  it("come back from their text", () => {
    assert.deepEqual([86_400_000, 2_592_000_000, 90_000, 3_600_000].map(formatDuration), ["24h", "30d", "90s", "1h"]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3650 * 86_400 }), (seconds) => {
        assert.equal(parseDuration(formatDuration(seconds * 1000)), seconds * 1000);
      }),
    );
  });
});
