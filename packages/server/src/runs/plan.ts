import { kindsReferred } from "@entrain/core";
import { newId } from "../clock.ts";
import { pinnedRecords } from "../store/pins.ts";
import { clearPlan, createPlan, NO_COUNTS, type PlanRow, UNASKED, updatePlan } from "../store/plans.ts";
import type { Lease, Store } from "../store/store.ts";
import { type BasisOptions, openBasis } from "./basis.ts";
import {
  type Candidates,
  changedRecords,
  PAGE,
  pendingRecords,
  regrouped,
  reportsOf,
  reportsOfLinked,
  unchanged,
  waitingRecords,
} from "./candidates.ts";
import type { Actor, Progress, SyncRow } from "./context.ts";
import { dropAmbiguous } from "./drop-ambiguous.ts";
import { evaluateBatch, wantedBy } from "./evaluate-batch.ts";
import { type Guarded, guardHolds } from "./guard.ts";
import { leaversDue } from "./leaving.ts";
import { untakenIssues, withheldIssues } from "./left-out.ts";
import { Matcher } from "./match-records.ts";
import { lapsedRecords } from "./new-day.ts";
import type { PlanContext } from "./plan-context.ts";
import { planMemberships } from "./plan-members.ts";
import { PlanWriter } from "./plan-writer.ts";
import { meetProtected, protectedAmong, unmetEntries } from "./protection.ts";
import { unknownLicences } from "./scope-licences.ts";
import { unknownPeople } from "./scope-people.ts";
import { dropUnresolvable, rankReferences, type SealContext, sealPlan } from "./seal.ts";
import { planSeats } from "./seats.ts";
import { evaluateSelected } from "./selected.ts";
import type { Selection } from "./selection.ts";

export interface PlanOptions extends BasisOptions {
  readonly lease: Lease;
  readonly run: string | null;
  /** Who asked for the plan. */
  readonly actor: Actor;
  /** Ordinals continue through the plans of one run, for with the run they name intents. */
  readonly firstOrdinal: number;
  /** Plans these records only. */
  readonly selection?: Selection;
  readonly onProgress: (progress: Progress) => void;
}

/** A sealed plan, and where the next plan of the same run goes on counting. */
export interface Planned {
  readonly plan: PlanRow;
  readonly nextOrdinal: number;
  readonly changes: number;
  readonly issues: number;
  /** Of a plan for a selection: the records that were looked at. */
  readonly selected: readonly string[] | null;
}

/**
 * Plans one sync from the directory as it is: pending records and everything that changed since the cursor. Writes to
 * Entrain's own store only; cursors stay where they are until the plan begins to be applied.
 */
export async function buildPlan(options: PlanOptions): Promise<Planned> {
  const context = await openPlan(options);
  try {
    return await fillPlan(context, options);
  } catch (error) {
    await options.store
      .fenced(options.lease, async (tx) => {
        await clearPlan(tx, context.plan.id);
        await updatePlan(tx, context.plan.id, { state: "abandoned" });
      })
      .catch(() => undefined); // The fault that is thrown below says why; the next run clears what is left.
    throw error;
  } finally {
    context.lookups?.close();
  }
}

async function fillPlan(context: PlanContext, options: PlanOptions): Promise<Planned> {
  const { plan } = context;
  const writer = new PlanWriter(context, options.firstOrdinal);
  const issues = [
    ...withheldIssues(context, options.position.withheld),
    ...untakenIssues(context.mapping),
    ...(await unknownPeople(context)),
    ...(await unknownLicences(context)),
    ...(await unmetEntries(
      context,
      context.protection,
      context.kind.source === "group" ? ["user", "group"] : ["user"],
    )),
  ];
  await writer.write({ changes: [], issues, wanted: [] });
  const { selection } = options;
  const only =
    selection && (await evaluateSelected(context, writer, { selection, leftAlone: await leftAlone(context) }));
  const fresh = only?.fresh ?? (await evaluateAll(context, writer));
  if (context.kind.members.length > 0) {
    await planMemberships(context, writer, {
      span: context.span,
      space: context.space,
      fresh,
      memberKinds: context.kind.members,
      nests: context.kind.members.includes(context.kind.name),
      linkCursor: context.sync.link_cursor,
      linkUpto: plan.link_upto,
      ...(only === undefined ? {} : { only: only.ids }),
    });
  }
  return { ...(await finishPlan(context, writer)), selected: only?.ids ?? null };
}

