import { matchKey, matchKeys, type Outcome, sameValue, type TargetRecord } from "@entrain/core";
import type { Transaction } from "kysely";
import { appendJournal } from "../store/journal.ts";
import { linkedRecords } from "../store/links.ts";
import { markChanges, type PlanChangeRow } from "../store/plans.ts";
import { saveRun } from "../store/runs.ts";
import type { DB } from "../store/schema.ts";
import { isLookup, lookUpValues } from "./apply-lookups.ts";
import { type ApplyContext, closeIntents, entryBase, sceneOf, streamOf, type Tally } from "./applying.ts";
import { judgeMissing } from "./missing.ts";
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
 * @throws ConnectorError `target_emptied`; the intents stay open
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
  if (open.some(({ row }) => isLookup(row))) return await resolveLookups(context, open, tally);
  const prepared = await prepareBatch(
    sceneOf(context),
    open.map(({ row }) => row),
    { checkStale: false },
  );
  const shown: Prepared[] = [];
  const outcomes: Outcome[] = [];
  const without: Prepared[] = [];
  const seen = await lookAll(context, prepared);
  for (const [index, change] of prepared.entries()) {
    context.signal.throwIfAborted();
    const outcome = await lookUp(context, change, open[index]?.at ?? 0, seen);
    if (outcome) {
      shown.push(change);
      outcomes.push(outcome);
    } else {
      without.push(change);
    }
  }
  const judged = await judgeMissing(context, shown, outcomes);
  return await store.fenced(context.lease, async (tx) => {
    const next = await recordOutcomes(context, tx, shown, judged, tally);
    await sendAgain(
      context,
      tx,
      without.map(({ row }) => row),
    );
    await saveRun(tx, context.reportTo, {
      counts: JSON.stringify(next.counts),
      failed: next.failed,
      unchanged: next.unchanged,
    });
    return next;
  });
}

/** Values of lookups are looked up by themselves; the others of the chunk come next. */
async function resolveLookups(context: ApplyContext, open: readonly OpenIntent[], start: Tally): Promise<Tally> {
  const { tally, without } = await lookUpValues(
    context,
    open.filter(({ row }) => isLookup(row)),
    start,
  );
  if (without.length > 0) await context.store.fenced(context.lease, (tx) => sendAgain(context, tx, without));
  return tally;
}

