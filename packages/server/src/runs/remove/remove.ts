import { ConnectorError, type KnownLink, type LinkOrigin, nameOf, PHASES } from "@entrain/core";
import type { Transaction } from "kysely";
import { newId } from "../../clock.ts";
import { loadRecords } from "../../store/directory.ts";
import { appendJournal } from "../../store/journal.ts";
import type { LinkRow } from "../../store/links.ts";
import { ownedPage } from "../../store/owned-links.ts";
import { forgetPause, savePause } from "../../store/pauses.ts";
import { undoneRuns } from "../../store/pins.ts";
import { clearPlan, createPlan, NO_COUNTS, type PlanRow, UNASKED, updatePlan } from "../../store/plans.ts";
import type { DB } from "../../store/schema.ts";
import type { Store } from "../../store/store.ts";
import { streamOf } from "../applying.ts";
import { openBasis, positionOf } from "../basis.ts";
import { pinHeld } from "../begin.ts";
import { NOTHING } from "../carry-out.ts";
import type { Engine } from "../context.ts";
import { inRun, type RunSummary } from "../in-run.ts";
import { recordOf } from "../inputs.ts";
import { keptByMembers } from "../kept-groups.ts";
import type { BatchContext, NewChange, NewIssue } from "../plan-context.ts";
import { PlanWriter } from "../plan-writer.ts";
import { settleLeft, withdrawLeft } from "../recover.ts";
import { sealPlan } from "../seal.ts";
import { freshSync, type RunOptions, type Session } from "../session.ts";
import { linkNow } from "../undo/scene.ts";

/** What becomes of the records that a sync owns when it is removed; `release`: nothing, they are nobody's. */
export const OWNED_CHOICES = ["release", "disable", "delete"] as const;
export type OwnedChoice = (typeof OWNED_CHOICES)[number];

/** The records that a sync owns, shared ones left out, and how many of them are active. */
export interface Owned {
  readonly records: number;
  readonly active: number;
}

export async function ownedBy({ db }: Pick<Store, "db">, sync: string): Promise<Owned> {
  const rows = await db
    .selectFrom("links")
    .select("active")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("sync", "=", sync)
    .where("origin", "!=", "shared")
    .groupBy("active")
    .execute();
  const of = (active: number): number => Number(rows.find((row) => row.active === active)?.count ?? 0);
  return { records: of(0) + of(1), active: of(1) };
}

const BATCH = 500;

/**
 * Plans the disabling or deleting of all that a sync owns, before the sync is removed. The plan waits for approval, and the
 * sync is paused meanwhile. A run without a held plan found nothing to do: the sync may be removed.
 * @throws ConnectorError `config_invalid` where the target cannot disable such records
 */
export async function planRemoval(
  engine: Engine,
  options: RunOptions & { readonly owned: Exclude<OwnedChoice, "release"> },
): Promise<RunSummary> {
  return await inRun(engine, options, "remove", async (session) => {
    const tally = await settleLeft(session);
    await withdrawLeft(session, "the sync is to be removed");
    return { ...NOTHING, tally, held: await fillRemoval(session, options.owned) };
  });
}

type RemovalContext = BatchContext & { readonly lease: Session["lease"]; readonly plan: PlanRow };

async function fillRemoval(session: Session, owned: "disable" | "delete"): Promise<PlanRow | null> {
  const { engine, options } = session;
  const { store } = engine;
  await dropEarlier(session);
  const context = await openRemoval(session);
  try {
    if (owned === "disable" && !context.kind.disable) throw cannotDisable(session, context.kind.name);
    const writer = new PlanWriter(context, 0);
    for (let after = ""; ; ) {
      options.signal.throwIfAborted();
      const page = await ownedPage(store.db, context.sync.id, { after, limit: BATCH });
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.object_id;
      const links = page.filter((link) => link.kind === context.kind.name && link.origin !== "shared");
      await writer.write({ ...(await removalsOf(context, links, owned)), wanted: [] });
    }
    if (writer.next > 0) return await holdRemoval(session, context, owned);
    await abandon(session, context.plan.id);
    return null;
  } catch (error) {
    await abandon(session, context.plan.id);
    throw error;
  } finally {
    context.lookups?.close();
  }
}

async function abandon({ engine, lease }: Session, plan: string): Promise<void> {
  await engine.store.fenced(lease, async (tx) => {
    await clearPlan(tx, plan);
    await updatePlan(tx, plan, { state: "abandoned" });
  });
}

