import assert from "node:assert/strict";
import { test } from "node:test";
import { compare } from "./compare.ts";
import { ExpressionFault } from "./fault.ts";
import { Moment, type Operand } from "./operand.ts";
import { COMPARISONS } from "./tree.ts";

const AT = { start: 0, end: 1 };

/** The comparisons that hold, with both sides as source attributes. */
function holding(left: Operand, right: Operand, attribute = true): string {
  const sides = [
    { operand: left, attribute },
    { operand: right, attribute },
  ] as const;
  return COMPARISONS.filter((operator) => compare(operator, ...sides, AT)).join(" ");
}

test("texts compare by code units, and so with their case", () => {
  assert.equal(holding("USA", "USA"), "= >= <=");
  assert.equal(holding("USA", "usa"), "<> <= <");
  assert.equal(holding("é", "e\u0301"), "<> >= >");
  assert.equal(holding("10", "9"), "<> <= <");
});

test("a number compares with a number and with a text that is one", () => {
  assert.equal(holding(10, 9), "<> >= >");
  assert.equal(holding(1, "1"), "= >= <=");
  assert.equal(holding(" 1.50 ", 1.5), "= >= <=");
  assert.equal(holding("1e2", 99), "<> >= >");
});

test("a number is not equal to a word, and has no order with it", () => {
  const sides = [
    { operand: 5, attribute: true },
    { operand: "n/a", attribute: true },
  ] as const;
  assert.equal(compare("=", ...sides, AT), false);
  assert.equal(compare("<>", ...sides, AT), true);
  assert.throws(() => compare(">", ...sides, AT), ExpressionFault);
});

test("moments compare by time, and have no order with a text", () => {
  assert.equal(holding(new Moment(1), new Moment(2)), "<> <= <");
  assert.equal(holding(new Moment(2), new Moment(2)), "= >= <=");
  const sides = [
    { operand: new Moment(0), attribute: false },
    { operand: "1/1/1970 12:00:00 AM", attribute: false },
  ] as const;
  assert.equal(compare("=", ...sides, AT), true);
  assert.throws(() => compare("<", ...sides, AT), /wrap a date that is a text in CDate/);
});

test("a boolean compares with the text of one, in any case", () => {
  assert.equal(holding(true, "True"), "= >= <=");
  assert.equal(holding("false", false), "= >= <=");
  assert.equal(compare("=", { operand: true, attribute: true }, { operand: "yes", attribute: false }, AT), false);
  assert.equal(compare("<>", { operand: true, attribute: true }, { operand: "yes", attribute: false }, AT), true);
});

test("a source attribute without a value makes every comparison false", () => {
  for (const empty of [null, "", []]) {
    assert.equal(holding(empty, "USA"), "");
    assert.equal(holding("USA", empty), "");
    assert.equal(holding(empty, empty), "");
  }
});

test("an attribute beside the empty text is asked whether it is empty", () => {
  const nothing = { operand: "", attribute: false };
  for (const operand of [null, "", []]) {
    const side = { operand, attribute: true };
    assert.deepEqual(
      COMPARISONS.filter((operator) => compare(operator, side, nothing, AT)),
      ["="],
    );
    assert.equal(compare("=", nothing, side, AT), true);
  }
  assert.equal(compare("=", { operand: "a", attribute: true }, nothing, AT), false);
  assert.equal(compare("<>", { operand: "a", attribute: true }, nothing, AT), true);
});

test("the empty text that is computed or written is compared, NULL is not", () => {
  assert.equal(holding("", "", false), "= >= <=");
  assert.equal(holding("a", "", false), "<> >= >");
  assert.equal(holding(null, "", false), "");
});

test("a list of one compares as its value, a longer one not at all", () => {
  assert.equal(holding(["a"], "a"), "= >= <=");
  assert.throws(() => holding(["a", "b"], "a"), ExpressionFault);
});
