import { matchKey, type TargetRecord } from "@entrain/core";
import type { Roster } from "./memory.ts";
import { PAGE, readPage } from "./page.ts";
import { type Reader, wholeList } from "./reader.ts";
import { recordOf } from "./resource.ts";

/** Contacts without an address come first in accounts with a chat on their web pages: so many pages are looked through by themselves. */
const MOST_PAGES = 10;
const MOST_TRIED = 3;

/** How contacts are looked for. */
interface Looks {
  readonly find: (reader: Reader, name: string, value: string) => Promise<readonly TargetRecord[]>;
  /** The whole list, read lately or now. */
  readonly roster: (reader: Reader) => Promise<Roster>;
}

/**
 * Whether the filter by address can be relied on to find it in capital and small letters alike; nobody says so. It is tried once
 * with a contact that is there: one that is found by its address and not by the same in other letters proves the contrary. Where
 * the list was read to its end and nobody in it has an address to try, none can be missed; where some have, and none of those that
 * were tried is found at all, as right behind their creation, the filter is not relied on, and they are tried again next time.
 */
export async function isFolding(reader: Reader, { find, roster }: Looks): Promise<boolean> {
  const { memory } = reader;
  if (memory.folds !== null) return memory.folds;
  const tried = new Set<string>();
  for await (const { id, attributes } of contacts(reader, roster)) {
    const { email } = attributes;
    if (typeof email !== "string" || otherLetters(email) === email || memory.hasLeft(id) || tried.has(id)) continue;
    if (tried.size === MOST_TRIED) return false;
    const isFound = async (value: string): Promise<boolean> =>
      (await find(reader, "email", value)).some((record) => record.id === id);
    tried.add(id);
    if (!(await isFound(email))) continue;
    memory.folds = await isFound(otherLetters(email));
    return memory.folds;
  }
  return tried.size === 0;
}

/** All contacts: those on the first pages, and where they are not all of them, the whole list, of which some come once more. */
async function* contacts(reader: Reader, roster: Looks["roster"]): AsyncIterable<TargetRecord> {
  if (reader.memory.roster === null) {
    for (let page = 1; page <= MOST_PAGES; page += 1) {
      const { rows, more } = await readPage(reader, wholeList(reader.kind), { page, size: PAGE });
      yield* rows.map((row) => recordOf(reader.kind, row)).filter((record) => record !== null);
      if (more === false || rows.length === 0) return;
    }
  }
  for (const records of (await roster(reader)).byKey.values()) yield* records;
}

/** The same address to whoever folds, and another one to whoever does not. */
function otherLetters(email: string): string {
  const upper = email.toUpperCase();
  const other = upper === email ? email.toLowerCase() : upper;
  return matchKey(other, {}) === matchKey(email, {}) ? other : email;
}
