import { type Counts, matchedAttribute, type SyncDefinition } from "@entrain/core";
import { appendJournal } from "../store/journal.ts";
import { holdsOf, type PlanRow, updatePlan } from "../store/plans.ts";
import { saveRun } from "../store/runs.ts";
import { applyPlan } from "./apply.ts";
import { type ApplyContext, NO_TALLY, streamOf, type Tally } from "./applying.ts";
import { describedKind, type Position } from "./basis.ts";
import { beginPlan, type Holding, reviewHeld } from "./begin.ts";
import type { SyncRow } from "./context.ts";
import { probeDead } from "./failures/retries.ts";
import { forgetLost } from "./forget-lost.ts";
import { resolveOpenIntents } from "./intents.ts";
import { lookupIds } from "./lookup-records.ts";
import { doubtReferences } from "./lost-references.ts";
import { judgeAgain } from "./overtaken.ts";
import { buildPlan, type Planned } from "./plan.ts";
import { behindRead } from "./read-connection.ts";
import { keepReturned } from "./returned.ts";
import { revealer } from "./reveal.ts";
import { scopeNow } from "./scope-now.ts";
import { keepTrace } from "./selected.ts";
import { freshSync, reviewOf, type Session } from "./session.ts";
import { choosingRules } from "./still-free.ts";
import { stillWanted } from "./still-wanted.ts";
import { asSeen } from "./undo/as-seen.ts";
import { Unheard } from "./unheard.ts";

/** A reference that could not be written yet is written by a further plan of the same run; circles need one more. */
const FURTHER_PLANS = 2;

/** What a run did: all that it applied, the issues it found, and what it held. */
export interface Applied {
  readonly tally: Tally;
  readonly issues: number;
  readonly held: PlanRow | null;
}

export const NOTHING: Applied = { tally: NO_TALLY, issues: 0, held: null };

/** Plans from a position and applies that; what could not be written yet is planned once more. */
export async function planAndApply(session: Session, position: Position, resumed: Tally): Promise<Applied> {
  let done: Applied = { ...NOTHING, tally: resumed };
  await probeDead(session.engine.store, session.lease, session.sync.id);
  await forgetLost(session);
  let firstOrdinal = 0;
  for (let further = 0; further <= FURTHER_PLANS; further += 1) {
    // The further plans rest on what the first one found: what was written a moment ago may not be there to be seen yet.
    const recreate = further === 0 && session.options.recreate === true;
    const verifies = further === 0 && session.options.resync === true;
    const planned = await makePlan(session, position, { run: session.run, firstOrdinal, recreate, verifies });
    firstOrdinal = planned.nextOrdinal;
    const { tally, issues, held } = await applyOne(session, planned.plan, { ...done.tally, conflicts: 0, waiting: 0 });
    done = { tally, issues, held: held ?? done.held };
    if (tally.waiting === 0) break;
  }
  return done;
}

/** Makes and seals one plan. */
export async function makePlan(
  session: Session,
  position: Position,
  of: {
    readonly run: string | null;
    readonly firstOrdinal: number;
    readonly recreate: boolean;
    readonly verifies?: boolean;
  },
): Promise<Planned> {
  const { engine, options, connection, targetRow, target, lease } = session;
  const sync = await freshSync(session);
  const { actor, signal, onProgress } = options;
  const planned = await buildPlan({
    store: engine.store,
    keyring: engine.keyring,
    sync,
    connection,
    targetRow,
    target,
    lease,
    position,
    actor,
    signal,
    onProgress,
    ...(options.selection === undefined ? {} : { selection: options.selection }),
    ...of,
  });
  await keepTrace(session, planned.plan.id, planned.selected ?? []);
  return planned;
}

/** Begins a sealed plan, holds what must wait, and applies the rest. */
export async function applyOne(session: Session, sealed: PlanRow, before: Tally): Promise<Applied> {
  const { store } = session.engine;
  const sync = await freshSync(session);
  const space = { target: session.targetRow.id, tenant: session.connection.tenant };
  const context = { store, lease: session.lease, sync, space, run: session.run };
  // A run's own plan asked a moment ago.
  if (sealed.run === null) await keepReturned(session, sealed);
  const begun = await beginPlan(context, sealed, await holdingOf(session, sync, sealed));
  const isAskedFor = sealed.run === null || sealed.approved_at !== null;
  const tally = addTallies(before, await resume(session, begun.plan, isAskedFor));
  const issues = await issueCount(session, begun.plan.id);
  return { tally, issues, held: begun.held };
}

/** A run's own plan was judged a moment ago; a preview may be old. What was approved is not judged at all. */
async function holdingOf(session: Session, sync: SyncRow, sealed: PlanRow): Promise<Holding> {
  if (sealed.run !== null || sealed.approved_at !== null) return { holds: holdsOf(sealed), settled: [] };
  const { engine, options, targetRow, connection, target } = session;
  const guard = {
    store: engine.store,
    sync,
    definition: JSON.parse(sync.definition) as SyncDefinition,
    kind: await describedKind(target, sync, options.signal),
    space: { target: targetRow.id, tenant: connection.tenant },
    recreate: false,
    plan: sealed,
  };
  return await judgeAgain({ ...(await reviewOf(session)), guard }, sealed);
}

