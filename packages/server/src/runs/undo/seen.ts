import type { LinkRow } from "../../store/links.ts";
import type { PlanChangeRow } from "../../store/plans.ts";

/** Looks at the records of an undoing's changes once more, right before they are sent. */
export interface AsSeen {
  /** The changes whose records are not what the plan saw, by ordinal, with what was changed. */
  changedSince(
    rows: readonly PlanChangeRow[],
    links: ReadonlyMap<string, LinkRow>,
  ): Promise<ReadonlyMap<number, string>>;
  close(): void;
}
