import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type DateTime, secondsOf } from "./calendar.ts";
import { formatDate } from "./format.ts";
import { exactReader } from "./parse.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import { readDate } from "./read.ts";
import { DEFAULT_STYLES } from "./styles.ts";

function pattern(format: string): Pattern {
  const compiled = compilePattern(format);
  if (typeof compiled === "string") throw new Error(compiled);
  return compiled;
}

function date(text: string, kind: DateTime["kind"] = "unspecified"): DateTime {
  const read = readDate(text);
  if (typeof read === "string") throw new Error(read);
  return { ...read, kind };
}

/** "Custom date and time format strings" (.NET): the page's own examples. */
const CUSTOM: readonly (readonly [format: string, date: string, text: string])[] = [
  ["%d", "2009-06-01T13:45:30", "1"],
  ["%d", "2009-06-15T13:45:30", "15"],
  ["dd", "2009-06-01T13:45:30", "01"],
  ["ddd", "2009-06-15T13:45:30", "Mon"],
  ["dddd", "2009-06-15T13:45:30", "Monday"],
  ["%f", "2009-06-15T13:45:30.6170000", "6"],
  ["%f", "2009-06-15T13:45:30.05", "0"],
  ["ff", "2009-06-15T13:45:30.6170000", "61"],
  ["ff", "2009-06-15T13:45:30.0050000", "00"],
  ["fff", "2009-06-15T13:45:30.617", "617"],
  ["fff", "2009-06-15T13:45:30.0005", "000"],
  ["ffff", "2009-06-15T13:45:30.6175000", "6175"],
  ["ffff", "2009-06-15T13:45:30.0000500", "0000"],
  ["fffff", "2009-06-15T13:45:30.6175400", "61754"],
  ["fffff", "2009-06-15T13:45:30.000005", "00000"],
  ["ffffff", "2009-06-15T13:45:30.6175420", "617542"],
  ["ffffff", "2009-06-15T13:45:30.0000005", "000000"],
  ["fffffff", "2009-06-15T13:45:30.6175425", "6175425"],
  ["fffffff", "2009-06-15T13:45:30.0001150", "0001150"],
  ["%F", "2009-06-15T13:45:30.6170000", "6"],
  ["%F", "2009-06-15T13:45:30.0500000", ""],
  ["FF", "2009-06-15T13:45:30.6170000", "61"],
  ["FF", "2009-06-15T13:45:30.0050000", ""],
  ["FFF", "2009-06-15T13:45:30.6170000", "617"],
  ["FFF", "2009-06-15T13:45:30.0005000", ""],
  ["FFFF", "2009-06-15T13:45:30.5275000", "5275"],
  ["FFFF", "2009-06-15T13:45:30.0000500", ""],
  ["FFFFF", "2009-06-15T13:45:30.6175400", "61754"],
  ["FFFFF", "2009-06-15T13:45:30.0000050", ""],
  ["FFFFFF", "2009-06-15T13:45:30.6175420", "617542"],
  ["FFFFFF", "2009-06-15T13:45:30.0000005", ""],
  ["FFFFFFF", "2009-06-15T13:45:30.6175425", "6175425"],
  ["FFFFFFF", "2009-06-15T13:45:30.0001150", "000115"],
  ["%g", "2009-06-15T13:45:30.6170000", "A.D."],
  ["gg", "2009-06-15T13:45:30.6170000", "A.D."],
  ["%h", "2009-06-15T01:45:30", "1"],
  ["%h", "2009-06-15T13:45:30", "1"],
  ["hh", "2009-06-15T01:45:30", "01"],
  ["hh", "2009-06-15T13:45:30", "01"],
  ["%H", "2009-06-15T01:45:30", "1"],
  ["%H", "2009-06-15T13:45:30", "13"],
  ["HH", "2009-06-15T01:45:30", "01"],
  ["HH", "2009-06-15T13:45:30", "13"],
  ["%K", "2009-06-15T13:45:30", ""],
  ["%m", "2009-06-15T01:09:30", "9"],
  ["%m", "2009-06-15T13:29:30", "29"],
  ["mm", "2009-06-15T01:09:30", "09"],
  ["mm", "2009-06-15T01:45:30", "45"],
  ["%M", "2009-06-15T13:45:30", "6"],
  ["MM", "2009-06-15T13:45:30", "06"],
  ["MMM", "2009-06-15T13:45:30", "Jun"],
  ["MMMM", "2009-06-15T13:45:30", "June"],
  ["%s", "2009-06-15T13:45:09", "9"],
  ["ss", "2009-06-15T13:45:09", "09"],
  ["%t", "2009-06-15T13:45:30", "P"],
  ["tt", "2009-06-15T13:45:30", "PM"],
  ["%y", "0001-01-01T00:00:00", "1"],
  ["%y", "0900-01-01T00:00:00", "0"],
  ["%y", "1900-01-01T00:00:00", "0"],
  ["%y", "2009-06-15T13:45:30", "9"],
  ["%y", "2019-06-15T13:45:30", "19"],
  ["yy", "0001-01-01T00:00:00", "01"],
  ["yy", "0900-01-01T00:00:00", "00"],
  ["yy", "1900-01-01T00:00:00", "00"],
  ["yy", "2019-06-15T13:45:30", "19"],
  ["yyy", "0001-01-01T00:00:00", "001"],
  ["yyy", "0900-01-01T00:00:00", "900"],
  ["yyy", "1900-01-01T00:00:00", "1900"],
  ["yyy", "2009-06-15T13:45:30", "2009"],
  ["yyyy", "0001-01-01T00:00:00", "0001"],
  ["yyyy", "0900-01-01T00:00:00", "0900"],
  ["yyyy", "1900-01-01T00:00:00", "1900"],
  ["yyyy", "2009-06-15T13:45:30", "2009"],
  ["yyyyy", "0001-01-01T00:00:00", "00001"],
  ["yyyyy", "2009-06-15T13:45:30", "02009"],
  ['"arr:" h:m t', "2009-06-15T13:45:30", "arr: 1:45 P"],
  ["'arr:' h:m t", "2009-06-15T13:45:30", "arr: 1:45 P"],
  ["h \\h", "2009-06-15T13:45:30", "1 h"],
  ["arr hh:mm t", "2009-06-15T01:45:30", "arr 01:45 A"],
  ["MM/dd/yyyy", "2009-06-15T13:45:30", "06/15/2009"],
];

