import { type Change, type MemberState, nameOf, PHASES, planMembers } from "@entrain/core";
import { loadRecords } from "../store/directory.ts";
import { type LinkRow, loadLinks } from "../store/links.ts";
import { pinnedMembers } from "../store/pins.ts";
import { idsOf } from "../store/plans.ts";
import { recordOf } from "./inputs.ts";
import { dirtyPairs, type GroupPairs, type Pair, type PairsScope } from "./pairs.ts";
import type { NewChange, NewIssue, PlanContext } from "./plan-context.ts";
import type { PlanWriter } from "./plan-writer.ts";
import { decideScope, groupsOf, withAppRoles } from "./scope-groups.ts";

/** Single additions or removals that one change carries at most. */
const CHUNK = 100;

/** A group whose memberships are ours to write: linked or made by this plan, owned, alive and in scope. */
interface WritableGroup {
  readonly name: string;
  readonly sequence: number;
  readonly link: LinkRow | undefined;
  /** Which list protects the group, so that nobody leaves it. */
  readonly protectedBy: string | null;
}

/** Plans memberships: every pair that may have changed, desired against what the target acknowledged from us. */
export async function planMemberships(context: PlanContext, writer: PlanWriter, pairs: PairsScope): Promise<void> {
  await planPairs(context, writer, dirtyPairs(pairs), pairs.fresh);
}

/** Plans these memberships, as far as their groups are ours to write. `made`: records that the plan creates or joins. */
export async function planPairs(
  context: PlanContext,
  writer: Pick<PlanWriter, "write">,
  pairs: AsyncIterable<GroupPairs>,
  made: readonly string[],
): Promise<void> {
  const fresh = new Set(made);
  const seen = new Set<string>();
  const held = await heldGroups(context);
  const pinned = await pinnedMembers(context.store.db, context.sync.id);
  const gone = await goneRecords(context);
  for await (const dirty of pairs) {
    context.signal.throwIfAborted();
    const found = await writable(context, dirty.groupId, fresh);
    if (!found) continue;
    const group = gone.has(dirty.groupId) ? { ...found, link: undefined } : found;
    const known = withoutGone(dirty, gone);
    const waiting = held.has(dirty.groupId) ? await withoutHeld(context, known) : known;
    const free = withoutPinned(waiting, pinned.get(dirty.groupId));
    const unseen = context.span.cursor === 0 ? free : onlyUnseen(free, seen);
    await writer.write({ ...(await changesOf(context, group, unseen, fresh)), wanted: [] });
  }
}

/** The same pair may be found by its own change and by its member's link; with a delta there are few to remember. */
function onlyUnseen(dirty: GroupPairs, seen: Set<string>): GroupPairs {
  const pairs = dirty.pairs.filter((pair) => !seen.has(`${dirty.groupId} ${pair.memberId}`));
  for (const pair of pairs) seen.add(`${dirty.groupId} ${pair.memberId}`);
  return { groupId: dirty.groupId, pairs };
}

function heldMembers({ store, sync }: PlanContext) {
  return store.db
    .selectFrom("plan_changes")
    .innerJoin("plans", "plans.id", "plan_changes.plan")
    .where("plans.sync", "=", sync.id)
    .where("plans.state", "=", "held")
    .where("plan_changes.action", "=", "members");
}

async function heldGroups(context: PlanContext): Promise<ReadonlySet<string>> {
  const rows = await heldMembers(context).select("plan_changes.object_id").distinct().execute();
  return new Set(rows.map((row) => row.object_id));
}

/** Memberships that wait for approval are not planned a second time. */
async function withoutHeld(context: PlanContext, dirty: GroupPairs): Promise<GroupPairs> {
  const rows = await heldMembers(context)
    .select(["plan_changes.add", "plan_changes.remove"])
    .where("plan_changes.object_id", "=", dirty.groupId)
    .execute();
  const held = new Set(rows.flatMap((row) => [...idsOf(row.add), ...idsOf(row.remove)]));
  return { groupId: dirty.groupId, pairs: dirty.pairs.filter((pair) => !held.has(pair.memberId)) };
}

/** What was undone stays so until it is released. */
function withoutPinned(dirty: GroupPairs, pinned: ReadonlySet<string> | undefined): GroupPairs {
  return pinned === undefined ? dirty : { ...dirty, pairs: dirty.pairs.filter((pair) => !pinned.has(pair.memberId)) };
}

/** Records whose unowned links lead nowhere, as evaluating this plan found: their memberships went with them. */
async function goneRecords({ store, plan }: PlanContext): Promise<ReadonlySet<string>> {
  const rows = await store.db
    .selectFrom("plan_issues")
    .select("object_id")
    .where("plan", "=", plan.id)
    .where("state", "=", "gone")
    .execute();
  return new Set(rows.flatMap((row) => row.object_id ?? []));
}

function withoutGone(dirty: GroupPairs, gone: ReadonlySet<string>): GroupPairs {
  if (gone.size === 0) return dirty;
  const lost = (pair: Pair): boolean => gone.has(dirty.groupId) || gone.has(pair.memberId);
  return { groupId: dirty.groupId, pairs: dirty.pairs.map((pair) => (lost(pair) ? { ...pair, known: false } : pair)) };
}

