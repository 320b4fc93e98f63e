import { AsyncLocalStorage } from "node:async_hooks";
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ConnectorError } from "@entrain/core";
import { Kysely, type Transaction } from "kysely";
import type pg from "pg";
import { type Clock, newId } from "../clock.ts";
import { faultCode, storeFailed, translateFault } from "./faults.ts";
import { confirmLease } from "./leases.ts";
import { migrate } from "./migrations.ts";
import * as postgres from "./postgres.ts";
import type { DB } from "./schema.ts";
import * as sqlite from "./sqlite.ts";
import type { Cell, InsertInto, Lease, Location, Stamp, Store } from "./store.ts";

export type { Location, Stamp, Store } from "./store.ts";

/** How a store is opened. */
export interface OpenOptions {
  readonly location: Location;
  readonly clock: Clock;
  /** What the caller works on; a store with the other stamp is refused. */
  readonly stamp: Stamp;
  /** Create folder, database and tables where there are none; otherwise a missing store is an error. */
  readonly create: boolean;
}

/**
 * Opens the store, creates it where asked, and brings its tables to the newest version. Several processes may do so at
 * once. @throws ConnectorError `store_failed` (cannot be opened or created, too new, PostgreSQL unreachable or too old),
 * `store_demo`, `store_real` (the other stamp).
 */
export async function openStore(options: OpenOptions): Promise<Store> {
  const { location } = options;
  return location.kind === "sqlite" ? openSqlite(location.folder, options) : openPostgres(location.url, options);
}

const FILE = "entrain.sqlite";

/** Sized for 300 MB resident at 100,000 people: cached pages count, mapped ones would as well. */
export const WRITER_PRAGMAS: readonly string[] = [
  "journal_mode = wal",
  "synchronous = full",
  "foreign_keys = on",
  "cache_size = -24000",
  "mmap_size = 0",
  "wal_autocheckpoint = 16000",
  "journal_size_limit = 67108864",
];
const READER_PRAGMAS: readonly string[] = [
  "query_only = on",
  "foreign_keys = on",
  "cache_size = -8000",
  "mmap_size = 0",
];

async function openSqlite(folder: string, options: OpenOptions): Promise<Store> {
  const { clock } = options;
  const path = prepareFile(folder, options.create);
  const turns = new sqlite.Turns(clock);
  const open: sqlite.SqliteFile[] = [];
  try {
    // From the first statement on the driver waits for other processes, without blocking this one.
    const writer = await sqlite.whenFree(() => new sqlite.SqliteFile(path, { blocks: false }), clock);
    open.push(writer);
    const db = new Kysely<DB>({ dialect: sqlite.sqliteDialect(writer, clock, turns) });
    await sqlite.whenFree(() => refuseForeignFile(writer, path, options), clock);
    for (const pragma of WRITER_PRAGMAS) await sqlite.whenFree(() => writer.raw.exec(`pragma ${pragma}`), clock);
    await sqlite.beginImmediate(writer.raw, clock);
    await prepare(db, "sqlite", options);
    writer.raw.exec("commit");
    const reader = new sqlite.SqliteFile(path, { blocks: true });
    open.push(reader);
    for (const pragma of READER_PRAGMAS) reader.raw.exec(`pragma ${pragma}`);
    const reads = new Kysely<DB>({ dialect: sqlite.sqliteDialect(reader, clock, turns) });
    const insert: Insert = async (tx, into, rows) => {
      if (!tx.isTransaction || !writer.raw.isTransaction) throw new TypeError("insertMany needs an open transaction");
      await sqlite.insertRows(writer, into, rows, turns);
    };
    return store({
      engine: "sqlite",
      clock,
      reads,
      writes: db,
      insert,
      settle: async () => {},
      ended: () => open.map((file) => file.close()),
    });
  } catch (error) {
    for (const file of open) file.close();
    throw describe(error, `The store ${path} could not be opened`);
  }
}

