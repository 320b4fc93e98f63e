import {
  type Attributes,
  isConcealed,
  isReference,
  kindsReferred,
  type TargetChange,
  type TargetKind,
  type Value,
  writesOf,
} from "@entrain/core";
import { isAmong } from "../store/among.ts";
import { changeNumbers, loadWatermark } from "../store/directory.ts";
import { type LinkRow, type LinkSpace, linkedRecords, loadLinks, loadLinksByKind } from "../store/links.ts";
import { idsOf, type PlanChangeRow } from "../store/plans.ts";
import { ownedByOthers, sharedRecords } from "../store/shares.ts";
import type { Store } from "../store/store.ts";
import { withGoneMembers } from "./gone-members.ts";
import type { LookupIds } from "./lookup-records.ts";
import type { Reveal } from "./reveal.ts";
import type { ScopeNow } from "./scope-now.ts";
import { NOBODY, removable, sparedIn, sparedWhy } from "./spared.ts";
import {
  firstLink,
  isDone,
  isUndoing,
  type MembersLeft,
  membersLeft,
  pointedTo,
  type Surroundings,
  staleness,
  UNTOLD,
} from "./staleness.ts";
import type { StillWanted } from "./still-wanted.ts";
import type { AsSeen } from "./undo/seen.ts";

/** A planned change made ready to send: references resolved, or the finding that keeps it from being sent. */
export interface Prepared {
  readonly row: PlanChangeRow;
  /** What is sent; null when the change is stale, or asks for nothing that the target could do yet. */
  readonly send: TargetChange | null;
  /** The values of it that nobody else is to see. */
  readonly sensitive: readonly Value[];
  /** Why it is not sent. */
  readonly stale: string | null;
  /** Whether it is stale cannot be told just now, so it is not sent; nothing else may be made of that. */
  readonly untold: boolean;
  /**
   * What it asks for is what the target is known to hold, written by this sync after the plan was made. It is not sent,
   * and says nothing new: links, counters and the pending set stay as they are.
   */
  readonly done: boolean;
  /** Managed values that the target will hold, in source form, without the references that were left out. */
  readonly known: Attributes;
  readonly link: LinkRow | undefined;
  /** References and members whose record does not exist in the target: the record is planned again when it does. */
  readonly dropped: readonly string[];
  readonly add: readonly string[];
  readonly remove: readonly string[];
  /** Records that the target has lost and that the group may still name: they are removed along with what was planned. */
  readonly gone: readonly string[];
}

export interface PrepareContext {
  readonly store: Store;
  readonly space: LinkSpace;
  /** Whose plan it is: only what this sync wrote itself is done already. */
  readonly sync: string;
  readonly connection: string;
  readonly kind: TargetKind;
  /** The directory's change number that the plan was made at. */
  readonly upto: number;
  /** Who is in scope now, where memberships decide that. */
  readonly scopeNow: ScopeNow | null;
  /** Which changes are what would be planned now, although their records or the configuration changed. */
  readonly stillWanted: StillWanted;
  /** The sync's configuration is not the one that the plan was made by. */
  readonly isReconfigured: boolean;
  /** Why nothing more of the plan is to be sent; null where it is. */
  readonly withdrawn: string | null;
  readonly reveal: Reveal;
  /** The record ids of lookups' values; null where nothing will be sent, so that the target need not be asked. */
  readonly lookupIds: LookupIds | null;
  /** Of an undoing that is carried out: looks at its records in the target once more. */
  readonly asSeen: AsSeen | null;
  /** Of a plan that has not begun: whose links, of these records, it forgets when it does, for they lead nowhere. */
  readonly forgets: ((ids: readonly string[]) => Promise<readonly string[]>) | null;
}

/**
 * Checks a batch for staleness, change by change, and resolves its references. A change whose source record asks for
 * something else by now, or whose link moved on, is a conflict; it is skipped here and planned anew. One that another plan
 * has done meanwhile is not.
 */
