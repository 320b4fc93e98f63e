import { type Attributes, ConnectorError, type Outcome, type Target, type TargetChange } from "@entrain/core";
import type { Transaction } from "kysely";
import { appendJournal } from "../store/journal.ts";
import { holdFast } from "../store/leases.ts";
import { changesPage, markChanges, type PlanChangeRow, type PlanKey } from "../store/plans.ts";
import { saveRun } from "../store/runs.ts";
import type { DB } from "../store/schema.ts";
import { applyLookups, isLookup, settleLookups } from "./apply-lookups.ts";
import {
  ACTIVATED,
  type ApplyContext,
  closeUnsent,
  DISABLED,
  entryBase,
  NO_TALLY,
  openIntents,
  sceneOf,
  streamOf,
  type Tally,
  type TransactionalTarget,
} from "./applying.ts";
import { afterFaults, carriesNothingOut, heedAnswers, heedEffect, heedUnsent, isHeard } from "./failures/breaker.ts";
import { onlyNamed } from "./gone-members.ts";
import { resolveOpenIntents } from "./intents.ts";
import { judgeMissing } from "./missing.ts";
import { recordOutcomes } from "./outcomes.ts";
import { type Part, partsOf } from "./parts.ts";
import { type Prepared, prepareBatch } from "./prepare.ts";
import { type Claim, claimsOf, takenSince, withoutClaimed } from "./still-free.ts";
import { LEFT, progressOf, sum, type Whole, wholeOf } from "./whole.ts";

/** A change without an answer is tried this many times in one run. */
const PASSES = 3;

/**
 * Applies exactly the plan: batch by batch the intents are committed, the target is called, the outcomes are committed.
 * Stops between batches when the signal aborts; what is left stays planned and is resumed by the next run.
 */
export async function applyPlan(context: ApplyContext): Promise<Tally> {
  const whole = await wholeOf(context.store, context.plan);
  context.onProgress(progressOf(NO_TALLY, whole));
  let tally = await resolveOpenIntents(context, NO_TALLY);
  for (let pass = 0; pass < PASSES; pass += 1) {
    tally = await applyRows(context, { whole, patient: pass + 1 < PASSES }, tally);
    if (!(await hasUnheard(context))) return tally;
  }
  return await giveUp(context, whole, tally);
}

/** Whether there are changes whose answer was not heard and that are sent once more. */
async function hasUnheard({ store, plan }: ApplyContext): Promise<boolean> {
  return (await changesPage(store.db, plan.id, { after: null, limit: 1, states: ["again"] })).length > 0;
}

/**
 * One pass over what is not applied yet. A `patient` pass ends before a phase that needs records whose creation is to
 * be sent once more: memberships of a group that is not there yet would only be in conflict.
 */
async function applyRows(
  context: ApplyContext,
  of: { readonly whole: Whole; readonly patient: boolean },
  start: Tally,
): Promise<Tally> {
  const { store, plan, stopping } = context;
  let tally = start;
  let after: PlanKey | null = null;
  for (;;) {
    stopping.throwIfAborted();
    const page: readonly PlanChangeRow[] = await changesPage(store.db, plan.id, {
      after,
      limit: context.target.batch,
      states: LEFT,
    });
    const batch = sameRank(page);
    const last = batch.at(-1);
    if (!last) return tally;
    if (of.patient && after !== null && last.phase > after.phase && (await hasUnheard(context))) return tally;
    after = { phase: last.phase, rank: last.rank, ordinal: last.ordinal };
    tally = await applyBatch(context, batch, tally, of.whole);
    context.onProgress(progressOf(tally, of.whole));
  }
}

/** Changes whose answer was never heard and whose effect never showed: they fail, and are tried again later. */
async function giveUp(context: ApplyContext, whole: Whole, tally: Tally): Promise<Tally> {
  const { store, plan, lease } = context;
  const rows = await changesPage(store.db, plan.id, { after: null, limit: context.target.batch, states: ["again"] });
  if (rows.length === 0) return tally;
  const values = rows.filter(isLookup);
  if (values.length > 0) {
    const outcomes = values.map(({ ordinal }) => context.unheard.givenUp(ordinal));
    const told = await store.fenced(lease, (tx) => settleLookups(context, tx, { rows: values, outcomes, tally }));
    return await giveUp(context, whole, told);
  }
  const prepared = await prepareBatch(sceneOf(context), rows, { checkStale: false });
  const outcomes = prepared.map(({ row }) => context.unheard.givenUp(row.ordinal));
  const parts = await partsOf(context, prepared, outcomes);
  const next = await store.fenced(lease, async (tx) => {
    await markChanges(
      tx,
      plan.id,
      "planned",
      rows.map((row) => row.ordinal),
    );
    return await settle(context, tx, { prepared, outcomes, tally, whole, parts });
  });
  return await giveUp(context, whole, next);
}

