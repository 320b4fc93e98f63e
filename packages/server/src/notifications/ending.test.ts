import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startTestServer, type TestServer } from "../api/testing.ts";
import { systemClock } from "../clock.ts";
import type { RunLog } from "../runs/tell.ts";
import { subscriptionRows } from "../store/subscriptions.ts";
import { endSubscriptions } from "./ending.ts";
import { Watch } from "./watch.ts";

interface Scene {
  readonly server: TestServer;
  readonly connection: string;
  /** What was told as a warning. */
  readonly told: string[];
  later(ms: number): void;
  /** One look of a server at an origin, or of one without any. */
  look(origin: string | null): Promise<void>;
  /** Where Microsoft tells of changes. */
  addresses(): readonly string[];
}

async function sceneOf(context: TestContext): Promise<Scene> {
  let ahead = 0;
  const told: string[] = [];
  const log: RunLog = {
    debug: () => {},
    info: () => {},
    warn: (_facts, message) => void told.push(message),
    error: (_facts, message) => void told.push(message),
  };
  // Each server has its own watch; what is delivered to any address reaches the first one's inbox.
  const watches = new Map<string | null, Watch>();
  const server = await startTestServer({
    definition: { schedule: { everyMs: 24 * 3_600_000 } },
    clock: { ...systemClock, now: () => Date.now() + ahead },
    api: (installation) => {
      const watch = new Watch(installation, log, context.signal);
      watches.set("first", watch);
      return { inbox: watch.inbox };
    },
  });
  context.after(() => server.close());
  const watchAt = (origin: string | null): Watch => {
    const key = origin === server.url ? "first" : origin;
    const watch = watches.get(key) ?? new Watch(server.installation, log, context.signal);
    watches.set(key, watch);
    return watch;
  };
  const row = await server.installation.store.db.selectFrom("connections").select("id").executeTakeFirstOrThrow();
  return {
    server,
    connection: row.id,
    told,
    later: (ms) => {
      ahead += ms;
    },
    look: (origin) => watchAt(origin).look(origin),
    addresses: () => server.simulator.notifications.subscriptions().map(({ notificationUrl }) => notificationUrl),
  };
}

test("a server without a public address removes at Microsoft what one with an address left behind", async (t) => {
  const { server, connection, look, later, addresses } = await sceneOf(t);
  await look(server.url);
  assert.equal(addresses().length, 1);
  await look(null);
  assert.equal(addresses().length, 1, "the server that has the address may still run");
  later(6 * 60_000);
  await look(null);
  assert.deepEqual(addresses(), []);
  assert.deepEqual(await subscriptionRows(server.installation.store, connection), []);
});

test("of two servers at different addresses on one store one has Microsoft tell it, until it is gone", async (t) => {
  const { server, look, later, addresses, told } = await sceneOf(t);
  const other = server.url.replace("127.0.0.1", "localhost");
  await look(server.url);
  const [first] = addresses();
  for (let minute = 0; minute < 10; minute += 1) {
    later(60_000);
    await look(server.url);
    await look(other);
  }
  assert.deepEqual(addresses(), [first]);
  const about = told.filter((text) => text.includes(other));
  assert.equal(about.length, 1, "told once");
  assert.match(about[0] ?? "", new RegExp(`${server.url}.*--public-url`));
  later(6 * 60_000);
  await look(other);
  assert.equal(addresses().length, 1);
  assert.ok(addresses()[0]?.startsWith(other), "the first one's subscription is gone");
});

test("what cannot be removed at Microsoft is told with its end, and tried again by who goes on", async (t) => {
  const { server, connection, look, later, addresses, told } = await sceneOf(t);
  const { store } = server.installation;
  await look(server.url);
  server.simulator.faults.set([{ path: "/subscriptions/*", action: { type: "status", status: 503 } }]);
  const row = await store.db.selectFrom("connections").selectAll().executeTakeFirstOrThrow();
  const open = () => server.installation.openSubscriptions(row);
  const ended = await endSubscriptions({ store, open, signal: t.signal }, row);
  assert.deepEqual([ended.removed, ended.left], [0, 1]);
  assert.ok((ended.until ?? 0) > store.clock.now());
  assert.match(ended.why ?? "", /503|Graph/);
  server.simulator.faults.set([]);
  later(30 * 60_000);
  await look(null);
  assert.deepEqual(addresses(), []);
  assert.deepEqual(await subscriptionRows(store, connection), []);
  assert.deepEqual(told, []);
});