function cannotDisable({ sync, targetRow }: Session, kind: string): ConnectorError {
  const message = `The target ${targetRow.name} cannot disable a ${kind}, so what the sync ${sync.name} owns cannot be disabled.`;
  const fix = "Choose --owned release, which leaves the records as they are, or --owned delete.";
  return new ConnectorError("config_invalid", message, { stops: "run", retry: "never", fix });
}

/** A choice that was made before, and not approved, is replaced. */
async function dropEarlier({ engine, sync, lease, options, run }: Session): Promise<void> {
  const { store } = engine;
  const held = await store.db
    .selectFrom("plans")
    .select("id")
    .where("sync", "=", sync.id)
    .where("part", "=", "remove")
    .where("state", "=", "held")
    .execute();
  for (const { id } of held) {
    await store.fenced(lease, async (tx) => {
      await updatePlan(tx, id, { state: "rejected", finished_at: store.clock.now() });
      await tx.deleteFrom("pending").where("sync", "=", sync.id).where("plan", "=", id).execute();
      await appendJournal(tx, store, streamOf(sync), [{ type: "rejected", actor: options.actor, run, plan: id }]);
    });
  }
}

async function openRemoval(session: Session): Promise<RemovalContext> {
  const { engine, connection, targetRow, target, options, lease } = session;
  const { store, keyring } = engine;
  const sync = await freshSync(session);
  const position = { ...(await positionOf(store, connection.id, [])), complete: true };
  const { signal } = options;
  const of = { store, keyring, sync, connection, targetRow, target, position, recreate: false, signal };
  const basis = await openBasis(of);
  const plan: PlanRow = {
    ...{ id: newId(store.clock, "plan"), sync: sync.id, run: null, part: "remove", undoes: null, ...UNASKED },
    asked_by: JSON.stringify(options.actor),
    approval: basis.definition.approval ?? null,
    ...{ revision: sync.revision, complete: 1, state: "building", digest: null },
    ...{ counts: JSON.stringify(NO_COUNTS), holds: "[]", upto: sync.cursor, link_upto: sync.link_cursor },
    ...{ created_at: store.clock.now(), sealed_at: null, approved_by: null, approved_at: null, finished_at: null },
  };
  await store.fenced(lease, (tx) => createPlan(tx, plan));
  return { ...basis, lease, plan };
}

async function removalsOf(
  context: RemovalContext,
  links: readonly LinkRow[],
  owned: "disable" | "delete",
): Promise<{ readonly changes: readonly NewChange[]; readonly issues: readonly NewIssue[] }> {
  const { store, sync, protection } = context;
  const ids = links.map((link) => link.object_id);
  const rows = await loadRecords(store.db, sync.connection, ids);
  const groups = { ...context, connection: sync.connection };
  const kept = owned === "delete" ? await keptByMembers(groups, protection, ids) : new Map<string, string>();
  const pinned = await undoneRuns(store.db, sync.id, ids);
  const changes: NewChange[] = [];
  const issues: NewIssue[] = [];
  for (const link of links) {
    const row = rows.get(link.object_id);
    const record = row === undefined ? null : recordOf(row);
    const who = { objectId: link.object_id, name: record === null ? link.record_id : nameOf(record) };
    const listed = record === null ? null : protection?.of(record);
    const by = listed ?? kept.get(link.object_id);
    const pin = pinned.get(link.object_id);
    const known = linkNow(link, context);
    const removal = known === null ? null : removalOf(context, known, owned);
    const sequence = row?.sequence ?? 0;
    const left = (code: string, detail: string): void => {
      issues.push({ state: "left", sequence, code, detail, object_id: who.objectId, name: who.name });
    };
    if (known === null || removal === null) {
      if (owned === "delete" && known?.active === true)
        left("joined", "the record was joined, not created, so it is not deleted");
    } else if (pin !== undefined)
      left("pinned", `would be ${removal.action}d, but ${stays(sync.name, { id: link.object_id, run: pin })}`);
    else if (by !== undefined) left("protected", `would be ${removal.action}d, but is protected by ${by}`);
    else changes.push(rowOf(context, { who, known, removal, sequence, link }));
  }
  return { changes, issues };
}

/** Why no plan touches a record; `run`: which was undone, empty for what was exempted. */
function stays(sync: string, { id, run }: { readonly id: string; readonly run: string }): string {
  const why = run === "" ? "was exempted from a held plan" : `stays as undoing the run ${run} left it`;
  return `${why}; let it go with the rest: entrain sync release ${sync} --record ${id}`;
}

interface Removing {
  readonly action: "disable" | "delete";
  readonly note: string;
}

