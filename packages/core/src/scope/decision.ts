import type { DirectoryRecord } from "../model/record.ts";
import type { GroupList } from "../model/sync.ts";

/** In or out, and why, in words that a sentence can end with: `department is Legal, not Sales`. */
export interface ScopeDecision {
  readonly in: boolean;
  readonly reason: string;
  /** Out only as far as is known: with what the directory does not hold yet, the record might be in. Nobody leaves by this. */
  readonly untold?: true;
}

/**
 * Tells whether the record at hand belongs to a group of one of the scope's lists, named as the scope names it. The caller
 * resolved the names before and knows the record's groups, nested ones too where the list is transitive. A group of the scope
 * itself belongs to itself.
 */
export type BelongsTo = (group: string, list: GroupList) => boolean;

/** Tells whether the record at hand is assigned to the scope's application, itself or through a group. */
export type IsAssigned = () => boolean;

/** A scope, ready to be asked of many records. */
export interface CompiledScope {
  /** `isAssigned` must be given where the scope names an application, `managerAttributes` of the record where it reads managers. */
  readonly decide: (record: DirectoryRecord, belongsTo: BelongsTo, isAssigned?: IsAssigned) => ScopeDecision;
  /** The source attributes that it reads, without what lies inside them: they must be part of what is read. */
  readonly attributes: readonly string[];
  /** Every name by which a reason may call one of them, for a scope may have Entra's: `mobilePhone` and `mobile`. */
  readonly namesOf: (attribute: string) => readonly string[];
  /** A change of a manager's record may let those who report to them in or out. */
  readonly readsManagers: boolean;
  /**
   * `null`: no clause counts days from `today`. Else which records a clause may have let in or out between two times in milliseconds
   * with nothing but the day to tell it by; `null` of two times of one day (UTC).
   */
  readonly movedBetween: ((from: number, to: number) => ((record: DirectoryRecord) => boolean) | null) | null;
}

/** How a record is decided. */
export type Decide = CompiledScope["decide"];
