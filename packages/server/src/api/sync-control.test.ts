import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { runSync } from "../runs/run.ts";
import { type Client, NAMES, readEvents, startTestServer, type TestServer } from "./testing.ts";

const PEOPLE = `/api/v1/syncs/${NAMES.people}`;

describe("keeping a sync from running", () => {
  let server: TestServer;
  let client: Client;

  before(async () => {
    server = await startTestServer({ simulator: { people: 20, groups: 3 } });
    client = await server.signIn();
  });
  after(async () => await server.close());

  it("pauses it with a note and an end, refuses to run it, and resumes it", async () => {
    const until = server.installation.store.clock.now() + 3_600_000;
    const paused = await client.put("POST", `${PEOPLE}/pause`, { until, note: " Maintenance " });
    assert.equal(paused.status, 200);
    const { body: sync } = await client.get(PEOPLE);
    assert.deepEqual(sync.status.paused, paused.body);
    assert.deepEqual([sync.status.paused.note, sync.status.paused.until], ["Maintenance", until]);
    const refused = await client.send("POST", `${PEOPLE}/run`);
    assert.deepEqual([refused.status, refused.body.code], [409, "sync_paused"]);
    const anyway = await client.put("POST", `${PEOPLE}/run`, { anyway: true });
    assert.equal(anyway.status, 202);
    await readEvents(
      `${server.url}/api/v1/runs/${anyway.body.run}/events`,
      client.cookie,
      ({ event }) => event === "finished",
    );
    assert.deepEqual((await client.send("POST", `${PEOPLE}/resume`)).body, { resumed: true });
    assert.deepEqual((await client.send("POST", `${PEOPLE}/resume`)).body, { resumed: false });
    assert.equal((await client.get(PEOPLE)).body.status.paused, null);
  });

  it("refuses a pause that would be over already", async () => {
    const { status, body } = await client.put("POST", `${PEOPLE}/pause`, { until: 1 });
    assert.deepEqual([status, body.code], [400, "request_invalid"]);
  });

  it("stops what another process runs, and says so when nothing does", async () => {
    const idle = await client.send("POST", `${PEOPLE}/stop`);
    assert.deepEqual([idle.status, idle.body.code], [409, "not_running"]);
    const { faults } = server.simulator;
    faults.set([{ action: { type: "slow", ms: 600_000 } }]);
    try {
      const { engine } = server.installation;
      const { body: sync } = await client.get(PEOPLE);
      const begun = Promise.withResolvers<string | null>();
      const elsewhere = runSync(engine, {
        sync: sync.id,
        actor: { kind: "command", id: "somebody" },
        signal: new AbortController().signal,
        onProgress: () => undefined,
        onBegin: begun.resolve,
      });
      const run = await begun.promise;
      const asked = await client.send("POST", `${PEOPLE}/stop`);
      assert.equal(asked.status, 202);
      assert.equal(asked.body.run, run);
      assert.match(asked.body.holder, new RegExp(`^process ${process.pid} on `));
      const ended = await elsewhere;
      assert.equal(ended.result, "cancelled");
      assert.match(ended.error?.message ?? "", /^The run was stopped by /);
      const { body } = await client.get(`/api/v1/runs/${run}`);
      assert.equal(body.stoppedBy.kind, "operator");
    } finally {
      faults.clear();
    }
  });
});
