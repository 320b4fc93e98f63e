import { type Attributes, isReference } from "@entrain/core";
import type { Transaction } from "kysely";
import type { DB } from "../store/schema.ts";
import type { ApplyContext } from "./applying.ts";
import type { Settled } from "./settled.ts";

/** Something that a deleted record takes along: its place in a group, or what somebody's attribute refers to. */
interface Taken {
  /** Whose record is deleted. */
  readonly objectId: string;
  readonly holder: string;
  /** The holder's record; '' of a group. */
  readonly kind: string;
  /** '' for a membership. */
  readonly attribute: string;
}

/** The deletions that an undoing can bring back: what the target had lost before has nothing to take along. */
export function deletions(settled: readonly Settled[]): readonly Settled[] {
  return settled.filter(({ change: { row }, outcome }) => row.action === "delete" && outcome.status === "applied");
}

/** Keeps which groups of any sync these records are in, while that is known: it goes with their links. */
export async function keepMemberships(
  context: ApplyContext,
  tx: Transaction<DB>,
  deleted: readonly Settled[],
): Promise<void> {
  const ids = deleted.map(({ change }) => change.row.object_id);
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await tx
      .selectFrom("known_members")
      .select(["group_id", "member_id"])
      .where("target", "=", context.space.target)
      .where("tenant", "=", context.space.tenant)
      .where("member_id", "in", ids.slice(at, at + 500))
      .execute();
    const taken = rows.map(({ group_id: holder, member_id: objectId }) => ({ objectId, holder }));
    await keepTaken(
      context,
      tx,
      deleted,
      taken.map((one) => ({ ...one, kind: "", attribute: "" })),
    );
  }
}

/** The references to deleted records in what is known of somebody's record. */
export function referencesTo(
  known: Attributes,
  ids: ReadonlySet<string>,
  holder: Pick<Taken, "holder" | "kind">,
): readonly Taken[] {
  return Object.entries(known).flatMap(([attribute, value]) =>
    isReference(value) && ids.has(value.$ref) ? [{ ...holder, attribute, objectId: value.$ref }] : [],
  );
}

/** Writes down what deletions of a run took along. */
export async function keepTaken(
  { store, space, run }: Pick<ApplyContext, "store" | "space" | "run">,
  tx: Transaction<DB>,
  deleted: readonly Settled[],
  taken: readonly Taken[],
): Promise<void> {
  const ordinals = new Map(deleted.map(({ change: { row } }) => [row.object_id, row.ordinal]));
  const at = store.clock.now();
  const rows = taken.flatMap(({ objectId, kind, holder, attribute }) => {
    const ordinal = ordinals.get(objectId);
    return ordinal === undefined
      ? []
      : [[space.target, space.tenant, run, ordinal, objectId, kind, holder, attribute, at]];
  });
  if (rows.length === 0) return;
  const columns = [
    { name: "target", type: "text" },
    { name: "tenant", type: "text" },
    { name: "run", type: "text" },
    { name: "ordinal", type: "int8" },
    { name: "object_id", type: "text" },
    { name: "kind", type: "text" },
    { name: "holder", type: "text" },
    { name: "attribute", type: "text" },
    { name: "at", type: "int8" },
  ] as const;
  const conflict = "on conflict (target, tenant, run, object_id, kind, holder, attribute) do nothing";
  await store.insertMany(tx, { table: "taken_along", columns, conflict }, rows);
}
