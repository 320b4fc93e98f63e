/** Connections that are looked after at the same time: enough that some may hang, few enough for one process. */
const AT_ONCE = 16;
/** Looks that may go on beside each other; a further one waits for the first that ends. */
const LOOKS = 4;

/**
 * Looks after many connections again and again, side by side: one that is slow keeps neither the others waiting nor their
 * next turn. Whose turn comes while it is busy has it right behind, once.
 */
export class Upkeep {
  readonly #looks = new Set<Promise<void>>();
  readonly #busy = new Set<string>();
  /** What is to be done right behind, by the ids of those that are busy. */
  readonly #again = new Map<string, () => Promise<void>>();
  /** Who waits for a place, in the order of coming. */
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(places: number = AT_ONCE) {
    this.#free = places;
  }

  /** Begins a look, and does not wait for its end unless many go on already. The look itself must not reject. */
  async begin(look: () => Promise<void>): Promise<void> {
    const one: Promise<void> = look().finally(() => this.#looks.delete(one));
    this.#looks.add(one);
    if (this.#looks.size >= LOOKS) await Promise.race(this.#looks);
  }

  /** Resolves when every look that was begun has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#looks);
  }

  /**
   * Does work for each. Resolves when all that was begun has ended, without those that are busy with an earlier turn; what
   * one of them throws is thrown then.
   */
  async turn<T extends { readonly id: string }>(rows: readonly T[], work: (row: T) => Promise<void>): Promise<void> {
    const idle = rows.filter(({ id }) => !this.#busy.has(id));
    for (const row of rows) if (this.#busy.has(row.id)) this.#again.set(row.id, () => work(row));
    for (const { id } of idle) this.#busy.add(id);
    const ends = await Promise.allSettled(idle.map((row) => this.#one(row.id, () => work(row))));
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #one(id: string, work: () => Promise<void>): Promise<void> {
    try {
      for (let next: (() => Promise<void>) | undefined = work; next !== undefined; next = this.#again.get(id)) {
        this.#again.delete(id);
        await this.#placed(next);
      }
    } finally {
      this.#busy.delete(id);
      this.#again.delete(id);
    }
  }

  async #placed(work: () => Promise<void>): Promise<void> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    try {
      await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
