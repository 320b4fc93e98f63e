import { byCodeUnits, type Change, movedMembers } from "@entrain/core";
import { loadRecords } from "../../store/directory.ts";
import { type LinkRow, loadLinks } from "../../store/links.ts";
import { nameIn } from "../names.ts";
import type { BatchContext } from "../plan-context.ts";
import { protectedAmong } from "../protection.ts";
import { type JournalledChange, movesIn } from "./deeds.ts";
import { membersBefore } from "./members-before.ts";
import { leftOver, type Planned, rowOf, type UndoContext } from "./rows.ts";
import { type Moment, sameSince } from "./same-record.ts";
import type { Around } from "./scene.ts";
import { inLines, listed } from "./words.ts";

/** Single additions or removals that one change carries at most. */
const CHUNK = 100;
const NOTHING: Planned = { changes: [], issues: [] };

interface Who {
  readonly objectId: string;
  readonly name: string;
}

type ComesBack = (objectId: string) => boolean;

/** The memberships of a group that the run deleted, when it is made anew, or was by an undoing: they went with it. */
export async function membersOfMade(
  context: UndoContext,
  who: Who,
  around: Around,
  of: { readonly recordId: string | null; readonly comesBack: ComesBack },
): Promise<Planned> {
  if (context.kind.members.length === 0) return NOTHING;
  const before = await membersBefore(context, who.objectId, context.plan.undoes ?? "");
  const held = await knownAmong(context, who.objectId, [...before.keys()]);
  const went = await wentBefore(context, who.objectId, before);
  const missing = [...before].filter(([id]) => !held.has(id));
  return await addedBack(context, who, around, { ...of, members: new Map(missing), went });
}

/** Of the members that a group was given: those that had gone with their own record before the group's was deleted. */
async function wentBefore(
  { store, space }: BatchContext,
  group: string,
  members: ReadonlyMap<string, Moment>,
): Promise<ReadonlySet<string>> {
  const rows = await store.db
    .selectFrom("taken_along")
    .select(["object_id", "at"])
    .where("target", "=", space.target)
    .where("tenant", "=", space.tenant)
    .where("holder", "=", group)
    .where("attribute", "=", "")
    .execute();
  return new Set(
    rows.flatMap(({ object_id: id, at }) => (at > (members.get(id)?.at ?? Number.POSITIVE_INFINITY) ? [id] : [])),
  );
}

/**
 * Members that are to be added again, as far as they have a record; `members`: with the moment when they were, or null where any
 * record of theirs will do; `went`: who had left with their record already, and is not missed without one.
 */
export async function addedBack(
  context: UndoContext,
  who: Who,
  around: Around,
  of: {
    readonly members: ReadonlyMap<string, Moment | null>;
    readonly recordId: string | null;
    readonly comesBack?: ComesBack;
    readonly went?: ReadonlySet<string>;
  },
): Promise<Planned> {
  const { store, space, kind, rules } = context;
  const links = await loadLinks(store.db, space, kind.members, [...of.members.keys()]);
  const dated = [...of.members].flatMap(([id, since]) => (since === null ? [] : [[id, since] as const]));
  const same = await sameSince(context, links, new Map(dated));
  const isMade = (id: string): boolean => kind.members.includes(kind.name) && of.comesBack?.(id) === true;
  const isThere = ([id, since]: readonly [string, Moment | null]): boolean =>
    isMade(id) || (since === null ? links.has(id) : same.has(id));
  const add = [...of.members].filter(isThere).map(([id]) => id);
  const changes = inChunks(add.sort(byCodeUnits)).map((ids) =>
    rowOf(membersChange(rules.kind.name, who, of.recordId, { add: ids, remove: [] }), around),
  );
  const there = new Set(add);
  const lost = [...of.members.keys()].filter((id) => !there.has(id) && !isGone(id, links, of.went));
  if (lost.length === 0) return { changes, issues: [] };
  const issues = inLines(await named(context, lost)).map((names) => {
    const were = names.length === 1 ? "who was a member of it, has" : "who were members of it, have";
    const detail = `${listed(names)}, ${were} no record in the target now, or another one since; ${whenBack(context)}`;
    return leftOver({ code: "undo_gone", detail, ...who }, around);
  });
  return { changes, issues };
}

function isGone(id: string, links: ReadonlyMap<string, LinkRow>, went: ReadonlySet<string> | undefined): boolean {
  return went?.has(id) === true && !links.has(id);
}

