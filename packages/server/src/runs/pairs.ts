import { loadRecords } from "../store/directory.ts";
import { type LinkSpace, linkedSince } from "../store/links.ts";
import { pendingPage } from "../store/pending.ts";
import type { Span } from "./candidates.ts";

/** One membership to look at: as the directory has it, and whether the target acknowledged it from us. */
export interface Pair {
  readonly memberId: string;
  readonly present: boolean;
  readonly doubtful: boolean;
  readonly known: boolean;
}

/** A part of one group's memberships; a large group comes in several. */
export interface GroupPairs {
  readonly groupId: string;
  readonly pairs: readonly Pair[];
}

const PAGE = 1000;
/** Up to this many changed edges are read at once; more are read group by group. */
const FEW_EDGES = 5000;

export interface PairsScope {
  readonly span: Span;
  readonly space: LinkSpace;
  /** Groups that this plan creates or joins: every membership of theirs is looked at. */
  readonly fresh: readonly string[];
  readonly memberKinds: readonly string[];
  /** Groups of this kind may be members of one another. */
  readonly nests: boolean;
  readonly linkCursor: number;
  readonly linkUpto: number;
  /** Nothing but all memberships of these groups. */
  readonly only?: readonly string[];
}

/** Every membership that may need a change, group by group, in proportion to what changed. */
export async function* dirtyPairs(scope: PairsScope): AsyncGenerator<GroupPairs> {
  if (scope.only !== undefined) {
    for (const group of scope.only) yield* wholeGroup(scope, group);
    return;
  }
  const whole = new Set(scope.fresh);
  for await (const id of pendingGroups(scope.span)) whole.add(id);
  for (const group of [...whole].sort(byText)) yield* wholeGroup(scope, group);
  const skip = (group: string): boolean => whole.has(group);
  yield* changedPairs(scope, skip);
  if (scope.span.cursor === 0) return;
  yield* newlyLinked(scope, skip);
  if (!scope.nests) return;
  for (let at = 0; at < scope.fresh.length; at += PAGE) {
    yield* waitingFor(scope, scope.fresh.slice(at, at + PAGE), skip);
  }
}

/** A group that changed is evaluated, which may settle what was pending of it: all of it is looked at then. */
async function* pendingGroups(span: Span): AsyncGenerator<string> {
  let after = "";
  for (;;) {
    const page = await pendingPage(span.store.db, span.sync.id, after, PAGE);
    const last = page.at(-1);
    if (!last) return;
    after = last.object_id;
    const free = page.filter((row) => row.plan === null);
    const waiting = free.filter((row) => row.retry_at > span.now).map((row) => row.object_id);
    const records = await loadRecords(span.store.db, span.sync.connection, waiting);
    for (const row of free) {
      const changed = (records.get(row.object_id)?.sequence ?? 0) > span.cursor;
      if (row.retry_at <= span.now || changed) yield row.object_id;
    }
  }
}

async function* wholeGroup(scope: PairsScope, group: string): AsyncGenerator<GroupPairs> {
  let after = "";
  for (;;) {
    const pairs = await edgesOf(scope, group, after, 0);
    const last = pairs.at(-1);
    if (!last) break;
    after = last.memberId;
    yield { groupId: group, pairs };
  }
  yield* orphaned(scope, group);
}

/** Memberships that we wrote and that the directory does not know at all, not even as removed. */
async function* orphaned(scope: PairsScope, group: string): AsyncGenerator<GroupPairs> {
  const { span, space } = scope;
  const rows = await span.store.db
    .selectFrom("known_members")
    .leftJoin("edges", (join) =>
      join
        .on("edges.connection", "=", span.sync.connection)
        .onRef("edges.group_id", "=", "known_members.group_id")
        .onRef("edges.member_id", "=", "known_members.member_id"),
    )
    .select("known_members.member_id")
    .where("known_members.target", "=", space.target)
    .where("known_members.tenant", "=", space.tenant)
    .where("known_members.group_id", "=", group)
    .where("edges.member_id", "is", null)
    .execute();
  if (rows.length === 0) return;
  const pairs = rows.map((row) => ({ memberId: row.member_id, present: false, doubtful: false, known: true }));
  yield { groupId: group, pairs };
}

/** A page of a group's edges that changed behind a change number, with what the target acknowledged. */
async function edgesOf(scope: PairsScope, group: string, after: string, cursor: number): Promise<readonly Pair[]> {
  const { span, space } = scope;
  const rows = await span.store.db
    .selectFrom("edges")
    .leftJoin("known_members", (join) =>
      join
        .on("known_members.target", "=", space.target)
        .on("known_members.tenant", "=", space.tenant)
        .onRef("known_members.group_id", "=", "edges.group_id")
        .onRef("known_members.member_id", "=", "edges.member_id"),
    )
    .select(["edges.member_id", "edges.present", "edges.doubtful", "known_members.member_id as known"])
    .where("edges.connection", "=", span.sync.connection)
    .where("edges.group_id", "=", group)
    .where("edges.member_id", ">", after)
    .where("edges.sequence", ">", cursor)
    .where("edges.sequence", "<=", span.upto)
    .orderBy("edges.member_id")
    .limit(PAGE)
    .execute();
  return rows.map((row) => ({
    memberId: row.member_id,
    present: row.present === 1,
    doubtful: row.doubtful === 1,
    known: row.known !== null,
  }));
}

