import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "./random.ts";

const draws = (seed: number, stream?: number): number[] => {
  const random = createRandom(seed, stream);
  return Array.from({ length: 5 }, () => random.word());
};

test("repeats itself for the same seed and stream", () => {
  assert.deepEqual(draws(7, 1), draws(7, 1));
});

test("differs between neighbouring seeds, streams, signs and seeds beyond 32 bits", () => {
  const all = [draws(0), draws(1), draws(-1), draws(1, 1), draws(2 ** 32 + 1), draws(2 ** 40 + 1)];
  assert.equal(new Set(all.map(String)).size, all.length);
});

test("makes version 4 GUIDs, each one different", () => {
  const random = createRandom(3);
  const guids = Array.from({ length: 2_000 }, () => random.guid());
  for (const guid of guids) assert.match(guid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(guids).size, guids.length);
});

test("keeps integers within both bounds and reaches them", () => {
  const random = createRandom(11);
  const seen = new Set(Array.from({ length: 500 }, () => random.integer(3, 6)));
  assert.deepEqual(seen, new Set([3, 4, 5, 6]));
});

test("weighs in proportion and never draws a weight of zero", () => {
  const random = createRandom(5);
  const counts = [0, 0, 0];
  for (let draw = 0; draw < 9_000; draw += 1) {
    const index = random.weighted([2, 0, 1]);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  assert.equal(counts[1], 0);
  assert.ok(Math.abs((counts[0] ?? 0) - 6_000) < 300, `drew ${counts}`);
});

test("refuses to pick from nothing", () => {
  assert.throws(() => createRandom(1).pick([]), RangeError);
});
