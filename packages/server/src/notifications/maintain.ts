import { LONGEST_LIFE_MS, type Subscriptions, type Watched } from "@entrain/connectors/entra";
import { ConnectorError, type SyncDefinition } from "@entrain/core";
import type { ConnectionRow } from "../runs/context.ts";
import { withLease } from "../runs/lease.ts";
import type { RunLog } from "../runs/tell.ts";
import type { Upkeep } from "../runs/upkeep.ts";
import type { Store } from "../store/store.ts";
import {
  changeSubscription,
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
  /** The ids of the connections whose subscriptions were looked after since the server started. */
  readonly checked: Set<string>;
  /** Told whenever what the store holds of the subscriptions changed. */
  readonly changed: () => void;
}

/** Short of the longest life, so that a clock that differs from Microsoft's does no harm. */
const LIFE_MS = LONGEST_LIFE_MS - 60 * 60_000;
const RETRY_MS = 10 * 60_000;
const LEAST_APART_MS = 60_000;
const STATE_BYTES = 32;

/** Where Microsoft posts a connection's notifications. */
export function notificationAddress(origin: string, connection: string): string {
  return `${notificationRoot(origin)}${connection}`;
}

function notificationRoot(origin: string): string {
  return `${origin.replace(/\/+$/, "")}/notifications/`;
}

/**
 * Looks once over all connections: makes the subscriptions that are missing, renews those whose life is half over,
 * authorizes anew what Microsoft asked for, and removes what nobody needs. Each is renewed once when the server has started,
 * because what Microsoft said of it meanwhile was not heard. A failure is told and tried again after ten
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
  const scheduled = syncs.some(({ definition }) => !("manual" in (JSON.parse(definition) as SyncDefinition).schedule));
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

function stepFor(
  row: SubscriptionRow | undefined,
  address: string,
  { now, checked }: { readonly now: number; readonly checked: boolean },
): Step {
  if (row === undefined || row.address !== address) return "create";
  // A failure is waited out; what works is left alone, unless it has something to say.
  const quiet = row.failure !== null || (checked && row.reauthorize === 0);
  if (now < row.retry_at && (quiet || row.graph_id === null)) return "none";
  if (row.graph_id === null || row.expires_at <= now) return "create";
  return row.reauthorize === 1 ? "reauthorize" : "renew";
}

function isWork(
  rows: readonly SubscriptionRow[],
  watched: readonly Watched[],
  { store, origin, checked }: MaintainOptions,
  { id }: ConnectionRow,
): boolean {
  const address = notificationAddress(origin, id);
  const state = { now: store.clock.now(), checked: checked.has(id) };
  const byKind = new Map(rows.map((row) => [row.watched, row]));
  const needless = rows.some((row) => !watched.includes(row.watched as Watched));
  return needless || watched.some((one) => stepFor(byKind.get(one), address, state) !== "none");
}

async function lookAfter(
  options: MaintainOptions,
  connection: ConnectionRow,
  watched: readonly Watched[],
): Promise<void> {
  const { store, origin, signal, changed, checked } = options;
  const opened = options.open(connection);
  try {
    const rows = new Map((await subscriptionRows(store, connection.id)).map((row) => [row.watched, row]));
    for (const row of rows.values()) {
      if (watched.includes(row.watched as Watched)) continue;
      if (row.graph_id !== null) await opened.subscriptions.remove(row.graph_id, signal);
      else await removeOurs(opened.subscriptions, { origin, watched: row.watched as Watched }, signal);
      await forgetSubscription(store, row);
    }
    const address = notificationAddress(origin, connection.id);
    for (const one of watched) {
      const row = rows.get(one);
      const step = stepFor(row, address, { now: store.clock.now(), checked: checked.has(connection.id) });
      if (step !== "none") await take(options, opened.subscriptions, { connection, watched: one, row, address, step });
    }
    checked.add(connection.id);
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
      return await keep(store, row, { reauthorize: 0, expires_at: row.expires_at });
    }
    const renewed = await subscriptions.renew(row.graph_id, expiresAt, signal);
    if (renewed === null) return await create(options, subscriptions, work, expiresAt);
    await keep(store, row, { expires_at: renewed.expiresAt });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ConnectorError)) throw error;
    const facts = { connection: connection.name, watched, code: error.code };
    log.warn(facts, `Microsoft does not tell of changes yet, so they are polled: ${error.message}`);
    const failed = { failure: error.message, retry_at: store.clock.now() + RETRY_MS };
    const of = { connection: connection.id, watched };
    if (!(await changeSubscription(store, of, failed))) await saveSubscription(store, { ...empty(work), ...failed });
  }
}

/**
 * Notes that a subscription works, until when, and that it is renewed when half of that has passed: Microsoft may grant less than
 * was asked for. What was noted of it meanwhile stays.
 */
async function keep(
  store: Store,
  row: Pick<SubscriptionRow, "connection" | "watched">,
  values: Partial<SubscriptionRow> & { readonly expires_at: number },
): Promise<void> {
  const now = store.clock.now();
  const retry_at = now + Math.max(LEAST_APART_MS, Math.floor((values.expires_at - now) / 2));
  await changeSubscription(store, row, { ...values, failure: null, retry_at });
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
  const { store, signal, changed, origin } = options;
  const { watched, row, address } = work;
  if (row?.graph_id != null) await subscriptions.remove(row.graph_id, signal).catch(() => undefined); // It may be of another address, or gone.
  const clientState = Buffer.from(store.clock.bytes(STATE_BYTES)).toString("base64url");
  const made: SubscriptionRow = { ...empty(work), state_hash: stateHash(clientState), expires_at: expiresAt };
  await saveSubscription(store, made);
  changed();
  const terms = { notificationUrl: address, lifecycleUrl: `${address}/lifecycle`, clientState, expiresAt };
  await removeOurs(subscriptions, { origin, watched }, signal);
  const subscription = await subscriptions.create(watched, terms, signal).catch(async (error: unknown) => {
    if (!(error instanceof ConnectorError) || error.status !== 409) throw error;
    const left = await removeOurs(subscriptions, { origin, watched }, signal);
    const [other] = left;
    if (other === undefined) return subscriptions.create(watched, terms, signal);
    const message = `Another installation has Microsoft tell ${originOf(other)} of these changes, with the same application; Microsoft tells one alone.`;
    const fix = "Stop that one or take its public address away, or give this connection an application of its own.";
    throw new ConnectorError(error.code, message, { stops: "connection", retry: "later", fix, cause: error });
  });
  await keep(store, made, { graph_id: subscription.id, expires_at: subscription.expiresAt });
  changed();
}

/**
 * Removes the subscriptions to these changes that lead to this origin and that no row knows: an answer was lost, the store was
 * restored, or their connection was removed. Microsoft has no second one to the same changes ("Create subscription", duplicate
 * subscriptions). Answers where those lead that are not ours.
 */
async function removeOurs(
  subscriptions: Subscriptions,
  { origin, watched }: { readonly origin: string; readonly watched: Watched },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const same = (await subscriptions.list(signal)).filter((one) => one.watched === watched);
  const isOurs = (address: string): boolean => address.startsWith(notificationRoot(origin));
  for (const { id, notificationUrl } of same) if (isOurs(notificationUrl)) await subscriptions.remove(id, signal);
  return same.flatMap(({ notificationUrl }) => (isOurs(notificationUrl) ? [] : [notificationUrl]));
}

function originOf(address: string): string {
  return URL.parse(address)?.origin ?? "another address";
}
