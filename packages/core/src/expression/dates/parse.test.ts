import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatDate } from "./format.ts";
import { exactReader } from "./parse.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import { readStyles } from "./styles.ts";

function pattern(format: string): Pattern {
  const compiled = compilePattern(format);
  if (typeof compiled === "string") throw new Error(compiled);
  return compiled;
}

/** The date in round-trip form, or what does not fit. */
function parsed(text: string, format: string, names = ""): string {
  const styles = readStyles(names);
  if (typeof styles === "string") throw new Error(styles);
  const date = exactReader(pattern(format), styles)(text);
  return typeof date === "string" ? date : formatDate(date, pattern("yyyy-MM-ddTHH:mm:ss.FFFFFFFK"));
}

const READ: readonly (readonly [text: string, format: string, date: string, styles?: string])[] = [
  ["2020-12-31-08:00", "yyyy-MM-ddzzz", "2020-12-31T08:00:00+00:00"],
  ["2020-12-31+08:00", "yyyy-MM-ddzzz", "2020-12-30T16:00:00+00:00"],
  ["20150123105347.1Z", "yyyyMMddHHmmss.fZ", "2015-01-23T10:53:47.1Z"],
  ["6/20/2023 12:00:00 AM", "M/d/yyyy hh:mm:ss tt", "2023-06-20T00:00:00"],
  ["6/20/2023 12:00:00 PM", "M/d/yyyy hh:mm:ss tt", "2023-06-20T12:00:00"],
  ["6/20/2023 1:02:03 pm", "M/d/yyyy h:mm:ss tt", "2023-06-20T13:02:03"],
  ["6/20/2023 1 P", "M/d/yyyy h t", "2023-06-20T13:00:00"],
  ["2023-06-20 12:30", "yyyy-MM-dd hh:mm", "2023-06-20T00:30:00"],
  ["2023-06-20 13:30 PM", "yyyy-MM-dd HH:mm tt", "2023-06-20T13:30:00"],
  ["12/10/49", "MM/dd/yy", "2049-12-10T00:00:00"],
  ["12/10/50", "MM/dd/yy", "1950-12-10T00:00:00"],
  ["1/2/3", "M/d/y", "2003-01-02T00:00:00"],
  ["2020-02-29", "yyyy-MM-dd", "2020-02-29T00:00:00"],
  ["2000-02-29", "yyyy-MM-dd", "2000-02-29T00:00:00"],
  ["0001-01-01", "yyyy-MM-dd", "0001-01-01T00:00:00"],
  ["9999-12-31T23:59:59.9999999", "yyyy-MM-ddTHH:mm:ss.fffffff", "9999-12-31T23:59:59.9999999"],
  ["16-mar-2020", "dd-MMM-yyyy", "2020-03-16T00:00:00"],
  ["MONDAY, 16 march 2020", "dddd, d MMMM yyyy", "2020-03-16T00:00:00"],
  ["16 May 2020", "d MMM yyyy", "2020-05-16T00:00:00"],
  ["2020", "yyyy", "2020-01-01T00:00:00"],
  ["2020-07", "yyyy-MM", "2020-07-01T00:00:00"],
  ["2020-07-04T10:20:30Z", "yyyy-MM-ddTHH:mm:ssK", "2020-07-04T10:20:30Z"],
  ["2020-07-04T10:20:30+05:30", "yyyy-MM-ddTHH:mm:ssK", "2020-07-04T04:50:30+00:00"],
  ["2020-07-04T10:20:30", "yyyy-MM-ddTHH:mm:ssK", "2020-07-04T10:20:30"],
  ["2020-07-04T10:20:30-0730", "yyyy-MM-ddTHH:mm:sszzz", "2020-07-04T17:50:30+00:00"],
  ["2020-07-04 10 -7", "yyyy-MM-dd HH z", "2020-07-04T17:00:00+00:00"],
  ["2020-07-04 10 +07", "yyyy-MM-dd HH zz", "2020-07-04T03:00:00+00:00"],
  ["2020-07-04T10:20:30", "yyyy-MM-ddTHH:mm:ss.FFF", "2020-07-04T10:20:30"],
  ["2020-07-04T10:20:30.25", "yyyy-MM-ddTHH:mm:ss.FFF", "2020-07-04T10:20:30.25"],
  ["Mon, 16 Mar 2020 07:00:00 GMT", "R", "2020-03-16T07:00:00"],
  ["Mon, 16 Mar 2020 07:00:00 GMT", "ddd, dd MMM yyyy HH:mm:ss GMT", "2020-03-16T07:00:00+00:00"],
  ["2020-03-16 07:00:00Z", "u", "2020-03-16T07:00:00"],
  ["Monday, 16 March 2020 07:00:00", "U", "2020-03-16T07:00:00Z"],
  ["03/16/2020", "d", "2020-03-16T00:00:00"],
  ["2020-03-16T07:00:00.1234567Z", "o", "2020-03-16T07:00:00.1234567Z"],
  ["16 March 2020 A.D.", "d MMMM yyyy g", "2020-03-16T00:00:00"],
  ["  2020-03-16  ", "yyyy-MM-dd", "2020-03-16T00:00:00"],
  ["2020-03-16", " yyyy-MM-dd ", "2020-03-16T00:00:00"],
  [" am 16.03.2020 ", "' am 'dd.MM.yyyy", "2020-03-16T00:00:00"],
  ["16.03.2020 Uhr ", "dd.MM.yyyy' Uhr '", "2020-03-16T00:00:00"],
  ["2020-03-16", "yyyy-MM-dd K", "2020-03-16T00:00:00"],
  ["2020 - 03  -16", "yyyy-MM-dd", "2020-03-16T00:00:00", "AllowInnerWhite"],
  [" 2020 03   16 ", "yyyy MM dd", "2020-03-16T00:00:00", "AllowWhiteSpaces"],
  ["10:20", "HH:mm", "0001-01-01T10:20:00", "NoCurrentDateDefault"],
  ["2020-07-04", "yyyy-MM-dd", "2020-07-04T00:00:00Z", "AssumeUniversal, AdjustToUniversal"],
  ["2020-07-04", "yyyy-MM-dd", "2020-07-04T00:00:00+00:00", "AssumeUniversal"],
  ["2020-07-04", "yyyy-MM-dd", "2020-07-04T00:00:00+00:00", "AssumeLocal"],
  ["2020-07-04", "yyyy-MM-dd", "2020-07-04T00:00:00Z", "DateTimeStyles.AssumeLocal,DateTimeStyles.AdjustToUniversal"],
  ["2020-07-04-07:00", "yyyy-MM-ddzzz", "2020-07-04T07:00:00Z", "AdjustToUniversal"],
  ["2020-07-04Z", "yyyy-MM-ddK", "2020-07-04T00:00:00+00:00", "None"],
  ["0001-01-01T01:00:00+02:00", "yyyy-MM-ddTHH:mm:sszzz", "0001-01-01T23:00:00+00:00"],
  ["20200316 16", "yyyyMMdd dd", "2020-03-16T00:00:00"],
];

