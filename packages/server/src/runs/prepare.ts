import {
  type Attributes,
  isConcealed,
  isReference,
  kindsReferred,
  type Reference,
  sameValue,
  type TargetChange,
  type TargetKind,
  type Value,
  writesOf,
} from "@entrain/core";
import { isAmong } from "../store/among.ts";
import { changeNumbers, loadWatermark } from "../store/directory.ts";
import {
  type LinkRow,
  type LinkSpace,
  type LinksByKind,
  linkedRecords,
  loadLinks,
  loadLinksByKind,
} from "../store/links.ts";
import { idsOf, type PlanChangeRow } from "../store/plans.ts";
import { ownedByOthers, sharedRecords } from "../store/shares.ts";
import type { Store } from "../store/store.ts";
import { withGoneMembers } from "./gone-members.ts";
import type { LookupId, LookupIds } from "./lookup-records.ts";
import type { Reveal } from "./reveal.ts";
import type { ScopeNow } from "./scope-now.ts";
import { removable, type Spared, sparedIn, sparedWhy } from "./spared.ts";
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
  const spared = options.checkStale ? await sparedIn(context, rows) : new Map<string, string>();
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

/** The record that a reference of an attribute points to, as far as it is linked. */
function pointedTo(name: string, { $ref, $kind }: Reference, around: Surroundings): LinkRow | undefined {
  const attribute = around.kind.attributes.find((one) => one.name === name);
  return firstLink($ref, $kind === undefined ? kindsReferred(attribute ?? {}) : [$kind], around);
}

function firstLink(id: string, kinds: readonly string[], { referenced }: Surroundings): LinkRow | undefined {
  for (const kind of kinds) {
    const link = referenced.get(kind)?.get(id);
    if (link !== undefined) return link;
  }
  return undefined;
}

/** The values of lookups that changes write, by lookup. */
function wantedValues(kind: TargetKind, rows: readonly PlanChangeRow[]): ReadonlyMap<string, readonly string[]> {
  const wanted = new Map<string, string[]>();
  for (const { name, lookup } of kind.attributes) {
    if (lookup === undefined) continue;
    const values = rows.flatMap((row) => {
      const value = writesOf({ before: parse(row.before), after: parse(row.after) })[name];
      return typeof value === "string" && value !== "" ? [value] : [];
    });
    if (values.length > 0) wanted.set(lookup, [...(wanted.get(lookup) ?? []), ...values]);
  }
  return wanted;
}

interface Surroundings {
  readonly lookupId: LookupId | null;
  readonly kind: TargetKind;
  readonly sync: string;
  readonly link: LinkRow | undefined;
  /** Whether staleness is asked about. */
  readonly isChecked: boolean;
  /** The source record changed since the plan was made. */
  readonly isChanged: boolean;
  /** The sync's configuration changed since. */
  readonly isReconfigured: boolean;
  readonly withdrawn: string | null;
  /** It would be planned just so now; null while that cannot be told. */
  readonly still: boolean | null;
  readonly referenced: LinksByKind;
  readonly moved: ReadonlyMap<string, boolean>;
  /** False while the groups are being read: a move is told by two groups, of which one may stand alone yet. */
  readonly isSettled: boolean;
  /** Who is in scope now; null when that is as it was planned. */
  readonly scope: ReadonlyMap<string, boolean> | null;
  /** Records of the target that are to be joined here and are linked by now. */
  readonly taken: ReadonlyMap<string, unknown>;
  /** Records of other syncs that this one shares by now. */
  readonly shared: ReadonlyMap<string, unknown>;
  /** Records that another sync owns still, and that are to be shared here. */
  readonly shareable: ReadonlySet<string>;
  /** The change's sensitive values, as far as they still are what the plan saw. */
  readonly revealed: Attributes;
  /** The change's members that the target acknowledged from us; null when that is not asked about. */
  readonly standing: ReadonlySet<string> | null;
  readonly spared: Spared;
  /** What somebody did to the record in the target since its undoing was planned. */
  readonly touched: string | null;
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
  const stale = staleness(row, around, left) ?? sparedWhy(row, around.spared);
  if (stale !== null) return { ...base, stale, untold: UNTOLD.includes(stale), send: null };
  return row.action === "members" ? prepareMembers(base, around, left) : prepareAttributes(base, around);
}