export async function prepareBatch(
  context: PrepareContext,
  rows: readonly PlanChangeRow[],
  options: { readonly checkStale: boolean } = { checkStale: true },
): Promise<readonly Prepared[]> {
  const { store, space, kind } = context;
  const ids = rows.map((row) => row.object_id);
  const numbers = options.checkStale ? await changeNumbers(store.db, context.connection, ids) : null;
  const links = await loadLinks(store.db, space, [kind.name], ids);
  const anew = rows.flatMap((row) => (isMade(row) && links.has(row.object_id) ? [row.object_id] : []));
  if (anew.length > 0) for (const id of (await context.forgets?.(anew)) ?? []) links.delete(id);
  const wanted = new Set<string>();
  for (const row of rows) {
    for (const value of Object.values(parse(row.after) ?? {})) if (isReference(value)) wanted.add(value.$ref);
    for (const id of [...idsOf(row.add), ...idsOf(row.remove)]) wanted.add(id);
  }
  const referenced = await loadLinksByKind(store.db, space, referencedKinds(kind), [...wanted]);
  const moved = options.checkStale ? await movedEdges(context, rows) : new Map<string, boolean>();
  const isSettled =
    moved.size === 0 || (await loadWatermark(store.db, context.connection, "group")).phase === "settled";
  const scope = options.checkStale && context.scopeNow ? await context.scopeNow(ids, context.upto) : null;
  const standing = options.checkStale ? await standingMembers(context, rows) : null;
  const spared = options.checkStale ? await sparedIn(context, rows) : NOBODY;
  const isReconfigured = context.isReconfigured && options.checkStale;
  const isAskedAgain = (row: PlanChangeRow): boolean => isReconfigured || isChanged(row, numbers);
  const changed = rows.filter((row) => row.action !== "members" && !isUndoing(row) && isAskedAgain(row));
  const still = changed.length === 0 ? new Set<number>() : await context.stillWanted(changed);
  const joined = rows.flatMap((row) => (row.action === "join" && row.record_id !== null ? [row.record_id] : []));
  const taken = await linkedRecords(store.db, space.target, kind.name, joined);
  const asked = rows.flatMap((row) => (row.cause === "shared" && row.record_id !== null ? [row.record_id] : []));
  const of = { target: space.target, kind: kind.name, sync: context.sync };
  const shared = await sharedRecords(store.db, of, asked);
  const shareable = await ownedByOthers(store.db, of, asked);
  const isSent = options.checkStale && context.withdrawn === null;
  const touched = isSent ? await context.asSeen?.changedSince(rows, links) : undefined;
  const revealed = await context.reveal(rows);
  const lookupId = context.lookupIds === null ? null : await context.lookupIds(wantedValues(kind, rows));
  const prepared = rows.map((row) =>
    prepare(row, {
      revealed: revealed.get(row.ordinal) ?? {},
      lookupId,
      kind,
      sync: context.sync,
      link: links.get(row.object_id),
      isChecked: options.checkStale,
      isChanged: isChanged(row, numbers),
      isReconfigured,
      withdrawn: context.withdrawn,
      still: still?.has(row.ordinal) ?? null,
      referenced,
      moved,
      isSettled,
      scope,
      taken,
      shared,
      shareable,
      standing: standing?.get(row.ordinal) ?? null,
      spared,
      touched: touched?.get(row.ordinal) ?? null,
    }),
  );
  return await withGoneMembers(context, prepared);
}

function isMade({ action }: PlanChangeRow): boolean {
  return action === "create" || action === "join";
}

function isChanged(row: PlanChangeRow, numbers: ReadonlyMap<string, number> | null): boolean {
  return numbers !== null && (numbers.get(row.object_id) ?? 0) !== row.record_sequence;
}

/** Of the memberships that each change adds or removes: those that the target acknowledged from us, by ordinal. */
async function standingMembers(
  { store, space }: PrepareContext,
  rows: readonly PlanChangeRow[],
): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
  const standing = new Map<number, ReadonlySet<string>>();
  for (const row of rows) {
    if (row.action !== "members") continue;
    const known = await store.db
      .selectFrom("known_members")
      .select("member_id")
      .where("target", "=", space.target)
      .where("tenant", "=", space.tenant)
      .where("group_id", "=", row.object_id)
      .where(isAmong(store, "member_id", [...idsOf(row.add), ...idsOf(row.remove)]))
      .execute();
    standing.set(row.ordinal, new Set(known.map(({ member_id }) => member_id)));
  }
  return standing;
}

/** Memberships of the changed groups that moved since the plan was made, with whether they stand now. */
async function movedEdges(
  { store, connection, upto }: PrepareContext,
  rows: readonly PlanChangeRow[],
): Promise<ReadonlyMap<string, boolean>> {
  const groups = [...new Set(rows.flatMap((row) => (row.action === "members" ? [row.object_id] : [])))];
  const moved = new Map<string, boolean>();
  for (let at = 0; at < groups.length; at += 500) {
    const edges = await store.db
      .selectFrom("edges")
      .select(["group_id", "member_id", "present"])
      .where("connection", "=", connection)
      .where("sequence", ">", upto)
      .where("group_id", "in", groups.slice(at, at + 500))
      .execute();
    for (const edge of edges) moved.set(`${edge.group_id} ${edge.member_id}`, edge.present === 1);
  }
  return moved;
}

/** The kinds of record that a kind refers to: by reference attributes and as members. */
function referencedKinds(kind: TargetKind): readonly string[] {
  return [...kind.attributes.flatMap(kindsReferred), ...kind.members];
}

/** The values of lookups that changes write, and those that they replace, by lookup. */
function wantedValues(kind: TargetKind, rows: readonly PlanChangeRow[]): ReadonlyMap<string, readonly string[]> {
  const wanted = new Map<string, string[]>();
  for (const { name, lookup } of kind.attributes) {
    if (lookup === undefined) continue;
    const values = rows.flatMap((row) => {
      const before = parse(row.before);
      const writes = writesOf({ before, after: parse(row.after) });
      const asked = Object.hasOwn(writes, name) ? [writes[name], before?.[name]] : [];
      return asked.flatMap((value) => (typeof value === "string" && value !== "" ? [value] : []));
    });
    if (values.length > 0) wanted.set(lookup, [...(wanted.get(lookup) ?? []), ...values]);
  }
  return wanted;
}

