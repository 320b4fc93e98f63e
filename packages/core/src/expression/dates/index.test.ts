import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Value } from "../../model/value.ts";
import { plainOf } from "../coerce.ts";
import { compileExpression } from "../compile.ts";
import type { EvaluationContext } from "../context.ts";
import { DATE_FUNCTIONS } from "./index.ts";

type Attributes = { readonly [name: string]: Value };

const NOW = Date.UTC(2021, 6, 2, 15, 33, 38);

/** What an expression gives, or its faults as `code@column: message`. */
function evaluated(text: string, attributes: Attributes = {}, creation = true): unknown {
  const context: EvaluationContext = {
    record: { kind: "user", id: "u1", attributes, manager: null, removed: null },
    ...(creation ? { creation: { now: NOW, guid: () => "", random: () => 0 } } : {}),
  };
  const compiled = compileExpression(text, { attribute: (name) => () => attributes[name] ?? null });
  if ("faults" in compiled) return compiled.faults.map(described).join(" | ");
  const result = compiled.expression.evaluate(context);
  return "fault" in result ? described(result.fault) : plainOf(result.value);
}

function described({ code, column, message }: { code: string; column: number; message: string }): string {
  return `${code}@${column}: ${message}`;
}

function between(interval: string, date1: string, date2: string): unknown {
  return evaluated(`DateDiff("${interval}", CDate([date1]), CDate([date2]))`, { date1, date2 });
}

/** The examples of "Reference for writing expressions for attribute mappings in Microsoft Entra ID". */
const DOCUMENTED: readonly (readonly [expression: string, attributes: Attributes, value: Value])[] = [
  ["CDate([StatusHireDate])", { StatusHireDate: "2020-03-16-07:00" }, "3/16/2020 7:00:00 AM"],
  ['CDate("2021-06-30+08:00")', {}, "6/29/2021 4:00:00 PM"],
  ['CDate("2009-06-15T01:45:30-07:00")', {}, "6/15/2009 8:45:30 AM"],
  ['DateAdd("d", 7, CDate([StatusHireDate]))', { StatusHireDate: "2012-03-16-07:00" }, "3/23/2012 7:00:00 AM"],
  ['DateAdd("d", -10, CDate([StatusHireDate]))', { StatusHireDate: "2012-03-16-07:00" }, "3/6/2012 7:00:00 AM"],
  ['DateAdd("ww", 2, CDate([StatusHireDate]))', { StatusHireDate: "2012-03-16-07:00" }, "3/30/2012 7:00:00 AM"],
  ['DateAdd("m", 10, CDate([StatusHireDate]))', { StatusHireDate: "2012-03-16-07:00" }, "1/16/2013 7:00:00 AM"],
  ['DateAdd("yyyy", 2, CDate([StatusHireDate]))', { StatusHireDate: "2012-03-16-07:00" }, "3/16/2014 7:00:00 AM"],
  ["DateFromNum(129699324000000000)", {}, "1/1/2012 11:00:00 PM"],
  ["DateFromNum([lastLogonTimestamp])", { lastLogonTimestamp: "129699324000000000" }, "1/1/2012 11:00:00 PM"],
  [
    'FormatDateTime([extensionAttribute1], , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")',
    { extensionAttribute1: "20150123105347.1Z" },
    "2015-01-23",
  ],
  ["Now()", {}, "7/2/2021 3:33:38 PM"],
  [
    'NumFromDate(Join("", FormatDateTime([ContractEndDate], ,"yyyy-MM-ddzzz", "yyyy-MM-dd"), " 23:59:59-08:00"))',
    { ContractEndDate: "2020-12-31-08:00" },
    "132539615990000000",
  ],
  [
    'NumFromDate(Join("",FormatDateTime([endDate], ,"M/d/yyyy hh:mm:ss tt","yyyy-MM-dd")," 23:59:59-08:00"))',
    { endDate: "12/31/2020 12:00:00 AM" },
    "132539615990000000",
  ],
  // "How to synchronize attributes for Lifecycle workflows" (Microsoft).
  [
    'FormatDateTime([StatusHireDate], ,"yyyy-MM-ddzzz", "yyyyMMddHHmmss.fZ")',
    { StatusHireDate: "2020-12-31-08:00" },
    "20201231080000.0Z",
  ],
];

