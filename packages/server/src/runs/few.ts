import { type Attributes, byCodeUnits, type SyncDefinition, writesOf } from "@entrain/core";
import { type DirectoryRow, loadRecords } from "../store/directory.ts";
import { loadPending } from "../store/pending.ts";
import { changedRecords } from "./candidates.ts";
import { ambiguityOf, bySayingMore } from "./drop-ambiguous.ts";
import { evaluateBatch, wantedBy } from "./evaluate-batch.ts";
import { Matcher } from "./match-records.ts";
import type { BatchContext, NewChange, NewIssue } from "./plan-context.ts";
import { otherRecords, withoutReferenceTo } from "./seal.ts";

/** The most records that are matched at once: from twice as many on a matcher reads the whole target. */
const CHUNK = 100;

/** What the next plan says of one record. */
export interface PlannedRecord {
  readonly change: NewChange | null;
  readonly issues: readonly NewIssue[];
  /** The matching values that it wants, by which others find that it does. */
  readonly wanted: readonly string[];
}

/**
 * What the next plan of a sync says of a few records, by the run's own code and without writing anything. Others matter as
 * in a plan: who wants the same record of the target, and whether a manager gets one. What `SelectUniqueValue` chooses may
 * be taken by somebody else of the same plan first.
 */
export async function planFew(
  context: BatchContext,
  rows: readonly DirectoryRow[],
): Promise<ReadonlyMap<string, PlannedRecord>> {
  const planned = await evaluated(context, rows);
  const managers = [...planned.values()].flatMap(({ change }) => change?.waits_for ?? []);
  const missing = [...new Set(managers)].filter((id) => !planned.has(id));
  const records = await loadRecords(context.store.db, context.sync.connection, missing);
  for (const [id, one] of await evaluated(context, [...records.values()].filter(isOf(context)))) planned.set(id, one);
  const shared = await withRivals(context, planned);
  const otherwise = await otherRecords(context.store, context, managers);
  const found = { planned: shared, otherwise };
  return new Map(rows.map(({ id }) => [id, withoutUnlinked(context, found, shared.get(id) ?? NOTHING)]));
}

const NOTHING: PlannedRecord = { change: null, issues: [], wanted: [] };

function isOf({ kind }: BatchContext): (row: DirectoryRow) => boolean {
  return (row) => row.kind === kind.source;
}

async function evaluated(context: BatchContext, rows: readonly DirectoryRow[]): Promise<Map<string, PlannedRecord>> {
  const matcher = new Matcher(context);
  const found = new Map<string, PlannedRecord>();
  for (let at = 0; at < rows.length; at += CHUNK) {
    context.signal.throwIfAborted();
    const chunk = rows.slice(at, at + CHUNK);
    const ids = chunk.map(({ id }) => id);
    const pending = await loadPending(context.store.db, context.sync.id, ids);
    const { changes, issues, wanted } = await evaluateBatch(context, matcher, { rows: chunk, pending });
    for (const id of ids) {
      found.set(id, {
        change: changes.find(({ object_id }) => object_id === id) ?? null,
        issues: issues.filter(({ object_id }) => object_id === id),
        wanted: wanted.filter(({ objectId }) => objectId === id).map(({ key }) => key),
      });
    }
  }
  return found;
}

/** Records that want what another one of the plan wants, too, are ambiguous: the whole directory is asked for those. */
async function withRivals(
  context: BatchContext,
  planned: ReadonlyMap<string, PlannedRecord>,
): Promise<ReadonlyMap<string, PlannedRecord>> {
  const wanting = new Map<string, Set<string>>();
  const want = (id: string, { wanted }: PlannedRecord): void => {
    for (const key of wanted) wanting.set(key, (wanting.get(key) ?? new Set()).add(id));
  };
  for (const [id, one] of planned) want(id, one);
  if (wanting.size === 0) return planned;
  const all = new Map(planned);
  for await (const { rows } of changedRecords({ ...context.span, cursor: 0 })) {
    const others = (await wantedBy(context, rows)).filter(
      ({ objectId, key }) => !all.has(objectId) && wanting.has(key),
    );
    const ids = new Set(others.map(({ objectId }) => objectId));
    const rivals = await evaluated(
      context,
      rows.filter(({ id }) => ids.has(id)),
    );
    for (const [id, rival] of rivals) {
      all.set(id, rival);
      want(id, rival);
    }
  }
  const result = new Map<string, PlannedRecord>(planned);
  for (const key of [...wanting.keys()].sort(bySayingMore)) {
    const ids = wanting.get(key) ?? new Set();
    if (ids.size < 2) continue;
    const changes = [...ids].sort(byCodeUnits).flatMap((id) => all.get(id)?.change ?? []);
    for (const change of changes) {
      const { object_id: id } = change;
      if (result.get(id)?.change != null) result.set(id, ambiguous(change, ambiguityOf(key, changes)));
    }
  }
  return result;
}

function ambiguous(change: NewChange, detail: string): PlannedRecord {
  const { object_id, record_sequence: sequence, name } = change;
  return {
    change: null,
    wanted: [],
    issues: [{ state: "issue", sequence, code: "ambiguous", detail, object_id, name }],
  };
}

/** A reference to somebody whom the target will not hold is left out; a change that asks for nothing else is none. */
function withoutUnlinked(
  { definition, complete }: BatchContext,
  of: {
    readonly planned: ReadonlyMap<string, PlannedRecord>;
    readonly otherwise: Awaited<ReturnType<typeof otherRecords>>;
  },
  one: PlannedRecord,
): PlannedRecord {
  const { change } = one;
  if (change?.waits_for == null) return one;
  const action = of.planned.get(change.waits_for)?.change?.action;
  if (action === "create" || action === "join") return one;
  const before = JSON.parse(change.before ?? "{}") as Attributes;
  const keeps = (name: string): boolean => !complete || keepsOf(definition, name);
  const ways = { keeps, otherwise: of.otherwise };
  const after = withoutReferenceTo(change.waits_for, { before, after: JSON.parse(change.after ?? "{}") }, ways);
  if (change.action === "update" && Object.keys(writesOf({ before, after })).length === 0) {
    return { ...one, change: null };
  }
  return { ...one, change: { ...change, after: JSON.stringify(after), waits_for: null } };
}

function keepsOf({ mapping }: SyncDefinition, name: string): boolean {
  return mapping[name]?.whenEmpty === "keep";
}
