import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chance, compiled } from "../testing.ts";
import { contextOf, evaluated, faultOf } from "./testing.ts";

function drawn(expression: string, seed: number): string {
  const value = evaluated(expression, {}, { random: chance(seed) });
  assert.ok(typeof value === "string");
  return value;
}

function counts(text: string): readonly [digits: number, specials: number, capitals: number, lowers: number] {
  const count = (form: RegExp) => text.match(form)?.length ?? 0;
  return [count(/[0-9]/g), count(/[^0-9A-Za-z]/g), count(/[A-Z]/g), count(/[a-z]/g)];
}

describe("functions that draw", () => {
  it("RandomString keeps its length and every minimum", () => {
    for (let seed = 0; seed < 200; seed += 1) {
      assert.deepEqual(counts(drawn("RandomString(6, 3, 0, 0, 3)", seed)), [3, 0, 0, 3]);
      const text = drawn('RandomString(10, 2, 2, 2, 1, "?,")', seed);
      const [digits, specials, capitals, lowers] = counts(text);
      assert.ok(digits >= 2 && specials >= 2 && capitals >= 2 && lowers >= 1 && text.length === 10, text);
      assert.doesNotMatch(text, /[?,]/);
      assert.match(drawn("RandomString(256, 0, 0, 0, 0)", seed), /^[0-9A-Za-z]{256}$/);
      assert.match(drawn("RandomString(20, 1, 0, 0, 0)", seed), /^[0-9]{20}$/);
    }
  });

  it("RandomString puts each character anywhere with the same chance", () => {
    const places = [0, 0, 0, 0];
    const tries = 20_000;
    const random = chance(1);
    const expression = compiled("RandomString(4, 1, 0, 0, 3)");
    for (let count = 0; count < tries; count += 1) {
      const result = expression.evaluate(contextOf({}, { random }));
      assert.ok("value" in result && typeof result.value === "string");
      const place = result.value.search(/[0-9]/);
      places[place] = (places[place] ?? 0) + 1;
    }
    for (const hits of places) assert.ok(Math.abs(hits / tries - 0.25) < 0.02, places.join(" "));
  });

  it("the same chance gives the same text", () => {
    const expression = "RandomString(30, 2, 2, 2, 2)";
    assert.equal(drawn(expression, 5), drawn(expression, 5));
    assert.notEqual(drawn(expression, 5), drawn(expression, 6));
  });

  it("RandomString refuses what is impossible, at once where that is plain", () => {
    const refused: readonly (readonly [string, RegExp])[] = [
      ["RandomString(257, 0, 0, 0, 0)", /^expression_invalid 14: RandomString: Length takes at most 256, not 257/],
      ["RandomString(0, 0, 0, 0, 0)", /^expression_invalid 14: RandomString: Length takes 1 or more/],
      ["RandomString(4, -1, 0, 0, 0)", /^expression_invalid 17: RandomString: MinimumNumbers takes 0 or more/],
      ["RandomString(4, 1.5, 0, 0, 0)", /MinimumNumbers takes a whole number, not 1.5/],
      ["RandomString(4, 2, 1, 1, 1)", /^expression_invalid 1: .*Length is 4, but the minimums come to 5/],
      ['RandomString(4, 1, 0, 0, 0, "0123456789")', /CharactersToAvoid leaves no digits, of which 1 are asked for/],
    ];
    for (const [expression, fault] of refused) assert.match(faultOf(expression), fault);
    assert.match(faultOf("RandomString([n], 2, 2, 2, 2)", { n: 4 }), /^expression_failed 1: .*Length is 4, but/);
    assert.match(
      faultOf("RandomString([n], 2, 2, 2, 2)", { n: null }),
      /^expression_failed 14: .*Length needs a number/,
    );
    const avoid = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    assert.match(faultOf(`RandomString(4, 0, 0, 0, 0, "${avoid}")`), /leaves no character at all/);
  });

  it("chance is only there where a record is created", () => {
    const record = contextOf({}).record;
    for (const expression of ["Guid()", "RandomString(6, 3, 0, 0, 3)"]) {
      const { volatile, evaluate } = compiled(expression);
      assert.equal(volatile, true);
      const result = evaluate({ record });
      assert.ok("fault" in result);
      assert.match(result.fault.message, /only be asked where a record is created/);
    }
  });

  it("Guid gives what the context draws, in other functions too", () => {
    assert.equal(evaluated("Left(Guid(), 8)"), "00000000");
  });
});
