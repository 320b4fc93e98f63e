import { type Finding, matchKey, type SyncDefinition } from "@entrain/core";
import type { Transaction } from "kysely";
import { newId } from "../clock.ts";
import type { LinkSpace } from "../store/links.ts";
import { replaceLookupWaits } from "../store/lookup-waits.ts";
import {
  enterPending,
  leavePending,
  loadPending,
  type PendingEntry,
  type PendingRow,
  releaseDead,
  releasePinned,
} from "../store/pending.ts";
import { pinUndone } from "../store/pins.ts";
import {
  changedIn,
  clearPlan,
  createPlan,
  holdsOf,
  type PlanIssueRow,
  type PlanRow,
  plansIn,
  updatePlan,
} from "../store/plans.ts";
import type { DB } from "../store/schema.ts";
import type { Lease, Store } from "../store/store.ts";
import { adoptLinks, forgetGone } from "../store/unowned-links.ts";
import type { SyncRow } from "./context.ts";
import { markLeaving } from "./leaving.ts";
import { missingOf } from "./lookups.ts";
import { moveHeld } from "./move-held.ts";
import { sealPlan } from "./seal.ts";
import { tellHeld } from "./tell-plans.ts";

/** What beginning a plan works with. */
export interface BeginContext {
  readonly store: Store;
  readonly lease: Lease;
  readonly sync: SyncRow;
  readonly space: LinkSpace;
  readonly run: string;
}

/** What of a plan waits for approval. `settled`: ordinals of changes that nothing is left of; they do not wait. */
export interface Holding {
  readonly holds: readonly Finding[];
  readonly settled: readonly number[];
}

/** The plan to apply now, and the plan of what waits for approval. */
export interface Begun {
  readonly plan: PlanRow;
  readonly held: PlanRow | null;
}

/**
 * Begins to apply a sealed plan. What its guards hold becomes a plan of its own that waits for approval. In one
 * transaction the cursors move, issues and held records enter the pending set, and the plans change their state, so
 * that a crash leaves either all of it or nothing.
 */
export async function beginPlan(
  context: BeginContext,
  sealed: PlanRow,
  holding: Holding = { holds: holdsOf(sealed), settled: [] },
): Promise<Begun> {
  const { store, lease } = context;
  const split = sealed.approved_at === null ? await splitHolds(context, sealed, holding) : { plan: sealed, held: null };
  const plan: PlanRow = { ...split.plan, state: "applying", run: context.run };
  const held: PlanRow | null = split.held && { ...split.held, state: "held" };
  await store.fenced(lease, async (tx) => {
    const news = sealed.part === "changes" && !(await isOvertaken(tx, sealed));
    await updatePlan(tx, plan.id, { state: plan.state, run: plan.run });
    const settles = news || sealed.part === "repair";
    if (news) await moveCursors(tx, context.sync, plan);
    // Another configuration may be the mending of whatever was refused.
    if (news && plan.revision !== context.sync.evaluated_revision) await releaseDead(tx, context.sync.id, "all");
    const { id: sync, records: kind } = context.sync;
    await forgetGone(store, tx, { plan: plan.id, sync, space: context.space, kind });
    await adoptLinks(tx, context.space, context.sync, plan.id);
    if (settles) await leaveIgnored(tx, plan);
    if (settles) await markLeaving(tx, { ...context, kind: context.sync.records, plan, now: store.clock.now() });
    if (settles) await settlePending(context, tx, plan);
    if (sealed.part === "undo") await pinUndone(store, tx, plan);
    if (["removals", "undo", "remove"].includes(sealed.part)) await releasePinned(tx, context.sync.id, plan.id);
    if (!held || split.held?.state === "held") return;
    await updatePlan(tx, held.id, { state: held.state });
    await tellHeld(tx, store, { sync: context.sync, plan: held });
    await pinHeld(context, tx, held);
  });
  return { plan, held };
}

/**
 * A preview that is applied after a later plan, or that did not see all that an earlier one brings: of one that broke off the
 * rest came after the preview, or is still to come. What it found beside its changes was found again since, or is outdated,
 * so that the next run looks from where the sync stood.
 */
async function isOvertaken(tx: Transaction<DB>, plan: PlanRow): Promise<boolean> {
  if (plan.run !== null) return false;
  const later = await tx
    .selectFrom("plans")
    .select("id")
    .where("sync", "=", plan.sync)
    .where("id", "!=", plan.id)
    .where("state", "in", ["applying", "applied", "forgotten"])
    .where((eb) =>
      eb.or([
        eb("state", "=", "applying"),
        eb("created_at", ">", plan.created_at),
        eb("finished_at", ">", plan.created_at),
      ]),
    )
    .limit(1)
    .executeTakeFirst();
  return later !== undefined;
}

