import { type Attributes, byCodeUnits, type Change, sameValue, type Value } from "@entrain/core";
import { type SqlBool, sql } from "kysely";
import type { PlanChangeRow } from "../store/plans.ts";
import type { Store } from "../store/store.ts";
import { changeOf, shownChange } from "./seal.ts";

/** What a plan does with one record, its memberships together. */
export interface ComparedSide {
  readonly action: Change["action"];
  readonly reason: string;
  readonly before: Attributes | null;
  readonly after: Attributes | null;
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** One record's change, or one group's memberships, in two plans. */
export interface ComparedRecord {
  readonly objectId: string;
  readonly name: string;
  /** The record itself, or its memberships. */
  readonly of: "record" | "members";
  readonly verdict: "first" | "second" | "differs" | "same";
  /** In what they differ: the action, attributes by name, `add` and `remove`. */
  readonly differing: readonly string[];
  readonly first: ComparedSide | null;
  readonly second: ComparedSide | null;
}

/** How many records are only in the first plan, only in the second, in both but not alike, and alike. */
export interface ComparedCounts {
  readonly first: number;
  readonly second: number;
  readonly differs: number;
  readonly same: number;
}

/** A place in the comparison. */
export type ComparedKey = Pick<ComparedRecord, "objectId" | "of">;

const PAGE = 1000;

/**
 * Compares two plans record by record in the order of object ids, both read page by page: memory holds one record's
 * changes of each. Plans are alike in a record when they do the same with it, whatever their reasons say.
 */
export async function* comparePlans(
  store: Store,
  {
    first,
    second,
    after = null,
  }: { readonly first: string; readonly second: string; readonly after?: ComparedKey | null },
): AsyncGenerator<ComparedRecord> {
  const [one, other] = [entries(store, first, after), entries(store, second, after)];
  let [a, b] = [await one.next(), await other.next()];
  while (!(a.done && b.done)) {
    const order = a.done ? 1 : b.done ? -1 : ordered(a.value, b.value);
    const [left, right] = [order <= 0 && !a.done ? a.value : null, order >= 0 && !b.done ? b.value : null];
    yield compared(left, right);
    if (left !== null) a = await one.next();
    if (right !== null) b = await other.next();
  }
}

/** Counts a whole comparison. */
export async function countCompared(
  store: Store,
  plans: { readonly first: string; readonly second: string },
): Promise<ComparedCounts> {
  const counts = { first: 0, second: 0, differs: 0, same: 0 };
  for await (const { verdict } of comparePlans(store, plans)) counts[verdict] += 1;
  return counts;
}

interface Entry extends ComparedKey {
  readonly name: string;
  readonly side: ComparedSide;
  /** As the plan has it, for comparing; what is shown conceals sensitive values. */
  readonly change: Change;
}

/** Object ids as the store orders them: by the bytes of UTF-8. */
function ordered(one: ComparedKey, other: ComparedKey): number {
  return Buffer.compare(Buffer.from(one.objectId), Buffer.from(other.objectId)) || rankOf(one) - rankOf(other);
}

function rankOf({ of }: ComparedKey): number {
  return of === "record" ? 0 : 1;
}

async function* entries(store: Store, plan: string, after: ComparedKey | null): AsyncGenerator<Entry, undefined> {
  let members: Entry | null = null;
  for await (const row of rowsOf(store, plan, after?.objectId ?? null)) {
    if (members !== null && (row.action !== "members" || row.object_id !== members.objectId)) {
      yield members;
      members = null;
    }
    const entry = entryOf(row);
    if (after !== null && ordered(entry, after) <= 0) continue;
    if (entry.of === "record") yield entry;
    else members = members === null ? entry : together(members, entry);
  }
  if (members !== null) yield members;
}

const RANK = sql<number>`case when action = 'members' then 1 else 0 end`;

/** Changes by object id, a record's own before its memberships; from `from` on. */
async function* rowsOf(store: Store, plan: string, from: string | null): AsyncGenerator<PlanChangeRow> {
  let last: PlanChangeRow | undefined;
  for (;;) {
    let query = store.db.selectFrom("plan_changes").selectAll().where("plan", "=", plan);
    if (last !== undefined) {
      const { object_id: id, ordinal, action }: PlanChangeRow = last;
      const place = sql`(${id}, ${action === "members" ? 1 : 0}, ${ordinal})`;
      query = query.where("object_id", ">=", id).where(sql<SqlBool>`(object_id, ${RANK}, ordinal) > ${place}`);
    } else if (from !== null) query = query.where("object_id", ">=", from);
    const ordering = query.orderBy("object_id").orderBy(RANK).orderBy("ordinal");
    const rows: readonly PlanChangeRow[] = await ordering.limit(PAGE).execute();
    yield* rows;
    last = rows.at(-1);
    if (rows.length < PAGE) return;
  }
}

function entryOf(row: PlanChangeRow): Entry {
  const { action, reason, before, after, add, remove } = shownChange(row);
  return {
    objectId: row.object_id,
    name: row.name,
    of: row.action === "members" ? "members" : "record",
    side: { action, reason, before, after, add, remove },
    change: changeOf(row),
  };
}

/** The changes of one group's memberships as one: how they were cut into pieces says nothing. */
function together(one: Entry, other: Entry): Entry {
  const [add, remove] = [
    [...one.side.add, ...other.side.add].sort(byCodeUnits),
    [...one.side.remove, ...other.side.remove].sort(byCodeUnits),
  ];
  return { ...one, side: { ...one.side, add, remove }, change: { ...one.change, add, remove } };
}

function compared(first: Entry | null, second: Entry | null): ComparedRecord {
  const one = first ?? second;
  if (one === null) throw new Error("there is nothing to compare");
  const differing = first === null || second === null ? [] : differencesIn(first.change, second.change);
  const both = differing.length > 0 ? "differs" : "same";
  return {
    ...{ objectId: one.objectId, name: one.name, of: one.of },
    verdict: first === null ? "second" : second === null ? "first" : both,
    differing,
    first: first?.side ?? null,
    second: second?.side ?? null,
  };
}

function differencesIn(one: Change, other: Change): readonly string[] {
  const [a, b] = [one.after ?? {}, other.after ?? {}];
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort(byCodeUnits);
  return [
    ...(one.action === other.action && one.active === other.active ? [] : ["action"]),
    ...names.filter((name) => !isSame(a[name], b[name])),
    ...(["add", "remove"] as const).filter(
      (list) => !isSame([...one[list]].sort(byCodeUnits), [...other[list]].sort(byCodeUnits)),
    ),
  ];
}

function isSame(one: Value | undefined, other: Value | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return sameValue(one, other);
}
