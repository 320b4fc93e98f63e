import {
  type Attributes,
  byCodeUnits,
  type Change,
  type Deed,
  deedOf,
  type Finding,
  inverseOf,
  isReference,
  movedMembers,
  PHASES,
} from "@entrain/core";
import type { PlanRow } from "../../store/plans.ts";
import type { Lease } from "../../store/store.ts";
import { recordOf } from "../inputs.ts";
import type { BatchContext, NewChange, NewIssue } from "../plan-context.ts";
import { protectedAmong } from "../protection.ts";
import { withoutTaking } from "../spared.ts";
import { appliedChange, type JournalledChange } from "./deeds.ts";
import { type Around, aroundOf, disabledBefore, foundAgain, linkNow } from "./scene.ts";

/** What planning an undo works with. */
export type UndoContext = BatchContext & { readonly lease: Lease; readonly plan: PlanRow };

/** Single additions or removals that one change carries at most. */
const CHUNK = 100;

interface Planned {
  readonly changes: readonly NewChange[];
  readonly issues: readonly NewIssue[];
}

/** The inverse of what a run did to a batch of records and their memberships, and what of it cannot come back. */
export async function inversesOf(
  context: UndoContext,
  batch: ReadonlyMap<string, readonly JournalledChange[]>,
): Promise<Planned> {
  const deeds = new Map<string, Deed>();
  for (const [id, changes] of batch) {
    const own = changes.filter(({ action }) => action !== "members" && action !== "lookup");
    if (own.length > 0) deeds.set(id, deedOf(own.map(appliedChange)));
  }
  const recordIds = [...deeds.values()].map(({ recordId }) => recordId);
  const around = await aroundOf(context, [...batch.keys()], recordIds);
  const deleted = new Map([...deeds].filter(([, { existed, exists }]) => existed && !exists));
  const found = await foundAgain(context, deleted);
  const disabled = await disabledBefore(context, [...deleted.keys()], context.plan.undoes ?? "");
  const changes: NewChange[] = [];
  const issues: NewIssue[] = [];
  for (const [id, of] of batch) {
    const who = { objectId: id, name: around.nameOf(id) ?? id };
    const deed = deeds.get(id);
    if (deed !== undefined) {
      const inverse = inverseOf(context.rules, who, deed, {
        link: linkNow(around.links.get(id), context),
        present: around.present.get(deed.recordId) ?? null,
        found: found.get(id) ?? null,
        wasActive: !disabled.has(id),
        nameOf: around.nameOf,
      });
      const kept = inverse.change === null ? null : sparing(context, inverse.change, around);
      const change = kept === null ? inverse.change : kept.change;
      if (change !== null) changes.push(rowOf(change, around));
      if (kept !== null) issues.push(kept.issue);
      issues.push(...inverse.left.map((finding) => leftOver(finding, around)));
    }
    const members = await membersBack(context, who, of, around);
    changes.push(...members.changes);
    issues.push(...members.issues, ...lookupsLeft(of));
  }
  return { changes, issues };
}

/** What of an inverse may be made of a protected record, and what is said of the rest; `null`: nothing keeps it. */
function sparing(
  { protection }: UndoContext,
  change: Change,
  around: Around,
): { readonly change: Change | null; readonly issue: NewIssue } | null {
  const row = around.rows.get(change.objectId);
  const by = row === undefined ? null : (protection?.of(recordOf(row)) ?? null);
  const taken = by === null ? null : withoutTaking(change);
  if (taken === null) return null;
  const { objectId, name } = change;
  const detail = `it would ${taken.not} again, but is protected by ${by}`;
  return { change: taken.change, issue: leftOver({ code: "protected", detail, objectId, name }, around) };
}