/** A joined record was there before us: at most it is disabled. */
function removalOf(
  { kind }: Pick<RemovalContext, "kind">,
  { origin, active }: Pick<KnownLink, "origin" | "active">,
  owned: "disable" | "delete",
): Removing | null {
  if (owned === "delete" && isOurs(origin)) return { action: "delete", note: kind.verbs?.delete ?? "" };
  if (!kind.disable || !active) return null;
  const joined = owned === "delete" ? "disabled rather than deleted, for the record was joined, not created" : "";
  return { action: "disable", note: joined === "" ? (kind.verbs?.disable ?? "") : joined };
}

function isOurs(origin: LinkOrigin): boolean {
  return origin === "created";
}

function rowOf(
  { sync }: RemovalContext,
  of: {
    readonly who: { readonly objectId: string; readonly name: string };
    readonly known: KnownLink;
    readonly removal: Removing;
    readonly sequence: number;
    readonly link: LinkRow;
  },
): NewChange {
  const { who, known, removal, sequence, link } = of;
  const { action, note } = removal;
  const reason = `The sync ${sync.name} is removed${note === "" ? "" : `; ${note}`}`;
  const isDisable = action === "disable";
  return {
    phase: PHASES[action],
    object_id: who.objectId,
    ...{ kind: link.kind, name: who.name, action, cause: "syncRemoved", reason, record_id: known.recordId },
    before: JSON.stringify(known.known),
    after: isDisable ? JSON.stringify(known.known) : null,
    active: isDisable ? 0 : null,
    ...{ add: null, remove: null, waits_for: null, record_sequence: sequence, link_sequence: link.sequence },
    ...{ hold: "remove", matched_by: null, matched_value: null },
  };
}

/** Stands in the pause of a sync that waits to be removed. */
const BEING_REMOVED = "it is being removed";

async function holdRemoval(session: Session, context: RemovalContext, owned: "disable" | "delete"): Promise<PlanRow> {
  const { store } = session.engine;
  const { lease, plan, sync } = context;
  const detail = `Before the sync is removed, what it owns is ${owned}d.`;
  const seal = { store, lease, plan, keeps: () => false };
  const sealed = await sealPlan(seal, { state: "building", holds: [{ code: "remove", detail }] });
  const held = { ...sealed, state: "held" };
  const { actor } = session.options;
  await store.fenced(lease, async (tx) => {
    await updatePlan(tx, plan.id, { state: held.state });
    await pinHeld({ store, sync }, tx, held);
    const since = store.clock.now();
    await savePause(tx, { sync: sync.id, actor: JSON.stringify(actor), since, until: null, note: BEING_REMOVED });
    const entry = { type: "remove", actor, run: session.run, plan: plan.id, detail: `${owned} what it owns` };
    await appendJournal(tx, store, streamOf(sync), [entry]);
  });
  return held;
}

/** A sync that is not to be removed after all runs by itself again. */
export async function stayAfterAll(tx: Transaction<DB>, plan: Pick<PlanRow, "sync" | "part">): Promise<void> {
  if (plan.part !== "remove") return;
  const pause = await tx.selectFrom("sync_pauses").select("note").where("sync", "=", plan.sync).executeTakeFirst();
  if (pause?.note === BEING_REMOVED) await forgetPause(tx, plan.sync);
}

/** Whether a run applied all of what a sync was to do before it is removed. */
export async function isReadyToGo(
  { db }: Pick<Store, "db">,
  of: { readonly sync: string; readonly digest: string },
): Promise<boolean> {
  const plan = await db
    .selectFrom("plans")
    .select("id")
    .where("sync", "=", of.sync)
    .where("digest", "=", of.digest)
    .where("part", "=", "remove")
    .where("state", "=", "applied")
    .executeTakeFirst();
  if (plan === undefined) return false;
  const open = await db
    .selectFrom("plan_changes")
    .select("ordinal")
    .where("plan", "=", plan.id)
    .where("state", "not in", ["applied", "unchanged"])
    .limit(1)
    .execute();
  return open.length === 0 && !(await isRemoval({ db }, { sync: of.sync }));
}

/** Whether a plan that waits for approval, any of a sync or that with a digest, is what is done before the sync is removed. */
export async function isRemoval(
  { db }: Pick<Store, "db">,
  of: { readonly sync: string; readonly digest?: string },
): Promise<boolean> {
  let query = db.selectFrom("plans").select("id").where("sync", "=", of.sync).where("part", "=", "remove");
  if (of.digest !== undefined) query = query.where("digest", "=", of.digest);
  return (await query.where("state", "=", "held").limit(1).execute()).length > 0;
}