async function* changedPairs(scope: PairsScope, skip: (group: string) => boolean): AsyncGenerator<GroupPairs> {
  const few = await fewChangedPairs(scope);
  if (few) {
    for (const [groupId, pairs] of few) if (!skip(groupId)) yield { groupId, pairs };
    return;
  }
  for (const group of await changedGroups(scope)) {
    if (skip(group)) continue;
    let after = "";
    for (;;) {
      const pairs = await edgesOf(scope, group, after, scope.span.cursor);
      const last = pairs.at(-1);
      if (!last) break;
      after = last.memberId;
      yield { groupId: group, pairs };
      if (pairs.length < PAGE) break;
    }
  }
}

/** Few changed edges are found by their numbers, whatever the size of their groups; null when there are many. */
async function fewChangedPairs({ span, space }: PairsScope): Promise<ReadonlyMap<string, readonly Pair[]> | null> {
  const rows = await span.store.db
    .selectFrom("edges")
    .select(["group_id", "member_id", "present", "doubtful"])
    .where("connection", "=", span.sync.connection)
    .where("sequence", ">", span.cursor)
    .where("sequence", "<=", span.upto)
    .orderBy("sequence")
    .limit(FEW_EDGES + 1)
    .execute();
  if (rows.length > FEW_EDGES) return null;
  const edges = rows.toSorted((a, b) => byText(a.group_id, b.group_id) || byText(a.member_id, b.member_id));
  const pairs = new Map<string, readonly Pair[]>();
  for (const [group, of] of Map.groupBy(edges, (row) => row.group_id)) {
    const known = await knownAmong(
      span,
      space,
      group,
      of.map((row) => row.member_id),
    );
    pairs.set(
      group,
      of.map((row) => ({
        memberId: row.member_id,
        present: row.present === 1,
        doubtful: row.doubtful === 1,
        known: known.has(row.member_id),
      })),
    );
  }
  return pairs;
}

async function knownAmong(
  span: Span,
  space: LinkSpace,
  group: string,
  members: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let at = 0; at < members.length; at += 500) {
    const rows = await span.store.db
      .selectFrom("known_members")
      .select("member_id")
      .where("target", "=", space.target)
      .where("tenant", "=", space.tenant)
      .where("group_id", "=", group)
      .where("member_id", "in", members.slice(at, at + 500))
      .execute();
    for (const row of rows) found.add(row.member_id);
  }
  return found;
}

function byText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The groups with changed edges. Their ids alone are held at once: thousands, not hundreds of thousands. */
async function changedGroups({ span }: PairsScope): Promise<readonly string[]> {
  const rows = await span.store.db
    .selectFrom("edges")
    .select("group_id")
    .distinct()
    .where("connection", "=", span.sync.connection)
    .where("sequence", ">", span.cursor)
    .where("sequence", "<=", span.upto)
    .orderBy("group_id")
    .execute();
  return rows.map((row) => row.group_id);
}

/** Members that another sync linked since: their memberships can be written now. */
async function* newlyLinked(scope: PairsScope, skip: (group: string) => boolean): AsyncGenerator<GroupPairs> {
  const { span, space } = scope;
  let after = scope.linkCursor;
  for (;;) {
    const linked = await linkedSince(span.store.db, space, {
      kinds: scope.memberKinds,
      notSync: span.sync.id,
      after,
      upto: scope.linkUpto,
    });
    const last = linked.at(-1);
    if (!last) return;
    after = last.sequence;
    yield* waitingFor(
      scope,
      linked.map((row) => row.objectId),
      skip,
    );
  }
}

async function* waitingFor(
  scope: PairsScope,
  members: readonly string[],
  skip: (group: string) => boolean,
): AsyncGenerator<GroupPairs> {
  const { span, space } = scope;
  const rows = await span.store.db
    .selectFrom("edges")
    .leftJoin("known_members", (join) =>
      join
        .on("known_members.target", "=", space.target)
        .on("known_members.tenant", "=", space.tenant)
        .onRef("known_members.group_id", "=", "edges.group_id")
        .onRef("known_members.member_id", "=", "edges.member_id"),
    )
    .select(["edges.group_id", "edges.member_id"])
    .where("edges.connection", "=", span.sync.connection)
    .where("edges.member_id", "in", members)
    .where("edges.present", "=", 1)
    .where("known_members.member_id", "is", null)
    .orderBy("edges.group_id")
    .orderBy("edges.member_id")
    .execute();
  const byGroup = Map.groupBy(rows, (row) => row.group_id);
  for (const [groupId, edges] of byGroup) {
    if (skip(groupId)) continue;
    const pairs = edges.map((edge) => ({ memberId: edge.member_id, present: true, doubtful: false, known: false }));
    yield { groupId, pairs };
  }
}