/** Settles what of a written plan rests on all of it, judges it by the guards, and seals it. */
export async function finishPlan(context: PlanContext, writer: PlanWriter): Promise<Planned> {
  const { store, plan, lease } = context;
  const keeps = (attribute: string): boolean => context.definition.mapping[attribute]?.whenEmpty === "keep";
  const { protection } = context;
  const of = { store, connection: context.sync.connection };
  const seal: SealContext =
    protection === null
      ? { store, lease, plan, keeps }
      : { store, lease, plan, keeps, spares: (ids) => protectedAmong(of, protection, ids) };
  const { dropped: ambiguous, held } = await dropAmbiguous(seal, writer.written.issues);
  const { seats, waiting } = await planSeats(context, writer.written.issues + ambiguous);
  // They are numbered behind what was written, and what follows behind them.
  writer.written.issues += ambiguous + waiting;
  await writer.write({ changes: [], issues: await dropUnresolvable(seal, context), wanted: [] });
  await planLookups(context, writer);
  await rankReferences(seal);
  const { removals, members, matching, heldAnyway } = writer.written;
  const takesNothing = await planned(store, plan.id);
  const guarded = { removals, members, matching, ...takesNothing, heldAnyway: heldAnyway - held };
  const holds = await guardHolds(context, guarded);
  const sealed = await sealPlan(seal, { state: "sealed", holds });
  // The index served this plan's matching; what it says of the target is outdated tomorrow.
  await store.fenced(lease, (tx) => tx.deleteFrom("match_index").where("plan", "=", plan.id).execute());
  return {
    plan: { ...sealed, seats: seats && JSON.stringify(seats) },
    nextOrdinal: writer.next,
    changes: await countPlanned(store, plan.id),
    issues: writer.written.findings + ambiguous + waiting,
    selected: null,
  };
}

/** How many records are created or joined, and how many are updated, of what was left of the plan and is not held anyway. */
async function planned(store: Store, plan: string): Promise<Pick<Guarded, "creations" | "updates">> {
  const rows = await store.db
    .selectFrom("plan_changes")
    .select("action")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("plan", "=", plan)
    .where("hold", "is", null)
    .groupBy("action")
    .execute();
  const count = (...actions: readonly string[]): number =>
    rows.reduce((sum, row) => sum + (actions.includes(row.action) ? Number(row.count) : 0), 0);
  return { creations: count("create", "join"), updates: count("update", "enable") };
}