async function moveCursors(tx: Transaction<DB>, sync: SyncRow, plan: PlanRow): Promise<void> {
  await tx
    .updateTable("syncs")
    .set({
      cursor: Math.max(sync.cursor, plan.upto),
      link_cursor: Math.max(sync.link_cursor, plan.link_upto),
      evaluated_revision: plan.revision,
      evaluated_at: plan.created_at,
    })
    .where("id", "=", sync.id)
    .execute();
}

/**
 * Moves what waits for approval into a plan of its own and seals both; nothing is held yet when this is interrupted.
 * What waits already in a plan that was held after a preview goes on waiting there, and is not held twice.
 */
async function splitHolds(context: BeginContext, sealed: PlanRow, { holds, settled }: Holding): Promise<Begun> {
  if (holds.length === 0) return { plan: sealed, held: null };
  const { store, lease, sync } = context;
  const held: PlanRow = {
    ...sealed,
    id: newId(store.clock, "plan"),
    run: null,
    part: "removals",
    state: "building",
    digest: null,
    created_at: store.clock.now(),
  };
  const left = await store.fenced(lease, async (tx) => {
    await createPlan(tx, held);
    // A preview without what it held is nothing that anybody may apply later: an interruption drops both halves.
    await updatePlan(tx, sealed.id, { state: "building" });
    const definition = JSON.parse(sync.definition) as SyncDefinition;
    const codes = new Set(holds.map(({ code }) => code));
    await moveHeld(tx, { from: sealed.id, to: held.id, definition, codes, settled });
    const dropped = await dropWaiting(tx, sync.id, held.id);
    const some = await tx.selectFrom("plan_changes").select("ordinal").where("plan", "=", held.id).limit(1).execute();
    return { any: some.length > 0, dropped };
  });
  const seal = { store, lease, keeps: () => false };
  const plan = await sealPlan({ ...seal, plan: sealed }, { state: "building", holds: [] });
  if (left.any) return { plan, held: await sealPlan({ ...seal, plan: held }, { state: "building", holds }) };
  await store.fenced(lease, async (tx) => {
    await clearPlan(tx, held.id);
    await updatePlan(tx, held.id, { state: "abandoned" });
  });
  return { plan, held: left.dropped ? ((await plansIn(store.db, sync.id, ["held"])).at(-1) ?? null) : null };
}

/** Takes out of a plan what a held plan has of the same records, or of the same groups' memberships. */
async function dropWaiting(tx: Transaction<DB>, sync: string, plan: string): Promise<boolean> {
  let dropped = false;
  for (const compare of ["=", "!="] as const) {
    const waiting = tx
      .selectFrom("plan_changes as other")
      .innerJoin("plans", "plans.id", "other.plan")
      .select("other.object_id")
      .where("plans.sync", "=", sync)
      .where("plans.state", "=", "held")
      .where("other.action", compare, "members");
    const gone = await tx
      .deleteFrom("plan_changes")
      .where("plan", "=", plan)
      .where("action", compare, "members")
      .where("object_id", "in", waiting)
      .executeTakeFirst();
    dropped ||= Number(gone.numDeletedRows) > 0;
  }
  return dropped;
}

const PAGE = 1000;

/** Enters what the plan could not settle into the pending set, and takes out what needs nothing any more. */
async function settlePending(context: BeginContext, tx: Transaction<DB>, plan: PlanRow): Promise<void> {
  const { store, sync } = context;
  const now = store.clock.now();
  let after = -1;
  for (;;) {
    const rows = await tx
      .selectFrom("plan_issues")
      .selectAll()
      .where("plan", "=", plan.id)
      .where("ordinal", ">", after)
      .orderBy("ordinal")
      .limit(PAGE)
      .execute();
    const last = rows.at(-1);
    if (!last) return;
    after = last.ordinal;
    const settled = rows.flatMap((row) => (row.state === "settled" && row.object_id ? [row.object_id] : []));
    // Whose memberships this plan still writes is settled by their outcome.
    const open = await changedIn(tx, plan.id, settled);
    await leavePending(
      tx,
      sync.id,
      settled.filter((id) => !open.has(id)),
    );
    const entering = rows.flatMap((row): PendingEntry[] => {
      const reason = PENDING_REASONS.get(row.state);
      if (reason === undefined || row.object_id === null) return [];
      const { code, detail, object_id, sequence } = row;
      const base = { sync: sync.id, object_id, code, detail, sequence, plan: null, attempts: 0 };
      return [{ ...base, reason, retry_at: 0, since: now }];
    });
    await enterPending(store, tx, entering);
    await settleLookups(context, tx, rows);
  }
}

