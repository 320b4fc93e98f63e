import { DatabaseSync, type StatementSync } from "node:sqlite";

/** A row of a scratch database; what a column holds is its reader's to know. */
export type ScratchRow = { readonly [column: string]: unknown };
type Cell = string | number | null;

/**
 * A database for work in between, beside the store whichever engine that lives in: in memory while there is room, in an
 * unnamed file of SQLite's own beyond that, and gone when it is closed ("Temporary Databases" of the SQLite documentation). It is
 * made when it is first used. Statements are prepared once each, so their number must be bounded: a list of values is given as one
 * cell of JSON, for `in (select value from json_each(?))`.
 */
export class Scratch {
  readonly #schema: string;
  readonly #statements = new Map<string, StatementSync>();
  #database: DatabaseSync | null = null;

  constructor(schema: string) {
    this.#schema = schema;
  }

  close(): void {
    this.#statements.clear();
    this.#database?.close();
    this.#database = null;
  }

  run(sql: string, ...cells: readonly Cell[]): void {
    this.#prepared(sql).run(...cells);
  }

  all(sql: string, ...cells: readonly Cell[]): readonly ScratchRow[] {
    return this.#prepared(sql).all(...cells);
  }

  /** The first row; undefined when there is none. */
  first(sql: string, ...cells: readonly Cell[]): ScratchRow | undefined {
    return this.#prepared(sql).get(...cells);
  }

  /** Many writes in one transaction. */
  together(work: () => void): void {
    this.#open().exec("begin");
    work();
    this.#open().exec("commit");
  }

  #open(): DatabaseSync {
    if (this.#database === null) {
      this.#database = new DatabaseSync("");
      this.#database.exec("pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -16384");
      this.#database.exec(this.#schema);
    }
    return this.#database;
  }

  #prepared(sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? this.#open().prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
