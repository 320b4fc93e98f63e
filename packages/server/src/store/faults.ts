import { ConnectorError } from "@entrain/core";
import type { AbortableOperationOptions, CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import type { Cell, InsertInto } from "./store.ts";

/** A fault of the store that stops the run; the message must be one plain sentence without secrets. */
export function storeFailed(message: string, cause?: unknown): ConnectorError {
  return new ConnectorError("store_failed", message, { stops: "run", retry: "later", cause });
}

/**
 * Text that both engines can hold. PostgreSQL has no U+0000, SQLite's functions end at it, so neither is given one.
 * @throws ConnectorError `store_failed`
 */
export function refuseNul(values: readonly unknown[]): void {
  for (const value of values) if (typeof value === "string") refuseNulIn(value);
}

function refuseNulIn(text: string): void {
  if (text.includes("\0"))
    throw storeFailed(`A text contains the character U+0000, which cannot be stored: ${excerpt(text)}`);
}

/** Refuses what one engine would take and the other not: U+0000, fractions, a row of another width. */
export function checkRow(into: InsertInto, row: readonly Cell[]): void {
  if (row.length !== into.columns.length)
    throw new RangeError(`a row for ${into.table} has ${row.length} values instead of ${into.columns.length}`);
  for (let i = 0; i < row.length; i += 1) {
    const value = row[i];
    if (typeof value === "string") refuseNulIn(value);
    else if (typeof value === "number" && !Number.isSafeInteger(value))
      throw new RangeError(`${into.table}.${into.columns[i]?.name} takes whole numbers, not ${value}`);
  }
}

/** SQLite's result codes (sqlite.org/rescode.html), by primary code, that are the installation's fault and not ours. */
const SQLITE_FAULTS: { readonly [code: number]: string } = {
  5: "The database is in use by another process and did not become free in time.",
  8: "The database cannot be written: it, or its folder, is read-only.",
  10: "The disk failed to read or write the database.",
  11: "The database file is damaged. Restore it from a backup.",
  13: "The disk is full, so the database could not be written.",
  14: "The database file could not be opened. Check that its folder exists and may be written.",
  26: "The file is not a database. Restore it from a backup, or move it away to begin anew.",
};

/** The same for PostgreSQL ("Appendix A. PostgreSQL Error Codes"), by SQLSTATE or its class. */
const POSTGRES_FAULTS: { readonly [state: string]: string } = {
  "08": "The connection to PostgreSQL was lost. Check that it runs, then try again.",
  "28": "PostgreSQL refused the sign-in. Check the user, the password and pg_hba.conf.",
  "3D000": "PostgreSQL has no database of that name. Create it first.",
  "42501": "The PostgreSQL user lacks a right on this database.",
  "53100": "The disk of PostgreSQL is full.",
  "53300": "PostgreSQL has no free connection. Raise max_connections, or close other programs.",
  "53": "PostgreSQL ran out of a resource.",
  "55P03": "The database is locked by another process and did not become free in time.",
  "57014": "PostgreSQL cancelled a statement that took too long.",
  "57P": "PostgreSQL is shutting down or starting up.",
  "25006": "The database is read-only.",
};

/** What the network says when no PostgreSQL answers (Node.js "Common system errors", node-postgres' pool). */
const LOOK_THERE = "Check that it runs, and the host and port in ENTRAIN_DATABASE_URL.";
const NETWORK_FAULTS: { readonly [code: string]: string } = {
  ECONNREFUSED: `PostgreSQL could not be reached: the connection was refused. ${LOOK_THERE}`,
  ENOTFOUND: `PostgreSQL could not be reached: its host name is not known. ${LOOK_THERE}`,
  EAI_AGAIN: `PostgreSQL could not be reached: its host name could not be looked up. ${LOOK_THERE}`,
  ETIMEDOUT: `PostgreSQL could not be reached in time. ${LOOK_THERE}`,
  ECONNRESET: "The connection to PostgreSQL was lost. Check that it runs, then try again.",
  EPIPE: "The connection to PostgreSQL was lost. Check that it runs, then try again.",
  EHOSTUNREACH: `PostgreSQL could not be reached: there is no route to its host. ${LOOK_THERE}`,
  ENETUNREACH: `PostgreSQL could not be reached: there is no route to its network. ${LOOK_THERE}`,
  EACCES: `PostgreSQL could not be reached: the connection is not permitted. ${LOOK_THERE}`,
  ENOENT: `PostgreSQL could not be reached: its socket does not exist. ${LOOK_THERE}`,
};

/** What node-postgres throws without a code. */
const POSTGRES_MESSAGES: readonly (readonly [RegExp, string])[] = [
  [
    /^Connection terminated due to connection timeout|^timeout expired|^timeout exceeded/,
    `PostgreSQL could not be reached in time. ${LOOK_THERE}`,
  ],
  [
    /^Connection terminated|^Client has encountered a connection error/,
    "The connection to PostgreSQL was lost. Check that it runs, then try again.",
  ],
  [/^The server does not support SSL/, "PostgreSQL does not offer TLS, which the database URL asks for."],
  [/password must be a string|no password supplied/i, "PostgreSQL asks for a password and the database URL has none."],
];

/** Turns what an engine throws into a sentence for an operator; whatever is not the installation's fault is left as it is. */
export function translateFault(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof ConnectorError) return error;
  const sentence = sqliteFault(error) ?? postgresFault(error);
  return sentence === null ? error : storeFailed(sentence, error);
}

/**
 * Makes an engine's own errors readable wherever a statement is run on this connection, and refuses U+0000 alike.
 * Kysely's logging wraps connections the same way.
 */
export function guarded(connection: DatabaseConnection): DatabaseConnection {
  const execute = connection.executeQuery;
  connection.executeQuery = async <R>(query: CompiledQuery, options?: AbortableOperationOptions) => {
    try {
      refuseNul(query.parameters);
      return (await execute.call(connection, query, options)) as QueryResult<R>;
    } catch (error) {
      throw translateFault(error);
    }
  };
  return connection;
}

/** SQLite's primary result code of an error, or null for everything else. */
export function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return null;
  return error.errcode & 0xff;
}

/** PostgreSQL's SQLSTATE, or the operating system's error name, or null. */
export function faultCode(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

function sqliteFault(error: Error): string | null {
  const code = sqliteCode(error);
  return code === null ? null : (SQLITE_FAULTS[code === 6 ? 5 : code] ?? null);
}

function postgresFault(error: Error): string | null {
  const code = faultCode(error);
  if (code !== null) {
    const network = isOfFiles(error) ? undefined : NETWORK_FAULTS[code];
    const known = network ?? POSTGRES_FAULTS[code] ?? POSTGRES_FAULTS[code.slice(0, 3)];
    return known ?? POSTGRES_FAULTS[code.slice(0, 2)] ?? (code === "22021" ? NUL_SENTENCE : null);
  }
  for (const [pattern, sentence] of POSTGRES_MESSAGES) if (pattern.test(error.message)) return sentence;
  return null;
}

/** The file system's errors share their names with the network's; a refused connection to several addresses names no call. */
function isOfFiles(error: Error): boolean {
  return "syscall" in error && !["connect", "getaddrinfo", "read", "write"].includes(String(error.syscall));
}

const NUL_SENTENCE = "A text contains a character that cannot be stored.";

function excerpt(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
