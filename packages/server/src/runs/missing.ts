import type { Outcome, SyncDefinition } from "@entrain/core";
import { ownedLinks } from "../store/links.ts";
import { countShares } from "../store/shares.ts";
import type { ApplyContext } from "./applying.ts";
import { heldAmong, refuseManyLost, refuseWiped } from "./emptied.ts";
import type { Prepared } from "./prepare.ts";

/**
 * Judges what a target says of linked records that are gone, before anything is made of it. Each is looked for by its
 * id, and so are some others: with a wrong address, or on a server that was wiped, all of them are missing.
 * Answers the outcomes, with a refusal where the target holds the record after all.
 * @throws ConnectorError `target_emptied`, upon which nothing of the batch may be recorded: its intents stay open.
 */
export async function judgeMissing(
  context: ApplyContext,
  sent: readonly Prepared[],
  outcomes: readonly Outcome[],
): Promise<readonly Outcome[]> {
  const missing = sent.filter((change, at) => isMissing(change, outcomes[at]));
  const deleted = (status: Outcome["status"]): readonly Prepared[] =>
    sent.filter(({ row }, at) => row.action === "delete" && outcomes[at]?.status === status);
  // What is deleted once more, and is not there, went by the sync's own hand.
  const gone = deleted("unchanged").filter(({ row }) => row.state !== "again");
  if (missing.length + gone.length === 0) return outcomes;
  const held = await heldAmong(context, missing.map(recordIdOf));
  const lost = missing.filter((change) => !held.has(recordIdOf(change)));
  if (!context.recreate) {
    const own = [...deleted("applied").map(recordIdOf), ...(await deletedUnheard(context))];
    await refuseEmptied(context, lost, { gone, deleted: own });
  }
  return outcomes.map((outcome, at) => {
    const change = sent[at];
    if (change === undefined || !isMissing(change, outcome) || !held.has(recordIdOf(change))) return outcome;
    const detail = `The target answered that ${recordIdOf(change)} is not there, and holds it when asked for it.`;
    return { status: "refused", code: "refused_by_target", detail, retry: "later" };
  });
}

/** True when a target says that the record of a link is gone. */
export function isMissing(change: Pick<Prepared, "link">, outcome: Outcome | undefined): boolean {
  return change.link !== undefined && outcome?.status === "conflict" && outcome.code === "record_missing";
}

function recordIdOf({ link }: Prepared): string {
  return link?.record_id ?? "";
}

/** Records whose deletion was sent without an answer and had not shown: it may have taken effect by now. */
async function deletedUnheard({ store, plan }: ApplyContext): Promise<readonly string[]> {
  const rows = await store.db
    .selectFrom("plan_changes")
    .select("record_id")
    .where("plan", "=", plan.id)
    .where("action", "=", "delete")
    .where("state", "=", "again")
    .execute();
  return rows.flatMap(({ record_id: id }) => id ?? []);
}

async function refuseEmptied(
  context: ApplyContext,
  lost: readonly Prepared[],
  of: { readonly gone: readonly Prepared[]; readonly deleted: readonly string[] },
): Promise<void> {
  const without = [...lost, ...of.gone].map(recordIdOf);
  // All that is said to be gone is in the target after all.
  if (without.length === 0) return;
  const { store, sync, plan } = context;
  const limit = (JSON.parse(sync.definition) as SyncDefinition).guard.removals;
  await refuseWiped(context, { gone: without, deleted: of.deleted });
  const earlier = await store.db
    .selectFrom("plan_changes")
    .select("object_id")
    .distinct()
    .where("plan", "=", plan.id)
    .where("state", "=", "missing")
    .execute();
  // A leaver whose record is gone already is no loss.
  const now = lost.flatMap(({ row, link }) => (row.action === "disable" || link?.active !== 1 ? [] : [row.object_id]));
  const all = new Set([...earlier.map((row) => row.object_id), ...now]);
  const owned = await ownedLinks(store.db, sync.id, store.clock.now());
  const shared = await countShares(store.db, sync.id);
  refuseManyLost(all.size, owned + shared + earlier.length, limit);
}
