import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { type Code, ConnectorError } from "@entrain/core";
import { CsvError, CsvReader, csvLine } from "./format.ts";

/** One line of a table, its cells in the order of the columns, as they stand in the file. */
export type Row = readonly string[];

/** Which file, and what makes it ours. */
export interface TableSpec {
  readonly file: string;
  readonly delimiter: string;
  /** Columns without which the file is not one that we wrote. */
  readonly required: readonly string[];
  /** Columns that a rewritten file has; those that it has beside them are kept. */
  readonly wanted: readonly string[];
}

/** A file as it was found: reading it again gives the same rows, or a fault. */
export interface Table {
  /** The columns found, then those wanted that were not found: what rows are padded to. */
  readonly columns: readonly string[];
  /** Yields the rows in pieces as large as what is read at once. Memory does not grow with the file. */
  rows(signal: AbortSignal): AsyncIterable<readonly Row[]>;
  /** True while the file is the one that was found. */
  isUnchanged(): Promise<boolean>;
  /** The rights of the file found, for the one that takes its place. */
  readonly mode: number;
}

/** People's data: for the owner alone, until the owner says otherwise. */
const FIRST_MODE = 0o600;
const READ_BYTES = 256 * 1024;
const WRITE_CHARACTERS = 256 * 1024;

/**
 * Opens a table; a file that does not exist yet is an empty one.
 * @throws ConnectorError `file_invalid` for a file that is not ours or damaged, `file_failed` where it cannot be read.
 */
export async function openTable(spec: TableSpec): Promise<Table> {
  const stamp = await stampOf(spec.file);
  const header = stamp === null ? [] : await readHeader(spec);
  const columns = [...header, ...spec.wanted.filter((name) => !header.includes(name))];
  const empty = columns.slice(header.length).map(() => "");
  return {
    columns,
    mode: stamp?.mode ?? FIRST_MODE,
    isUnchanged: async () => isSame(stamp, await stampOf(spec.file)),
    async *rows(signal) {
      if (stamp === null) return;
      let first = true;
      for await (const rows of readRows(spec, signal)) {
        const body = first ? rows.slice(1) : rows;
        if (first && !isSameList(rows[0] ?? [], header)) throw changed(spec);
        first = false;
        if (body.some((row) => row.length !== header.length)) {
          throw damaged(spec, `a line has more or fewer than ${header.length} fields`);
        }
        yield empty.length === 0 ? body : body.map((row) => [...row, ...empty]);
      }
    },
  };
}

/**
 * Replaces a table's file by these rows, all or nothing: a new file beside it, synchronised, renamed over it, and the
 * folder synchronised. `rows` may read the old file meanwhile.
 * @throws ConnectorError `conflict` when the file was changed since it was opened; then nothing was written.
 */
export async function replaceTable(
  spec: TableSpec,
  table: Table,
  rows: AsyncIterable<readonly Row[]>,
  signal: AbortSignal,
): Promise<void> {
  // The folder has one writer at a time, so a successor that stands there is what one that died left behind.
  const temporary = `${spec.file}.tmp`;
  try {
    await rm(temporary, { force: true });
    const handle = await open(temporary, "wx", FIRST_MODE);
    try {
      await handle.chmod(table.mode);
      await writeRows(handle, spec, table.columns, rows);
      await handle.sync();
    } finally {
      await handle.close();
    }
    signal.throwIfAborted();
    if (!(await table.isUnchanged())) throw changed(spec);
    await rename(temporary, spec.file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw signal.aborted ? signal.reason : asFault(spec, error, "written");
  }
  await syncFolder(dirname(spec.file));
}

async function writeRows(
  handle: FileHandle,
  { delimiter }: TableSpec,
  columns: readonly string[],
  rows: AsyncIterable<readonly Row[]>,
): Promise<void> {
  let text = csvLine(columns, delimiter);
  for await (const piece of rows) {
    for (const row of piece) {
      text += csvLine(row, delimiter);
      if (text.length < WRITE_CHARACTERS) continue;
      await handle.writeFile(text);
      text = "";
    }
  }
  await handle.writeFile(text);
}

/** A rename is only lasting with its folder. Some file systems have no such thing, and then nothing is owed. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

async function readHeader(spec: TableSpec): Promise<Row> {
  for await (const [header] of readRows(spec, new AbortController().signal)) {
    if (header === undefined) continue;
    const missing = spec.required.filter((name) => !header.includes(name));
    if (missing.length > 0) throw damaged(spec, `its first line has no column ${missing.join(", ")}`);
    if (new Set(header).size !== header.length) throw damaged(spec, "its first line has a column twice");
    return header;
  }
  throw damaged(spec, "it is empty");
}

/** Yields the file's lines in pieces, the header first. A byte order mark, which Excel writes, is left out. */
async function* readRows(spec: TableSpec, signal: AbortSignal): AsyncIterable<readonly Row[]> {
  const reader = new CsvReader(spec.delimiter);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let handle: FileHandle | null = null;
  try {
    handle = await open(spec.file, "r");
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, READ_BYTES);
      const text = decoder.decode(buffer.subarray(0, bytesRead), { stream: bytesRead > 0 });
      const rows = reader.push(text);
      if (rows.length > 0) yield rows;
      if (bytesRead === 0) break;
    }
    const last = reader.end();
    if (last.length > 0) yield last;
  } catch (error) {
    throw signal.aborted ? signal.reason : asFault(spec, error, "read");
  } finally {
    await handle?.close();
  }
}

interface Stamp {
  readonly inode: bigint;
  readonly size: bigint;
  readonly modifiedNs: bigint;
  readonly mode: number;
}

async function stampOf(file: string): Promise<Stamp | null> {
  try {
    const { ino, size, mtimeNs, mode } = await stat(file, { bigint: true });
    return { inode: ino, size, modifiedNs: mtimeNs, mode: Number(mode & 0o777n) };
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw unreadable(file, error);
    // In a folder that is there the file is yet to be written; without the folder nobody knows what it holds.
    await stat(dirname(file)).catch((missing) => {
      throw unreadable(dirname(file), missing);
    });
    return null;
  }
}

function unreadable(path: string, error: unknown): ConnectorError {
  return fault("file_failed", `${basename(path)} could not be read (${codeOf(error)}).`, error);
}

function isSame(a: Stamp | null, b: Stamp | null): boolean {
  return a?.inode === b?.inode && a?.size === b?.size && a?.modifiedNs === b?.modifiedNs;
}

function isSameList(a: Row, b: Row): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}

function asFault({ file }: TableSpec, error: unknown, doing: "read" | "written"): unknown {
  if (error instanceof ConnectorError) return error;
  if (error instanceof CsvError) return fault("file_invalid", `${basename(file)} is damaged: ${error.message}.`, error);
  const code = codeOf(error);
  if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") {
    return fault("file_invalid", `${basename(file)} is damaged: it is not UTF-8.`, error);
  }
  return code === "" ? error : fault("file_failed", `${basename(file)} could not be ${doing} (${code}).`, error);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** A file with a content that we did not write. */
export function damaged({ file }: TableSpec, problem: string): ConnectorError {
  return fault("file_invalid", `${basename(file)} is not a file of this target: ${problem}.`, null);
}

function changed({ file }: TableSpec): ConnectorError {
  const message = `${basename(file)} was changed by someone else in the meantime; nothing was written.`;
  return new ConnectorError("conflict", message, { stops: "run", retry: "now" });
}

function fault(code: Code, message: string, cause: unknown): ConnectorError {
  return new ConnectorError(code, message, { stops: "sync", retry: "later", cause });
}
