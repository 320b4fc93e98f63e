import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFailure, simulate } from "./simulate.ts";

/** Seeds of one file of tests: fixed, so that a red run means a change of the code. */
const PER_FILE = 125;

/** Declares the test of one part of the seeds. */
export function holdThroughSeeds(part: number): void {
  const from = (part - 1) * PER_FILE + 1;
  const seeds = Array.from({ length: PER_FILE }, (_, at) => from + at);
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
