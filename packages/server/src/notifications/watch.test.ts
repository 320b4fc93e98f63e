import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ask, startTestServer, type TestServer } from "../api/testing.ts";
import type { RunLog } from "../runs/tell.ts";
import { runSchedule } from "../schedule/schedule.ts";
import { subscriptionRows } from "../store/subscriptions.ts";
import { notificationAddress } from "./maintain.ts";
import { Watch } from "./watch.ts";

const SILENT: RunLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** So long that no sync runs by its own time within a test. */
const EVERY_MS = 24 * 3_600_000;

interface Watching {
  readonly server: TestServer;
  readonly connection: string;
  /** How often a delivery was acted on. */
  woken(): number;
  stop(): Promise<void>;
}

/** A server that watches its simulated tenant, with the first syncs done. */
async function watching(context: TestContext): Promise<Watching> {
  const stopping = new AbortController();
  const watches: Watch[] = [];
  const server = await startTestServer({
    definition: { schedule: { everyMs: EVERY_MS } },
    api: (installation) => {
      const watch = new Watch(installation, SILENT, stopping.signal);
      watches.push(watch);
      return { inbox: watch.inbox };
    },
  });
  const [watch] = watches;
  assert.ok(watch !== undefined);
  let woken = 0;
  const wake = watch.wakes.wake.bind(watch.wakes);
  watch.wakes.wake = (...of) => {
    woken += 1;
    wake(...of);
  };
  const { installation } = server;
  const row = await installation.store.db.selectFrom("connections").select("id").executeTakeFirstOrThrow();
  const kept = watch.keep(server.url);
  const scheduled = runSchedule({
    engine: installation.engine,
    log: SILENT,
    signal: stopping.signal,
    wakes: watch.wakes,
  });
  const stop = async (): Promise<void> => {
    stopping.abort();
    await Promise.all([kept, scheduled]);
  };
  context.after(async () => {
    await stop();
    await server.close();
  });
  return { server, connection: row.id, woken: () => woken, stop };
}

/** Resolves when a condition on the outside world holds; the test's own time limit is its end. */
async function until(context: TestContext, holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    context.signal.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function requesterNamed(server: TestServer, name: string): Promise<boolean> {
  const found = await server.installation.store.db
    .selectFrom("portal_requesters")
    .select("id")
    .where("attributes", "like", `%${name}%`)
    .executeTakeFirst();
  return found !== undefined;
}

async function subscribed(server: TestServer, connection: string): Promise<boolean> {
  const rows = await subscriptionRows(server.installation.store, connection);
  return rows.some((row) => row.watched === "users" && row.graph_id !== null);
}

test("a change in the tenant reaches the portal long before the sync's own time", { timeout: 60_000 }, async (t) => {
  const { server, connection } = await watching(t);
  await until(t, () => subscribed(server, connection));
  await until(t, async () =>
    (await server.installation.store.db.selectFrom("runs").select("result").execute()).every(
      (run) => run.result !== null,
    ),
  );
  await join(server, "Nadia Newcomer");
  await until(t, () => requesterNamed(server, "Nadia Newcomer"));
  const deliveries = server.simulator.notifications.deliveries();
  assert.ok(deliveries.some(({ status }) => status === 202));
});

test("forged and flooding deliveries start no run and are all answered alike", {
  timeout: 120_000,
}, async (t) => {
  const { server, connection } = await watching(t);
  await until(t, () => subscribed(server, connection));
  const runs = async (): Promise<number> =>
    (await server.installation.store.db.selectFrom("runs").select("id").execute()).length;
  await until(t, async () =>
    (await server.installation.store.db.selectFrom("runs").select("result").execute()).every(
      (run) => run.result !== null,
    ),
  );
  const before = await runs();
  const [row] = await subscriptionRows(server.installation.store, connection);
  const address = notificationAddress(server.url, connection);
  const forged = { subscriptionId: row?.graph_id, clientState: "guessed", changeType: "updated", resource: "Users/1" };
  const statuses = new Map<number, number>();
  for (let sent = 0; sent < 10_000; sent += 50) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        ask(address, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ value: [{ ...forged, id: `${sent + at}` }] }),
        }),
      ),
    );
    for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  assert.deepEqual([...statuses], [[202, 10_000]]);
  assert.equal(await runs(), before);
});

test("Microsoft's own deliveries wake nothing when somebody sends them again", { timeout: 60_000 }, async (t) => {
  const { server, connection, woken } = await watching(t);
  await until(t, () => subscribed(server, connection));
  const { notifications } = server.simulator;
  const told = () => notifications.deliveries().filter(({ kind, status }) => kind === "change" && status === 202);
  const before = woken();
  await join(server, "Nadia Newcomer");
  await until(t, async () => told().length > 0 && woken() > before);
  await notifications.idle();
  const heard = woken();
  const headers = { "content-type": "application/json" };
  for (const { url, value } of told()) {
    for (let again = 0; again < 100; again += 1) {
      assert.equal((await ask(url, { method: "POST", headers, body: JSON.stringify({ value }) })).status, 202);
    }
  }
  assert.equal(woken(), heard);
});

test("answers Microsoft's handshake for a connection that is being subscribed to, and for no other", async (t) => {
  const { server, connection } = await watching(t);
  await until(t, () => subscribed(server, connection));
  const handshake = (id: string): ReturnType<typeof ask> =>
    ask(`${notificationAddress(server.url, id)}?validationToken=Validation%3A%20Testing%20%3Ctoken%3E`, {
      method: "POST",
      headers: { "content-type": "text/plain; charset=utf-8" },
    });
  const answer = await handshake(connection);
  assert.equal(answer.status, 200);
  assert.equal(answer.text, "Validation: Testing <token>");
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain/);
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  assert.equal((await handshake("connection_unknown")).status, 404);
});

test("what is posted to an address that there is not is not even read", async (t) => {
  const { server, connection } = await watching(t);
  await until(t, () => subscribed(server, connection));
  const headers = { "content-type": "application/json" };
  const post = async (id: string, body: string): Promise<number> =>
    (await ask(notificationAddress(server.url, id), { method: "POST", headers, body })).status;
  assert.equal(await post(connection, "{"), 400);
  assert.equal(await post("connection_unknown", "{"), 202);
  assert.equal(await post("x".repeat(1000), "{"), 202);
});

test("a subscription that Microsoft wants authorized anew stays", { timeout: 60_000 }, async (t) => {
  const { server, connection } = await watching(t);
  await until(t, () => subscribed(server, connection));
  const asked = (): number =>
    server.simulator.requests.list().filter(({ path }) => path.endsWith("/reauthorize")).length;
  server.simulator.notifications.challenge();
  await until(t, async () => asked() > 0);
  await until(t, async () =>
    (await subscriptionRows(server.installation.store, connection)).every((row) => row.reauthorize === 0),
  );
});

/** Somebody new in the tenant. */
async function join(server: TestServer, displayName: string): Promise<void> {
  await server.graph("POST", "/users", {
    accountEnabled: true,
    displayName,
    mailNickname: "newcomer",
    userPrincipalName: `newcomer@${await domainOf(server)}`,
    passwordProfile: { password: "simulated-Only-1" },
  });
}

async function domainOf(server: TestServer): Promise<string> {
  const { store } = server.installation;
  const row = await store.db
    .selectFrom("records")
    .select("attributes")
    .where("kind", "=", "user")
    .executeTakeFirstOrThrow();
  const { userPrincipalName } = JSON.parse(row.attributes) as { readonly userPrincipalName: string };
  return userPrincipalName.split("@").at(-1) ?? "";
}
