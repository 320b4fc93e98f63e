import type { SyncDefinition } from "@entrain/core";
import { loadRecords } from "../../store/directory.ts";
import { loadLinks, saveLinks, takeLinkSequences } from "../../store/links.ts";
import { loadPending } from "../../store/pending.ts";
import { clearPlan, updatePlan } from "../../store/plans.ts";
import type { Tally } from "../applying.ts";
import type { Position } from "../basis.ts";
import { type Candidates, reportsOf } from "../candidates.ts";
import { type Applied, applyOne, NOTHING } from "../carry-out.ts";
import { refuseManyLost } from "../emptied.ts";
import { type Evaluated, evaluateBatch } from "../evaluate-batch.ts";
import { forgetRecords } from "../forget-lost.ts";
import { Matcher } from "../match-records.ts";
import { dirtyPairs } from "../pairs.ts";
import { finishPlan, openPlan } from "../plan.ts";
import type { NewChange, PlanContext } from "../plan-context.ts";
import { planPairs } from "../plan-members.ts";
import { PlanWriter } from "../plan-writer.ts";
import { freshSync, type Session } from "../session.ts";
import { acknowledged } from "./compare.ts";
import type { Drift, ReconcileNotes } from "./notes.ts";
import { driftedPairs } from "./repair-members.ts";

/** What a repair works with. `active`: how many active records the sync owns, and how many of these are missing. */
interface Repair {
  readonly position: Position;
  readonly notes: ReconcileNotes;
  readonly tally: Tally;
  readonly active: { readonly owned: number; readonly lost: number };
}

const BATCH = 500;

/**
 * Plans what puts records back that others changed, deleted or moved, and applies what no guard holds. What differs and is not
 * the sync's to write is known from now on.
 * @throws ConnectorError `target_emptied` when more records are gone than the removal guard allows
 */
export async function repairDrift(session: Session, repair: Repair): Promise<Applied> {
  const { engine, lease, options } = session;
  const { store } = engine;
  const { notes, tally } = repair;
  const sync = await freshSync(session);
  const { guard } = JSON.parse(sync.definition) as SyncDefinition;
  refuseManyLost(repair.active.lost, repair.active.owned, guard.removals);
  const isOpen = notes.open("missing", "", 1).length + notes.open("changed", "", 1).length > 0;
  if (!isOpen && notes.groups().next().done === true) return { ...NOTHING, tally };
  const { connection, targetRow, target, run } = session;
  const { actor, signal, onProgress } = options;
  const context = await openPlan(
    {
      ...{ store, keyring: engine.keyring, sync, connection, targetRow, target, lease, position: repair.position },
      ...{ run, actor, firstOrdinal: 0, recreate: false, signal, onProgress },
    },
    "repair",
  );
  try {
    await forgetLost(session, context, notes);
    const { plan } = await fillRepair({ ...context, span: { ...context.span, cursor: context.span.upto } }, notes);
    return await applyOne(session, plan, tally);
  } catch (error) {
    const row = await store.db.selectFrom("plans").select("state").where("id", "=", context.plan.id).executeTakeFirst();
    if (row?.state === "building") {
      await store.fenced(lease, async (tx) => {
        await clearPlan(tx, context.plan.id);
        await updatePlan(tx, context.plan.id, { state: "abandoned" });
      });
    }
    throw error;
  } finally {
    context.lookups?.close();
  }
}

/** What the target has lost is linked no more, as when an update finds it gone; until it is made anew it is pending. */
async function forgetLost(session: Session, context: PlanContext, notes: ReconcileNotes): Promise<void> {
  const { store, lease, space, kind, sync, plan } = context;
  const { options, run } = session;
  for (let after = ""; ; ) {
    const page = notes.open("missing", after, BATCH);
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.objectId;
    const lost = page.map(({ objectId: object_id, recordId: record_id }) => ({ object_id, record_id }));
    const of = { store, sync, space, kind, actor: options.actor, run };
    await store.fenced(lease, (tx) => forgetRecords(of, tx, { lost, plan: plan.id }));
  }
}

