import assert from "node:assert/strict";
import { test } from "node:test";
import { tryEverything } from "./testing/try-everything.ts";
import { chance, makeExpression } from "./testing.ts";

/** A fixed seed, so that a red run means a change of the code; `ENTRAIN_SEED` runs any other one. */
const SEED = Number(process.env.ENTRAIN_SEED ?? 4);
const COUNT = 400_000;

test(`${COUNT} expressions made by the language's own rules end in a value or a fault (seed ${SEED})`, () => {
  const pick = chance(SEED);
  const reached = { refused: 0, read: 0, compiled: 0, evaluated: 0 };
  for (let made = 0; made < COUNT; made += 1) reached[tryEverything(makeExpression(pick), pick)] += 1;
  assert.equal(reached.refused, 0, "what the grammar makes can be read");
  assert.ok(reached.evaluated > COUNT / 10, JSON.stringify(reached));
});
