import { type Clock, systemClock } from "../../clock.ts";

/** A clock that a test moves by hand. Whoever sleeps wakes at once, that much later. */
export interface TestClock extends Clock {
  advance(ms: number): void;
}

export const MINUTE = 60_000;
export const DAY = 86_400_000;

/** Begins on a Monday morning, far enough from now that reading the machine's clock by mistake shows. */
export function testClock(start: number = Date.UTC(2031, 2, 3, 8)): TestClock {
  let offset = 0;
  return {
    now: () => {
      // Moves on a little with every look, so that what was made later is later.
      offset += 0.1;
      return start + Math.floor(offset);
    },
    monotonic: () => systemClock.monotonic(),
    random: () => 0.5,
    bytes: (count) => systemClock.bytes(count),
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      offset += ms;
    },
    advance: (ms) => {
      offset += ms;
    },
  };
}
