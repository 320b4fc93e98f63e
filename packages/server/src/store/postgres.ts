import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Kysely,
  PostgresAdapter,
  PostgresDriver,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
  type Transaction,
} from "kysely";
import pg from "pg";
import { checkRow, guarded, storeFailed, translateFault } from "./faults.ts";
import type { DB } from "./schema.ts";
import type { Cell, InsertInto } from "./store.ts";

const CONNECT_MS = 10_000;
const STATEMENT_MS = 120_000;
const IDLE_IN_TRANSACTION_MS = 300_000;
const ROWS_PER_STATEMENT = 5_000;
const OLDEST = 150_000;

/** What a pool is for: `read` cannot write, `write` is for transactions, `migrate` may wait as long as it takes. */
export type PoolUse = "read" | "write" | "migrate";

const POOL_SIZE: { readonly [use in PoolUse]: number } = { read: 4, write: 6, migrate: 3 };

/** A bounded pool whose whole numbers are read as `number`. @throws ConnectorError when the URL cannot be understood. */
export function openPool(url: string, use: PoolUse): pg.Pool {
  // node-postgres quotes a malformed URL, password and all, in its error.
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url))
    throw storeFailed("The database URL is not of the form postgresql://user:password@host:port/database.");
  const pool = new pg.Pool({
    connectionString: url,
    max: POOL_SIZE[use],
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: use === "migrate" ? 0 : STATEMENT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    application_name: "entrain",
    keepAlive: true,
    types: { getTypeParser: parserOf },
    ...(use === "read" && { onConnect: readOnly }),
  });
  // A lost idle connection is no event of its own: whoever needs one next hears of it.
  pool.on("error", () => {});
  return pool;
}

/** The pool waits for it before it hands the connection out. */
async function readOnly(client: pg.ClientBase): Promise<void> {
  await client.query("set default_transaction_read_only = on");
}

const INT8 = 20;
const NUMERIC = 1700; // What sum() makes of int8.

function parserOf(oid: number, format?: "text" | "binary"): (text: string) => unknown {
  if (oid === INT8 || oid === NUMERIC) return wholeNumber;
  return pg.types.getTypeParser(oid, format);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw new RangeError(`the number ${text} is too large to be exact`);
  return value;
}

class PoolDriver extends PostgresDriver {
  readonly #guarded = new WeakSet<DatabaseConnection>();

  override async acquireConnection(): Promise<DatabaseConnection> {
    let connection: DatabaseConnection;
    try {
      connection = await super.acquireConnection();
    } catch (error) {
      throw translateFault(error);
    }
    if (this.#guarded.has(connection)) return connection;
    this.#guarded.add(connection);
    return guarded(connection);
  }
}

/** Kysely's PostgreSQL dialect with the store's errors. */
export function postgresDialect(pool: pg.Pool): Dialect {
  return {
    createDriver: () => new PoolDriver({ pool }),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  };
}

/** Refuses a server that is too old or does not keep text as Unicode. */
export async function checkServer(client: pg.ClientBase): Promise<void> {
  const answer = await client.query<{ version: string; encoding: string }>(
    "select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding",
  );
  const row = answer.rows[0];
  if (row === undefined || Number(row.version) < OLDEST) {
    const found = row === undefined ? "unknown" : String(Math.floor(Number(row.version) / 10_000));
    throw storeFailed(`PostgreSQL ${found} is too old: version 15 or newer is needed.`);
  }
  if (row.encoding !== "UTF8")
    throw storeFailed(`The PostgreSQL database keeps text as ${row.encoding}; create it with ENCODING 'UTF8'.`);
}

const ANALYZE_FIRST = 5_000;

/**
 * Counts what is inserted, so that a table that doubled gets fresh statistics at once. Autovacuum takes a minute, in
 * which PostgreSQL would sort the whole table for every page of a first run ("24.1.3 Updating Planner Statistics").
 */
export class Growth {
  readonly #tables = new Map<string, { rows: number; limit: number }>();

  note(table: string, rows: number): void {
    const known = this.#tables.get(table) ?? { rows: 0, limit: ANALYZE_FIRST };
    this.#tables.set(table, { ...known, rows: known.rows + rows });
  }

  /** Analyzes what has doubled; outside of any transaction, so that its locks are nobody's. */
  async settle(db: Kysely<DB>): Promise<void> {
    for (const [table, { rows, limit }] of this.#tables) {
      if (rows < limit) continue;
      this.#tables.set(table, { rows, limit: rows * 2 });
      await sql`analyze ${sql.table(table)}`.execute(db);
    }
  }
}

/** {@link Store.insertMany} on PostgreSQL: arrays of each column, unnested side by side. */
export async function insertRows(
  tx: Transaction<DB>,
  into: InsertInto,
  rows: Iterable<readonly Cell[]>,
  growth: Growth,
): Promise<void> {
  const columns = into.columns.map((column) => `"${column.name}"`).join(", ");
  const arrays = into.columns.map((column, i) => `$${i + 1}::${column.type}[]`).join(", ");
  const statement = `insert into "${into.table}" (${columns}) select * from unnest(${arrays}) ${into.conflict ?? ""}`;
  const keyOf = updatedKey(into);
  let values: Cell[][] = into.columns.map(() => []);
  let keys = new Set<string>();
  let count = 0;
  const send = async (): Promise<void> => {
    if (count > 0) await tx.executeQuery(CompiledQuery.raw(statement, values));
    growth.note(into.table, count);
    values = into.columns.map(() => []);
    keys = new Set();
    count = 0;
  };
  for (const row of rows) {
    checkRow(into, row);
    const key = keyOf?.(row);
    if (count === ROWS_PER_STATEMENT || (key !== undefined && keys.has(key))) await send();
    if (key !== undefined) keys.add(key);
    for (let i = 0; i < row.length; i += 1) values[i]?.push(row[i] ?? null);
    count += 1;
  }
  await send();
}

/**
 * The key of a row that `on conflict … do update` compares. One statement cannot update a row twice ("ON CONFLICT DO
 * UPDATE command cannot affect row a second time"), so a repeated key begins a new statement.
 */
function updatedKey(into: InsertInto): ((row: readonly Cell[]) => string) | null {
  if (into.conflict === undefined || !/\bdo\s+update\b/i.test(into.conflict)) return null;
  const named = /^\s*on\s+conflict\s*\(([^()]*)\)/i.exec(into.conflict)?.[1];
  const names = named?.split(",").map((name) => name.trim().replaceAll('"', "")) ?? [];
  const places = names.map((name) => into.columns.findIndex((column) => column.name === name));
  if (places.length === 0 || places.includes(-1))
    throw new TypeError(`"${into.conflict}" must name columns of the rows: on conflict (a, b) do update …`);
  return (row) => JSON.stringify(places.map((place) => row[place]));
}
