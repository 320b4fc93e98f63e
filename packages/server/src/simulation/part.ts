import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFailure, simulate } from "./simulate.ts";

/** Seeds of one file of tests: fixed, so that a red run means a change of the code. */
const PER_FILE = 125;

/** Seeds that are known to break an invariant, with what is wrong: each is told as skipped until it is mended. */
const OPEN: ReadonlyMap<number, string> = new Map([
  [221, "who is restored after their manager was deleted keeps that manager until the next full round"],
]);

/** Declares the test of one part of the seeds. */
export function holdThroughSeeds(part: number): void {
  const from = (part - 1) * PER_FILE + 1;
  const all = Array.from({ length: PER_FILE }, (_, at) => from + at);
  for (const seed of all) {
    const flaw = OPEN.get(seed);
    if (flaw !== undefined) test(`seed ${seed} breaks no invariant`, { skip: `open fault: ${flaw}` });
  }
  const seeds = all.filter((seed) => !OPEN.has(seed));
  test(`whatever happens, no invariant is broken (seeds ${from} to ${from + PER_FILE - 1})`, async () => {
    let played = 0;
    await simulate(seeds, (outcome) => {
      played += 1;
      assert.equal(outcome.failure, null, describeFailure(outcome, null));
      return true;
    });
    assert.equal(played, seeds.length);
  });
}
