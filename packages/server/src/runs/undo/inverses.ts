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
  type Value,
} from "@entrain/core";
import { loadLinks } from "../../store/links.ts";
import type { PlanRow } from "../../store/plans.ts";
import type { Lease } from "../../store/store.ts";
import { concealedKnown } from "../conceal-links.ts";
import { recordOf } from "../inputs.ts";
import type { BatchContext, NewChange, NewIssue } from "../plan-context.ts";
import { protectedAmong } from "../protection.ts";
import { withoutTaking } from "../spared.ts";
import { appliedChange, type JournalledChange, movesIn } from "./deeds.ts";
import { membersBefore } from "./members-before.ts";
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
  comesBack: (objectId: string) => boolean,
): Promise<Planned> {
  const deeds = new Map<string, Deed>();
  for (const [id, changes] of batch) {
    const own = changes.filter(({ action }) => action !== "members" && action !== "lookup");
    if (own.length > 0) deeds.set(id, deedOf(own.map((change) => appliedChange(concealed(context, change)))));
  }
  const around = await aroundOf(context, [...batch.keys()], [...deeds.values()]);
  const deleted = new Map([...deeds].filter(([, { existed, exists }]) => existed && !exists));
  const found = await foundAgain(context, new Map([...deleted].map(([id, deed]) => [id, heldBefore(deed)])));
  const disabled = await disabledBefore(context, [...deleted.keys()], context.plan.undoes ?? "");
  const changes: NewChange[] = [];
  const issues: NewIssue[] = [];
  for (const [id, of] of batch) {
    const who = { objectId: id, name: around.nameOf(id) ?? id };
    const deed = deeds.get(id);
    let made = false;
    if (deed !== undefined) {
      const inverse = inverseOf(context.rules, who, deed, {
        link: linkNow(around.links.get(id), context),
        present: around.present.get(deed.recordId) ?? null,
        found: found.get(id) ?? null,
        wasActive: !disabled.has(id) && !of.some(({ wasDisabled }) => wasDisabled),
        nameOf: around.nameOf,
        comesBack,
        isThere: (reference, name) => around.isLinked(reference, name) || comesBack(reference.$ref),
      });
      const kept = inverse.change === null ? null : sparing(context, inverse.change, around);
      const change = kept === null ? inverse.change : kept.change;
      if (change !== null) changes.push(rowOf(change, around));
      made = change?.action === "create";
      if (kept !== null) issues.push(kept.issue);
      issues.push(...inverse.left.map((finding) => leftOver(finding, around)));
    }
    const isMadeAnew = deed?.existed === true && !deed.exists;
    const members = isMadeAnew
      ? await membersOfMade(context, who, around, made)
      : await membersBack(context, who, of, around);
    changes.push(...members.changes);
    issues.push(...members.issues, ...lookupsLeft(of));
  }
  return { changes, issues };
}

/** What was known of a record before the run. */
function heldBefore({ fields }: Deed): Attributes {
  const values = [...fields].flatMap(([name, { from }]) => (from === undefined ? [] : [[name, from] as const]));
  return Object.fromEntries(values);
}

/** What was written before one of its attributes was marked sensitive says its value in plain. */
function concealed({ mapping }: UndoContext, change: JournalledChange): JournalledChange {
  const { before, after } = change;
  return {
    ...change,
    before: before && concealedKnown(mapping, before),
    after: after && concealedKnown(mapping, after),
  };
}

/** The memberships of a group that the run deleted, when it is made anew: they went with it. */
async function membersOfMade(
  context: UndoContext,
  who: { readonly objectId: string; readonly name: string },
  around: Around,
  isMade: boolean,
): Promise<Planned> {
  if (!isMade || context.kind.members.length === 0) return { changes: [], issues: [] };
  const members = await membersBefore(context, who.objectId, context.plan.undoes ?? "");
  return await addedBack(context, who, around, { members, recordId: null });
}

/** Members that are to be added again, as far as they have a record; `members`: with the time when they were added. */
async function addedBack(
  { store, space, kind, rules }: UndoContext,
  who: { readonly objectId: string; readonly name: string },
  around: Around,
  of: { readonly members: ReadonlyMap<string, number | null>; readonly recordId: string | null },
): Promise<Planned> {
  const links = await loadLinks(store.db, space, kind.members, [...of.members.keys()]);
  const isThere = ([id, since]: readonly [string, number | null]): boolean => {
    const link = links.get(id);
    // A record that was made since has no membership of the one before it.
    return link !== undefined && (since === null || link.created_at <= since);
  };
  const add = [...of.members].filter(isThere).map(([id]) => id);
  const changes = inChunks(add.sort(byCodeUnits)).map((ids) =>
    rowOf(membersChange(rules.kind.name, who, of.recordId, { add: ids, remove: [] }), around),
  );
  const lost = of.members.size - add.length;
  if (lost === 0) return { changes, issues: [] };
  const detail = `${lost} of the members that it had have no record in the target now, or another one since`;
  return { changes, issues: [leftOver({ code: "undo_gone", detail, ...who }, around)] };
}

function membersChange(
  kind: string,
  who: { readonly objectId: string; readonly name: string },
  recordId: string | null,
  { add, remove }: { readonly add: readonly string[]; readonly remove: readonly string[] },
): Change {
  const said = add.length > 0 ? `${add.length} added again` : `${remove.length} removed again`;
  return {
    ...who,
    ...{ kind, action: "members", cause: "undone", reason: `Undone: ${said}`, recordId },
    ...{ before: null, after: null, active: null },
    ...{ add, remove },
  };
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
  context: UndoContext,
  who: { readonly objectId: string; readonly name: string },
  of: readonly JournalledChange[],
  around: Around,
): Promise<Planned> {
  const { store, space, rules, sync, protection } = context;
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
  const missing = [...removed].filter((id) => !known.has(id)).map((id) => [id, null] as const);
  const back = await addedBack(context, who, around, { members: new Map(missing), recordId: link.record_id });
  const leaving = [...added].filter((id) => known.has(id)).sort(byCodeUnits);
  const place = { store, connection: sync.connection };
  const spared: ReadonlyMap<string, string> =
    protection === null ? new Map() : await protectedAmong(place, protection, [who.objectId, ...leaving]);
  const remove = spared.has(who.objectId) ? [] : leaving.filter((id) => !spared.has(id));
  const removals = inChunks(remove).map((ids) =>
    rowOf(membersChange(rules.kind.name, who, link.record_id, { add: [], remove: ids }), around),
  );
  const changes = [...back.changes, ...removals];
  if (remove.length === leaving.length) return { changes, issues: back.issues };
  const detail = `${leaving.length - remove.length} members stay, for they or the group are protected`;
  return { changes, issues: [...back.issues, leftOver({ code: "protected", detail, ...who }, around)] };
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
  const isOpen = ([name, value]: readonly [string, Value]): boolean =>
    isReference(value) && !around.isLinked(value, name);
  const refers = change.action === "create" ? Object.entries(after ?? {}).find(isOpen)?.[1] : undefined;
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
    waits_for: isReference(refers) ? refers.$ref : null,
    record_sequence: around.rows.get(objectId)?.sequence ?? 0,
    link_sequence: around.links.get(objectId)?.sequence ?? 0,
    hold: "undo",
    matched_by: null,
    matched_value: null,
  };
}
