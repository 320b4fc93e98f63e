import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { addInterval, type Interval, intervalsBetween } from "./intervals.ts";

const ms = (text: string) => Date.parse(text);
const iso = (value: number | null) => (value === null ? null : new Date(value).toISOString().replace(".000Z", "Z"));

const ADDED: readonly (readonly [from: string, interval: Interval, value: number, to: string | null])[] = [
  ["2020-01-31T10:00:00Z", "m", 1, "2020-02-29T10:00:00Z"],
  ["2021-01-31T10:00:00Z", "m", 1, "2021-02-28T10:00:00Z"],
  ["2021-03-31T10:00:00Z", "m", -1, "2021-02-28T10:00:00Z"],
  ["2021-01-15T10:00:00Z", "m", -13, "2019-12-15T10:00:00Z"],
  ["2020-02-29T10:00:00Z", "yyyy", 1, "2021-02-28T10:00:00Z"],
  ["2020-02-29T10:00:00Z", "yyyy", 4, "2024-02-29T10:00:00Z"],
  ["2020-02-29T10:00:00Z", "yyyy", -20, "2000-02-29T10:00:00Z"],
  ["2020-02-28T00:00:00Z", "d", 2, "2020-03-01T00:00:00Z"],
  ["2020-12-31T23:59:59Z", "s", 1, "2021-01-01T00:00:00Z"],
  ["2020-12-31T23:59:59Z", "n", 1, "2021-01-01T00:00:59Z"],
  ["2020-12-31T23:59:59Z", "h", -24, "2020-12-30T23:59:59Z"],
  ["2020-12-31T00:00:00Z", "ww", -53, "2019-12-26T00:00:00Z"],
  // The nights in which European and American clocks change are nights like any other.
  ["2021-03-28T00:30:00Z", "h", 2, "2021-03-28T02:30:00Z"],
  ["2021-11-07T05:30:00Z", "d", 1, "2021-11-08T05:30:00Z"],
  ["2020-01-01T00:00:00Z", "d", 1.4, "2020-01-02T00:00:00Z"],
  ["2020-01-01T00:00:00Z", "d", 1.5, "2020-01-03T00:00:00Z"],
  ["2020-01-01T00:00:00Z", "d", 2.5, "2020-01-03T00:00:00Z"],
  ["2020-01-01T00:00:00Z", "d", -1.5, "2019-12-30T00:00:00Z"],
  ["2020-01-01T00:00:00.250Z", "d", 0, "2020-01-01T00:00:00.250Z"],
  ["9999-12-31T00:00:00Z", "d", 1, null],
  ["0001-01-01T00:00:00Z", "s", -1, null],
  ["2020-01-01T00:00:00Z", "yyyy", 7980, null],
  ["2020-01-01T00:00:00Z", "yyyy", 7979, "9999-01-01T00:00:00Z"],
  ["2020-01-01T00:00:00Z", "m", 1e300, null],
  ["2020-01-01T00:00:00Z", "s", -1e15, null],
];

const BETWEEN: readonly (readonly [from: string, to: string, interval: Interval, count: number])[] = [
  ["2020-12-31T23:59:59Z", "2021-01-01T00:00:00Z", "yyyy", 1],
  ["2020-12-31T23:59:59Z", "2021-01-01T00:00:00Z", "m", 1],
  ["2020-12-31T23:59:59Z", "2021-01-01T00:00:00Z", "d", 1],
  ["2020-12-31T23:59:59Z", "2021-01-01T00:00:00Z", "ww", 0],
  ["2020-12-31T23:59:59Z", "2021-01-01T00:00:00Z", "h", 1],
  ["2020-12-31T23:59:59Z", "2021-01-01T00:00:00Z", "n", 1],
  ["2020-12-31T23:59:59Z", "2021-01-01T00:00:00Z", "s", 1],
  ["2021-01-01T00:00:00Z", "2021-12-31T23:59:59Z", "yyyy", 0],
  ["2021-01-01T10:00:00Z", "2021-01-01T10:59:59Z", "h", 0],
  ["2021-01-01T10:59:00Z", "2021-01-01T11:01:00Z", "h", 1],
  // 2021-01-02 is a Saturday: a Sunday at the end counts, one at the beginning does not.
  ["2021-01-02T00:00:00Z", "2021-01-03T00:00:00Z", "ww", 1],
  ["2021-01-03T00:00:00Z", "2021-01-09T23:59:59Z", "ww", 0],
  ["2021-01-03T00:00:00Z", "2021-01-10T00:00:00Z", "ww", 1],
  ["2021-01-10T00:00:00Z", "2021-01-03T00:00:00Z", "ww", -1],
  ["1969-12-27T00:00:00Z", "1970-01-04T00:00:00Z", "ww", 2],
  ["2020-02-28T00:00:00Z", "2020-03-01T00:00:00Z", "d", 2],
  ["2021-02-28T00:00:00Z", "2021-03-01T00:00:00Z", "d", 1],
  ["0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "d", 3_652_058],
];

describe("an interval is added", () => {
  for (const [from, interval, value, to] of ADDED) {
    it(`${value} ${interval} to ${from} is ${to ?? "outside the years"}`, () => {
      assert.equal(iso(addInterval(ms(from), interval, value)), to);
    });
  }
});

describe("intervals are counted by where they begin anew", () => {
  for (const [from, to, interval, count] of BETWEEN) {
    it(`${from} to ${to} in ${interval} is ${count}`, () => {
      assert.equal(intervalsBetween(ms(from), ms(to), interval), count);
    });
  }

  it("as many as were added, for every interval, from a day that every month has", () => {
    const day = fc.integer({ min: 0, max: 20_000 }).map((days) => {
      const date = new Date(days * 86_400_000);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), Math.min(date.getUTCDate(), 28));
    });
    const interval = fc.constantFrom<Interval>("yyyy", "m", "d", "ww", "h", "n", "s");
    fc.assert(
      fc.property(day, interval, fc.integer({ min: -500, max: 500 }), (from, unit, count) => {
        const to = addInterval(from, unit, count);
        assert.ok(to !== null);
        assert.equal(intervalsBetween(from, to, unit), count);
      }),
    );
  });
});
