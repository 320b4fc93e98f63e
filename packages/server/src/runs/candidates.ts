import type { SourceKind } from "@entrain/core";
import { type DirectoryRow, loadRecords } from "../store/directory.ts";
import { type LinkSpace, linkedSince } from "../store/links.ts";
import { loadPending, type PendingRow, pendingPage } from "../store/pending.ts";
import type { Store } from "../store/store.ts";
import type { SyncRow } from "./context.ts";
import type { ScopeGroups } from "./scope-groups.ts";

/** Records are evaluated in pages of this many, so that memory does not grow with the directory. */
export const PAGE = 1000;
const EDGE_PAGE = 5000;

/** What a plan looks at: changes between the sync's cursor and `upto`, and the pending set. */
export interface Span {
  readonly store: Store;
  readonly sync: SyncRow;
  readonly kind: SourceKind;
  /** Where evaluation begins: the sync's cursor, or 0 when everything is evaluated anew. */
  readonly cursor: number;
  readonly upto: number;
  readonly now: number;
}

/** Records to evaluate, with what the pending set said of them. */
export interface Candidates {
  readonly rows: readonly DirectoryRow[];
  readonly pending: ReadonlyMap<string, PendingRow>;
}

/**
 * Every record that changed since the cursor, in the order of the change numbers; with everything to evaluate, in the
 * order of ids: whatever is written for the records then fills neighbouring places of the indexes by id.
 */
export async function* changedRecords(span: Span): AsyncGenerator<Candidates> {
  const { store, sync, kind, cursor, upto } = span;
  let last: DirectoryRow | undefined;
  for (;;) {
    let query = store.db
      .selectFrom("records")
      .selectAll()
      .where("connection", "=", sync.connection)
      .where("kind", "=", kind)
      .where("sequence", "<=", upto)
      .limit(PAGE);
    if (cursor > 0) query = query.where("sequence", ">", last?.sequence ?? cursor).orderBy("sequence");
    else query = query.where("id", ">", last?.id ?? "").orderBy("id");
    const rows = await query.execute();
    last = rows.at(-1);
    if (!last) return;
    const ids = rows.map((row) => row.id);
    yield { rows, pending: await loadPending(store.db, sync.id, ids) };
  }
}

/** The pending set, as far as it is due: its retry time has come, or it never waited for one, and nobody ignores it. */
export function pendingRecords(span: Span): AsyncGenerator<Candidates> {
  return pendingThat(span, (row) => row.plan === null && isDue(span, row));
}

/** What of the pending set is not due: refused and waiting for its retry time, or ignored. */
export function waitingRecords(span: Span): AsyncGenerator<Candidates> {
  return pendingThat(span, (row) => row.plan === null && !isDue(span, row));
}

function isDue({ now }: Span, { retry_at, ignored }: PendingRow): boolean {
  return retry_at <= now && ignored === null;
}

async function* pendingThat(span: Span, which: (row: PendingRow) => boolean): AsyncGenerator<Candidates> {
  let after = "";
  for (;;) {
    const page = await pendingPage(span.store.db, span.sync.id, after, PAGE);
    const last = page.at(-1);
    if (!last) return;
    after = last.object_id;
    yield await unchanged(
      span,
      page.filter(which).map((row) => row.object_id),
    );
  }
}

/** Records that did not change themselves: those that did are among the changed ones anyway. */
export async function unchanged(span: Span, ids: readonly string[]): Promise<Candidates> {
  const records = await loadRecords(span.store.db, span.sync.connection, ids);
  const rows = [...records.values()].filter((row) => row.kind === span.kind && row.sequence <= span.cursor);
  return {
    rows,
    pending: await loadPending(
      span.store.db,
      span.sync.id,
      rows.map((row) => row.id),
    ),
  };
}

