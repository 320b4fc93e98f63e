import { ConnectorError, type SyncDefinition, type TargetKind } from "@entrain/core";
import type { Transaction } from "kysely";
import { loadRecords } from "../store/directory.ts";
import { type DoubtedLink, doubtedOf, settleDoubts } from "../store/doubted-links.ts";
import { appendJournal } from "../store/journal.ts";
import { deleteLostLinks, type LinkSpace, loadLinks, ownedLinks } from "../store/links.ts";
import { enterPending, loadPending } from "../store/pending.ts";
import { undoneRuns } from "../store/pins.ts";
import type { DB } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { streamOf } from "./applying.ts";
import { describedKind } from "./basis.ts";
import type { Actor, SyncRow } from "./context.ts";
import { heldAsFarAsShown, refuseManyLost, refuseWiped } from "./emptied.ts";
import { forgetReferences } from "./referrers.ts";
import { freshSync, type Session } from "./session.ts";

/** So many doubts one run looks into; the next one goes on. */
const MOST = 1_000;
/** The journal's type of what was found lost. */
const MISSING = "missing";
/** The causes of what counts as no loss afterwards: it had been disabled before, or somebody said that it is gone. */
const [LEFT, KNOWN] = ["disabled", "recreated"] as const;

/** A linked record that the target may have lost. One that was disabled is no loss: what leavers left may be cleared away. */
type Suspect = DoubtedLink & { readonly active: boolean };

/** What forgetting lost records works with. */
interface ForgetContext {
  readonly store: Store;
  readonly sync: SyncRow;
  readonly space: LinkSpace;
  readonly kind: TargetKind;
  readonly actor: Actor;
  readonly run: string;
}

/**
 * Looks for the sync's records of which the target said, where others referred to them, that they are not there. What is gone
 * is linked no more, as when an update finds it gone, so that this run's plan makes it anew; what is there after all stays as
 * it is. A target that cannot be asked shows nothing, and what an undoing pinned stays as it was undone.
 * @throws ConnectorError `target_emptied` when more are gone than the removal guard allows, or nearly everything else is
 */
export async function forgetLost(session: Session): Promise<void> {
  const { engine, lease, options, target, targetRow, connection, run } = session;
  const { store } = engine;
  const { actor, signal, recreate = false } = options;
  const sync = await freshSync(session);
  const of = { sync: sync.id, kind: sync.records };
  const doubted = await doubtedOf(store.db, { ...of, limit: MOST });
  if (doubted.length === 0) return;
  const space = { target: targetRow.id, tenant: connection.tenant };
  const kind = await describedKind(target, sync, signal);
  const scene = { store, sync, space, kind, target, signal };
  const linked = await stillLinked(scene, doubted);
  let lost: readonly Suspect[];
  try {
    const held = await heldAsFarAsShown(
      scene,
      linked.map((one) => one.record_id),
    );
    lost = linked.filter((one) => !held.has(one.record_id));
    if (!recreate) await refuseLost(scene, lost);
  } catch (error) {
    if (error instanceof ConnectorError && error.code !== "target_emptied" && error.stops !== "run") return;
    throw error;
  }
  await store.fenced(lease, async (tx) => {
    await forgetRecords({ store, sync, space, kind, actor, run }, tx, { lost, plan: null, recreate });
    await settleDoubts(
      tx,
      of,
      doubted.map((one) => one.record_id),
    );
  });
}

/** Of what was doubted, what the sync still has under the same record, and what no undoing pinned. */
async function stillLinked(
  { store, sync, space, kind }: Omit<ForgetContext, "actor" | "run">,
  doubted: readonly DoubtedLink[],
): Promise<readonly Suspect[]> {
  const ids = doubted.map((one) => one.object_id);
  const links = await loadLinks(store.db, space, [kind.name], ids);
  const pinned = await undoneRuns(store.db, sync.id, ids);
  return doubted.flatMap(({ object_id: id, record_id: record }) => {
    const link = links.get(id);
    const isOwn = link?.record_id === record && link.sync === sync.id && link.origin !== "shared";
    return isOwn && !pinned.has(id) ? [{ object_id: id, record_id: record, active: link.active === 1 }] : [];
  });
}

async function refuseLost(
  scene: Parameters<typeof refuseWiped>[0] & Pick<ForgetContext, "sync">,
  lost: readonly Suspect[],
): Promise<void> {
  if (lost.length === 0) return;
  const { store, sync } = scene;
  const { guard } = JSON.parse(sync.definition) as SyncDefinition;
  await refuseWiped(scene, { gone: lost.map((one) => one.record_id), deleted: [] });
  const active = lost.filter((one) => one.active).length;
  const now = store.clock.now();
  const before = await lostSince(store, sync, now - guard.removals.windowMs);
  refuseManyLost(active, await ownedLinks(store.db, sync.id, now), guard.removals, before);
}

/** How many active records of a sync were found lost since then: what many runs find a little of is a loss of many all the same. */
async function lostSince({ db }: Store, sync: SyncRow, since: number): Promise<number> {
  const row = await db
    .selectFrom("journal")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("stream", "=", streamOf(sync))
    .where("type", "=", MISSING)
    .where("cause", "is", null)
    .where("at", ">", since)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/**
 * What the target has lost is linked no more, and whoever referred to it is looked at again; until it is made anew it is pending,
 * unless it is a dead letter, or somebody ignores it.
 */
export async function forgetRecords(
  context: ForgetContext,
  tx: Transaction<DB>,
  of: { readonly lost: readonly DoubtedLink[]; readonly plan: string | null; readonly recreate?: boolean },
): Promise<void> {
  const { lost, plan, recreate = false } = of;
  if (lost.length === 0) return;
  const { store, sync, space, kind, actor, run } = context;
  const ids = lost.map((one) => one.object_id);
  const detail = "the target holds the linked record no more";
  const links = await loadLinks(tx, space, [kind.name], ids);
  await deleteLostLinks(store, tx, space, kind.name, ids);
  await forgetReferences({ store, sync, space, kind, run }, tx, ids);
  const rows = await loadRecords(tx, sync.connection, ids);
  const known = await loadPending(tx, sync.id, ids);
  const base = {
    sync: sync.id,
    reason: "conflict",
    code: "record_missing",
    detail,
    plan: null,
    attempts: 0,
    retry_at: 0,
  };
  const since = store.clock.now();
  const pending = ids.flatMap((object_id) => {
    const row = rows.get(object_id);
    const before = known.get(object_id);
    const isLeft = before !== undefined && (before.dead_at !== null || before.ignored !== null);
    return row === undefined || isLeft ? [] : [{ ...base, object_id, sequence: row.sequence, since }];
  });
  await enterPending(store, tx, pending);
  const entry = { type: MISSING, actor, run, plan, target: space.target, kind: kind.name, detail };
  await appendJournal(
    tx,
    store,
    streamOf(sync),
    lost.map(({ object_id: objectId, record_id: recordId }) => {
      const cause = links.get(objectId)?.active !== 1 ? LEFT : recreate ? KNOWN : null;
      return { ...entry, objectId, recordId, cause };
    }),
  );
}
