import { inWords, isConcealed, isReference, recordName, SENSITIVE, type TargetRecord, type Value } from "@entrain/core";
import type { LinkRow } from "../../store/links.ts";
import { linksOfRecords, ownedPage } from "../../store/owned-links.ts";
import { pinnedMembers, pinnedRecords } from "../../store/pins.ts";
import { openBasis, type Position, positionOf } from "../basis.ts";
import { NOTHING } from "../carry-out.ts";
import type { Engine } from "../context.ts";
import { inRun, type RunSummary } from "../in-run.ts";
import { leftAlone } from "../plan.ts";
import type { BatchContext } from "../plan-context.ts";
import { readConnection } from "../read-connection.ts";
import { settleLeft } from "../recover.ts";
import type { Some } from "../report-notes.ts";
import { closeHolds, freshSync, type RunOptions, type Session } from "../session.ts";
import { compareRecords, keepLearnt } from "./compare.ts";
import { compareMembers, type MembersDrift } from "./members.ts";
import { foreignNames, namesOf } from "./names.ts";
import { type Drift, type MemberDrift, ReconcileNotes } from "./notes.ts";
import { repairDrift } from "./repair.ts";
import { settleToTell, unsettledOf } from "./unsettled.ts";

export interface ReconcileOptions extends RunOptions {
  /** Plans what puts the records back, and applies what no guard holds. */
  readonly repair: boolean;
  /** How many of each sort are named. */
  readonly samples: number;
}

interface DriftedField {
  /** Of the target; `active` for whether the record is active. */
  readonly attribute: string;
  readonly known: Value;
  readonly present: Value;
  /** The same for people: a reference by the name of whom it refers to. */
  readonly knownInWords: string;
  readonly presentInWords: string;
}

/** A record of the sync's. `kept`: why a repair leaves it alone; `null`: it does not. */
interface DriftedRecord {
  /** Object id, and the target's id of the record. */
  readonly id: string;
  readonly record: string;
  readonly name: string;
  readonly kept: string | null;
}

type ChangedRecord = DriftedRecord & { readonly fields: readonly DriftedField[] };

/** What a target holds, compared with what a sync owns there. */
export interface ReconcileReport {
  readonly sync: string;
  readonly connection: string;
  readonly target: string;
  /** The target's kind of record. */
  readonly records: string;
  /** Records that the sync owns, missing ones included, and all of the kind that the target holds. */
  readonly owned: number;
  readonly held: number;
  /** The target holds them no more. */
  readonly missing: Some<DriftedRecord>;
  /** Others changed what the sync owns. */
  readonly changed: Some<ChangedRecord>;
  /** Others changed attributes that are theirs since, for their rule is `untilChanged`. */
  readonly theirs: Some<ChangedRecord>;
  /**
   * The last change of them was sent and not heard of, as an emptied target leaves it: what they hold may be the sync's own doing,
   * so it is compared once a run has looked that up. `record` is empty where that change made the record.
   */
  readonly unsettled: Some<DriftedRecord>;
  /** Nobody's: no sync made or joined them. */
  readonly unknown: Some<{ readonly id: string; readonly name: string; readonly active: boolean }> & {
    readonly active: number;
  };
  readonly members: { readonly [sort in keyof MembersDrift]: Some<Omit<MemberDrift, "sort">> };
  /** Nothing of the sync's differs, as far as a repair would put it back, and all of it was compared. */
  readonly inStep: boolean;
  /** Something differs that a repair would look at: it is neither pinned nor waits for approval. */
  readonly repairable: boolean;
}

export interface Reconciled {
  /** `null` when the run broke off before all was compared. */
  readonly report: ReconcileReport | null;
  readonly run: RunSummary;
}

/**
 * Reads a target in full and compares it with what a sync owns there; with `repair` what others changed, removed and moved
 * is put back by a plan, guarded as any. Without it nothing is written but what is known of attributes that others own.
 */
