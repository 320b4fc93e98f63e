import { ConnectorError } from "@entrain/core";
import { type Json, textIn } from "./json.ts";
import { type Asking, invalidAnswer, type List, PAGE, readPage } from "./page.ts";

/** A million rows: more than that is no account that could be compared with a directory. */
const MOST_PAGES = 20_000;
const MOST_WALKS = 6;
/** Rows that came in an earlier walk alone and are asked for one by one, at most. */
const MOST_CONFIRMED = 200;

/** One pass over all pages, as it was seen. */
interface Walk {
  readonly ids: readonly string[];
  /** Rows of every page but the last; `null` where they differ, and 0 where there was only one. */
  readonly size: number | null;
  readonly pages: number;
  /** One answer held all of it: nothing can have moved meanwhile. */
  readonly atOnce: boolean;
  /** What the last page said of the number of rows; `null` where any said nothing. */
  readonly total: number | null;
  /** No row came twice, and the number of rows that was told never changed. */
  readonly steady: boolean;
}

/**
 * Yields every row of a list, each once. Pages are cut from what there is at the moment, so a row that goes, or comes in front,
 * shifts those behind it past the reader, or gives them twice. A pass over the pages counts only when it can have missed
 * nothing: its rows are as many as the list says, and the last row before the last page still stands where it stood; or it saw
 * the same as the pass before. Otherwise the list is read again, and only what is new is yielded. `exists` asks for one row by
 * its id.
 * @throws ConnectorError `answer_invalid` for a list that does not come to rest: nothing may be made of what it does not hold
 */
export async function* walk(
  asking: Asking,
  list: List,
  exists: (id: string) => Promise<boolean>,
): AsyncIterable<readonly Json[]> {
  const seen = new Set<string>();
  let before: readonly string[] | null = null;
  for (let pass = 0; pass < MOST_WALKS; pass += 1) {
    const walked: Walk = yield* passOver(asking, list, seen);
    if (await isWhole(asking, list, walked)) return;
    if (before !== null && isSame(before, walked.ids)) return;
    if (walked.total !== null && (await countsUp(walked, seen, exists))) return;
    before = walked.ids;
  }
  throw invalidAnswer(`The list of ${list.path} kept changing while it was read, ${MOST_WALKS} times`);
}

async function* passOver(asking: Asking, list: List, seen: Set<string>): AsyncGenerator<readonly Json[], Walk> {
  const ids: string[] = [];
  const sizes: number[] = [];
  const totals = new Set<number | null>();
  let previous = "";
  let page = 1;
  for (; ; page += 1) {
    if (page > MOST_PAGES) throw invalidAnswer(`The list of ${list.path} has more than ${MOST_PAGES} pages`);
    const read = await pageAt(asking, list, page);
    const fresh = read.rows.filter(({ id }) => !seen.has(String(id)));
    const here = read.rows.map(({ id }) => String(id));
    // A list without pages answers every one of them with all that it has.
    const again = here.length > 0 && here.join("\n") === previous;
    if (again && read.more === null) break;
    if (again) throw invalidAnswer(`The list of ${list.path} gave the same page twice`);
    previous = here.join("\n");
    for (const id of here) seen.add(id);
    ids.push(...here);
    totals.add(read.total);
    if (here.length > 0) {
      sizes.push(here.length);
      yield fresh;
    }
    if (here.length === 0 || read.more === false) break;
  }
  const [total = null, ...others] = totals;
  const inner = sizes.slice(0, -1);
  return {
    ids,
    size: inner.every((size) => size === inner[0]) ? (inner[0] ?? 0) : null,
    pages: sizes.length,
    atOnce: page === 1,
    total: totals.has(null) ? null : ([...totals].at(-1) ?? null),
    steady: others.length === 0 && new Set(ids).size === ids.length && (total === null || total === ids.length),
  };
}

/** Where nothing says how many pages there are, the one behind the last may be refused. */
async function pageAt(asking: Asking, list: List, page: number): ReturnType<typeof readPage> {
  try {
    return await readPage(asking, list, { page, size: PAGE });
  } catch (error) {
    if (page === 1 || !(error instanceof ConnectorError) || error.status !== 404) throw error;
    return { rows: [], total: null, more: null };
  }
}

async function isWhole(asking: Asking, list: List, walked: Walk): Promise<boolean> {
  const { ids, size, pages, total, steady, atOnce } = walked;
  if (!steady) return false;
  if (atOnce || ids.length === 0) return true;
  if (total === null || size === null || size === 0) return false;
  const position = size * (pages - 1);
  const { rows } = await readPage(asking, list, { page: position, size: 1 });
  return rows.length === 1 && textIn(rows[0]?.id) === ids[position - 1];
}

/** Rows that only an earlier pass saw are there still, and with them there are as many as the list says. */
async function countsUp(
  { ids, total }: Walk,
  seen: ReadonlySet<string>,
  exists: (id: string) => Promise<boolean>,
): Promise<boolean> {
  const held = new Set(ids);
  const missed = [...seen].filter((id) => !held.has(id));
  if (missed.length > MOST_CONFIRMED || held.size + missed.length < (total ?? 0)) return false;
  let count = held.size;
  for (const id of missed) if (await exists(id)) count += 1;
  return count === total;
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((id, at) => id === right[at]);
}
