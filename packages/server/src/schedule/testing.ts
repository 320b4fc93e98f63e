import { type Clock, systemClock } from "../clock.ts";
import type { RunOptions, RunSummary } from "../runs/run.ts";
import { NO_COUNTS } from "../store/plans.ts";

/** A clock that stands until it is moved; who sleeps wakes when it passes. */
export class HandClock implements Clock {
  #now: number;
  #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();
  #asleep: (() => void)[] = [];
  readonly random: Clock["random"] = systemClock.random;
  readonly bytes: Clock["bytes"] = systemClock.bytes;
  readonly now = (): number => this.#now;
  readonly monotonic = (): number => this.#now;

  constructor(now: number = Date.UTC(2026, 0, 5)) {
    this.#now = now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const sleeper = { at: this.#now + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      for (const tell of this.#asleep.splice(0)) tell();
    });
  }

  /** As somebody who sets the clock: who sleeps sleeps as long as before. */
  setBack(ms: number): void {
    this.#now -= ms;
    this.#sleepers = new Set([...this.#sleepers].map(({ at, wake }) => ({ at: at - ms, wake })));
  }

  /** Moves the clock while nobody sleeps. */
  moved(ms: number): void {
    this.#now += ms;
  }

  /** Moves the clock; resolves when somebody sleeps again. */
  async pass(ms: number): Promise<void> {
    const asleep = new Promise<void>((resolve) => this.#asleep.push(resolve));
    this.#now += ms;
    for (const sleeper of this.#sleepers) {
      if (sleeper.at > this.#now) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
    await asleep;
  }
}

/** Runs that begin when the schedule lets them, and end when the test does. */
export class Turns {
  readonly names: string[] = [];
  readonly #ends = new Map<string, (result: RunSummary["result"]) => void>();
  readonly #waiting: { readonly count: number; readonly wake: () => void }[] = [];

  readonly run = async ({ actor }: RunOptions): Promise<RunSummary> => {
    this.names.push(actor.id);
    for (const { count, wake } of this.#waiting) if (this.names.length >= count) wake();
    const result = await new Promise<RunSummary["result"]>((resolve) => this.#ends.set(actor.id, resolve));
    const nothing = { failed: 0, unchanged: 0, conflicts: 0, ms: 0, readMs: 0, held: null, error: null };
    return { run: actor.id, result, counts: NO_COUNTS, ...nothing };
  };

  end(name: string, result: RunSummary["result"] = "succeeded"): void {
    this.#ends.get(name)?.(result);
  }

  reached(count: number): Promise<void> {
    return new Promise((wake) => (this.names.length >= count ? wake() : this.#waiting.push({ count, wake })));
  }
}
