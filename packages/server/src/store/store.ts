import type { Kysely, Transaction } from "kysely";
import type { Clock } from "../clock.ts";
import type { DB } from "./schema.ts";

/** Whom a store belongs to: the demo, or a real installation. Decided when it is created, never changed. */
export type Stamp = "demo" | "real";

/** Where a store lives: a folder with an embedded SQLite database, or a PostgreSQL database by its connection URL. */
export type Location =
  | { readonly kind: "sqlite"; readonly folder: string }
  | { readonly kind: "postgres"; readonly url: string };

/** The process that holds a lease. `system` tells machines (and containers on one machine) apart that share a host name. */
export interface Owner {
  readonly host: string;
  readonly system: string;
  readonly pid: number;
  /** When the process started, in clock ticks since boot, where the system tells; tells a reused pid apart. */
  readonly started: string | null;
  readonly nonce: string;
}

/** The right to do one named piece of work, for `ttlMs` from its last extension. `fence` grows with every owner. */
export interface Lease {
  readonly name: string;
  readonly owner: Owner;
  readonly fence: number;
  readonly ttlMs: number;
  /** Told, at each transaction under the lease, that somebody asks its owner to stop. */
  readonly onStop?: (request: StopRequest) => void;
}

/** Who asks the owner of a lease to stop its work, and why: somebody wants it, or a blackout began. */
export interface StopRequest {
  readonly actor: { readonly kind: "operator" | "command" | "schedule" | "system"; readonly id: string };
  readonly cause: "asked" | "blackout";
}

/** A value of a row as {@link Store.insertMany} takes it; numbers must be whole. */
export type Cell = string | number | null;

/** A table and its columns in the order of the rows' values. */
export interface InsertInto {
  readonly table: keyof DB;
  readonly columns: readonly { readonly name: string; readonly type: "text" | "int8" }[];
  /**
   * Portable SQL that follows the rows: `on conflict (a, b) do nothing`, `on conflict (a, b) do update set …` with plain
   * column names in the parentheses. The proposed row is `excluded`, the existing one bears the table's name.
   */
  readonly conflict?: string;
}

/** One store, the same on both engines. Text compares by code point everywhere. */
export interface Store {
  readonly engine: "sqlite" | "postgres";
  readonly clock: Clock;
  /**
   * Reads outside transactions; it refuses to write. A connection of its own, so that a long write never delays a page
   * of the console: it sees what was committed, never what an open transaction has done.
   */
  readonly db: Kysely<DB>;
  /**
   * One write transaction; transactions of one SQLite store queue, other processes are waited for up to ten seconds.
   * On PostgreSQL it is read committed, and a deadlock or serialization failure is tried again, up to four times, only
   * when `work` is `repeatable`: it has no effect outside the transaction. Must not be called inside another one.
   * @throws ConnectorError `store_failed` when the engine cannot (disk full, locked, connection lost).
   */
  transaction<T>(work: (tx: Transaction<DB>) => Promise<T>, options?: { readonly repeatable?: boolean }): Promise<T>;
  /**
   * The same under a lease: its fencing number is checked, and its expiry extended, inside the transaction.
   * @throws ConnectorError `lease_lost` when another owner took the lease or it was released; nothing is written then.
   */
  fenced<T>(
    lease: Lease,
    work: (tx: Transaction<DB>) => Promise<T>,
    options?: { readonly repeatable?: boolean },
  ): Promise<T>;
  /**
   * Inserts many rows as fast as the engine can, in their order: a later row meets the rows before it. Other work of
   * this process gets its turn in between. @throws ConnectorError `store_failed` for a text that contains U+0000.
   */
  insertMany(tx: Transaction<DB>, into: InsertInto, rows: Iterable<readonly Cell[]>): Promise<void>;
  close(): Promise<void>;
}
