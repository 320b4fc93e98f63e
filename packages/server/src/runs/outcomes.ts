import {
  type Action,
  type Attributes,
  type Cause,
  kindsReferred,
  type Outcome,
  originOf,
  type TargetAttribute,
} from "@entrain/core";
import type { Transaction } from "kysely";
import { doubtLinks } from "../store/doubted-links.ts";
import { takeFormer } from "../store/former-links.ts";
import { appendJournal, type JournalEntry } from "../store/journal.ts";
import {
  deleteLinks,
  deleteLostLinks,
  type LinkRow,
  linkedRecords,
  saveLinks,
  takeLinkSequences,
} from "../store/links.ts";
import { ITSELF, unpin } from "../store/pins.ts";
import { idsOf, markChanges, type PlanChangeRow } from "../store/plans.ts";
import type { DB } from "../store/schema.ts";
import { ownedByOthers, releaseShares } from "../store/shares.ts";
import { type ApplyContext, closeIntents, entryBase, streamOf, type Tally, tallied } from "./applying.ts";
import { ACCEPTED } from "./being-deleted.ts";
import { countGuarded } from "./count-guarded.ts";
import { forgetGoneMembers } from "./gone-members.ts";
import { leftAlone } from "./inputs.ts";
import { forgetMembers, saveMembers } from "./known-members.ts";
import { leavingAfter } from "./leaving.ts";
import { isMissing } from "./missing.ts";
import { settleMembers, updatePending } from "./outcome-pending.ts";
import type { Part } from "./parts.ts";
import type { Prepared } from "./prepare.ts";
import { forgetReferences, reviewReferrers } from "./referrers.ts";
import { withoutSensitive } from "./sensitive.ts";
import { idsIn, isWritten, type Settled } from "./settled.ts";
import { UNOWNED } from "./staleness.ts";
import { deletions, keepMemberships } from "./taken-along.ts";
import { tellTouched } from "./undo/tell-touched.ts";

/**
 * Commits what became of a batch: journal, links, known memberships, pending set, guard counters and the states of the
 * changes, all in the caller's transaction. `outcomes` belong to the sendable changes, in their order. A change whose
 * outcome is unknown keeps its open intent; of one that is done already only its own state tells.
 */
export async function recordOutcomes(
  context: ApplyContext,
  tx: Transaction<DB>,
  prepared: readonly Prepared[],
  outcomes: readonly Outcome[],
  tally: Tally,
  parts: readonly Part[] = [],
): Promise<Tally> {
  const done = prepared.filter((change) => change.done);
  const asked = prepared.filter((change) => !change.done);
  const heard = pair(asked, outcomes).filter(({ outcome }) => outcome.status !== "unknown");
  const settled = await withOwners(context, tx, await withoutTaken(context, tx, heard));
  const gone = settled.filter((one) => one.gone);
  const written = settled.filter((one) => !one.gone && isWritten(one.outcome));
  await journalOutcomes(context, tx, settled, parts);
  await unpinLeft(context, tx, settled, parts);
  await tellTouched(context, tx, prepared);
  const lost = await deleteLostLinks(context.store, tx, context.space, context.kind.name, idsIn(gone));
  const pointing =
    (await forgetReferences(context, tx, idsIn(gone))) +
    (await forgetReferences(context, tx, idsIn(written.filter(unlinks)), deletions(written)));
  const others = lost + (await writeLinks(context, tx, written));
  await saveMembers(
    context,
    tx,
    written.map(({ change }) => change),
  );
  await saveMembers(context, tx, parts);
  await forgetMembers(context, tx, parts);
  await forgetGoneMembers(
    context,
    tx,
    written.map(({ change }) => change),
  );
  await countGuarded(
    context,
    tx,
    written.map(({ change }) => change),
  );
  const ignored = await updatePending(context, tx, settled);
  await markStates(context, tx, settled);
  await markChanges(
    tx,
    context.plan.id,
    "unchanged",
    done.map(({ row }) => row.ordinal),
  );
  await settleMembers(context, tx, settled);
  await closeIntents(
    context,
    tx,
    settled.map(({ change }) => change.row.ordinal),
  );
  // Who was referred to by the record that is gone is referred to by another one, or who referred to it: that is planned next.
  const moved = context.kind.attributes.some(pointsToSeveral) ? others : 0;
  const waiting = tally.waiting + moved + pointing;
  const heeded = settled.filter(({ change }) => !ignored.has(change.row.object_id));
  return heeded.reduce(counted, { ...tally, waiting, unchanged: tally.unchanged + done.length });
}

