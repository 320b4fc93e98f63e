import type { ConnectionRow } from "../runs/context.ts";
import type { Store } from "../store/store.ts";
import { markReauthorize, type SubscriptionRow, subscriptionRows } from "../store/subscriptions.ts";
import { Delivered, receive } from "./receive.ts";
import type { Wakes } from "./wakes.ts";

/** A flood asks the store no more often than this for what it knows of a connection. */
const REMEMBER_MS = 10_000;
const REMEMBERED = 1_000;

interface Known {
  readonly tenant: string;
  readonly subscriptions: readonly SubscriptionRow[];
  readonly until: number;
}

/** Takes in what is posted to the notification addresses, and wakes the connections that have something to read. */
export class Inbox {
  readonly #store: Store;
  readonly #wakes: Wakes;
  readonly #attend: () => void;
  readonly #known = new Map<string, Known | null>();
  readonly #delivered = new Delivered();

  /** `attend` is told when a subscription needs looking after. */
  constructor(store: Store, wakes: Wakes, attend: () => void) {
    this.#store = store;
    this.#wakes = wakes;
    this.#attend = attend;
  }

  /** Whether anything is posted for this connection: Microsoft's handshake is answered for such addresses alone. */
  async isAwaited(connection: string): Promise<boolean> {
    return ((await this.#of(connection))?.subscriptions.length ?? 0) > 0;
  }

  /** Judges a delivery and acts on what is Microsoft's in it. */
  async take(connection: string, body: unknown): Promise<void> {
    const known = await this.#of(connection);
    if (known === null) return;
    const now = this.#store.clock.now();
    const { tenant, subscriptions } = known;
    const { changed, reauthorize, removed } = receive(body, subscriptions, { tenant, now, delivered: this.#delivered });
    if (changed || removed.length > 0) this.#wakes.wake(connection, now);
    for (const id of [...reauthorize, ...removed]) await markReauthorize(this.#store, connection, id);
    if (reauthorize.length + removed.length > 0) this.#attend();
  }

  /** What the store holds of a connection's subscriptions has changed. */
  forget(connection: string): void {
    this.#known.delete(connection);
  }

  async #of(connection: string): Promise<Known | null> {
    const now = this.#store.clock.now();
    const known = this.#known.get(connection);
    if (known !== undefined && (known === null || now < known.until)) return known;
    const row: Pick<ConnectionRow, "tenant"> | undefined = await this.#store.db
      .selectFrom("connections")
      .select("tenant")
      .where("id", "=", connection)
      .executeTakeFirst();
    const subscriptions = row === undefined ? [] : await subscriptionRows(this.#store, connection);
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    const found = row === undefined ? null : { tenant: row.tenant, subscriptions, until: now + REMEMBER_MS };
    this.#known.set(connection, found);
    return found;
  }
}