/** What cannot be told while another sync reads is told behind that read: an approval is not used up by it. */
async function judged(context: ApplyContext, batch: readonly PlanChangeRow[]): Promise<readonly Prepared[]> {
  const prepare = (): Promise<readonly Prepared[]> => prepareBatch(sceneOf(context), batch);
  const prepared = await prepare();
  if (context.behindRead === null || !prepared.some(({ untold }) => untold)) return prepared;
  return await context.behindRead(prepare);
}

/** References within a batch must be resolvable, so a batch never reaches into the next phase or rank. */
function sameRank(page: readonly PlanChangeRow[]): readonly PlanChangeRow[] {
  const first = page[0];
  if (!first) return page;
  const end = page.findIndex((row) => row.phase !== first.phase || row.rank !== first.rank);
  return end === -1 ? page : page.slice(0, end);
}

async function applyBatch(
  context: ApplyContext,
  batch: readonly PlanChangeRow[],
  tally: Tally,
  whole: Whole,
): Promise<Tally> {
  const { store, target, lease } = context;
  if (batch.every(isLookup)) {
    if (isOutdated(context)) return await dropLookups(context, batch, tally);
    return await resolveOpenIntents(context, await applyLookups(context, batch, tally));
  }
  const prepared = await onlyNamed(context, await judged(context, batch));
  const claims = claimsOf(context.choosing, prepared);
  // Who chose a value asks the target once more behind the intents; that is no part of one transaction.
  if (isTransactional(target) && claims.length === 0)
    return await applyAtOnce(context, target, { prepared, tally, whole });
  const of = { target: context.sync.target, kind: context.kind, sync: context.sync.id };
  const begun = await store.fenced(lease, async (tx) => {
    const free = await withoutClaimed(tx, of, { prepared, claims });
    const sendable = free.filter((change) => change.send !== null);
    await journalIntents(context, tx, sendable);
    await openIntents(
      context,
      tx,
      sendable.map(({ row }) => row),
    );
    return free;
  });
  const sendable = begun.filter((change) => change.send !== null);
  const answered = await sent(context, sendable, claims);
  const outcomes = await judgeMissing(context, sendable, answered);
  context.unheard.note(
    sendable.map(({ row }) => row.ordinal),
    outcomes,
  );
  const parts = await partsOf(context, begun, outcomes);
  let faults = 0;
  const settled = await store.fenced(lease, async (tx) => {
    // What is sent once more was counted when it was sent first.
    const fresh = outcomes.filter((outcome, at) => isHeard(outcome) || sendable[at]?.row.state !== "again");
    faults = await heedAnswers(tx, store, { target: context.sync.target, outcomes: fresh });
    return await settle(context, tx, { prepared: begun, outcomes, tally, whole, parts });
  });
  const next = outcomes.some((outcome) => outcome.status === "unknown" || outcome.status === "refused")
    ? await resolveOpenIntents(context, settled)
    : settled;
  if (faults === 0) return next;
  if (heard(next) === heard(settled)) return await unlessTripped(context, whole, { tally: next, faults });
  await heedEffect(context, context.sync.target);
  return next;
}

/** Whether another configuration, or somebody's word, may ask for something else by now. */
function isOutdated({ plan, sync, withdrawn }: ApplyContext): boolean {
  return withdrawn !== null || plan.revision !== sync.revision;
}

/** Values that nobody may want any more: who still does waits for them, and is planned anew. */
async function dropLookups(context: ApplyContext, rows: readonly PlanChangeRow[], tally: Tally): Promise<Tally> {
  const ordinals = rows.map(({ ordinal }) => ordinal);
  await context.store.fenced(context.lease, (tx) => markChanges(tx, context.plan.id, "conflict", ordinals));
  return { ...tally, conflicts: tally.conflicts + rows.length };
}

/** How many changes were carried out, or found to be. */
function heard({ counts, unchanged }: Tally): number {
  return sum(counts) + unchanged;
}

/**
 * Goes on after a batch, unless the target gave no proper answer for too long. What it was asked and did not do is left for
 * a later try, so that the next run comes past it.
 */
async function unlessTripped(
  context: ApplyContext,
  whole: Whole,
  { tally, faults }: { readonly tally: Tally; readonly faults: number },
): Promise<Tally> {
  const asked = { ...context, id: context.sync.target };
  if ((await afterFaults(asked, faults)) === "on") return tally;
  await giveUp(context, whole, tally);
  throw await carriesNothingOut(asked);
}

