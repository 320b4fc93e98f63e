import { newId } from "../../clock.ts";
import { appendJournal } from "../../store/journal.ts";
import { releasePins } from "../../store/pins.ts";
import { createPlan, dropPlan, NO_COUNTS, type PlanRow, plansIn, UNASKED, updatePlan } from "../../store/plans.ts";
import { streamOf } from "../applying.ts";
import { openBasis, positionOf } from "../basis.ts";
import { pinHeld } from "../begin.ts";
import { NOTHING } from "../carry-out.ts";
import type { Engine } from "../context.ts";
import { inRun, type RunSummary } from "../in-run.ts";
import { syncLease, withLease } from "../lease.ts";
import { PlanWriter } from "../plan-writer.ts";
import { settleLeft, withdrawLeft } from "../recover.ts";
import { dropUnresolvable, rankReferences, sealPlan } from "../seal.ts";
import { freshSync, leaseOptions, type RunOptions, type Session } from "../session.ts";
import { tellHeld } from "../tell-plans.ts";
import { type Chosen, Deeds } from "./deeds.ts";
import { inversesOf, judgeDeleted } from "./inverses.ts";
import { planReferences } from "./references-back.ts";
import type { UndoContext } from "./rows.ts";
import { isOwnRun, isUndoing, nothing, refuseAmbiguous, refuseSlips, refuseUnknown, runToUndo } from "./run-to-undo.ts";
import { chosenAlong, planAlong, tellStaying } from "./went-along.ts";

export interface UndoOptions extends RunOptions {
  /** The run whose changes go back; `null`: the last one of the sync that applied something. */
  readonly of: string | null;
  readonly chosen: Chosen;
}

/** Records whose changes go back together, with a few requests to the target. */
const BATCH = 100;

/**
 * Plans the inverse of a run, or of chosen changes of it, from the journal's before-images. The plan waits for approval; what
 * cannot come back stands in it with its reason. Nothing is written to the target before that. It ends as `failed` with
 * `nothing_to_undo` when none of the run's changes can be undone; a run or a choice that is none is a slip, and no run of its own.
 * @throws ConnectorError `not_found` when there is no such run, `nothing_to_undo` when it changed nothing of what is asked for
 */
export async function undoRun(engine: Engine, options: UndoOptions): Promise<RunSummary> {
  await refuseSlips(engine.store, options);
  return await inRun(engine, options, "undo", async (session) => {
    await settleLeft(session);
    const run = await runToUndo(engine.store, { sync: session.sync, of: options.of, not: session.run });
    await withdrawLeft(session, `the run ${run} is undone`, run);
    return { ...NOTHING, held: await planUndo(session, run, options.chosen) };
  });
}

/** Lets the next runs decide again on records that were undone, or on all of a sync's. Answers how many there were. */
export async function releaseUndone(
  engine: Engine,
  options: RunOptions & { readonly records: readonly string[] | null },
): Promise<number> {
  const { store } = engine;
  return await withLease(store, syncLease(options.sync), leaseOptions(options), async (lease) =>
    store.fenced(lease, async (tx) => {
      const released = await releasePins(store, tx, options.sync, options.records);
      const detail = "undone or exempted before, and the sync's again";
      const base = { type: "released", actor: options.actor, detail };
      const entries = released.map((objectId) => ({ ...base, objectId }));
      await appendJournal(tx, store, streamOf({ id: options.sync }), entries);
      return released.length;
    }),
  );
}

async function planUndo(session: Session, run: string, chosen: Chosen): Promise<PlanRow> {
  const { engine, lease } = session;
  const { store } = engine;
  const context = await openUndo(session, run);
  const deeds = await Deeds.read(store, { stream: streamOf(session.sync), run }, chosen);
  try {
    const missing = deeds.missing(chosen);
    const along = await chosenAlong(context, chosen, missing);
    refuseUnknown(
      run,
      missing.filter((one) => !along.has(one)),
    );
    await refuseAmbiguous(store, { sync: context.sync, run, chosen });
    const writer = new PlanWriter(context, 0);
    for (const batch of deeds.batches(BATCH)) {
      session.options.signal.throwIfAborted();
      await judgeDeleted(context, batch, deeds);
    }
    for (const batch of deeds.batches(BATCH)) {
      session.options.signal.throwIfAborted();
      await writer.write({ ...(await inversesOf(context, batch, deeds)), wanted: [] });
    }
    const isOthers = !(await isOwnRun(store, context.sync, run));
    await planAlong(context, writer, { deeds, chosen, isOthers });
    await tellStaying(context, writer);
    await planReferences(context, writer, deeds);
    return await sealUndo(session, context, writer);
  } catch (error) {
    await store.fenced(lease, (tx) => dropPlan(tx, context.plan.id));
    throw error;
  } finally {
    deeds.close();
    context.lookups?.close();
  }
}

