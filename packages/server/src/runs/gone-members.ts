import type { Target, TargetChange, TargetKind } from "@entrain/core";
import type { Transaction } from "kysely";
import { type LinkSpace, linkedRecords } from "../store/links.ts";
import type { PlanChangeRow } from "../store/plans.ts";
import type { DB } from "../store/schema.ts";
import type { Store } from "../store/store.ts";

interface Scene {
  readonly store: Store;
  readonly space: LinkSpace;
  readonly kind: TargetKind;
}

/** A planned change as far as this is concerned with it; see `Prepared`. */
interface Sendable {
  readonly row: Pick<PlanChangeRow, "action" | "object_id">;
  readonly send: TargetChange | null;
  readonly gone: readonly string[];
}

/**
 * Adds to the first change of each group's memberships what the group may still name of records that the target has lost: a server
 * that was emptied, or that forgets to look, keeps them beside the members' new records.
 */
export async function withGoneMembers<Change extends Sendable>(
  scene: Scene,
  prepared: readonly Change[],
): Promise<readonly Change[]> {
  const groups = prepared.flatMap(({ row, send }) =>
    row.action === "members" && send !== null ? [row.object_id] : [],
  );
  const gone = await goneMembers(scene, [...new Set(groups)]);
  if (gone.size === 0) return prepared;
  return prepared.map((change) => {
    const { row, send } = change;
    const records = row.action === "members" ? gone.get(row.object_id) : undefined;
    if (records === undefined || send === null) return change;
    gone.delete(row.object_id);
    return { ...change, gone: records, send: { ...send, remove: [...(send.remove ?? []), ...records] } };
  });
}

/** Lost records that groups may still name, by group; one that came back and is linked again is not lost. */
async function goneMembers(
  { store, space, kind }: Scene,
  groups: readonly string[],
): Promise<Map<string, readonly string[]>> {
  const rows: { readonly group_id: string; readonly record_id: string }[] = [];
  for (let at = 0; at < groups.length; at += 500) {
    const query = store.db
      .selectFrom("gone_members")
      .select(["group_id", "record_id"])
      .where("target", "=", space.target)
      .where("tenant", "=", space.tenant)
      .where("group_id", "in", groups.slice(at, at + 500))
      .orderBy("record_id");
    rows.push(...(await query.execute()));
  }
  const ids = [...new Set(rows.map(({ record_id: id }) => id))];
  const back = new Set<string>();
  for (const member of ids.length === 0 ? [] : kind.members) {
    for (const id of (await linkedRecords(store.db, space.target, member, ids)).keys()) back.add(id);
  }
  const lost = Map.groupBy(
    rows.filter(({ record_id: id }) => !back.has(id)),
    ({ group_id: group }) => group,
  );
  return new Map([...lost].map(([group, of]) => [group, of.map(({ record_id: id }) => id)]));
}

/** Leaves out what a group names no more: many servers see to that themselves, and some refuse to remove what is not there. */
export async function onlyNamed<Change extends Sendable>(
  { target, kind, signal }: { readonly target: Target; readonly kind: TargetKind; readonly signal: AbortSignal },
  prepared: readonly Change[],
): Promise<readonly Change[]> {
  const asked: Change[] = [];
  for (const change of prepared) {
    const { gone, send } = change;
    if (gone.length === 0 || send === null || send.recordId === null) {
      asked.push(change);
      continue;
    }
    const [group] = await target.get(kind.name, [send.recordId], { members: true }, signal);
    const named = new Set(group?.members ?? []);
    const left = new Set(gone.filter((id) => !named.has(id)));
    asked.push({ ...change, send: { ...send, remove: (send.remove ?? []).filter((id) => !left.has(id)) } });
  }
  return asked;
}

/** Forgets the lost records that groups were rid of. */
export async function forgetGoneMembers(
  { space }: Pick<Scene, "space">,
  tx: Transaction<DB>,
  written: readonly Pick<Sendable, "row" | "gone">[],
): Promise<void> {
  for (const { row, gone } of written) {
    for (let at = 0; at < gone.length; at += 500) {
      await tx
        .deleteFrom("gone_members")
        .where("target", "=", space.target)
        .where("tenant", "=", space.tenant)
        .where("group_id", "=", row.object_id)
        .where("record_id", "in", gone.slice(at, at + 500))
        .execute();
    }
  }
}
