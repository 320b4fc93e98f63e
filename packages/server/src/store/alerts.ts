import type { Value } from "@entrain/core";
import type { Transaction } from "kysely";
import { newId } from "../clock.ts";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

const ORGANISATION = "default";
/** How long it is kept what was told, and what became of it. */
const KEPT_MS = 90 * 86_400_000;

/** What operators can be told of by itself, and what a channel can be limited to. */
export const ALERT_TYPES = [
  "plan.held",
  "plan.decided",
  "sync.failing",
  "sync.quarantined",
  "sync.recovered",
  "connection.failing",
  "connection.recovered",
  "credential.expiring",
  "credential.expired",
  "credential.renewed",
] as const;
export type ToldType = (typeof ALERT_TYPES)[number];

/** What operators can be told. A type's data always has the same fields. */
export type AlertType = ToldType | "test";

/** What operators are to be told. Times in the data are ISO 8601 texts; it must hold no secret and no sensitive value. */
export interface NewAlert {
  readonly type: AlertType;
  readonly data: { readonly [field: string]: Value };
}

/** An alert as it goes to receivers. `at`: when it was raised, in milliseconds UTC. */
export interface Alert extends NewAlert {
  readonly id: string;
  readonly at: number;
}

/** An alert that is on its way to a channel. */
export interface Delivery {
  readonly alert: Alert;
  /** The channel's id. */
  readonly channel: string;
  /** How often it was tried already. */
  readonly attempts: number;
}

/** An alert that stands nowhere but in the caller's hands. */
export function newAlert(store: Store, { type, data }: NewAlert): Alert {
  return { id: newId(store.clock, "alert"), type, data, at: store.clock.now() };
}

/**
 * Writes an alert for every channel that takes its type, in the transaction of what it tells: whoever commits the one
 * commits the other. Nothing is written, and false answered, while there is no such channel.
 */
export async function raiseAlert(tx: Transaction<DB>, store: Store, given: NewAlert): Promise<boolean> {
  const alert = newAlert(store, given);
  const all = await tx
    .selectFrom("channels")
    .select(["id", "settings"])
    .where("organisation", "=", ORGANISATION)
    .where("disabled_at", "is", null)
    .execute();
  const channels = all.filter(({ settings }) => takes(settings, alert.type));
  await forgetOld(tx, alert.at - KEPT_MS);
  if (channels.length === 0) return false;
  const { id, type, data, at } = alert;
  await tx
    .insertInto("alerts")
    .values({ id, type, data: JSON.stringify(data), at })
    .execute();
  const rows = channels.map((channel) => ({ alert: id, channel: channel.id, attempts: 0, next_at: at }));
  await tx
    .insertInto("alert_deliveries")
    .values(rows.map((row) => ({ ...row, accepted_at: null, failure: null })))
    .execute();
  return true;
}

/** Whether a channel, by its settings, is to hear of a type; of all of them unless it names some. */
function takes(settings: string, type: AlertType): boolean {
  const { types } = JSON.parse(settings) as { readonly types?: readonly string[] };
  return types === undefined || types.includes(type);
}

/** Alerts are rare, so whoever writes one makes room for it. What is still to be delivered stays. */
async function forgetOld(tx: Transaction<DB>, before: number): Promise<void> {
  const waiting = tx.selectFrom("alert_deliveries").select("alert").where("next_at", "is not", null);
  const old = tx.selectFrom("alerts").select("id").where("at", "<", before).where("id", "not in", waiting);
  await tx.deleteFrom("alert_deliveries").where("alert", "in", old).execute();
  await tx.deleteFrom("alerts").where("at", "<", before).where("id", "not in", waiting).execute();
}

/** The channels for which something is due, by id; never a disabled one. */
export async function channelsDue(store: Store): Promise<readonly string[]> {
  const rows = await store.db
    .selectFrom("alert_deliveries")
    .innerJoin("channels", "channels.id", "alert_deliveries.channel")
    .select("alert_deliveries.channel")
    .distinct()
    .where("alert_deliveries.next_at", "<=", store.clock.now())
    .where("channels.disabled_at", "is", null)
    .execute();
  return rows.map(({ channel }) => channel);
}

/** What is due for a channel the longest, or null; nothing is for a disabled one. */
export async function nextDelivery(store: Store, channel: string): Promise<Delivery | null> {
  const row = await store.db
    .selectFrom("alert_deliveries")
    .innerJoin("alerts", "alerts.id", "alert_deliveries.alert")
    .innerJoin("channels", "channels.id", "alert_deliveries.channel")
    .select(["alerts.id", "alerts.type", "alerts.data", "alerts.at", "alert_deliveries.attempts"])
    .where("alert_deliveries.channel", "=", channel)
    .where("channels.disabled_at", "is", null)
    .where("alert_deliveries.next_at", "<=", store.clock.now())
    .orderBy("alerts.at")
    .orderBy("alerts.id")
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return null;
  const { id, type, data, at, attempts } = row;
  return { alert: { id, type: type as AlertType, data: JSON.parse(data), at }, channel, attempts };
}

/**
 * Counts an attempt before it is made, and says when the next one is due should nobody hear of this one: no sooner than
 * this one must have ended. False when somebody else was faster.
 */
export async function beginAttempt(
  store: Store,
  { alert, channel, attempts }: Delivery,
  nextAt: number,
): Promise<boolean> {
  const begun = await store.transaction((tx) =>
    tx
      .updateTable("alert_deliveries")
      .set({ attempts: attempts + 1, next_at: nextAt })
      .where("alert", "=", alert.id)
      .where("channel", "=", channel)
      .where("attempts", "=", attempts)
      .where("next_at", "is not", null)
      .returning("alert")
      .execute(),
  );
  return begun.length > 0;
}

