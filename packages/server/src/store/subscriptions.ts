import type { Selectable } from "kysely";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

export type SubscriptionRow = Selectable<DB["subscriptions"]>;

/** The subscriptions of a connection. */
export async function subscriptionRows(store: Store, connection: string): Promise<readonly SubscriptionRow[]> {
  return await store.db.selectFrom("subscriptions").selectAll().where("connection", "=", connection).execute();
}

/** The subscriptions of every connection that has any, with its tenant. */
export async function subscriptionsByConnection(
  store: Store,
): Promise<ReadonlyMap<string, { readonly tenant: string; readonly subscriptions: readonly SubscriptionRow[] }>> {
  const rows = await store.db
    .selectFrom("subscriptions")
    .innerJoin("connections", "connections.id", "subscriptions.connection")
    .selectAll("subscriptions")
    .select("connections.tenant")
    .execute();
  const found = new Map<string, { readonly tenant: string; readonly subscriptions: SubscriptionRow[] }>();
  for (const { tenant, ...row } of rows) {
    const of = found.get(row.connection) ?? { tenant, subscriptions: [] };
    of.subscriptions.push(row);
    found.set(row.connection, of);
  }
  return found;
}

/** Keeps a subscription in place of the earlier one to the same changes. */
export async function saveSubscription(store: Store, row: SubscriptionRow): Promise<void> {
  const { connection, watched, ...values } = row;
  await store.transaction(
    (tx) =>
      tx
        .insertInto("subscriptions")
        .values(row)
        .onConflict((conflict) => conflict.columns(["connection", "watched"]).doUpdateSet(values))
        .execute(),
    { repeatable: true },
  );
}

/** Changes a few values of a subscription and leaves the others as they are by now; nothing when it is no longer there. */
export async function changeSubscription(
  store: Store,
  { connection, watched }: Pick<SubscriptionRow, "connection" | "watched">,
  values: Partial<Omit<SubscriptionRow, "connection" | "watched">>,
): Promise<boolean> {
  const changed = await store.transaction(
    (tx) =>
      tx
        .updateTable("subscriptions")
        .set(values)
        .where("connection", "=", connection)
        .where("watched", "=", watched)
        .executeTakeFirst(),
    { repeatable: true },
  );
  return Number(changed.numUpdatedRows) > 0;
}

/** Notes that Microsoft wants a new authorization of a subscription. */
export async function markReauthorize(store: Store, connection: string, graphId: string): Promise<void> {
  await store.transaction(
    (tx) =>
      tx
        .updateTable("subscriptions")
        .set({ reauthorize: 1, retry_at: 0 })
        .where("connection", "=", connection)
        .where("graph_id", "=", graphId)
        .execute(),
    { repeatable: true },
  );
}

export async function forgetSubscription(store: Store, row: SubscriptionRow): Promise<void> {
  await store.transaction(
    (tx) =>
      tx
        .deleteFrom("subscriptions")
        .where("connection", "=", row.connection)
        .where("watched", "=", row.watched)
        .execute(),
    { repeatable: true },
  );
}
