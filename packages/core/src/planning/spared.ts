import type { Finding } from "../model/plan.ts";
import { type DirectoryRecord, isEmpty } from "../model/record.ts";
import { nameOf } from "../model/wording.ts";
import type { Difference } from "./difference.ts";
import type { EvaluationInput } from "./evaluation.ts";

/** What is said of a protected record in place of a change that would take something away from it. */
export function protectedFinding(record: DirectoryRecord, what: string, by: string): Finding {
  return { code: "protected", detail: `${what}, but is protected by ${by}`, objectId: record.id, name: nameOf(record) };
}

/** Differences without those that would clear a protected record's values, and what is said of these. */
export function sparing<One extends Pick<Difference, "name" | "from" | "to">>(
  { protectedBy }: Pick<EvaluationInput, "protectedBy">,
  record: DirectoryRecord,
  differences: readonly One[],
): { readonly differences: readonly One[]; readonly issues: readonly Finding[] } {
  if (protectedBy == null) return { differences, issues: [] };
  const isCleared = ({ from, to }: One): boolean => isEmpty(to) && !isEmpty(from);
  const cleared = differences.filter(isCleared);
  if (cleared.length === 0) return { differences, issues: [] };
  const names = cleared.map(({ name }) => name).join(", ");
  return {
    differences: differences.filter((one) => !isCleared(one)),
    issues: [protectedFinding(record, `would have ${names} cleared`, protectedBy)],
  };
}
