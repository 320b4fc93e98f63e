import { randomBytes } from "node:crypto";

/** Time and chance, handed in everywhere so that tests and simulations can choose them. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Milliseconds that never go back, for durations. */
  monotonic(): number;
  /** A number in [0, 1), for jitter. */
  random(): number;
  /** Unpredictable bytes, for ids, salts and tokens. */
  bytes(count: number): Uint8Array;
  /** Resolves after `ms`, rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The machine's own clock and random source. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  bytes: (count) => randomBytes(count),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", stop);
        resolve();
      }, ms);
      signal.addEventListener("abort", stop, { once: true });
    }),
};

/** A moment in UTC to the second: `2026-11-22 00:36:05 UTC`. */
export function momentInWords(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, " UTC");
}

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** A short unpredictable id of 80 bits: `<prefix>_<16 characters>`. */
export function newId(clock: Clock, prefix: string): string {
  let text = "";
  for (const byte of clock.bytes(16)) text += ALPHABET[byte & 31];
  return `${prefix}_${text}`;
}
