import type { ConnectorError, Counts, Outcome, Target, TargetKind } from "@entrain/core";
import type { Transaction } from "kysely";
import { appendJournal, type JournalEntry } from "../store/journal.ts";
import type { LinkSpace } from "../store/links.ts";
import { countChange, NO_COUNTS, type PlanChangeRow, type PlanRow } from "../store/plans.ts";
import type { DB } from "../store/schema.ts";
import type { Lease, Store } from "../store/store.ts";
import type { Actor, Progress, SyncRow } from "./context.ts";
import type { LookupIds } from "./lookup-records.ts";
import type { PrepareContext } from "./prepare.ts";
import type { Reveal } from "./reveal.ts";
import type { ScopeNow } from "./scope-now.ts";
import type { Choosing } from "./still-free.ts";
import type { StillWanted } from "./still-wanted.ts";
import type { AsSeen } from "./undo/seen.ts";
import type { Unheard } from "./unheard.ts";

/** What an apply works with: one sealed plan of one sync, under the sync's lease. */
export interface ApplyContext {
  readonly store: Store;
  readonly sync: SyncRow;
  readonly plan: PlanRow;
  /** The run that began the plan: with a change's ordinal it names the intent, also when another run resumes it. */
  readonly run: string;
  /** The run whose counts this work adds to. */
  readonly reportTo: string;
  /** Target attributes that find a record, in order of precedence. */
  readonly matching: readonly string[];
  readonly actor: Actor;
  readonly target: Target;
  readonly kind: TargetKind;
  readonly space: LinkSpace;
  readonly scopeNow: ScopeNow | null;
  readonly stillWanted: StillWanted;
  /** Why what is left of the plan is not to be sent: it is closed as a conflict, and planned anew. Null: it is sent. */
  readonly withdrawn: string | null;
  readonly reveal: Reveal;
  readonly lookupIds: LookupIds;
  /** Of an undoing: looks at its records in the target once more before they are written. */
  readonly asSeen: AsSeen | null;
  /** The rules that choose a value for a creation. */
  readonly choosing: readonly Choosing[];
  /**
   * Does work when a read of the directory has ended and no other can begin; null where nobody asked for this very plan:
   * what cannot be told then is planned anew by the next run.
   */
  readonly behindRead: (<T>(work: () => Promise<T>) => Promise<T>) | null;
  /** What was said of changes that are sent once more. */
  readonly unheard: Unheard;
  /** However many records the target lost, they may be made anew: somebody said so. */
  readonly recreate: boolean;
  readonly lease: Lease;
  /** Stops between two batches: whatever was begun is sent, heard and written down. */
  readonly stopping: AbortSignal;
  /** Stops at once; what was under way is looked up by the next run. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** A target whose records live in the store: intents, changes and outcomes commit in one transaction. */
export interface TransactionalTarget extends Target {
  applyIn(tx: Transaction<DB>, changes: Parameters<Target["apply"]>[0]): Promise<readonly Outcome[]>;
}

/** What an apply did. */
export interface Tally {
  readonly counts: Counts;
  readonly failed: number;
  readonly unchanged: number;
  /** Changes that were skipped, for their record was not what the plan saw. */
  readonly conflicts: number;
  /** Records whose references could not be written yet. */
  readonly waiting: number;
}

export const NO_TALLY: Tally = { counts: NO_COUNTS, failed: 0, unchanged: 0, conflicts: 0, waiting: 0 };

/** The code of a join's intent that enables the record: before and after tell attributes alone. */
export const ACTIVATED = "enabled";
/** The code of a deletion's intent whose record is disabled: so it is made again when the deletion is undone. */
export const DISABLED = "disabled";

/** The journal stream of a sync. */
export function streamOf(sync: Pick<SyncRow, "id">): string {
  return `sync:${sync.id}`;
}

/** What every journal entry of an apply says. */
export function entryBase(context: ApplyContext): Pick<JournalEntry, "actor" | "run" | "plan" | "target"> {
  return { actor: context.actor, run: context.run, plan: context.plan.id, target: context.sync.target };
}

/** What preparing a batch of the plan works with. */
export function sceneOf(context: ApplyContext): PrepareContext {
  const { store, space, sync, kind, plan, scopeNow, stillWanted, withdrawn, reveal, lookupIds, asSeen } = context;
  const { id, connection } = sync;
  const isReconfigured = plan.revision !== sync.revision;
  const asked = { scopeNow, stillWanted, isReconfigured, withdrawn, asSeen, forgets: null };
  return { store, space, sync: id, connection, kind, upto: plan.upto, ...asked, reveal, lookupIds };
}

/** Of intents that were committed and whose change was never sent. */
type Unsent = Pick<JournalEntry, "kind" | "action" | "objectId" | "recordId"> & { readonly ordinal: number };

/** Gives intents of which nothing was sent that as their outcome, with the reason. */
export async function closeUnsent(
  context: ApplyContext,
  unsent: readonly Unsent[],
  { code, message }: ConnectorError,
): Promise<void> {
  await context.store.fenced(context.lease, async (tx) => {
    const common = { ...entryBase(context), type: "outcome", status: "not_sent", code, detail: message };
    const entries = unsent.map((one) => ({ ...common, ...one }));
    await appendJournal(tx, context.store, streamOf(context.sync), entries);
    await closeIntents(
      context,
      tx,
      unsent.map(({ ordinal }) => ordinal),
    );
  });
}

/** Takes intents that have an outcome off the list of open ones. */
export async function closeIntents(
  context: ApplyContext,
  tx: Transaction<DB>,
  ordinals: readonly number[],
): Promise<void> {
  for (let at = 0; at < ordinals.length; at += 500) {
    await tx
      .deleteFrom("open_intents")
      .where("plan", "=", context.plan.id)
      .where("ordinal", "in", ordinals.slice(at, at + 500))
      .execute();
  }
}

/** Puts intents on the list of open ones, in the transaction that journals them. */
export async function openIntents(
  context: ApplyContext,
  tx: Transaction<DB>,
  rows: readonly PlanChangeRow[],
): Promise<void> {
  const at = context.store.clock.now();
  const columns = [
    { name: "run", type: "text" },
    { name: "ordinal", type: "int8" },
    { name: "plan", type: "text" },
    { name: "sync", type: "text" },
    { name: "target", type: "text" },
    { name: "at", type: "int8" },
  ] as const;
  const { run, plan, sync } = context;
  const values = rows.map(({ ordinal }) => [run, ordinal, plan.id, sync.id, sync.target, at]);
  await context.store.insertMany(tx, { table: "open_intents", columns }, values);
}

/** Adds one applied change to a tally. */
export function tallied(tally: Tally, row: PlanChangeRow): Tally {
  return { ...tally, counts: countChange(tally.counts, row) };
}
