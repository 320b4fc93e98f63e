import type { Json } from "./json.ts";
import { type Asking, invalidAnswer, type List } from "./page.ts";
import { isSame, overlapping, plain, type Walk } from "./pass.ts";

const MOST_PASSES = 6;

/**
 * Yields every row of a list, each once. Pages are cut from what there is at the moment, so a row that goes, or comes in front,
 * shifts those behind it past the reader, or gives them twice. A pass over the pages counts only when it can have missed
 * nothing: each page began with what the one before ended with, and there are as many rows as the list says. Otherwise the list
 * is read again, and only what is new is yielded, until a pass counts, or saw the same as the one before.
 * @throws ConnectorError `answer_invalid` for a list that does not come to rest: nothing may be made of what it does not hold
 */
export async function* walk(asking: Asking, list: List): AsyncIterable<readonly Json[]> {
  const seen = new Set<string>();
  let before: readonly string[] | null = null;
  let pass = overlapping;
  for (let passes = 0; passes < MOST_PASSES; passes += 1) {
    const walked: Walk = yield* pass(asking, list, seen);
    if (walked.otherSize) {
      pass = plain;
      continue;
    }
    if (walked.isWhole) return;
    if (before !== null && isSame(before, walked.ids)) return;
    before = walked.ids;
  }
  throw invalidAnswer(`The list of ${list.path} kept changing while it was read, ${MOST_PASSES} times`);
}
