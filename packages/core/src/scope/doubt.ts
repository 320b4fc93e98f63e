import type { DirectoryRecord } from "../model/record.ts";
import { plain } from "../model/wording.ts";
import type { Decide } from "./decision.ts";
import type { NamedClause } from "./named.ts";

/** What is not known of some records, and how they would be decided if it were the right thing. */
export interface Doubt {
  readonly concerns: (record: DirectoryRecord) => boolean;
  readonly whoever: Decide;
  readonly reason: string;
}

/** Who would be in, were it not for what is not known of them, is out only as far as is known. */
export function asFarAsKnown(decide: Decide, doubts: readonly Doubt[]): Decide {
  if (doubts.length === 0) return decide;
  return (record, belongsTo, isAssigned) => {
    const decision = decide(record, belongsTo, isAssigned);
    if (decision.in) return decision;
    const doubt = doubts.find(({ concerns, whoever }) => concerns(record) && whoever(record, belongsTo, isAssigned).in);
    return doubt === undefined ? decision : { in: false, reason: doubt.reason, untold: true };
  };
}

/**
 * Of a manager whom the directory does not hold, nothing is known: Graph may tell of a new manager later than of those who
 * report to them, and of some, such as contacts, it is never asked.
 */
export function ofManagers(asking: readonly NamedClause[]): Omit<Doubt, "whoever"> {
  const names = [...new Set(asking.map(({ written }) => plain(written)))].join(" and ");
  return {
    concerns: ({ manager, managerAttributes }) => manager !== null && managerAttributes === undefined,
    reason: `the directory does not hold the manager, so ${names} cannot be told`,
  };
}

/** Of a licence that the tenant is not known to have, nobody knows which one was meant. */
export function ofLicences(unknown: readonly string[]): Omit<Doubt, "whoever"> {
  const names = unknown.map(plain).join(" and ");
  return {
    concerns: () => true,
    reason: `the tenant is not known to have the licence ${names}, so who has it cannot be told`,
  };
}

/** Both at once. */
export function ofBoth(one: Omit<Doubt, "whoever">, other: Omit<Doubt, "whoever">): Omit<Doubt, "whoever"> {
  return {
    concerns: (record) => one.concerns(record) && other.concerns(record),
    reason: `${one.reason}; ${other.reason}`,
  };
}
