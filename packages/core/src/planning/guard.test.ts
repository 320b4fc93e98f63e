import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { DEFAULTS, limitOf } from "../model/defaults.ts";
import { GUARD_COUNTERS, type GuardCounter } from "../model/sync.ts";
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

  it("is sensible by default for a company of any size", () => {
    // The most that goes without approval: within a day, and within thirty days.
    const figures: readonly (readonly [number, GuardCounter, number, number])[] = [
      [20, "removals", 3, 4],
      [20, "members", 3, 4],
      [20, "creations", 50, 50],
      [20, "updates", 100, 100],
      [20, "matching", 3, 4],
      [1_000, "removals", 100, 200],
      [1_000, "members", 100, 200],
      [1_000, "creations", 500, 1_000],
      [1_000, "updates", 800, 1_000],
      [1_000, "matching", 100, 200],
      [100_000, "removals", 500, 20_000],
      [100_000, "members", 500, 20_000],
      [100_000, "creations", 5_000, 100_000],
      [100_000, "updates", 20_000, 100_000],
      [100_000, "matching", 500, 20_000],
    ];
    for (const [owned, counter, day, month] of figures) {
      const of = limitOf({ ...DEFAULTS.guard }, counter);
      for (const [limit, most] of [[of, day] as const, [longWindow(of), month] as const]) {
        const trips = (planned: number): boolean =>
          judgeGuard({ counter, limit, ownedAtWindowStart: owned, countedInWindow: 0, planned }).trips;
        assert.deepEqual([trips(most), trips(most + 1)], [false, true], `${most} ${counter} of ${owned}`);
      }
    }
  });

  it("has a limit for every counter that a definition leaves out", () => {
    const { removals, members } = DEFAULTS.guard;
    for (const counter of GUARD_COUNTERS) {
      assert.deepEqual(limitOf({ removals, members }, counter), DEFAULTS.guard[counter]);
    }
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
    assert.match(judge(1000, 1, 120).detail, /^1 removal planned and 120 applied in the last 24h; /);
    const creations = { counter: "creations", limit, ownedAtWindowStart: 9, countedInWindow: 30, planned: 1 } as const;
    assert.match(
      judgeGuard({ ...creations, what: "creations and joins" }).detail,
      /^1 creation or join planned and 30 /,
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