describe("the documented examples of the date functions", () => {
  for (const [expression, attributes, value] of DOCUMENTED) {
    it(`${expression} is ${value}`, () => assert.equal(evaluated(expression, attributes), value));
  }

  it("count intervals between dates as the page's table does", () => {
    assert.equal(between("d", "2021-08-18+08:00", "2021-08-31+08:00"), 13);
    assert.equal(between("d", "8/25/2021 5:41:18 PM", "2012-03-16-07:00"), -3449);
    assert.equal(between("ww", "8/25/2021 5:41:18 PM", "2012-03-16-07:00"), -493);
    assert.equal(between("m", "8/25/2021 5:41:18 PM", "2012-03-16-07:00"), -113);
    assert.equal(between("yyyy", "8/25/2021 5:41:18 PM", "2012-03-16-07:00"), -9);
    assert.equal(between("d", "2021-08-31+08:00", "2021-08-31+08:00"), 0);
    assert.equal(between("h", "2021-08-24", "2021-08-25"), 24);
    assert.equal(between("n", "2021-08-24", "2021-08-25"), 1440);
    assert.equal(between("s", "2021-08-24", "2021-08-25"), 86_400);
  });

  it("disable by Switch and IIF who was hired more than five days ahead", () => {
    const text =
      'Switch([Active], , "1", IIF(DateDiff("d", Now(), CDate([StatusHireDate])) > 5, "False", "True"), "0", "False")';
    assert.equal(evaluated(text, { Active: "1", StatusHireDate: "2021-07-07-07:00" }), "True");
    assert.equal(evaluated(text, { Active: "1", StatusHireDate: "2021-07-08-07:00" }), "False");
    assert.equal(evaluated(text, { Active: "0", StatusHireDate: "2021-07-07-07:00" }), "False");
  });

  for (const { name, example } of DATE_FUNCTIONS) {
    it(`and that of ${name} itself`, () =>
      assert.equal(evaluated(example.expression, example.attributes), example.value));
  }
});

describe("no date in gives none out", () => {
  const each = [
    "CDate([date])",
    'DateAdd("d", 1, CDate([date]))',
    'DateAdd("d", [date], CDate("2020-01-01"))',
    'DateDiff("d", CDate([date]), CDate("2020-01-01"))',
    'DateDiff("d", CDate("2020-01-01"), CDate([date]))',
    "DateFromNum([date])",
    'FormatDateTime([date], , "yyyy", "yy")',
    "NumFromDate([date])",
  ];
  for (const text of each) {
    it(text, () => {
      assert.equal(evaluated(text, { date: null }), null);
      assert.equal(evaluated(text, { date: "" }), null);
      assert.equal(evaluated(text, { date: [] }), null);
    });
  }

  it("nor does a date that says never", () => {
    for (const never of ["0", 0, "9223372036854775807"])
      assert.equal(evaluated("DateFromNum([date])", { date: never }), null);
    assert.equal(evaluated('DateFromNum("9223372036854775807")'), null);
  });
});

describe("dates pass from function to function", () => {
  it("as what they are, and as their text", () => {
    assert.equal(evaluated('NumFromDate(CDate("2021-01-01T07:59:59Z"))'), "132539615990000000");
    assert.equal(evaluated('NumFromDate("2021-01-01T07:59:59.0000001Z")'), "132539615990000001");
    assert.equal(evaluated("NumFromDate(DateFromNum([n]))", { n: "132539615990000000" }), "132539615990000000");
    assert.equal(evaluated('DateAdd("d", 1, "2020-02-28")'), "2/29/2020 12:00:00 AM");
    assert.equal(evaluated('DateAdd("d", 1, [dates])', { dates: ["2020-02-28"] }), "2/29/2020 12:00:00 AM");
    assert.equal(
      evaluated('FormatDateTime(CDate("2020-03-16-07:00"), , "M/d/yyyy h:mm:ss tt", "yyyy-MM-ddTHH:mm:ssZ")'),
      "2020-03-16T07:00:00Z",
    );
    assert.equal(
      evaluated('FormatDateTime(DateAdd("m", -1, Now()), , "M/d/yyyy h:mm:ss tt", "o")'),
      "2021-06-02T15:33:38.0000000",
    );
  });

  it("with an offset followed to UTC, which Left can cut off before", () => {
    const date = { date: "2020-12-31+08:00" };
    assert.equal(evaluated('FormatDateTime([date], , "yyyy-MM-ddzzz", "yyyy-MM-dd")', date), "2020-12-30");
    assert.equal(evaluated('FormatDateTime(Left([date], 10), , "yyyy-MM-dd", "dd.MM.yyyy")', date), "31.12.2020");
  });

  it("with styles by name, a constant or not", () => {
    const text = 'FormatDateTime([date], "AllowWhiteSpaces, AssumeUniversal, AdjustToUniversal", "yyyy-MM-dd", "o")';
    assert.equal(evaluated(text, { date: " 2020 - 03 - 16 " }), "2020-03-16T00:00:00.0000000Z");
    const open = 'FormatDateTime("2020-03-16", [styles], [input], "o")';
    assert.equal(
      evaluated(open, { styles: "AssumeUniversal", input: "yyyy-MM-dd" }),
      "2020-03-16T00:00:00.0000000+00:00",
    );
    assert.equal(evaluated('FormatDateTime("16/03/2020", 32, "dd/MM/yyyy", "o")'), "2020-03-16T00:00:00.0000000+00:00");
    assert.equal(evaluated(open, { input: "yyyy-MM-dd" }), "2020-03-16T00:00:00.0000000");
  });

  it("and a time alone becomes another time alone", () => {
    assert.equal(evaluated('FormatDateTime([time], , "HH:mm", "h:mm tt")', { time: "13:05" }), "1:05 PM");
    assert.equal(evaluated('FormatDateTime([day], , "dd.MM.", "MM-dd")', { day: "29.02." }), "02-29");
    assert.equal(
      evaluated('FormatDateTime([time], "NoCurrentDateDefault", "HH:mm", "s")', { time: "13:05" }),
      "0001-01-01T13:05:00",
    );
  });
});

