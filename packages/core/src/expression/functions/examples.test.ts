import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FUNCTIONS } from "./index.ts";
import { evaluated } from "./testing.ts";

describe("the functions of the language", () => {
  for (const { name, example, summary, parameters } of FUNCTIONS.values()) {
    it(`${name} does what its example says`, () => {
      assert.ok(example.expression.includes(`${name}(`), example.expression);
      assert.deepEqual(evaluated(example.expression, example.attributes), example.value);
    });

    it(`${name} is told in one sentence, and so is each parameter`, () => {
      for (const text of [summary, ...parameters.map((one) => one.summary)]) assert.match(text, /^\S.*\.$/);
    });
  }
});