function pointsToSeveral(attribute: TargetAttribute): boolean {
  return kindsReferred(attribute).length > 1;
}

function pair(prepared: readonly Prepared[], outcomes: readonly Outcome[]): readonly Settled[] {
  let next = 0;
  return prepared.map((change) => {
    if (change.send === null) {
      const detail = change.stale ?? "there is nothing to send";
      return { change, outcome: { status: "conflict", code: "conflict", detail, retry: "now" }, gone: false };
    }
    const outcome = outcomes[next++];
    if (!outcome) throw new Error("the target answered fewer outcomes than there were changes");
    const told = withoutSensitive(outcome, change.sensitive);
    return { change, outcome: heard(change, told), gone: isMissing(change, told) };
  });
}

/** A target that answers a create with a record of somebody else must not move that record to a second person. */
async function withoutTaken(
  context: ApplyContext,
  tx: Transaction<DB>,
  heard: readonly Settled[],
): Promise<readonly Settled[]> {
  const claims = ({ row, link }: Prepared): boolean => link === undefined && row.cause !== "shared";
  const made = heard.filter(({ change, outcome }) => claims(change) && "recordId" in outcome);
  const ids = made.flatMap(({ outcome }) => ("recordId" in outcome ? [outcome.recordId] : []));
  const taken = await linkedRecords(tx, context.space.target, context.kind.name, ids);
  if (taken.size === 0) return heard;
  return heard.map((one) => {
    if (!claims(one.change) || !("recordId" in one.outcome) || !taken.has(one.outcome.recordId)) return one;
    const detail = "the target answered with a record that is linked to somebody else";
    const outcome = { status: "refused", code: "linked_elsewhere", detail, retry: "later" } as const;
    return { change: one.change, outcome, gone: false };
  });
}

/**
 * A record is shared as long as another sync owns it: one that was let go of while the answer was on its way is matched anew,
 * and one that somebody deleted in the target is made anew by its owner, and by nobody else: the owner's next run looks for it.
 */
async function withOwners(
  context: ApplyContext,
  tx: Transaction<DB>,
  heard: readonly Settled[],
): Promise<readonly Settled[]> {
  const recordIdOf = ({ change: { row, link } }: Settled): string => link?.record_id ?? row.record_id ?? "";
  const isNew = ({ change: { row, link } }: Settled): boolean => link === undefined && row.cause === "shared";
  const isShare = (one: Settled): boolean =>
    (isNew(one) || one.change.link?.origin === "shared") && one.change.row.cause !== "unjoined";
  const asked = heard.filter(isShare);
  if (asked.length === 0) return heard;
  const of = { target: context.space.target, kind: context.kind.name, sync: context.sync.id };
  const owned = await ownedByOthers(tx, of, asked.map(recordIdOf));
  // One that the removal of its owner's sync left to nobody is still there.
  const linked = await linkedRecords(tx, of.target, of.kind, asked.map(recordIdOf));
  const isLost = (one: Settled): boolean => one.gone && owned.has(recordIdOf(one));
  await doubtLinks(context.store, tx, of, asked.filter(isLost).map(recordIdOf));
  return heard.map((one) => {
    if (!isShare(one)) return one;
    const recordId = recordIdOf(one);
    if (isWritten(one.outcome) && !(isNew(one) ? owned.has(recordId) : linked.has(recordId))) {
      return { ...one, outcome: { status: "conflict", code: "conflict", detail: UNOWNED, retry: "now" } };
    }
    if (!isLost(one)) return one;
    const detail = `the target holds the shared record ${recordId} no more; the sync that owns it makes it anew`;
    return { ...one, gone: false, outcome: { status: "refused", code: "record_missing", detail, retry: "later" } };
  });
}

/**
 * What was sent without an answer, did not show when it was looked up, and needs nothing when it is sent once more took effect
 * in between: by the sync's own hand. A creation makes that sure itself, and a join may ask for nothing.
 */
const TAKES_EFFECT_LATE: readonly string[] = ["delete", "update", "enable", "disable", "members"];

