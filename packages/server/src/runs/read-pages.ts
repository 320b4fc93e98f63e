import { AsyncLocalStorage } from "node:async_hooks";
import type { SourcePage } from "@entrain/core";
import type { Clock } from "../clock.ts";

/** So long a page may take to be there soon. */
const SOON_MS = 16;
/** A transaction with fewer records costs too little to be shared. */
const LARGE = 500;

/** The pages of a source one by one, with a look at whether the next one is there. */
export class Pages {
  readonly #pages: AsyncIterator<SourcePage>;
  readonly #clock: Clock;
  readonly #over = new AbortController();
  /** Where the pages are asked for: a source that renews its sign-in writes to the store, which no transaction allows inside it. */
  readonly #outside = AsyncLocalStorage.snapshot();
  #coming: Promise<SourcePage | null> | null = null;

  /** `read` begins the read; its signal aborts with {@link end} at the latest. */
  constructor(read: (signal: AbortSignal) => AsyncIterable<SourcePage>, signal: AbortSignal, clock: Clock) {
    this.#pages = read(AbortSignal.any([signal, this.#over.signal]))[Symbol.asyncIterator]();
    this.#clock = clock;
  }

  /** The next page; null behind the last one. Throws what the source throws. */
  async next(): Promise<SourcePage | null> {
    const page = await this.#ask();
    this.#coming = null;
    return page;
  }

  /**
   * The page behind a large one when it is of the same full round and comes soon. Else null, also where the source
   * failed: `next` gives it then, or throws.
   */
  async behind(page: SourcePage): Promise<SourcePage | null> {
    if (page.round !== "full" || page.complete || page.records.length < LARGE) return null;
    const over = new AbortController();
    const late = this.#clock.sleep(SOON_MS, over.signal).then(
      () => null,
      () => null,
    );
    const next = await Promise.race([this.#ask().catch(() => null), late]);
    over.abort();
    if (next === null || next.round !== "full" || next.withheld !== undefined) return null;
    this.#coming = null;
    return next;
  }

  /** Has the source stop; nothing is asked of it any more. What it says to that is no news: the read has ended, or failed before. */
  async end(): Promise<void> {
    this.#over.abort(new DOMException("The read has ended.", "AbortError"));
    await this.#coming?.catch(() => null);
    await this.#pages.return?.().catch(() => undefined);
  }

  #ask(): Promise<SourcePage | null> {
    this.#coming ??= this.#outside(async () => {
      const { done, value } = await this.#pages.next();
      return done === true ? null : value;
    });
    return this.#coming;
  }
}
