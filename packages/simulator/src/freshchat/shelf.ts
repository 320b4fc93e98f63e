interface Kept<T> {
  record: T;
  /** From then on filters find it; milliseconds UTC. */
  readonly findableAt: number;
  /** From then on it is deleted; absent as long as nobody asked for it. */
  goneAt?: number;
}

/** What a shelf is made of. */
export interface ShelfOptions<T> {
  readonly now: () => number;
  /** Keys that records are looked up by; null is not looked up. */
  readonly keys: Readonly<Record<string, (record: T) => string | null>>;
  /** How a deleted record is shown; undefined when it is not. */
  readonly deleted: (record: T) => T | undefined;
}

/** Records of one kind in the order of their creation. Accepted deletions come through by the clock alone. */
export class Shelf<T extends { readonly id: string }> {
  readonly #options: ShelfOptions<T>;
  readonly #kept = new Map<string, Kept<T>>();
  readonly #indexes = new Map<string, Map<string, Set<string>>>();

  constructor(options: ShelfOptions<T>) {
    this.#options = options;
    for (const name of Object.keys(options.keys)) this.#indexes.set(name, new Map());
  }

  add(record: T, findableAt: number): void {
    this.#kept.set(record.id, { record, findableAt });
    this.#index(record, true);
  }

  /** The record as it is shown now; undefined when there is none (any more). */
  get(id: string): T | undefined {
    const kept = this.#kept.get(id);
    return kept === undefined ? undefined : this.#shown(kept);
  }

  /** The record, unless its deletion was accepted or came through. */
  alive(id: string): T | undefined {
    const kept = this.#kept.get(id);
    return kept?.goneAt === undefined ? kept?.record : undefined;
  }

  /** The record, unless its deletion came through. */
  present(id: string): T | undefined {
    const kept = this.#kept.get(id);
    return kept === undefined || this.#isGone(kept) ? undefined : kept.record;
  }

  /** All that are shown, oldest first. */
  list(): readonly T[] {
    return this.#pick(this.#kept.values(), () => true);
  }

  /** Those that are shown and that filters find by now; by a key where one is given. */
  findable(key?: { readonly name: string; readonly value: string }): readonly T[] {
    const now = this.#options.now();
    const of = key === undefined ? this.#kept.values() : this.#keyed(key.name, key.value);
    return this.#pick(of, ({ findableAt }) => findableAt <= now);
  }

  /** Those under a key whose deletion did not come through, findable or not. */
  taken(name: string, value: string): readonly T[] {
    return this.#keyed(name, value)
      .filter((kept) => !this.#isGone(kept))
      .map(({ record }) => record);
  }

  /** Those whose deletion did not come through. */
  presentAll(): readonly T[] {
    return [...this.#kept.values()].filter((kept) => !this.#isGone(kept)).map(({ record }) => record);
  }

  /** Puts another version in the place of the record with that id, which must be there. */
  replace(record: T): void {
    const kept = this.#kept.get(record.id);
    if (kept === undefined) throw new RangeError(`There is no record ${record.id}.`);
    this.#index(kept.record, false);
    kept.record = record;
    this.#index(record, true);
  }

  /** Accepts a deletion that comes through at `goneAt`. */
  remove(id: string, goneAt: number): void {
    const kept = this.#kept.get(id);
    if (kept !== undefined) kept.goneAt = goneAt;
  }

  /** Takes it away without a trace. */
  drop(id: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    this.#index(kept.record, false);
    this.#kept.delete(id);
  }

  #pick(of: Iterable<Kept<T>>, wanted: (kept: Kept<T>) => boolean): readonly T[] {
    const shown: T[] = [];
    for (const kept of of) {
      const record = wanted(kept) ? this.#shown(kept) : undefined;
      if (record !== undefined) shown.push(record);
    }
    return shown;
  }

  #shown(kept: Kept<T>): T | undefined {
    return this.#isGone(kept) ? this.#options.deleted(kept.record) : kept.record;
  }

  #isGone({ goneAt }: Kept<T>): boolean {
    return goneAt !== undefined && goneAt <= this.#options.now();
  }

  #keyed(name: string, value: string): readonly Kept<T>[] {
    const ids = this.#indexes.get(name)?.get(value) ?? [];
    return [...ids].flatMap((id) => this.#kept.get(id) ?? []);
  }

  #index(record: T, there: boolean): void {
    for (const [name, keyOf] of Object.entries(this.#options.keys)) {
      const key = keyOf(record);
      const index = this.#indexes.get(name);
      if (key === null || index === undefined) continue;
      const ids = index.get(key) ?? new Set();
      if (there) index.set(key, ids.add(record.id));
      else if (ids.delete(record.id) && ids.size === 0) index.delete(key);
    }
  }
}
