import type { Json } from "../tenant/types.ts";

type Stored = Readonly<Record<string, Json>>;

/** Records of a kind that is no directory object, by id. */
export class Records {
  readonly #byId = new Map<string, Stored>();

  list(): readonly Stored[] {
    return [...this.#byId.values()];
  }

  get(id: string): Stored | undefined {
    return this.#byId.get(id.toLowerCase());
  }

  /** Adds a record, or puts it in place of the one with its id. */
  put(record: Stored): void {
    this.#byId.set(String(record.id).toLowerCase(), record);
  }

  remove(id: string): void {
    this.#byId.delete(id.toLowerCase());
  }
}
