// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is how a replacement names a group.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { quoteText } from "../print.ts";
import { type Case, checkCases, evaluated, faultOf } from "./testing.ts";

/** What replacing a pattern in a text gives. */
function replaced(text: string, pattern: string, value: string): unknown {
  return evaluated(`Replace([text], , ${quoteText(pattern)}, , ${quoteText(value)}, , )`, { text });
}

function refused(pattern: string, value = ""): string {
  return faultOf(`Replace([text], , ${quoteText(pattern)}, , ${quoteText(value)}, , )`, { text: "x" });
}

describe("Replace", () => {
  it("does what each way of giving its arguments asks", () => {
    const address = '"(?<streetNumber>^\\\\d*)", "streetNumber"';
    const phone = '"\\\\+(?<isdCode>\\\\d* )(?<phoneNumber>\\\\d{10})", "phoneNumber"';
    const cases: readonly Case[] = [
      ['Replace([a], "b", , , "x")', { a: "abcb" }, "axcx"],
      ['Replace([a], "B", , , "x")', { a: "abcb" }, "abcb"],
      ['Replace([a], "b", , , "$1")', { a: "abc" }, "a$1c"],
      ['Replace([a], "b", , , "")', { a: "abc" }, "ac"],
      ['Replace([a], "b", , , [none])', { a: "abc", none: null }, "ac"],
      ['Replace([a], "<a>", , , , , "x<a>y<a>")', { a: "1" }, "x1y1"],
      ['Replace([a], "<a>", , , , , [none])', { a: "1", none: null }, ""],
      [`Replace([a], , ${address}, "888", , )`, { a: "545 Tremont Street" }, "888 Tremont Street"],
      ['Replace([a], , "(?<Suffix>@(.)*)", "Suffix", "", , )', { a: "jsmith@contoso.com" }, "jsmith"],
      ['Replace([a], , "x(?<n>\\\\d)?", "n", "$1", , )', { a: "x1xx2" }, "x$1xx$1"],
      [`Replace([a], , ${phone}, , [m], )`, { a: "", m: "+91 8887779999" }, "8887779999"],
      [`Replace([a], , ${phone}, , [m], )`, { a: null, m: "+91 8887779999" }, "8887779999"],
      [`Replace([a], , ${phone}, , [m], )`, { a: "1", m: "+91 8887779999" }, "1"],
      [`Replace([a], , ${phone}, , [m], )`, { a: "", m: "none" }, null],
      [`Replace([a], , ${phone}, , [m], )`, { a: "", m: null }, null],
    ];
    checkCases(cases);
  });

  it("leaves a source without a value as it is, whatever the way", () => {
    for (const way of ['"a", , , "b"', '"a", , , , , "xay"', ', "a", , "b"', ', "(?<n>a)", "n", "b"']) {
      checkCases([
        [`Replace([a], ${way})`, { a: null }, null],
        [`Replace([a], ${way})`, { a: "" }, ""],
        [`Replace([a], ${way})`, { a: [] }, null],
      ]);
    }
  });

  it("takes numbers and booleans as texts, and names the parameter that has a list", () => {
    checkCases([['Replace([a], 1, , , "x")', { a: 121 }, "x2x"]]);
    const fault = faultOf('Replace([a], "x", , , [b])', { a: "x", b: ["1", "2"] });
    assert.match(fault, /^expression_failed 23: Replace: replacementValue takes one text, but has a list of 2/);
  });

  it("refuses arguments that together mean nothing, and says what there is", () => {
    const fault = faultOf('Replace([a], "x", "y", , "z")');
    assert.match(
      fault,
      /^expression_invalid 1: Replace takes .*\(oldValue, replacementValue\).*not \(oldValue, regexPattern, /,
    );
    assert.match(faultOf("Replace([a])"), /not \(\)/);
    assert.match(faultOf('Replace([a], "", , , "z")'), /^expression_invalid 14: Replace: oldValue is empty/);
    assert.match(
      faultOf('Replace([a], [b], , , "z")', { a: "x", b: "" }),
      /^expression_failed 14: .*oldValue is empty/,
    );
    const constant = faultOf('Replace([a], , "(?<n>x)", "n", , "mobile", )');
    assert.match(constant, /^expression_invalid 34: Replace: replacementAttributeName takes an attribute/);
  });

  it("puts groups into the replacement as .NET does", () => {
    assert.equal(replaced("john.doe", "(\\w+)\\.(\\w+)", "$2 $1"), "doe john");
    assert.equal(replaced("john.doe", "(?<first>\\w+)\\.(\\w+)", "$1-$2"), "doe-john");
    assert.equal(replaced("john.doe", "(?'first'\\w+)\\.(?<last>\\w+)", "${last}, ${first}"), "doe, john");
    assert.equal(replaced("ab", "(b)", "[$0$&$$$`$'$+$_]"), "a[bb$aabab]".replace("aabab", "abab"));
    assert.equal(replaced("ab", "(b)", "$5 $10 ${2} $x $"), "a$5 $10 ${2} $x $");
    assert.equal(replaced("ab", "(x)?b", "<$1>"), "a<>");
  });

  it("refuses the name of a group that there is not", () => {
    const fault = refused("(?<number>\\d+)", "${nmber}");
    assert.match(fault, /^expression_invalid 40: .*names the group nmber, but the pattern names number\.$/);
    assert.match(refused("x", "${n}"), /but the pattern names none/);
    assert.match(
      faultOf('Replace([a], , "x", "n", "y")', { a: "x" }),
      /^expression_invalid 21: .*regexGroupName names/,
    );
    assert.match(faultOf('Replace([a], , [p], "n", "y")', { a: "x", p: "x" }), /^expression_failed 21: /);
  });

  it("finds what .NET finds, empty matches included", () => {
    assert.equal(replaced("ab1", "[a-z]*", "x"), "xx1x");
    assert.equal(replaced("abc", "", "-"), "-a-b-c-");
    assert.equal(replaced("😀a", "", "-"), "-😀-a-");
    assert.equal(replaced("😀", ".", "x"), "x");
    assert.equal(replaced("a\nb", "^b|a$", "x"), "a\nb");
    assert.equal(replaced("a\nb", "(?m)^b|a$", "x"), "x\nx");
    assert.equal(replaced("aab", "a+?", "x"), "xxb");
    assert.equal(replaced("aaa", "^a", "x"), "xaa");
    assert.equal(replaced("STRASSE", "(?i)s+", "z"), "zTRAzE");
  });

  it("reads letters, digits and spaces of every script, as .NET does", () => {
    assert.equal(replaced("Zoë Çelik", "\\w+", "x"), "x x");
    assert.equal(replaced("Zoë Çelik", "\\W", "_"), "Zoë_Çelik");
    assert.equal(replaced("Zoë-Ça", "[^\\w]", "_"), "Zoë_Ça");
    assert.equal(replaced("Zoë-Ça", "[\\W]", "_"), "Zoë_Ça");
    assert.equal(replaced("٣ 3", "\\d", "x"), "x x");
    assert.equal(replaced("a\u00a0b\u2003c\u0085d", "\\s", ""), "abcd");
    assert.equal(replaced("a\u00a0b c", "\\S", "x"), "x\u00a0x x");
    assert.equal(replaced("a\u00a0b c", "[\\S]", "x"), "x\u00a0x x");
    assert.equal(replaced("a-b.c", "[\\w-]", "x"), "xxx.x");
    assert.equal(replaced("Ab", "\\p{Lu}", "x"), "xb");
  });

  it("reads .NET's escapes and brackets", () => {
    assert.equal(replaced("aAé\t", "\\x61|\\u00e9|\\101|\\cI".replace("\\101|", "[\\101]|"), "x"), "xxxx");
    assert.equal(replaced("😀b", "\\uD83D\\uDE00", "x"), "xb");
    assert.equal(replaced("a]b", "[]a]", "x"), "xxb");
    assert.equal(replaced("[:a", "[[:alpha:]", "x"), "xxx");
    assert.equal(replaced("a{,3}", "a{,3}", "x"), "x");
    assert.equal(replaced("a{", "{", "x"), "ax");
    assert.equal(replaced("aXb", "a(?#any letter).b", "x"), "x");
    assert.equal(replaced("a/b-c", "\\/|\\-", "x"), "axbxc");
    assert.equal(replaced("&&~~", "[&&~~]", "x"), "xxxx");
    assert.equal(replaced("ab", "(?:a)(?i:B)", "x"), "x");
  });

  it("refuses by name what RE2 cannot do", () => {
    const named: readonly (readonly [string, RegExp])[] = [
      ["(?=x)", /a lookahead/],
      ["(?!x)", /a lookahead/],
      ["(?<=x)y", /a lookbehind/],
      ["(?<!x)y", /a lookbehind/],
      ["(x)\\1", /a backreference/],
      ["(?<n>x)\\k<n>", /a backreference/],
      ["(?>x)", /an atomic group/],
      ["x++", /a possessive quantifier/],
      ["x*+", /a possessive quantifier/],
      ["x?+", /a possessive quantifier/],
      ["x{2}+", /a possessive quantifier/],
      ["(?<a-b>x)", /a balancing group/],
      ["(?<-b>x)", /a balancing group/],
      ["(?(x)y|z)", /a conditional/],
      ["[a-z-[aeiou]]", /a class subtraction/],
      ["(?x) a", /the option n or x/],
      ["(?n:a)", /the option n or x/],
      ["\\Ga", /\\G/],
      ["\\p{IsGreek}", /a Unicode block, IsGreek/],
      ["(?<2>x)", /a numbered group/],
      ["(?<n>x)|(?<n>y)", /two groups of one name, n/],
      ["x{1001}", /a repetition of more than 1000 times/],
      ["\\ud83d", /half a surrogate pair/],
    ];
    for (const [pattern, name] of named) {
      const fault = refused(pattern);
      assert.match(fault, name, pattern);
      assert.match(fault, /^expression_invalid 19: Replace: regexPattern has .*, which RE2 cannot do/, pattern);
    }
  });

  it("refuses a pattern that .NET could not read either", () => {
    const wrong = [
      "(",
      ")",
      "[",
      "[a",
      "*",
      "a**",
      "\\",
      "\\q",
      "\\x6",
      "\\u00",
      "\\pL",
      "(?z)",
      "[b-a]",
      "a{2,1}",
      "\\p{Zorro}",
    ];
    for (const pattern of [...wrong, "(?<n", "(?<n m>x)", "[a-\\d]", "|*", "(*a)", "\\c1"]) {
      assert.match(refused(pattern), /^expression_invalid 19: Replace: regexPattern /, pattern);
    }
  });

  it("says so where RE2 and .NET could differ", () => {
    assert.equal(replaced("ab cd", "\\b\\w", "x"), "xb xd");
    assert.equal(replaced("ab – cd", "\\b\\w", "x"), "xb – xd");
    const boundary = faultOf('Replace([a], , "\\\\b.", , "x")', { a: "übel" });
    assert.match(boundary, /^expression_failed 16: .*asks for word boundaries/);
    assert.equal(replaced("ab", "b$|b\\Z", "x"), "ax");
    assert.match(faultOf('Replace([a], , "b$", , "x")', { a: "ab\n" }), /^expression_failed 16: .*ends in a line feed/);
  });

  it("takes a pattern from a record, and fails with that record alone", () => {
    const text = 'Replace([a], , [p], , "<$1>")';
    checkCases([
      [text, { a: "abc", p: "(b)" }, "a<b>c"],
      [text, { a: "abc", p: null }, "abc"],
    ]);
    assert.match(faultOf(text, { a: "abc", p: "(?=b)" }), /^expression_failed 16: .*a lookahead/);
    const many = Array.from(
      { length: 200 },
      (_, index): Case => [text, { a: `x${index}`, p: `(x${index})` }, `<x${index}>`],
    );
    checkCases(many);
  });

  it("answers in bounded time, or says that it would not", () => {
    assert.equal(replaced("x".repeat(5_000), "(x+x+)+y", ""), "x".repeat(5_000));
    assert.equal(replaced("a".repeat(5_000), "^(([a-z])+.)+[A-Z]([a-z])+$", ""), "a".repeat(5_000));
    assert.match(refused("(a{1000}){1000}"), /RE2|too large/);
    assert.match(refused("\\w{1000}".repeat(1_000)), /^expression_invalid .*too large/);
    assert.match(refused("(".repeat(200) + ")".repeat(200)), /nests more than 100 groups/);
    const often = faultOf('Replace([a], , "a.*b|a", , "x")', { a: "a".repeat(100_000) });
    assert.match(often, /^expression_too_large 16: Replace: regexPattern takes too long to search for/);
    const calls = Array.from({ length: 20 }, () => 'Left(Replace([a], , "(?:a?b?){200}c", , ""), 1)');
    const together = faultOf(`Join("", ${calls.join(", ")})`, { a: "a".repeat(20_000) });
    assert.match(together, /^expression_too_large .*too long to search for/);
    assert.equal(replaced("a b".repeat(30_000), "\\s", ""), "ab".repeat(30_000));
    const large = faultOf('Replace([a], "a", , , [a])', { a: "a".repeat(1_000) });
    assert.match(large, /^expression_too_large .*Replace gives is longer/);
    const referring = faultOf('Replace([a], , "a", , "$_$_$_")', { a: "a".repeat(1_000) });
    assert.match(referring, /^expression_too_large .*Replace gives is longer/);
    const pieces = faultOf(`Replace([a], , "()", , "${"$1".repeat(4_900)}")`, { a: "a".repeat(100_000) });
    assert.match(pieces, /^expression_too_large 24: .*replacementValue takes too long/);
  });
});
