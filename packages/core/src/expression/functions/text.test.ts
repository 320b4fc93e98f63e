import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkCases, faultOf } from "./testing.ts";

const SMILE = "😀";

describe("functions on texts", () => {
  it("Append adds to a text, and to none nothing", () => {
    checkCases([
      ['Append([a], ".x")', { a: "b" }, "b.x"],
      ['Append([a], ".x")', { a: "" }, ".x"],
      ['Append([a], ".x")', { a: null }, null],
      ['Append([a], ".x")', { a: [] }, null],
      ["Append([a], [b])", { a: "b", b: null }, "b"],
      ["Append([a], [b])", { a: 1, b: true }, "1True"],
      ["Append([a], 2)", { a: ["only"] }, "only2"],
    ]);
  });

  it("Left takes what there is", () => {
    checkCases([
      ["Left([a], 2)", { a: "abc" }, "ab"],
      ["Left([a], 0)", { a: "abc" }, ""],
      ["Left([a], -1)", { a: "abc" }, "abc"],
      ["Left([a], 9)", { a: "abc" }, "abc"],
      ["Left([a], 2)", { a: null }, ""],
      ["Left([a], [n])", { a: 12345, n: "3" }, "123"],
    ]);
  });

  it("Mid counts from 1 and ends where the text does", () => {
    checkCases([
      ["Mid([a], 2, 2)", { a: "abcd" }, "bc"],
      ["Mid([a], 2, 99)", { a: "abcd" }, "bcd"],
      ["Mid([a], 4, 1)", { a: "abcd" }, "d"],
      ["Mid([a], 5, 1)", { a: "abcd" }, ""],
      ["Mid([a], 9, 1)", { a: "abcd" }, ""],
      ["Mid([a], 1, 0)", { a: "abcd" }, ""],
      ["Mid([a], 1, 2)", { a: null }, null],
      ["Mid([a], 1, 2)", { a: "" }, ""],
    ]);
    assert.match(faultOf("Mid([a], 0, 1)"), /^expression_invalid 10: Mid: start takes 1 or more, not 0/);
    assert.match(faultOf("Mid([a], [n], 1)", { a: "x", n: 0 }), /^expression_failed 10: Mid: start takes 1 or more/);
    assert.match(faultOf("Mid([a], 1, [n])", { a: "x", n: -1 }), /^expression_failed 13: Mid: length takes 0 or more/);
  });

  it("a cut never leaves half of a surrogate pair, and counts code units as .NET does", () => {
    checkCases([
      ["Left([a], 1)", { a: `${SMILE}b` }, ""],
      ["Left([a], 2)", { a: `${SMILE}b` }, SMILE],
      ["Left([a], 3)", { a: `${SMILE}b` }, `${SMILE}b`],
      ["Left([a], 4)", { a: `${SMILE}${SMILE}` }, `${SMILE}${SMILE}`],
      ["Mid([a], 2, 1)", { a: `${SMILE}b` }, ""],
      ["Mid([a], 2, 2)", { a: `${SMILE}b` }, "b"],
      ["Mid([a], 1, 1)", { a: SMILE }, ""],
      ["Mid([a], 2, 2)", { a: `a${SMILE}` }, SMILE],
      ['InStr([a], "b")', { a: `${SMILE}b` }, 3],
      ["Left([a], 1)", { a: "e\u0301" }, "e"],
      ["Left([a], 1)", { a: "\ud83dx" }, "\ud83d"],
    ]);
  });

  it("InStr finds the first place, minding case unless told otherwise", () => {
    checkCases([
      ['InStr([a], "quick")', { a: "The quick brown fox" }, 5],
      ['InStr([a], "QUICK")', { a: "The quick brown fox" }, 0],
      ['InStr([a], "QUICK", , vbTextCompare)', { a: "The quick brown fox" }, 5],
      ['InStr([a], "ÉCOLE", 1, vbTextCompare)', { a: "une école" }, 5],
      ['InStr([a], "ß", 1, vbTextCompare)', { a: "STRASSE" }, 0],
      ['InStr([a], "e", 3)', { a: "repEated" }, 7],
      ['InStr([a], "e", 3, vbBinaryCompare)', { a: "repEated" }, 7],
      ['InStr([a], "r", 2)', { a: "repEated" }, 0],
      ['InStr([a], "", 3)', { a: "abc" }, 3],
      ['InStr([a], "x", 99)', { a: "abc" }, 0],
      ['InStr([a], "x")', { a: null }, 0],
      ['InStr([a], "x")', { a: "" }, 0],
      ["InStr([a], [b])", { a: "x", b: null }, 0],
      ["InStr([a], 3)", { a: 123 }, 3],
    ]);
    assert.match(faultOf('InStr([a], "b", 0)'), /^expression_invalid 17: InStr: start takes 1 or more/);
    assert.match(
      faultOf('InStr([a], "b", 1, [c])'),
      /^expression_invalid 20: InStr: compareType is vbBinaryCompare or/,
    );
    assert.match(faultOf('InStr([a], "b", 1, vbTextCompar)'), /did you mean vbTextCompare/);
  });

  it("Word takes the words between any of the delimiters", () => {
    checkCases([
      ['Word([a], 3, " ")', { a: "The quick brown fox" }, "brown"],
      ['Word([a], 3, ",!&#")', { a: "This,string!has&many separators" }, "has"],
      ['Word([a], 2, " ")', { a: "  two   words " }, "words"],
      ['Word([a], 3, " ")', { a: "  two   words " }, ""],
      ['Word([a], 1, "")', { a: "all of it" }, "all of it"],
      ['Word([a], 0, " ")', { a: "a b" }, ""],
      ['Word([a], -1, " ")', { a: "a b" }, ""],
      ['Word([a], 1, " ")', { a: null }, ""],
      ['Word([a], 1, ",")', { a: ",,," }, ""],
      [`Word([a], 2, "${SMILE}")`, { a: `a${SMILE}b` }, "b"],
    ]);
  });

  it("StripSpaces removes U+0020 alone", () => {
    checkCases([
      ["StripSpaces([a])", { a: " a b\tc\u00a0d " }, "ab\tc\u00a0d"],
      ["StripSpaces([a])", { a: null }, null],
      ["StripSpaces([a])", { a: "" }, ""],
    ]);
  });

  it("Split keeps each value's place and takes white space off around it", () => {
    checkCases([
      ['Split([a], ",")', { a: "One, Two ,Three" }, ["One", "Two", "Three"]],
      ['Split([a], ",")', { a: "a,,b," }, ["a", "", "b", ""]],
      ['Split([a], ", ")', { a: "a, b,c" }, ["a", "b,c"]],
      ['Split([a], ",")', { a: "one" }, ["one"]],
      ['Split([a], ",")', { a: "" }, []],
      ['Split([a], ",")', { a: null }, null],
      ['Count(Split([a], ";"))', { a: "a;b;c" }, 3],
    ]);
    assert.match(faultOf('Split([a], "")'), /^expression_invalid 12: Split: delimiter is empty/);
    assert.match(faultOf("Split([a], [b])", { a: "x", b: null }), /^expression_failed 12: Split: delimiter is empty/);
  });

  it("names the function and the parameter where a list or an object is given for one text", () => {
    const names: readonly (readonly [string, string])[] = [
      ['Append([a], "x")', "Append: source"],
      ["Left([a], 1)", "Left: String"],
      ["Mid([a], 1, 1)", "Mid: source"],
      ['InStr([a], "x")', "InStr: value1"],
      ['Word([a], 1, "x")', "Word: String"],
      ["StripSpaces([a])", "StripSpaces: source"],
      ['Split([a], "x")', "Split: source"],
      ["ToLower([a])", "ToLower: source"],
      ["PCase([a])", "PCase: source"],
      ["NormalizeDiacritics([a])", "NormalizeDiacritics: source"],
      ["ConvertToBase64([a])", "ConvertToBase64: source"],
      ["CStr([a])", "CStr: value"],
      ["Not([a])", "Not: source"],
      ['Switch([a], "", "x", "y")', "Switch: source"],
    ];
    for (const [expression, place] of names) {
      assert.ok(
        faultOf(expression, { a: ["1", "2"] }).includes(`${place} takes one text, but has a list of 2`),
        expression,
      );
      assert.ok(
        faultOf(expression, { a: { b: 1 } }).includes(`${place} takes one text, but has an object`),
        expression,
      );
    }
  });

  it("names what a number was wanted for", () => {
    assert.match(
      faultOf("Left([a], [n])", { a: "x", n: null }),
      /^expression_failed 11: Left: NumChars needs a number/,
    );
    assert.match(faultOf("Left([a], [n])", { a: "x", n: "two" }), /Left: NumChars cannot be read: .*"two"/);
    assert.match(faultOf("Left([a], [n])", { a: "x", n: [1, 2] }), /Left: NumChars cannot be read: .*list of 2/);
    assert.match(
      faultOf("Left([a], 1.5)", { a: "x" }),
      /^expression_invalid 11: Left: NumChars takes a whole number, not 1.5/,
    );
  });
});
