import type { Progress } from "../runs/context.ts";

/** How far something is, with its pace: items a second in this phase, and the milliseconds that the rest will take. */
export interface PacedProgress extends Progress {
  readonly perSecond: number | null;
  readonly remainingMs: number | null;
}

/** Too short a time says nothing about the pace. */
const SOONEST_MS = 500;

/** Follows one piece of work and tells its pace. The pace of a phase says nothing about the next one's. */
export class Pace {
  #phase = "";
  #since = 0;
  #from = 0;
  #paced: PacedProgress = {
    phase: "waiting",
    detail: "",
    done: 0,
    total: null,
    perSecond: null,
    remainingMs: null,
  };

  get progress(): PacedProgress {
    return this.#paced;
  }

  /** Takes a report in, at a monotonic time in milliseconds. */
  report(progress: Progress, at: number): void {
    const begins = progress.phase !== this.#phase || progress.done < this.#paced.done;
    if (begins) {
      this.#phase = progress.phase;
      this.#since = at;
      this.#from = progress.done;
    }
    const ms = at - this.#since;
    const done = progress.done - this.#from;
    const perSecond = ms >= SOONEST_MS && done > 0 ? (done * 1000) / ms : null;
    const left = progress.total === null ? null : Math.max(0, progress.total - progress.done);
    const remainingMs = perSecond === null || left === null ? null : Math.round((left * 1000) / perSecond);
    this.#paced = { ...progress, perSecond, remainingMs };
  }
}
