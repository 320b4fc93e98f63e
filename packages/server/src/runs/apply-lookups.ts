import { type Attributes, ConnectorError, matchKey, type Outcome } from "@entrain/core";
import type { Transaction } from "kysely";
import { appendJournal } from "../store/journal.ts";
import { holdFast } from "../store/leases.ts";
import { enterPending, leavePending, loadPending, type PendingEntry } from "../store/pending.ts";
import { markChanges, type PlanChangeRow } from "../store/plans.ts";
import { saveRun } from "../store/runs.ts";
import type { DB } from "../store/schema.ts";
import {
  type ApplyContext,
  closeIntents,
  closeUnsent,
  entryBase,
  openIntents,
  streamOf,
  type Tally,
  tallied,
} from "./applying.ts";
import { retriesOf, retryDelayMs } from "./failures/retries.ts";
import { findLookups } from "./lookup-records.ts";

/** What a target takes at once. */
const MOST = 100;

/** Whether a change creates a value of a lookup. */
export function isLookup(row: Pick<PlanChangeRow, "action">): boolean {
  return row.action === "lookup";
}

/**
 * Creates values of the target's lookups as the plan says, before anybody who wants them is sent. What is there by now is
 * not created again, whoever made it. An answer that was not heard leaves its intent open: it is looked up by the value.
 */
export async function applyLookups(
  context: ApplyContext,
  rows: readonly PlanChangeRow[],
  start: Tally,
): Promise<Tally> {
  let tally = start;
  for (const [lookup, all] of Map.groupBy(rows, (row) => row.kind)) {
    for (let at = 0; at < all.length; at += MOST) {
      tally = await createSome(context, { lookup, rows: all.slice(at, at + MOST) }, tally);
    }
  }
  return tally;
}

interface Some {
  readonly lookup: string;
  readonly rows: readonly PlanChangeRow[];
}

async function createSome(context: ApplyContext, { lookup, rows }: Some, tally: Tally): Promise<Tally> {
  const { store, lease, target, signal } = context;
  const found = await recordsOf(context, { lookup, rows });
  const there = rows.filter((row) => found.has(row.ordinal));
  const missing = rows.filter((row) => !found.has(row.ordinal));
  const begun = await store.fenced(lease, async (tx) => {
    await journalIntents(context, tx, missing);
    await openIntents(context, tx, missing);
    return await settleLookups(context, tx, {
      rows: there,
      outcomes: there.map((row) => unchanged(found.get(row.ordinal))),
      tally,
    });
  });
  if (missing.length === 0) return begun;
  if (target.lookups === undefined) throw new Error("the plan asks for lookups that the target does not have");
  let outcomes: readonly Outcome[];
  try {
    await holdFast(store, lease);
    outcomes = await target.lookups.create(
      lookup,
      missing.map(({ name }) => name),
      signal,
    );
  } catch (error) {
    if (error instanceof ConnectorError) await notSent(context, missing, error);
    throw error;
  }
  context.unheard.note(
    missing.map(({ ordinal }) => ordinal),
    outcomes,
  );
  return await store.fenced(lease, (tx) => settleLookups(context, tx, { rows: missing, outcomes, tally: begun }));
}

function unchanged(recordId: string | undefined): Outcome {
  return { status: "unchanged", recordId: recordId ?? "", detail: "the target has it by now" };
}

/** The records of the values, by the ordinals of the changes that ask for them. */
async function recordsOf(context: ApplyContext, { lookup, rows }: Some): Promise<ReadonlyMap<number, string>> {
  const values = rows.map(({ name }) => name);
  const found = await findLookups(context.target, lookup, values, context.signal);
  return new Map(
    rows.flatMap(({ ordinal, name }) => {
      const [record] = found.get(matchKey(name, {}) ?? "") ?? [];
      return record === undefined ? [] : [[ordinal, record.id] as const];
    }),
  );
}

