import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { planRemoval } from "../runs/remove/remove.ts";
import { type Client, NAMES, readEvents, startTestServer, type TestServer } from "./testing.ts";

const PEOPLE = `/api/v1/syncs/${NAMES.people}`;

describe("reconciling and removing over HTTP", () => {
  let server: TestServer;
  let client: Client;

  before(async () => {
    server = await startTestServer({ simulator: { people: 20, groups: 3 } });
    client = await server.signIn();
    const begun = await client.send("POST", `${PEOPLE}/run`);
    await ended(begun.body.run);
  });
  after(async () => await server.close());

  async function ended(run: string): Promise<void> {
    const address = `${server.url}/api/v1/runs/${run}/events`;
    await readEvents(address, client.cookie, ({ event }) => event === "finished");
  }

  it("tells what others changed, and puts it back when it is asked to", async () => {
    const { store } = server.installation;
    const calm = await client.put("POST", `${PEOPLE}/reconcile`, {});
    assert.deepEqual([calm.status, calm.body.result, calm.body.report.inStep], [200, "succeeded", true]);
    const row = await store.db.selectFrom("portal_requesters").select(["id", "attributes"]).executeTakeFirstOrThrow();
    const attributes = JSON.stringify({ ...JSON.parse(row.attributes), jobTitle: "By hand" });
    await store.transaction((tx) =>
      tx.updateTable("portal_requesters").set({ attributes }).where("id", "=", row.id).execute(),
    );
    const { body: told } = await client.put("POST", `${PEOPLE}/reconcile`, { samples: 1 });
    const [changed] = told.report.changed.samples;
    assert.deepEqual(
      [changed.record, changed.fields[0].attribute, changed.fields[0].present],
      [row.id, "jobTitle", "By hand"],
    );
    const { body: repaired } = await client.put("POST", `${PEOPLE}/reconcile`, { repair: true });
    assert.deepEqual([repaired.result, repaired.held, repaired.error], ["succeeded", null, null]);
    assert.equal((await client.put("POST", `${PEOPLE}/reconcile`, {})).body.report.inStep, true);
    assert.equal((await client.put("POST", `${PEOPLE}/reconcile`, { repair: "yes" })).status, 400);
  });

  it("removes a sync when the plan of what it leaves behind is approved, paused or not", async () => {
    const { engine } = server.installation;
    const { body: sync } = await client.get(PEOPLE);
    const planned = await planRemoval(engine, {
      ...{ sync: sync.id, actor: { kind: "command", id: "olga" }, onProgress: () => undefined, owned: "disable" },
      signal: new AbortController().signal,
    });
    const refused = await client.send("POST", `${PEOPLE}/run`);
    assert.deepEqual([refused.status, refused.body.code], [409, "sync_paused"]);
    const approved = await client.send("POST", `${PEOPLE}/plans/${planned.held?.digest}/approve`);
    assert.equal(approved.status, 202, JSON.stringify(approved.body));
    await ended(approved.body.run);
    // The sync goes behind the run, whose end is told before.
    await server.stop();
    const { store } = server.installation;
    assert.deepEqual(await store.db.selectFrom("syncs").select("id").where("id", "=", sync.id).execute(), []);
    const active = await store.db.selectFrom("portal_requesters").select("id").where("active", "=", 1).execute();
    assert.deepEqual(active, []);
  });
});
