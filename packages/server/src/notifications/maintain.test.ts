import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type TestContext, test } from "node:test";
import type { Subscriptions } from "@entrain/connectors/entra";
import { startTestServer, type TestServer } from "../api/testing.ts";
import { systemClock } from "../clock.ts";
import type { RunLog } from "../runs/tell.ts";
import { Upkeep } from "../runs/upkeep.ts";
import { forgetSubscription, markReauthorize, type SubscriptionRow, subscriptionRows } from "../store/subscriptions.ts";
import { maintainSubscriptions, type OpenSubscriptions } from "./maintain.ts";
import { Watch } from "./watch.ts";

const SILENT: RunLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

interface Scene {
  readonly server: TestServer;
  readonly connection: string;
  later(ms: number): void;
  /** One look at the subscriptions; `bend` puts something between this server and Microsoft. */
  look(bend?: (subscriptions: Subscriptions) => Subscriptions): Promise<void>;
  row(): Promise<SubscriptionRow | undefined>;
  /** How often something was sent to such a path. */
  sent(method: string, path: RegExp): number;
  /** As a server that was just started. */
  restart(): void;
}

async function sceneOf(context: TestContext): Promise<Scene> {
  let ahead = 0;
  const inboxes: Watch["inbox"][] = [];
  const server = await startTestServer({
    definition: { schedule: { everyMs: DAY } },
    clock: { ...systemClock, now: () => Date.now() + ahead },
    api: (installation) => {
      const { inbox } = new Watch(installation, SILENT, context.signal);
      inboxes.push(inbox);
      return { inbox };
    },
  });
  context.after(() => server.close());
  const { installation, simulator } = server;
  const { id } = await installation.store.db.selectFrom("connections").select("id").executeTakeFirstOrThrow();
  const checked = new Set<string>();
  const upkeep = new Upkeep();
  return {
    server,
    connection: id,
    later: (ms) => {
      ahead += ms;
    },
    look: async (bend = (subscriptions) => subscriptions) => {
      const open = (row: Parameters<typeof installation.openSubscriptions>[0]): OpenSubscriptions => {
        const opened = installation.openSubscriptions(row);
        return { subscriptions: bend(opened.subscriptions), close: () => opened.close() };
      };
      const { store } = installation;
      const changed = (): void => {
        for (const inbox of inboxes) inbox.forget();
      };
      const own = { origin: server.url, log: SILENT, signal: context.signal };
      await maintainSubscriptions({ store, open, ...own, upkeep, checked, changed });
    },
    row: async () => (await subscriptionRows(installation.store, id)).find(({ watched }) => watched === "users"),
    sent: (method, path) =>
      simulator.requests.list().filter((one) => one.method === method && path.test(one.path)).length,
    restart: () => checked.clear(),
  };
}

test("a subscription whose answer was lost is found and made anew, and asked for once each time", async (t) => {
  const { server, later, look, row, sent } = await sceneOf(t);
  const { notifications, faults } = server.simulator;
  faults.set([{ action: { type: "cut", at: "answer" }, method: "POST", path: "/subscriptions", times: 1 }]);
  await look();
  assert.deepEqual([notifications.subscriptions().length, (await row())?.graph_id], [1, null]);
  assert.equal(sent("POST", /\/subscriptions$/), 1);
  later(11 * MINUTE);
  await look();
  const [made, ...more] = notifications.subscriptions();
  assert.deepEqual([made?.id, more], [(await row())?.graph_id, []]);
  assert.equal(sent("POST", /\/subscriptions$/), 2);
});

test("a subscription that no row knows any more, as of a restored store, makes room for a new one", async (t) => {
  const { server, look, row } = await sceneOf(t);
  await look();
  const before = await row();
  assert.ok(before !== undefined);
  await forgetSubscription(server.installation.store, before);
  await look();
  const after = await row();
  assert.notEqual(after?.graph_id, before.graph_id);
  assert.deepEqual(
    server.simulator.notifications.subscriptions().map(({ id }) => id),
    [after?.graph_id],
  );
});

test("another installation's subscription of the same application is left alone, and named", async (t) => {
  const { server, look, row } = await sceneOf(t);
  const elsewhere = createServer((request, response) => {
    const token = new URL(request.url ?? "/", "http://x").searchParams.get("validationToken");
    response.writeHead(200, { "content-type": "text/plain" }).end(token);
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  t.after(() => elsewhere.close());
  const address = elsewhere.address();
  const origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  await look((subscriptions) => ({
    ...subscriptions,
    create: (watched, terms, signal) => {
      const [notificationUrl, lifecycleUrl] = [`${origin}/notifications/a`, `${origin}/notifications/a/lifecycle`];
      return subscriptions.create(watched, { ...terms, notificationUrl, lifecycleUrl }, signal);
    },
  }));
  const there = await row();
  assert.ok(there !== undefined);
  await forgetSubscription(server.installation.store, there);
  await look();
  assert.match((await row())?.failure ?? "", new RegExp(`Another installation has Microsoft tell ${origin} of these`));
  assert.deepEqual(
    server.simulator.notifications.subscriptions().map(({ id }) => id),
    [there.graph_id],
  );
});

test("a subscription that Microsoft grants for three days is renewed once in them, not at every look", async (t) => {
  const { server, later, look } = await sceneOf(t);
  const { store } = server.installation;
  const expiresAt = (): number => store.clock.now() + 3 * DAY;
  let renewals = 0;
  const short = (subscriptions: Subscriptions): Subscriptions => ({
    ...subscriptions,
    create: async (...terms) => ({ ...(await subscriptions.create(...terms)), expiresAt: expiresAt() }),
    renew: async (id) => {
      renewals += 1;
      return { id, expiresAt: expiresAt() };
    },
  });
  for (let hours = 0; hours < 72; hours += 1) {
    await look(short);
    later(60 * MINUTE);
  }
  assert.equal(renewals, 1);
});

test("what Microsoft asks for while a subscription is renewed is not forgotten", async (t) => {
  const { server, connection, later, look, row } = await sceneOf(t);
  await look();
  later(20 * DAY);
  await look((subscriptions) => ({
    ...subscriptions,
    renew: async (id, expiresAt) => {
      await markReauthorize(server.installation.store, connection, id);
      return { id, expiresAt };
    },
  }));
  assert.equal((await row())?.reauthorize, 1);
  let asked = 0;
  await look((subscriptions) => ({
    ...subscriptions,
    reauthorize: async () => {
      asked += 1;
      return true;
    },
  }));
  assert.deepEqual([asked, (await row())?.reauthorize], [1, 0]);
});

test("a server that was just started finds out that a subscription is gone, and looks no further", async (t) => {
  const { server, look, restart, row, sent } = await sceneOf(t);
  await look();
  const { graph_id: gone } = (await row()) ?? {};
  await look((subscriptions) => ({ ...subscriptions, renew: () => assert.fail("it was looked after already") }));
  restart();
  await look((subscriptions) => ({ ...subscriptions, renew: async () => null }));
  assert.notEqual((await row())?.graph_id, gone);
  assert.equal(server.simulator.notifications.subscriptions().length, 1);
  const before = sent("PATCH", /\/subscriptions\//);
  restart();
  await look();
  await look();
  assert.equal(sent("PATCH", /\/subscriptions\//), before + 1);
});
