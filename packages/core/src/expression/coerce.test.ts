import assert from "node:assert/strict";
import { test } from "node:test";
import { booleanOf, isEmptyOperand, listOf, numberOf, parseNumber, plainOf, textOf } from "./coerce.ts";
import { Moment, OMITTED, type Operand } from "./operand.ts";

const AT = { start: 3, end: 5 };
const texts = (...operands: readonly Operand[]) => operands.map((operand) => textOf(operand, AT));

test("a text is made of a value as .NET prints it in the invariant culture", () => {
  assert.deepEqual(texts(null, "x", true, false), ["", "x", "True", "False"]);
  assert.deepEqual(texts(0, -0, -1.5, 132539615990000000, 1e21), ["0", "0", "-1.5", "132539615990000000", "1E+21"]);
  assert.deepEqual(texts(0.0001, 0.00001, -1.5e-7), ["0.0001", "1E-05", "-1.5E-07"]);
});

test("a moment is printed in UTC with twelve hours, whatever its year", () => {
  const moments = ["2020-03-16T07:00:00Z", "2021-07-02T15:33:38Z", "1999-12-31T00:05:09Z", "0001-01-01T12:00:00Z"];
  assert.deepEqual(
    moments.map((iso) => textOf(new Moment(Date.parse(iso)), AT)),
    ["3/16/2020 7:00:00 AM", "7/2/2021 3:33:38 PM", "12/31/1999 12:05:09 AM", "1/1/0001 12:00:00 PM"],
  );
});

test("a reference is its object id, a list of one its value; a longer list and an object are faults", () => {
  assert.deepEqual(texts({ $ref: "m1" }, ["a"], [], [["b"]]), ["m1", "a", "", "b"]);
  assert.throws(() => textOf(["a", "b"], AT), /list of 2; choose one with Item, or use Join/);
  assert.throws(() => textOf({ city: "Oslo" }, AT), /object; name what lies inside it/);
});

test("numbers are read in the invariant culture alone", () => {
  assert.deepEqual([" 12 ", "-1.5", "+3", ".5", "1e3"].map(parseNumber), [12, -1.5, 3, 0.5, 1000]);
  assert.deepEqual(["", "1,5", "1 000", "0x1F", "١", "Infinity", "1e999", "NaN"].map(parseNumber), Array(8).fill(null));
  assert.deepEqual([numberOf(true, AT), numberOf("7", AT), numberOf(["7"], AT)], [1, 7, 7]);
  for (const wrong of [null, "", "x", [], ["1", "2"], { a: 1 }]) assert.throws(() => numberOf(wrong, AT));
});

test("a boolean is read from numbers and texts; NULL and the empty text are false", () => {
  assert.deepEqual(
    [null, "", [], 0, "0", "False", "false"].map((one) => booleanOf(one, AT)),
    Array(7).fill(false),
  );
  assert.deepEqual(
    [true, 1, -1, "1", "TRUE", " True "].map((one) => booleanOf(one, AT)),
    Array(6).fill(true),
  );
  assert.throws(() => booleanOf("yes", AT), /the value is "yes"/);
});

test("a list is made of a single value, and none of NULL", () => {
  assert.deepEqual([listOf(null), listOf("a"), listOf(["a", "b"])], [[], ["a"], ["a", "b"]]);
  const operands: readonly Operand[] = [null, OMITTED, "", [], " ", 0, false];
  assert.deepEqual(operands.map(isEmptyOperand), [true, true, true, true, false, false, false]);
});

test("what leaves the language is plain", () => {
  assert.equal(plainOf(OMITTED), undefined);
  assert.deepEqual(plainOf([new Moment(0), "a", null]), ["1/1/1970 12:00:00 AM", "a", null]);
});
