/** Results of requests that run beside each other, taken in the order in which they come. */
export class Arrivals<T> {
  readonly #ready: T[] = [];
  #running = 0;
  #failure: { readonly error: unknown } | null = null;
  #wake: () => void = () => {};

  /** Begins to wait for one more result. Its failure is told by {@link next}, or is nobody's when nobody asks any more. */
  add(result: Promise<T>): void {
    this.#running += 1;
    result.then(
      (value) => {
        this.#running -= 1;
        this.#ready.push(value);
        this.#wake();
      },
      (error: unknown) => {
        this.#running -= 1;
        this.#failure ??= { error };
        this.#wake();
      },
    );
  }

  /** How many have not come yet. */
  get running(): number {
    return this.#running;
  }

  /** How many came and were not taken. */
  get ready(): number {
    return this.#ready.length;
  }

  /** The next result; waits for it. Rejects with the first failure, once everything that came before has been taken. */
  async next(): Promise<T> {
    for (;;) {
      const value = this.#ready.shift();
      if (value !== undefined) return value;
      if (this.#failure !== null) throw this.#failure.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Resolves when nothing is on its way any more, for whoever takes no more results. */
  async ended(): Promise<void> {
    while (this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