/**
 * What became of the attempt that `delivery` was begun with. Accepted ones and those with a `nextAt` of null are never tried
 * again. An accepted one has a failure when some of those whom the channel tells were not reached. That it was accepted
 * counts however late it is heard; a failure only while the attempt is the last one and nothing ended the delivery since.
 */
export async function endAttempt(
  store: Store,
  { alert, channel, attempts }: Delivery,
  end: { readonly accepted: boolean; readonly failure: string | null; readonly nextAt: number | null },
): Promise<void> {
  const accepted = end.accepted ? store.clock.now() : null;
  await store.transaction(
    async (tx) => {
      const delivery = tx
        .updateTable("alert_deliveries")
        .set({ next_at: end.nextAt, accepted_at: accepted, failure: end.failure })
        .where("alert", "=", alert.id)
        .where("channel", "=", channel)
        .where("accepted_at", "is", null);
      const last = delivery.where("attempts", "=", attempts + 1).where("next_at", "is not", null);
      await (end.accepted ? delivery : last).execute();
    },
    { repeatable: true },
  );
}

/** Stops all deliveries to a channel; what was on its way is given up. */
export async function disableChannel(store: Store, channel: string, reason: string): Promise<void> {
  await store.transaction(
    async (tx) => {
      const disabled = { disabled_at: store.clock.now(), disabled_of: reason };
      await tx.updateTable("channels").set(disabled).where("id", "=", channel).execute();
      await tx
        .updateTable("alert_deliveries")
        .set({ next_at: null, failure: reason })
        .where("channel", "=", channel)
        .where("next_at", "is not", null)
        .execute();
    },
    { repeatable: true },
  );
}

/**
 * Keeps a test that a channel accepted: it is enabled and does not fail any more, and what waits to be tried again is due now.
 * `note`: who of those whom the channel tells was not reached.
 */
export async function keepTest(
  store: Store,
  { alert, channel, note }: { readonly alert: Alert; readonly channel: string; readonly note: string | null },
): Promise<void> {
  const { id, type, data, at } = alert;
  const now = store.clock.now();
  await store.transaction(
    async (tx) => {
      const enabled = { disabled_at: null, disabled_of: null };
      await tx.updateTable("channels").set(enabled).where("id", "=", channel).execute();
      const waiting = tx.updateTable("alert_deliveries").set({ next_at: now }).where("channel", "=", channel);
      await waiting.where("next_at", "is not", null).execute();
      await tx
        .insertInto("alerts")
        .values({ id, type, data: JSON.stringify(data), at })
        .execute();
      const row = { alert: id, channel, attempts: 1, next_at: null, accepted_at: now, failure: note };
      await tx.insertInto("alert_deliveries").values(row).execute();
    },
    { repeatable: true },
  );
}

/** How a channel fares. */
interface DeliveryCounts {
  /** Alerts on their way, whether tried already or not. */
  readonly waiting: number;
  /** When one was last accepted that was no test. */
  readonly acceptedAt: number | null;
  /** Why the newest alert did not arrive; null once it did, or one that was raised later, a test as well. */
  readonly failure: string | null;
}

/** How a channel fares, from what it was told in the last 90 days. */
export async function deliveryCounts(store: Store, channel: string): Promise<DeliveryCounts> {
  const { waiting, accepted } = await store.db
    .selectFrom("alert_deliveries")
    .innerJoin("alerts", "alerts.id", "alert_deliveries.alert")
    .select(({ fn }) => [fn.count<number>("next_at").as("waiting"), fn.max("accepted_at").as("accepted")])
    .where("channel", "=", channel)
    .where("alerts.type", "<>", "test")
    .executeTakeFirstOrThrow();
  const newest = await store.db
    .selectFrom("alert_deliveries")
    .innerJoin("alerts", "alerts.id", "alert_deliveries.alert")
    .select(["alert_deliveries.failure", "alert_deliveries.accepted_at"])
    .where("alert_deliveries.channel", "=", channel)
    .where("alert_deliveries.attempts", ">", 0)
    .orderBy("alerts.at", "desc")
    .orderBy("alerts.id", "desc")
    .limit(1)
    .executeTakeFirst();
  // What a mail server took for some and refused for others has a failure, too.
  const failure = newest === undefined || newest.accepted_at !== null ? null : newest.failure;
  return { waiting: Number(waiting), acceptedAt: accepted, failure };
}

/** What became of an alert at one channel, for whoever looks at it. */
export interface ToldDelivery {
  readonly id: string;
  readonly type: string;
  readonly at: number;
  readonly attempts: number;
  readonly nextAt: number | null;
  readonly acceptedAt: number | null;
  readonly failure: string | null;
}

/** A channel's deliveries, the newest first. */
export async function deliveriesOf(store: Store, channel: string, limit: number): Promise<readonly ToldDelivery[]> {
  const rows = await store.db
    .selectFrom("alert_deliveries")
    .innerJoin("alerts", "alerts.id", "alert_deliveries.alert")
    .select(["alerts.id", "alerts.type", "alerts.at", "alert_deliveries.attempts"])
    .select(["alert_deliveries.next_at as nextAt", "alert_deliveries.accepted_at as acceptedAt"])
    .select("alert_deliveries.failure")
    .where("alert_deliveries.channel", "=", channel)
    .orderBy("alerts.at", "desc")
    .orderBy("alerts.id", "desc")
    .limit(limit)
    .execute();
  return rows;
}
