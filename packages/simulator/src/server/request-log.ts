/** One request that the simulator answered: the witness for tests that count requests. */
export interface LoggedRequest {
  /** Milliseconds UTC by the simulator's clock. */
  readonly at: number;
  readonly method: string;
  /** Path and query as they came. */
  readonly path: string;
  /** 0 when the connection was cut before any status. */
  readonly status: number;
  readonly requestId: string;
  readonly resourceUnits: number;
  /** Set for a request inside a batch; its path has no `/v1.0`. The batch itself is logged after its parts. */
  readonly batched?: true;
}

/** The last requests, oldest first; bounded, because demos run for weeks. */
export class RequestLog<Entry extends { readonly path: string } = LoggedRequest> {
  readonly #limit: number;
  #entries: Entry[] = [];
  /** Requests since the start or the last `clear`, forgotten ones included. */
  count = 0;

  constructor(limit = 20_000) {
    this.#limit = limit;
  }

  add(entry: Entry): void {
    this.count++;
    this.#entries.push(entry);
    if (this.#entries.length > 2 * this.#limit) this.#entries = this.#entries.slice(-this.#limit);
  }

  /** Requests whose path holds `part`, or all. */
  list(part = ""): readonly Entry[] {
    return this.#entries.slice(-this.#limit).filter(({ path }) => path.includes(part));
  }

  clear(): void {
    this.#entries = [];
    this.count = 0;
  }
}
