import type { Member, SourceRecord } from "@entrain/core";
import { sql, type Transaction } from "kysely";
import type { DB } from "./schema.ts";
import { takeSequences } from "./sequences.ts";
import type { Store } from "./store.ts";

export const EDGE_COLUMNS = [
  { name: "connection", type: "text" },
  { name: "group_id", type: "text" },
  { name: "member_id", type: "text" },
  { name: "member_type", type: "text" },
  { name: "present", type: "int8" },
  { name: "doubtful", type: "int8" },
  { name: "sequence", type: "int8" },
  { name: "round", type: "int8" },
  { name: "first_sequence", type: "int8" },
] as const;

export const EDGE_CONFLICT = `on conflict (connection, group_id, member_id) do update set
  present = excluded.present, doubtful = 0, round = excluded.round,
  member_type = case when excluded.member_type = 'unknown' then edges.member_type else excluded.member_type end,
  sequence = case when edges.present = excluded.present then edges.sequence else excluded.sequence end`;

/** Merges the memberships of a page's groups, all under one change number. */
export async function mergeEdges(
  store: Store,
  tx: Transaction<DB>,
  page: {
    readonly connection: string;
    readonly round: number;
    readonly records: readonly SourceRecord[];
    readonly sequence: number;
  },
): Promise<void> {
  const rows = new Map<string, readonly (string | number | null)[]>();
  const put = (group: string, member: Member, present: 0 | 1): void => {
    const { connection, sequence, round } = page;
    rows.set(`${group} ${member.id}`, [
      connection,
      group,
      member.id,
      member.type,
      present,
      0,
      sequence,
      round,
      sequence,
    ]);
  };
  const gone: string[] = [];
  for (const record of page.records) {
    if (record.kind === "group" && record.removed !== undefined) gone.push(record.id);
    const memberships = record.memberships;
    if (!memberships) continue;
    const present = memberships.form === "slice" ? memberships.members : memberships.add;
    for (const member of present) put(record.id, member, 1);
    if (memberships.form === "changes") {
      for (const id of memberships.remove) put(record.id, { id, type: "unknown" }, 0);
    }
  }
  if (rows.size > 0) {
    await store.insertMany(tx, { table: "edges", columns: EDGE_COLUMNS, conflict: EDGE_CONFLICT }, rows.values());
  }
  for (let at = 0; at < gone.length; at += 500) {
    await tx
      .updateTable("edges")
      .set({ present: 0, sequence: page.sequence })
      .where("connection", "=", page.connection)
      .where("group_id", "in", gone.slice(at, at + 500))
      .where("present", "=", 1)
      .execute();
  }
}

/**
 * After a full round of groups: members that no slice held are gone. When the round lost more than a tenth of all
 * memberships it is shrunken, and what it removes waits for approval; so it does for a group whose list came empty.
 */
export async function dropUnseenEdges(
  store: Store,
  tx: Transaction<DB>,
  connection: string,
  round: number,
): Promise<{ readonly dropped: number; readonly shrunken: boolean }> {
  const listed = tx
    .selectFrom("records")
    .select("id")
    .where("connection", "=", connection)
    .where("kind", "=", "group")
    .where("members_round", "=", round);
  const counts = await tx
    .selectFrom("edges")
    .select((eb) => [
      eb.fn.countAll<number>().as("total"),
      eb.fn.sum<number | null>(sql<number>`case when round < ${round} then 1 else 0 end`).as("unseen"),
    ])
    .where("connection", "=", connection)
    .where("present", "=", 1)
    .where("group_id", "in", listed)
    .executeTakeFirstOrThrow();
  const unseen = Number(counts.unseen ?? 0);
  if (unseen === 0) return { dropped: 0, shrunken: false };
  const shrunken = unseen > Number(counts.total) * 0.1;
  const sequence = await takeSequences(store, tx, connection, 1);
  const seen = sql`select group_id from edges where connection = ${connection} and present = 1 and round = ${round}`;
  const doubtful = shrunken ? sql<number>`1` : sql<number>`case when group_id in (${seen}) then 0 else 1 end`;
  await tx
    .updateTable("edges")
    .set({ present: 0, doubtful, sequence })
    .where("connection", "=", connection)
    .where("present", "=", 1)
    .where("round", "<", round)
    .where("group_id", "in", listed)
    .execute();
  return { dropped: unseen, shrunken };
}
