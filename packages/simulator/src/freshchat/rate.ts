/** How many requests are answered in a minute. */
export interface FreshchatRate {
  readonly requestsPerMinute: number;
  /** Whether a refusal carries `Retry-After` in seconds; it does not unless told. */
  readonly retryAfter?: boolean;
}

const MINUTE = 60_000;

/** Counts requests in minutes of the clock that begin with the first request after the last one ended. */
export class RateLimit {
  readonly #now: () => number;
  #rate: FreshchatRate | null;
  #began = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(now: () => number, rate: FreshchatRate | null) {
    this.#now = now;
    this.#rate = rate;
  }

  set(rate: FreshchatRate | null): void {
    this.#rate = rate;
    this.#began = Number.NEGATIVE_INFINITY;
  }

  /** Counts a request: null when it may pass, else the headers of its refusal. */
  refuse(): Readonly<Record<string, string>> | null {
    if (this.#rate === null) return null;
    const now = this.#now();
    if (now >= this.#began + MINUTE || now < this.#began) [this.#began, this.#count] = [now, 0];
    if (++this.#count <= this.#rate.requestsPerMinute) return null;
    const seconds = Math.ceil((this.#began + MINUTE - now) / 1000);
    return this.#rate.retryAfter === true ? { "retry-after": String(seconds) } : {};
  }
}
