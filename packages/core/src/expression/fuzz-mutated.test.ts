import assert from "node:assert/strict";
import { test } from "node:test";
import { tryEverything } from "./testing/try-everything.ts";
import { chance, makeExpression, mutate } from "./testing.ts";

/** A fixed seed, so that a red run means a change of the code; `ENTRAIN_SEED` runs any other one. */
const SEED = Number(process.env.ENTRAIN_SEED ?? 5);
const COUNT = 500_000;

test(`${COUNT} expressions with letters taken out, put in and moved end in a value or a fault (seed ${SEED})`, () => {
  const pick = chance(SEED);
  const reached = { refused: 0, read: 0, compiled: 0, evaluated: 0 };
  for (let made = 0; made < COUNT; made += 1) {
    reached[tryEverything(mutate(makeExpression(pick, 3), pick), pick)] += 1;
  }
  assert.ok(reached.refused > COUNT / 10 && reached.evaluated > COUNT / 100, JSON.stringify(reached));
});
