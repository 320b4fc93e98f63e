import type { PlanRow } from "../store/plans.ts";
import { goneLinks, noteReturned } from "../store/unowned-links.ts";
import { heldAsFarAsShown } from "./emptied.ts";
import type { Session } from "./session.ts";

/**
 * Asks the target once more for the records that a plan found gone, before it begins: one that somebody put back since, as out of
 * a recycle bin, keeps its link, and no second one is made. It is planned anew by the next run.
 */
export async function keepReturned(session: Session, plan: PlanRow): Promise<void> {
  const { engine, lease, sync, connection, targetRow, target, options } = session;
  const { store } = engine;
  const space = { target: targetRow.id, tenant: connection.tenant };
  const gone = await goneLinks(store.db, { plan: plan.id, sync: sync.id, space, kind: sync.records });
  if (gone.length === 0) return;
  const asking = { target, kind: { name: sync.records }, signal: options.signal };
  const held = await heldAsFarAsShown(
    asking,
    gone.map((link) => link.record_id),
  );
  const returned = gone.flatMap((link) => (held.has(link.record_id) ? [link.object_id] : []));
  if (returned.length > 0) await store.fenced(lease, (tx) => noteReturned(tx, plan.id, returned));
}
