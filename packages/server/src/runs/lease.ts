import { ConnectorError } from "@entrain/core";
import { acquireLease, extend, isLease, processOwner, release } from "../store/leases.ts";
import type { Lease, Owner, Store } from "../store/store.ts";

const TTL_MS = 60_000;
const BEAT_MS = 15_000;
const POLL_MS = 250;

/** Names of the leases. */
export const syncLease = (sync: string): string => `sync:${sync}`;
export const readLease = (connection: string): string => `read:${connection}`;

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
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  const lease = await take(store, name, options);
  const beat = setInterval(() => {
    // A beat that fails is not the moment to act: the next write finds out whether the lease was lost.
    extend(store, lease).catch(() => undefined);
  }, BEAT_MS);
  try {
    return await work(lease);
  } finally {
    clearInterval(beat);
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
      const message = `${options.what} is being run by ${described(answer.heldBy)}.`;
      throw new ConnectorError("lease_held", message, { stops: "sync", retry: "later" });
    }
    options.onWait?.(described(answer.heldBy));
    await store.clock.sleep(POLL_MS, options.signal);
  }
}

function described(owner: Owner): string {
  return `process ${owner.pid} on ${owner.host}`;
}