function prepare(row: PlanChangeRow, around: Surroundings): Prepared {
  const { link } = around;
  const left = membersLeft(row, around);
  const base = {
    row,
    link,
    stale: null,
    untold: false,
    done: false,
    known: {},
    sensitive: [],
    dropped: [],
    add: [],
    remove: [],
    gone: [],
  };
  if (around.isChecked && isDone(row, around, left)) return { ...base, done: true, send: null };
  // Who put a list together since the plan was made changed the configuration, too: what is protected is told as that.
  const spared = around.withdrawn === null ? sparedWhy(row, around.spared) : null;
  const stale = spared ?? staleness(row, around, left);
  if (stale !== null) return { ...base, stale, untold: UNTOLD.includes(stale), send: null };
  return row.action === "members" ? prepareMembers(base, around, left) : prepareAttributes(base, around);
}

type Base = Omit<Prepared, "send">;

function prepareMembers(base: Base, around: Surroundings, left: MembersLeft): Prepared {
  const { row } = base;
  const linkOf = (id: string): LinkRow | undefined => firstLink(id, around.kind.members, around);
  const linked = (id: string): boolean => linkOf(id) !== undefined;
  const add = left.add.filter(linked);
  const remove = removable(row, left.remove, around.spared);
  const dropped = left.add.filter((id) => !linked(id));
  const recordOf = (id: string): string => linkOf(id)?.record_id ?? "";
  const send: TargetChange = {
    ordinal: row.ordinal,
    kind: row.kind,
    action: "members",
    recordId: base.link?.record_id ?? null,
    set: {},
    add: add.map(recordOf),
    // A member whose record is gone is no member any more; only those that exist need removing.
    remove: remove.filter(linked).map(recordOf),
  };
  const nothing = send.add?.length === 0 && send.remove?.length === 0;
  if (nothing) return { ...base, stale: nothingLeft(remove.length < left.remove.length), send: null, dropped };
  return { ...base, send, dropped, add, remove };
}

function nothingLeft(isSpared: boolean): string {
  return isSpared ? "its members, or the group, are protected" : "none of the members has a record in the target";
}

function prepareAttributes(base: Base, around: Surroundings): Prepared {
  const { row } = base;
  const after = parse(row.after);
  const writes = row.action === "delete" ? {} : writesOf({ before: parse(row.before), after });
  const lost = Object.entries(writes).find(([name, value]) => isConcealed(value) && !(name in around.revealed));
  if (lost !== undefined && around.isChecked) {
    return { ...base, stale: `the value of ${lost[0]} changed after the plan was made`, send: null };
  }
  const dropped = new Set<string>();
  const written = (name: string, value: Value): Value | undefined => {
    const lookup = around.kind.attributes.find((one) => one.name === name)?.lookup;
    const isAsked = around.lookupId !== null && Object.hasOwn(writes, name);
    if (lookup === undefined || typeof value !== "string" || value === "" || !isAsked) return value;
    const recordId = around.lookupId?.(lookup, value);
    if (recordId === undefined) dropped.add(`${lookup} ${value}`);
    return recordId;
  };
  const resolve = (name: string, value: Value): Value | undefined => {
    if (!isReference(value)) return written(name, value);
    const recordId = pointedTo(name, value, around)?.record_id;
    if (recordId === undefined) dropped.add(value.$ref);
    return recordId;
  };
  const set: { [name: string]: Value } = {};
  // A target may repeat all of a record, whatever of it is written.
  const sensitive = Object.values(around.revealed);
  for (const [name, value] of Object.entries(writes)) {
    const resolved = isConcealed(value) ? around.revealed[name] : resolve(name, value);
    if (resolved !== undefined && !(row.action === "create" && resolved === null)) set[name] = resolved;
  }
  const was = heldBefore(row, set, around);
  const known: { [name: string]: Value } = {};
  for (const [name, value] of Object.entries(after ?? {})) if (resolve(name, value) !== undefined) known[name] = value;
  const send: TargetChange = {
    ordinal: row.ordinal,
    kind: row.kind,
    action: row.action as TargetChange["action"],
    recordId: row.record_id,
    set,
    ...(Object.keys(was).length === 0 ? {} : { was }),
    ...(row.active === null ? {} : { active: row.active === 1 }),
  };
  return { ...base, send, sensitive, known, dropped: [...dropped] };
}

/** The records of lookups that the target was last known to point to, of those attributes that are written. */
function heldBefore(row: PlanChangeRow, set: Attributes, { kind, lookupId }: Surroundings): Attributes {
  const before = parse(row.before) ?? {};
  const was: { [name: string]: Value } = {};
  for (const { name, lookup } of kind.attributes) {
    const value = before[name];
    if (lookup === undefined || lookupId === null || value === undefined || !Object.hasOwn(set, name)) continue;
    const recordId = typeof value === "string" && value !== "" ? lookupId(lookup, value) : null;
    if (recordId !== undefined) was[name] = recordId;
  }
  return was;
}

function parse(text: string | null): Attributes | null {
  return text === null ? null : (JSON.parse(text) as Attributes);
}