/**
 * A create that was already tried and now exists was most likely our own: it is looked up, never adopted blindly. A
 * record that is gone needs no disabling; one that was to be joined is unsynced, for the target found it a moment ago.
 */
function heard(change: Prepared, outcome: Outcome): Outcome {
  // What a stop kept from being sent is nobody's failure: it stays open, and the next run looks it up and sends it.
  if (outcome.status === "refused" && outcome.code === "cancelled") return { ...outcome, status: "unknown" };
  if (outcome.status === "conflict" && outcome.code === "record_missing") {
    if (change.link === undefined) return { ...outcome, status: "refused", retry: "later" };
    if (change.row.action !== "disable") return outcome;
    const detail = "the record was deleted in the target, so there is nothing to disable";
    return { status: "unchanged", recordId: change.link.record_id, detail };
  }
  if (change.row.state !== "again") return outcome;
  const { action } = change.row;
  if (action === "create" && outcome.status === "refused" && outcome.code === "exists")
    return { ...outcome, status: "unknown" };
  return TAKES_EFFECT_LATE.includes(action) && outcome.status === "unchanged"
    ? { ...outcome, status: "applied" }
    : outcome;
}

function counted(tally: Tally, { change, outcome }: Settled): Tally {
  const waiting = tally.waiting + (change.dropped.length > 0 ? 1 : 0);
  if (outcome.status === "applied") return { ...tallied(tally, change.row), waiting };
  if (outcome.status === "unchanged") {
    // A join that needs no write, or a repeated change, did what the plan says.
    return change.row.action === "join"
      ? { ...tallied(tally, change.row), waiting }
      : { ...tally, unchanged: tally.unchanged + 1, waiting };
  }
  if (outcome.status === "refused") return { ...tally, failed: tally.failed + 1 };
  if (outcome.status !== "conflict") return tally;
  // What found none of its references waits for them; nothing moved.
  const conflicts = tally.conflicts + (change.dropped.length > 0 ? 0 : 1);
  return { ...tally, conflicts, waiting: tally.waiting + (isPlannedAnew(change, outcome) ? 1 : 0) };
}

/** A record that is gone, or that stood in the way of a creation, is matched by a further plan of the same run. */
function isPlannedAnew(change: Prepared, outcome: Outcome): boolean {
  if (outcome.status !== "conflict" || change.send === null) return false;
  return outcome.code === "record_missing" || change.row.action === "create";
}

/** Memberships that took effect although their change did not stand in its outcome: undoing finds them nowhere else. */
async function journalOutcomes(
  context: ApplyContext,
  tx: Transaction<DB>,
  settled: readonly Settled[],
  parts: readonly Part[],
): Promise<void> {
  const moved = new Map(
    parts.flatMap(({ row, add, remove }) =>
      add.length + remove.length === 0 ? [] : [[row.ordinal, { add, remove }] as const],
    ),
  );
  const told = settled.filter(({ change }) => change.send !== null || moved.has(change.row.ordinal));
  const entries = told.map(
    ({ change, outcome }): JournalEntry => ({
      ...entryBase(context),
      type: "outcome",
      ordinal: change.row.ordinal,
      kind: change.row.kind,
      objectId: change.row.object_id,
      action: change.row.action,
      status: outcome.status,
      recordId: "recordId" in outcome ? outcome.recordId : change.row.record_id,
      code: "code" in outcome ? outcome.code : outcome.accepted === true ? ACCEPTED : null,
      detail: outcome.detail ?? null,
      after: moved.get(change.row.ordinal) ?? null,
    }),
  );
  await appendJournal(tx, context.store, streamOf(context.sync), entries);
}

/**
 * What an undoing found changed, or was refused, is not undone: it is the sync's as before. Of what was never answered nobody
 * knows, so it stays pinned.
 */
async function unpinLeft(
  { plan, sync }: ApplyContext,
  tx: Transaction<DB>,
  settled: readonly Settled[],
  parts: readonly Part[],
): Promise<void> {
  if (plan.part !== "undo") return;
  const moved = new Map(parts.map(({ row, add, remove }) => [row.ordinal, new Set([...add, ...remove])]));
  const left = settled.filter(({ outcome }) =>
    outcome.status === "refused" ? outcome.code !== "outcome_unknown" : outcome.status === "conflict",
  );
  const pins = left.map(({ change: { row } }) => {
    const members = [...idsOf(row.add), ...idsOf(row.remove)].filter((id) => moved.get(row.ordinal)?.has(id) !== true);
    return { id: row.object_id, members: row.action === "members" ? members : [ITSELF] };
  });
  await unpin(tx, { sync: sync.id, plan: plan.id }, pins);
}

