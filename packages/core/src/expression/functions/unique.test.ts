import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compiled } from "../testing.ts";
import { contextOf, evaluated, faultOf } from "./testing.ts";

const RULES = 'SelectUniqueValue([a], Append([a], "1"), Append([a], "2"))';

describe("SelectUniqueValue", () => {
  it("takes the first value that is free", () => {
    assert.equal(evaluated(RULES, { a: "x" }), "x");
    assert.equal(evaluated(RULES, { a: "x" }, { taken: [] }), "x");
    assert.equal(evaluated(RULES, { a: "x" }, { taken: ["x", "x1"] }), "x2");
  });

  it("passes over rules that give nothing, and answers nothing when all do", () => {
    const rules = "SelectUniqueValue([a], [b], [c])";
    assert.equal(evaluated(rules, { a: null, b: "", c: "z" }, { taken: [] }), "z");
    assert.equal(evaluated(rules, { a: null, b: "", c: [] }, { taken: [] }), null);
  });

  it("says how many it tried when all are taken", () => {
    const taken = ["x", "x1", "x2"];
    assert.match(faultOf(RULES, { a: "x" }, { taken }), /^expression_failed 1: .*all 3 values that it tried taken/);
    const one = faultOf("SelectUniqueValue([a], [b])", { a: "x", b: null }, { taken });
    assert.match(one, /found the one value that it tried taken/);
  });

  it("evaluates no rule beyond the one that it takes", () => {
    assert.equal(evaluated("SelectUniqueValue([a], Mid([a], [n], 1))", { a: "x", n: 0 }, { taken: [] }), "x");
  });

  it("takes texts, and names itself where there is none", () => {
    assert.equal(evaluated("SelectUniqueValue([a], [b])", { a: 7, b: "x" }, { taken: ["7"] }), "x");
    assert.match(
      faultOf("SelectUniqueValue([a], [b])", { a: ["x", "y"], b: "z" }),
      /SelectUniqueValue: uniqueValueRule takes/,
    );
  });

  it("stands at the top alone, and needs two rules", () => {
    assert.match(faultOf(`ToLower(${RULES})`), /^expression_invalid 9: /);
    assert.match(faultOf("SelectUniqueValue([a])"), /^expression_invalid 1: /);
  });

  it("shows its candidates to who asks for them", () => {
    assert.deepEqual(compiled(RULES).candidates?.(contextOf({ a: "x" })), ["x", "x1", "x2"]);
  });
});