export async function reconcileSync(engine: Engine, options: ReconcileOptions): Promise<Reconciled> {
  const notes = new ReconcileNotes();
  let report: ReconcileReport | null = null;
  try {
    const run = await inRun(engine, options, "reconcile", async (session) => {
      const tally = options.repair ? await settleLeft(session) : await settleToTell(session);
      const position = options.repair ? await readConnection(session) : await positionNow(session);
      await closeHolds(session);
      const context = await openContext(session, position);
      try {
        const totals = await compareTarget(context, notes);
        report = await reportOf(context, notes, options.samples, { session, records: context.kind.name, ...totals });
        return options.repair
          ? await repairDrift(session, { position, notes, tally, ...totals })
          : { ...NOTHING, tally };
      } finally {
        context.lookups?.close();
      }
    });
    return { report, run };
  } finally {
    notes.close();
  }
}

async function positionNow({ engine, connection }: Session): Promise<Position> {
  return { ...(await positionOf(engine.store, connection.id, [])), complete: true };
}

/** What comparing works with; under the sync's lease. */
type CompareContext = BatchContext & {
  readonly lease: Session["lease"];
  readonly report: Session["options"]["onProgress"];
  readonly unsettled: Awaited<ReturnType<typeof unsettledOf>>;
};

async function openContext(session: Session, position: Position): Promise<CompareContext> {
  const { engine, connection, targetRow, target, options, lease } = session;
  const { store, keyring } = engine;
  const { signal, onProgress: report } = options;
  const sync = await freshSync(session);
  const of = { store, keyring, sync, connection, targetRow, target, position, recreate: false, signal };
  const unsettled = await unsettledOf(store.db, sync.id);
  return { ...(await openBasis(of)), lease, plan: { id: "" }, report, unsettled };
}

interface Totals {
  readonly owned: number;
  readonly held: number;
  /** Of the owned ones that are active: what leavers left may be cleared away. */
  readonly active: { readonly owned: number; readonly lost: number };
}

async function compareTarget(context: CompareContext, notes: ReconcileNotes): Promise<Totals> {
  const { target, kind, store, sync, space, signal, unsettled } = context;
  notes.addDrifts(
    [...unsettled.values()].map((one) => ({ ...one, sort: "unsettled", kept: UNSETTLED, fields: [], active: null })),
  );
  const kept = await keptOf(context);
  const pinned = await pinnedMembers(store.db, sync.id);
  let held = 0;
  for await (const page of target.list(kind.name, { members: kind.members.length > 0 }, signal)) {
    signal.throwIfAborted();
    const ids = page.map(({ id }) => id);
    const links = await linksOfRecords(store.db, { target: space.target, kind: kind.name }, ids);
    const pairs = page.flatMap((record) =>
      (links.get(record.id) ?? []).flatMap((link) => (link.sync === sync.id ? [{ link, record }] : [])),
    );
    notes.addSeen(pairs.map(({ record }) => record.id));
    const isKnown = ({ id }: TargetRecord): boolean => links.get(id)?.some((link) => link.sync !== null) === true;
    notes.addUnknown(page.filter((one) => !isKnown(one)).map((one) => ({ ...one, name: recordName(one) })));
    await notePairs(context, notes, pairs, { kept, pinned });
    held += page.length;
    context.report({ phase: "reading", detail: `${kind.name}s of the target`, done: held, total: null });
  }
  const { owned, unlisted, active } = await noteMissing(context, notes, { kept, pinned });
  return { held: held + unlisted, owned, active };
}

/** Why a record is not repaired; `null`: it may be. */
type Kept = (objectId: string) => string | null;

/** Why a membership is not repaired goes with its group, or with the member alone. */
type Pinned = ReadonlyMap<string, ReadonlySet<string>>;

async function keptOf({ store, sync }: CompareContext): Promise<Kept> {
  const pinned = await pinnedRecords(store.db, sync.id);
  const all = await leftAlone({ store, sync });
  return (id) => {
    if (pinned.has(id)) return "it is pinned, by an undo or an exemption, until it is released";
    return all.has(id) ? "it waits in a plan for approval" : null;
  };
}

interface LinkedRecord {
  readonly link: LinkRow;
  readonly record: TargetRecord;
}

