import assert from "node:assert/strict";
import { it } from "node:test";
import { ConnectorError, type Value } from "@entrain/core";
import { newId } from "../clock.ts";
import { install } from "../config/testing.ts";
import type { Lease, Store } from "../store/store.ts";
import { eachEngine, type TestEngine } from "../store/testing.ts";
import { readLease, withLease } from "./lease.ts";
import { tellQuarantine, tellRecovery, tellRunEnd, toldReading } from "./tell-failures.ts";
import { DAY, MINUTE, type TestClock, testClock } from "./testing/time.ts";

const CHANNEL = '{ type: webhook, url: "http://127.0.0.1:9/hook", secret: { env: HOOK } }';
const ENTRIES = `
connections:
  contoso:
    cloud: { kind: custom, login: "http://127.0.0.1:9", graph: "http://127.0.0.1:9" }
    tenant: 11111111-1111-4111-8111-111111111111
    client: 22222222-2222-4222-8222-222222222222
    credential: { kind: secret, secret: { env: TENANT } }
targets:
  portal: { type: portal }
syncs:
  people:
    connection: contoso
    target: portal
    records: requester
    mapping: { userName: { direct: userPrincipalName }, displayName: { direct: displayName } }
    matching: [userName]
    operations: { create: true, update: true, remove: true }
    deprovision: { outOfScope: disable, disabled: disable, deleted: delete }
    guard: { removals: { percent: 10, count: 500, window: 24h }, members: { percent: 10, count: 500, window: 24h } }
    schedule: manual
`;
const ERROR = { code: "unreachable", message: "desk.example.com could not be reached.", fix: "Check the network." };
const NOBODY = new AbortController().signal;

interface Scene {
  readonly store: Store;
  readonly clock: TestClock;
  readonly sync: { readonly id: string; readonly name: string };
  readonly connection: { readonly id: string; readonly name: string };
  readonly apply: Awaited<ReturnType<typeof install>>["apply"];
  /** One run after another, an hour apart. */
  run(...results: readonly string[]): Promise<void>;
  /** One read after another, so far apart. */
  read(apartMs: number, ...faults: readonly unknown[]): Promise<void>;
  quarantine(): Promise<void>;
  recover(): Promise<void>;
  /** What was told, as `type field…`. */
  told(): Promise<readonly string[]>;
  data(type: string): Promise<{ readonly [field: string]: Value }>;
}

async function open(engine: TestEngine, channels = `{ desk: ${CHANNEL} }`): Promise<Scene> {
  const clock = testClock();
  const store = await engine.open({ clock });
  const { apply } = await install(store);
  await apply(`${ENTRIES}channels: ${channels}\n`);
  const [sync, connection] = [await rowOf(store, "syncs"), await rowOf(store, "connections")];
  const quarantined = { sync, reason: "Ten runs in a row failed.", fix: "Mend the desk.", nextAt: clock.now() + DAY };
  return {
    store,
    clock,
    sync,
    connection,
    apply,
    run: async (...results) => {
      for (const result of results) {
        clock.advance(60 * MINUTE);
        const error = result === "failed" ? ERROR : null;
        const end = { sync: sync.id, run: newId(clock, "run"), result, error };
        await store.transaction((tx) => tellRunEnd(tx, store, end));
      }
    },
    read: async (apartMs, ...faults) => {
      for (const fault of faults) {
        clock.advance(apartMs);
        await readOnce(store, connection, fault);
      }
    },
    quarantine: async () => {
      clock.advance(MINUTE);
      await store.transaction((tx) => tellQuarantine(tx, store, quarantined));
    },
    recover: () => store.transaction((tx) => tellRecovery(tx, store, { sync })),
    told: async () => (await alertsIn(store)).map(({ type }) => type),
    data: async (type) => {
      const found = (await alertsIn(store)).findLast((one) => one.type === type);
      return JSON.parse(found?.data ?? "{}") as { readonly [field: string]: Value };
    },
  };
}

async function readOnce(store: Store, connection: Scene["connection"], fault: unknown): Promise<void> {
  const work = async (lease: Lease): Promise<void> =>
    await toldReading({ store, connection, lease }, NOBODY, async () => {
      if (fault !== null) throw fault;
    });
  const options = { wait: false, signal: NOBODY, what: "The read" };
  const reading = withLease(store, readLease(connection.id), options, work);
  if (fault === null) await reading;
  else await assert.rejects(reading, (error) => error === fault);
}

