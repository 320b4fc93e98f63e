import { DatabaseSync, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type DatabaseConnection,
  type Dialect,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type SqliteStatement,
} from "kysely";
import type { Clock } from "../clock.ts";
import { checkRow, guarded, refuseNul, sqliteCode, translateFault } from "./faults.ts";
import type { Cell, InsertInto } from "./store.ts";

/** How long another process's transaction is waited for. */
const BUSY_WAIT_MS = 10_000;
/** How long this process works without giving its other work a turn. */
const TURN_MS = 10;
const STATEMENTS_MAX = 200;

/** One connection to a database file: what Kysely's driver needs of it, with a bounded cache of prepared statements. */
export class SqliteFile implements SqliteDatabase {
  readonly raw: DatabaseSync;
  readonly #statements = new Map<string, CachedStatement>();

  /** `blocks`: whether a statement that another process is in the way of waits itself, and with it this process. */
  constructor(path: string, { blocks }: { readonly blocks: boolean }) {
    this.raw = new DatabaseSync(path, { timeout: blocks ? BUSY_WAIT_MS : 0 });
  }

  prepare(sql: string): CachedStatement {
    const known = this.#statements.get(sql);
    const statement = known ?? new CachedStatement(this.raw, sql);
    if (known !== undefined) this.#statements.delete(sql); // Moves it to the end: the first one is the oldest.
    this.#statements.set(sql, statement);
    if (this.#statements.size > STATEMENTS_MAX) {
      for (const oldest of this.#statements.keys()) {
        this.#statements.delete(oldest);
        break;
      }
    }
    return statement;
  }

  close(): void {
    this.#statements.clear();
    if (this.raw.isOpen) this.raw.close();
  }
}

type Row = Record<string, SQLOutputValue>;

class CachedStatement implements SqliteStatement {
  readonly reader: boolean;
  readonly raw: StatementSync;
  readonly #names: readonly string[];
  readonly #blank: Row;
  readonly #again: () => StatementSync;

  constructor(database: DatabaseSync, sql: string) {
    this.raw = database.prepare(sql);
    this.#names = this.raw.columns().map(({ name }) => name);
    this.#blank = Object.fromEntries(this.#names.map((name) => [name, null]));
    this.reader = this.#names.length > 0;
    if (this.reader) this.raw.setReturnArrays(true);
    this.#again = () => database.prepare(sql);
  }

  /**
   * node:sqlite's rows have no prototype and PostgreSQL's have one; the two must compare equal. Filling a copy of a blank
   * row from the bare values takes a third of the time of copying such rows.
   */
  all(parameters: readonly unknown[]): unknown[] {
    const names = this.#names;
    const rows = this.raw.all(...bindable(parameters)) as unknown as readonly (readonly SQLOutputValue[])[];
    return rows.map((values) => {
      const row = { ...this.#blank };
      for (let at = 0; at < names.length; at += 1) row[names[at] ?? ""] = values[at] ?? null;
      return row;
    });
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return this.raw.run(...bindable(parameters));
  }

  *iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    // A statement of its own: running the cached one again in the meantime would end the iteration.
    for (const row of this.#again().iterate(...bindable(parameters))) yield { ...row };
  }
}

function bindable(parameters: readonly unknown[]): Cell[] {
  refuseNul(parameters);
  // What cannot be bound (undefined, true, an object) is refused by node:sqlite itself with the parameter's number.
  return parameters as Cell[];
}

/** Gives timers, requests and other transactions a turn: `node:sqlite` is synchronous, so nothing else would. */
export class Turns {
  readonly #clock: Clock;
  #last: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#last = clock.monotonic();
  }

  async give(): Promise<void> {
    if (this.#clock.monotonic() - this.#last < TURN_MS) return;
    await nextTurn();
    this.#last = this.#clock.monotonic();
  }
}

class FileDriver extends SqliteDriver {
  readonly #file: SqliteFile;
  readonly #clock: Clock;
  readonly #turns: Turns;
  #connection: DatabaseConnection | null = null;

  constructor(file: SqliteFile, clock: Clock, turns: Turns) {
    super({ database: file });
    this.#file = file;
    this.#clock = clock;
    this.#turns = turns;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    await this.#turns.give();
    this.#connection ??= guarded(await super.acquireConnection());
    return this.#connection;
  }

  override async beginTransaction(): Promise<void> {
    await beginImmediate(this.#file.raw, this.#clock);
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // A full disk and the like end the transaction by themselves (SQLite, "Response To Errors Within A Transaction").
    if (this.#file.raw.isTransaction) await super.rollbackTransaction(connection);
  }
}

/** Kysely's SQLite dialect on one connection to a file; its transactions begin immediate. */
export function sqliteDialect(file: SqliteFile, clock: Clock, turns: Turns): Dialect {
  return {
    createDriver: () => new FileDriver(file, clock, turns),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

/** Takes the write lock. @throws ConnectorError `store_failed` when another process holds it for ten seconds. */
export async function beginImmediate(raw: DatabaseSync, clock: Clock): Promise<void> {
  await whenFree(() => raw.exec("begin immediate"), clock);
}

/** Does what another process may be in the way of, again and again without blocking this process, for ten seconds. */
export async function whenFree<T>(action: () => T, clock: Clock): Promise<T> {
  const deadline = clock.monotonic() + BUSY_WAIT_MS;
  const never = new AbortController().signal;
  for (;;) {
    try {
      return action();
    } catch (error) {
      if (sqliteCode(error) !== 5 || clock.monotonic() >= deadline) throw translateFault(error);
    }
    await clock.sleep(2 + clock.random() * 18, never);
  }
}

/** {@link Store.insertMany} on SQLite: one prepared statement, run row by row. */
export async function insertRows(
  file: SqliteFile,
  into: InsertInto,
  rows: Iterable<readonly Cell[]>,
  turns: Turns,
): Promise<void> {
  const columns = into.columns.map((column) => `"${column.name}"`);
  const marks = columns.map(() => "?");
  const head = `insert into "${into.table}" (${columns.join(", ")}) values (${marks.join(", ")})`;
  const statement = file.prepare(`${head} ${into.conflict ?? ""}`).raw;
  let count = 0;
  for (const row of rows) {
    checkRow(into, row);
    try {
      statement.run(...row);
    } catch (error) {
      throw translateFault(error);
    }
    count += 1;
    if (count % 256 === 0) await turns.give();
  }
}
