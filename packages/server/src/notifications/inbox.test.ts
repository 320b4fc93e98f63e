import assert from "node:assert/strict";
import { it } from "node:test";
import { testClock } from "../runs/testing/time.ts";
import type { Store } from "../store/store.ts";
import { saveSubscription, subscriptionRows } from "../store/subscriptions.ts";
import { eachEngine } from "../store/testing.ts";
import { Inbox } from "./inbox.ts";
import { stateHash } from "./receive.ts";
import { Wakes } from "./wakes.ts";

const TENANT = "6f0c2f3e-1111-4222-8333-444455556666";
const STATE = "the state";

async function addConnection(store: Store, id: string, tenant: string): Promise<void> {
  const texts = {
    id,
    name: id,
    tenant,
    organisation: "default",
    cloud: "{}",
    cloud_key: "global",
    client: "",
    labels: "[]",
  };
  const values = { ...texts, attributes: "[]", credential: "{}", revision: 1, sequence: 0, created_at: 0 };
  await store.transaction((tx) => tx.insertInto("connections").values(values).execute());
}

/** As a server subscribes: the row stands before Microsoft calls its address. */
async function subscribe(store: Store, connection: string, graphId: string | null = null): Promise<void> {
  const address = `https://entrain.example/notifications/${connection}`;
  const nothing = { reauthorize: 0, failure: null, retry_at: 0 };
  const expires = { expires_at: store.clock.now() + 3_600_000 };
  const row = { connection, watched: "users", graph_id: graphId, address, state_hash: stateHash(STATE) };
  await saveSubscription(store, { ...row, ...expires, ...nothing });
}

/** The same store, with how often it was asked. */
function counting(store: Store): { readonly store: Store; readonly asked: () => number } {
  let asked = 0;
  const db = new Proxy(store.db, {
    get: (target, name) => {
      if (name === "selectFrom") asked += 1;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const proxied = new Proxy(store, { get: (target, name) => (name === "db" ? db : Reflect.get(target, name)) });
  return { store: proxied, asked: () => asked };
}

eachEngine(({ open }) => {
  it("acts on a call for a new authorization that comes again because the store could not keep it", async () => {
    const opened = await open({ clock: testClock() });
    await addConnection(opened, "connection_1", TENANT);
    await subscribe(opened, "connection_1", "s");
    let fails = true;
    const store = new Proxy(opened, {
      get: (target, name) => {
        if (name === "transaction" && fails) return () => Promise.reject(new Error("the disk is full"));
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    let attended = 0;
    const inbox = new Inbox(store, new Wakes(), () => {
      attended += 1;
    });
    const lifecycleEvent = "reauthorizationRequired";
    const call = { value: [{ subscriptionId: "s", clientState: STATE, tenantId: TENANT, lifecycleEvent }] };
    await assert.rejects(inbox.take("connection_1", call), /the disk is full/);
    fails = false;
    await inbox.take("connection_1", call);
    const [row] = await subscriptionRows(opened, "connection_1");
    assert.deepEqual([row?.reauthorize, attended], [1, 1]);
  });

  it("answers Microsoft's handshake for a subscription that another server makes a moment after this one looked", async () => {
    const clock = testClock();
    const store = await open({ clock });
    await addConnection(store, "connection_1", TENANT);
    const inbox = new Inbox(store, new Wakes(), () => undefined);
    assert.equal(await inbox.isAwaited("connection_1"), false);
    await subscribe(store, "connection_1");
    clock.advance(1_500);
    assert.equal(await inbox.isAwaited("connection_1"), true);
  });

  it("asks the store no more often for a flood to addresses that there are not, and still hears Microsoft", async () => {
    const opened = await open({ clock: testClock() });
    await addConnection(opened, "connection_1", TENANT);
    await subscribe(opened, "connection_1");
    const { store, asked } = counting(opened);
    const wakes = new Wakes();
    const inbox = new Inbox(store, wakes, () => undefined);
    const item = { subscriptionId: "s", clientState: STATE, tenantId: TENANT };
    for (let at = 0; at < 3_000; at += 1) await inbox.take(`connection_${at + 2}`, { value: [item] });
    assert.equal(wakes.next(store.clock.now()), null);
    await inbox.take("connection_1", { value: [item] });
    assert.notEqual(wakes.next(store.clock.now()), null);
    assert.ok(asked() < 10, `the store was asked ${asked()} times`);
  });
});
