import { type Attributes, type Change, isEmpty, type TargetKind, writesOf } from "@entrain/core";
import type { LinkSpace } from "../store/links.ts";
import { idsOf, type PlanChangeRow } from "../store/plans.ts";
import type { Store } from "../store/store.ts";
import { keptByMembers } from "./kept-groups.ts";
import { loadProtection, protectedAmong } from "./protection.ts";

/** What a list keeps changes from, by object id, with who protects it. */
export interface Spared {
  /** Which of the records that the changes touch are protected, members among them. */
  readonly records: ReadonlyMap<string, string>;
  /** Which of the groups that they would delete are kept by a protected member. */
  readonly groups: ReadonlyMap<string, string>;
}

export const NOBODY: Spared = { records: new Map(), groups: new Map() };

/**
 * Whom of these changes something would be taken away from although a list protects them by now. The lists are read anew for
 * every batch: one that was written while a run goes on, or after a plan was held, counts at once.
 */
export async function sparedIn(
  of: {
    readonly store: Store;
    readonly sync: string;
    readonly connection: string;
    readonly space: LinkSpace;
    readonly kind: Pick<TargetKind, "members">;
  },
  rows: readonly PlanChangeRow[],
): Promise<Spared> {
  const taking = rows.filter((row) => row.remove !== null || takesAway(row));
  if (taking.length === 0) return NOBODY;
  const protection = await loadProtection(of.store, of.sync);
  if (protection === null) return NOBODY;
  const ids = taking.flatMap((row) => [row.object_id, ...idsOf(row.remove)]);
  const deleted = taking.filter(({ action }) => action === "delete").map((row) => row.object_id);
  return {
    records: await protectedAmong(of, protection, ids),
    groups: await keptByMembers(of, protection, deleted),
  };
}

/** Why a change of a record's own is not made; `null`: it is. */
export function sparedWhy(row: PlanChangeRow, spared: Spared): string | null {
  if (row.action === "members" || !takesAway(row)) return null;
  const keptBy = row.action === "delete" ? spared.groups.get(row.object_id) : undefined;
  const by = spared.records.get(row.object_id) ?? keptBy;
  return by === undefined ? null : `${SPARED}${by}`;
}

const SPARED = "it is protected by ";

/** Whether a change is not made because {@link sparedWhy} says so. */
export function isSpared(why: string | null): boolean {
  return why?.startsWith(SPARED) === true;
}

/** The members of a change that may be removed. */
export function removable(row: PlanChangeRow, remove: readonly string[], { records }: Spared): readonly string[] {
  if (records.size === 0) return remove;
  return records.has(row.object_id) ? [] : remove.filter((id) => !records.has(id));
}

function takesAway(row: PlanChangeRow): boolean {
  if (row.action === "disable" || row.action === "delete") return true;
  if (row.action === "create" || row.action === "members") return false;
  return row.active === 0 || clearedBy({ before: parse(row.before), after: parse(row.after) }).length > 0;
}

function clearedBy({ before, after }: Pick<Change, "before" | "after">): readonly string[] {
  if (before === null) return [];
  return Object.entries(writesOf({ before, after })).flatMap(([name, value]) =>
    isEmpty(value) && !isEmpty(before[name]) ? [name] : [],
  );
}

/** What is left of a change of a protected record, and in words what is not made of it; `null`: the change may be made. */
export function withoutTaking(change: Change): { readonly change: Change | null; readonly not: string } | null {
  if (change.action === "disable" || change.action === "delete") return { change: null, not: `be ${change.action}d` };
  const cleared = change.action === "create" ? [] : clearedBy(change);
  if (cleared.length === 0) return null;
  const kept = Object.fromEntries(cleared.map((name) => [name, change.before?.[name] ?? null]));
  const left = { ...change, after: { ...change.after, ...kept } };
  const isNothing =
    change.action === "update" && change.cause !== "unjoined" && Object.keys(writesOf(left)).length === 0;
  return { change: isNothing ? null : left, not: `have ${cleared.join(", ")} cleared` };
}

function parse(text: string | null): Attributes | null {
  return text === null ? null : (JSON.parse(text) as Attributes);
}