/** Records whose groups changed, for a scope that asks for groups: members of changed edges, nested ones included. */
export async function* regrouped(span: Span, groups: ScopeGroups): AsyncGenerator<Candidates> {
  const nested = new Set<string>();
  let after = { sequence: span.cursor + 1, group: "", member: "" };
  for (;;) {
    const edges = await changedEdges(span, after);
    const last = edges.at(-1);
    if (!last) break;
    after = { sequence: last.sequence, group: last.group_id, member: last.member_id };
    const touched = edges.filter((edge) => groups.touched.has(edge.group_id));
    for (const edge of touched) if (edge.member_type === "group") nested.add(edge.member_id);
    yield await unchanged(
      span,
      touched.map((edge) => edge.member_id),
    );
  }
  const seen = new Set<string>();
  for (const group of nested) yield* descendants(span, group, seen);
}

interface ChangedEdge {
  readonly group_id: string;
  readonly member_id: string;
  readonly member_type: string;
  readonly sequence: number;
}

/** By their change numbers, for in the order of groups each page would walk over all edges that did not change. */
async function changedEdges(
  span: Span,
  after: { readonly sequence: number; readonly group: string; readonly member: string },
): Promise<readonly ChangedEdge[]> {
  return await span.store.db
    .selectFrom("edges")
    .select(["group_id", "member_id", "member_type", "sequence"])
    .where("connection", "=", span.sync.connection)
    .where("sequence", ">=", after.sequence)
    .where("sequence", "<=", span.upto)
    .where((eb) =>
      eb(eb.refTuple("sequence", "group_id", "member_id"), ">", eb.tuple(after.sequence, after.group, after.member)),
    )
    .orderBy("sequence")
    .orderBy("group_id")
    .orderBy("member_id")
    .limit(EDGE_PAGE)
    .execute();
}

async function* descendants(span: Span, group: string, seen: Set<string>): AsyncGenerator<Candidates> {
  if (seen.has(group)) return;
  seen.add(group);
  let after = "";
  for (;;) {
    const members = await span.store.db
      .selectFrom("edges")
      .select(["member_id", "member_type"])
      .where("connection", "=", span.sync.connection)
      .where("group_id", "=", group)
      .where("present", "=", 1)
      .where("member_id", ">", after)
      .orderBy("member_id")
      .limit(PAGE)
      .execute();
    const last = members.at(-1);
    if (!last) return;
    after = last.member_id;
    yield await unchanged(
      span,
      members.map((member) => member.member_id),
    );
    for (const member of members) {
      if (member.member_type === "group") yield* descendants(span, member.member_id, seen);
    }
  }
}

/** Records whose manager was linked by another sync since this one looked last. */
export async function* reportsOfLinked(
  span: Span,
  space: LinkSpace,
  since: { readonly kinds: readonly string[]; readonly after: number; readonly upto: number },
): AsyncGenerator<Candidates> {
  let { after } = since;
  for (;;) {
    const linked = await linkedSince(span.store.db, space, { ...since, after, notSync: span.sync.id });
    const last = linked.at(-1);
    if (!last) return;
    after = last.sequence;
    yield* reportsOf(
      span,
      linked.map((row) => row.objectId),
    );
  }
}

/** The direct reports of these people that did not change themselves. */
export async function* reportsOf(span: Span, managers: readonly string[]): AsyncGenerator<Candidates> {
  for (let at = 0; at < managers.length; at += 500) {
    let after = { manager: "", id: "" };
    for (;;) {
      // In the order of managers: in that of ids alone each page would walk over everybody.
      const rows = await span.store.db
        .selectFrom("records")
        .select(["id", "manager"])
        .where("connection", "=", span.sync.connection)
        .where("manager", "in", managers.slice(at, at + 500))
        .where((eb) => eb(eb.refTuple("manager", "id"), ">", eb.tuple(after.manager, after.id)))
        .orderBy("manager")
        .orderBy("id")
        .limit(PAGE)
        .execute();
      const last = rows.at(-1);
      if (!last) break;
      after = { manager: last.manager ?? "", id: last.id };
      yield await unchanged(
        span,
        rows.map((row) => row.id),
      );
    }
  }
}
