import type { Outcome } from "@entrain/core";

/** Whoever never gave a proper answer is left alone long before. */
const KEPT_MOST = 1000;

/** What a target said last of changes that it did not answer properly, by their ordinals: it is told if they come to nothing. */
export class Unheard {
  readonly #words = new Map<number, string>();

  /** `outcomes` belong to the changes with these ordinals, in their order. */
  note(ordinals: readonly number[], outcomes: readonly Outcome[]): void {
    for (const [at, outcome] of outcomes.entries()) {
      const ordinal = ordinals[at];
      if (ordinal === undefined || outcome.status !== "unknown" || outcome.code === "cancelled") continue;
      this.#words.delete(ordinal);
      this.#words.set(ordinal, outcome.detail);
      const [oldest] = this.#words.keys();
      if (this.#words.size > KEPT_MOST && oldest !== undefined) this.#words.delete(oldest);
    }
  }

  /** What became of a change whose effect never showed. */
  givenUp(ordinal: number): Outcome {
    const words = this.#words.get(ordinal) ?? "The target gave no answer";
    const detail = `${words}${/[.!?…]$/.test(words) ? "" : "."} The change did not take effect.`;
    return { status: "refused", code: "outcome_unknown", detail, retry: "later" };
  }
}
