import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { heldPlans } from "../runs/queries.ts";
import { type Client, NAMES, startTestServer, type TestServer } from "./testing.ts";

describe("plans through the API", () => {
  let server: TestServer;
  let client: Client;
  let sync = "";

  before(async () => {
    server = await startTestServer({ definition: { approval: "second" } });
    client = await server.signIn();
    sync = (await client.get(`/api/v1/syncs/${NAMES.people}`)).body.id;
  });
  after(async () => await server.close());

  async function previewed(body: unknown): Promise<string> {
    const { body: started, status } = await client.put("POST", `/api/v1/syncs/${NAMES.people}/plan`, body);
    assert.equal(status, 202, JSON.stringify(started));
    for (;;) {
      const { body: preview } = await client.get(`/api/v1/previews/${started.preview}`);
      if (preview.state !== "running") return preview.plan;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async function ran(path: string, body: unknown, as: Client = client) {
    const { body: started, status } = await as.put("POST", `/api/v1/syncs/${NAMES.people}/${path}`, body);
    assert.equal(status, 202, JSON.stringify(started));
    for (;;) {
      const { body: run } = await client.get(`/api/v1/runs/${started.run}`);
      if (run.phase === "finished") return run;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it("are limited to some records, by body, and keep the trace of one", async () => {
    const whole = await previewed({});
    const { body: changes } = await client.get(`/api/v1/plans/${whole}/changes?limit=1`);
    const [{ objectId, name }] = changes.items;
    const plan = await previewed({ only: [objectId] });
    const { body: one } = await client.get(`/api/v1/plans/${plan}`);
    assert.deepEqual([one.counts.create, one.selection], [1, { only: [objectId] }]);
    assert.equal(one.trace.outcome.action, "create");
    assert.deepEqual(one.askedBy, { kind: "operator", id: "olga" });
    const run = await ran("run", { only: [objectId] });
    assert.deepEqual([run.result, run.mode, run.counts.create], ["succeeded", "selected", 1]);
    const { body: found } = await client.get(
      `/api/v1/plans/${whole}/changes?text=${encodeURIComponent(name)}&record=${objectId}`,
    );
    assert.deepEqual(
      found.items.map((item: { objectId: string }) => item.objectId),
      [objectId],
    );
    const twice = await client.put("POST", `/api/v1/syncs/${NAMES.people}/run`, { only: [objectId], group: "x" });
    assert.equal(twice.status, 400);

    const { body: compared } = await client.get(`/api/v1/plans/${plan}/compare/${whole}?limit=5`);
    assert.deepEqual([compared.counts.same, compared.counts.first, compared.items.length], [1, 0, 5]);
    const { body: next } = await client.get(`/api/v1/plans/${plan}/compare/${whole}?limit=5&after=${compared.next}`);
    assert.equal(next.counts, null);
    assert.ok(next.items[0].objectId > compared.items.at(-1).objectId);
    const csv = await client.get(`/api/v1/plans/${plan}/export?format=csv`);
    assert.match(csv.headers.get("content-type") ?? "", /^text\/csv/);
    assert.match(csv.headers.get("content-disposition") ?? "", /attachment; filename="plan-.*\.csv"/);
    assert.match(csv.text, /^\uFEFF?ordinal,action,name/);
    const json = await client.get(`/api/v1/plans/${plan}/export`);
    assert.equal(json.body.changes.length, 1);
    assert.equal((await client.get("/api/v1/plans/nothing/export")).status, 404);
  });

  it("that wait are split and approved by a second operator, who is told apart by name", async () => {
    await ran("run", {});
    const { body: users } = await client.get("/api/v1/people?limit=40&q=");
    const plan = await previewed({});
    assert.equal((await client.get(`/api/v1/plans/${plan}`)).body.counts.delete, 0, JSON.stringify(users.next));
    const { store } = server.installation;
    const links = await store.db
      .selectFrom("links")
      .select("object_id")
      .where("sync", "=", sync)
      .where("active", "=", 1)
      .limit(12)
      .execute();
    for (const { object_id: id } of links) await server.graph("DELETE", `/users/${id}`);
    assert.equal((await ran("run", {})).result, "held");
    const [held] = await heldPlans(store, sync);
    assert.ok(held);
    const { body: view } = await client.get(`/api/v1/plans/${held.plan}`);
    assert.deepEqual(view.approval.barred.map(({ id }: { id: string }) => id).includes("olga"), true);
    const path = `/api/v1/syncs/${NAMES.people}/plans/${held.digest}`;
    const barred = await client.put("POST", `${path}/approve`, {});
    assert.deepEqual([barred.status, barred.body.code], [409, "second_operator"]);
    const split = await client.put("POST", `${path}/split`, { without: [links[0]?.object_id] });
    assert.equal(split.status, 200, split.text);
    assert.deepEqual([split.body.rest.counts.disable + split.body.rest.counts.delete], [11]);
    const all = await client.put("POST", `/api/v1/syncs/${NAMES.people}/plans/${split.body.left.digest}/split`, {
      without: [links[0]?.object_id],
    });
    assert.equal(all.body.code, "usage");
    const other = await server.signIn("bo");
    const run = await ran(`plans/${split.body.rest.digest}/approve`, {}, other);
    assert.deepEqual([run.result, run.counts.disable + run.counts.delete], ["succeeded", 11]);
    const { body: listed } = await client.get(`/api/v1/plans?sync=${NAMES.people}&state=applied&limit=1`);
    assert.deepEqual([listed.items[0].decidedBy.id, listed.items[0].syncName], ["bo", NAMES.people]);
  });

  it("are made of everybody, with both ends read anew, by a resync", async () => {
    const run = await ran("resync", {});
    assert.deepEqual([run.mode, run.result], ["resync", "succeeded"]);
  });
});
