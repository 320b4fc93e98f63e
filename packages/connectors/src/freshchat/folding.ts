import { matchKey, type TargetRecord } from "@entrain/core";
import { PAGE, readPage } from "./page.ts";
import { type Reader, wholeList } from "./reader.ts";
import { recordOf } from "./resource.ts";

/** Contacts without an address come first in accounts with a chat on their web pages: so many pages are looked through. */
const MOST_PAGES = 10;
const MOST_TRIED = 3;

/**
 * Whether the filter by address takes capital and small letters for the same; nobody says so. It is tried once with a contact
 * that is there: one that is found by its address and not by the same in other letters proves the contrary. Where there is none
 * to try, nothing is known, and nothing can be missed among the few that were looked at.
 */
export async function isFolding(
  reader: Reader,
  find: (reader: Reader, name: string, value: string) => Promise<readonly TargetRecord[]>,
): Promise<boolean> {
  const { memory } = reader;
  if (memory.folds !== null) return memory.folds;
  let tried = 0;
  for (let page = 1; page <= MOST_PAGES && tried < MOST_TRIED; page += 1) {
    const { rows, more } = await readPage(reader, wholeList(reader.kind), { page, size: PAGE });
    for (const row of rows) {
      const record = recordOf(reader.kind, row);
      const email = record?.attributes.email;
      if (record === null || typeof email !== "string" || tried === MOST_TRIED) continue;
      const other = otherLetters(email);
      if (other === email || memory.hasLeft(record.id)) continue;
      const isFound = async (value: string): Promise<boolean> =>
        (await find(reader, "email", value)).some(({ id }) => id === record.id);
      tried += 1;
      if (!(await isFound(email))) continue;
      memory.folds = await isFound(other);
      return memory.folds;
    }
    if (more === false || rows.length === 0) break;
  }
  return true;
}

/** The same address to whoever folds, and another one to whoever does not. */
function otherLetters(email: string): string {
  const upper = email.toUpperCase();
  const other = upper === email ? email.toLowerCase() : upper;
  return matchKey(other, {}) === matchKey(email, {}) ? other : email;
}
