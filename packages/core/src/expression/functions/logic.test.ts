import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkCases, faultOf } from "./testing.ts";

describe("functions that choose and ask", () => {
  it("IIF takes a condition's truth from what there is", () => {
    checkCases([
      ['IIF([a], "yes", "no")', { a: true }, "yes"],
      ['IIF([a], "yes", "no")', { a: "FALSE" }, "no"],
      ['IIF([a], "yes", "no")', { a: 0 }, "no"],
      ['IIF([a], "yes", "no")', { a: "2" }, "yes"],
      ['IIF([a], "yes", "no")', { a: null }, "no"],
      ['IIF([a], "yes", "no")', { a: "" }, "no"],
      ['IIF([a] > 5, "yes", "no")', { a: 6 }, "yes"],
      ["IIF(True, [a], [b])", { a: null, b: "b" }, null],
      ["IIF(True, [a], [b])", { a: ["x", "y"], b: "b" }, ["x", "y"]],
      ["IIF(True, [a], [b])", { a: { $ref: "m1" } }, { $ref: "m1" }],
    ]);
    assert.match(faultOf('IIF([a], "yes", "no")', { a: "maybe" }), /^expression_failed 5: IIF: .*"maybe"/);
  });

  it("IIF evaluates only what it answers", () => {
    checkCases([
      ["IIF(True, [a], Mid([a], [n], 1))", { a: "x", n: 0 }, "x"],
      ['IIF(IsNullOrEmpty([a]), "Other", Mid([a], [n], 1))', { a: null, n: 0 }, "Other"],
    ]);
  });

  it("Switch compares texts with their case, and takes the first key that fits", () => {
    checkCases([
      ['Switch([a], "d", "x", 1, "x", 2)', { a: "x" }, 1],
      ['Switch([a], "d", "x", 1)', { a: "X" }, "d"],
      ['Switch([a], , "x", 1)', { a: "y" }, null],
      ['Switch([a], "d", "", "none")', { a: null }, "none"],
      ['Switch([a], "d", "", "none")', { a: "" }, "none"],
      ['Switch([a], "d", "", "none")', { a: [] }, "none"],
      ['Switch([a], "d", "x", "y")', { a: null }, "d"],
      ['Switch([a], "d", "True", "t", "False", "f")', { a: true }, "t"],
      ['Switch([a], "d", True, "t", False, "f")', { a: false }, "f"],
      ['Switch([a], "d", "true", "t")', { a: true }, "d"],
      ['Switch([a], "d", 7, "seven")', { a: "7" }, "seven"],
      ['Switch([a], "d", "7", "seven")', { a: 7 }, "seven"],
      ['Switch([a], "d", [b], "same")', { a: "x", b: "x" }, "same"],
      ['Switch([a], "d", [b], "first", "x", "second")', { a: "x", b: "x" }, "first"],
      ['Switch([a], "d", "x", "second", [b], "first")', { a: "x", b: "x" }, "second"],
      ['Switch([a], "d", [b], "none")', { a: "", b: null }, "none"],
      ['Switch([country], [country], "", "Other")', { country: "" }, "Other"],
      ['Switch([country], [country], "", "Other")', { country: "NO" }, "NO"],
      ['Switch([a], "d", "constructor", "x")', { a: "toString" }, "d"],
    ]);
  });

  it("Switch evaluates only what it answers, and keys only as far as needed", () => {
    checkCases([
      ['Switch([a], Mid("x", [n], 1), "x", "y")', { a: "x", n: 0 }, "y"],
      ['Switch([a], "d", [a], "y", Mid("x", [n], 1), "z")', { a: "x", n: 0 }, "y"],
    ]);
  });

  it("Switch takes keys and values in pairs", () => {
    assert.match(faultOf('Switch([a], "d", "x")'), /^expression_invalid/);
    assert.match(faultOf('Switch([a], "d", "x", "y", "z")'), /^expression_invalid/);
    assert.match(faultOf('Switch([a], "d")'), /^expression_invalid/);
    assert.match(faultOf('Switch([a], "d", , "y")'), /^expression_invalid/);
  });

  it("Coalesce takes the first that is not NULL", () => {
    checkCases([
      ["Coalesce([a], [b])", { a: null, b: "b" }, "b"],
      ["Coalesce([a], [b])", { a: "", b: "b" }, ""],
      ["Coalesce([a], [b])", { a: [], b: "b" }, "b"],
      ["Coalesce([a], [b])", { a: 0, b: "b" }, 0],
      ["Coalesce([a], [b])", { a: false, b: "b" }, false],
      ["Coalesce([a], [b])", { a: null, b: null }, null],
      ['Coalesce([a], "")', { a: null }, ""],
      ["Coalesce([a])", { a: ["x"] }, ["x"]],
      ["Coalesce([a], IgnoreFlowIfNullOrEmpty([b]))", { a: null, b: "" }, undefined],
    ]);
  });

  it("IgnoreFlowIfNullOrEmpty leaves the attribute as it is", () => {
    checkCases([
      ["IgnoreFlowIfNullOrEmpty([a])", { a: null }, undefined],
      ["IgnoreFlowIfNullOrEmpty([a])", { a: "" }, undefined],
      ["IgnoreFlowIfNullOrEmpty([a])", { a: [] }, undefined],
      ["IgnoreFlowIfNullOrEmpty([a])", { a: 0 }, 0],
      ["IgnoreFlowIfNullOrEmpty([a])", { a: false }, false],
      ["IgnoreFlowIfNullOrEmpty([a])", { a: "x" }, "x"],
      ["IIF([a] = 1, IgnoreFlowIfNullOrEmpty([b]), [b])", { a: 1, b: "" }, undefined],
    ]);
    assert.match(faultOf("ToLower(IgnoreFlowIfNullOrEmpty([a]))"), /^expression_invalid 9:/);
  });

  it("tells NULL, empty and present apart", () => {
    const asked = (value: null | string | number | boolean | readonly string[], answers: readonly boolean[]) => {
      const names = ["IsNull", "IsNullOrEmpty", "IsPresent", "IsString"];
      checkCases(names.map((name, index) => [`${name}([a])`, { a: value }, answers[index]]));
    };
    asked(null, [true, true, false, false]);
    asked("", [false, true, false, true]);
    asked("x", [false, false, true, true]);
    asked(0, [false, false, true, false]);
    asked(false, [false, false, true, false]);
    asked([], [true, true, false, false]);
    asked(["x"], [false, false, true, false]);
    checkCases([["IsString(CDate([a]))", { a: "2020-01-01" }, true]]);
  });

  it("Not answers the kind that it is given, and True for all that is not True", () => {
    checkCases([
      ["Not([a])", { a: "True" }, "False"],
      ["Not([a])", { a: "true" }, "False"],
      ["Not([a])", { a: "False" }, "True"],
      ["Not([a])", { a: true }, false],
      ["Not([a])", { a: false }, true],
      ["Not([a])", { a: null }, "True"],
      ["Not([a])", { a: "" }, "True"],
      ["Not([a])", { a: 1 }, "True"],
      ["Not(IsPresent([a]))", { a: "x" }, false],
      ['IIF(Not(IsPresent([a])), "none", "some")', { a: null }, "none"],
      ['IIF(Not([a]), "off", "on")', { a: "True" }, "on"],
    ]);
  });

  it("CBool reads numbers and words", () => {
    checkCases([
      ["CBool([a])", { a: 2 }, true],
      ["CBool([a])", { a: "0" }, false],
      ["CBool([a])", { a: "true" }, true],
      ["CBool([a])", { a: null }, false],
      ["CBool([a] <> [b])", { a: "x", b: "y" }, true],
    ]);
    assert.match(faultOf("CBool([a])", { a: "x" }), /^expression_failed 7: CBool: /);
    assert.match(faultOf("CBool([a])", { a: ["x", "y"] }), /^expression_failed 7: CBool: /);
  });

  it("Redact answers the value as it is", () => {
    checkCases([
      ["Redact([a])", { a: ["x", "y"] }, ["x", "y"]],
      ["Redact([a])", { a: null }, null],
    ]);
  });
});
