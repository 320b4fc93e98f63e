import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { DEFAULTS } from "../model/defaults.ts";
import { judgeGuard, longWindow } from "./guard.ts";

const limit = DEFAULTS.guard.removals;
const judge = (owned: number, planned: number, counted = 0, of = limit) =>
  judgeGuard({ limit: of, ownedAtWindowStart: owned, countedInWindow: counted, planned });

describe("the guard", () => {
  it("allows a tenth and holds one more", () => {
    assert.equal(judge(1000, 100).trips, false);
    assert.equal(judge(1000, 101).trips, true);
  });

  it("rounds up, and allows three however few there are", () => {
    assert.equal(judge(101, 11).trips, false);
    assert.equal(judge(101, 12).trips, true);
    for (const owned of [0, 1, 5, 30]) {
      assert.equal(judge(owned, 3).trips, false);
      assert.equal(judge(owned, 4).trips, true);
    }
    assert.equal(judge(1000, 161, 0, { ...limit, percent: 16.1 }).trips, false);
    assert.equal(judge(1000, 162, 0, { ...limit, percent: 16.1 }).trips, true);
  });

  it("holds by count in a large tenant", () => {
    assert.equal(judge(100_000, 500).trips, false);
    assert.equal(judge(100_000, 501).trips, true);
    assert.equal(judge(1000, 2, 0, { ...limit, count: 1 }).trips, true);
  });

  it("counts what was applied in the window", () => {
    assert.equal(judge(1000, 20, 80).trips, false);
    assert.equal(judge(1000, 20, 81).trips, true);
    assert.equal(judge(1000, 0, 600).trips, false, "nothing planned, nothing to hold");
  });

  it("catches a slow drain in thirty days at double the percent", () => {
    const long = longWindow(limit);
    assert.equal(long.windowMs, 30 * 24 * 3_600_000);
    assert.equal(judge(1000, 20, 180, long).trips, false);
    assert.equal(judge(1000, 21, 180, long).trips, true);
    assert.equal(judge(100_000, 5000, 10_000, long).trips, false);
    assert.equal(longWindow({ ...limit, percent: 80 }).percent, 100);
  });

  it("gives its figures in one sentence", () => {
    assert.equal(
      judge(1000, 120, 30).detail,
      "120 removals planned and 30 applied in the last 24h; in 24h the guard allows 100 (10 % of 1,000 active records) and at most 500.",
    );
    assert.equal(
      judgeGuard({
        limit: longWindow(limit),
        ownedAtWindowStart: 9,
        countedInWindow: 0,
        planned: 4,
        what: "membership removals",
        base: "memberships",
      }).detail,
      "4 membership removals planned; in 30d the guard allows 3 (20 % of 9 memberships, at least 3).",
    );
  });

  it("never lets more pass when more is planned, or less is owned", () => {
    const figure = fc.nat(5000);
    fc.assert(
      fc.property(figure, figure, figure, fc.nat(500), fc.nat(5000), (owned, planned, counted, more, fewer) => {
        if (!judge(owned, planned, counted).trips) return;
        assert.equal(judge(owned, planned + more, counted).trips, true);
        assert.equal(judge(owned, planned, counted + more).trips, true);
        assert.equal(judge(Math.max(0, owned - fewer), planned, counted).trips, true);
      }),
    );
  });
});
