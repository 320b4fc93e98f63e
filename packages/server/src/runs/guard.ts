import {
  type Finding,
  GUARD_COUNTERS,
  type GuardCounter,
  type GuardLimit,
  grouped,
  judgeGuard,
  limitOf,
  longWindow,
  shareOf,
  type TargetKind,
} from "@entrain/core";
import { type GuardRaise, loadRaises } from "../store/guard-raises.ts";
import { ownedLinks } from "../store/links.ts";
import { idsOf, type PlanRow } from "../store/plans.ts";
import type { PlanContext } from "./plan-context.ts";
import { LEFT } from "./whole.ts";

/** What the guard is judged with. */
export type GuardContext = Pick<PlanContext, "store" | "sync" | "definition" | "space" | "recreate"> & {
  readonly kind: Pick<TargetKind, "name">;
  readonly plan: Pick<PlanRow, "id" | "run">;
};

/** What is planned, by counter, and how many changes are held anyway. */
export type Guarded = { readonly [counter in GuardCounter]: number } & { readonly heldAnyway: number };

/** The code of a plan's hold, by the counter that tripped. */
export const HOLD_CODES: { readonly [counter in GuardCounter]: string } = {
  removals: "removal_guard",
  members: "member_guard",
  creations: "creation_guard",
  updates: "update_guard",
  matching: "matching_guard",
};

const RECORDS = "active records";
const WORDS: { readonly [counter in GuardCounter]: { readonly what: string; readonly base: string } } = {
  removals: { what: "removals", base: RECORDS },
  members: { what: "membership removals", base: "memberships" },
  creations: { what: "creations and joins", base: RECORDS },
  updates: { what: "updates", base: RECORDS },
  matching: { what: "changes of a matching attribute", base: RECORDS },
};

/** Takes nothing away: a first run is nothing else, and has nothing yet that a share could be taken of. */
const LOOSE: readonly GuardCounter[] = ["creations", "updates"];
/** Of these a record counts once in a window, however often it changes. */
const BY_RECORD: readonly GuardCounter[] = ["creations", "updates", "matching"];

/**
 * What of a plan waits for approval: what is beyond its guard, over the guard's window and over thirty days, and what is
 * held whatever the guards say. Empty: the plan may be applied unattended.
 *
 * A share is taken of what the sync had in the target when the window began: of its active records, not of the leavers
 * that the target keeps disabled; of the memberships of its own groups, not of other syncs'.
 */
export async function guardHolds(context: GuardContext, guarded: Guarded): Promise<readonly Finding[]> {
  const holds: Finding[] = [];
  const now = context.store.clock.now();
  const raises = await loadRaises(context.store.db, context.sync.id, now);
  const first = await isFirstRun(context);
  for (const counter of GUARD_COUNTERS) {
    const planned = guarded[counter];
    if (planned === 0 || (LOOSE.includes(counter) && first)) continue;
    // Whoever has a target's records made anew said so of all of them.
    if (counter === "creations" && context.recreate) continue;
    const limit = raisedLimit(limitOf(context.definition.guard, counter), raises, counter);
    const detail = await judge(context, counter, limit, planned);
    if (detail !== null) holds.push({ code: HOLD_CODES[counter], detail });
  }
  if (guarded.heldAnyway > 0) {
    const waits = guarded.heldAnyway === 1 ? "1 change waits" : `${grouped(guarded.heldAnyway)} changes wait`;
    const detail = `${waits} for approval whatever the guard says.`;
    holds.push({ code: "approval_needed", detail });
  }
  return holds;
}

/** A limit with what it is raised to just now; a raised guard is never narrower than it was. */
export function raisedLimit(limit: GuardLimit, raises: readonly GuardRaise[], counter: GuardCounter): GuardLimit {
  const raise = raises.find((one) => one.counter === counter);
  if (raise === undefined) return limit;
  const { percent = limit.percent, count = limit.count } = raise;
  return { ...limit, percent: Math.max(limit.percent, percent), count: Math.max(limit.count, count) };
}

/** Whether the sync has not ended its first run yet. What a first run writes in a second go is part of it. */
export async function isFirstRun({
  store,
  sync,
  plan,
}: Pick<GuardContext, "store" | "sync" | "plan">): Promise<boolean> {
  if (sync.first_run_at === null) return true;
  if (plan.run === null) return false;
  const run = await store.db.selectFrom("runs").select("started_at").where("id", "=", plan.run).executeTakeFirst();
  return run !== undefined && run.started_at < sync.first_run_at;
}

/** How a guard stands in one window: what was applied without approval, and what it would allow in all. */
export interface WindowView {
  readonly windowMs: number;
  readonly applied: number;
  readonly allowed: number;
}

/** A guard's windows as they are filled now. */
export async function windowsOf(
  context: GuardContext,
  counter: GuardCounter,
  limit: GuardLimit,
): Promise<readonly WindowView[]> {
  const views: WindowView[] = [];
  for (const window of windowsOver(counter, limit)) {
    const start = windowStart(context, window);
    const applied = await counted(context, counter, start);
    const share = shareOf(counter, window.percent, await baseOf(context, counter, { start, applied }));
    views.push({ windowMs: window.windowMs, applied, allowed: Math.min(share, window.count) });
  }
  return views;
}

function windowsOver(counter: GuardCounter, limit: GuardLimit): readonly GuardLimit[] {
  const long = longWindow(limit);
  // All records may have changed once in a month.
  return long.percent === 100 && (counter === "updates" || counter === "matching") ? [limit] : [limit, long];
}

