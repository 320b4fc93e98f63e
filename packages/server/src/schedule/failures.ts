const FIRST_MS = 60_000;

/**
 * Which syncs failed lately. A notification says nothing of whether a run would go better now, so it does not bring one forward for a
 * minute after a failure, and for twice as long after each further one: a wrong password must not be tried at each change.
 */
export class Failures {
  readonly #failed = new Map<string, { readonly count: number; readonly at: number }>();

  /** A run of a sync ended at `now`. */
  ended(sync: string, result: "failed" | "other", now: number): void {
    if (result === "other") this.#failed.delete(sync);
    else this.#failed.set(sync, { count: (this.#failed.get(sync)?.count ?? 0) + 1, at: now });
  }

  /** Whether a sync may run before its time. */
  mayRunEarly(sync: string, now: number): boolean {
    const last = this.#failed.get(sync);
    // A clock that was set back must not keep it waiting.
    return last === undefined || now < last.at || now >= last.at + FIRST_MS * 2 ** (last.count - 1);
  }
}
