import type { SourceKind } from "@entrain/core";
import type { Transaction } from "kysely";
import type { DB } from "./schema.ts";

/** So many differences are counted: with another selection of attributes everything differs. */
export const MOST_DIFFERENCES = 10_000;

interface Since {
  readonly connection: string;
  readonly kind: SourceKind;
  /** A change number: what bears a higher one changed later. */
  readonly from: number;
}

/** The living records of a kind that changed since, and the groups whose memberships did. */
export async function changedIn(tx: Transaction<DB>, since: Since): Promise<readonly string[]> {
  const records = await recordsSince(tx, since, "is");
  if (since.kind !== "group") return records;
  const edges = await tx
    .selectFrom("edges")
    .select("group_id")
    .distinct()
    .where("connection", "=", since.connection)
    .where("sequence", ">", since.from)
    .limit(MOST_DIFFERENCES)
    .execute();
  return [...records, ...edges.map(({ group_id }) => group_id)];
}

/** The records of a kind that were removed since. */
export async function removedIn(tx: Transaction<DB>, since: Since): Promise<readonly string[]> {
  return await recordsSince(tx, since, "is not");
}

/** Those whose removal is, or is not, null. */
async function recordsSince(
  tx: Transaction<DB>,
  { connection, kind, from }: Since,
  removal: "is" | "is not",
): Promise<readonly string[]> {
  const rows = await tx
    .selectFrom("records")
    .select("id")
    .where("connection", "=", connection)
    .where("kind", "=", kind)
    .where("sequence", ">", from)
    .where("removed", removal, null)
    .limit(MOST_DIFFERENCES)
    .execute();
  return rows.map(({ id }) => id);
}
