import { type Snapshot, saveSnapshot } from "./snapshot.ts";

/** What a killed run loses at most. */
const INTERVAL_MS = 60_000;

/** Keeps a tenant in its state file while it is served. One save is made at a time. */
export class StateKeeper {
  readonly #path: string;
  readonly #snapshot: Snapshot;
  readonly #report: (message: string) => void;
  /** Version and identity that the file holds; null while it knows nothing of this run, whose delta tokens would not outlive it. */
  #saved: string | null = null;
  #last: Promise<void> = Promise.resolve();
  #cancel: (() => void) | null = null;

  /** `report` is told of periodic saves that fail. */
  constructor(path: string, snapshot: Snapshot, report: (message: string) => void) {
    this.#path = path;
    this.#snapshot = snapshot;
    this.#report = report;
  }

  /** Saves the tenant as it is now, unless the file holds it. Rejects with one sentence when it cannot be written. */
  save(): Promise<void> {
    const write = (): Promise<void> => this.#write();
    this.#last = this.#last.then(write, write);
    return this.#last;
  }

  /** Saves once a minute what has changed; `every` calls back in that interval until told to stop. */
  start(every: (milliseconds: number, tick: () => Promise<void>) => () => void): void {
    this.#cancel = every(INTERVAL_MS, () => this.save().catch((error: unknown) => this.#tell(error)));
  }

  /** Ends the periodic saves. One that is under way goes on to its end, and a later `save` waits for it. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #tell(error: unknown): void {
    const reason = (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
    this.#report(`${reason}; it is tried again in ${INTERVAL_MS / 1000} seconds.`);
  }

  async #write(): Promise<void> {
    const { directory, identity } = this.#snapshot;
    const state = JSON.stringify([directory.log.head, identity]);
    if (state === this.#saved) return;
    await saveSnapshot(this.#path, this.#snapshot);
    this.#saved = state;
  }
}