/** Makes the folder (0700) and the file (0600), where allowed to, before SQLite would with wider permissions. */
function prepareFile(folder: string, create: boolean): string {
  const path = join(folder, FILE);
  try {
    if (create) makeFolder(resolve(folder));
    // Unlike `existsSync`, it tells a folder that may not be looked into from one that is not there.
    const found = statSync(folder, { throwIfNoEntry: create });
    if (found?.isDirectory() === false) throw storeFailed(`The data folder ${folder} is a file.`);
    if (!create) {
      if (statSync(path, { throwIfNoEntry: false }) !== undefined) return path;
      throw storeFailed(`There is no store in ${folder}. Run \`entrain serve\` to create one, or set ENTRAIN_DATA.`);
    }
    if (existsSync(path)) return path;
    closeSync(openSync(path, "a", 0o600));
    chmodSync(path, 0o600);
    return path;
  } catch (error) {
    throw describe(error, `The data folder ${folder} cannot be used`);
  }
}

/** Not `recursive`: that one never returns where a folder cannot be made although its parent exists, as in /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (faultCode(error) !== "EEXIST") throw error; // Another process was faster.
  }
}

/** Looks before anything is changed: another program's database, or one of the other stamp, stays as it is. */
function refuseForeignFile(file: sqlite.SqliteFile, path: string, options: OpenOptions): void {
  const tables = file.raw.prepare("select name from sqlite_master where type = 'table'").all();
  if (tables.length === 0) return;
  if (!tables.some((row) => row.name === "meta") || !tables.some((row) => row.name === "kysely_migration"))
    throw storeFailed(`${path} is another program's database, not a store of Entrain.`);
  const stamp = file.raw.prepare("select value from meta where key = 'stamp'").get();
  if (stamp !== undefined) checkStamp(String(stamp.value), options.stamp);
}

const MIGRATION_LOCK = 5_044_031_582;

async function openPostgres(url: string, options: OpenOptions): Promise<Store> {
  const pools: pg.Pool[] = [];
  const pool = (use: postgres.PoolUse): pg.Pool => {
    const opened = postgres.openPool(url, use);
    pools.push(opened);
    return opened;
  };
  try {
    const migrating = pool("migrate");
    await preparePostgres(migrating, options);
    await migrating.end();
    const reads = new Kysely<DB>({ dialect: postgres.postgresDialect(pool("read")) });
    const writes = new Kysely<DB>({ dialect: postgres.postgresDialect(pool("write")) });
    const growth = new postgres.Growth();
    const insert: Insert = (tx, into, rows) => postgres.insertRows(tx, into, rows, growth);
    const settle = () => growth.settle(writes);
    return store({ engine: "postgres", clock: options.clock, reads, writes, insert, settle, ended: () => {} });
  } catch (error) {
    await Promise.all(pools.map((each) => (each.ended ? null : each.end())));
    throw describe(error, `The database ${withoutSecrets(url)} could not be opened`);
  }
}

async function preparePostgres(pool: pg.Pool, options: OpenOptions): Promise<void> {
  const client = await pool.connect();
  try {
    await postgres.checkServer(client);
    await client.query("select pg_advisory_lock($1)", [MIGRATION_LOCK]);
    const db = new Kysely<DB>({ dialect: postgres.postgresDialect(pool) });
    const found = await client.query<{ present: boolean }>("select to_regclass('meta') is not null as present");
    if (found.rows[0]?.present === true) {
      const stamp = await client.query<{ value: string }>("select value from meta where key = 'stamp'");
      if (stamp.rows[0] !== undefined) checkStamp(stamp.rows[0].value, options.stamp);
    } else if (!options.create) {
      throw storeFailed("There is no store in this database. Run `entrain serve` to create one.");
    }
    await prepare(db, "postgres", options);
  } finally {
    client.release(true); // Ends the session, and with it the lock.
  }
}

