import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Change } from "../model/plan.ts";
import type { Value } from "../model/value.ts";
import { canonicalJson, createPlanDigest, type PlanHeader } from "./digest.ts";

/** RFC 8785, appendix B: an IEEE 754 number in hexadecimal and its canonical text. */
const NUMBERS: readonly (readonly [string, string])[] = [
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["ffefffffffffffff", "-1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["c340000000000000", "-9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
];

describe("canonical JSON (RFC 8785)", () => {
  it("writes the RFC's example", () => {
    const value = JSON.parse(`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
      "literals": [null, true, false]
    }`) as Value;
    assert.equal(
      canonicalJson(value),
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it("orders names by UTF-16 code units, as the RFC's example does", () => {
    const value = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    };
    const order = [...canonicalJson(value).matchAll(/:"([^"]+)"/g)].map(([, name]) => name);
    assert.deepEqual(order, [
      "Carriage Return",
      "One",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ]);
  });

  it("writes numbers as the RFC's table does", () => {
    for (const [bits, expected] of NUMBERS) {
      const number = Buffer.from(bits, "hex").readDoubleBE();
      assert.equal(canonicalJson(number), expected, bits);
    }
  });

  it("refuses what JSON cannot say", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, "\ud800", { "\udc00": 1 }]) {
      assert.throws(() => canonicalJson(value), TypeError);
    }
  });

  it("comes back from a parser unchanged, and does not depend on the order of names", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "grapheme" }), (generated) => {
        const value = JSON.parse(JSON.stringify(generated)) as Value;
        const text = canonicalJson(value);
        assert.deepEqual(JSON.parse(text), value);
        assert.equal(canonicalJson(JSON.parse(text) as Value), text);
        const turned = typeof value === "object" && value !== null && !Array.isArray(value);
        if (turned) assert.equal(canonicalJson(Object.fromEntries(Object.entries(value).reverse())), text);
      }),
    );
  });
});

const change: Change = {
  kind: "user",
  objectId: "u1",
  name: "Ana López",
  action: "update",
  cause: "attributes",
  reason: "department: Sales → Legal",
  recordId: "r1",
  before: { department: "Sales" },
  after: { department: "Legal" },
  active: null,
  add: [],
  remove: [],
};
const header: PlanHeader = { sync: "s1", revision: 7, complete: true };
const digestOf = (changes: readonly Change[], of: PlanHeader = header): string => {
  const digest = createPlanDigest(createHash("sha256"), of);
  for (const one of changes) digest.add(one);
  return digest.end();
};

describe("a plan's digest", () => {
  it("is the SHA-256 of lines that anyone can write", () => {
    const lines =
      '{"complete":true,"revision":7,"sync":"s1"}\n' +
      '{"action":"update","active":null,"add":[],"after":{"department":"Legal"},"before":{"department":"Sales"},' +
      '"cause":"attributes","kind":"user","name":"Ana López","objectId":"u1",' +
      '"reason":"department: Sales → Legal","recordId":"r1","remove":[]}\n';
    assert.equal(digestOf([change]), createHash("sha256").update(lines, "utf8").digest("hex"));
  });

  it("changes with whatever was seen, and with the order", () => {
    const other: Change = { ...change, objectId: "u2" };
    const digests = new Set([
      digestOf([]),
      digestOf([change]),
      digestOf([change, other]),
      digestOf([other, change]),
      digestOf([{ ...change, after: { department: "HR" } }]),
      digestOf([{ ...change, reason: "because" }]),
      digestOf([{ ...change, active: false }]),
      digestOf([change], { ...header, revision: 8 }),
      digestOf([change], { ...header, complete: false }),
      digestOf([change], { ...header, sync: "s2" }),
    ]);
    assert.equal(digests.size, 10);
  });

  it("does not change with the order of attributes or with fields that nobody saw", () => {
    const two = { a: 1, b: 2 };
    const turned = { b: 2, a: 1 };
    const extra = { ...change, after: turned, ordinal: 9 };
    assert.equal(digestOf([{ ...change, after: two }]), digestOf([extra]));
  });
});