function unlinks({ change: { row } }: Settled): boolean {
  return row.action === "delete" || row.cause === "unjoined";
}

/** Answers how many other records in the target those have whose links go. */
async function writeLinks(context: ApplyContext, tx: Transaction<DB>, written: readonly Settled[]): Promise<number> {
  const { space, kind, store } = context;
  const deleted = written.filter(unlinks);
  const kept = written.filter((one) => !unlinks(one) && one.change.row.action !== "members");
  await keepMemberships(context, tx, deletions(deleted));
  const others = await deleteLinks(
    store,
    tx,
    space,
    kind.name,
    deleted.map(({ change }) => change.row.object_id),
  );
  if (context.plan.undoes !== null) {
    await reviewReferrers(context, tx, idsIn(kept.filter(({ change }) => change.row.action === "create")));
  }
  if (kept.length === 0) return others;
  const shared = kept.flatMap(({ change: { row, link } }) =>
    link === undefined && row.cause === "shared" && row.record_id !== null ? [row.record_id] : [],
  );
  await releaseShares(tx, { target: space.target, kind: kind.name, sync: context.sync.id }, shared);
  let sequence = await takeLinkSequences(tx, space.target, kept.length);
  const now = store.clock.now();
  const fresh = kept.filter(({ change }) => change.link === undefined);
  const undone = new Set(idsIn(fresh.filter(({ change }) => change.row.cause === "undone")));
  const since = await takeFormer(tx, { sync: context.sync.id, ids: idsIn(fresh), undone });
  await saveLinks(
    store,
    tx,
    kept.map((settled) => linkAfter(context, settled, sequence++, { now, since })),
  );
  return others;
}

function linkAfter(
  context: ApplyContext,
  { change, outcome }: Settled,
  sequence: number,
  { now, since }: { readonly now: number; readonly since: ReadonlyMap<string, number> },
): LinkRow {
  const { row, link } = change;
  const recordId = "recordId" in outcome ? outcome.recordId : (row.record_id ?? "");
  if (link) {
    const known = { ...(JSON.parse(link.known) as Attributes), ...change.known };
    const active = row.active ?? link.active;
    const leaving_at = leavingAfter(context, row, link, now);
    const left_alone = leftAfter(change, link);
    return { ...link, sync: context.sync.id, known: JSON.stringify(known), active, sequence, left_alone, leaving_at };
  }
  return {
    ...context.space,
    kind: row.kind,
    object_id: row.object_id,
    record_id: recordId,
    sync: context.sync.id,
    origin: originOf({ action: row.action as Action, cause: row.cause as Cause }),
    known: JSON.stringify(change.known),
    active: row.active ?? 1,
    sequence,
    linked_sequence: sequence,
    created_at: now,
    matched_by: row.matched_by,
    left_alone: null,
    leaving_at: null,
    owned_since: since.get(row.object_id) ?? now,
  };
}

/** What a change wrote itself is not what others changed, whatever was found of it while nobody knew of the change. */
function leftAfter({ send }: Prepared, link: LinkRow): string | null {
  const names = leftAlone(link).filter((name) => send === null || !Object.hasOwn(send.set, name));
  return names.length === 0 ? null : JSON.stringify(names);
}

async function markStates(context: ApplyContext, tx: Transaction<DB>, settled: readonly Settled[]): Promise<void> {
  const byState = new Map<string, PlanChangeRow[]>();
  for (const { change, outcome, gone } of settled) {
    const isLoss = gone && change.link?.active === 1;
    const state = isLoss && outcome.status === "conflict" ? "missing" : outcome.status;
    const rows = byState.get(state) ?? [];
    rows.push(change.row);
    byState.set(state, rows);
  }
  for (const [state, rows] of byState) {
    await markChanges(
      tx,
      context.plan.id,
      state,
      rows.map((row) => row.ordinal),
    );
  }
  const left = settled.filter(({ change, outcome }) => isWritten(outcome) && change.remove.length > 0);
  await forgetMembers(
    context,
    tx,
    left.map(({ change }) => change),
  );
}
