import { type Finding, type GuardLimit, judgeGuard, longWindow } from "@entrain/core";
import { ownedLinks } from "../store/links.ts";
import type { PlanContext } from "./plan-context.ts";
import type { Written } from "./plan-writer.ts";

type Counter = "removals" | "members";

/**
 * What of a plan waits for approval: removals and membership removals beyond their guards, each over its window and
 * over thirty days, and what is held whatever the guard says. Empty: the plan may be applied unattended.
 */
export async function guardHolds(context: PlanContext, written: Written): Promise<readonly Finding[]> {
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
  context: PlanContext,
  counter: Counter,
  limit: GuardLimit,
  planned: number,
): Promise<string | null> {
  if (planned === 0) return null;
  for (const window of [limit, longWindow(limit)]) {
    const start = windowStart(context, window);
    const verdict = judgeGuard({
      limit: window,
      ownedAtWindowStart: await owned(context, counter, start),
      countedInWindow: await counted(context, counter, start),
      planned,
      what: counter === "removals" ? "removals" : "membership removals",
    });
    if (verdict.trips) return verdict.detail;
  }
  return null;
}

/** A window never reaches behind the end of the sync's first run: before it nothing was owned. */
function windowStart(context: PlanContext, limit: GuardLimit): number {
  return Math.max(context.store.clock.now() - limit.windowMs, context.sync.first_run_at ?? 0);
}

async function owned(context: PlanContext, counter: Counter, start: number): Promise<number> {
  // What was removed since stood there when the window began.
  const since = await counted(context, counter, start);
  if (counter === "removals") return since + (await ownedLinks(context.store.db, context.sync.id, start));
  const { target, tenant } = context.space;
  const row = await context.store.db
    .selectFrom("known_members")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("target", "=", target)
    .where("tenant", "=", tenant)
    .executeTakeFirstOrThrow();
  return Number(row.count) + since;
}

async function counted(context: PlanContext, counter: Counter, start: number): Promise<number> {
  const row = await context.store.db
    .selectFrom("removals")
    .select((eb) => eb.fn.sum<number | null>("amount").as("amount"))
    .where("sync", "=", context.sync.id)
    .where("counter", "=", counter)
    .where("at", ">=", start)
    .executeTakeFirstOrThrow();
  return Number(row.amount ?? 0);
}
