import { LONGEST_LIFE_MS, type Subscriptions, type Watched } from "@entrain/connectors/entra";
import { ConnectorError, type SyncDefinition } from "@entrain/core";
import type { ConnectionRow } from "../runs/context.ts";
import { withLease } from "../runs/lease.ts";
import type { RunLog } from "../runs/tell.ts";
import type { Upkeep } from "../runs/upkeep.ts";
import type { Store } from "../store/store.ts";
import {
  forgetSubscription,
  type SubscriptionRow,
  saveSubscription,
  subscriptionRows,
} from "../store/subscriptions.ts";
import { stateHash } from "./receive.ts";

/** Subscriptions of one connection, opened for a while. */
export interface OpenSubscriptions {
  readonly subscriptions: Subscriptions;
  close(): Promise<void>;
}

export interface MaintainOptions {
  readonly store: Store;
  readonly open: (connection: ConnectionRow) => OpenSubscriptions;
  /** The address under which Microsoft reaches this server. */
  readonly origin: string;
  readonly log: RunLog;
  readonly signal: AbortSignal;
  readonly upkeep: Upkeep;
  /** Told whenever what the store holds of the subscriptions changed. */
  readonly changed: () => void;
}

/** Short of the longest life, so that a clock that differs from Microsoft's does no harm. */
const LIFE_MS = LONGEST_LIFE_MS - 60 * 60_000;
const RETRY_MS = 10 * 60_000;
const STATE_BYTES = 32;

/** Where Microsoft posts a connection's notifications. */
export function notificationAddress(origin: string, connection: string): string {
  return `${origin.replace(/\/+$/, "")}/notifications/${connection}`;
}

/**
 * Looks once over all connections: makes the subscriptions that are missing, renews those whose life is half over,
 * authorizes anew what Microsoft asked for, and removes what nobody needs. A failure is told and tried again after ten
 * minutes; polling goes on whatever happens here.
 */
export async function maintainSubscriptions(options: MaintainOptions): Promise<void> {
  const { store, log, signal, upkeep } = options;
  const connections = await store.db.selectFrom("connections").selectAll().orderBy("name").execute();
  await upkeep.turn(connections, async (connection) => {
    if (signal.aborted) return;
    const watched = await watchedOf(store, connection);
    const rows = await subscriptionRows(store, connection.id);
    if (!isWork(rows, watched, options, connection)) return;
    const lease = { wait: false, signal, what: `Subscribing to ${connection.name}` };
    try {
      await withLease(store, `subscriptions:${connection.id}`, lease, () => lookAfter(options, connection, watched));
    } catch (error) {
      if (signal.aborted || (error instanceof ConnectorError && error.code === "lease_held")) return;
      const code = error instanceof ConnectorError ? error.code : "internal";
      log.warn(
        { connection: connection.name, code },
        "The subscriptions could not be looked after; it is tried again.",
      );
    }
  });
}

/** Syncs that run by themselves are woken; groups are watched once they were read. */
async function watchedOf(store: Store, connection: ConnectionRow): Promise<readonly Watched[]> {
  const syncs = await store.db
    .selectFrom("syncs")
    .select("definition")
    .where("connection", "=", connection.id)
    .execute();
  const scheduled = syncs.some(({ definition }) => "everyMs" in (JSON.parse(definition) as SyncDefinition).schedule);
  if (!scheduled) return [];
  const groups = await store.db
    .selectFrom("watermarks")
    .select("kind")
    .where("connection", "=", connection.id)
    .where("kind", "=", "group")
    .where("full_at", "is not", null)
    .executeTakeFirst();
  return groups === undefined ? ["users"] : ["users", "groups"];
}

type Step = "create" | "renew" | "reauthorize" | "none";

function stepFor(row: SubscriptionRow | undefined, address: string, now: number): Step {
  if (row === undefined || row.address !== address) return "create";
  if (now < row.retry_at) return "none";
  if (row.graph_id === null || row.expires_at <= now) return "create";
  if (row.reauthorize === 1) return "reauthorize";
  return row.expires_at - now < LIFE_MS / 2 ? "renew" : "none";
}