/** Commits what became of values that were to be created; an unknown outcome keeps its open intent. */
export async function settleLookups(
  context: ApplyContext,
  tx: Transaction<DB>,
  of: { readonly rows: readonly PlanChangeRow[]; readonly outcomes: readonly Outcome[]; readonly tally: Tally },
): Promise<Tally> {
  const { store, plan, sync, reportTo } = context;
  const settled = of.rows.flatMap((row, at) => {
    const outcome = of.outcomes[at];
    if (outcome === undefined) throw new Error("the target answered fewer outcomes than there were values");
    return outcome.status === "unknown" ? [] : [{ row, outcome }];
  });
  if (settled.length === 0) return of.tally;
  let { tally } = of;
  for (const { row, outcome } of settled) {
    const { ordinal, object_id: id } = row;
    if (outcome.status === "applied") tally = tallied(tally, row);
    else if (outcome.status === "unchanged") tally = { ...tally, unchanged: tally.unchanged + 1 };
    else tally = { ...tally, failed: tally.failed + 1 };
    await markChanges(tx, plan.id, outcome.status === "conflict" ? "refused" : outcome.status, [ordinal]);
    if ("recordId" in outcome) await leavePending(tx, sync.id, [id]);
    else await enterPending(store, tx, [await refusedValue(context, tx, row, outcome)]);
  }
  const entries = settled.map(({ row, outcome }) => ({
    ...entryBase(context),
    type: "outcome" as const,
    ordinal: row.ordinal,
    kind: row.kind,
    objectId: row.object_id,
    action: row.action,
    status: outcome.status,
    recordId: "recordId" in outcome ? outcome.recordId : null,
    code: "code" in outcome ? outcome.code : null,
    detail: outcome.detail ?? null,
  }));
  await appendJournal(tx, store, streamOf(sync), entries);
  await closeIntents(
    context,
    tx,
    settled.map(({ row }) => row.ordinal),
  );
  const { counts, failed, unchanged: same } = tally;
  await saveRun(tx, reportTo, { counts: JSON.stringify(counts), failed, unchanged: same });
  return tally;
}

/** A value that the target refused is tried again when it is due; until then it is missing. */
async function refusedValue(
  { store, sync }: ApplyContext,
  tx: Transaction<DB>,
  row: PlanChangeRow,
  { code, detail }: { readonly code: string; readonly detail: string },
): Promise<PendingEntry> {
  const now = store.clock.now();
  const known = (await loadPending(tx, sync.id, [row.object_id])).get(row.object_id);
  const base = { sync: sync.id, object_id: row.object_id, plan: null, sequence: 0, since: known?.since ?? now };
  const attempts = (known?.attempts ?? 0) + 1;
  const delay = retryDelayMs(retriesOf(sync), attempts, store.clock);
  return { ...base, reason: "failed", code, detail, attempts, retry_at: now + delay, tried_at: now };
}

/**
 * Values whose creation was begun and not heard of: those that the target has count as created. The others are given
 * back: nothing came of those requests.
 */
export async function lookUpValues(
  context: ApplyContext,
  open: readonly { readonly row: PlanChangeRow; readonly at: number }[],
  start: Tally,
): Promise<{ readonly tally: Tally; readonly without: readonly PlanChangeRow[] }> {
  const { store, lease, kind, signal } = context;
  let tally = start;
  const without: PlanChangeRow[] = [];
  for (const [lookup, all] of Map.groupBy(open, ({ row }) => row.kind)) {
    const until = Math.max(...all.map(({ at }) => at)) + kind.settleMs;
    let left = all.map(({ row }) => row);
    for (;;) {
      const asked = store.clock.now();
      const found = await recordsOf(context, { lookup, rows: left });
      const made = left.filter(({ ordinal }) => found.has(ordinal));
      const outcomes = made.map(({ ordinal }): Outcome => ({ status: "applied", recordId: found.get(ordinal) ?? "" }));
      const before = tally;
      tally = await store.fenced(lease, (tx) => settleLookups(context, tx, { rows: made, outcomes, tally: before }));
      left = left.filter(({ ordinal }) => !found.has(ordinal));
      if (left.length === 0 || asked >= until) break;
      await store.clock.sleep(Math.min(500, Math.max(1, until - store.clock.now())), signal);
    }
    without.push(...left);
  }
  return { tally, without };
}

async function journalIntents(
  context: ApplyContext,
  tx: Transaction<DB>,
  rows: readonly PlanChangeRow[],
): Promise<void> {
  const entries = rows.map((row) => ({
    ...entryBase(context),
    type: "intent" as const,
    ordinal: row.ordinal,
    kind: row.kind,
    objectId: row.object_id,
    action: row.action,
    cause: row.cause,
    reason: row.reason,
    after: JSON.parse(row.after ?? "null") as Attributes,
  }));
  await appendJournal(tx, context.store, streamOf(context.sync), entries);
}

async function notSent(context: ApplyContext, rows: readonly PlanChangeRow[], error: ConnectorError): Promise<void> {
  const unsent = rows.map(({ ordinal, kind, action, object_id: objectId }) => ({ ordinal, kind, action, objectId }));
  await closeUnsent(context, unsent, error);
}
