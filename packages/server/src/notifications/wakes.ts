/** The first read after a notification waits this long for those that come with it. */
const GATHER_MS = 200;
/** Further reads: the replica that answers may lag behind the one that notified. Milliseconds after the notification. */
const AGAIN_MS: readonly number[] = [5_000, 30_000, 120_000];
/** Notifications that keep coming do not read more often than this. */
const LEAST_APART_MS = 1_000;

/**
 * When connections are to be read because Microsoft told of a change. A notification never carries a change itself: it only
 * brings the next read forward, so that a lost, late or forged one costs at most time.
 */
export class Wakes {
  readonly #times = new Map<string, readonly number[]>();
  readonly #taken = new Map<string, number>();
  #listener: () => void = () => {};

  /** Brings reads of a connection forward; `now` in milliseconds. */
  wake(connection: string, now: number): void {
    const last = this.#taken.get(connection);
    // A clock that was set back has taken nothing lately.
    const first = Math.max(now + GATHER_MS, last === undefined || last > now ? 0 : last + LEAST_APART_MS);
    const waiting = this.#times.get(connection) ?? [];
    // What is gathered already is read as soon; the later reads follow the newest notification.
    const soon = Math.min(first, ...waiting.slice(0, 1));
    this.#times.set(connection, [soon, ...AGAIN_MS.map((after) => now + after)]);
    this.#listener();
  }

  /** The connections whose time has come; asking takes those times away. */
  take(now: number): readonly string[] {
    const due: string[] = [];
    for (const [connection, times] of this.#times) {
      const left = times.filter((time) => time > now);
      if (left.length === times.length) continue;
      due.push(connection);
      this.#taken.set(connection, now);
      if (left.length === 0) this.#times.delete(connection);
      else this.#times.set(connection, left);
    }
    return due;
  }

  /** Milliseconds until the next time, or null when none is waiting. */
  next(now: number): number | null {
    const times = [...this.#times.values()].flatMap((one) => one.slice(0, 1));
    return times.length === 0 ? null : Math.max(0, Math.min(...times) - now);
  }

  /** Told whenever a connection is woken; one listener, the schedule. */
  onWake(listener: () => void): void {
    this.#listener = listener;
  }
}
