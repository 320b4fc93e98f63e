import { clearPlan, plansIn, updatePlan } from "../store/plans.ts";
import type { Session } from "./session.ts";

const KEPT_PLANS = 20;
const KEPT_PREVIEWS = 3;

/** Old plans' rows are dropped; what was applied stands in the journal. */
export async function forgetPlans(session: Session): Promise<void> {
  const { engine, sync, lease } = session;
  const { store } = engine;
  const done = await plansIn(store.db, sync.id, ["applied", "rejected", "superseded", "split"]);
  const previews = (await plansIn(store.db, sync.id, ["sealed"])).filter((one) => one.run === null);
  const old = [
    ...done.slice(0, Math.max(0, done.length - KEPT_PLANS)),
    ...previews.slice(0, Math.max(0, previews.length - KEPT_PREVIEWS)),
  ];
  if (old.length === 0) return;
  await store.fenced(lease, async (tx) => {
    for (const one of old) {
      await clearPlan(tx, one.id);
      await updatePlan(tx, one.id, { state: one.state === "sealed" ? "abandoned" : "forgotten" });
    }
  });
}