/** The sentence of the first window that trips; null when none does. */
async function judge(
  context: GuardContext,
  counter: GuardCounter,
  limit: GuardLimit,
  planned: number,
): Promise<string | null> {
  for (const window of windowsOver(counter, limit)) {
    const start = windowStart(context, window);
    const applied = await counted(context, counter, start);
    const total = applied + planned;
    // Counting all that a large sync owns would cost every run as much: as few are counted as settle it.
    if (total <= window.count && total <= shareOf(counter, window.percent, 0)) continue;
    const enough = window.percent > 0 ? Math.ceil((total * 100) / window.percent) : 0;
    const some = enough > 0 ? await baseOf(context, counter, { start, applied, atMost: enough }) : 0;
    if (total <= window.count && enough > 0 && total <= shareOf(counter, window.percent, some)) continue;
    const owned = await baseOf(context, counter, { start, applied });
    // Before there is anything a share would be nothing: a pilot that began with nobody fills up without a word.
    if (owned === 0 && LOOSE.includes(counter)) continue;
    const of = { limit: window, ownedAtWindowStart: owned, countedInWindow: applied, planned, ...WORDS[counter] };
    const verdict = judgeGuard({ counter, ...of });
    if (verdict.trips) return verdict.detail;
  }
  return null;
}

/** A window never reaches behind the end of the sync's first run: before it nothing was owned. */
function windowStart(context: GuardContext, limit: GuardLimit): number {
  return Math.max(context.store.clock.now() - limit.windowMs, context.sync.first_run_at ?? 0);
}

interface BaseAt {
  readonly start: number;
  readonly applied: number;
  /** More than this need not be counted. */
  readonly atMost?: number;
}

async function baseOf(
  context: GuardContext,
  counter: GuardCounter,
  { start, applied, atMost }: BaseAt,
): Promise<number> {
  const { store, sync, space, kind } = context;
  // What was removed since stood there when the window began; what was removed with approval is left out of both sides.
  if (counter !== "members")
    return (await removedSince(context, start)) + (await ownedLinks(store.db, sync.id, start, atMost));
  const known = store.db
    .selectFrom("known_members")
    .select("member_id")
    .where("target", "=", space.target)
    .where("tenant", "=", space.tenant)
    .where("group_id", "in", (eb) =>
      eb
        .selectFrom("links")
        .select("object_id")
        .where("target", "=", space.target)
        .where("kind", "=", kind.name)
        .where("tenant", "=", space.tenant)
        .where("sync", "=", sync.id),
    )
    .$if(atMost !== undefined, (query) => query.limit(atMost ?? 0));
  const row = await store.db
    .selectFrom(known.as("known"))
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  return applied + Number(row.count);
}

/**
 * Who was there then and was removed since: each once, however often. Who came back by the same link is counted with the
 * active; who came and went in between was not there then.
 */
async function removedSince({ store, sync, space, kind }: GuardContext, start: number): Promise<number> {
  const row = await store.db
    .selectFrom("removals")
    .where("sync", "=", sync.id)
    .where("counter", "=", "removals")
    .where("at", ">=", start)
    .where((eb) => eb.or([eb("linked_at", "is", null), eb("linked_at", "<=", start)]))
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom("links")
            .select("links.object_id")
            .where("links.target", "=", space.target)
            .where("links.kind", "=", kind.name)
            .where("links.tenant", "=", space.tenant)
            .whereRef("links.object_id", "=", "removals.object_id")
            .where("links.sync", "=", sync.id)
            .where("links.active", "=", 1)
            .where("links.owned_since", "<=", start),
        ),
      ),
    )
    .select((eb) => eb.fn.count<number>("object_id").distinct().as("count"))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** What begun plans that broke off have still to remove: nobody judges that again when the next run goes on with them. */
async function stillToRemove({ store, sync, plan }: GuardContext, counter: GuardCounter): Promise<number> {
  const rows = await store.db
    .selectFrom("plan_changes")
    .innerJoin("plans", "plans.id", "plan_changes.plan")
    .select("plan_changes.remove")
    .where("plans.sync", "=", sync.id)
    .where("plans.state", "=", "applying")
    .where("plans.approved_at", "is", null)
    .where("plans.id", "!=", plan.id)
    .where("plan_changes.state", "in", LEFT)
    .$if(counter === "removals", (query) => query.where("plan_changes.action", "in", ["disable", "delete"]))
    .$if(counter === "members", (query) => query.where("plan_changes.remove", "is not", null))
    .execute();
  return counter === "members" ? rows.reduce((sum, { remove }) => sum + idsOf(remove).length, 0) : rows.length;
}

/** What was applied without approval since; a record that changes again by this plan is counted with the plan. */
async function counted(context: GuardContext, counter: GuardCounter, start: number): Promise<number> {
  const { store, sync, plan } = context;
  const within = store.db
    .selectFrom("removals")
    .where("sync", "=", sync.id)
    .where("counter", "=", counter)
    .where("at", ">=", start);
  if (!BY_RECORD.includes(counter)) {
    const row = await within.select((eb) => eb.fn.sum<number | null>("amount").as("amount")).executeTakeFirstOrThrow();
    return Number(row.amount ?? 0) + (await stillToRemove(context, counter));
  }
  const row = await within
    .where("object_id", "not in", (eb) => eb.selectFrom("plan_changes").select("object_id").where("plan", "=", plan.id))
    .select((eb) => eb.fn.count<number>("object_id").distinct().as("count"))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}
