import type { Clock } from "../clock.ts";
import type { Chance } from "./chance.ts";

/**
 * Time as a schedule has it: nobody waits. The world's time only goes forward; a machine's own clock may be off, and jump. Every look
 * takes a little, so that what was made later is later.
 */
export class SimulatedTime {
  /** What the machine's clock shows too much, or too little. */
  skewMs = 0;
  #passed = 0;
  #alarms: { readonly at: number; readonly ring: () => void }[] = [];
  readonly #start: number;

  constructor(start: number) {
    this.#start = start;
  }

  /** Milliseconds UTC in the world, where Microsoft's clocks are right. */
  readonly world = (): number => this.#start + Math.floor(this.#passed);

  advance(ms: number): void {
    this.#passed += ms;
    const due = this.#alarms.filter(({ at }) => at <= this.#passed);
    if (due.length === 0) return;
    this.#alarms = this.#alarms.filter(({ at }) => at > this.#passed);
    for (const { ring } of due) ring();
  }

  /** Does something once so much time has passed. */
  after(ms: number, ring: () => void): void {
    this.#alarms.push({ at: this.#passed + ms, ring });
  }

  /** The clock of the machine that Entrain runs on. */
  machine(chance: Chance): Clock {
    const look = (): void => this.advance(0.1);
    return {
      now: () => {
        look();
        return Math.floor(this.#start + this.#passed + this.skewMs);
      },
      monotonic: () => {
        look();
        return this.#passed;
      },
      random: () => chance.next(),
      bytes: (count) => Uint8Array.from({ length: count }, () => chance.below(256)),
      sleep: async (ms, signal) => {
        signal.throwIfAborted();
        this.advance(ms);
      },
    };
  }
}
