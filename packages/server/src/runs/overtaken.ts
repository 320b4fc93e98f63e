import { type Finding, grouped, isRematched, matchedAttribute } from "@entrain/core";
import { appendJournal } from "../store/journal.ts";
import {
  changesPage,
  holdsOf,
  type PlanChangeRow,
  type PlanKey,
  type PlanRow,
  plansIn,
  updatePlan,
} from "../store/plans.ts";
import type { Lease, Store } from "../store/store.ts";
import { isLookup } from "./apply-lookups.ts";
import { streamOf } from "./applying.ts";
import { reviewHeld } from "./begin.ts";
import type { Actor, SyncRow } from "./context.ts";
import { type GuardContext, type Guarded, guardHolds, isFirstRun } from "./guard.ts";
import { type PrepareContext, type Prepared, prepareBatch } from "./prepare.ts";
import { changeOf } from "./seal.ts";
import { isSpared } from "./spared.ts";
import { tellDecided } from "./tell-plans.ts";

const PAGE = 200;

/** What looking at a plan again works with: how to prepare its changes, as they would be prepared for sending. */
export interface ReviewContext {
  readonly store: Store;
  readonly sync: SyncRow;
  readonly lease: Lease;
  readonly sceneOf: (plan: PlanRow) => PrepareContext;
}

/** What is held of a preview that is applied now, and which of its removals nothing is left of. */
export interface Verdict {
  readonly holds: readonly Finding[];
  /** Ordinals of removals that are done or stale: the guard does not count them, and they do not wait for approval. */
  readonly settled: readonly number[];
}

/** A plan's changes that are not applied yet, prepared as for sending, page by page in the order of application. */
async function* prepared(
  context: ReviewContext,
  plan: PlanRow,
  which: (row: PlanChangeRow) => boolean = (row) => !isLookup(row),
): AsyncGenerator<readonly Prepared[]> {
  let after: PlanKey | null = null;
  for (;;) {
    const rows: readonly PlanChangeRow[] = await changesPage(context.store.db, plan.id, {
      after,
      limit: PAGE,
      states: ["planned"],
    });
    const last = rows.at(-1);
    if (!last) return;
    after = { phase: last.phase, rank: last.rank, ordinal: last.ordinal };
    yield await prepareBatch(context.sceneOf(plan), rows.filter(which));
  }
}

/** Of a plan's changes: how many are done, how many stale, and how many a list keeps from being made by now. */
interface SettledCounts {
  readonly done: number;
  readonly stale: number;
  readonly spared: number;
}

/** What became of a plan's changes; null as soon as one still stands. */
export async function settledCounts(context: ReviewContext, plan: PlanRow): Promise<SettledCounts | null> {
  let [done, stale, spared] = [0, 0, 0];
  for await (const page of prepared(context, plan)) {
    for (const change of page) {
      if (change.send !== null || change.untold) return null;
      if (change.done) done += 1;
      else if (isSpared(change.stale)) spared += 1;
      else stale += 1;
    }
  }
  return { done, stale, spared };
}

/**
 * Closes the held plans of which nothing is left to decide: every change was done meanwhile, or its record is not what
 * the plan saw. The records are planned anew by whatever plans next. Journalled as `superseded`, with the reason.
 */
export async function closeSettledHolds(
  context: ReviewContext,
  by: { readonly actor: Actor; readonly run: string | null },
): Promise<void> {
  const { store, sync, lease } = context;
  for (const plan of await plansIn(store.db, sync.id, ["held"])) {
    const counts = await settledCounts(context, plan);
    if (counts === null) continue;
    const reason =
      `Nothing of it is left to approve: ${grouped(counts.done)} changes were done meanwhile, and the records of ` +
      `${grouped(counts.stale)} changed after it was made; those are planned anew.${sparedInWords(counts)}`;
    await store.fenced(lease, async (tx) => {
      await updatePlan(tx, plan.id, { state: "superseded", finished_at: store.clock.now() });
      const entry = { ...by, type: "superseded", plan: plan.id, reason, detail: plan.digest };
      await appendJournal(tx, store, streamOf(sync), [entry]);
      await tellDecided(tx, store, { plan, decision: "superseded", actor: by.actor });
      await reviewHeld({ store, sync }, tx, plan.id);
    });
  }
}

function sparedInWords({ spared }: SettledCounts): string {
  if (spared === 0) return "";
  return spared === 1 ? " 1 record is protected by now." : ` ${grouped(spared)} records are protected by now.`;
}

const CREATING = ["create", "join"];
const UPDATING = ["update", "enable"];

function isGuarded({ action, hold, remove }: PlanChangeRow, isFirst: boolean): boolean {
  const loosely = !isFirst && [...CREATING, ...UPDATING].includes(action);
  return loosely || hold !== null || remove !== null || action === "disable" || action === "delete";
}

/**
 * Judges the guard of a preview again, now that it is applied: its windows may have filled since. What the preview
 * showed as held stays held, whatever the windows say by now.
 */
export async function judgeAgain(
  context: ReviewContext & { readonly guard: GuardContext },
  plan: PlanRow,
): Promise<Verdict> {
  const guarded: { -readonly [key in keyof Guarded]: number } = {
    ...{ removals: 0, members: 0, creations: 0, updates: 0, matching: 0 },
    heldAnyway: 0,
  };
  const settled: number[] = [];
  const names = context.guard.definition.matching.map(matchedAttribute);
  const isFirst = await isFirstRun(context.guard);
  for await (const page of prepared(context, plan, (row) => isGuarded(row, isFirst))) {
    for (const { row, send, untold, remove } of page) {
      if (send === null && !untold) settled.push(row.ordinal);
      else if (row.hold !== null) guarded.heldAnyway += 1;
      else if (row.action === "members") guarded.members += remove.length;
      else if (CREATING.includes(row.action)) guarded.creations += 1;
      else if (UPDATING.includes(row.action)) {
        guarded.updates += 1;
        guarded.matching += Number(isRematched(changeOf(row), names));
      } else guarded.removals += 1;
    }
  }
  const now = await guardHolds(context.guard, guarded);
  const shown = holdsOf(plan).filter(({ code }) => !now.some((hold) => hold.code === code));
  return { holds: [...now, ...shown], settled };
}
