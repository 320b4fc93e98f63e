import { DatabaseSync } from "node:sqlite";

/**
 * A database for work in between, beside the store whichever engine that lives in: in memory while there is room, in an
 * unnamed file of SQLite's own beyond that, and gone when it is closed ("Temporary Databases" of the SQLite documentation).
 */
export function openScratch(): DatabaseSync {
  const database = new DatabaseSync("");
  database.exec("pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -16384");
  return database;
}
