import { type Counts, grouped } from "@entrain/core";
import type { Transaction } from "kysely";
import { countEpisode, type EpisodeKey, endEpisode, markEpisodeTold } from "../store/alert-episodes.ts";
import { raiseAlert } from "../store/alerts.ts";
import { holdsOf, type PlanRow } from "../store/plans.ts";
import type { DB } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import type { Actor } from "./context.ts";
import { brief } from "./tell-words.ts";

/** So many of those whom a held plan concerns are named; who wants to see all of them looks at the plan. */
const NAMED = 3;
/** So many reasons are told. */
const REASONS = 5;

/**
 * Tells that a plan waits for approval: `plan.held`, once for each plan. Must be called in the transaction that holds it,
 * with the plan's digest, counts and holds.
 */
export async function tellHeld(
  tx: Transaction<DB>,
  store: Store,
  { sync, plan }: { readonly sync: { readonly name: string }; readonly plan: PlanRow },
): Promise<void> {
  const key = keyOf(plan.id);
  const now = store.clock.now();
  await countEpisode(tx, key, now);
  const counts = JSON.parse(plan.counts) as Counts;
  const changes = Object.values(counts).reduce((sum: number, count: number) => sum + count, 0);
  const holds = holdsOf(plan);
  const reason = holds.slice(0, REASONS).map(({ detail }) => brief(detail));
  const digest = plan.digest ?? "";
  const approve = `entrain sync approve ${sync.name} --digest ${digest}`;
  const waits = changes === 1 ? "1 change waits" : `${grouped(changes)} changes wait`;
  const data = {
    sync: sync.name,
    plan: plan.id,
    digest,
    changes,
    counts: { ...counts },
    guards: [...new Set(holds.map(({ code }) => code))],
    reason: reason.join(" "),
    people: await namesIn(tx, plan.id),
    approve,
    reject: `${approve} --reject`,
    detail: `${waits} for approval; everything else goes on.`,
    fix: `Look at it with \`entrain sync held ${sync.name}\`, then approve or reject it.`,
  };
  if (await raiseAlert(tx, store, { type: "plan.held", data })) await markEpisodeTold(tx, key, now);
}

/** `superseded`: nothing of the plan was left to decide; `split`: others took its place. */
type Decision = "approved" | "rejected" | "superseded" | "split";

/**
 * Tells that a plan that was told of waits no more: `plan.decided`. Must be called in the transaction that decides it;
 * nothing is told of a plan that nobody was told of.
 */
export async function tellDecided(
  tx: Transaction<DB>,
  store: Store,
  decided: {
    readonly plan: Pick<PlanRow, "id" | "sync" | "digest">;
    readonly decision: Decision;
    readonly actor: Actor;
  },
): Promise<void> {
  const { plan, decision, actor } = decided;
  const held = await endEpisode(tx, keyOf(plan.id));
  if (held === null || held.toldAt === null) return;
  const row = await tx.selectFrom("syncs").select("name").where("id", "=", plan.sync).executeTakeFirst();
  const sync = row?.name ?? plan.sync;
  const by = decision === "superseded" ? null : actor.id;
  const detail = DETAILS[decision](brief(actor.id));
  const fix = "Nothing needs to be done.";
  const since = new Date(held.since).toISOString();
  const data = { sync, plan: plan.id, digest: plan.digest ?? "", decision, by, since, detail, fix };
  await raiseAlert(tx, store, { type: "plan.decided", data });
}

const DETAILS: { readonly [D in Decision]: (by: string) => string } = {
  approved: (by) => `The plan that waited was approved by ${by}.`,
  rejected: (by) => `The plan that waited was rejected by ${by}.`,
  superseded: () => "Nothing of the plan is left to approve: it was done meanwhile, or is planned anew.",
  split: (by) => `The plan that waited was split by ${by}; what it became waits by itself.`,
};

function keyOf(plan: string): EpisodeKey {
  return { kind: "plan.held", subject: plan };
}

async function namesIn(tx: Transaction<DB>, plan: string): Promise<readonly string[]> {
  const rows = await tx
    .selectFrom("plan_changes")
    .select("name")
    .where("plan", "=", plan)
    .orderBy("phase")
    .orderBy("rank")
    .orderBy("ordinal")
    .limit(NAMED)
    .execute();
  return rows.map(({ name }) => brief(name));
}
