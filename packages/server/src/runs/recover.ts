import { clearPlan, type PlanRow, plansIn, updatePlan } from "../store/plans.ts";
import { saveRun, unfinishedRuns } from "../store/runs.ts";
import { NO_TALLY, type Tally } from "./applying.ts";
import { refusal } from "./by-digest.ts";
import { type Applied, addTallies, applyOne, NOTHING, resume, settleSent, withdraw } from "./carry-out.ts";
import type { Engine } from "./context.ts";
import type { Session } from "./session.ts";

interface Recovered {
  readonly tally: Tally;
  /** Digests of the plans that were finished. */
  readonly digests: readonly string[];
}

/**
 * Finishes what a crash or a stop left: open intents are looked up, begun plans applied to their end, unfinished ones
 * dropped. With a digest only that plan is gone on with; what was sent of others is looked up all the same, for nothing
 * may be planned before.
 */
export async function recover(session: Session, digest: string | null = null): Promise<Recovered> {
  await abandonUnfinished(session);
  let tally = NO_TALLY;
  const digests: string[] = [];
  for (const left of await leftPlans(session)) {
    const isAsked = digest === null || left.digest === digest;
    if (isAsked) digests.push(left.digest ?? "");
    if (left.state === "applying")
      tally = addTallies(tally, await (isAsked ? resume(session, left) : settleSent(session, left)));
    else if (isAsked) tally = (await applyOne(session, left, tally)).tally;
  }
  return { tally, digests };
}

/** Looks up what was sent and not heard of. What is left of begun plans stays for the next whole run. */
export async function settleLeft(session: Session): Promise<Tally> {
  return (await recover(session, "")).tally;
}

/** Closes begun plans, of one run or all of them, without sending what is left: the next run plans it anew. */
export async function withdrawLeft(session: Session, why: string, run: string | null = null): Promise<void> {
  for (const left of await leftPlans(session))
    if (left.state === "applying" && (run === null || left.run === run)) await withdraw(session, left, why);
}

async function leftPlans({ engine, sync }: Session): Promise<readonly PlanRow[]> {
  return await plansIn(engine.store.db, sync.id, ["approved", "applying"]);
}

/** A plan that a crash interrupted was finished just now: that is what was asked for. @throws why there is no plan */
export async function recoveredOf(
  recovered: Recovered,
  engine: Engine,
  { sync, digest }: { readonly sync: string; readonly digest: string },
): Promise<Applied> {
  if (recovered.digests.includes(digest)) return { ...NOTHING, tally: recovered.tally };
  throw await refusal(engine.store, sync, digest);
}

/** Drops what runs and previews that were cut off left: their rows end as cancelled, their unfinished plans go. */
export async function abandonUnfinished(session: Session): Promise<void> {
  const { engine, sync, lease, run } = session;
  const { store } = engine;
  const runs = (await unfinishedRuns(store.db, sync.id)).filter((one) => one.id !== run);
  const begun = await plansIn(store.db, sync.id, ["building", "sealed"]);
  const plans = begun.filter((one) => one.state === "building" || one.run !== null);
  if (runs.length + plans.length === 0) return;
  const error = JSON.stringify({
    code: "interrupted",
    message: "The run was interrupted; what it had begun was left to the next one.",
    fix: "Nothing needs to be done.",
  });
  await store.fenced(lease, async (tx) => {
    for (const one of runs) {
      await saveRun(tx, one.id, { phase: "finished", result: "cancelled", finished_at: store.clock.now(), error });
    }
    for (const one of plans) {
      await clearPlan(tx, one.id);
      await updatePlan(tx, one.id, { state: "abandoned" });
    }
  });
}
