import { clearPlan, plansIn, updatePlan } from "../store/plans.ts";
import { saveRun, unfinishedRuns } from "../store/runs.ts";
import { NO_TALLY, type Tally } from "./applying.ts";
import { refusal } from "./by-digest.ts";
import { type Applied, addTallies, applyOne, NOTHING, resume } from "./carry-out.ts";
import type { Engine } from "./context.ts";
import type { Session } from "./session.ts";

interface Recovered {
  readonly tally: Tally;
  /** Digests of the plans that were finished. */
  readonly digests: readonly string[];
}

/** Finishes what a crash left: open intents are looked up, begun plans applied to their end, unfinished ones dropped. */
export async function recover(session: Session): Promise<Recovered> {
  await abandonUnfinished(session);
  const { store } = session.engine;
  let tally = NO_TALLY;
  const plans = await plansIn(store.db, session.sync.id, ["approved", "applying"]);
  for (const left of plans) {
    if (left.state === "applying") tally = addTallies(tally, await resume(session, left));
    else tally = (await applyOne(session, left, tally)).tally;
  }
  return { tally, digests: plans.flatMap(({ digest }) => digest ?? []) };
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
    message: "The run was interrupted; the next one finished what it had begun.",
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