async function notePairs(
  context: CompareContext,
  notes: ReconcileNotes,
  all: readonly LinkedRecord[],
  { kept, pinned }: { readonly kept: Kept; readonly pinned: Pinned },
): Promise<void> {
  const { unsettled } = context;
  const pairs = all.filter(({ link }) => !unsettled.has(link.object_id));
  const compared = await compareRecords(context, pairs);
  // A target that was emptied may hold what a backup or another one had: that says nothing of whose an attribute is.
  if (unsettled.size === 0) await keepLearnt(context, compared);
  const drifted = compared.filter(({ fields, theirs, active }) => fields.length + theirs.length > 0 || active !== null);
  const names = await namesOf(
    context,
    drifted.map(({ link }) => link.object_id),
  );
  const { update } = context.rules.operations;
  notes.addDrifts(
    drifted.flatMap(({ link, record, fields, theirs, active }): readonly Drift[] => {
      const objectId = link.object_id;
      const name = names.get(objectId) ?? recordName(record);
      const base = { objectId, recordId: record.id, name };
      // What a disabled record is enabled to is put back by a removal; all else by an update.
      const why = update || active === true ? null : "the sync updates nothing (operations.update is false)";
      const isChanged = fields.length > 0 || active !== null;
      return [
        ...(isChanged ? [{ ...base, sort: "changed" as const, kept: kept(objectId) ?? why, fields, active }] : []),
        ...(theirs.length > 0
          ? [{ ...base, sort: "theirs" as const, kept: THEIRS, fields: theirs, active: null }]
          : []),
      ];
    }),
  );
  if (context.kind.members.length > 0)
    for (const pair of pairs) await noteMembers(context, notes, pair, { kept, pinned });
}

const THEIRS = "its rule is untilChanged";
const UNSETTLED = "the last change of it was sent and not heard of";

async function noteMembers(
  context: CompareContext,
  notes: ReconcileNotes,
  { link, record }: LinkedRecord,
  { kept, pinned }: { readonly kept: Kept; readonly pinned: Pinned },
): Promise<void> {
  const { added, removed, foreign } = await compareMembers(context, link.object_id, record);
  if (added.length + removed.length + foreign.length === 0) return;
  const names = await namesOf(context, [link.object_id, ...added, ...removed]);
  const group = names.get(link.object_id) ?? recordName(record);
  const drifts = (sort: keyof MembersDrift, ids: readonly string[]): readonly MemberDrift[] =>
    ids.map((member) => ({ groupId: link.object_id, group, member, name: names.get(member) ?? member, sort }));
  const stay = pinned.get(link.object_id);
  const repairable = kept(link.object_id) === null && [...added, ...removed].some((id) => stay?.has(id) !== true);
  const all = [...drifts("added", added), ...drifts("removed", removed), ...drifts("foreign", foreign)];
  notes.addMembers(all, repairable);
}

const PAGE = 500;
/** Ids that one `get` takes. */
const GET = 100;

/**
 * A record that was not listed is asked for by its id before it counts as missing. Answers how many records are owned, and how
 * many of them the target holds although it did not list them.
 */
