import { createHash } from "node:crypto";
import {
  type Attributes,
  type Change,
  type Counts,
  createPlanDigest,
  type Finding,
  isEmpty,
  isReference,
  kindsReferred,
  PHASES,
  type Reference,
  referenceTo,
  type TargetKind,
  type Value,
  writesOf,
} from "@entrain/core";
import type { Transaction } from "kysely";
import { type LinkSpace, loadLinksByKind } from "../store/links.ts";
import {
  changesPage,
  countChange,
  idsOf,
  NO_COUNTS,
  type PlanChangeRow,
  type PlanKey,
  type PlanRow,
  updatePlan,
} from "../store/plans.ts";
import type { DB } from "../store/schema.ts";
import type { Lease, Store } from "../store/store.ts";
import type { NewChange, NewIssue } from "./plan-context.ts";
import { shown } from "./sensitive.ts";

/** What sealing works with. */
export interface SealContext {
  readonly store: Store;
  readonly lease: Lease;
  readonly plan: PlanRow;
  /** Whether a target attribute keeps its old value while a new reference cannot be written. */
  readonly keeps: (attribute: string) => boolean;
  /** Which of these records a list protects, so that nothing of them is cleared; without it none. */
  readonly spares?: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;
}

const PAGE = 1000;
/**
 * Takes references out of changes whose referenced record neither exists in the target nor will by this plan. A change
 * that asks for nothing else disappears; it comes back when the referenced record is linked.
 */
export async function dropUnresolvable(
  context: SealContext,
  { kind, space }: { readonly kind: TargetKind; readonly space: LinkSpace },
): Promise<readonly NewIssue[]> {
  const { store, plan, lease } = context;
  const kept: NewIssue[] = [];
  let after = -1;
  for (;;) {
    const rows = await store.db
      .selectFrom("plan_changes")
      .selectAll()
      .where("plan", "=", plan.id)
      .where("waits_for", "is not", null)
      .where("ordinal", ">", after)
      .orderBy("ordinal")
      .limit(PAGE)
      .execute();
    const last = rows.at(-1);
    if (!last) return kept;
    after = last.ordinal;
    const created = await plannedHere(
      store,
      plan.id,
      rows.flatMap((row) => row.waits_for ?? []),
    );
    const open = rows.filter((row) => row.waits_for !== null && !created.has(row.waits_for));
    if (open.length === 0) continue;
    const ids = [...new Set(open.flatMap((row) => row.waits_for ?? []))];
    const otherwise = await otherRecords(store, { kind, space }, ids);
    const spared = (await context.spares?.(open.map((row) => row.object_id))) ?? new Map<string, string>();
    await store.fenced(lease, async (tx) => {
      for (const row of open) {
        const by = spared.get(row.object_id);
        const cleared = await withoutReference({ ...context, otherwise }, tx, { row, spares: by !== undefined });
        if (by !== undefined && cleared.length > 0) kept.push(keptOf(row, cleared, by));
      }
    });
  }
}

/** Of these people and groups: those whom a plan gives a record. */
export async function plannedHere(store: Store, plan: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await store.db
      .selectFrom("plan_changes")
      .select("object_id")
      .where("plan", "=", plan)
      .where("object_id", "in", ids.slice(at, at + 500))
      .where("action", "in", ["create", "join"])
      .execute();
    for (const row of rows) found.add(row.object_id);
  }
  return found;
}

/** What an attribute points to where a person gets no record of the kind that is planned: the next kind that there is. */
type OtherRecord = (objectId: string, attribute: string) => Reference | null;

/** The records of other kinds that these people have in the target. */
export async function otherRecords(
  store: Store,
  { kind, space }: { readonly kind: TargetKind; readonly space: LinkSpace },
  ids: readonly string[],
): Promise<OtherRecord> {
  const several = kind.attributes.filter((attribute) => kindsReferred(attribute).length > 1);
  const kinds = several.flatMap(kindsReferred).filter((name) => name !== kind.name);
  const links = await loadLinksByKind(store.db, space, kinds, ids);
  return (id, name) => {
    const attribute = several.find((one) => one.name === name);
    const other = attribute && kindsReferred(attribute).find((one) => links.get(one)?.has(id) === true);
    return attribute === undefined || other === undefined ? null : referenceTo(id, other, attribute);
  };
}

/**
 * What a change writes without a reference to a record that will not be there: what the target holds in its place is
 * outdated and cleared, unless it is kept, or the person has another record to point to.
 */
export function withoutReferenceTo(
  id: string,
  { before, after }: { readonly before: Attributes; readonly after: Attributes },
  { keeps, otherwise }: { readonly keeps: (attribute: string) => boolean; readonly otherwise: OtherRecord },
): Attributes {
  const left: { [name: string]: Value } = { ...after };
  for (const [name, value] of Object.entries(after)) {
    if (!isReference(value) || value.$ref !== id) continue;
    const old = before[name];
    const other = otherwise(id, name);
    if (other !== null) left[name] = other;
    else if (old === undefined) delete left[name];
    else left[name] = keeps(name) ? old : null;
  }
  return left;
}

