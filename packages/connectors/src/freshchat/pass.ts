import { ConnectorError } from "@entrain/core";
import type { Json } from "./json.ts";
import { type Asking, invalidAnswer, type List, PAGE, type Page, readPage } from "./page.ts";

/** A million rows and more: no account that could be compared with a directory. */
const MOST_REQUESTS = 20_000;

/** One pass over all pages, as it was seen. */
export interface Walk {
  /** The rows in their order. */
  readonly ids: readonly string[];
  /** Nothing can have been missed. */
  readonly isWhole: boolean;
  /** The pages are of another size than was asked for: the pass proves nothing. */
  readonly otherSize: boolean;
}

/** What a pass has gathered so far. */
class Gathered {
  readonly ids: string[] = [];
  readonly #distinct = new Set<string>();
  #total: number | null = null;
  /** Every row stood where it was seen before, and the list never became shorter. */
  #steady = true;
  requests = 0;

  /** Lays rows from a place of the list on; answers how many were not among those before. */
  lay(rows: readonly Json[], from: number, total: number | null): number {
    const before = this.#distinct.size;
    this.#steady &&= (total ?? 0) >= (this.#total ?? 0);
    this.#total = total;
    // Even the rows that it should begin with are not there any more.
    this.#steady &&= rows.length > 0 || from >= this.ids.length;
    for (const [at, row] of rows.entries()) {
      const id = String(row.id);
      this.#steady &&= from + at >= this.ids.length || this.ids[from + at] === id;
      this.ids[from + at] = id;
      this.#distinct.add(id);
    }
    return this.#distinct.size - before;
  }

  /** No row came twice, and there are as many as the last page said. */
  get addsUp(): boolean {
    const { ids } = this;
    const told = this.#total === null || this.#total === ids.length;
    return this.#steady && told && this.#distinct.size === ids.length;
  }

  walk(isWhole: boolean, otherSize = false): Walk {
    return { ids: this.ids, isWhole, otherSize };
  }
}

/**
 * One pass over a list; yields the rows that are not `seen` yet, and adds them. Asks for pages that begin with the last rows of
 * the one before. Between the two nothing can have shifted past the reader if those stand where they stood.
 */
export async function* overlapping(
  asking: Asking,
  list: List,
  seen: Set<string>,
): AsyncGenerator<readonly Json[], Walk> {
  const gathered = new Gathered();
  let window = { page: 1, size: PAGE };
  for (;;) {
    const { rows, total, more } = await pageAt(asking, list, window, gathered);
    const { page, size } = window;
    // A list without pages answers with all that it has, whatever is asked for.
    const isUnpaged = rows.length > size && more !== true;
    const added = gathered.lay(rows, isUnpaged ? 0 : (page - 1) * size, total);
    yield freshOf(rows, seen);
    if (isUnpaged || more === false || rows.length === 0) break;
    if (rows.length < size && more === true) return gathered.walk(false, true);
    if (rows.length < size) {
      const behind = await pageAt(asking, list, { page: page + 1, size }, gathered);
      if (behind.rows.length === 0 || isSame(idsOf(behind.rows), idsOf(rows))) break;
      return gathered.walk(false, true);
    }
    if (added === 0) throw invalidAnswer(`The list of ${list.path} gave the same page twice`);
    window = nextWindow(gathered.ids.length);
  }
  return gathered.walk(gathered.addsUp);
}

/** The same where the service chooses the size of its pages, they cannot overlap: a pass counts where it is the same as the one before. */
export async function* plain(asking: Asking, list: List, seen: Set<string>): AsyncGenerator<readonly Json[], Walk> {
  const gathered = new Gathered();
  for (let page = 1; ; page += 1) {
    const { rows, total, more } = await pageAt(asking, list, { page, size: PAGE }, gathered);
    const added = gathered.lay(rows, gathered.ids.length, total);
    yield freshOf(rows, seen);
    if (rows.length === 0 || more === false) return gathered.walk(gathered.requests === 1);
    if (added === 0) throw invalidAnswer(`The list of ${list.path} gave the same page twice`);
  }
}

/** The page that holds the row before `end` and reaches farthest behind it. */
function nextWindow(end: number): { readonly page: number; readonly size: number } {
  let best = { page: 1, size: PAGE };
  for (let size = PAGE; size > PAGE / 2; size -= 1) {
    const page = Math.floor((end - 1) / size) + 1;
    if (page * size > best.page * best.size) best = { page, size };
  }
  return best;
}

/** Where nothing says how many pages there are, the one behind the last may be refused. */
async function pageAt(
  asking: Asking,
  list: List,
  window: { readonly page: number; readonly size: number },
  gathered: Gathered,
): Promise<Page> {
  gathered.requests += 1;
  if (gathered.requests > MOST_REQUESTS) throw invalidAnswer(`The list of ${list.path} is too long to be read`);
  try {
    return await readPage(asking, list, window);
  } catch (error) {
    if (window.page === 1 || !(error instanceof ConnectorError) || error.status !== 404) throw error;
    return { rows: [], total: null, more: null };
  }
}

function freshOf(rows: readonly Json[], seen: Set<string>): readonly Json[] {
  return rows.filter(({ id }) => {
    const isNew = !seen.has(String(id));
    seen.add(String(id));
    return isNew;
  });
}

function idsOf(rows: readonly Json[]): readonly string[] {
  return rows.map(({ id }) => String(id));
}

export function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((id, at) => id === right[at]);
}
