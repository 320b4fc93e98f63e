import type { Outcome } from "@entrain/core";
import { linkedRecords } from "../store/links.ts";
import { idsOf } from "../store/plans.ts";
import type { ApplyContext } from "./applying.ts";
import type { Prepared } from "./prepare.ts";

/** The memberships that took effect although their change as a whole did not: object ids added, object ids removed. */
export type Part = Pick<Prepared, "row" | "add" | "remove">;

/**
 * Looks up what the target holds of memberships that it refused, or that were sent before and are stale now: the
 * target may have taken any part of them. Who was let in and is not known would never be let out.
 * @throws ConnectorError when the target cannot be asked; the intents stay open, and the next run looks them up.
 */
export async function partsOf(
  context: ApplyContext,
  prepared: readonly Prepared[],
  outcomes: readonly Outcome[],
): Promise<readonly Part[]> {
  const parts: Part[] = [];
  let next = 0;
  for (const change of prepared) {
    const status = change.send === null ? null : (outcomes[next++]?.status ?? null);
    const open = status === null ? change.row.state === "again" : status === "refused" || status === "conflict";
    if (open && change.row.action === "members" && change.link) parts.push(await partOf(context, change));
  }
  return parts;
}

async function partOf(context: ApplyContext, { row, link }: Prepared): Promise<Part> {
  const { target, kind, signal, store, space } = context;
  const [record] = await target.get(kind.name, [link?.record_id ?? ""], { members: true }, signal);
  const held = new Set<string>();
  for (const member of kind.members) {
    const linked = await linkedRecords(store.db, space.target, member, record?.members ?? []);
    for (const { objectId } of linked.values()) held.add(objectId);
  }
  return {
    row,
    add: idsOf(row.add).filter((id) => held.has(id)),
    remove: idsOf(row.remove).filter((id) => !held.has(id)),
  };
}
