import { inWords, plainAttribute } from "../model/wording.ts";
import type { Difference } from "./difference.ts";

const SAID = 3;

/** Differences in words: `department: Sales → Legal; title: empty → Buyer; and 2 more attributes`. */
export function inReason(differences: readonly Difference[], nameOf?: (objectId: string) => string | null): string {
  const said = differences
    .slice(0, SAID)
    .map(({ name, from, to }) => `${plainAttribute(name)}: ${inWords(from, nameOf)} → ${inWords(to, nameOf)}`);
  const more = differences.length - SAID;
  if (more > 0) said.push(more === 1 ? "and 1 more attribute" : `and ${more} more attributes`);
  return said.join("; ");
}

/** Clauses of a reason that are not empty, the first letter of the whole in capital. */
export function sentence(...clauses: readonly string[]): string {
  const text = clauses.filter((clause) => clause !== "").join("; ");
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
