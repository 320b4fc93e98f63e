import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkCases, faultOf } from "./testing.ts";

describe("functions on lists", () => {
  it("Join passes over what is empty, and takes each value of a list", () => {
    checkCases([
      ['Join(", ", "", [a], [b])', { a: "Doe", b: "John" }, "Doe, John"],
      ['Join("-", [a], [b])', { a: null, b: "x" }, "x"],
      ['Join("-", [a])', { a: ["1", "", null, "2"] }, "1-2"],
      ['Join("-", [a], "z")', { a: ["1", "2"] }, "1-2-z"],
      ['Join("-", [a], [b])', { a: null, b: [] }, ""],
      ["Join([s], [a], [b])", { s: null, a: "x", b: "y" }, "xy"],
      ['Join("", 1000, [a], [b])', { a: 7, b: true }, "10007True"],
      ['Join("-", [a])', { a: [1, true] }, "1-True"],
      ['Join("-", [a])', { a: { $ref: "m1" } }, "m1"],
    ]);
    assert.match(
      faultOf('Join("-", [a])', { a: [{ b: 1 }] }),
      /^expression_failed 11: Join: source takes one text, but/,
    );
    assert.match(
      faultOf("Join([s], [a])", { s: ["a", "b"], a: "x" }),
      /^expression_failed 6: Join: separator takes one/,
    );
  });

  it("Join says so when what it makes is too long", () => {
    const list = Array.from({ length: 5_000 }, () => "x");
    const fault = faultOf("Join([s], [a])", { s: "-".repeat(1_000), a: list });
    assert.match(fault, /^expression_too_large .*Join gives is longer/);
  });

  it("Count counts values", () => {
    checkCases([
      ["Count([a])", { a: ["x", "y", "x"] }, 3],
      ["Count([a])", { a: [] }, 0],
      ["Count([a])", { a: null }, 0],
      ["Count([a])", { a: "" }, 0],
      ["Count([a])", { a: "one" }, 1],
      ["Count([a])", { a: 0 }, 1],
    ]);
  });

  it("Item counts from 1, and beyond the last there is none", () => {
    checkCases([
      ["Item([a], 1)", { a: ["x", "y"] }, "x"],
      ["Item([a], 2)", { a: ["x", "y"] }, "y"],
      ["Item([a], 3)", { a: ["x", "y"] }, null],
      ["Item([a], 1)", { a: null }, null],
      ["Item([a], 1)", { a: "one" }, "one"],
      ["Item([a], 2)", { a: "one" }, null],
      ["Item([a], [n])", { a: ["x", "y"], n: "2" }, "y"],
      ["Item([a], 1)", { a: [null] }, null],
      ['Item(Split([a], "@"), 2)', { a: "ana@contoso.com" }, "contoso.com"],
    ]);
    assert.match(faultOf("Item([a], 0)"), /^expression_invalid 11: Item: index takes 1 or more, not 0/);
    assert.match(faultOf("Item([a], [n])", { a: ["x"], n: -1 }), /^expression_failed 11: Item: index takes 1 or more/);
    assert.match(faultOf("Item([a], [n])", { a: ["x"], n: null }), /^expression_failed 11: Item: index needs a number/);
  });

  it("RemoveDuplicates keeps the first of each value, and tells kinds and cases apart", () => {
    checkCases([
      ["RemoveDuplicates([a])", { a: ["b", "a", "b", "B"] }, ["b", "a", "B"]],
      ["RemoveDuplicates([a])", { a: ["1", 1, true, "True", 1] }, ["1", 1, true, "True"]],
      ["RemoveDuplicates([a])", { a: [{ b: 1 }, { b: 2 }, { b: 1 }] }, [{ b: 1 }, { b: 2 }]],
      ["RemoveDuplicates([a])", { a: "x" }, ["x"]],
      ["RemoveDuplicates([a])", { a: [] }, []],
      ["RemoveDuplicates([a])", { a: null }, null],
    ]);
  });
});