/** "Standard date and time format strings" (.NET), in the invariant culture's patterns that the page names. */
const STANDARD: readonly (readonly [format: string, text: string])[] = [
  ["d", "06/15/2009"],
  ["D", "Monday, 15 June 2009"],
  ["f", "Monday, 15 June 2009 13:45"],
  ["F", "Monday, 15 June 2009 13:45:30"],
  ["g", "06/15/2009 13:45"],
  ["G", "06/15/2009 13:45:30"],
  ["m", "June 15"],
  ["M", "June 15"],
  ["o", "2009-06-15T13:45:30.0000000Z"],
  ["O", "2009-06-15T13:45:30.0000000Z"],
  ["r", "Mon, 15 Jun 2009 13:45:30 GMT"],
  ["R", "Mon, 15 Jun 2009 13:45:30 GMT"],
  ["s", "2009-06-15T13:45:30"],
  ["t", "13:45"],
  ["T", "13:45:30"],
  ["u", "2009-06-15 13:45:30Z"],
  ["U", "Monday, 15 June 2009 13:45:30"],
  ["y", "2009 June"],
  ["Y", "2009 June"],
];

describe("a date is written as .NET writes it in the invariant culture", () => {
  for (const [format, source, text] of CUSTOM) {
    it(`${source} in ${format} is ${JSON.stringify(text)}`, () => {
      assert.equal(formatDate(date(source), pattern(format)), text);
    });
  }

  for (const [format, text] of STANDARD) {
    it(`the standard format ${format} is ${text}`, () => {
      assert.equal(formatDate(date("2009-06-15T13:45:30", "utc"), pattern(format)), text);
    });
  }

  it("names the zone by what is known of it: Z for UTC, the service's offset for local time, nothing else", () => {
    const source = "2009-06-15T13:45:30";
    assert.equal(formatDate(date(source, "utc"), pattern("HH:mmK z zz zzz")), "13:45Z +0 +00 +00:00");
    assert.equal(formatDate(date(source, "local"), pattern("HH:mmK z zz zzz")), "13:45+00:00 +0 +00 +00:00");
    assert.equal(formatDate(date(source), pattern("HH:mmK")), "13:45");
  });

  it("drops the point before a fraction that shows nothing", () => {
    assert.equal(formatDate(date("2009-06-15T13:45:30"), pattern("ss.FFF")), "30");
    assert.equal(formatDate(date("2009-06-15T13:45:30.5"), pattern("ss.FFF")), "30.5");
  });

  it("has the hours of noon and midnight", () => {
    assert.equal(formatDate(date("2009-06-15T00:05:00"), pattern("h:mm tt")), "12:05 AM");
    assert.equal(formatDate(date("2009-06-15T12:05:00"), pattern("hh:mm tt")), "12:05 PM");
  });

  it("takes longer runs as the longest there is, and further letters of a year as zeros", () => {
    assert.equal(
      formatDate(date("2009-06-15T13:05:00"), pattern("ddddddd MMMMM HHHH mmm tttt ggg")),
      "Monday June 13 05 PM A.D.",
    );
    assert.equal(formatDate(date("2009-06-15"), pattern("yyyyyyy")), "0002009");
    assert.equal(formatDate(date("2009-06-15"), pattern("zzzzz")), "+00:00");
  });

  it("escapes within a quotation", () => {
    assert.equal(formatDate(date("2009-06-15T13:45:00"), pattern("'it\\'s' H 'o''clock'")), "it's 13 oclock");
  });
});