/** Memberships that the run moved and that still are as it left them. */
async function membersBack(
  { store, space, rules, sync, protection }: UndoContext,
  who: { readonly objectId: string; readonly name: string },
  of: readonly JournalledChange[],
  around: Around,
): Promise<Planned> {
  const moves = of.filter(({ action }) => action === "members").map(({ after }) => movesIn(after));
  if (moves.length === 0) return { changes: [], issues: [] };
  const link = around.links.get(who.objectId);
  if (link === undefined || link.sync !== sync.id) {
    const detail = "the group does not belong to the sync any more, so its members stay";
    return { changes: [], issues: [leftOver({ code: "undo_unlinked", detail, ...who }, around)] };
  }
  const { added, removed } = movedMembers(moves);
  const known = new Set<string>();
  const asked = [...added, ...removed];
  for (let at = 0; at < asked.length; at += 500) {
    const rows = await store.db
      .selectFrom("known_members")
      .select("member_id")
      .where("target", "=", space.target)
      .where("tenant", "=", space.tenant)
      .where("group_id", "=", who.objectId)
      .where("member_id", "in", asked.slice(at, at + 500))
      .execute();
    for (const row of rows) known.add(row.member_id);
  }
  const add = [...removed].filter((id) => !known.has(id)).sort(byCodeUnits);
  const leaving = [...added].filter((id) => known.has(id)).sort(byCodeUnits);
  const place = { store, connection: sync.connection };
  const spared: ReadonlyMap<string, string> =
    protection === null ? new Map() : await protectedAmong(place, protection, [who.objectId, ...leaving]);
  const remove = spared.has(who.objectId) ? [] : leaving.filter((id) => !spared.has(id));
  const chunks = [
    ...inChunks(add).map((ids) => ({ add: ids, remove: [] })),
    ...inChunks(remove).map((ids) => ({ add: [], remove: ids })),
  ];
  const changes = chunks.map((chunk) => {
    const change: Change = {
      ...who,
      kind: rules.kind.name,
      action: "members",
      cause: "undone",
      reason: `Undone: ${chunk.add.length > 0 ? `${chunk.add.length} added again` : `${chunk.remove.length} removed again`}`,
      recordId: link.record_id,
      ...{ before: null, after: null, active: null },
      ...chunk,
    };
    return rowOf(change, around);
  });
  if (remove.length === leaving.length) return { changes, issues: [] };
  const detail = `${leaving.length - remove.length} members stay, for they or the group are protected`;
  return { changes, issues: [leftOver({ code: "protected", detail, ...who }, around)] };
}

function movesIn(after: Attributes | null): { readonly add: readonly string[]; readonly remove: readonly string[] } {
  const ids = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);
  return { add: ids(after?.add), remove: ids(after?.remove) };
}

function inChunks(ids: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(ids.length / CHUNK) }, (_, at) => ids.slice(at * CHUNK, (at + 1) * CHUNK));
}

/** Others may point to a value by now, and a target's own lists are never shortened. */
function lookupsLeft(of: readonly JournalledChange[]): readonly NewIssue[] {
  return of
    .filter(({ action }) => action === "lookup")
    .map(({ objectId }) => ({
      ...{ state: "left", sequence: 0, code: "undo_lookup", object_id: null, name: objectId },
      detail: "the value that the run created in the target's own list stays, for others may use it",
    }));
}

function leftOver({ code, detail, objectId = null, name = null }: PartialFinding, around: Around): NewIssue {
  const sequence = objectId === null ? 0 : (around.rows.get(objectId)?.sequence ?? 0);
  return { state: "left", sequence, code, detail, object_id: objectId, name };
}

type PartialFinding = Pick<Finding, "code" | "detail"> & {
  readonly objectId?: string | null;
  readonly name?: string | null;
};

function rowOf(change: Change, around: Around): NewChange {
  const { objectId, before, after, active } = change;
  const list = (ids: readonly string[]): string | null => (ids.length === 0 ? null : JSON.stringify(ids));
  const refers = change.action === "create" ? Object.values(after ?? {}).find(isReference) : undefined;
  return {
    phase: PHASES[change.action],
    object_id: objectId,
    ...{ kind: change.kind, name: change.name, action: change.action, cause: change.cause, reason: change.reason },
    record_id: change.recordId,
    before: before === null ? null : JSON.stringify(before),
    after: after === null ? null : JSON.stringify(after),
    active: active === null ? null : Number(active),
    add: list(change.add),
    remove: list(change.remove),
    waits_for: refers === undefined || around.links.has(refers.$ref) ? null : refers.$ref,
    record_sequence: around.rows.get(objectId)?.sequence ?? 0,
    link_sequence: around.links.get(objectId)?.sequence ?? 0,
    hold: "undo",
    matched_by: null,
    matched_value: null,
  };
}
