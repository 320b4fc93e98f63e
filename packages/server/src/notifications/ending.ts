import { ConnectorError } from "@entrain/core";
import type { ConnectionRow } from "../runs/context.ts";
import { withLease } from "../runs/lease.ts";
import type { Upkeep } from "../runs/upkeep.ts";
import type { Store } from "../store/store.ts";
import { forgetSubscription, saveSubscription, subscriptionRows } from "../store/subscriptions.ts";
import type { OpenSubscriptions } from "./maintain.ts";

/** What became of the subscriptions of a connection at Microsoft. */
export interface EndedSubscriptions {
  readonly removed: number;
  /** That Microsoft still has, for now. */
  readonly left: number;
  /** When the last of them ends by itself, and why it could not be removed. */
  readonly until: number | null;
  readonly why: string | null;
}

export interface EndingOptions {
  readonly store: Store;
  readonly open: (connection: ConnectionRow) => OpenSubscriptions;
  readonly signal: AbortSignal;
}

/** What could not be removed is tried again, and what was removed is made anew by a server in charge, no sooner than this. */
const LATER_MS = 10 * 60_000;

/**
 * Has Microsoft stop telling of a connection's changes, as far as it can be reached; never throws what a connector found.
 * Nothing is subscribed to again for ten minutes, so that whoever removes the connection gets that done.
 */
export async function endSubscriptions(options: EndingOptions, connection: ConnectionRow): Promise<EndedSubscriptions> {
  const { store, signal } = options;
  const none = { removed: 0, left: 0, until: null, why: null };
  if ((await subscriptionRows(store, connection.id)).length === 0) return none;
  const lease = { wait: true, signal, what: `Subscribing to ${connection.name}` };
  return withLease(store, `subscriptions:${connection.id}`, lease, () => end(options, connection));
}

async function end({ store, open, signal }: EndingOptions, connection: ConnectionRow): Promise<EndedSubscriptions> {
  const opened = open(connection);
  const failures: { readonly until: number; readonly why: string }[] = [];
  let removed = 0;
  try {
    for (const row of await subscriptionRows(store, connection.id)) {
      const now = store.clock.now();
      const ended = { ...row, graph_id: null, reauthorize: 0, retry_at: now + LATER_MS };
      if (row.graph_id === null || row.expires_at <= now) {
        await saveSubscription(store, ended);
        continue;
      }
      try {
        await opened.subscriptions.remove(row.graph_id, signal);
        await saveSubscription(store, ended);
        removed += 1;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ConnectorError)) throw error;
        failures.push({ until: row.expires_at, why: error.message });
        await saveSubscription(store, { ...row, failure: error.message, retry_at: now + LATER_MS });
      }
    }
  } finally {
    await opened.close();
  }
  const [first] = failures;
  const until = first === undefined ? null : Math.max(...failures.map((failure) => failure.until));
  return { removed, left: failures.length, until, why: first?.why ?? null };
}

/**
 * Where no server has Microsoft tell it any more: removes there, connection by connection, what one had subscribed to, and
 * forgets it. What cannot be removed now is told, and tried again later, until it has ended by itself.
 */
export async function retireSubscriptions(
  options: EndingOptions & { readonly upkeep: Upkeep },
  tell: (connection: ConnectionRow, ended: EndedSubscriptions) => void,
): Promise<void> {
  const { store, signal, upkeep } = options;
  const connections = await store.db
    .selectFrom("connections")
    .selectAll()
    .where("id", "in", (eb) => eb.selectFrom("subscriptions").select("connection"))
    .orderBy("name")
    .execute();
  await upkeep.turn(connections, async (connection) => {
    if (signal.aborted) return;
    const now = store.clock.now();
    const rows = await subscriptionRows(store, connection.id);
    if (rows.some((row) => row.graph_id !== null && (row.failure === null || row.retry_at <= now))) {
      const ended = await endSubscriptions(options, connection);
      if (ended.removed + ended.left > 0) tell(connection, ended);
    }
    for (const row of await subscriptionRows(store, connection.id)) {
      if (row.graph_id === null) await forgetSubscription(store, row);
    }
  });
}

/** What became of them, for whoever reads it; null when there was nothing. */
export function endedInWords({ removed, left, until, why }: EndedSubscriptions): string | null {
  const count = (of: number): string => `${of} ${of === 1 ? "subscription" : "subscriptions"}`;
  if (left === 0) return removed === 0 ? null : `Removed ${count(removed)} to its changes at Microsoft.`;
  const day = until === null ? "soon" : `on ${new Date(until).toISOString().slice(0, 10)}`;
  const ends = left === 1 ? "It ends there by itself" : "They end there by themselves";
  return `${count(left)} to its changes could not be removed at Microsoft: ${why ?? ""} ${ends} ${day} at the latest; what Microsoft sends until then is not heeded.`;
}
