import assert from "node:assert/strict";
import { test } from "node:test";
import type { SubscriptionRow } from "../store/subscriptions.ts";
import { Delivered, receive, stateHash } from "./receive.ts";

const TENANT = "6f0c2f3e-1111-4222-8333-444455556666";
const NOW = Date.UTC(2026, 0, 5);
const ROW: SubscriptionRow = {
  connection: "connection_1",
  watched: "users",
  graph_id: "subscription-1",
  address: "https://entrain.example/notifications/connection_1",
  state_hash: stateHash("the state"),
  expires_at: NOW + 1000,
  reauthorize: 0,
  failure: null,
  retry_at: 0,
};
const GENUINE = {
  id: "n1",
  subscriptionId: "subscription-1",
  clientState: "the state",
  tenantId: TENANT,
  changeType: "updated",
  resource: "Users/1",
};

function judge(...items: readonly unknown[]): ReturnType<typeof receive> {
  return receive({ value: items }, [ROW], { tenant: TENANT, now: NOW, delivered: new Delivered() });
}

test("acts on a delivery of a subscription of ours", () => {
  assert.deepEqual(judge(GENUINE), { changed: true, reauthorize: [], removed: [] });
  assert.deepEqual(judge({ ...GENUINE, lifecycleEvent: "reauthorizationRequired" }).reauthorize, ["subscription-1"]);
  assert.deepEqual(judge({ ...GENUINE, lifecycleEvent: "subscriptionRemoved" }).removed, ["subscription-1"]);
  assert.equal(judge({ ...GENUINE, lifecycleEvent: "missed" }).changed, true);
});

test("acts on nothing that is forged, of another subscription or tenant, late, or no notification at all", () => {
  const forged: readonly unknown[] = [
    { ...GENUINE, clientState: "another" },
    { ...GENUINE, clientState: undefined },
    { ...GENUINE, clientState: ROW.state_hash },
    { ...GENUINE, clientState: "x".repeat(100_000) },
    { ...GENUINE, subscriptionId: "subscription-2" },
    { ...GENUINE, tenantId: "0a5d9c11-1111-4222-8333-444455556666" },
    null,
    7,
    "GENUINE",
    [],
  ];
  assert.deepEqual(judge(...forged), { changed: false, reauthorize: [], removed: [] });
  const context = { tenant: TENANT, now: NOW + 1000, delivered: new Delivered() };
  assert.equal(receive({ value: [GENUINE] }, [ROW], context).changed, false);
  for (const body of [null, undefined, 1, "x", [], {}, { value: null }, { value: GENUINE }]) {
    assert.equal(receive(body, [ROW], { ...context, now: NOW }).changed, false);
  }
});

test("acts once on a delivery that is sent again", () => {
  const context = { tenant: TENANT, now: NOW, delivered: new Delivered() };
  const acted = Array.from({ length: 1000 }, () => receive({ value: [GENUINE] }, [ROW], context).changed);
  assert.equal(acted.filter(Boolean).length, 1);
  assert.equal(receive({ value: [{ ...GENUINE, id: "n2" }] }, [ROW], context).changed, true);
});

test("acts on a call for a new authorization each time that Microsoft makes it, though it says the same word for word", () => {
  const { id: _, ...call } = { ...GENUINE, lifecycleEvent: "reauthorizationRequired" };
  const delivered = new Delivered();
  const long = { ...ROW, expires_at: NOW + 60 * 60_000 };
  const at = (now: number) => receive({ value: [call] }, [long], { tenant: TENANT, now, delivered }).reauthorize.length;
  assert.deepEqual(
    [0, 1, 59_999, 60_000, 60_001, 30 * 60_000].map((after) => at(NOW + after)),
    [1, 0, 0, 1, 0, 1],
  );
  const again = receive({ value: [GENUINE] }, [long], { tenant: TENANT, now: NOW, delivered }).changed;
  const late = receive({ value: [GENUINE] }, [long], { tenant: TENANT, now: NOW + 30 * 60_000, delivered }).changed;
  assert.deepEqual([again, late], [true, false], "what bears an id is the same at any time");
});

test("acts on every change that bears no id, though they say the same word for word", () => {
  const { id: _, ...change } = GENUINE;
  const context = { tenant: TENANT, now: NOW, delivered: new Delivered() };
  const acted = [1, 2].map(() => receive({ value: [change] }, [ROW], context).changed);
  assert.deepEqual(acted, [true, true]);
});
