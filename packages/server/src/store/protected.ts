import type { Selectable, Transaction } from "kysely";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

/** Whom an entry of a protected list stands for; without an object id, up to which change it was looked for. */
export type ProtectedRow = Selectable<DB["protected"]>;

const COLUMNS = [
  { name: "connection", type: "text" },
  { name: "kind", type: "text" },
  { name: "entry", type: "text" },
  { name: "object_id", type: "text" },
  { name: "sequence", type: "int8" },
] as const;
// Two syncs of one connection may look at the same time: what was looked through farther stays.
const CONFLICT = `on conflict (connection, kind, entry, object_id) do update set
  sequence = case when excluded.sequence > protected.sequence then excluded.sequence else protected.sequence end`;

/** Everything that is kept of a connection's entries: a row for each and each record that it ever stood for. */
export async function loadProtected(db: Store["db"], connection: string): Promise<readonly ProtectedRow[]> {
  return await db.selectFrom("protected").selectAll().where("connection", "=", connection).execute();
}

export async function saveProtected(store: Store, tx: Transaction<DB>, rows: readonly ProtectedRow[]): Promise<void> {
  const values = rows.map((row) => COLUMNS.map(({ name }) => row[name]));
  await store.insertMany(tx, { table: "protected", columns: COLUMNS, conflict: CONFLICT }, values);
}