describe("a format that .NET refuses", () => {
  const refused: readonly (readonly [format: string, flaw: RegExp])[] = [
    ["", /missing/],
    ["h", /"h" is no standard date format.*"%h"/],
    [":", /no standard date format/],
    ["%", /no standard date format/],
    ["dd%", /"%" without a specifier/],
    ["%%d", /"%" without a specifier/],
    ["yyyy 'de", /opens a quotation with '/],
    ['yyyy "de', /opens a quotation with "/],
    ["yyyy\\", /ends in a backslash/],
    ["ss.ffffffff", /8 digits of a second/],
    ["d".repeat(257), /at most 256 characters/],
  ];
  for (const [format, flaw] of refused) {
    it(`${JSON.stringify(format)} says so`, () => {
      const compiled = compilePattern(format);
      assert.equal(typeof compiled, "string");
      assert.match(String(compiled), flaw);
    });
  }
});

describe("what was written is read again", () => {
  const KEEPING = [
    "o",
    "yyyy-MM-ddTHH:mm:ss.fffffffK",
    "dddd, d MMMM yyyyy h:m:s.fffffff tt K",
    "ddd dd-MMM-yyyy hh.mm.ss,fffffff t K",
    "yyyyMMddHHmmssfffffffK",
    "M/d/yyyy H:m:s.FFFFFFF K",
    "'on' yyyy'/'MM'/'dd \\a\\t HH:mm:ss.fffffff gg K",
  ] as const;
  const anyDate = fc.record(
    {
      seconds: fc.integer({
        min: secondsOf({ year: 1, month: 1, day: 1, hour: 0, minute: 0, second: 0 }),
        max: 253_402_300_799,
      }),
      ticks: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 9_999_999 })),
      kind: fc.constantFrom("utc" as const, "local" as const, "unspecified" as const),
    },
    { noNullPrototype: true },
  );

  for (const format of KEEPING) {
    it(`by ${format}, to 100 ns and with its kind`, () => {
      const compiled = pattern(format);
      fc.assert(
        fc.property(anyDate, (written) => {
          assert.deepEqual(exactReader(compiled, DEFAULT_STYLES)(formatDate(written, compiled)), written);
        }),
      );
    });
  }

  it("by CDate, in the forms that it names", () => {
    const forms = [
      "yyyy-MM-ddTHH:mm:ss.fffffffZ",
      "yyyy-MM-dd HH:mm:ss.fffffff",
      "M/d/yyyy h:mm:ss.fffffff tt",
      "d MMMM yyyy HH:mm:ss.fffffff",
      "R",
    ];
    fc.assert(
      fc.property(anyDate, fc.constantFrom(...forms), (given, form) => {
        const written = form === "R" ? { ...given, ticks: 0 } : given;
        assert.deepEqual(readDate(formatDate(written, pattern(form))), { ...written, kind: "utc" });
      }),
    );
  });
});