async function withoutReference(
  context: SealContext & { readonly otherwise: OtherRecord },
  tx: Transaction<DB>,
  { row, spares }: { readonly row: PlanChangeRow; readonly spares: boolean },
): Promise<readonly string[]> {
  const before = JSON.parse(row.before ?? "{}") as Attributes;
  const cleared: string[] = [];
  const keeps = (name: string): boolean => {
    if (context.keeps(name) || context.plan.complete === 0) return true;
    if (!isEmpty(before[name])) cleared.push(name);
    return spares;
  };
  const ways = { keeps, otherwise: context.otherwise };
  const after = withoutReferenceTo(row.waits_for ?? "", { before, after: JSON.parse(row.after ?? "{}") }, ways);
  const waits = !Object.values(after).some((value) => isReference(value) && value.$ref === row.waits_for);
  const nothingLeft = row.action === "update" && Object.keys(writesOf({ before, after })).length === 0;
  if (nothingLeft) {
    await tx.deleteFrom("plan_changes").where("plan", "=", row.plan).where("ordinal", "=", row.ordinal).execute();
    return cleared;
  }
  await tx
    .updateTable("plan_changes")
    .set({ after: JSON.stringify(after), waits_for: null, reason: waits ? waitingReason(row) : row.reason })
    .where("plan", "=", row.plan)
    .where("ordinal", "=", row.ordinal)
    .execute();
  return cleared;
}

function keptOf(row: PlanChangeRow, cleared: readonly string[], by: string): NewIssue {
  const detail = `would have ${cleared.join(", ")} cleared, but is protected by ${by}`;
  const { object_id, name, record_sequence: sequence } = row;
  return { state: "issue", code: "protected", detail, object_id, name, sequence };
}

function waitingReason(row: PlanChangeRow): string {
  // A creation's reason names no attributes; an update's lists what it writes.
  return row.action === "create" ? row.reason : `${row.reason} (a reference waits until its record exists)`;
}

/**
 * Ranks creations by the depth of what they refer to, so that a manager is created before the reports. What is left in
 * a cycle comes last; its references are written by the pass that follows.
 */
export async function rankReferences(context: SealContext): Promise<void> {
  const { store, plan, lease } = context;
  const inPhase = (tx: Transaction<DB>) =>
    tx.updateTable("plan_changes").where("plan", "=", plan.id).where("phase", "=", PHASES.create);
  await store.fenced(lease, async (tx) => {
    const waiting = await inPhase(tx).set({ rank: -1 }).where("waits_for", "is not", null).executeTakeFirst();
    let left = Number(waiting.numUpdatedRows);
    for (let depth = 0; left > 0; depth += 1) {
      const ranked = await inPhase(tx)
        .set({ rank: depth + 1 })
        .where("rank", "=", -1)
        .where("waits_for", "in", (eb) =>
          eb
            .selectFrom("plan_changes as parent")
            .select("parent.object_id")
            .where("parent.plan", "=", plan.id)
            .where("parent.phase", "=", PHASES.create)
            .where("parent.rank", "=", depth),
        )
        .executeTakeFirst();
      const moved = Number(ranked.numUpdatedRows);
      left -= moved;
      if (moved > 0) continue;
      await inPhase(tx)
        .set({ rank: depth + 1 })
        .where("rank", "=", -1)
        .execute();
      return;
    }
  });
}

/** Digest, counts and state: from here on the plan is what was shown. Streams the plan in its order. */
export async function sealPlan(
  context: SealContext,
  options: { readonly state: string; readonly holds: readonly Finding[] },
): Promise<PlanRow> {
  const { store, plan, lease } = context;
  const digest = createPlanDigest(createHash("sha256"), {
    sync: plan.sync,
    revision: plan.revision,
    complete: plan.complete === 1,
  });
  let counts: Counts = NO_COUNTS;
  for await (const row of planRows(store, plan.id)) {
    digest.add(changeOf(row));
    counts = countChange(counts, row);
  }
  const changes = {
    digest: digest.end(),
    counts: JSON.stringify(counts),
    holds: JSON.stringify(options.holds),
    state: options.state,
    sealed_at: store.clock.now(),
  };
  await store.fenced(lease, (tx) => updatePlan(tx, plan.id, changes));
  return { ...plan, ...changes };
}

/** Every row of a plan in the order of application, page by page. */
export async function* planRows(store: Store, plan: string): AsyncGenerator<PlanChangeRow> {
  let after: PlanKey | null = null;
  for (;;) {
    const page: readonly PlanChangeRow[] = await changesPage(store.db, plan, { after, limit: PAGE });
    yield* page;
    const last = page.at(-1);
    if (!last) return;
    after = { phase: last.phase, rank: last.rank, ordinal: last.ordinal };
  }
}

/** A stored change as it is shown. */
export function shownChange(row: NewChange): Change {
  const change = changeOf(row);
  return { ...change, before: shown(change.before), after: shown(change.after) };
}

/** A stored change in core's terms. */
export function changeOf(row: NewChange): Change {
  return {
    kind: row.kind,
    objectId: row.object_id,
    name: row.name,
    action: row.action as Change["action"],
    cause: row.cause as Change["cause"],
    reason: row.reason,
    recordId: row.record_id,
    before: row.before === null ? null : (JSON.parse(row.before) as Change["before"]),
    after: row.after === null ? null : (JSON.parse(row.after) as Change["after"]),
    active: row.active === null ? null : row.active === 1,
    add: idsOf(row.add),
    remove: idsOf(row.remove),
    ...matchedBy(row),
  };
}

function matchedBy({ matched_by: attribute, matched_value: value }: NewChange): Pick<Change, "matchedBy"> {
  return attribute === null ? {} : { matchedBy: { attribute, value: JSON.parse(value ?? "null") as Value } };
}
