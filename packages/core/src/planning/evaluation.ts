import type { EvaluationContext } from "../expression/context.ts";
import type { CompiledMapping, Mapped } from "../mapping/mapping.ts";
import type { CompiledMatching, MatchValue } from "../matching/matching.ts";
import type { Cause, Change, Finding, KnownLink, LinkOrigin } from "../model/plan.ts";
import type { DirectoryRecord } from "../model/record.ts";
import type { Deprovision, Operations } from "../model/sync.ts";
import type { TargetKind } from "../model/target.ts";
import type { Attributes } from "../model/value.ts";
import type { ScopeDecision } from "../scope/decision.ts";

/** What a sync says of every record, compiled once per run. */
export interface SyncRules {
  readonly kind: TargetKind;
  readonly mapping: CompiledMapping;
  readonly matching: CompiledMatching;
  /** Of the mapping, what is written to records that other syncs own; `null`: nothing, such records are left alone. */
  readonly shares: CompiledMapping | null;
  readonly operations: Operations;
  readonly deprovision: Deprovision;
}

/**
 * Whether a referenced record can be pointed to: `linked` it can, `planned` this plan creates or joins it before the
 * change at hand is sent, `no` it cannot yet. A record that this plan deletes is best answered with `no`.
 */
export type Linked = "linked" | "planned" | "no";

/** One source record and all that is known of it. */
export interface EvaluationInput {
  readonly objectId: string;
  /** `null`: the directory holds no such record, not even a tombstone. */
  readonly record: DirectoryRecord | null;
  /** Not looked at for a record that is removed or unknown. */
  readonly scope: ScopeDecision;
  readonly link: KnownLink | null;
  /** False when the last read failed, ended early or lost a permission: then nothing is removed, cleared or disabled. */
  readonly readComplete: boolean;
  /** Asked for each kind of record that a reference may point to, in their order; the first that is not `no` is taken. */
  readonly isLinked: (objectId: string, kind: string) => Linked;
  /** Names for reasons; `null` where none is known. */
  readonly nameOf?: (objectId: string) => string | null;
  /** The record that it was linked to was deleted in the target. The link is gone; reasons say so. */
  readonly deletedInTarget?: boolean;
  /** The target refused the record's last change: whoever is to be disabled is disabled, without anything that it might refuse. */
  readonly refused?: boolean;
  /** In milliseconds UTC. Without it nothing is deleted for having waited long enough. */
  readonly now?: number | undefined;
  readonly creation?: EvaluationContext["creation"];
  /** Which list protects the record, in words: nothing is taken away from it. `null`: none does. */
  readonly protectedBy?: string | null;
  /** Who keeps a group from being deleted, in words: a protected member, whose membership would go with it. `null`: nobody does. */
  readonly keptBy?: string | null;
}

/** Nothing to do now. What it waits for must be evaluated with it once that is linked. */
export interface NoChange {
  readonly type: "none";
  readonly waitsFor: readonly string[];
  readonly leaving?: Leaving;
}

/** The record begins to wait for its deletion, or does so no more. A change that disables or enables it says so by itself. */
export type Leaving = "begins" | "ends";

/** No link yet: matching must decide, and `evaluateMatched` goes on from here. */
export interface NeedsMatch {
  readonly type: "match";
  readonly record: DirectoryRecord;
  readonly mapped: Mapped;
  /** In order of precedence, at least one. */
  readonly values: readonly MatchValue[];
}

/** One change for the plan. */
export interface PlannedChange {
  readonly type: "change";
  readonly change: Change;
  /** Object ids whose records must exist before a reference that was left out can be written. */
  readonly waitsFor: readonly string[];
  /** Object ids that `after` refers to and that were answered as `planned`: they must be sent in an earlier batch. */
  readonly refersTo: readonly string[];
  /** Attributes that an incomplete read keeps from being cleared or defaulted: evaluate the record again. */
  readonly suppressed: readonly string[];
  /** Why this change waits for approval whatever the guard says; `null`: it does not. */
  readonly hold: Finding | null;
  /** What is wrong beside the change: a leaver is disabled although an attribute cannot be mapped. */
  readonly issues: readonly Finding[];
  readonly leaving?: Leaving;
}

/** The record cannot be planned until someone mends it. */
export interface Issue {
  readonly type: "issue";
  readonly finding: Finding;
}

/** The read was incomplete, and what it says would remove or clear something: evaluate the record again. */
export interface Suppressed {
  readonly type: "suppressed";
  readonly cause: Cause;
  readonly detail: string;
}

export type Evaluation = NoChange | NeedsMatch | PlannedChange | Issue | Suppressed;

/** Nothing to do and nothing to wait for. */
export const NONE: NoChange = { type: "none", waitsFor: [] };

/** What {@link Change} holds where an action does not say otherwise. */
export function changeOf(
  rules: Pick<SyncRules, "kind">,
  who: { readonly objectId: string; readonly name: string },
  change: Pick<Change, "action" | "cause" | "reason"> & Partial<Change>,
): Change {
  const none = { recordId: null, before: null, after: null, active: null, add: [], remove: [] };
  return { kind: rules.kind.name, objectId: who.objectId, name: who.name, ...none, ...change };
}

/** How the link comes about that a creation or a join makes. */
export function originOf({ action, cause }: Pick<Change, "action" | "cause">): LinkOrigin {
  return cause === "shared" ? "shared" : action === "join" ? "joined" : "created";
}

/**
 * The link as it stands after a change was applied; `null` when there is none any more. `known` is the change's
 * `after` and nothing else: that is what the next evaluation compares with.
 */
export function linkAfter(link: KnownLink | null, change: Change, recordId: string): KnownLink | null {
  if (change.action === "delete") return null;
  if (change.action === "members") return link;
  const known: Attributes = change.after ?? link?.known ?? {};
  if (link !== null) return { ...link, known, active: change.active ?? link.active };
  return { recordId, origin: originOf(change), owned: true, known, active: true };
}