/** What an administrator reads, at the column of the argument. */
const FAULTS: readonly (readonly [expression: string, attributes: Attributes, fault: RegExp])[] = [
  [
    "CDate([date])",
    { date: "13/45/2020" },
    /^expression_failed@7: CDate: expression cannot read "13\/45\/2020" as a date: there is no month 13\. It reads 2020-03-16, .*FormatDateTime/,
  ],
  ['CDate("2021-02-29")', {}, /^expression_invalid@7: .*"2021-02-29".*month 2 of 2021 has no day 29/],
  ["CDate([date])", { date: 44_197 }, /^expression_failed@7: CDate: expression takes a date, not a number/],
  ["CDate([date])", { date: { year: 2020 } }, /^expression_failed@7: .*not an object/],
  ["CDate([date])", { date: true }, /^expression_failed@7: .*not a boolean/],
  [
    "CDate([date])",
    { date: ["2020-01-01", "2020-01-02"] },
    /^expression_failed@7: .*a list of 2: choose one with Item/,
  ],
  ["CDate([date])", { date: "x".repeat(100_000) }, /^expression_failed@7: .*a text of 100000 characters/],
  ['DateAdd("q", 1, CDate("2020-01-01"))', {}, /^expression_invalid@9: .*one of yyyy, m, d, ww, h, n, s/],
  [
    'DateAdd("D", 1, CDate("2020-01-01"))',
    {},
    /^expression_invalid@9: .*one of yyyy, m, d, ww, h, n, s.*did you mean d\?/,
  ],
  [
    'DateAdd([i], 1, CDate("2020-01-01"))',
    { i: "w" },
    /^expression_failed@9: DateAdd: interval is one of yyyy, m, d, ww, h, n, s, not "w"/,
  ],
  ['DateAdd("d", "x", CDate("2020-01-01"))', {}, /^expression_invalid@14: /],
  ['DateAdd("d", True, CDate("2020-01-01"))', {}, /^expression_invalid@14: .*not True or False/],
  [
    'DateAdd("yyyy", [n], CDate("2020-01-01"))',
    { n: 8000 },
    /^expression_failed@17: DateAdd: value of 8000 leads out of the years 0001 to 9999/,
  ],
  ['DateDiff("y", Now(), Now())', {}, /^expression_invalid@10: .*one of yyyy/],
  [
    'FormatDateTime([d], , "yyyy-MM-dd", "h")',
    {},
    /^expression_invalid@37: FormatDateTime: outputFormat cannot be used: "h" is no standard/,
  ],
  [
    'FormatDateTime([d], , "yyyy-MM-dd \'x", "d")',
    {},
    /^expression_invalid@23: FormatDateTime: inputFormat .*does not close/,
  ],
  ['FormatDateTime([d], , , "d")', {}, /^expression_invalid@\d+: .*inputFormat/],
  ['FormatDateTime([d], , "", "d")', {}, /^expression_invalid@23: .*a date format is missing/],
  [
    'FormatDateTime([d], "Roundtrip", "yyyy", "d")',
    {},
    /^expression_invalid@21: .*"Roundtrip" is no DateTimeStyle, which are None, AllowLeadingWhite/,
  ],
  [
    'FormatDateTime([d], , "MM-dd", "yyyy-MM-dd")',
    {},
    /^expression_invalid@23: FormatDateTime: inputFormat names no year/,
  ],
  ['FormatDateTime([d], , "HH:mm", "yyyy-MM-dd")', {}, /^expression_invalid@23: .*names no date.*NoCurrentDateDefault/],
  [
    'FormatDateTime([d], , "yyyy-MM-dd", "d")',
    { d: "16.3.2020" },
    /^expression_failed@16: FormatDateTime: source cannot read "16\.3\.2020" as a date: it does not fit "yyyy-MM-dd", which wants "yyyy"/,
  ],
  [
    "DateFromNum([n])",
    { n: "soon" },
    /^expression_failed@13: DateFromNum: value cannot be "soon": it is no whole number/,
  ],
  ["DateFromNum([n])", { n: -5 }, /^expression_failed@13: .*1601/],
  ["DateFromNum([n])", { n: true }, /^expression_failed@13: .*a number of 100 ns/],
  ['NumFromDate("1600-12-31")', {}, /^expression_invalid@13: NumFromDate: value is too early: .*1601/],
];

describe("what is wrong with a date is said at its column", () => {
  for (const [expression, attributes, fault] of FAULTS) {
    it(expression, () => assert.match(String(evaluated(expression, attributes)), fault));
  }

  it("the time, where no record is created", () => {
    assert.match(String(evaluated("Now()", {}, false)), /^expression_failed@1: Now .*applied on create/);
  });
});