const UNFIT: readonly (readonly [text: string, format: string, flaw: RegExp, styles?: string])[] = [
  ["2021-02-29", "yyyy-MM-dd", /month 2 of 2021 has no day 29/],
  ["1900-02-29", "yyyy-MM-dd", /month 2 of 1900 has no day 29/],
  ["2021-13-01", "yyyy-MM-dd", /there is no month 13/],
  ["2021-00-01", "yyyy-MM-dd", /there is no month 0/],
  ["0000-01-01", "yyyy-MM-dd", /0001 to 9999/],
  ["2021-01-01 24:00", "yyyy-MM-dd HH:mm", /there is no hour 24/],
  ["2021-01-01 23:60", "yyyy-MM-dd HH:mm", /there is no minute 60/],
  ["2021-01-01 13:00 PM", "yyyy-MM-dd hh:mm tt", /hour does not fit/],
  ["2021-01-01 13:00 AM", "yyyy-MM-dd HH:mm tt", /hour does not fit/],
  ["3/16/2020 7:00:00 AM", "M/d/yyyy hh:mm:ss tt", /wants "hh" at "7:00:00 AM"/],
  ["2020-3-16", "yyyy-MM-dd", /wants "MM" at "3-16"/],
  ["2020-03", "yyyy-MM-dd", /wants "-" at its end/],
  ["2020-03-16x", "yyyy-MM-dd", /"x" is left over/],
  [" 2020-03-16", "yyyy-MM-dd", /wants "yyyy" at/, "None"],
  ["2020-03-16 ", "yyyy-MM-dd", /left over/, "AllowLeadingWhite"],
  ["Tuesday, 16 March 2020", "dddd, d MMMM yyyy", /is a Monday, not a Tuesday/],
  ["2020-03-16T10:00:00.1Z", "yyyy-MM-ddTHH:mm:ss.ffZ", /wants "ff"/],
  ["2020-03-16+15:00", "yyyy-MM-ddzzz", /wants "zzz"/],
  ["2020-03-16Z", "yyyy-MM-ddzzz", /wants "zzz" at "Z"/],
  ["20200316 17", "yyyyMMdd dd", /wants "dd"/],
  ["9999-12-31T23:00:00-08:00", "yyyy-MM-ddTHH:mm:sszzz", /0001 to 9999/],
  ["2020-03-16 a", "yyyy-MM-dd t", /wants "t"/],
  ["２０２０-03-16", "yyyy-MM-dd", /wants "yyyy"/],
];

