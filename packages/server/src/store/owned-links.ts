import type { Transaction } from "kysely";
import type { LinkRow } from "./links.ts";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

type Reader = Transaction<DB> | Store["db"];

/** All links of records of a target, whosever they are, by record id. */
export async function linksOfRecords(
  db: Reader,
  of: { readonly target: string; readonly kind: string },
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, readonly LinkRow[]>> {
  const found: LinkRow[] = [];
  for (let at = 0; at < recordIds.length; at += 500) {
    const rows = await db
      .selectFrom("links")
      .selectAll()
      .where("target", "=", of.target)
      .where("kind", "=", of.kind)
      .where("record_id", "in", recordIds.slice(at, at + 500))
      .execute();
    found.push(...rows);
  }
  return Map.groupBy(found, (row) => row.record_id);
}

/** A page of a sync's links, in the order of object ids. */
export async function ownedPage(
  db: Reader,
  sync: string,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly LinkRow[]> {
  return await db
    .selectFrom("links")
    .selectAll()
    .where("sync", "=", sync)
    .where("object_id", ">", after)
    .orderBy("object_id")
    .limit(limit)
    .execute();
}
