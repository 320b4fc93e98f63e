import { windowsAt } from "../calendar/blackout.ts";
import type { Engine } from "../runs/context.ts";
import { stopSync } from "../runs/stop.ts";
import { factsOf, type RunLog } from "../runs/tell.ts";
import type { ScheduledSync } from "./scheduled.ts";

/**
 * Stops runs when a blackout begins that says so, whichever process carries them out and whoever began them. A run that somebody
 * begins inside the blackout is left to them.
 */
export class BlackoutStops {
  readonly #options: { readonly engine: Engine; readonly log: RunLog };
  /** The runs that were asked to stop. */
  readonly #asked = new Set<string>();

  constructor(options: { readonly engine: Engine; readonly log: RunLog }) {
    this.#options = options;
  }

  async look(syncs: readonly ScheduledSync[], now: number): Promise<void> {
    const underWay = new Set(syncs.flatMap(({ history }) => history.underWay?.run ?? []));
    for (const run of this.#asked) if (!underWay.has(run)) this.#asked.delete(run);
    for (const { id, name, schedule, history } of syncs) {
      const { underWay: run } = history;
      if (run === null || schedule.blackout === undefined || this.#asked.has(run.run)) continue;
      const windows = windowsAt(schedule.blackout, now);
      if (!windows.some(({ stop, from }) => stop && run.startedAt < from)) continue;
      await this.#stop({ id, name }, run.run);
    }
  }

  async #stop(sync: { readonly id: string; readonly name: string }, run: string): Promise<void> {
    const { engine, log } = this.#options;
    try {
      await stopSync(engine.store, sync.id, { actor: { kind: "schedule", id: sync.name }, cause: "blackout" });
      this.#asked.add(run);
    } catch (error) {
      log.warn(
        factsOf(error),
        `${sync.name} could not be stopped at the beginning of its blackout; it is tried again.`,
      );
    }
  }
}