/** What is left of what was written: changes that only wait for a reference were taken out again. */
async function countPlanned(store: Store, plan: string): Promise<number> {
  const { count } = await store.db
    .selectFrom("plan_changes")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("plan", "=", plan)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Values that the target's lookups lack: created before whoever wants them, or told once each. */
async function planLookups({ lookups, plan }: PlanContext, writer: PlanWriter): Promise<void> {
  if (lookups === null) return;
  await writer.write({ changes: await lookups.creations(plan.id), issues: await lookups.findings(), wanted: [] });
}

/** Evaluates pending and changed records and what depends on them. Returns the records that the plan creates or joins. */
async function evaluateAll(context: PlanContext, writer: PlanWriter): Promise<readonly string[]> {
  const matcher = new Matcher(context);
  const done = new Set<string>();
  const fresh: string[] = [];
  const whole = context.span.cursor === 0;
  const keepsFresh = context.kind.members.length > 0 || !whole;
  const pinned = await leftAlone(context);
  await context.lookups?.begin();
  let evaluated = 0;
  const take = async (candidates: Candidates): Promise<void> => {
    context.signal.throwIfAborted();
    const rows = candidates.rows.filter((row) => !done.has(row.id) && !pinned.has(row.id));
    if (rows.length === 0) return;
    // With everything to evaluate each record comes once, by its change number: nothing needs to be remembered.
    if (!whole) for (const row of rows) done.add(row.id);
    const result = await evaluateBatch(context, matcher, { rows, pending: candidates.pending });
    await writer.write(result);
    if (keepsFresh) fresh.push(...result.fresh);
    evaluated += rows.length;
    context.onProgress({ phase: "planning", detail: `${context.kind.source}s`, done: evaluated, total: null });
  };
  for await (const candidates of changedRecords(context.span)) {
    await take(candidates);
    if (whole || !(context.mapping.readsManagers || context.scope.readsManagers)) continue;
    const changed = candidates.rows.map((row) => row.id);
    for await (const reports of reportsOf(context.span, changed)) await take(reports);
  }
  if (whole) return fresh;
  for await (const candidates of pendingRecords(context.span)) await take(candidates);
  if (context.lookups) {
    for await (const ids of context.lookups.served(PAGE)) await take(await unchanged(context.span, ids));
  }
  for await (const candidates of lapsedRecords(context.span, context.scope)) await take(candidates);
  for await (const candidates of leaversDue(context.span, context.definition)) await take(candidates);
  if (context.groups) for await (const candidates of regrouped(context.span, context.groups)) await take(candidates);
  await evaluateReports(context, take, fresh);
  if (fresh.length > 0) await wantRefused(context, writer);
  return fresh;
}

/** Records whose creation waits for another try still want their matching values: nobody else is to take them. */
async function wantRefused(context: PlanContext, writer: PlanWriter): Promise<void> {
  for await (const candidates of waitingRecords(context.span)) {
    await writer.write({ changes: [], issues: [], wanted: await wantedBy(context, candidates.rows) });
  }
}

/** People whose manager was linked meanwhile, by another sync or by this very plan. */
async function evaluateReports(
  context: PlanContext,
  take: (candidates: Candidates) => Promise<void>,
  fresh: readonly string[],
): Promise<void> {
  const kinds = context.kind.attributes.flatMap(kindsReferred);
  if (kinds.length === 0) return;
  const since = { kinds, after: context.sync.link_cursor, upto: context.plan.link_upto };
  for await (const candidates of reportsOfLinked(context.span, context.space, since)) await take(candidates);
  for (let at = 0; at < fresh.length; at += 500) {
    for await (const candidates of reportsOf(context.span, fresh.slice(at, at + 500))) await take(candidates);
  }
}

/** Records that wait in a held plan, or stay as they were undone. */
export async function leftAlone(context: Pick<PlanContext, "store" | "sync">): Promise<ReadonlySet<string>> {
  const rows = await context.store.db
    .selectFrom("pending")
    .innerJoin("plans", "plans.id", "pending.plan")
    .select("pending.object_id")
    .where("pending.sync", "=", context.sync.id)
    .where("plans.state", "=", "held")
    .execute();
  const pinned = await pinnedRecords(context.store.db, context.sync.id);
  return new Set([...rows.map((row) => row.object_id), ...pinned]);
}

/** Begins a plan: its row stands in the store, empty. */
export async function openPlan(options: PlanOptions, part: PlanRow["part"] = "changes"): Promise<PlanContext> {
  const { store, sync, lease, selection = null } = options;
  const protection = await meetProtected(options);
  const whole = await openBasis(options);
  // Some records are never taken for a first look at everybody.
  const { span } = whole;
  const basis = { ...whole, protection, ...(selection && { span: { ...span, cursor: Math.max(1, span.cursor) } }) };
  const plan: PlanRow = {
    id: newId(store.clock, "plan"),
    sync: sync.id,
    run: options.run,
    part: selection === null ? part : "selected",
    revision: sync.revision,
    undoes: null,
    ...UNASKED,
    asked_by: JSON.stringify(options.actor),
    approval: basis.definition.approval ?? null,
    selection: selection && JSON.stringify(selection),
    complete: basis.complete ? 1 : 0,
    state: "building",
    digest: null,
    counts: JSON.stringify(NO_COUNTS),
    holds: "[]",
    upto: basis.span.upto,
    link_upto: await lastLinked(store, sync),
    created_at: basis.span.now,
    sealed_at: null,
    approved_by: null,
    approved_at: null,
    finished_at: null,
  };
  await store.fenced(lease, (tx) => createPlan(tx, plan));
  return { ...options, ...basis, plan };
}

async function lastLinked(store: Store, sync: SyncRow): Promise<number> {
  const target = await store.db
    .selectFrom("targets")
    .select("sequence")
    .where("id", "=", sync.target)
    .executeTakeFirstOrThrow();
  return target.sequence;
}
