/** Numbers that a seed decides (mulberry32), the same on every machine. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    const state = this.#state;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** True once in so many times. */
  once(inSoMany: number): boolean {
    return this.below(inSoMany) === 0;
  }

  /** One of a list that is not empty. */
  some<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T;
  }

  /** One of a list, or nothing of an empty one. */
  any<T>(of: readonly T[]): T | undefined {
    return of.length === 0 ? undefined : this.some(of);
  }

  /** Chance of its own for one part: what it draws moves nothing that others draw. */
  part(name: string): Chance {
    let seed = this.#state;
    for (const letter of name) seed = Math.imul(seed ^ letter.charCodeAt(0), 0x01000193) >>> 0;
    return new Chance(Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d));
  }
}