async function noteMissing(
  context: CompareContext,
  notes: ReconcileNotes,
  { kept, pinned }: { readonly kept: Kept; readonly pinned: Pinned },
): Promise<Pick<Totals, "owned" | "active"> & { readonly unlisted: number }> {
  const { store, sync, kind, target, signal, rules, unsettled } = context;
  const members = kind.members.length > 0;
  let owned = 0;
  let unlisted = 0;
  const active = { owned: 0, lost: 0 };
  for (let after = ""; ; ) {
    signal.throwIfAborted();
    const page = await ownedPage(store.db, sync.id, { after, limit: PAGE });
    const last = page.at(-1);
    if (last === undefined) return { owned, unlisted, active };
    after = last.object_id;
    // A record that is shared is its owner's.
    const own = page.filter((link) => link.kind === kind.name && link.origin !== "shared");
    owned += own.length;
    active.owned += own.filter((link) => link.active === 1).length;
    const unseen = new Set(notes.unseen(own.map((link) => link.record_id)));
    const suspects = own.filter((link) => unseen.has(link.record_id));
    for (let at = 0; at < suspects.length; at += GET) {
      const asked = suspects.slice(at, at + GET);
      const ids = asked.map((link) => link.record_id);
      const found = new Map((await target.get(kind.name, ids, { members }, signal)).map((one) => [one.id, one]));
      const pairs = asked.flatMap((link) => {
        const record = found.get(link.record_id);
        return record === undefined ? [] : [{ link, record }];
      });
      await notePairs(context, notes, pairs, { kept, pinned });
      unlisted += pairs.length;
      const absent = asked.filter((link) => !found.has(link.record_id));
      // The sync's own deletion may be what took it away.
      const lost = absent.filter((link) => unsettled.get(link.object_id)?.action !== "delete");
      owned -= absent.length - lost.length;
      active.lost += lost.filter((link) => link.active === 1).length;
      const names = await namesOf(
        context,
        lost.map((link) => link.object_id),
      );
      const why = rules.operations.create ? null : "the sync creates nothing (operations.create is false)";
      notes.addDrifts(
        lost.map(({ object_id: objectId, record_id: recordId }) => ({
          ...{ objectId, recordId, name: names.get(objectId) ?? recordId, sort: "missing" as const },
          ...{ kept: kept(objectId) ?? why, fields: [], active: null },
        })),
      );
    }
  }
}

async function reportOf(
  context: CompareContext,
  notes: ReconcileNotes,
  limit: number,
  { session, records, owned, held }: Totals & { readonly session: Session; readonly records: string },
): Promise<ReconcileReport> {
  const { sync, connection, targetRow } = session;
  const some = <T, U>({ count, samples }: Some<T>, shape: (one: T) => U): Some<U> => ({
    count,
    samples: samples.map(shape),
  });
  const [missing, changed, theirs, unsettled] = [
    notes.drifts("missing", limit),
    notes.drifts("changed", limit),
    notes.drifts("theirs", limit),
    notes.drifts("unsettled", limit),
  ];
  const [added, removed, foreign] = [
    notes.members("added", limit),
    notes.members("removed", limit),
    notes.members("foreign", limit),
  ];
  const names = await namesOf(context, [...changed.samples, ...theirs.samples].flatMap(refersIn));
  const called = await foreignNames(
    context,
    foreign.samples.map(({ member }) => member),
  );
  return {
    ...{ sync: sync.name, connection: connection.name, target: targetRow.name, records, owned, held },
    missing: some(missing, driftedRecord),
    changed: some(changed, (drift) => changedRecord(drift, names)),
    theirs: some(theirs, (drift) => changedRecord(drift, names)),
    unsettled: some(unsettled, driftedRecord),
    unknown: notes.unknown(limit),
    members: {
      added,
      removed,
      foreign: some(foreign, (one) => ({ ...one, name: called.get(one.member) ?? one.name })),
    },
    inStep: missing.count + changed.count + added.count + removed.count + unsettled.count === 0,
    repairable: notes.repairable,
  };
}

/** The object ids that a record's changed attributes refer to. */
function refersIn({ fields }: Drift): readonly string[] {
  return fields.flatMap(({ known, present }) =>
    [known, present].flatMap((value) => (isReference(value) ? [value.$ref] : [])),
  );
}

function driftedRecord({ objectId, recordId, name, kept }: Drift): DriftedRecord {
  return { id: objectId, record: recordId, name, kept };
}

function changedRecord(drift: Drift, names: ReadonlyMap<string, string>): ChangedRecord {
  const { fields, active } = drift;
  const state = active === null ? [] : [{ attribute: "active", known: !active, present: active }];
  const shown = (value: Value): Value => (isConcealed(value) ? SENSITIVE : value);
  const said = (value: Value): string => inWords(value, (id) => names.get(id) ?? null);
  return {
    ...driftedRecord(drift),
    fields: [...state, ...fields].map(({ attribute, known, present }) => ({
      attribute,
      known: shown(known),
      present: shown(present),
      knownInWords: said(shown(known)),
      presentInWords: said(shown(present)),
    })),
  };
}