async function fillRepair(context: PlanContext, notes: ReconcileNotes): ReturnType<typeof finishPlan> {
  const { space, kind, plan, span } = context;
  const writer = new PlanWriter(context, 0);
  await context.lookups?.begin();
  const done = new Set<string>();
  const fresh: string[] = [];
  const missing = new Matcher(context);
  for (const [page, candidates] of pages(context, notes, "missing")) {
    const result = await evaluateBatch(context, missing, await candidates());
    for (const { objectId } of page) done.add(objectId);
    fresh.push(...result.fresh);
    await writer.write(result);
  }
  // The values that the target holds now are read anew, one by one: what others did is then what was known before.
  const doubting: PlanContext = { ...context, recreate: true };
  const changed = new Matcher(doubting, { doubted: notes.count("changed") });
  for (const [page, candidates] of pages(context, notes, "changed")) {
    const result = await evaluateBatch(doubting, changed, await candidates());
    const drifts = new Map(page.map((drift) => [drift.objectId, drift]));
    for (const { objectId } of page) done.add(objectId);
    fresh.push(...result.fresh);
    await acknowledge(context, drifts, result);
    await writer.write({ ...result, changes: result.changes.map((row) => asRepair(row, drifts.get(row.object_id))) });
  }
  // Whoever points to a record that is made anew points to nothing just now.
  for (let at = 0; at < fresh.length; at += BATCH) {
    for await (const { rows, pending } of reportsOf(span, fresh.slice(at, at + BATCH))) {
      const others = rows.filter(({ id }) => !done.has(id));
      await writer.write(await evaluateBatch(context, missing, { rows: others, pending }));
    }
  }
  if (kind.members.length > 0) {
    await planPairs(context, asDrift(writer), driftedPairs(context, notes), fresh);
    const { link_upto: linkUpto } = plan;
    const of = { memberKinds: kind.members, nests: kind.members.includes(kind.name), linkCursor: linkUpto, linkUpto };
    if (fresh.length > 0) await planPairs(context, writer, dirtyPairs({ span, space, fresh, ...of }), fresh);
  }
  return await finishPlan(context, writer);
}

/** What is to be repaired, page by page, with the directory's records. */
function* pages(
  { store, sync, kind }: PlanContext,
  notes: ReconcileNotes,
  sort: Drift["sort"],
): Generator<readonly [readonly Drift[], () => Promise<Candidates>]> {
  for (let after = ""; ; ) {
    const page = notes.open(sort, after, BATCH);
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.objectId;
    const ids = page.map(({ objectId }) => objectId);
    yield [
      page,
      async () => {
        const records = await loadRecords(store.db, sync.connection, ids);
        const rows = [...records.values()].filter((row) => row.kind === kind.source);
        return { rows, pending: await loadPending(store.db, sync.id, ids) };
      },
    ];
  }
}

const TURNED = { true: "Enabled in the target by others", false: "Disabled in the target by others" } as const;

/** A change of the plan says that it puts back what others did. */
function asRepair(row: NewChange, drift: Drift | undefined): NewChange {
  if (drift === undefined || row.action === "create" || row.action === "join") return row;
  const turned = drift.active === null ? "" : TURNED[`${drift.active}`];
  const said = turned === "" && row.action === "update" ? "Changed in the target by others" : turned;
  const cause = row.action === "update" ? "drift" : row.cause;
  return said === "" ? { ...row, cause } : { ...row, cause, reason: `${said}; ${row.reason}` };
}

/** Memberships that others moved are put back whatever the target acknowledged from us. */
function asDrift(writer: PlanWriter): Pick<PlanWriter, "write"> {
  return {
    write: async (batch) => {
      const changes = batch.changes.map((row) => {
        const reason = `Moved in the target by others; ${row.reason}`;
        return { ...row, cause: "drift", reason };
      });
      await writer.write({ ...batch, changes });
    },
  };
}

/** What others made of a record and nothing is planned of is what it should be, or none of the sync's: it is known from now on. */
async function acknowledge(
  { store, lease, space, kind, rules }: PlanContext,
  drifts: ReadonlyMap<string, Drift>,
  { changes, issues }: Evaluated,
): Promise<void> {
  if (!rules.operations.update) return;
  const open = new Set([
    ...changes.map((row) => row.object_id),
    ...issues.flatMap(({ state, object_id: id }) => (OPEN.includes(state) && id !== null ? [id] : [])),
  ]);
  const ids = [...drifts.keys()].filter((id) => !open.has(id));
  if (ids.length === 0) return;
  await store.fenced(lease, async (tx) => {
    const links = await loadLinks(tx, space, [kind.name], ids);
    let sequence = await takeLinkSequences(tx, space.target, links.size);
    const known = [...links].flatMap(([id, link]) => {
      const drift = drifts.get(id);
      return drift === undefined ? [] : [{ ...acknowledged(link, drift), sequence: sequence++ }];
    });
    await saveLinks(store, tx, known);
  });
}

const OPEN: readonly string[] = ["issue", "suppressed", "gone"];
