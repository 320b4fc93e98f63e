import { CODES, ConnectorError, grouped } from "@entrain/core";
import { type PlanRow, plansIn } from "../store/plans.ts";
import type { Store } from "../store/store.ts";

/** The newest plan of a sync with a digest, in one of these states; undefined when there is none. */
export async function planByDigest(
  store: Store,
  sync: string,
  of: { readonly digest: string; readonly states: readonly string[] },
): Promise<PlanRow | undefined> {
  return (await plansIn(store.db, sync, of.states)).findLast(({ digest }) => digest === of.digest);
}

/** Beginnings of digests that name a plan have at least so many characters. */
export const DIGEST_MIN = 8;

/**
 * The digest of a sync's plan, by the whole of it or by its beginning; other syncs' plans are not looked at.
 * @throws ConnectorError `plan_stale` for the beginning of none, `usage` for the beginning of several, with all of them
 */
export async function digestNamed(store: Store, sync: string, given: string): Promise<string> {
  if (given.length === DIGEST_LENGTH) return given;
  const rows = await store.db
    .selectFrom("plans")
    .select("digest")
    .distinct()
    .where("sync", "=", sync)
    .where("digest", "like", `${given}%`)
    .orderBy("digest")
    .execute();
  const digests = rows.flatMap(({ digest }) => digest ?? []);
  const [only] = digests;
  if (only === undefined) throw await refusal(store, sync, given);
  if (digests.length === 1) return only;
  const message = `${given} is the beginning of several plans' digests; give more of the one that you mean: ${digests.join(", ")}.`;
  throw new ConnectorError("usage", message, { stops: "run", retry: "never" });
}

const DIGEST_LENGTH = 64;

/** The states in which a plan can be applied, or approved; those that were begun are gone on with. */
export const APPLICABLE: readonly string[] = ["sealed", "approved", "applying"];
export const APPROVABLE: readonly string[] = ["held", ...APPLICABLE];

/** What is asked for a plan that cannot be had is a slip, and no run. @throws ConnectorError `plan_applied`, `plan_stale` */
export async function requireOpen(
  store: Store,
  of: { readonly sync: string; readonly digest: string; readonly states: readonly string[] },
): Promise<void> {
  if ((await planByDigest(store, of.sync, of)) === undefined) throw await refusal(store, of.sync, of.digest);
}

/** Why no plan with this digest can be decided on: it was applied, rejected, overtaken, or never there. */
export async function refusal(store: Store, sync: string, digest: string): Promise<ConnectorError> {
  const run = await runThatApplied(store, sync, digest);
  if (run !== null) return alreadyApplied(digest, run);
  const closed = await planByDigest(store, sync, { digest, states: ["superseded", "rejected", "split"] });
  if (closed?.state === "split")
    return stale(`The plan ${digest} was split; what became of it has digests of its own.`);
  if (closed?.state === "rejected") return stale(`The plan ${digest} was rejected; its records were planned anew.`);
  if (closed) {
    const why =
      "all of its changes were done meanwhile, or their records changed after it was made, or are protected by now";
    return stale(`The plan ${digest} no longer waits for approval: ${why}.`);
  }
  const { name } = await store.db.selectFrom("syncs").select("name").where("id", "=", sync).executeTakeFirstOrThrow();
  const waiting = (await plansIn(store.db, sync, ["held"])).flatMap((plan) => plan.digest ?? []);
  if (waiting.includes(digest)) {
    const fix = `Look at it with \`entrain sync held ${name}\`, and approve it with \`entrain sync approve ${name} --digest ${digest}\`.`;
    return stale(`The plan ${digest} waits for approval, and is not applied without.`, fix);
  }
  const others = waiting.length === 0 ? "" : ` Those that wait: ${waiting.join(", ")}.`;
  const fix = `See what waits with \`entrain sync held ${name}\`, or make a new plan with \`entrain sync plan ${name}\`.`;
  return stale(`No plan with the digest ${digest} is waiting for this sync.${others}`, fix);
}

/** @param run who applied it; of several, the last; null when that is not known any more */
export function alreadyApplied(digest: string, run: string | null): ConnectorError {
  const by = run === null ? "earlier runs" : `the run ${run}`;
  const message = `The plan ${digest} was already applied by ${by}; nothing of it is left to do.`;
  return new ConnectorError("plan_applied", message, { stops: "run", retry: "never" });
}

/** No change of the plan stands any more: nothing of it is applied. */
export function noneStands(
  digest: string,
  { stale: changed, spared }: { readonly stale: number; readonly spared: number },
): ConnectorError {
  const count = changed + spared;
  const whose = count === 1 ? "the record of its change" : `the records of all ${grouped(count)} changes`;
  const are = count === 1 ? "is" : "are";
  const why =
    spared === 0
      ? "changed after it was made"
      : changed === 0
        ? `${are} protected by now`
        : "changed after it was made, or are protected by now";
  const message = `Nothing of the plan ${digest} was applied: ${whose} ${why}.`;
  return changed === 0 ? stale(message, CODES.protected) : stale(message);
}

function stale(message: string, fix?: string): ConnectorError {
  return new ConnectorError("plan_stale", message, {
    stops: "run",
    retry: "never",
    ...(fix === undefined ? {} : { fix }),
  });
}

/** The run that applied the plan of this digest. A preview that was held in part goes on under others, by the journal. */
async function runThatApplied(store: Store, sync: string, digest: string): Promise<string | null> {
  const begun = ["applying", "applied", "forgotten"];
  const applied = await planByDigest(store, sync, { digest, states: begun });
  if (applied?.run) return applied.run;
  const decision = await store.db
    .selectFrom("runs")
    .innerJoin("journal", "journal.run", "runs.id")
    .innerJoin("journal_values as said", (join) =>
      join.onRef("said.stream", "=", "journal.stream").onRef("said.sequence", "=", "journal.sequence"),
    )
    // A run that broke off before it began its plan has applied nothing.
    .innerJoin("plans", "plans.run", "runs.id")
    .select("runs.id")
    .where("plans.sync", "=", sync)
    .where("plans.state", "in", begun)
    .where("runs.sync", "=", sync)
    .where("runs.mode", "=", "apply")
    .where("journal.ordinal", "is", null)
    .where("journal.type", "=", "applied")
    .where("said.detail", "=", digest)
    .orderBy("runs.started_at", "desc")
    .executeTakeFirst();
  return decision?.id ?? null;
}

/** The last run that applied something to a record of this plan after the plan was made. */
export async function runThatOvertook(store: Store, plan: PlanRow): Promise<string | null> {
  const change = await store.db
    .selectFrom("plans")
    .innerJoin("plan_changes as done", "done.plan", "plans.id")
    .innerJoin("plan_changes as asked", "asked.object_id", "done.object_id")
    .select("plans.run")
    .where("plans.sync", "=", plan.sync)
    .where("plans.state", "in", ["applying", "applied"])
    .where("plans.id", "!=", plan.id)
    .where("plans.finished_at", ">", plan.created_at)
    .where("asked.plan", "=", plan.id)
    .where("plans.run", "is not", null)
    .orderBy("plans.finished_at", "desc")
    .limit(1)
    .executeTakeFirst();
  return change?.run ?? null;
}
