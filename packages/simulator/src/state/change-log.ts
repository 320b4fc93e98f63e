import type { DirectoryObject, Properties } from "./objects.ts";

/** What happened to one object; enough to answer a delta and to take the change back for an older view. */
export type Change =
  | { readonly type: "created" | "deleted" | "restored" | "purged" }
  | { readonly type: "updated"; readonly before: Properties; readonly names: readonly string[] }
  | { readonly type: "member"; readonly member: DirectoryObject; readonly added: boolean }
  | { readonly type: "manager"; readonly before: DirectoryObject | null; readonly after: DirectoryObject | null };

/** One line of the log. Versions are consecutive, so that a version is also a position. */
export interface LogEntry {
  readonly version: number;
  /** Milliseconds UTC by the simulator's clock. */
  readonly at: number;
  readonly object: DirectoryObject;
  readonly change: Change;
}

/** Append-only history of the directory: a delta costs what changed since its token, never the directory's size. */
export class ChangeLog {
  #entries: LogEntry[] = [];
  #first: number;

  /** `version` is the directory's version before the first entry. */
  constructor(version: number) {
    this.#first = version + 1;
  }

  /** Version of the newest entry. */
  get head(): number {
    return this.#first + this.#entries.length - 1;
  }

  /** Oldest version from which a delta can still be told. */
  get floor(): number {
    return this.#first - 1;
  }

  append(object: DirectoryObject, change: Change, at: number): void {
    this.#entries.push({ version: this.head + 1, at, object, change });
  }

  entry(version: number): LogEntry | undefined {
    return this.#entries[version - this.#first];
  }

  /** The newest version that is at least as old as `time`, for a replica that lags. */
  headAt(time: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.at ?? 0) <= time) low = middle + 1;
      else high = middle;
    }
    return this.#first + low - 1;
  }

  /** Forgets entries older than `time`; tokens from before then can only start over. */
  trim(time: number): void {
    const keep = this.headAt(time - 1) + 1 - this.#first;
    if (keep <= 0) return;
    this.#entries = this.#entries.slice(keep);
    this.#first += keep;
  }
}