/** Why an issue's record enters the pending set, by the issue's state; none of the others does. */
const PENDING_REASONS: ReadonlyMap<string, string> = new Map([
  ["issue", "issue"],
  ["suppressed", "suppressed"],
  ["ignored", "issue"],
  ["returned", "dependant"],
]);

/** Issues that somebody ignores stay in the pending set, and are none of the run's. */
async function leaveIgnored(tx: Transaction<DB>, plan: PlanRow): Promise<void> {
  await tx
    .updateTable("plan_issues")
    .set({ state: "ignored" })
    .where("plan", "=", plan.id)
    .where("state", "=", "issue")
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom("pending")
          .select("pending.object_id")
          .where("pending.sync", "=", plan.sync)
          .where("pending.ignored", "is not", null)
          .whereRef("pending.object_id", "=", "plan_issues.object_id")
          .whereRef("pending.code", "=", "plan_issues.code"),
      ),
    )
    .execute();
}

/** Who waits for a value that the target does not have is found by it, when it has. */
async function settleLookups(
  { store, sync }: BeginContext,
  tx: Transaction<DB>,
  rows: readonly PlanIssueRow[],
): Promise<void> {
  const waits = rows.flatMap(({ state, detail, object_id, name }) => {
    if (state !== "waits" || object_id === null) return [];
    const base = { sync: sync.id, object_id, name: name ?? "" };
    return missingOf({ detail }).map((missing) => ({ ...base, ...missing, key: matchKey(missing.value, {}) ?? "" }));
  });
  const served = rows.flatMap(({ state, object_id }) => (state === "served" && object_id !== null ? [object_id] : []));
  const ids = [...new Set([...waits.map((row) => row.object_id), ...served])];
  if (ids.length > 0) await replaceLookupWaits(store, tx, { sync: sync.id, ids, waits });
}

/**
 * Records of a held plan are pinned: later runs plan only the others. A group whose memberships alone are held is not:
 * those memberships are left out one by one, and the group's other changes go on.
 */
export async function pinHeld(
  context: Pick<BeginContext, "store" | "sync">,
  tx: Transaction<DB>,
  held: PlanRow,
): Promise<void> {
  const pin = { reason: "held", code: "held", plan: held.id };
  await enterChanged(context, tx, { plan: held.id, memberships: false, as: pin });
}

/**
 * A held plan is decided: the next run evaluates what that did not settle, all of a rejected plan, and the groups whose
 * memberships an applied one held. They only wait to be planned: nothing of them failed.
 */
export async function reviewHeld(
  context: { readonly store: Store; readonly sync: Pick<SyncRow, "id"> },
  tx: Transaction<DB>,
  plan: string,
): Promise<void> {
  await releasePinned(tx, context.sync.id, plan);
  const as = { reason: "dependant", code: "dependant", plan: null };
  await enterChanged(context, tx, { plan, memberships: true, as });
}

/** Enters the groups whose memberships a plan changes, or all others. What is pending already is pinned, or stays. */
async function enterChanged(
  context: { readonly store: Store; readonly sync: Pick<SyncRow, "id"> },
  tx: Transaction<DB>,
  of: {
    readonly plan: string;
    readonly memberships: boolean;
    readonly as: Pick<PendingEntry, "reason" | "code" | "plan">;
  },
): Promise<void> {
  const { store, sync } = context;
  const now = store.clock.now();
  let after = -1;
  for (;;) {
    const rows = await tx
      .selectFrom("plan_changes")
      .select(["ordinal", "object_id", "reason", "record_sequence"])
      .where("plan", "=", of.plan)
      .where("action", of.memberships ? "=" : "!=", "members")
      .where("ordinal", ">", after)
      .orderBy("ordinal")
      .limit(PAGE)
      .execute();
    const last = rows.at(-1);
    if (!last) return;
    after = last.ordinal;
    const ids = rows.map((row) => row.object_id);
    const known = of.as.plan === null ? await loadPending(tx, sync.id, ids) : new Map<string, PendingRow>();
    const entering = rows.flatMap((row): readonly PendingEntry[] => {
      const { object_id, reason: detail, record_sequence: sequence } = row;
      const base = { sync: sync.id, object_id, detail, sequence, attempts: 0 };
      return known.has(object_id) ? [] : [{ ...base, ...of.as, retry_at: 0, since: now }];
    });
    await enterPending(store, tx, entering);
  }
}
