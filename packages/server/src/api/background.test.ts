import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { findRun } from "../runs/queries.ts";
import { runSync } from "../runs/run.ts";
import { type Answer, type Client, NAMES, readEvents, startTestServer, type TestServer } from "./testing.ts";

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

    const other = await client.send("POST", `${PEOPLE}/plans/${held.digest.replace(/^./, "f")}/approve`);
    if (!held.digest.startsWith("f")) assert.equal(other.body.code, "plan_stale");

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