async function rowOf(
  store: Store,
  table: "syncs" | "connections",
): Promise<{ readonly id: string; readonly name: string }> {
  return await store.db.selectFrom(table).select(["id", "name"]).executeTakeFirstOrThrow();
}

async function alertsIn(store: Store): Promise<readonly { readonly type: string; readonly data: string }[]> {
  return await store.db.selectFrom("alerts").select(["type", "data"]).orderBy("at").orderBy("id").execute();
}

const unread = (): ConnectorError =>
  new ConnectorError("unreachable", "graph.example.com could not be reached.", { stops: "run", retry: "later" });

eachEngine((engine) => {
  it("tells of a sync after three failed runs in a row, once, and again a day later while it goes on", async () => {
    const scene = await open(engine);
    await scene.run("failed", "failed");
    assert.deepEqual(await scene.told(), []);
    await scene.run("failed", "failed", "failed", "failed");
    assert.deepEqual(await scene.told(), ["sync.failing"]);
    const { since, run, ...data } = await scene.data("sync.failing");
    assert.deepEqual(data, {
      sync: "people",
      connection: "contoso",
      failures: 3,
      code: "unreachable",
      detail: `The last 3 runs failed: ${ERROR.message}`,
      fix: ERROR.fix,
    });
    assert.match(String(since), /^2031-03-03T09:00:00\.\d+Z$/);
    assert.match(String(run), /^run_/);
    for (let hour = 0; hour < 20; hour += 1) await scene.run("failed");
    assert.deepEqual(await scene.told(), ["sync.failing"]);
    await scene.run("failed", "failed");
    assert.deepEqual(await scene.told(), ["sync.failing", "sync.failing"]);
    assert.equal((await scene.data("sync.failing")).failures, 27);
  });

  it("tells that a sync works again when it was told that it did not, and of nothing else", async () => {
    const scene = await open(engine);
    await scene.run("failed", "failed", "succeeded", "failed", "failed", "partial", "failed", "cancelled", "held");
    assert.deepEqual(await scene.told(), []);
    await scene.run("failed", "failed", "cancelled", "failed", "succeeded", "succeeded");
    assert.deepEqual(await scene.told(), ["sync.failing", "sync.recovered"]);
    const { detail, was, fix } = await scene.data("sync.recovered");
    assert.deepEqual([was, fix], ["failing", "Nothing needs to be done."]);
    assert.match(String(detail), /^It works again; it failed since 2031-03-03 \d\d:\d\d UTC\.$/);
    await scene.run("failed", "failed", "failed");
    assert.deepEqual(await scene.told(), ["sync.failing", "sync.recovered", "sync.failing"]);
  });

  it("tells whoever is added while a sync fails, and only channels that want to hear of it", async () => {
    const scene = await open(engine, "{}");
    await scene.run("failed", "failed", "failed", "failed");
    assert.deepEqual(await scene.told(), []);
    const types = (names: string): string => CHANNEL.replace(/ \}$/, `, types: [${names}] }`);
    await scene.apply(`channels: { other: ${types("plan.held, credential.expired")} }`);
    await scene.run("failed");
    assert.deepEqual(await scene.told(), []);
    await scene.apply(`channels: { desk: ${types("sync.failing")} }`);
    await scene.run("failed");
    assert.deepEqual(await scene.told(), ["sync.failing"]);
    const sent = await scene.store.db
      .selectFrom("alert_deliveries")
      .innerJoin("channels", "channels.id", "alert_deliveries.channel")
      .select("channels.name")
      .execute();
    assert.deepEqual(sent, [{ name: "desk" }]);
  });

  it("tells of a connection that cannot be read, and not of each of its syncs beside it", async () => {
    const scene = await open(engine);
    // Several syncs see the same failure at once.
    await scene.read(1_000, unread(), unread(), unread(), unread());
    assert.deepEqual(await scene.told(), []);
    await scene.run("failed", "failed", "failed");
    assert.deepEqual(await scene.told(), []);
    await scene.read(MINUTE, unread(), unread(), unread());
    assert.deepEqual(await scene.told(), ["connection.failing"]);
    const { since, ...data } = await scene.data("connection.failing");
    assert.deepEqual(data, {
      connection: "contoso",
      failures: 3,
      code: "unreachable",
      detail: "It could not be read 3 times in a row: graph.example.com could not be reached.",
      fix: "Check the address, the network and any proxy, then try again.",
    });
    await scene.read(MINUTE, null, null);
    assert.deepEqual(await scene.told(), ["connection.failing", "connection.recovered"]);
    await scene.run("failed");
    assert.deepEqual(await scene.told(), ["connection.failing", "connection.recovered", "sync.failing"]);
  });

  it("blames no connection for the store, or for whoever stopped the read", async () => {
    const scene = await open(engine);
    const ours = new ConnectorError("store_failed", "The disk is full.", { stops: "run", retry: "later" });
    await scene.read(MINUTE, ours, ours, ours, ours);
    assert.deepEqual(await scene.told(), []);
    assert.deepEqual(await scene.store.db.selectFrom("alert_episodes").selectAll().execute(), []);
  });

  it("tells of a quarantine when it begins, at most daily while it lasts, and once when it ends", async () => {
    const scene = await open(engine);
    await scene.run("failed", "failed", "failed");
    await scene.quarantine();
    assert.deepEqual(await scene.told(), ["sync.failing", "sync.quarantined"]);
    const { since, nextRunAt, ...data } = await scene.data("sync.quarantined");
    assert.deepEqual(data, {
      sync: "people",
      detail: "It is in quarantine: Ten runs in a row failed.",
      fix: "Mend the desk.",
    });
    for (const time of [since, nextRunAt]) assert.match(String(time), /^2031-03-0\dT/);
    await scene.quarantine();
    for (let hour = 0; hour < 30; hour += 1) await scene.run("failed");
    assert.deepEqual(await scene.told(), ["sync.failing", "sync.quarantined"]);
    await scene.quarantine();
    assert.deepEqual(await scene.told(), ["sync.failing", "sync.quarantined", "sync.quarantined"]);
    await scene.run("succeeded");
    await scene.recover();
    await scene.recover();
    await scene.run("succeeded");
    assert.deepEqual((await scene.told()).slice(3), ["sync.recovered"]);
    assert.equal((await scene.data("sync.recovered")).was, "quarantined");
    await scene.run("failed", "failed");
    assert.equal((await scene.told()).length, 4);
  });

  it("tells nothing of the end of what nobody was told of", async () => {
    const scene = await open(engine, "{}");
    await scene.quarantine();
    await scene.apply(`channels: { desk: ${CHANNEL} }`);
    await scene.recover();
    assert.deepEqual(await scene.told(), []);
  });

  it("tells all or nothing of what its transaction tells, and forgets with a sync what went on", async () => {
    const scene = await open(engine);
    const { store, sync } = scene;
    await scene.run("failed", "failed");
    const end = { sync: sync.id, run: "run_1", result: "failed", error: ERROR };
    const broken = store.transaction(async (tx) => {
      await tellRunEnd(tx, store, end);
      throw new Error("power cut");
    });
    await assert.rejects(broken, /power cut/);
    assert.deepEqual(await scene.told(), []);
    await scene.run("failed");
    assert.deepEqual(await scene.told(), ["sync.failing"]);
    await scene.apply("syncs: {}", { prune: true });
    assert.deepEqual(await store.db.selectFrom("alert_episodes").selectAll().execute(), []);
  });

  it("begins the day anew where the clock was set back", async () => {
    const scene = await open(engine);
    await scene.run("failed", "failed", "failed");
    scene.clock.advance(-365 * DAY);
    await scene.run("failed");
    assert.equal((await scene.told()).length, 2);
  });

  it("tells a sentence of what went wrong, and not a page", async () => {
    const scene = await open(engine);
    await scene.run("failed", "failed");
    const error = { ...ERROR, message: `${"山".repeat(5_000)}\n${"x".repeat(5_000)}` };
    const end = { sync: scene.sync.id, run: "run_1", result: "failed", error };
    await scene.store.transaction((tx) => tellRunEnd(tx, scene.store, end));
    const { detail } = await scene.data("sync.failing");
    assert.ok(String(detail).length < 500 && !String(detail).includes("\n"));
  });
});