function isWork(
  rows: readonly SubscriptionRow[],
  watched: readonly Watched[],
  { store, origin }: MaintainOptions,
  connection: ConnectionRow,
): boolean {
  const address = notificationAddress(origin, connection.id);
  const now = store.clock.now();
  const byKind = new Map(rows.map((row) => [row.watched, row]));
  const needless = rows.some((row) => !watched.includes(row.watched as Watched));
  return needless || watched.some((one) => stepFor(byKind.get(one), address, now) !== "none");
}

async function lookAfter(
  options: MaintainOptions,
  connection: ConnectionRow,
  watched: readonly Watched[],
): Promise<void> {
  const { store, origin, signal, changed } = options;
  const opened = options.open(connection);
  try {
    const rows = new Map((await subscriptionRows(store, connection.id)).map((row) => [row.watched, row]));
    for (const row of rows.values()) {
      if (watched.includes(row.watched as Watched)) continue;
      if (row.graph_id !== null) await opened.subscriptions.remove(row.graph_id, signal);
      await forgetSubscription(store, row);
    }
    const address = notificationAddress(origin, connection.id);
    for (const one of watched) {
      const row = rows.get(one);
      const step = stepFor(row, address, store.clock.now());
      if (step !== "none") await take(options, opened.subscriptions, { connection, watched: one, row, address, step });
    }
  } finally {
    changed();
    await opened.close();
  }
}

interface Work {
  readonly connection: ConnectionRow;
  readonly watched: Watched;
  readonly row: SubscriptionRow | undefined;
  readonly address: string;
  readonly step: Step;
}

async function take(options: MaintainOptions, subscriptions: Subscriptions, work: Work): Promise<void> {
  const { store, signal, log } = options;
  const { connection, watched, row, step } = work;
  const expiresAt = store.clock.now() + LIFE_MS;
  try {
    if (step === "create" || row?.graph_id == null) return await create(options, subscriptions, work, expiresAt);
    if (step === "reauthorize") {
      if (!(await subscriptions.reauthorize(row.graph_id, signal))) {
        return await create(options, subscriptions, work, expiresAt);
      }
      return await saveSubscription(store, { ...row, reauthorize: 0, failure: null, retry_at: 0 });
    }
    const renewed = await subscriptions.renew(row.graph_id, expiresAt, signal);
    if (renewed === null) return await create(options, subscriptions, work, expiresAt);
    await saveSubscription(store, { ...row, expires_at: renewed.expiresAt, failure: null, retry_at: 0 });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ConnectorError)) throw error;
    const facts = { connection: connection.name, watched, code: error.code };
    log.warn(facts, `Microsoft does not tell of changes yet, so they are polled: ${error.message}`);
    const failed = { failure: error.message, retry_at: store.clock.now() + RETRY_MS };
    const kept = (await subscriptionRows(store, connection.id)).find((one) => one.watched === watched);
    await saveSubscription(store, { ...(kept ?? empty(work)), ...failed });
  }
}

function empty({ connection, watched, address }: Work): SubscriptionRow {
  const nothing = {
    graph_id: null,
    state_hash: stateHash(""),
    expires_at: 0,
    reauthorize: 0,
    failure: null,
    retry_at: 0,
  };
  return { connection: connection.id, watched, address, ...nothing };
}

/** The row stands before Graph is asked, because Graph calls the address before it answers. */
async function create(
  options: MaintainOptions,
  subscriptions: Subscriptions,
  work: Work,
  expiresAt: number,
): Promise<void> {
  const { store, signal, changed } = options;
  const { watched, row, address } = work;
  if (row?.graph_id != null) await subscriptions.remove(row.graph_id, signal).catch(() => undefined); // It may be of another address, or gone.
  const clientState = Buffer.from(store.clock.bytes(STATE_BYTES)).toString("base64url");
  const made: SubscriptionRow = { ...empty(work), state_hash: stateHash(clientState), expires_at: expiresAt };
  await saveSubscription(store, made);
  changed();
  const terms = { notificationUrl: address, lifecycleUrl: `${address}/lifecycle`, clientState, expiresAt };
  const subscription = await subscriptions.create(watched, terms, signal);
  await saveSubscription(store, { ...made, graph_id: subscription.id, expires_at: subscription.expiresAt });
  changed();
}
