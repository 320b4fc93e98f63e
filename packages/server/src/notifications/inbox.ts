import type { Store } from "../store/store.ts";
import { markReauthorize, type SubscriptionRow, subscriptionsByConnection } from "../store/subscriptions.ts";
import { Delivered, receive } from "./receive.ts";
import type { Wakes } from "./wakes.ts";

/** What is known of the subscriptions is looked at again after this time, for another server may look after them. */
const REMEMBER_MS = 10_000;
/** A flood to addresses that there are not asks the store no more often than this. */
const LEAST_APART_MS = 1_000;

interface Known {
  readonly tenant: string;
  readonly subscriptions: readonly SubscriptionRow[];
}

interface Remembered {
  readonly at: number;
  readonly connections: Promise<ReadonlyMap<string, Known>>;
}

/** Takes in what is posted to the notification addresses, and wakes the connections that have something to read. */
export class Inbox {
  readonly #store: Store;
  readonly #wakes: Wakes;
  readonly #attend: () => void;
  readonly #delivered = new Delivered();
  #remembered: Remembered | null = null;

  /** `attend` is told when a subscription needs looking after. */
  constructor(store: Store, wakes: Wakes, attend: () => void) {
    this.#store = store;
    this.#wakes = wakes;
    this.#attend = attend;
  }

  /** Whether anything is posted for this connection: Microsoft's handshake is answered for such addresses alone. */
  async isAwaited(connection: string): Promise<boolean> {
    return (await this.#of(connection)) !== null;
  }

  /** Judges a delivery and acts on what is Microsoft's in it. */
  async take(connection: string, body: unknown): Promise<void> {
    const known = await this.#of(connection);
    if (known === null) return;
    const now = this.#store.clock.now();
    const { tenant, subscriptions } = known;
    const seen: string[] = [];
    const first: Delivered["first"] = (key, at, keptMs) => {
      const isFirst = this.#delivered.first(key, at, keptMs);
      if (isFirst) seen.push(key);
      return isFirst;
    };
    const { changed, reauthorize, removed } = receive(body, subscriptions, { tenant, now, delivered: { first } });
    if (changed || removed.length > 0) this.#wakes.wake(connection, now);
    try {
      for (const id of [...reauthorize, ...removed]) await markReauthorize(this.#store, connection, id);
    } catch (error) {
      this.#delivered.forget(seen);
      throw error;
    }
    if (reauthorize.length + removed.length > 0) this.#attend();
  }

  /** What the store holds of the subscriptions has changed. */
  forget(): void {
    this.#remembered = null;
  }

  async #of(connection: string): Promise<Known | null> {
    const known = (await this.#within(REMEMBER_MS)).get(connection);
    return known ?? (await this.#within(LEAST_APART_MS)).get(connection) ?? null;
  }

  async #within(ageMs: number): Promise<ReadonlyMap<string, Known>> {
    const now = this.#store.clock.now();
    if (this.#remembered === null || now - this.#remembered.at >= ageMs) {
      const remembered = { at: now, connections: subscriptionsByConnection(this.#store) };
      this.#remembered = remembered;
      remembered.connections.catch(() => {
        if (this.#remembered === remembered) this.#remembered = null;
      });
    }
    return await this.#remembered.connections;
  }
}
