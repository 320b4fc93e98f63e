import type {
  CompiledMapping,
  CompiledScope,
  EvaluationInput,
  SyncDefinition,
  SyncRules,
  Target,
  TargetKind,
} from "@entrain/core";
import type { LinkSpace } from "../store/links.ts";
import type { PlanRow } from "../store/plans.ts";
import type { Lease, Store } from "../store/store.ts";
import type { Span } from "./candidates.ts";
import type { Progress, SyncRow } from "./context.ts";
import type { Lookups } from "./lookups.ts";
import type { Protection } from "./protection.ts";
import type { ScopeGroups } from "./scope-groups.ts";

export type { NewChange, NewIssue } from "./plan-rows.ts";

/** Everything that planning one sync works with. */
export interface PlanContext {
  readonly store: Store;
  readonly sync: SyncRow;
  readonly definition: SyncDefinition;
  readonly target: Target;
  readonly kind: TargetKind;
  readonly space: LinkSpace;
  readonly scope: CompiledScope;
  readonly groups: ScopeGroups | null;
  readonly mapping: CompiledMapping;
  readonly rules: SyncRules;
  /** From whom nothing is taken away; `null` where no list names anybody. */
  readonly protection: Protection | null;
  /** Where attributes of the kind are of type `lookup`. */
  readonly lookups: Lookups | null;
  /** Time and chance for the creation of a record, by its object id. */
  readonly creationOf: (objectId: string) => EvaluationInput["creation"];
  readonly span: Span;
  readonly plan: PlanRow;
  /** False when the last read was incomplete: then nothing is removed, cleared or disabled. */
  readonly complete: boolean;
  /** The sync's own links are doubted, and however many records the target lost, they may be made anew: somebody said so. */
  readonly recreate: boolean;
  /** The sync's own links are doubted: each record is read anew, and no more may be gone than the removal guard lets go. */
  readonly verifies: boolean;
  readonly lease: Lease;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** What evaluating records works with. Without a lease nothing is written, and the target is asked for each record. */
export type BatchContext = Omit<PlanContext, "lease" | "plan" | "onProgress"> & {
  readonly lease: Lease | null;
  /** Whose index of matching values is looked into. */
  readonly plan: Pick<PlanRow, "id">;
};

/** A matching value that an unlinked record wants, for finding two that want the same. */
export interface WantedKey {
  readonly objectId: string;
  readonly key: string;
}
