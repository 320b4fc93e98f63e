import type { Outcome } from "@entrain/core";
import type { Prepared } from "./prepare.ts";

/** One change of a batch with what became of it. */
export interface Settled {
  readonly change: Prepared;
  readonly outcome: Outcome;
  /** The target says that the linked record is gone: so is the link, and the record is planned as if it never had one. */
  readonly gone: boolean;
}

/** Their object ids, in their order. */
export function idsIn(settled: readonly Settled[]): readonly string[] {
  return settled.map(({ change }) => change.row.object_id);
}

/** The target holds what was asked for. */
export function isWritten(outcome: Outcome): boolean {
  return outcome.status === "applied" || outcome.status === "unchanged";
}
