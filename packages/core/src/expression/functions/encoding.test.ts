import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkCases, faultOf } from "./testing.ts";

describe("functions from one representation to another", () => {
  it("ConvertToBase64 takes the bytes of UTF-16, little-endian", () => {
    const cases = ["Hello world!", "Zoë", "😀", "\ud83d", "中文", ""];
    checkCases(cases.map((a) => ["ConvertToBase64([a])", { a }, Buffer.from(a, "utf16le").toString("base64")]));
    checkCases([
      ["ConvertToBase64([a])", { a: null }, null],
      ["ConvertToBase64([a])", { a: 12 }, "MQAyAA=="],
    ]);
  });

  it("ConvertToUTF8Hex takes the bytes of UTF-8, and half a pair as U+FFFD", () => {
    const cases = ["Hello world!", "Zoë", "😀", ""];
    checkCases(cases.map((a) => ["ConvertToUTF8Hex([a])", { a }, Buffer.from(a).toString("hex").toUpperCase()]));
    checkCases([
      ["ConvertToUTF8Hex([a])", { a: "\ud83d" }, "EFBFBD"],
      ["ConvertToUTF8Hex([a])", { a: null }, null],
    ]);
  });

  it("CStr gives what .NET prints", () => {
    checkCases([
      ["CStr([a])", { a: 1.5 }, "1.5"],
      ["CStr([a])", { a: -0 }, "0"],
      ["CStr([a])", { a: true }, "True"],
      ["CStr([a])", { a: { $ref: "m1" } }, "m1"],
      ["CStr([a])", { a: null }, null],
      ["CStr([a])", { a: ["x"] }, "x"],
      ["CStr(CDate([a]))", { a: "2020-03-16-07:00" }, "3/16/2020 7:00:00 AM"],
    ]);
  });

  it("BitAnd works on 64 bits", () => {
    checkCases([
      ["BitAnd(&HF, &HF7)", {}, 7],
      ["BitAnd([a], 2)", { a: 514 }, 2],
      ["BitAnd([a], 2)", { a: 512 }, 0],
      ["BitAnd([a], 2)", { a: "514" }, 2],
      ["BitAnd([a], 2)", { a: null }, null],
      ["BitAnd([a], 2)", { a: "" }, null],
      ["BitAnd([a], [b])", { a: -1, b: 255 }, 255],
      ["BitAnd([a], [b])", { a: -1, b: -2 }, -2],
      ["BitAnd([a], [b])", { a: 2 ** 52 + 1, b: 2 ** 52 }, 2 ** 52],
      ["BitAnd([a], [b])", { a: "9223372036854775807", b: "9007199254740993" }, "9007199254740993"],
      ["BitAnd([a], [b])", { a: "18446744073709551615", b: "-9223372036854775808" }, "-9223372036854775808"],
    ]);
    assert.match(faultOf("BitAnd([a], 2)", { a: 1.5 }), /^expression_failed 8: BitAnd: value1 takes a whole number/);
    assert.match(faultOf("BitAnd(2, [a])", { a: "x" }), /^expression_failed 11: BitAnd: value2 takes a whole number/);
    assert.match(
      faultOf("BitAnd([a], 2)", { a: 2 ** 60 }),
      /^expression_failed 8: BitAnd: value1 takes a whole number/,
    );
    assert.match(faultOf('BitAnd("18446744073709551616", 2)'), /^expression_invalid 8: .*whole number of 64 bits/);
    assert.match(faultOf("BitAnd([a], 2)", { a: [1, 2] }), /^expression_failed 8: BitAnd: value1 takes one text, but/);
  });
});
