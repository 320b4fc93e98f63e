import type { ConnectionRow } from "../runs/context.ts";
import type { RunLog } from "../runs/tell.ts";
import type { Store } from "../store/store.ts";
import { Inbox } from "./inbox.ts";
import { maintainSubscriptions, type OpenSubscriptions } from "./maintain.ts";
import { Wakes } from "./wakes.ts";

/** What watching needs of an installation. */
interface Watched {
  readonly store: Store;
  openSubscriptions(connection: ConnectionRow): OpenSubscriptions;
}

const LOOK_MS = 60_000;
/** A connection that was just added is looked after soon. */
const FIRST_LOOK_MS = 2_000;

/** Has Microsoft tell of changes, and wakes the syncs when it does. Polling goes on beside it. */
export class Watch {
  readonly wakes: Wakes = new Wakes();
  readonly inbox: Inbox;
  readonly #installation: Watched;
  readonly #log: RunLog;
  readonly #signal: AbortSignal;
  #alarm = new AbortController();

  constructor(installation: Watched, log: RunLog, signal: AbortSignal) {
    this.#installation = installation;
    this.#log = log;
    this.#signal = signal;
    this.inbox = new Inbox(installation.store, this.wakes, () => this.#alarm.abort());
  }

  /** Looks after the subscriptions under a public origin until the signal aborts. */
  async keep(origin: string): Promise<void> {
    const { store } = this.#installation;
    const signal = this.#signal;
    for (let pause = FIRST_LOOK_MS; !signal.aborted; pause = LOOK_MS) {
      const within = AbortSignal.any([signal, this.#alarm.signal]);
      await store.clock.sleep(pause, within).catch(() => undefined);
      this.#alarm = new AbortController();
      if (signal.aborted) return;
      await maintainSubscriptions({
        store,
        open: (row) => this.#installation.openSubscriptions(row),
        origin,
        log: this.#log,
        signal,
        changed: () => this.inbox.forget(),
      }).catch((error: unknown) => {
        const code = error instanceof Error ? error.name : "unknown";
        this.#log.error({ code }, "The subscriptions could not be looked over; it is tried again.");
      });
    }
  }
}
