import { access, constants, open, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileFault } from "../file-words.ts";
import type { TenantProfile } from "../graph/context.ts";
import type { SavedIdentity } from "../signin/keeping.ts";
import type { Change, LogEntry } from "./change-log.ts";
import { Directory, type DirectoryOptions } from "./directory.ts";
import type { DirectoryObject, Kind, Properties } from "./objects.ts";

const FORMAT = 1;
const CHUNK = 1 << 20;
const NO_FOLDER = "its folder does not exist";

/** A saved tenant: everything that delta tokens need to go on after a restart. */
export interface Snapshot {
  readonly tenant: TenantProfile;
  readonly directory: Directory;
  /** Apps, accounts and policies; absent before they were ever saved. Read anew at every save. */
  readonly identity?: SavedIdentity | undefined;
}

/** One object as a line of the file. References are ordinals, which are positions in the file. */
interface SavedObject {
  readonly kind: Kind;
  readonly id: string;
  readonly properties: Properties;
  readonly deletedAt?: number;
  readonly purged?: true;
  readonly members?: readonly number[];
  readonly manager?: number;
  readonly kept?: NonNullable<DirectoryObject["kept"]>;
}

interface Header {
  readonly format: number;
  /** The runs whose delta tokens hold, each with the version that it had reached. */
  readonly runs: readonly (readonly [instance: string, version: number])[];
  readonly version: number;
  readonly objects: number;
  readonly tenant: TenantProfile;
  readonly identity?: SavedIdentity | undefined;
}

type SavedChange =
  | { readonly type: "created" | "deleted" | "restored" | "purged" }
  | { readonly type: "updated"; readonly before: Properties; readonly names: readonly string[] }
  | { readonly type: "member"; readonly member: number; readonly added: boolean }
  | { readonly type: "manager"; readonly before: number | null; readonly after: number | null };

type SavedEntry = readonly [at: number, object: number, change: SavedChange];

/**
 * Writes the tenant as it is at the call, one JSON value a line, into a new file that then takes the old one's place.
 * Rejects with one sentence when that fails; the old file then stays.
 */
export async function saveSnapshot(path: string, snapshot: Snapshot): Promise<void> {
  const lines = linesOf(capture(snapshot));
  const fresh = `${path}.new`;
  try {
    await writeFile(fresh, chunked(lines), { mode: 0o600, flush: true });
    await rename(fresh, path);
  } catch (cause) {
    throw new Error(`The state file ${path} cannot be written: ${fileFault(cause, NO_FOLDER)}.`, { cause });
  }
}

interface Captured {
  readonly header: Header;
  readonly objects: readonly SavedObject[];
  readonly entries: readonly SavedEntry[];
}

/**
 * Takes hold of the present state while writes go on. Records are replaced and never changed, so that only lists of
 * members need copying, and turning it all into text can wait.
 */
function capture({ tenant, directory, identity }: Snapshot): Captured {
  const { log, size } = directory;
  const objects: SavedObject[] = [];
  for (let ordinal = 0; ordinal < size; ordinal++) {
    const object = directory.at(ordinal);
    if (object !== undefined) objects.push(savedObject(object));
  }
  const entries: SavedEntry[] = [];
  for (let version = log.floor + 1; version <= log.head; version++) {
    const entry = log.entry(version);
    if (entry !== undefined) entries.push(savedEntry(entry));
  }
  const runs = [...directory.earlier, [directory.instance, log.head] as const];
  return { header: { format: FORMAT, runs, version: log.floor, objects: size, tenant, identity }, objects, entries };
}

function* linesOf({ header, objects, entries }: Captured): Generator<string> {
  yield JSON.stringify(header);
  for (const object of objects) yield JSON.stringify(object);
  for (const entry of entries) yield JSON.stringify(entry);
}

/** Joins lines to pieces worth a write each, so that a large tenant is never one string. */
function* chunked(lines: Iterable<string>): Generator<string> {
  let piece = "";
  for (const line of lines) {
    piece += `${line}\n`;
    if (piece.length < CHUNK) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

/** Reads what `saveSnapshot` wrote; null when there is no such file. Throws one sentence when it is not valid. */
export async function readSnapshot(
  path: string,
  options: Pick<DirectoryOptions, "instance" | "ids" | "clock">,
): Promise<Snapshot | null> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw new Error(`The state file ${path} cannot be read: ${fileFault(error, "it is not there")}.`, { cause: error });
  });
  if (file === null) {
    await checkFolder(path);
    return null;
  }
  try {
    return await parseSnapshot(file.readLines(), options);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EISDIR") {
      throw new Error(`The state file ${path} is a folder; name a file in it.`, { cause });
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`The state file ${path} is damaged (${reason}). Delete it to start with a fresh tenant.`, {
      cause,
    });
  } finally {
    await file.close();
  }
}