/** Applies what is left of a plan that was begun, and closes it. */
export async function resume(
  session: Session,
  begun: PlanRow,
  isAskedFor: boolean = begun.approved_at !== null,
): Promise<Tally> {
  const { store } = session.engine;
  const { actor } = session.options;
  await store.fenced(session.lease, async (tx) => {
    await saveRun(tx, session.run, { phase: "applying", plan: begun.id });
    if (begun.run === null || begun.run === session.run) return;
    // Its changes stand under the run that began it, whose ordinals name them.
    const entry = { type: "resumed", actor, run: session.run, plan: begun.id, detail: begun.run };
    await appendJournal(tx, store, streamOf(session.sync), [entry]);
  });
  const seen = begun.part === "undo" ? asSeen(session) : null;
  try {
    const context = { ...(await applyContext(session, begun, { isAskedFor, withdrawn: null })), asSeen: seen };
    const tally = await applyPlan(context);
    await doubtReferences(context);
    await close(context, { isWhole: true });
    return tally;
  } finally {
    seen?.close();
  }
}

/** Resolves what was sent of a plan and not heard of, and sends nothing more of it. */
export async function settleSent(session: Session, begun: PlanRow): Promise<Tally> {
  const context = await applyContext(session, begun, { isAskedFor: false, withdrawn: null });
  return await resolveOpenIntents(context, NO_TALLY);
}

/** Closes a plan that was begun without sending what is left of it: its records are planned anew. `why` is said of each. */
export async function withdraw(session: Session, begun: PlanRow, why: string): Promise<void> {
  const context = await applyContext(session, begun, { isAskedFor: false, withdrawn: why });
  await applyPlan(context);
  await close(context, { isWhole: false });
}

async function applyContext(
  session: Session,
  begun: PlanRow,
  { isAskedFor, withdrawn }: { readonly isAskedFor: boolean; readonly withdrawn: string | null },
): Promise<ApplyContext> {
  const { engine, options, target, lease } = session;
  const { store } = engine;
  const sync = await freshSync(session);
  const definition = JSON.parse(sync.definition) as SyncDefinition;
  const space = { target: session.targetRow.id, tenant: session.connection.tenant };
  const kind = await describedKind(target, sync, options.signal);
  const plannedBy = { sync, space, kind, plannedAt: begun.created_at };
  return {
    store,
    sync,
    plan: begun,
    run: begun.run ?? session.run,
    reportTo: session.run,
    actor: options.actor,
    target,
    kind,
    matching: [...new Set(definition.matching.map(matchedAttribute))],
    space,
    scopeNow: scopeNow(store, session.connection.id, { definition, plannedAt: begun.created_at }),
    stillWanted: stillWanted(engine, plannedBy),
    withdrawn,
    reveal: revealer(engine, plannedBy),
    lookupIds: lookupIds(target, options.signal),
    asSeen: null,
    choosing: choosingRules(definition, kind),
    behindRead: isAskedFor ? (work) => behindRead(session, work) : null,
    unheard: new Unheard(),
    recreate: options.recreate ?? false,
    lease,
    stopping: options.signal,
    signal: options.now ?? options.signal,
    onProgress: options.onProgress,
  };
}

async function close({ store, lease, sync, plan }: ApplyContext, of: { readonly isWhole: boolean }): Promise<void> {
  const now = store.clock.now();
  await store.fenced(lease, async (tx) => {
    await updatePlan(tx, plan.id, { state: "applied", finished_at: now });
    // What a held plan pinned and left open, such as a group's rename meanwhile, is planned by the next run.
    if (plan.part === "removals") await reviewHeld({ store, sync }, tx, plan.id);
    // Some people tried out beforehand are no first run.
    if (!of.isWhole || sync.first_run_at !== null || plan.part === "selected") return;
    await tx.updateTable("syncs").set({ first_run_at: now }).where("id", "=", sync.id).execute();
  });
}

async function issueCount(session: Session, planId: string): Promise<number> {
  const row = await session.engine.store.db
    .selectFrom("plan_issues")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("plan", "=", planId)
    .where("state", "=", "issue")
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Both tallies together. */
export function addTallies(left: Tally, right: Tally): Tally {
  const counts: { -readonly [key in keyof Counts]: Counts[key] } = { ...left.counts };
  for (const [key, count] of Object.entries(right.counts))
    counts[key as keyof Counts] = (counts[key as keyof Counts] ?? 0) + count;
  return {
    counts,
    failed: left.failed + right.failed,
    unchanged: left.unchanged + right.unchanged,
    conflicts: left.conflicts + right.conflicts,
    waiting: left.waiting + right.waiting,
  };
}