/** The memberships of a change that are not yet as it wants them. */
interface MembersLeft {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

function membersLeft(row: PlanChangeRow, { standing: known }: Surroundings): MembersLeft {
  // What others made of the memberships is not what the target acknowledged from us.
  const standing = row.cause === "drift" ? null : known;
  return {
    add: idsOf(row.add).filter((id) => standing?.has(id) !== true),
    remove: idsOf(row.remove).filter((id) => standing?.has(id) !== false),
  };
}

function isDone(row: PlanChangeRow, around: Surroundings, left: MembersLeft): boolean {
  const { link } = around;
  if (row.action === "members") return left.add.length + left.remove.length === 0;
  if (row.action === "delete") return link === undefined || link.record_id !== row.record_id;
  // A link as the plan saw it cannot show what the plan asks for, even where its values look alike.
  if (!link || link.sync !== around.sync || link.sequence === row.link_sequence) return false;
  if (row.record_id !== null && row.record_id !== link.record_id) return false;
  const active = row.action === "create" || row.action === "join" ? 1 : link.active;
  if (link.active !== (row.active ?? active)) return false;
  const known = parse(link.known) ?? {};
  const writes = writesOf({ before: parse(row.before), after: parse(row.after) });
  return Object.entries(writes).every(([name, value]) => {
    const waits = isReference(value) && pointedTo(name, value, around) === undefined;
    return waits || sameValue(known[name] ?? null, value);
  });
}

function staleness(row: PlanChangeRow, around: Surroundings, left: MembersLeft): string | null {
  const { link } = around;
  if (!around.isChecked) return null;
  if (around.withdrawn !== null) return around.withdrawn;
  if (isUndoing(row)) return movedOn(row, link) ?? around.touched;
  if (row.action === "members") {
    if (!link) return "the group is not linked to a record of the target";
    const stands = (member: string): boolean | undefined => around.moved.get(`${row.object_id} ${member}`);
    const stale = left.add.some((id) => stands(id) === false) || left.remove.some((id) => stands(id) === true);
    if (!stale) return null;
    return around.isSettled ? "a membership changed after the plan was made" : UNTOLD_EDGES;
  }
  if (around.isChanged || around.isReconfigured) {
    if (around.still === null) return UNTOLD_RECORD;
    if (!around.still) return around.isChanged ? CHANGED_RECORD : RECONFIGURED;
  }
  const crossed = crossedScope(row, around);
  if (crossed !== null) return crossed;
  if (row.action === "create" || row.action === "join") {
    if (link) return "the record was linked after the plan was made";
    const recordId = row.record_id ?? "";
    if (row.cause === "shared") {
      if (around.shared.has(recordId)) return "the target record was shared for somebody else meanwhile";
      return around.shareable.has(recordId) ? null : UNOWNED;
    }
    return around.taken.has(recordId) ? "the target record was linked to somebody else meanwhile" : null;
  }
  if (!link) return "the link to the target's record is gone";
  return link.sequence === row.link_sequence ? null : "the target record was changed after the plan was made";
}

/** What is said of a record that was to be shared with its owner. */
export const UNOWNED = "no other sync owns the target record any more";

/** What the source says by now is nothing to an undoing, which brings the record back, nor to the removal of the sync. */
function isUndoing({ cause }: Pick<PlanChangeRow, "cause">): boolean {
  return cause === "undone" || cause === "unjoined" || cause === "syncRemoved";
}

function movedOn(row: PlanChangeRow, link: LinkRow | undefined): string | null {
  if (row.action === "create") return link === undefined ? null : "the record was linked after the plan was made";
  if (link === undefined) return "the link to the target's record is gone";
  // Memberships do not count as changes of the group's link.
  if (row.action === "members" || link.sequence === row.link_sequence) return null;
  return "the target record was changed after the plan was made";
}

const CHANGED_RECORD = "the source record changed after the plan was made";
const RECONFIGURED = "the sync's configuration changed after the plan was made, and no longer asks for it";
const UNTOLD_RECORD = "what the record asks for by now cannot be told while the directory is being read";
const UNTOLD_SCOPE = "who is in the scope's groups cannot be told while they are being read";
const UNTOLD_EDGES = "whether the membership stands cannot be told while the groups are being read";
const UNTOLD: readonly string[] = [UNTOLD_RECORD, UNTOLD_SCOPE, UNTOLD_EDGES];

/** Whoever is disabled or deleted at the source goes, in scope or not; everything else rests on being in or out. */
function crossedScope(row: PlanChangeRow, { scope }: Surroundings): string | null {
  if (scope === null || ["disabled", "softDeleted", "deleted"].includes(row.cause)) return null;
  const now = scope.get(row.object_id);
  if (now === undefined) return UNTOLD_SCOPE;
  const asPlanned = now === (row.cause !== "outOfScope");
  return asPlanned ? null : "the record entered or left the scope after the plan was made";
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
  const known: { [name: string]: Value } = {};
  for (const [name, value] of Object.entries(after ?? {})) if (resolve(name, value) !== undefined) known[name] = value;
  const send: TargetChange = {
    ordinal: row.ordinal,
    kind: row.kind,
    action: row.action as TargetChange["action"],
    recordId: row.record_id,
    set,
    ...(row.active === null ? {} : { active: row.active === 1 }),
  };
  return { ...base, send, sensitive, known, dropped: [...dropped] };
}

function parse(text: string | null): Attributes | null {
  return text === null ? null : (JSON.parse(text) as Attributes);
}
