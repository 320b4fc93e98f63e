import { describe, test } from "node:test";
import { batchClaims } from "./batches.ts";
import { lookupClaims } from "./lookups.ts";
import { memberClaims } from "./members.ts";
import { readingClaims } from "./reading.ts";
import { recordClaims } from "./records.ts";
import { type Claim, type ConformanceOptions, type KindSample, kindOf, Subject } from "./subject.ts";
import { valueClaims } from "./values.ts";

export type { ConformanceOptions, KindSample, OpenedTarget } from "./subject.ts";

/** One claim about one kind, ready to be proven. `prove` rejects with an AssertionError when it does not hold. */
export interface Proof {
  readonly name: string;
  readonly prove: () => Promise<void>;
}

/**
 * Registers the tests that every target must pass; they are the definition of a target. Each test opens the target
 * anew on an empty system and closes it. Call it at the top of a test file:
 *
 * ```ts
 * targetConformance({ name: "scim", open, kinds: [{ kind: "user", attributes, text: "title", matching: "userName" }] });
 * ```
 */
export function targetConformance(options: ConformanceOptions): void {
  describe(`${options.name} is a target`, () => {
    for (const sample of options.kinds) {
      test(`${sample.kind}: keeps every promise that its kind makes`, async (context) => {
        for (const { name, prove } of await targetProofs(options, sample)) await context.test(name, prove);
      });
    }
  });
}

/** The claims that hold for one kind: which ones depends on what the target declares of it. */
export async function targetProofs(options: ConformanceOptions, sample: KindSample): Promise<readonly Proof[]> {
  const opened = await options.open();
  const kind = kindOf(opened.target, sample.kind);
  await opened.target.close();
  await opened.close();
  const claims = [recordClaims, valueClaims, readingClaims, batchClaims, memberClaims, lookupClaims];
  return claims.flatMap((each) => each(kind, sample)).map((claim) => proofOf(claim, options, sample));
}

function proofOf(claim: Claim, options: ConformanceOptions, sample: KindSample): Proof {
  const prove = async (): Promise<void> => {
    const opened = await options.open();
    try {
      await claim.check(new Subject(opened, sample, options.kinds));
    } finally {
      await opened.target.close();
      await opened.close();
    }
  };
  return { name: claim.name, prove };
}