/** Intents, changes and outcomes in one transaction: with a target that lives in the store. */
async function applyAtOnce(
  context: ApplyContext,
  target: TransactionalTarget,
  { prepared, tally, whole }: Omit<Batch, "outcomes">,
): Promise<Tally> {
  const sendable = prepared.filter((change) => change.send !== null);
  const changes = changesOf(sendable);
  return await context.store.fenced(context.lease, async (tx) => {
    await journalIntents(context, tx, sendable);
    const answered = changes.length === 0 ? [] : await target.applyIn(tx, changes);
    const outcomes = await judgeMissing(context, sendable, answered);
    return await settle(context, tx, { prepared, outcomes, tally, whole });
  });
}

function changesOf(sendable: readonly Prepared[]): readonly TargetChange[] {
  return sendable.flatMap(({ send }) => send ?? []);
}

/**
 * A ConnectorError means that nothing was sent: the intents get that as their outcome, and the run stops. After anything
 * else, an abort above all, nobody knows: the intents stay open and are looked up.
 */
async function sent(
  context: ApplyContext,
  sendable: readonly Prepared[],
  claims: readonly Claim[],
): Promise<readonly Outcome[]> {
  const changes = changesOf(sendable);
  try {
    const ordinals = new Set(changes.map(({ ordinal }) => ordinal));
    const asked = claims.filter(({ ordinal }) => ordinals.has(ordinal));
    const taken = await takenSince(context, asked);
    const free = changes.filter(({ ordinal }) => !taken.has(ordinal));
    await holdFast(context.store, context.lease);
    const answered = free.length === 0 ? [] : await context.target.apply(free, context.signal);
    return inOrder(changes, taken, answered);
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const unsent = changes.map(({ ordinal, kind, action, recordId }) => ({ ordinal, kind, action, recordId }));
    await closeUnsent(context, unsent, error);
    await heedUnsent(context, context.sync.target, error);
    throw error;
  }
}

/** The outcomes of all changes, in their order: of those that were not sent, and of the others what the target answered. */
function inOrder(
  changes: readonly TargetChange[],
  taken: ReadonlyMap<number, Outcome>,
  answered: readonly Outcome[],
): readonly Outcome[] {
  if (taken.size === 0) return answered;
  let next = 0;
  return changes.map(({ ordinal }) => {
    const outcome = taken.get(ordinal) ?? answered[next++];
    if (outcome === undefined) throw new Error("the target answered fewer outcomes than there were changes");
    return outcome;
  });
}

interface Batch {
  /** Memberships that took effect although their change did not. */
  readonly parts?: readonly Part[];
  readonly prepared: readonly Prepared[];
  readonly outcomes: readonly Outcome[];
  readonly tally: Tally;
  readonly whole: Whole;
}

async function settle(context: ApplyContext, tx: Transaction<DB>, batch: Batch): Promise<Tally> {
  const next = await recordOutcomes(context, tx, batch.prepared, batch.outcomes, batch.tally, batch.parts);
  await saveRun(tx, context.reportTo, {
    counts: JSON.stringify(next.counts),
    failed: next.failed,
    unchanged: next.unchanged,
    progress: JSON.stringify(progressOf(next, batch.whole)),
  });
  return next;
}

async function journalIntents(
  context: ApplyContext,
  tx: Transaction<DB>,
  prepared: readonly Prepared[],
): Promise<void> {
  const entries = prepared.map(({ row, link, send, add, remove, gone }) => ({
    ...entryBase(context),
    type: "intent" as const,
    ordinal: row.ordinal,
    kind: row.kind,
    objectId: row.object_id,
    recordId: row.record_id ?? link?.record_id ?? null,
    action: row.action,
    cause: row.cause,
    code: activityOf(row, link),
    reason: row.reason,
    before: row.before === null ? null : (JSON.parse(row.before) as Attributes),
    after:
      row.action === "members"
        ? { add, remove, ...namedIn(gone, send?.remove) }
        : row.after === null
          ? null
          : (JSON.parse(row.after) as Attributes),
  }));
  await appendJournal(tx, context.store, streamOf(context.sync), entries);
}

/** What before and after do not tell: that a join enables the record, and that a deleted one was disabled. */
function activityOf(row: PlanChangeRow, link: Prepared["link"]): string | null {
  if (row.action === "join" && row.active === 1) return ACTIVATED;
  return row.action === "delete" && link?.active === 0 ? DISABLED : null;
}

/** Not planned, for nobody leaves: the records that the target has lost and the group still named. */
function namedIn(gone: readonly string[], removed: readonly string[] = []): { readonly gone?: readonly string[] } {
  const named = gone.filter((id) => removed.includes(id));
  return named.length === 0 ? {} : { gone: named };
}

function isTransactional(target: Target): target is TransactionalTarget {
  return "applyIn" in target && typeof target.applyIn === "function";
}
