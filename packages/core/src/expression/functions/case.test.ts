import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkCases, faultOf } from "./testing.ts";

describe("functions on case", () => {
  it("ToLower and ToUpper follow the invariant culture, letter by letter", () => {
    checkCases([
      ["ToLower([a])", { a: "ÄÖÜ Éa" }, "äöü éa"],
      ["ToLower([a])", { a: "İI" }, "İi"],
      ["ToUpper([a])", { a: "ıi" }, "ıI"],
      ["ToUpper([a])", { a: "straße" }, "STRAßE"],
      ["ToUpper([a])", { a: "ﬁx" }, "ﬁX"],
      ["ToLower([a])", { a: "ΟΔΟΣ" }, "οδοσ"],
      ["ToUpper([a])", { a: "e\u0301" }, "E\u0301"],
      ["ToLower([a])", { a: "𐐀" }, "𐐨"],
      ["ToLower([a])", { a: null }, null],
      ["ToUpper([a])", { a: true }, "TRUE"],
      ['ToLower([a], "")', { a: "I" }, "i"],
      ["ToLower([a], [c])", { a: "I", c: null }, "i"],
    ]);
  });

  it("knows the Turkish and Azerbaijani i", () => {
    for (const culture of ["tr", "tr-TR", "az", "az-Latn-AZ"]) {
      checkCases([
        [`ToLower([a], "${culture}")`, { a: "IİX" }, "ıix"],
        [`ToUpper([a], "${culture}")`, { a: "ıiß" }, "Iİß"],
      ]);
    }
  });

  it("knows Greek and Lithuanian accents, and leaves other cultures to the letters", () => {
    checkCases([
      ['ToUpper([a], "el-GR")', { a: "άνθρωπος" }, "ΑΝΘΡΩΠΟΣ"],
      ['ToLower([a], "lt")', { a: "Ì" }, "i\u0307\u0300"],
      ['ToUpper([a], "de-DE")', { a: "ıß" }, "Iß"],
      ['ToLower([a], "en-US")', { a: "İI" }, "ii"],
      ['ToLower([a], "ja-JP")', { a: "Ａ" }, "ａ"],
      ["ToLower([a], [c])", { a: "I", c: "tr-TR" }, "ı"],
    ]);
  });

  it("refuses a culture that is not known", () => {
    for (const culture of ["xx", "xx-YY", "Turkish", "tr_TR", "!"]) {
      const fault = faultOf(`ToLower([a], "${culture}")`);
      assert.match(fault, /^expression_invalid 14: ToLower: culture is not known: /, culture);
    }
    assert.match(
      faultOf("ToUpper([a], [c])", { a: "x", c: "xx" }),
      /^expression_failed 14: ToUpper: culture is not known/,
    );
  });

  it("PCase follows .NET's ToTitleCase over lower case", () => {
    checkCases([
      ["PCase([a])", { a: "PABLO GONSALVES (SECOND)" }, "Pablo Gonsalves (Second)"],
      ["PCase([a])", { a: "ANNE-MARIE O'NEILL" }, "Anne-Marie O'neill"],
      ["PCase([a])", { a: "'tis 'EM" }, "'Tis 'Em"],
      ["PCase([a])", { a: "under_score a.b,c/d" }, "Under_Score A.B,C/D"],
      ["PCase([a])", { a: "1ST R2D2 4x4" }, "1St R2d2 4X4"],
      ["PCase([a])", { a: "a\tb\nc\u00a0d\u2013e" }, "A\tB\nC\u00a0D\u2013E"],
      ["PCase([a])", { a: "“quoted” €uro ©opy a+b" }, "“Quoted” €Uro ©Opy A+B"],
      ["PCase([a])", { a: "E\u0301COLE" }, "E\u0301cole"],
      ["PCase([a])", { a: "ǆungla ß" }, "ǅungla ß"],
      ["PCase([a])", { a: "ΟΔΟΣ" }, "Οδοσ"],
      ["PCase([a])", { a: "𐐨𐐨" }, "𐐀𐐨"],
      ["PCase([a])", { a: null }, null],
      ["PCase([a])", { a: "" }, ""],
    ]);
  });

  it("PCase parts words at the given separators alone", () => {
    checkCases([
      ['PCase([a], " \'-")', { a: "PINTO-DE'SILVA" }, "Pinto-De'Silva"],
      ['PCase([a], " ")', { a: "anne-marie (second)" }, "Anne-marie (second)"],
      ['PCase([a], "")', { a: "anne-marie" }, "Anne-Marie"],
      ["PCase([a], [s])", { a: "anne-marie", s: null }, "Anne-Marie"],
      ['PCase([a], "😀")', { a: "a😀b c" }, "A😀B c"],
    ]);
  });
});
