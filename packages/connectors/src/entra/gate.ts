/**
 * Closed while a service wants to be left alone. The wait never grows: a clock that is set back leaves what remained of it.
 * Times in milliseconds since 1970.
 */
export class Gate {
  #until = 0;
  #seen = 0;

  /** Stays closed for at least so long. */
  close(ms: number, now: number): void {
    this.#until = now + Math.max(ms, this.remaining(now));
  }

  /** Milliseconds until it opens; 0 when it is open. */
  remaining(now: number): number {
    if (now < this.#seen) this.#until -= this.#seen - now;
    this.#seen = now;
    return Math.max(0, this.#until - now);
  }
}