async function sendAgain(context: ApplyContext, tx: Transaction<DB>, rows: readonly PlanChangeRow[]): Promise<void> {
  const ordinals = rows.map((row) => row.ordinal);
  await markChanges(tx, context.plan.id, "again", ordinals);
  await closeIntents(context, tx, ordinals);
  const detail = "no answer was heard and the change did not take effect; it is sent again";
  const entries = rows.map((row) => ({
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
  await appendJournal(tx, context.store, streamOf(context.sync), entries);
}

/** What the target holds of a chunk of changes, by their ordinals. */
interface Seen {
  /** When the target was asked. */
  readonly at: number;
  /** What each creation can have made. */
  readonly made: ReadonlyMap<number, readonly TargetRecord[]>;
  /** The record that each other change was sent to. */
  readonly held: ReadonlyMap<number, TargetRecord>;
}

/** Asks for many at once: to a target that reads a file for every question, one by one would take hours. */
async function lookAll(context: ApplyContext, changes: readonly Prepared[]): Promise<Seen> {
  const { target, kind, signal, store } = context;
  const at = store.clock.now();
  const creates = changes.filter(({ row }) => row.action === "create");
  const held = new Map<number, TargetRecord>();
  for (const members of [false, true]) {
    const asking = changes.filter(({ row }) => row.action !== "create" && (row.action === "members") === members);
    const ids = [...new Set(asking.flatMap(({ send }) => send?.recordId ?? []))];
    if (ids.length === 0) continue;
    const records = new Map((await target.get(kind.name, ids, { members }, signal)).map((one) => [one.id, one]));
    for (const { row, send } of asking) {
      const record = records.get(send?.recordId ?? "");
      if (record) held.set(row.ordinal, record);
    }
  }
  return { at, made: await findCreated(context, creates), held };
}

/** The outcome that the target's records show; null when the change had no effect. */
async function lookUp(context: ApplyContext, change: Prepared, intentAt: number, seen: Seen): Promise<Outcome | null> {
  const { row, send } = change;
  if (!send) return null;
  if (row.action === "create") return await lookUpCreate(context, change, intentAt, seen);
  const recordId = send.recordId ?? "";
  const record = seen.held.get(row.ordinal);
  if (row.action === "delete") return record ? null : { status: "applied", recordId };
  if (!record) {
    const detail = "the target no longer holds the record";
    return { status: "conflict", code: "record_missing", detail, retry: "now" };
  }
  return shows(record, change) ? { status: "applied", recordId } : null;
}

async function lookUpCreate(
  context: ApplyContext,
  change: Prepared,
  intentAt: number,
  seen: Seen,
): Promise<Outcome | null> {
  const { store, kind, signal } = context;
  const until = intentAt + kind.settleMs;
  let { at, made } = seen;
  for (;;) {
    const found = made.get(change.row.ordinal) ?? [];
    const [ours, ...more] = found.filter((record) => isMadeBy(change, record));
    if (more.length > 0) {
      const detail = `${more.length + 1} records of the target have the matching value`;
      return { status: "refused", code: "ambiguous", detail, retry: "later" };
    }
    if (ours) return { status: "applied", recordId: ours.id };
    if (at >= until) return found.length === 0 ? null : await oursOrNot(context, change, found);
    await store.clock.sleep(Math.min(500, Math.max(1, until - store.clock.now())), signal);
    at = store.clock.now();
    made = await findCreated(context, [change]);
  }
}

/**
 * Whether a record is the one that a create asked for: it holds the object id in the attribute that was to hold it.
 * Names and addresses alone prove nothing, for somebody may have made the same record by hand meanwhile.
 */
function isMadeBy({ row, send }: Prepared, record: TargetRecord): boolean {
  const anchors = Object.entries(send?.set ?? {}).filter(([, value]) => value === row.object_id);
  return anchors.some(([name]) => record.attributes[name] === row.object_id);
}

/**
 * Records that fit and hold no id of ours. A single one that the target shows to have been made by the creation is ours, too. Any
 * other is matched anew, and joined: compared with what it should be, held if it is privileged, never deleted.
 */
async function oursOrNot(
  { target, signal }: ApplyContext,
  { send }: Prepared,
  [record, ...more]: readonly TargetRecord[],
): Promise<Outcome> {
  const recordId = record?.id ?? "";
  if (send && more.length === 0 && ((await target.wasMade?.(send, recordId, signal)) ?? false)) {
    return { status: "applied", recordId };
  }
  const detail =
    `The creation was sent, and no answer was heard. The record ${recordId} fits, and nothing proves that it was made ` +
    "by that: it is matched anew, and what is joined is never deleted by an undo.";
  return { status: "conflict", code: "conflict", detail, retry: "now" };
}

/** The records that each create can have made: found by the first matching attribute with a hit, linked to nobody. */
async function findCreated(
  context: ApplyContext,
  changes: readonly Prepared[],
): Promise<ReadonlyMap<number, readonly TargetRecord[]>> {
  const { target, kind, signal, store, space } = context;
  const found = new Map<number, readonly TargetRecord[]>();
  for (const attribute of attributesToLookBy(context, changes)) {
    const declared = kind.attributes.find(({ name }) => name === attribute) ?? {};
    const asking = changes.flatMap(({ row, send }) => {
      const value = send?.set[attribute];
      const key = matchKey(value, declared);
      return value === undefined || key === null || found.has(row.ordinal)
        ? []
        : [{ ordinal: row.ordinal, value, key }];
    });
    if (asking.length === 0) continue;
    const values = asking.map(({ value }) => value);
    const hits = await target.find(kind.name, attribute, values, signal);
    const ids = hits.map((hit) => hit.id);
    const linked = await linkedRecords(store.db, space.target, kind.name, ids);
    for (const { ordinal, key } of asking) {
      const fits = (hit: TargetRecord): boolean => matchKeys(hit.attributes[attribute], declared).includes(key);
      const free = hits.filter((hit) => !linked.has(hit.id) && fits(hit));
      if (free.length > 0) found.set(ordinal, free);
    }
  }
  return found;
}

/**
 * A target attribute may be matched by without being written. Where none of them is, a record of ours is looked for by
 * whatever else the target can find by, for to create it twice is worse than to ask once more.
 */
function attributesToLookBy({ matching, kind }: ApplyContext, changes: readonly Prepared[]): readonly string[] {
  const isWritten = changes.every(({ send }) => matching.some((name) => (send?.set[name] ?? null) !== null));
  return isWritten ? matching : [...new Set([...matching, ...kind.matchable])];
}

function shows(record: TargetRecord, change: Prepared): boolean {
  const { send } = change;
  if (!send) return false;
  if (send.active !== undefined && record.active !== send.active) return false;
  const members = new Set(record.members ?? []);
  if (send.add?.some((id) => !members.has(id)) || send.remove?.some((id) => members.has(id))) return false;
  return Object.entries(send.set).every(([name, value]) => sameValue(record.attributes[name] ?? null, value));
}