function whenBack({ sync, plan }: UndoContext): string {
  return `once what they had is brought back: entrain sync undo ${sync.name} --run ${plan.undoes ?? ""}`;
}

/** Names of people and groups, sorted; the object id of who has none. */
async function named(
  { store, sync }: Pick<BatchContext, "store" | "sync">,
  ids: readonly string[],
): Promise<readonly string[]> {
  const rows = await loadRecords(store.db, sync.connection, ids);
  return ids.map((id) => nameIn(rows.get(id)?.attributes ?? null) ?? id).sort(byCodeUnits);
}

function membersChange(
  kind: string,
  who: Who,
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

/** Of these: who is known to be a member of the group. */
export async function knownAmong(
  { store, space }: Pick<BatchContext, "store" | "space">,
  group: string,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const known = new Set<string>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await store.db
      .selectFrom("known_members")
      .select("member_id")
      .where("target", "=", space.target)
      .where("tenant", "=", space.tenant)
      .where("group_id", "=", group)
      .where("member_id", "in", ids.slice(at, at + 500))
      .execute();
    for (const row of rows) known.add(row.member_id);
  }
  return known;
}

/** Memberships that the run moved and that still are as it left them. */
export async function membersBack(
  context: UndoContext,
  who: Who,
  of: { readonly changes: readonly JournalledChange[]; readonly comesBack: ComesBack },
  around: Around,
): Promise<Planned> {
  const { store, rules, sync, protection } = context;
  const { comesBack } = of;
  const moves = of.changes.filter(({ action }) => action === "members").map(({ after }) => movesIn(after));
  if (moves.length === 0) return NOTHING;
  const link = around.links.get(who.objectId);
  if (link === undefined || link.sync !== sync.id) {
    const detail = "the group does not belong to the sync any more, so its members stay";
    return { changes: [], issues: [leftOver({ code: "undo_unlinked", detail, ...who }, around)] };
  }
  const { added, removed } = movedMembers(moves);
  const known = await knownAmong(context, who.objectId, [...added, ...removed]);
  const missing = [...removed].filter((id) => !known.has(id)).map((id) => [id, null] as const);
  const back = await addedBack(context, who, around, {
    members: new Map(missing),
    recordId: link.record_id,
    comesBack,
  });
  const leaving = [...added].filter((id) => known.has(id)).sort(byCodeUnits);
  const place = { store, connection: sync.connection };
  const spared: ReadonlyMap<string, string> =
    protection === null ? new Map() : await protectedAmong(place, protection, [who.objectId, ...leaving]);
  const remove = spared.has(who.objectId) ? [] : leaving.filter((id) => !spared.has(id));
  const removals = inChunks(remove).map((ids) =>
    rowOf(membersChange(rules.kind.name, who, link.record_id, { add: [], remove: ids }), around),
  );
  const alone = await leftAlone(
    context,
    [...added].filter((id) => !known.has(id)),
  );
  const staying = inLines(await named(context, alone)).map((names) => {
    const detail = `${listed(names)} ${names.length === 1 ? "stays" : "stay"} in it, for an undoing left their records to themselves`;
    return leftOver({ code: "undo_unlinked", detail, ...who }, around);
  });
  const changes = [...back.changes, ...removals];
  const issues = [...back.issues, ...staying];
  if (remove.length === leaving.length) return { changes, issues };
  const detail = `${leaving.length - remove.length} members stay, for they or the group are protected`;
  return { changes, issues: [...issues, leftOver({ code: "protected", detail, ...who }, around)] };
}

/** Of these people and groups: whose record stands in the target and was let go of by an undoing. */
async function leftAlone({ store, space, kind }: BatchContext, ids: readonly string[]): Promise<readonly string[]> {
  const links = await loadLinks(store.db, space, kind.members, ids);
  const unlinked = ids.filter((id) => !links.has(id));
  const left = new Set<string>();
  for (let at = 0; at < unlinked.length; at += 500) {
    const rows = await store.db
      .selectFrom("journal")
      .select("object_id")
      .where("object_id", "in", unlinked.slice(at, at + 500))
      .where("target", "=", space.target)
      .where("kind", "in", [...kind.members])
      .where("type", "=", "intent")
      .where("cause", "=", "unjoined")
      .execute();
    for (const { object_id: id } of rows) if (id !== null) left.add(id);
  }
  return [...left];
}

function inChunks(ids: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(ids.length / CHUNK) }, (_, at) => ids.slice(at * CHUNK, (at + 1) * CHUNK));
}
