import { type Selectable, sql, type Transaction } from "kysely";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

export type LookupWaitRow = Selectable<DB["lookup_waits"]>;
type Reader = Transaction<DB> | Store["db"];

const COLUMNS = [
  { name: "sync", type: "text" },
  { name: "object_id", type: "text" },
  { name: "attribute", type: "text" },
  { name: "lookup", type: "text" },
  { name: "key", type: "text" },
  { name: "value", type: "text" },
  { name: "name", type: "text" },
] as const;

/** What these records of a sync wait for from now on: everything else that they waited for is forgotten. */
export async function replaceLookupWaits(
  store: Store,
  tx: Transaction<DB>,
  of: { readonly sync: string; readonly ids: readonly string[]; readonly waits: readonly LookupWaitRow[] },
): Promise<void> {
  for (let at = 0; at < of.ids.length; at += 500) {
    await tx
      .deleteFrom("lookup_waits")
      .where("sync", "=", of.sync)
      .where("object_id", "in", of.ids.slice(at, at + 500))
      .execute();
  }
  const values = of.waits.map((row) => COLUMNS.map(({ name }) => row[name]));
  if (values.length > 0) await store.insertMany(tx, { table: "lookup_waits", columns: COLUMNS }, values);
}

/** What these records wait for. */
export async function loadLookupWaits(
  db: Reader,
  sync: string,
  ids: readonly string[],
): Promise<readonly LookupWaitRow[]> {
  const found: LookupWaitRow[] = [];
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await db
      .selectFrom("lookup_waits")
      .selectAll()
      .where("sync", "=", sync)
      .where("object_id", "in", ids.slice(at, at + 500))
      .execute();
    found.push(...rows);
  }
  return found;
}

/** A page of the values that somebody waits for, each once, in the spelling that comes first, with how many want it. */
export async function awaitedValues(
  db: Reader,
  sync: string,
  page: { readonly after: { readonly lookup: string; readonly key: string } | null; readonly limit: number },
): Promise<
  readonly { readonly lookup: string; readonly key: string; readonly value: string; readonly count: number }[]
> {
  const { after, limit } = page;
  const rows = await db
    .selectFrom("lookup_waits")
    .select(["lookup", "key", sql<string>`min(value)`.as("value"), sql<number>`count(distinct object_id)`.as("count")])
    .where("sync", "=", sync)
    .$if(after !== null, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple("lookup", "key"), ">", tuple(after?.lookup ?? "", after?.key ?? "")),
      ),
    )
    .groupBy(["lookup", "key"])
    .orderBy("lookup")
    .orderBy("key")
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}

/** A page of those who wait for a value, in the order of their ids. */
export async function waitingFor(
  db: Reader,
  of: { readonly sync: string; readonly lookup: string; readonly key: string },
  page: { readonly after: string; readonly limit: number },
): Promise<readonly { readonly objectId: string; readonly name: string }[]> {
  const rows = await db
    .selectFrom("lookup_waits")
    .select(["object_id", "name"])
    .distinct()
    .where("sync", "=", of.sync)
    .where("lookup", "=", of.lookup)
    .where("key", "=", of.key)
    .where("object_id", ">", page.after)
    .orderBy("object_id")
    .limit(page.limit)
    .execute();
  return rows.map((row) => ({ objectId: row.object_id, name: row.name }));
}
