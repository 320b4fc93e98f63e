import type { DirectoryRecord } from "../model/record.ts";

/**
 * What a rule is evaluated on. Time and chance are the caller's to give, and only where a record is created: a rule
 * that asked for them again would never come to rest.
 */
export interface EvaluationContext {
  readonly record: DirectoryRecord;
  readonly creation?: {
    /** Milliseconds UTC. */
    readonly now: number;
    readonly guid: () => string;
    /** A whole number from 0 to below `limit`. */
    readonly random: (limit: number) => number;
  };
  /** Whether the target, or an earlier change of the plan, holds a value of the attribute that is being mapped. */
  readonly isTaken?: (value: string) => boolean;
}
