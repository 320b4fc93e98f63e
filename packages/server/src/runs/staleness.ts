import {
  type Attributes,
  isReference,
  kindsReferred,
  type Reference,
  sameValue,
  type TargetKind,
  writesOf,
} from "@entrain/core";
import type { LinkRow, LinksByKind } from "../store/links.ts";
import { idsOf, type PlanChangeRow } from "../store/plans.ts";
import type { LookupId } from "./lookup-records.ts";
import type { Spared } from "./spared.ts";

/** What a planned change is judged and prepared by, as everything stands when it is to be sent. */
export interface Surroundings {
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
  /** Why nothing more of the plan is to be sent; null where it is. */
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

/** The memberships of a change that are not yet as it wants them. */
export interface MembersLeft {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** Which memberships of a change the target has not acknowledged yet; none of a change that names no members. */
export function membersLeft(row: PlanChangeRow, { standing: known }: Surroundings): MembersLeft {
  // What others made of the memberships is not what the target acknowledged from us.
  const standing = row.cause === "drift" ? null : known;
  return {
    add: idsOf(row.add).filter((id) => standing?.has(id) !== true),
    remove: idsOf(row.remove).filter((id) => standing?.has(id) !== false),
  };
}

/** Whether this sync has written meanwhile what the change asks for. */
export function isDone(row: PlanChangeRow, around: Surroundings, left: MembersLeft): boolean {
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

/** Why a change no longer stands, in words; null where it does. One of {@link UNTOLD}: that cannot be told just now. */
export function staleness(row: PlanChangeRow, around: Surroundings, left: MembersLeft): string | null {
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
    if (link) return "the record is linked to one of the target by now";
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
export function isUndoing({ cause }: Pick<PlanChangeRow, "cause">): boolean {
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
/** What is said where staleness cannot be told. */
export const UNTOLD: readonly string[] = [UNTOLD_RECORD, UNTOLD_SCOPE, UNTOLD_EDGES];

/** Whoever is disabled or deleted at the source goes, in scope or not; everything else rests on being in or out. */
function crossedScope(row: PlanChangeRow, { scope }: Surroundings): string | null {
  if (scope === null || ["disabled", "softDeleted", "deleted"].includes(row.cause)) return null;
  const now = scope.get(row.object_id);
  if (now === undefined) return UNTOLD_SCOPE;
  const asPlanned = now === (row.cause !== "outOfScope");
  return asPlanned ? null : "the record entered or left the scope after the plan was made";
}

/** The record that a reference of an attribute points to, as far as it is linked. */
export function pointedTo(name: string, { $ref, $kind }: Reference, around: Surroundings): LinkRow | undefined {
  const attribute = around.kind.attributes.find((one) => one.name === name);
  return firstLink($ref, $kind === undefined ? kindsReferred(attribute ?? {}) : [$kind], around);
}

/** The link of a person or group in the first of these kinds that has one. */
export function firstLink(id: string, kinds: readonly string[], { referenced }: Surroundings): LinkRow | undefined {
  for (const kind of kinds) {
    const link = referenced.get(kind)?.get(id);
    if (link !== undefined) return link;
  }
  return undefined;
}

function parse(text: string | null): Attributes | null {
  return text === null ? null : (JSON.parse(text) as Attributes);
}
