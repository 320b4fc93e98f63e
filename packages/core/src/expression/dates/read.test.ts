import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatDate } from "./format.ts";
import { compilePattern } from "./pattern.ts";
import { readDate } from "./read.ts";

/** The date in round-trip form, or what is wrong. */
function read(text: string): string {
  const date = readDate(text);
  const pattern = compilePattern("yyyy-MM-ddTHH:mm:ss.FFFFFFFK");
  if (typeof pattern === "string") throw new Error(pattern);
  return typeof date === "string" ? date : formatDate(date, pattern);
}

const READ: readonly (readonly [text: string, date: string])[] = [
  // As the functions' own page has them.
  ["2020-03-16-07:00", "2020-03-16T07:00:00Z"],
  ["2021-06-30+08:00", "2021-06-29T16:00:00Z"],
  ["2009-06-15T01:45:30-07:00", "2009-06-15T08:45:30Z"],
  ["8/25/2021 5:41:18 PM", "2021-08-25T17:41:18Z"],
  ["2021-08-24", "2021-08-24T00:00:00Z"],
  ["2020-12-31 23:59:59-08:00", "2021-01-01T07:59:59Z"],
  // As Graph has them.
  ["2021-08-24T00:00:00Z", "2021-08-24T00:00:00Z"],
  ["2021-08-24T00:00:00.1234567Z", "2021-08-24T00:00:00.1234567Z"],
  ["2021-08-24T00:00:00.12Z", "2021-08-24T00:00:00.12Z"],
  ["2021-12-31T23:59:59.999999999Z", "2022-01-01T00:00:00Z"],
  ["2021-08-24T00:00:00", "2021-08-24T00:00:00Z"],
  ["2021-08-24T10:20Z", "2021-08-24T10:20:00Z"],
  ["2021-08-24t10:20:30z", "2021-08-24T10:20:30Z"],
  // Other usual forms.
  ["2021-08-24Z", "2021-08-24T00:00:00Z"],
  ["2021-8-4", "2021-08-04T00:00:00Z"],
  ["2021/08/24 10:20", "2021-08-24T10:20:00Z"],
  ["2021.08.24", "2021-08-24T00:00:00Z"],
  ["2021-08-24 10:20:30 +0530", "2021-08-24T04:50:30Z"],
  ["2021-08-24 10:20:30 +05", "2021-08-24T05:20:30Z"],
  ["2021-08-24 10:20:30 GMT", "2021-08-24T10:20:30Z"],
  ["2021-08-24 10:20:30 UTC", "2021-08-24T10:20:30Z"],
  ["3/4/2020", "2020-03-04T00:00:00Z"],
  ["03-04-2020", "2020-03-04T00:00:00Z"],
  ["3/4/2020 7 AM", "2020-03-04T07:00:00Z"],
  ["3/4/2020 12:00 AM", "2020-03-04T00:00:00Z"],
  ["3/4/2020 12:00 PM", "2020-03-04T12:00:00Z"],
  ["3/4/2020 19:05", "2020-03-04T19:05:00Z"],
  ["  3/4/2020   7:05:06 pm  ", "2020-03-04T19:05:06Z"],
  ["Mon, 15 Jun 2009 20:45:30 GMT", "2009-06-15T20:45:30Z"],
  ["Monday, June 15, 2009 1:45:30 PM", "2009-06-15T13:45:30Z"],
  ["15 June 2009", "2009-06-15T00:00:00Z"],
  ["15-Jun-2009", "2009-06-15T00:00:00Z"],
  ["jun 15 2009", "2009-06-15T00:00:00Z"],
  ["1 May 2020", "2020-05-01T00:00:00Z"],
  ["12/10/49", "2049-12-10T00:00:00Z"],
  ["12/10/50", "1950-12-10T00:00:00Z"],
  ["10 Dec 35", "2035-12-10T00:00:00Z"],
  // Leap days and the ends of the calendar.
  ["2020-02-29", "2020-02-29T00:00:00Z"],
  ["2000-02-29", "2000-02-29T00:00:00Z"],
  ["2020-12-31T23:59:59-00:01", "2021-01-01T00:00:59Z"],
  ["0001-01-01", "0001-01-01T00:00:00Z"],
  ["9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"],
  ["2020-01-01T00:00:00+14:00", "2019-12-31T10:00:00Z"],
];

const REFUSED: readonly (readonly [text: string, flaw: RegExp])[] = [
  ["2021-02-29", /month 2 of 2021 has no day 29/],
  ["2100-02-29", /month 2 of 2100 has no day 29/],
  ["13/45/2020", /there is no month 13/],
  ["4/31/2020", /month 4 of 2020 has no day 31/],
  ["16/03/2020", /there is no month 16/],
  ["0000-01-01", /0001 to 9999/],
  ["9999-12-31T23:00:00-02:00", /0001 to 9999/],
  ["2020-01-01T24:00:00Z", /there is no hour 24/],
  ["2020-01-01T23:59:60Z", /there is no second 60/],
  ["2020-01-01 13:00 PM", /hour does not fit/],
  ["2020-01-01 13", /hour does not fit/],
  ["2020-01-01T00:00:00+14:01", /more than 14 hours/],
  ["Tuesday, 15 June 2009", /the day is a Monday/],
  ["1/2/3", /no form/],
  ["15 June", /no form/],
  ["10:20", /no form/],
  ["20200316", /no form/],
  ["2020-03/16", /no form/],
  ["20150123105347.1Z", /no form/],
  ["next Monday", /no form/],
  ["12020-01-01", /no form/],
  ["", /no form/],
  [`2020-01-01${" ".repeat(60)}10:00`, /more than 64 characters/],
];

describe("a date of any usual form is read as DateTime.Parse reads it in the invariant culture", () => {
  for (const [text, date] of READ) {
    it(`${JSON.stringify(text)} is ${date}`, () => {
      assert.equal(read(text), date);
    });
  }
});

describe("what is no date, or not one alone, is refused", () => {
  for (const [text, flaw] of REFUSED) {
    it(JSON.stringify(text.slice(0, 40)), () => {
      assert.match(read(text), flaw);
    });
  }

  it("never throws, and reads no date that a calendar lacks", () => {
    const piece = fc.constantFrom(
      "2020",
      "02",
      "29",
      "1",
      "-",
      "/",
      " ",
      ":",
      "T",
      "Z",
      "+",
      "Jan",
      "PM",
      ".5",
      ",",
      "Mon",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join("")),
        ),
        (text) => {
          const date = readDate(text);
          if (typeof date !== "string")
            assert.ok(Number.isInteger(date.seconds) && date.ticks >= 0 && date.ticks < 10_000_000);
        },
      ),
    );
  });
});
