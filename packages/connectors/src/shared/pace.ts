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
export function backoffMs(attempt: number, random: number): number {
  return Math.round(Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempt) * (0.5 + random / 2));
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
  #opensAt = 0;

  /** `service` is the server's name for operators. */
  constructor(clock: PaceClock, service: string, onWait: WaitListener) {
    this.#clock = clock;
    this.#service = service;
    this.#onWait = onWait;
  }

  hold(ms: number): void {
    this.#opensAt = Math.max(this.#opensAt, this.#clock.now() + ms);
  }

  /** Waits until the gate is open; false when the work was stopped meanwhile. */
  async pass(signal: AbortSignal): Promise<boolean> {
    const ms = this.#opensAt - this.#clock.now();
    return ms <= 0 || this.#wait(ms, signal);
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
