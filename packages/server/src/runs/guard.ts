import { type Finding, type GuardLimit, judgeGuard, longWindow } from "@entrain/core";
import { ownedLinks } from "../store/links.ts";
import type { PlanContext } from "./plan-context.ts";
import type { Written } from "./plan-writer.ts";

type Counter = "removals" | "members";

/** What the guard is judged with. */
export type GuardContext = Pick<PlanContext, "store" | "sync" | "definition" | "kind" | "space">;
/** What is planned: records disabled or deleted, single memberships removed, and changes that are held anyway. */
export type Guarded = Pick<Written, "removals" | "memberRemovals" | "heldAnyway">;

const WORDS: { readonly [counter in Counter]: { readonly what: string; readonly base: string } } = {
  removals: { what: "removals", base: "active records" },
  members: { what: "membership removals", base: "memberships" },
};

/**
 * What of a plan waits for approval: removals and membership removals beyond their guards, each over its window and
 * over thirty days, and what is held whatever the guard says. Empty: the plan may be applied unattended.
 *
 * A share is taken of what the sync had in the target when the window began: of its active records, not of the leavers
 * that the target keeps disabled; of the memberships of its own groups, not of other syncs'.
 */
export async function guardHolds(context: GuardContext, written: Guarded): Promise<readonly Finding[]> {
  const { guard } = context.definition;
  const holds: Finding[] = [];
  const removals = await judge(context, "removals", guard.removals, written.removals);
  if (removals) holds.push({ code: "removal_guard", detail: removals });
  const members = await judge(context, "members", guard.members, written.memberRemovals);
  if (members) holds.push({ code: "member_guard", detail: members });
  if (written.heldAnyway > 0) {
    const detail = `${written.heldAnyway} changes wait for approval whatever the guard says.`;
    holds.push({ code: "approval_needed", detail });
  }
  return holds;
}

/** The sentence of the first window that trips; null when none does. */
async function judge(
  context: GuardContext,
  counter: Counter,
  limit: GuardLimit,
  planned: number,
): Promise<string | null> {
  if (planned === 0) return null;
  for (const window of [limit, longWindow(limit)]) {
    const start = windowStart(context, window);
    const verdict = judgeGuard({
      limit: window,
      ownedAtWindowStart: await baseOf(context, counter, start),
      countedInWindow: await counted(context, counter, start),
      planned,
      ...WORDS[counter],
    });
    if (verdict.trips) return verdict.detail;
  }
  return null;
}

/** A window never reaches behind the end of the sync's first run: before it nothing was owned. */
function windowStart(context: GuardContext, limit: GuardLimit): number {
  return Math.max(context.store.clock.now() - limit.windowMs, context.sync.first_run_at ?? 0);
}

async function baseOf(context: GuardContext, counter: Counter, start: number): Promise<number> {
  // What was removed since stood there when the window began; what was removed with approval is left out of both sides.
  const since = await counted(context, counter, start);
  const { store, sync, space, kind } = context;
  if (counter === "removals") return since + (await ownedLinks(store.db, sync.id, start));
  const row = await store.db
    .selectFrom("known_members")
    .select((eb) => eb.fn.countAll<number>().as("count"))
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
    .executeTakeFirstOrThrow();
  return since + Number(row.count);
}

async function counted(context: GuardContext, counter: Counter, start: number): Promise<number> {
  const row = await context.store.db
    .selectFrom("removals")
    .select((eb) => eb.fn.sum<number | null>("amount").as("amount"))
    .where("sync", "=", context.sync.id)
    .where("counter", "=", counter)
    .where("at", ">=", start)
    .executeTakeFirstOrThrow();
  return Number(row.amount ?? 0);
}
