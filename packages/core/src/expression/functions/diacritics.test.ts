import { describe, it } from "node:test";
import { checkCases } from "./testing.ts";

describe("NormalizeDiacritics", () => {
  it("takes composed and decomposed letters alike, and the longest that fits", () => {
    checkCases([
      ["NormalizeDiacritics([a])", { a: "Zoë" }, "Zoe"],
      ["NormalizeDiacritics([a])", { a: "Zoe\u0308" }, "Zoe"],
      ["NormalizeDiacritics([a])", { a: "Łódź Søren Straße Æsir ılgaz" }, "Lodz Soeren Strasse AEsir ilgaz"],
      ["NormalizeDiacritics([a])", { a: "\u0101\u0301x\u0101x" }, "axax"],
      ["NormalizeDiacritics([a])", { a: "a\u0304\u0301" }, "a"],
      ["NormalizeDiacritics([a])", { a: "e\u030a\u0304" }, "e"],
      ["NormalizeDiacritics([a])", { a: "u\u0307\u0304" }, "u"],
      ["NormalizeDiacritics([a])", { a: "ø\u0304 œ\u0304" }, "oe oe"],
    ]);
  });

  it("leaves what the table lacks", () => {
    checkCases([
      ["NormalizeDiacritics([a])", { a: "œ đ ħ 中 😀 Ж" }, "œ đ ħ 中 😀 Ж"],
      ["NormalizeDiacritics([a])", { a: "ế" }, "ế"],
      ["NormalizeDiacritics([a])", { a: "e\u0302\u0301" }, "ế"],
      ["NormalizeDiacritics([a])", { a: "x\u0301" }, "x\u0301"],
      ["NormalizeDiacritics([a])", { a: "\u0301" }, "\u0301"],
      ["NormalizeDiacritics([a])", { a: "" }, ""],
      ["NormalizeDiacritics([a])", { a: null }, null],
    ]);
  });
});