describe("a date is read exactly as its format has it", () => {
  for (const [text, format, date, styles] of READ) {
    it(`${JSON.stringify(text)} in ${JSON.stringify(format)}${styles ? ` with ${styles}` : ""} is ${date}`, () => {
      assert.equal(parsed(text, format, styles), date);
    });
  }
});

describe("a date that does not fit says where", () => {
  for (const [text, format, flaw, styles] of UNFIT) {
    it(`${JSON.stringify(text)} in ${JSON.stringify(format)}`, () => {
      assert.match(parsed(text, format, styles), flaw);
    });
  }

  it("never throws, whatever the text and the format", () => {
    const words = fc.array(
      fc.constantFrom("yyyy", "M", "dd", "HH", "zzz", "K", "tt", "-", " ", ".", "F", "'a'", "20", "7", "Z", "+"),
    );
    fc.assert(
      fc.property(words, words, fc.string(), (format, text, other) => {
        const compiled = compilePattern(format.join(""));
        if (typeof compiled === "string") return;
        const styles = readStyles("");
        if (typeof styles === "string") return;
        exactReader(compiled, styles)(text.join(""));
        exactReader(compiled, styles)(other);
      }),
    );
  });
});

describe("the styles of reading", () => {
  it("are those of .NET by name, the default where none is named", () => {
    assert.deepEqual(readStyles(""), readStyles("RoundtripKind, AllowLeadingWhite, AllowTrailingWhite"));
    assert.deepEqual(
      readStyles("AllowWhiteSpaces"),
      readStyles("AllowInnerWhite,AllowLeadingWhite,AllowTrailingWhite"),
    );
  });

  it("are those of .NET by number, as administrators write them too", () => {
    assert.deepEqual(readStyles("32"), readStyles("AssumeLocal"));
    assert.deepEqual(readStyles("131"), readStyles(""));
    assert.deepEqual(readStyles("0"), readStyles("None"));
    assert.match(String(readStyles("256")), /no DateTimeStyle/);
    assert.match(String(readStyles("96")), /exclude each other/);
  });

  it("refuse an unknown name and what .NET refuses together", () => {
    assert.match(String(readStyles("roundtripkind")), /"roundtripkind" is no DateTimeStyle, which are None, /);
    assert.match(String(readStyles("AssumeLocal, AssumeUniversal")), /exclude each other/);
    assert.match(String(readStyles("RoundtripKind,AdjustToUniversal")), /RoundtripKind cannot stand beside/);
  });
});