/** What can never be written is said at once, not after the first minute. */
async function checkFolder(path: string): Promise<void> {
  await access(dirname(path), constants.W_OK).catch((cause: unknown) => {
    throw new Error(`The state file ${path} cannot be written: ${fileFault(cause, NO_FOLDER)}.`, { cause });
  });
}

async function parseSnapshot(
  lines: AsyncIterable<string>,
  options: Pick<DirectoryOptions, "instance" | "ids" | "clock">,
): Promise<Snapshot> {
  let loading: Loading | null = null;
  for await (const line of lines) {
    if (loading === null) loading = new Loading(JSON.parse(line) as Header, options);
    else loading.take(line);
  }
  if (loading === null) throw new Error("it is empty");
  return loading.finish();
}

/** A snapshot on its way in: first the objects, which references name by position, then the history. */
class Loading {
  readonly #header: Header;
  readonly #directory: Directory;
  readonly #saved: SavedObject[] = [];

  constructor(header: Header, options: Pick<DirectoryOptions, "instance" | "ids" | "clock">) {
    if (header.format !== FORMAT) throw new Error(`format ${header.format} is not ${FORMAT}`);
    this.#header = header;
    this.#directory = new Directory({ ...options, earlier: new Map(header.runs), version: header.version });
  }

  take(line: string): void {
    const directory = this.#directory;
    if (directory.size < this.#header.objects) {
      const saved = JSON.parse(line) as SavedObject;
      directory.place(saved.kind, saved.id, saved.properties, saved.purged === true);
      this.#saved.push(saved);
      return;
    }
    const [at, object, change] = JSON.parse(line) as SavedEntry;
    directory.log.append(objectAt(directory, object), loadedChange(directory, change), at);
  }

  finish(): Snapshot {
    const directory = this.#directory;
    if (directory.size !== this.#header.objects) throw new Error("objects are missing");
    for (const [ordinal, object] of this.#saved.entries()) reconnect(directory, ordinal, object);
    directory.settle();
    return { tenant: this.#header.tenant, directory, identity: this.#header.identity };
  }
}

function reconnect(directory: Directory, ordinal: number, saved: SavedObject): void {
  const object = objectAt(directory, ordinal);
  for (const member of saved.members ?? []) directory.placeMember(object, objectAt(directory, member));
  if (saved.manager !== undefined) directory.placeManager(object, objectAt(directory, saved.manager));
  if (saved.deletedAt === undefined) return;
  if (saved.purged === true) object.deletedAt = saved.deletedAt;
  else directory.placeDeleted(object, saved.deletedAt, saved.kept ?? null);
}

function objectAt(directory: Directory, ordinal: number): DirectoryObject {
  const object = directory.at(ordinal);
  if (object === undefined) throw new Error(`object ${ordinal} is missing`);
  return object;
}

function savedObject(object: DirectoryObject): SavedObject {
  return {
    kind: object.kind,
    id: object.id,
    properties: object.properties,
    ...(object.deletedAt === null ? {} : { deletedAt: object.deletedAt }),
    ...(object.purged ? { purged: true as const } : {}),
    ...(object.members.length === 0 ? {} : { members: [...object.members] }),
    ...(object.manager === null ? {} : { manager: object.manager.ordinal }),
    ...(object.kept === null ? {} : { kept: object.kept }),
  };
}

function savedEntry({ at, object, change }: LogEntry): SavedEntry {
  switch (change.type) {
    case "member":
      return [at, object.ordinal, { ...change, member: change.member.ordinal }];
    case "manager": {
      const { before, after } = change;
      return [at, object.ordinal, { type: "manager", before: before?.ordinal ?? null, after: after?.ordinal ?? null }];
    }
    default:
      return [at, object.ordinal, change];
  }
}

function loadedChange(directory: Directory, change: SavedChange): Change {
  switch (change.type) {
    case "member":
      return { ...change, member: objectAt(directory, change.member) };
    case "manager": {
      const { before, after } = change;
      return {
        type: "manager",
        before: before === null ? null : objectAt(directory, before),
        after: after === null ? null : objectAt(directory, after),
      };
    }
    default:
      return change;
  }
}
