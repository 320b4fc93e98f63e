import type { Attributes, Outcome, TargetRecord, Value } from "@entrain/core";
import { appendJournal } from "../store/journal.ts";
import { linkedRecords } from "../store/links.ts";
import { markChanges, type PlanChangeRow } from "../store/plans.ts";
import { saveRun } from "../store/runs.ts";
import { type ApplyContext, closeIntents, entryBase, sceneOf, streamOf, type Tally } from "./applying.ts";
import { recordOutcomes } from "./outcomes.ts";
import { type Prepared, prepareBatch } from "./prepare.ts";

const CHUNK = 100;

interface OpenIntent {
  readonly row: PlanChangeRow;
  readonly at: number;
}

/**
 * Resolves intents without an outcome, as a crash or an unheard answer leaves them: the target's records are looked up,
 * and the change counts as applied when they show it. One that had no effect becomes `again`: it is sent once more.
 * A create that is not found is looked for again until a request that was still on its way can no longer take effect.
 */
export async function resolveOpenIntents(context: ApplyContext, start: Tally): Promise<Tally> {
  let tally = start;
  for (;;) {
    const open = await openIntentsOf(context);
    if (open.length === 0) return tally;
    tally = await resolveChunk(context, open, tally);
  }
}

async function openIntentsOf(context: ApplyContext): Promise<readonly OpenIntent[]> {
  const intents = await context.store.db
    .selectFrom("open_intents")
    .select(["ordinal", "at"])
    .where("plan", "=", context.plan.id)
    .orderBy("ordinal")
    .limit(CHUNK)
    .execute();
  if (intents.length === 0) return [];
  const rows = await context.store.db
    .selectFrom("plan_changes")
    .selectAll()
    .where("plan", "=", context.plan.id)
    .where(
      "ordinal",
      "in",
      intents.map((intent) => intent.ordinal),
    )
    .execute();
  const at = new Map(intents.map((intent) => [intent.ordinal, intent.at]));
  return rows.map((row) => ({ row, at: at.get(row.ordinal) ?? 0 }));
}

async function resolveChunk(context: ApplyContext, open: readonly OpenIntent[], tally: Tally): Promise<Tally> {
  const { store } = context;
  const prepared = await prepareBatch(
    sceneOf(context),
    open.map(({ row }) => row),
    { checkStale: false },
  );
  const shown: Prepared[] = [];
  const outcomes: Outcome[] = [];
  const without: Prepared[] = [];
  for (const [index, change] of prepared.entries()) {
    context.signal.throwIfAborted();
    const outcome = await lookUp(context, change, open[index]?.at ?? 0);
    if (outcome) {
      shown.push(change);
      outcomes.push(outcome);
    } else {
      without.push(change);
    }
  }
  return await store.fenced(context.lease, async (tx) => {
    const next = await recordOutcomes(context, tx, shown, outcomes, tally);
    const ordinals = without.map(({ row }) => row.ordinal);
    await markChanges(tx, context.plan.id, "again", ordinals);
    await closeIntents(context, tx, ordinals);
    const detail = "no answer was heard and the change did not take effect; it is sent again";
    const entries = without.map(({ row }) => ({
      ...entryBase(context),
      type: "outcome" as const,
      ordinal: row.ordinal,
      kind: row.kind,
      objectId: row.object_id,
      action: row.action,
      status: "no_effect",
      code: "outcome_unknown",
      detail,
    }));
    await appendJournal(tx, store, streamOf(context.sync), entries);
    await saveRun(tx, context.reportTo, {
      counts: JSON.stringify(next.counts),
      failed: next.failed,
      unchanged: next.unchanged,
    });
    return next;
  });
}

/** The outcome that the target's records show; null when the change had no effect. */
async function lookUp(context: ApplyContext, change: Prepared, intentAt: number): Promise<Outcome | null> {
  if (!change.send) return null;
  if (change.row.action === "create") return await lookUpCreate(context, change, intentAt);
  const recordId = change.send.recordId ?? "";
  const members = change.row.action === "members";
  const [record] = await context.target.get(change.row.kind, [recordId], { members }, context.signal);
  if (change.row.action === "delete") return record ? null : { status: "applied", recordId };
  if (!record)
    return {
      status: "refused",
      code: "record_missing",
      detail: "the target no longer holds the record",
      retry: "later",
    };
  return shows(record, change) ? { status: "applied", recordId } : null;
}

async function lookUpCreate(context: ApplyContext, change: Prepared, intentAt: number): Promise<Outcome | null> {
  const { store, kind, signal } = context;
  const until = intentAt + kind.settleMs;
  for (;;) {
    const late = store.clock.now() >= until;
    const found = await findCreated(context, change);
    if (found.length > 1) {
      const detail = `${found.length} records of the target have the matching value`;
      return { status: "refused", code: "ambiguous", detail, retry: "later" };
    }
    const [record] = found;
    if (record) return { status: "applied", recordId: record.id };
    if (late) return null;
    await store.clock.sleep(Math.min(500, Math.max(1, until - store.clock.now())), signal);
  }
}

/** The records that the create can have made: found by the first matching attribute with a hit, linked to nobody. */
async function findCreated(context: ApplyContext, change: Prepared): Promise<readonly TargetRecord[]> {
  const { target, kind, signal, store, space } = context;
  for (const attribute of context.matching) {
    const value = change.send?.set[attribute];
    if (value === undefined || value === null) continue;
    const hits = await target.find(kind.name, attribute, [value], signal);
    const linked = await linkedRecords(
      store.db,
      space.target,
      kind.name,
      hits.map((hit) => hit.id),
    );
    const free = hits.filter((hit) => !linked.has(hit.id));
    if (free.length > 0) return free;
  }
  return [];
}

function shows(record: TargetRecord, change: Prepared): boolean {
  const { send } = change;
  if (!send) return false;
  if (send.active !== undefined && record.active !== send.active) return false;
  const members = new Set(record.members ?? []);
  if (send.add?.some((id) => !members.has(id)) || send.remove?.some((id) => members.has(id))) return false;
  return Object.entries(send.set).every(([name, value]) => equal(record.attributes, name, value));
}

function equal(attributes: Attributes, name: string, value: Value): boolean {
  return JSON.stringify(attributes[name] ?? null) === JSON.stringify(value);
}
