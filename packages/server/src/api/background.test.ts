import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { sql } from "kysely";
import { pino } from "pino";
import { findRun } from "../runs/queries.ts";
import { runSync } from "../runs/run.ts";
import { runSchedule } from "../schedule/schedule.ts";
import { Background } from "./background.ts";
import { createApi } from "./server.ts";
import { type Answer, ask, type Client, NAMES, readEvents, startTestServer, type TestServer } from "./testing.ts";

const API = { consoleFolder: "/nonexistent", demo: false, version: "1.2.3" } as const;
const PEOPLE = `/api/v1/syncs/${NAMES.people}`;

describe("runs behind a request", () => {
  let server: TestServer;
  let client: Client;

  before(async () => {
    server = await startTestServer({ simulator: { people: 40, groups: 3 } });
    client = await server.signIn();
  });
  after(async () => await server.close());

  const finished = async (run: string): Promise<Answer["body"]> => {
    const url = `${server.url}/api/v1/runs/${run}/events`;
    return (await readEvents(url, client.cookie, ({ event }) => event === "finished")).at(-1)?.data;
  };
  const run = async (): Promise<Answer["body"]> => finished((await client.send("POST", `${PEOPLE}/run`)).body.run);
  /** Every answer of the tenant waits until it is let go. */
  const slow = (): (() => void) => {
    const { faults } = server.simulator;
    faults.set([{ action: { type: "slow", ms: 400 } }]);
    return () => faults.clear();
  };

  it("refuses a second run of a sync with the holder's name, and stops the first when asked", async () => {
    await run();
    const fast = slow();
    try {
      const first = await client.send("POST", `${PEOPLE}/run`);
      assert.equal(first.status, 202);
      for (const verb of ["run", "plan"]) {
        const { status, body } = await client.send("POST", `${PEOPLE}/${verb}`);
        assert.equal(status, 409);
        assert.equal(body.code, "lease_held");
        assert.ok(body.detail.includes(`process ${process.pid}`), body.detail);
      }
      const [now] = await readEvents(`${server.url}/api/v1/events`, client.cookie, () => true);
      const under = now?.data.items[0];
      assert.equal(under.id, first.body.run);
      assert.equal(under.here, true);
      const stopped = await client.send("POST", `${PEOPLE}/cancel`);
      assert.deepEqual([stopped.status, stopped.body.id], [202, first.body.run]);
      const ended = await finished(first.body.run);
      assert.equal(ended.result, "cancelled");
    } finally {
      fast();
    }
  });

  it("tells in the stream of everything how the newest run ended, however quick it was", async () => {
    const ended = await run();
    const [now] = await readEvents(`${server.url}/api/v1/events`, client.cookie, () => true);
    assert.deepEqual(now?.data, { items: [], newest: { run: ended.run, result: ended.result } });
  });

  it("logs a run that was started here and failed as the schedule logs its own, without the secret", async () => {
    const { secret } = server.simulator;
    server.simulator.faults.set([{ action: { type: "status", status: 403 } }]);
    try {
      const ended = await run();
      assert.equal(ended.result, "failed");
      const lines = server.log().split("\n");
      const line = lines.find((one) => one.includes(ended.run) && one.includes('"level":50'));
      const { sync, code, msg, result } = JSON.parse(line ?? "{}") as { readonly [name: string]: unknown };
      assert.deepEqual([sync, code, result], [NAMES.people, ended.error.code, "failed"]);
      assert.equal(msg, `${NAMES.people}: ${ended.error.message}`);
      const preview = await client.send("POST", `${PEOPLE}/plan`);
      await readEvents(`${server.url}/api/v1/events`, client.cookie, ({ data }) => data.items.length === 0);
      const { body } = await client.get(`/api/v1/previews/${preview.body.preview}`);
      const told = server
        .log()
        .split("\n")
        .find((one) => one.includes(`The plan of ${NAMES.people} failed.`));
      assert.equal((JSON.parse(told ?? "{}") as { code?: string }).code, body.error.code);
      assert.equal(server.log().includes(secret), false);
    } finally {
      server.simulator.faults.clear();
    }
  });

  it("shows and stops what the schedule of this process runs, as what was started over HTTP", async () => {
    const fast = slow();
    const stopping = new AbortController();
    const log = pino({ level: "silent" });
    const { engine, store } = server.installation;
    const work = new Background(engine, log);
    const one = await createApi({ ...API, store, engine, clock: store.clock, background: work });
    try {
      await store.transaction(async (tx) => {
        const row = await tx.selectFrom("syncs").selectAll().where("name", "=", NAMES.people).executeTakeFirstOrThrow();
        const definition = { ...(JSON.parse(row.definition) as object), schedule: { everyMs: 3_600_000 } };
        await tx
          .updateTable("syncs")
          .set({ definition: JSON.stringify(definition) })
          .where("id", "=", row.id)
          .execute();
        await tx.deleteFrom("runs").where("sync", "=", row.id).execute();
      });
      const scheduled = runSchedule({ engine, log, signal: stopping.signal, run: (given) => work.follow(given) });
      const url = await one.listen({ port: 0, host: "127.0.0.1" });
      const events = await readEvents(`${url}/api/v1/events`, client.cookie, ({ data }) => data.items.length > 0);
      const under = events.at(-1)?.data.items[0];
      assert.deepEqual([under.here, under.holder, under.kind], [true, null, "run"]);
      const headers = { cookie: client.cookie, "x-csrf-token": client.csrf };
      const stopped = await ask(`${url}${PEOPLE}/cancel`, { method: "POST", headers });
      assert.deepEqual([stopped.status, stopped.body.id], [202, under.id]);
      const ended = await finished(under.id);
      assert.deepEqual([ended.result, ended.failed], ["cancelled", 0]);
      stopping.abort();
      await scheduled;
    } finally {
      stopping.abort();
      fast();
      await one.close();
    }
  });

  it("shows that a run waits for a busy service, here and in another process, and logs it", async () => {
    const message = /^Microsoft Graph is busy \(429\); trying again in 30 s \(attempt 2 of \d\)$/;
    const busy = { type: "status", status: 429, retryAfter: 30 } as const;
    const { faults } = server.simulator;
    const { engine, store } = server.installation;
    const waiting = async (): Promise<Answer["body"]> => {
      const url = `${server.url}/api/v1/events`;
      const events = await readEvents(url, client.cookie, ({ data }) => data.items[0]?.progress.waiting !== undefined);
      return events.at(-1)?.data.items[0];
    };
    faults.set([{ method: "GET", path: "/users/**", action: busy }]);
    const elsewhere = new AbortController();
    try {
      const started = await client.send("POST", `${PEOPLE}/run`);
      const own = await waiting();
      assert.equal(own.here, true);
      assert.match(own.progress.waiting.message, message);
      const { status, seconds, service } = own.progress.waiting;
      assert.deepEqual([status, seconds, service], [429, 30, "Microsoft Graph"]);
      assert.match((await client.get(`/api/v1/runs/${started.body.run}`)).body.progress.waiting.message, message);
      assert.match(server.log(), /"level":40[^\n]*"status":429[^\n]*: Microsoft Graph is busy \(429\); trying again/);
      await client.send("POST", `${PEOPLE}/cancel`);
      await finished(started.body.run);

      const { id } = await store.db
        .selectFrom("syncs")
        .select("id")
        .where("name", "=", NAMES.people)
        .executeTakeFirstOrThrow();
      const actor = { kind: "system", id: "test" } as const;
      const other = runSync(engine, { sync: id, actor, signal: elsewhere.signal, onProgress: () => undefined });
      const theirs = await waiting();
      assert.equal(theirs.here, false);
      assert.match(theirs.progress.waiting.message, message);
      elsewhere.abort();
      assert.equal((await other).result, "cancelled");
    } finally {
      elsewhere.abort();
      faults.clear();
    }
  });

  it("cuts a stream of events whose store fails, so that nobody takes it for ended, and logs it", async () => {
    const { store } = server.installation;
    const stream = await fetch(`${server.url}/api/v1/events`, { headers: { cookie: client.cookie } });
    const text = stream.text();
    const rename = (from: string, to: string): Promise<unknown> =>
      store.transaction((tx) => sql.raw(`alter table ${from} rename to ${to}`).execute(tx));
    await rename("leases", "leases_gone");
    try {
      await assert.rejects(text, /terminated/);
    } finally {
      await rename("leases_gone", "leases");
    }
    const line = server
      .log()
      .split("\n")
      .find((one) => one.includes("broke off"));
    const { level, request, route } = JSON.parse(line ?? "{}") as { readonly [name: string]: unknown };
    assert.deepEqual([level, route], [50, "/api/v1/events"]);
    assert.match(String(request), /^request_/);
  });

  it("logs every fault of its own with the request and its route, which the answer names", async () => {
    const { store } = server.installation;
    const rename = (from: string, to: string): Promise<unknown> =>
      store.transaction((tx) => sql.raw(`alter table ${from} rename to ${to}`).execute(tx));
    await rename("plans", "plans_gone");
    try {
      const { status, body } = await client.get(`${PEOPLE}`);
      assert.ok(status >= 500, String(status));
      const line = server
        .log()
        .split("\n")
        .find((one) => one.includes('"route":"/api/v1/syncs/:name"') && /"level":[45]0/.test(one));
      const { request, code } = JSON.parse(line ?? "{}") as { readonly [name: string]: unknown };
      assert.equal(code, body.code);
      assert.match(String(request), /^request_/);
      if (code === "internal") assert.ok(body.detail.includes(request));
    } finally {
      await rename("plans_gone", "plans");
    }
  });

  it("follows a run of somebody else's from the store, and says that it cannot be stopped here", async () => {
    const fast = slow();
    const controller = new AbortController();
    try {
      const { engine, store } = server.installation;
      const { id } = await store.db
        .selectFrom("syncs")
        .select("id")
        .where("name", "=", NAMES.people)
        .executeTakeFirstOrThrow();
      const actor = { kind: "command", id: "somebody" } as const;
      const elsewhere = runSync(engine, { sync: id, actor, signal: controller.signal, onProgress: () => undefined });
      const events = await readEvents(
        `${server.url}/api/v1/events`,
        client.cookie,
        ({ data }) => data.items.length > 0,
      );
      const under = events.at(-1)?.data.items[0];
      assert.equal(under.here, false);
      assert.equal(under.sync, id);
      const refused = await client.send("POST", `${PEOPLE}/cancel`);
      assert.deepEqual([refused.status, refused.body.code], [409, "run_elsewhere"]);
      assert.match(under.holder, new RegExp(`^process ${process.pid} on .+$`));
      assert.ok(refused.body.detail.includes(under.holder), refused.body.detail);
      controller.abort();
      const { run: ended } = await elsewhere;
      assert.equal((await finished(ended)).result, "cancelled");
    } finally {
      fast();
    }
  });

  it("holds what the guard stops, shows it with names, and applies exactly it when approved", async () => {
    await run();
    const { body: people } = await client.get("/api/v1/people?search=e&limit=200");
    const linked: string[] = [];
    for (const { id } of people.items) {
      const { body } = await client.get(`/api/v1/people/${id}`);
      if (body.items[0].links.length > 0 && body.items[0].accountEnabled) linked.push(id);
    }
    const leavers = linked.slice(0, 8);
    for (const id of leavers) await server.graph("DELETE", `/users/${id}`);
    assert.equal((await run()).result, "held");

    const { body: sync } = await client.get(PEOPLE);
    const [held] = sync.status.held;
    const { body: waiting } = await client.get("/api/v1/plans?state=held");
    assert.deepEqual(
      waiting.items.map(({ plan, digest, sync: of }: { plan: string; digest: string; sync: string }) => [
        plan,
        digest,
        of,
      ]),
      [[held.plan, held.digest, sync.id]],
    );
    assert.match(held.holds[0].detail, /\d/);
    const { body: changes } = await client.get(`/api/v1/plans/${held.plan}/changes`);
    assert.deepEqual(new Set(changes.items.map(({ objectId }: { objectId: string }) => objectId)), new Set(leavers));
    assert.equal(changes.items.length, leavers.length);
    for (const change of changes.items) assert.ok(change.name && change.action === "disable" && change.reason);

    const foreign = held.digest.replace(/^./, (first: string) => (first === "f" ? "0" : "f"));
    const other = await client.send("POST", `${PEOPLE}/plans/${foreign}/approve`);
    assert.equal(other.body.code, "plan_stale");

    const rejected = await client.send("POST", `${PEOPLE}/plans/${held.digest}/reject`);
    assert.equal(rejected.status, 204);
    assert.deepEqual((await client.get(PEOPLE)).body.status.held, []);

    assert.equal((await run()).result, "held");
    const again = (await client.get(PEOPLE)).body.status.held[0];
    const approved = await client.send("POST", `${PEOPLE}/plans/${again.digest}/approve`);
    assert.equal(approved.status, 202);
    const done = await finished(approved.body.run);
    assert.deepEqual([done.result, done.counts.disable], ["succeeded", leavers.length]);
    assert.deepEqual((await client.get(PEOPLE)).body.status.held, []);
    const twice = await client.send("POST", `${PEOPLE}/plans/${again.digest}/approve`);
    assert.deepEqual([twice.status, twice.body.code], [409, "plan_stale"]);
  });

  it("stops runs and streams when the server closes, and loses nothing", async () => {
    const one = await startTestServer({ simulator: { people: 40, groups: 3, latencyMs: 300 } });
    const signedIn = await one.signIn();
    const started = await signedIn.send("POST", `${PEOPLE}/run`);
    assert.equal(started.status, 202);
    const stream = await fetch(`${one.url}/api/v1/events`, { headers: { cookie: signedIn.cookie } });
    const text = stream.text().catch(() => "cut");
    try {
      await one.stop();
      await text; // The stream was ended, not left hanging.
      const ended = await findRun(one.installation.store, started.body.run);
      assert.deepEqual([ended?.phase, ended?.result, ended?.error?.code], ["finished", "cancelled", "cancelled"]);
    } finally {
      await one.close();
    }
  });
});
