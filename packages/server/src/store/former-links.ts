import type { Transaction } from "kysely";
import type { DB } from "./schema.ts";
import { OWNING } from "./shares.ts";
import type { Store } from "./store.ts";

const COLUMNS = [
  { name: "sync", type: "text" },
  { name: "object_id", type: "text" },
  { name: "owned_since", type: "int8" },
  { name: "lost", type: "int8" },
  { name: "at", type: "int8" },
] as const;

const CONFLICT = `on conflict (sync, object_id) do update set
  owned_since = excluded.owned_since, lost = excluded.lost, at = excluded.at`;

/**
 * Keeps since when links that go now were owned, up to 500 of them. `lost`: the target has lost their records; otherwise the sync
 * deleted these, or let go of them. Of what no sync owns, and of shared records, nothing is kept.
 */
export async function keepFormer(
  store: Store,
  tx: Transaction<DB>,
  of: {
    readonly target: string;
    readonly tenant: string;
    readonly kind: string;
    readonly ids: readonly string[];
    readonly lost: boolean;
  },
): Promise<void> {
  const links = await tx
    .selectFrom("links")
    .select(["sync", "object_id", "owned_since"])
    .where("target", "=", of.target)
    .where("kind", "=", of.kind)
    .where("tenant", "=", of.tenant)
    .where("object_id", "in", of.ids)
    .where("sync", "is not", null)
    .where(OWNING)
    .execute();
  const [lost, at] = [of.lost ? 1 : 0, store.clock.now()];
  const rows = links.map((link) => [link.sync, link.object_id, link.owned_since, lost, at]);
  await store.insertMany(tx, { table: "former_links", columns: COLUMNS, conflict: CONFLICT }, rows);
}

/**
 * Since when a sync has owned people who are linked now, by object id: those whose records the target had lost, and those of
 * `undone`, whose deletion is undone. Everybody else is new, however often they had been there before. What was kept of all of
 * them is forgotten, for their links have it from here on.
 */
export async function takeFormer(
  tx: Transaction<DB>,
  of: { readonly sync: string; readonly ids: readonly string[]; readonly undone: ReadonlySet<string> },
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (let at = 0; at < of.ids.length; at += 500) {
    const rows = await tx
      .deleteFrom("former_links")
      .where("sync", "=", of.sync)
      .where("object_id", "in", of.ids.slice(at, at + 500))
      .returning(["object_id", "owned_since", "lost"])
      .execute();
    for (const row of rows)
      if (row.lost === 1 || of.undone.has(row.object_id)) found.set(row.object_id, row.owned_since);
  }
  return found;
}
