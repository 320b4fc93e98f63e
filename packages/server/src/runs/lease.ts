import { ConnectorError } from "@entrain/core";
import { acquireLease, extend, hearStop, isLease, processOwner, release } from "../store/leases.ts";
import type { Lease, Owner, StopRequest, Store } from "../store/store.ts";

const TTL_MS = 60_000;
const BEAT_MS = 15_000;
const POLL_MS = 250;
const HEAR_MS = 1_000;
/** So long a batch that is being written when a stop is asked for may take to its end. */
const GRACE_MS = 20_000;

/** Names of the leases. */
export const syncLease = (sync: string): string => `sync:${sync}`;
export const readLease = (connection: string): string => `read:${connection}`;

/** Why work under a lease was stopped: somebody asked for it through the store. */
export class Stopped extends Error {
  readonly request: StopRequest;

  constructor(request: StopRequest) {
    super("The work was asked to stop.");
    this.name = "AbortError";
    this.request = request;
  }
}

/** What tells work under a lease to stop: `soon` between two batches, `now` even in the middle of one. */
export interface Stopping {
  readonly soon: AbortSignal;
  readonly now: AbortSignal;
}

/** Passes on that somebody asked for work to stop: at once between two batches, and after a while in the middle of one. */
export class StopWatch implements Stopping {
  readonly #soon = new AbortController();
  readonly #now = new AbortController();
  #grace: NodeJS.Timeout | undefined;
  readonly soon: AbortSignal = this.#soon.signal;
  readonly now: AbortSignal = this.#now.signal;

  /** Hears what was asked for; what is asked again changes nothing. */
  readonly heard = (request: StopRequest): void => {
    if (this.soon.aborted) return;
    const reason = new Stopped(request);
    this.#soon.abort(reason);
    this.#grace = setTimeout(() => this.#now.abort(reason), GRACE_MS);
  };

  /** For what cannot wait for a batch. */
  atOnce(reason: unknown): void {
    this.#soon.abort(reason);
    this.#now.abort(reason);
  }

  end(): void {
    clearTimeout(this.#grace);
  }
}

/**
 * Does work under a lease that is kept alive meanwhile. When another process holds it: waits until it is free, or
 * throws `lease_held` with who holds it.
 */
export async function withLease<T>(
  store: Store,
  name: string,
  options: {
    readonly wait: boolean;
    readonly signal: AbortSignal;
    readonly what: string;
    readonly onWait?: (holder: string) => void;
  },
  work: (lease: Lease, stopping: Stopping) => Promise<T>,
): Promise<T> {
  const watch = new StopWatch();
  const lease: Lease = { ...(await take(store, name, options)), onStop: watch.heard };
  const beat = setInterval(() => {
    // A beat that fails is not the moment to act: the next write finds out whether the lease was lost.
    extend(store, lease).catch(() => undefined);
  }, BEAT_MS);
  // Work that writes nothing for a while, such as a long wait, hears of a stop too.
  const ear = setInterval(() => {
    hearStop(store, lease).catch(() => undefined);
  }, HEAR_MS);
  try {
    return await work(lease, watch);
  } finally {
    clearInterval(beat);
    clearInterval(ear);
    watch.end();
    await release(store, lease);
  }
}

async function take(store: Store, name: string, options: Parameters<typeof withLease>[2]): Promise<Lease> {
  const owner = processOwner(store.clock);
  for (;;) {
    options.signal.throwIfAborted();
    const answer = await acquireLease(store, name, owner, TTL_MS);
    if (isLease(answer)) return answer;
    if (!options.wait) {
      const message = `${options.what} is being run by ${holderInWords(answer.heldBy)}.`;
      throw new ConnectorError("lease_held", message, { stops: "sync", retry: "later" });
    }
    options.onWait?.(holderInWords(answer.heldBy));
    await store.clock.sleep(POLL_MS, options.signal);
  }
}

/** Who holds a lease, for a sentence. */
export function holderInWords(owner: Owner): string {
  return `process ${owner.pid} on ${owner.host}`;
}
