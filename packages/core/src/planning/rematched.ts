import { matchKey } from "../matching/key.ts";
import type { Change } from "../model/plan.ts";
import { isEmpty } from "../model/record.ts";

/**
 * Whether a change gives a record another value for one of these matching attributes. One that had none before gets its
 * first, and one that differs in case alone is found as before.
 */
export function isRematched(
  { before, after }: Pick<Change, "before" | "after">,
  attributes: readonly string[],
): boolean {
  if (before === null || after === null) return false;
  return attributes.some((name) => {
    const [from, to] = [before[name], after[name]];
    if (from === undefined || to === undefined || isEmpty(from)) return false;
    return matchKey(from, {}) !== matchKey(to, {});
  });
}
