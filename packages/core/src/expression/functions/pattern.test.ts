import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compileExpression } from "../compile.ts";
import { quoteText } from "../print.ts";
import { type Chance, chance, compiled, READ_BY_NAME } from "../testing.ts";
import { contextOf } from "./testing.ts";

const TOKENS =
  "a b c 1 . * + ? *? +? ?? | ( (?: ) [ab] [^a] [a-c1] {2} {1,2} {0,} \\d \\D \\w \\W \\s \\S ^ $ \\x61 (?i:B)".split(
    " ",
  );
const LETTERS = ["a", "b", "c", "B", "1", " ", "-"];

function made(pieces: readonly string[], most: number, pick: Chance): string {
  return Array.from({ length: pick(most + 1) }, () => pieces[pick(pieces.length)]).join("");
}

/** A pattern in which every group is closed, more often than chance would have it. */
function madePattern(pick: Chance): string {
  const pattern = made(TOKENS, 8, pick);
  const open = pattern.split("(").length - pattern.split(")").length;
  return pattern + ")".repeat(Math.max(0, open));
}

/** JavaScript's own reading: leftmost, first alternative first, empty matches as in .NET; it repeats no `$` and `^`. */
function backtracking(pattern: string): RegExp | null {
  try {
    return new RegExp(pattern, "g");
  } catch {
    return null;
  }
}

describe("patterns", () => {
  it("find, among ASCII letters, what an engine that backtracks finds", () => {
    const pick = chance(11);
    let compared = 0;
    for (let count = 0; count < 30_000; count += 1) {
      const pattern = madePattern(pick);
      const answer = compileExpression(`Replace([a], , ${quoteText(pattern)}, , "<$&>")`, READ_BY_NAME);
      const other = backtracking(pattern);
      if ("faults" in answer || other === null) continue;
      const text = `a${made(LETTERS, 8, pick)}`;
      const result = answer.expression.evaluate(contextOf({ a: text }));
      assert.ok("value" in result, `${pattern} on ${text}`);
      const wanted = text.replace(other, "<$&>");
      assert.equal(result.value, wanted, `${JSON.stringify(pattern)} on ${JSON.stringify(text)}`);
      compared += 1;
    }
    assert.ok(compared > 10_000, `only ${compared} patterns could be compared`);
  });

  it("are refused or compiled in bounded time, however they are written", () => {
    const large = [
      "a|".repeat(4_900),
      "(a|b)*".repeat(1_600),
      "[a-z]".repeat(1_900),
      "(?i)\\w{999}",
      "\\p{L}".repeat(1_900),
      // These would take RE2 seconds, alone or in either case.
      `[${"\\W".repeat(4_900)}]`,
      `(?i)${"\\S".repeat(4_900)}`,
      `(?i)${"[!-\uffff]".repeat(1_900)}`,
    ];
    for (const pattern of large) {
      const answer = compileExpression(`Replace([a], , ${quoteText(pattern)}, , "")`, READ_BY_NAME);
      if ("faults" in answer)
        assert.match(answer.faults[0].message, /too large|longer|characters/, pattern.slice(0, 20));
      else assert.ok(answer.expression.evaluate(contextOf({ a: "ab".repeat(500) })), pattern.slice(0, 20));
    }
  });

  it("of many sets, or longer than an expression, are refused also where a record gives them", () => {
    const { evaluate } = compiled('Replace([a], , [p], , "")');
    const why = (p: string): string => {
      const result = evaluate(contextOf({ a: "ab", p }));
      return "fault" in result ? result.fault.message : "";
    };
    assert.match(why(`[${"\\W".repeat(101)}]`), /is too large: its sets of characters/);
    assert.match(why(`(?i)${"[!-\uffff]".repeat(101)}`), /is too large: its sets of characters/);
    assert.match(why(`[${"ab".repeat(5_000)}]`), /is longer than 10000 characters/);
    assert.equal(why(`${"\\d\\d-\\w+ ".repeat(300)}|[ab]`), "");
  });
});