async function openUndo(session: Session, run: string): Promise<UndoContext> {
  const { engine, connection, targetRow, target, options, lease } = session;
  const { store, keyring } = engine;
  const sync = await freshSync(session);
  const position = { ...(await positionOf(store, connection.id, [])), complete: true };
  const { signal } = options;
  const of = { store, keyring, sync, connection, targetRow, target, position, recreate: false, signal };
  const basis = await openBasis(of);
  const plan: PlanRow = {
    id: newId(store.clock, "plan"),
    sync: sync.id,
    run: null,
    part: "undo",
    undoes: run,
    ...UNASKED,
    asked_by: JSON.stringify(options.actor),
    approval: basis.definition.approval ?? null,
    revision: sync.revision,
    complete: 1,
    state: "building",
    digest: null,
    counts: JSON.stringify(NO_COUNTS),
    holds: "[]",
    upto: sync.cursor,
    link_upto: sync.link_cursor,
    created_at: store.clock.now(),
    sealed_at: null,
    approved_by: null,
    approved_at: null,
    finished_at: null,
  };
  await store.fenced(lease, (tx) => createPlan(tx, plan));
  return { ...basis, lease, plan };
}

async function sealUndo(session: Session, context: UndoContext, writer: PlanWriter): Promise<PlanRow> {
  const { store } = session.engine;
  const { lease, plan, kind, space } = context;
  const seal = { store, lease, plan, keeps: () => false };
  await dropUnresolvable(seal, { kind, space });
  await rankReferences(seal);
  if (writer.next === 0) throw nothing(await whyNothing(context), await undoneFix(context));
  const detail = `It brings back what the run ${plan.undoes} changed.`;
  const sealed = await sealPlan(seal, { state: "building", holds: [{ code: "undo", detail }] });
  const waiting = (await plansIn(store.db, context.sync.id, ["held"])).findLast(
    ({ digest }) => digest === sealed.digest,
  );
  if (waiting !== undefined) {
    // Nothing changed since it was asked for the last time: one plan waits, not two.
    await store.fenced(lease, (tx) => dropPlan(tx, plan.id));
    return waiting;
  }
  const held = { ...sealed, state: "held" };
  await store.fenced(lease, async (tx) => {
    await updatePlan(tx, plan.id, { state: held.state });
    await tellHeld(tx, store, { sync: context.sync, plan: held });
    await pinHeld({ store, sync: context.sync }, tx, held);
    const entry = { type: "undo", actor: session.options.actor, run: session.run, plan: plan.id, detail: plan.undoes };
    await appendJournal(tx, store, streamOf(context.sync), [entry]);
  });
  return held;
}

/** Nothing that the run did can come back: the first reasons say why. */
async function whyNothing({ store, plan }: UndoContext): Promise<string> {
  const rows = await store.db
    .selectFrom("plan_issues")
    .select(["name", "detail"])
    .where("plan", "=", plan.id)
    .orderBy("ordinal")
    .limit(SAID + 1)
    .execute();
  if (rows.length === 0) return `Nothing of the run ${plan.undoes} is left to undo: all of it is as it was before.`;
  const said = rows.slice(0, SAID).map(({ name, detail }) => `${name}: ${detail}`);
  return `Nothing of the run ${plan.undoes} can be undone: ${said.join("; ")}${rows.length > SAID ? "; and more" : ""}.`;
}

/** What an undoing let go of is nobody's to take back: another run would not help, but the sync may be let decide again. */
async function undoneFix({ store, plan, sync }: UndoContext): Promise<string | undefined> {
  if (!(await isUndoing(store, plan.undoes ?? ""))) return undefined;
  return (
    `That run was an undoing itself. What it undid stays so until it is released; let the next run decide again: entrain sync release ${sync.name} --record ID, ` +
    `or --all. What there is: entrain sync undone ${sync.name}`
  );
}

/** So many reasons are said in one line. */
const SAID = 3;
