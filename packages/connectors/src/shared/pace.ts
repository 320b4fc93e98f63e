import type { Wait, WaitListener } from "@entrain/core";

/** Time and chance, as the caller gives them. */
export interface PaceClock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** A number in [0, 1). */
  random(): number;
  /** Resolves after `ms`, rejects when the signal aborts first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;

/** Doubles with each attempt; the jitter keeps many clients from coming back together. */
function backoffMs(attempt: number, random: number): number {
  return Math.round(Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempt) * (0.5 + random / 2));
}

/** Why a request is to be sent again: the service refused to take it for now, or any other fault. */
type Setback = "throttled" | "fault";

/**
 * The most attempts of a request. What was refused for now was not taken, and a limit per minute frees itself within the minute: the
 * waits behind eleven refusals last about two minutes in all, and whatever the jitter more than one.
 */
const ATTEMPTS: Readonly<Record<Setback, number>> = { throttled: 11, fault: 5 };

/** Counts the attempts of one request: waiting out a limit costs none of those that other faults get. */
export class Patience {
  readonly #random: () => number;
  readonly #met: Record<Setback, number> = { throttled: 0, fault: 0 };

  /** `random` gives a number in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Takes in a setback: the attempt that comes next, which is one too many when it exceeds `of`, and the wait before it. */
  after(setback: Setback): Pick<Wait, "attempt" | "of"> & { readonly waitMs: number } {
    const met = this.#met[setback];
    this.#met[setback] += 1;
    return { attempt: met + 2, of: ATTEMPTS[setback], waitMs: backoffMs(met, this.#random()) };
  }
}

/** Milliseconds that a Retry-After header asks to wait: seconds or an HTTP date (RFC 9110 section 10.2.3). */
export function retryAfterMs(header: string | string[] | undefined, nowMs: number): number | null {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined) return null;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}

/** Holds all requests of one server back while it throttles, not only the one that was told so. */
export class Gate {
  readonly #clock: PaceClock;
  readonly #service: string;
  readonly #onWait: WaitListener;
  #hold: { readonly ms: number; readonly opensAt: number } | null = null;

  /** `service` is the server's name for operators. */
  constructor(clock: PaceClock, service: string, onWait: WaitListener) {
    this.#clock = clock;
    this.#service = service;
    this.#onWait = onWait;
  }

  hold(ms: number): void {
    const longest = Math.max(this.#leftMs(), ms);
    this.#hold = { ms: longest, opensAt: this.#clock.now() + longest };
  }

  /** Never more than was asked for, whatever became of the clock since. */
  #leftMs(): number {
    return this.#hold === null ? 0 : Math.min(this.#hold.ms, this.#hold.opensAt - this.#clock.now());
  }

  /** Waits until the gate is open, also when it is held further meanwhile; false when the work was stopped meanwhile. */
  async pass(signal: AbortSignal): Promise<boolean> {
    for (let hold = this.#hold; hold !== null; hold = this.#hold) {
      const ms = this.#leftMs();
      if (ms > 0 && !(await this.#wait(ms, signal))) return false;
      // A clock that was set back would close it again for the next one.
      if (this.#hold === hold) this.#hold = null;
    }
    return true;
  }

  /** A wait before a further attempt, told to whoever watches; false when the work was stopped meanwhile. */
  async pause(ms: number, attempts: Pick<Wait, "status" | "attempt" | "of">, signal: AbortSignal): Promise<boolean> {
    this.#onWait({ service: this.#service, seconds: Math.ceil(ms / 1000), ...attempts });
    try {
      return await this.#wait(ms, signal);
    } finally {
      this.#onWait(null);
    }
  }

  async #wait(ms: number, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#clock.sleep(ms, signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
}