async function writable(context: PlanContext, id: string, fresh: ReadonlySet<string>): Promise<WritableGroup | null> {
  const { store, space, kind, groups, scope, sync } = context;
  const row = (await loadRecords(store.db, sync.connection, [id])).get(id);
  if (!row || row.removed !== null) return null;
  const link = (await loadLinks(store.db, space, [kind.name], [id])).get(id);
  if (link ? link.sync !== sync.id && link.sync !== null : !fresh.has(id)) return null;
  const memberOf = groups ? (await groupsOf(store, sync.connection, groups, [id])).get(id) : undefined;
  const record = groups === null ? recordOf(row) : withAppRoles(recordOf(row), groups, memberOf);
  const decision = decideScope(scope, record, groups, memberOf);
  const protectedBy = context.protection?.of(record) ?? null;
  return decision.in ? { name: nameOf(record), sequence: row.sequence, link, protectedBy } : null;
}

async function changesOf(
  context: PlanContext,
  group: WritableGroup,
  dirty: GroupPairs,
  fresh: ReadonlySet<string>,
): Promise<{ readonly changes: readonly NewChange[]; readonly issues: readonly NewIssue[] }> {
  const { store, space, kind } = context;
  const differing = dirty.pairs.filter((pair) => pair.present !== pair.known);
  if (differing.length === 0) return { changes: [], issues: [] };
  const links = await loadLinks(
    store.db,
    space,
    kind.members,
    differing.map((pair) => pair.memberId),
  );
  const records = await loadRecords(
    store.db,
    context.sync.connection,
    differing.map((pair) => pair.memberId),
  );
  const names = new Map([...records.values()].map((row) => [row.id, nameOf(recordOf(row))]));
  const keptBy = (pair: Pair): string | null => {
    const row = records.get(pair.memberId);
    const record = row === undefined ? { id: pair.memberId, kind: "user", attributes: {} } : recordOf(row);
    return pair.present ? null : (group.protectedBy ?? context.protection?.of(record) ?? null);
  };
  const kept = differing.filter((pair) => keptBy(pair) !== null);
  const moving = kept.length === 0 ? differing : differing.filter((pair) => keptBy(pair) === null);
  const stateOf = (pair: Pair): MemberState => {
    const name = names.get(pair.memberId);
    const made = kind.members.includes(kind.name) && fresh.has(pair.memberId);
    return {
      objectId: pair.memberId,
      desired: pair.present,
      known: pair.known,
      linked: links.has(pair.memberId) ? "linked" : made ? "planned" : "no",
      ...(name === undefined ? {} : { name }),
    };
  };
  const of = { objectId: dirty.groupId, name: group.name, recordId: group.link?.record_id ?? null };
  const suppressed: string[] = [];
  const planned = (pairs: readonly Pair[], hold: string | null): readonly NewChange[] => {
    const plan = planMembers(context.rules, of, pairs.map(stateOf), { readComplete: context.complete, size: CHUNK });
    suppressed.push(...plan.suppressed);
    return plan.changes.map((change) => memberRow(change, group, hold));
  };
  // Additions and removals are changes of their own, so that held removals never keep a joiner out of a group.
  const changes = [
    ...planned(
      moving.filter((pair) => pair.present),
      null,
    ),
    ...planned(
      moving.filter((pair) => !pair.present && !pair.doubtful),
      null,
    ),
    ...planned(
      moving.filter((pair) => !pair.present && pair.doubtful),
      "round_shrunken",
    ),
  ];
  const issues = [
    ...(suppressed.length === 0 ? [] : [suppressedIn(group, dirty.groupId, suppressed.length)]),
    ...kept.slice(0, 1).map((first) => protectedIn(group, dirty.groupId, { kept, names, by: keptBy(first) })),
  ];
  return { changes, issues };
}

const SAID_NAMES = 3;

/** Who left the group at the source and stays in the target: the group is looked at again until nobody does. */
function protectedIn(
  group: WritableGroup,
  id: string,
  of: { readonly kept: readonly Pair[]; readonly names: ReadonlyMap<string, string>; readonly by: string | null },
): NewIssue {
  const { kept, names, by } = of;
  const said = kept.slice(0, SAID_NAMES).map(({ memberId }) => names.get(memberId) ?? memberId);
  const more = kept.length > said.length ? ` and ${kept.length - said.length} more` : "";
  const detail = `${said.join(", ")}${more} would be removed from the group, but is protected by ${by}`;
  const { name, sequence } = group;
  return { state: "issue", code: "protected", detail, object_id: id, name, sequence };
}

/** The cursor moves past these memberships: pending, the group brings them back once a read is complete. */
function suppressedIn(group: WritableGroup, id: string, count: number): NewIssue {
  const detail = `${count} members that an incomplete read says are gone stay until a complete one says so`;
  const { name, sequence } = group;
  return { state: "suppressed", code: "memberships", detail, object_id: id, name, sequence };
}

function memberRow(change: Change, group: WritableGroup, hold: string | null): NewChange {
  return {
    phase: PHASES.members,
    object_id: change.objectId,
    kind: change.kind,
    name: change.name,
    action: change.action,
    cause: change.cause,
    reason: change.reason,
    record_id: change.recordId,
    before: null,
    after: null,
    active: null,
    add: change.add.length === 0 ? null : JSON.stringify(change.add),
    remove: change.remove.length === 0 ? null : JSON.stringify(change.remove),
    waits_for: null,
    record_sequence: group.sequence,
    link_sequence: group.link?.sequence ?? 0,
    hold,
    matched_by: null,
    matched_value: null,
  };
}
