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
  #coming: Promise<SourcePage | null> | null = null;

  constructor(pages: AsyncIterable<SourcePage>, clock: Clock) {
    this.#pages = pages[Symbol.asyncIterator]();
    this.#clock = clock;
  }

  /** The next page; null behind the last one. Throws what the source throws. */
  async next(): Promise<SourcePage | null> {
    const page = await this.#ask();
    this.#coming = null;
    return page;
  }

  /**
   * The page behind this one when both are large pages of one full round and it comes soon. Else null, also where the source
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

  /** Has the source stop; nothing is asked of it any more. */
  async end(): Promise<void> {
    await this.#coming?.catch(() => null);
    await this.#pages.return?.();
  }

  #ask(): Promise<SourcePage | null> {
    this.#coming ??= this.#pages.next().then(({ done, value }) => (done === true ? null : value));
    return this.#coming;
  }
}
