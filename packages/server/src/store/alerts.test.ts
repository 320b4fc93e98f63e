import assert from "node:assert/strict";
import { it } from "node:test";
import type { Selectable } from "kysely";
import { openAt } from "../alerts/testing.ts";
import { DAY, type TestClock, testClock } from "../runs/testing/time.ts";
import { beginAttempt, channelsDue, endAttempt, nextDelivery } from "./alerts.ts";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";
import { eachEngine, type TestEngine } from "./testing.ts";

/** A channel by its id, with one alert that is due for it. */
async function raised(engine: TestEngine, clock: TestClock): Promise<{ readonly store: Store; readonly id: string }> {
  const { store, raise } = await openAt(engine, clock, { desk: "http://127.0.0.1:9/" });
  await raise();
  return { store, ...(await store.db.selectFrom("channels").select("id").executeTakeFirstOrThrow()) };
}

function rowOf(store: Store): Promise<Selectable<DB["alert_deliveries"]>> {
  return store.db.selectFrom("alert_deliveries").selectAll().executeTakeFirstOrThrow();
}

eachEngine((engine) => {
  it("lets the late failure of one attempt undo nothing that a later attempt did", async () => {
    const clock = testClock();
    const { store, id } = await raised(engine, clock);
    const first = await nextDelivery(store, id);
    assert.ok(first !== null && (await beginAttempt(store, first, clock.now())));
    const second = await nextDelivery(store, id);
    assert.ok(second !== null && (await beginAttempt(store, second, clock.now() + DAY)));
    const begun = await rowOf(store);
    const failed = { accepted: false, failure: "It answered 500.", nextAt: clock.now() };
    await endAttempt(store, first, failed);
    assert.deepEqual(await rowOf(store), begun);
    await endAttempt(store, second, { accepted: true, failure: null, nextAt: null });
    const accepted = await rowOf(store);
    assert.deepEqual([accepted.next_at, accepted.accepted_at === null], [null, false]);
    await endAttempt(store, first, failed);
    await endAttempt(store, second, failed);
    assert.deepEqual(await rowOf(store), accepted);
  });

  it("keeps that an alert was accepted, however late that is heard", async () => {
    const clock = testClock();
    const { store, id } = await raised(engine, clock);
    const first = await nextDelivery(store, id);
    assert.ok(first !== null && (await beginAttempt(store, first, clock.now())));
    const second = await nextDelivery(store, id);
    assert.ok(second !== null && (await beginAttempt(store, second, clock.now())));
    await endAttempt(store, first, { accepted: true, failure: null, nextAt: null });
    await endAttempt(store, second, { accepted: false, failure: "It answered 500.", nextAt: clock.now() });
    assert.equal(await nextDelivery(store, id), null);
    assert.equal((await rowOf(store)).failure, null);
  });

  it("has nothing due for a disabled channel, whatever came to wait there", async () => {
    const { store, id } = await raised(engine, testClock());
    assert.deepEqual(await channelsDue(store), [id]);
    assert.notEqual(await nextDelivery(store, id), null);
    const disabled = { disabled_at: store.clock.now(), disabled_of: "It answered 410." };
    await store.transaction((tx) => tx.updateTable("channels").set(disabled).execute());
    assert.deepEqual(await channelsDue(store), []);
    assert.equal(await nextDelivery(store, id), null);
  });
});
