import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fileTimeOf, millisecondsOfFileTime } from "./filetime.ts";

const seconds = (text: string) => Date.parse(text) / 1000;

describe("Active Directory's dates", () => {
  it("count 100 ns from 1601 on, to the last digit", () => {
    assert.equal(
      fileTimeOf({ seconds: seconds("2021-01-01T07:59:59Z"), ticks: 0, kind: "utc" }),
      132_539_615_990_000_000n,
    );
    assert.equal(
      fileTimeOf({ seconds: seconds("2021-01-01T07:59:59Z"), ticks: 1, kind: "utc" }),
      132_539_615_990_000_001n,
    );
    assert.equal(fileTimeOf({ seconds: seconds("1601-01-01T00:00:00Z"), ticks: 0, kind: "utc" }), 0n);
    assert.equal(
      fileTimeOf({ seconds: seconds("9999-12-31T23:59:59Z"), ticks: 9_999_999, kind: "utc" }),
      2_650_467_743_999_999_999n,
    );
  });

  it("do not begin before 1601", () => {
    assert.match(String(fileTimeOf({ seconds: seconds("1600-12-31T23:59:59Z"), ticks: 0, kind: "utc" })), /1601/);
  });

  it("are read from a number and from its digits", () => {
    assert.equal(millisecondsOfFileTime(129_699_324_000_000_000), Date.parse("2012-01-01T23:00:00Z"));
    assert.equal(millisecondsOfFileTime(" 129699324000000000 "), Date.parse("2012-01-01T23:00:00Z"));
    assert.equal(millisecondsOfFileTime("1"), Date.parse("1601-01-01T00:00:00Z"));
    assert.equal(millisecondsOfFileTime("2650467743999999999"), Date.parse("9999-12-31T23:59:59.999Z"));
  });

  it("say never by 0 and by the largest number, also where that was rounded", () => {
    for (const never of [0, "0", "-0", "9223372036854775807", 2 ** 63])
      assert.equal(millisecondsOfFileTime(never), null);
  });

  it("are whole numbers from 1601 to 9999", () => {
    assert.match(String(millisecondsOfFileTime(1.5)), /no whole number/);
    assert.match(String(millisecondsOfFileTime("never")), /no whole number/);
    assert.match(String(millisecondsOfFileTime("")), /no whole number/);
    assert.match(String(millisecondsOfFileTime(Number.NaN)), /no whole number/);
    assert.match(String(millisecondsOfFileTime(-1)), /1601/);
    assert.match(String(millisecondsOfFileTime("2650467744000000000")), /9999/);
    assert.match(String(millisecondsOfFileTime("9223372036854775806")), /9999/);
  });

  it("come back as they went, to the millisecond", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: seconds("1601-01-02T00:00:00Z"), max: 253_402_300_799 }),
        fc.integer({ min: 0, max: 999 }),
        (at, ms) => {
          const number = fileTimeOf({ seconds: at, ticks: ms * 10_000, kind: "utc" });
          assert.equal(millisecondsOfFileTime(String(number)), at * 1000 + ms);
        },
      ),
    );
  });
});
