import { type Wait, type WaitListener, waitInWords } from "@entrain/core";
import type { Progress } from "./context.ts";

/** A wait that ends this much later than the one that is told is worth telling in its place. */
const LATER_MS = 1000;

export interface WaitTellerOptions {
  readonly clock: { now(): number };
  readonly tell: (progress: Progress) => void;
  /** Writes the progress down for other processes; it may be asked for less often than progress is told. */
  readonly save: (progress: Progress) => Promise<void>;
}

/**
 * Stands between a run and whoever watches it: tells the waits of its source and its target beside how far it is. Of several at a
 * time it tells the one that ends last, until all are over, also while what was fetched before them is still being stored.
 */
export class WaitTeller {
  readonly #options: WaitTellerOptions;
  #progress: Progress = { phase: "reading", detail: "", done: 0, total: null };
  #waiting: Progress["waiting"];
  #until = 0;
  #open = 0;
  #unsaved = false;
  #saving: Promise<void> | null = null;

  constructor(options: WaitTellerOptions) {
    this.#options = options;
  }

  readonly onProgress = (progress: Progress): void => {
    this.#progress = progress;
    this.#tell();
    // Who stored this progress did not know of the wait.
    if (this.#waiting !== undefined) this.#save();
  };

  readonly onWait: WaitListener = (wait) => {
    this.#open += wait === null ? -1 : 1;
    if (!this.#isNews(wait)) return;
    this.#waiting = wait === null ? undefined : { ...wait, message: waitInWords(wait) };
    this.#tell();
    this.#save();
  };

  /** Resolves when nothing is being written down any more. */
  async settled(): Promise<void> {
    await this.#saving;
  }

  #isNews(wait: Wait | null): boolean {
    if (wait === null) return this.#open === 0;
    const until = this.#options.clock.now() + wait.seconds * 1000;
    if (this.#waiting !== undefined && until < this.#until + LATER_MS) return false;
    this.#until = until;
    return true;
  }

  #told(): Progress {
    return this.#waiting === undefined ? this.#progress : { ...this.#progress, waiting: this.#waiting };
  }

  #tell(): void {
    this.#options.tell(this.#told());
  }

  #save(): void {
    this.#unsaved = true;
    this.#saving ??= this.#saveAll().finally(() => {
      this.#saving = null;
    });
  }

  async #saveAll(): Promise<void> {
    while (this.#unsaved) {
      this.#unsaved = false;
      // What keeps this from being written (a lost lease, a full disk) ends the run at its own next write, with its name.
      await this.#options.save(this.#told()).catch(() => undefined);
    }
  }
}