/** Under the engine's lock: tables, then the stamp, then the check that it is ours. */
async function prepare(db: Kysely<DB>, engine: Store["engine"], options: OpenOptions): Promise<void> {
  await migrate(db, engine);
  const found = await db.selectFrom("meta").select("value").where("key", "=", "stamp").executeTakeFirst();
  if (found !== undefined) return checkStamp(found.value, options.stamp);
  const { clock, stamp } = options;
  const facts = { stamp, id: newId(clock, "store"), created_at: String(clock.now()) };
  const rows = Object.entries(facts).map(([key, value]) => ({ key, value }));
  await db.insertInto("meta").values(rows).execute();
}

function checkStamp(found: string, wanted: Stamp): void {
  if (found === wanted) return;
  if (found === "demo") throw refused("store_demo", "This store belongs to the demo.");
  throw refused("store_real", "This store belongs to a real installation.");
}

function refused(code: "store_demo" | "store_real", message: string): ConnectorError {
  return new ConnectorError(code, message, { stops: "run", retry: "never" });
}

type Insert = (tx: Transaction<DB>, into: InsertInto, rows: Iterable<readonly Cell[]>) => Promise<void>;

interface Engine {
  readonly engine: Store["engine"];
  readonly clock: Clock;
  readonly reads: Kysely<DB>;
  readonly writes: Kysely<DB>;
  readonly insert: Insert;
  /** After a transaction: what the engine needs in order to stay fast. */
  readonly settle: () => Promise<void>;
  readonly ended: () => void;
}

const ATTEMPTS_MAX = 5;

function store(engine: Engine): Store {
  const { clock, writes } = engine;
  const open = new AsyncLocalStorage<{ running: boolean }>();

  async function transaction<T>(
    work: (tx: Transaction<DB>) => Promise<T>,
    options: { readonly repeatable?: boolean } = {},
  ): Promise<T> {
    // It would wait for itself on SQLite, and commit apart from the outer one on PostgreSQL.
    if (open.getStore()?.running === true) throw new TypeError("a transaction was begun inside another one");
    for (let attempt = 1; ; attempt += 1) {
      const mark = { running: true };
      try {
        const result = await open.run(mark, () => writes.transaction().execute(work));
        await engine.settle().catch(() => {}); // The work is done; statistics may wait for the next time.
        return result;
      } catch (error) {
        const code = faultCode(error);
        const collided = code === "40001" || code === "40P01";
        if (!collided) throw translateFault(error);
        if (options.repeatable !== true || attempt === ATTEMPTS_MAX)
          throw storeFailed("The database aborted a transaction because it collided with another one.", error);
      } finally {
        mark.running = false;
      }
      await clock.sleep(clock.random() * 20 * 2 ** attempt, new AbortController().signal);
    }
  }

  return {
    engine: engine.engine,
    clock,
    db: engine.reads,
    transaction,
    fenced: (lease: Lease, work, options) =>
      transaction(async (tx) => {
        await confirmLease(tx, { engine: engine.engine, clock }, lease);
        return work(tx);
      }, options),
    insertMany: engine.insert,
    close: async () => {
      await Promise.all([engine.reads.destroy(), writes.destroy()]);
      engine.ended();
    },
  };
}

/** Node's sentences for the file system's errors ("Common system errors") are about calls, not about what to do. */
const FILE_FAULTS: { readonly [code: string]: string } = {
  EACCES: "permission is denied",
  EPERM: "permission is denied",
  ENOTDIR: "a part of its path is a file, not a folder",
  EEXIST: "it is a file, not a folder",
  ENOENT: "it cannot be created there",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EISDIR: "a folder stands where the file should be",
  EMFILE: "too many files are open",
};

function describe(error: unknown, what: string): unknown {
  const translated = translateFault(error);
  if (translated instanceof ConnectorError) {
    const own = translated.code !== "store_failed" || translated.cause === undefined;
    return own ? translated : storeFailed(`${what}. ${translated.message}`, translated.cause);
  }
  const known = FILE_FAULTS[faultCode(error) ?? ""];
  return known === undefined
    ? error
    : storeFailed(`${what}: ${known}. Set ENTRAIN_DATA to a folder that this user may write to.`, error);
}

function withoutSecrets(url: string): string {
  if (!URL.canParse(url)) return "named by the database URL";
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
