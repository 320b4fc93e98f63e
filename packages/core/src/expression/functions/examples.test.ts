import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Value } from "../../model/value.ts";
import { DATE_FUNCTIONS } from "../dates/index.ts";
import { compiled } from "../testing.ts";
import { FUNCTIONS } from "./index.ts";
import { contextOf, evaluated } from "./testing.ts";

/** What an attribute may hold that its function does not want. */
const VALUES: readonly Value[] = [
  null,
  "",
  "x",
  0,
  -1,
  1.5,
  1e21,
  true,
  [],
  ["x"],
  ["x", "y"],
  [null],
  { x: 1 },
  { $ref: "m" },
];

describe("the functions of the language", () => {
  for (const { name, example, summary, parameters } of FUNCTIONS.values()) {
    // Those on dates tell of the value that is none, at its column.
    const isDate = DATE_FUNCTIONS.some((one) => one.name === name);

    it(`${name} does what its example says`, () => {
      assert.ok(example.expression.includes(`${name}(`), example.expression);
      assert.deepEqual(evaluated(example.expression, example.attributes), example.value);
    });

    it(`${name} is told in one sentence, and so is each parameter`, () => {
      for (const text of [summary, ...parameters.map((one) => one.summary)]) assert.match(text, /^\S.*\.$/);
    });

    it(`${name} answers every value in every place, or names itself in the fault`, () => {
      // What Replace does rests on which arguments are given: its own tests go through that.
      if (name === "Replace") return;
      const required = parameters.findLastIndex((one) => !one.optional) + 1;
      for (const count of new Set([required, parameters.length])) {
        const written = parameters.slice(0, count).map(({ choices, type }, index) => {
          if (choices === undefined) return `[p${index}]`;
          return type === "name" ? choices[0] : JSON.stringify(choices[0]);
        });
        const given = written.flatMap((one, index) => (one?.startsWith("[") ? [`p${index}`] : []));
        const { evaluate } = compiled(`${name}(${written.join(", ")})`);
        for (const [place, others] of given.flatMap((one) => VALUES.map((value) => [one, value] as const))) {
          for (const value of VALUES) {
            const attributes = Object.fromEntries(given.map((one) => [one, one === place ? value : others]));
            const result = evaluate(contextOf(attributes));
            if ("value" in result) continue;
            const what = `${JSON.stringify(attributes)}: ${result.fault.message}`;
            assert.equal(result.fault.code, "expression_failed", what);
            assert.ok(!result.fault.message.includes("unexpectedly"), what);
            assert.ok(result.fault.message.includes(name) || isDate, what);
          }
        }
      }
    });
  }
});
