import type { Retries } from "@entrain/core";
import type { Transaction } from "kysely";
import { enterPending, leavePending, loadPending, type PendingEntry, type PendingRow } from "../store/pending.ts";
import { pinnedAmong } from "../store/pins.ts";
import { changedIn, settledIn } from "../store/plans.ts";
import type { DB } from "../store/schema.ts";
import type { ApplyContext } from "./applying.ts";
import { heedAccepted, refusedEntry, retriesOf } from "./failures/retries.ts";
import { idsIn, isWritten, type Settled } from "./settled.ts";

/** What became of a batch as the pending set has it. Answers the records that were refused once more for what somebody ignores. */
export async function updatePending(
  context: ApplyContext,
  tx: Transaction<DB>,
  settled: readonly Settled[],
): Promise<ReadonlySet<string>> {
  const { store, sync } = context;
  const done = settled.filter(({ change, outcome }) => isWritten(outcome) && change.dropped.length === 0);
  const open = settled.filter(({ change, outcome }) => !isWritten(outcome) || change.dropped.length > 0);
  // While it was held its record was not evaluated: what moved meanwhile, a manager's link or attributes, is looked at next.
  const missed = (action: string): boolean => context.plan.part === "removals" && action !== "delete";
  const ended = done.filter(({ change: { row } }) => row.action !== "members" && !missed(row.action));
  const kept = await stillSpared(
    context,
    tx,
    ended.map(({ change }) => change.row.object_id),
  );
  const released = await releasedIn(context, tx, idsIn(ended));
  const alone = await disabledAlone(tx, sync.id, ended);
  const stays = (id: string): boolean => kept.has(id) || released.has(id) || alone.has(id);
  const left = ended.filter(({ change: { row } }) => !stays(row.object_id));
  const sequences = new Map(left.map(({ change: { row } }) => [row.object_id, row.record_sequence]));
  const dead = await leavePending(tx, sync.id, [...sequences.keys()]);
  const accepted = dead.filter((row) => row.sequence >= (sequences.get(row.object_id) ?? 0));
  await heedAccepted(tx, sync.id, accepted);
  const known = await loadPending(
    tx,
    sync.id,
    open.map(({ change }) => change.row.object_id),
  );
  const now = store.clock.now();
  const retries = retriesOf(sync);
  await enterPending(
    store,
    tx,
    open.flatMap((item) => {
      const before = known.get(item.change.row.object_id);
      // Memberships of a group that was refused, or is gone, wait with it; when it is due, all of them are looked at.
      const follows = item.change.row.action === "members" && item.change.link === undefined;
      const waits = before?.reason === "failed" || before?.code === "record_missing";
      return follows && waits ? [] : [pendingOf(context, item, { known: before, now, retries })];
    }),
  );
  const again = open.filter(({ change, outcome }) => {
    const before = known.get(change.row.object_id);
    return outcome.status === "refused" && before?.code === outcome.code && before.ignored !== null;
  });
  return new Set(idsIn(again));
}

/** Who is disabled now without what else the target had refused of them: the next plan looks at that again. */
async function disabledAlone(
  tx: Transaction<DB>,
  sync: string,
  ended: readonly Settled[],
): Promise<ReadonlySet<string>> {
  const disabled = ended.filter(({ change: { row } }) => row.cause === "disabled" && row.action === "disable");
  const known = await loadPending(tx, sync, idsIn(disabled));
  const refused = [...known.values()].filter(({ reason, plan }) => reason === "failed" && plan === null);
  const ids = refused.map(({ object_id: id }) => id);
  const anew = { reason: "dependant", code: "dependant", attempts: 0, retry_at: 0, dead_at: null };
  for (let at = 0; at < ids.length; at += 500)
    await tx
      .updateTable("pending")
      .set(anew)
      .where("sync", "=", sync)
      .where("object_id", "in", ids.slice(at, at + 500))
      .execute();
  return new Set(ids);
}

/** Of what an undoing did: the records that somebody released before it came to its end. The next plan decides on them again. */
async function releasedIn(
  { plan, sync }: ApplyContext,
  tx: Transaction<DB>,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (plan.part !== "undo") return new Set();
  const pinned = await pinnedAmong(tx, sync.id, ids);
  return new Set(ids.filter((id) => !pinned.has(id)));
}

/**
 * A group that was pending and needs nothing but memberships leaves with them, unless some of them failed. Its pending
 * row stays until then, so that a refusal counts on from the earlier ones.
 */
export async function settleMembers(
  context: ApplyContext,
  tx: Transaction<DB>,
  settled: readonly Settled[],
): Promise<void> {
  const groups = settled.filter(({ change, outcome }) => change.row.action === "members" && isWritten(outcome));
  if (groups.length === 0) return;
  const pending = await loadPending(
    tx,
    context.sync.id,
    groups.map(({ change }) => change.row.object_id),
  );
  const ids = [...pending.keys()];
  if (ids.length === 0) return;
  const complete = await settledIn(tx, context.plan.id, ids);
  const failed = await changedIn(tx, context.plan.id, ids, ["refused", "conflict", "missing"]);
  const kept = await stillSpared(context, tx, ids);
  const released = await releasedIn(context, tx, ids);
  const waiting = new Set(groups.flatMap(({ change }) => (change.dropped.length > 0 ? [change.row.object_id] : [])));
  await leavePending(
    tx,
    context.sync.id,
    ids.filter((id) => complete.has(id) && !failed.has(id) && !waiting.has(id) && !kept.has(id) && !released.has(id)),
  );
}

/** Who got what the plan had for them, and stays an issue: a list protects them from the rest of what is wanted. */
async function stillSpared(
  { sync, plan }: ApplyContext,
  tx: Transaction<DB>,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const pending = await loadPending(tx, sync.id, ids);
  const spared = [...pending.values()].filter(({ code }) => code === "protected").map(({ object_id: id }) => id);
  if (spared.length === 0) return new Set();
  const rows = await tx
    .selectFrom("plan_issues")
    .select("object_id")
    .where("plan", "=", plan.id)
    .where("code", "=", "protected")
    .where("object_id", "in", spared)
    .execute();
  return new Set(rows.flatMap(({ object_id: id }) => id ?? []));
}

function pendingOf(
  context: ApplyContext,
  { change, outcome }: Settled,
  of: { readonly known: PendingRow | undefined; readonly now: number; readonly retries: Retries },
): PendingEntry {
  const { known, now, retries } = of;
  const base = {
    sync: context.sync.id,
    object_id: change.row.object_id,
    plan: null,
    sequence: change.row.record_sequence,
    since: known?.since ?? now,
  };
  if (outcome.status === "refused") {
    const refusal = { outcome, sequence: base.sequence, plannedAt: context.plan.created_at, known };
    return { ...base, ...refusedEntry(context.store.clock, retries, refusal) };
  }
  if (outcome.status === "conflict") {
    return { ...base, reason: "conflict", code: outcome.code, detail: outcome.detail, attempts: 0, retry_at: 0 };
  }
  const detail = "A referenced record does not exist in the target yet.";
  return { ...base, reason: "reference", code: "reference_waiting", detail, attempts: 0, retry_at: 0 };
}
