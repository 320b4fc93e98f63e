import type { ConnectionRow } from "../runs/context.ts";
import type { RunLog } from "../runs/tell.ts";
import { Upkeep } from "../runs/upkeep.ts";
import { claimNotifications } from "../store/notification-origin.ts";
import type { Store } from "../store/store.ts";
import { endedInWords, retireSubscriptions } from "./ending.ts";
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
  readonly #upkeep = new Upkeep();
  readonly #checked = new Set<string>();
  #alarm = new AbortController();
  /** The other origin that was last told to be in charge. */
  #other: string | null = null;

  constructor(installation: Watched, log: RunLog, signal: AbortSignal) {
    this.#installation = installation;
    this.#log = log;
    this.#signal = signal;
    this.inbox = new Inbox(installation.store, this.wakes, () => this.#alarm.abort());
  }

  /** Looks after the subscriptions until the signal aborts; `origin` is the public one, null where there is none. */
  async keep(origin: string | null): Promise<void> {
    const { store } = this.#installation;
    const signal = this.#signal;
    for (let pause = FIRST_LOOK_MS; !signal.aborted; pause = LOOK_MS) {
      const within = AbortSignal.any([signal, this.#alarm.signal]);
      await store.clock.sleep(pause, within).catch(() => undefined);
      this.#alarm = new AbortController();
      if (signal.aborted) break;
      await this.#upkeep.begin(() =>
        this.look(origin).catch((error: unknown) => {
          const code = error instanceof Error ? error.name : "unknown";
          this.#log.error({ code }, "The subscriptions could not be looked over; it is tried again.");
        }),
      );
    }
    await this.#upkeep.ended();
  }

  /**
   * Looks over the subscriptions once. One origin is in charge of a store's subscriptions at a time: a server at another one
   * leaves them alone, and one without any removes them when nobody is in charge any more.
   */
  async look(origin: string | null): Promise<void> {
    const { store } = this.#installation;
    const [log, signal] = [this.#log, this.#signal];
    const upkeep = this.#upkeep;
    const open = (row: ConnectionRow): OpenSubscriptions => this.#installation.openSubscriptions(row);
    const inCharge = await claimNotifications(store, origin);
    if (origin !== null && inCharge === origin) {
      const changed = (): void => this.inbox.forget();
      const checked = this.#checked;
      await maintainSubscriptions({ store, open, origin, log, signal, upkeep, checked, changed });
    } else if (origin === null && inCharge === null) {
      await retireSubscriptions({ store, open, signal, upkeep }, ({ name }, ended) => {
        const words = endedInWords(ended) ?? "";
        const why = "No server of this store has a public address any more.";
        if (ended.left > 0) log.warn({ connection: name }, `${why} ${words}`);
        else log.info({ connection: name }, `${why} ${words}`);
      });
    }
    this.#tellOther(origin, inCharge);
  }

  #tellOther(origin: string | null, inCharge: string | null): void {
    const other = origin === null || inCharge === origin ? null : inCharge;
    if (other !== null && other !== this.#other) {
      const text = `Microsoft tells ${other} of changes, and so not ${origin}: give all servers of one store the same --public-url. This one takes over when none was at ${other} for five minutes.`;
      this.#log.warn({ origin, inCharge: other }, text);
    }
    this.#other = other;
  }
}
