import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Client, NAMES, readEvents, startTestServer, type TestServer } from "./testing.ts";

describe("history and undo through the API", () => {
  let server: TestServer;
  let client: Client;
  let people: readonly { readonly objectId: string; readonly run: string }[];

  before(async () => {
    server = await startTestServer();
    client = await server.signIn();
    const started = await client.send("POST", `/api/v1/syncs/${NAMES.people}/run`);
    await finished(started.body.run);
    const { body } = await client.get(`/api/v1/journal?sync=${NAMES.people}&limit=5`);
    people = body.items;
  });
  after(async () => await server.close());

  async function finished(run: string): Promise<void> {
    const url = `${server.url}/api/v1/runs/${run}/events`;
    await readEvents(url, client.cookie, ({ event }) => event === "finished");
  }

  it("pages the journal newest first, and that of one person or record", async () => {
    const [newest] = people;
    const id = newest?.objectId ?? "";
    const { body } = await client.get(`/api/v1/journal?person=${id}`);
    assert.deepEqual(
      body.items.map(({ type, action }: { type: string; action: string }) => [type, action]),
      [
        ["outcome", "create"],
        ["intent", "create"],
      ],
    );
    const { recordId, target } = body.items[0];
    const ofRecord = await client.get(`/api/v1/journal?target=${target}&record=${recordId}`);
    assert.deepEqual(ofRecord.body.items, body.items);
    const second = await client.get(
      `/api/v1/journal?person=${id}&limit=1&after=${(await client.get(`/api/v1/journal?person=${id}&limit=1`)).body.next}`,
    );
    assert.deepEqual(second.body.items, [body.items[1]]);
    assert.equal((await client.get(`/api/v1/journal?target=${target}`)).status, 400);
  });

  it("tells a person as they are now, and refuses moments before anything was read, and those to come", async () => {
    const id = people[0]?.objectId ?? "";
    const now = await client.get(`/api/v1/people/${id}/then?at=${Date.now()}`);
    assert.equal(now.status, 200, JSON.stringify(now.body));
    assert.equal(now.body.items[0].id, id);
    const future = await client.get(`/api/v1/people/${id}/then?at=${Date.now() + 600_000}`);
    assert.deepEqual([future.status, future.body.code], [400, "request_invalid"]);
    const long = await client.get(`/api/v1/people/${id}/then?at=1000`);
    assert.deepEqual([long.status, long.body.code], [404, "not_found"]);
    assert.equal((await client.get("/api/v1/groups/nobody-has-this-name/members")).status, 404);
  });

  it("refuses to undo by records and by numbers at once", async () => {
    const chosen = { records: [people[0]?.objectId ?? ""], changes: [0] };
    const { status, body } = await client.put("POST", `/api/v1/syncs/${NAMES.people}/undo`, chosen);
    assert.deepEqual([status, body.code, body.detail], [400, "request_invalid", "Give one of records and changes."]);
  });

  it("plans the undoing of a run for chosen records, approves it, and releases what stayed", async () => {
    const id = people[0]?.objectId ?? "";
    const begun = await client.put("POST", `/api/v1/syncs/${NAMES.people}/undo`, { records: [id] });
    assert.equal(begun.status, 202, JSON.stringify(begun.body));
    await finished(begun.body.run);
    const { body: held } = await client.get(`/api/v1/plans?state=held&sync=${NAMES.people}`);
    const [plan] = held.items;
    assert.deepEqual([plan.part, plan.undoes, plan.counts.delete], ["undo", people[0]?.run, 1]);
    const approved = await client.send("POST", `/api/v1/syncs/${NAMES.people}/plans/${plan.digest}/approve`);
    await finished(approved.body.run);
    const { body: pins } = await client.get(`/api/v1/syncs/${NAMES.people}/undone`);
    assert.deepEqual(
      pins.items.map((pin: { id: string; record: boolean }) => [pin.id, pin.record]),
      [[id, true]],
    );
    const released = await client.put("POST", `/api/v1/syncs/${NAMES.people}/release`, { all: true });
    assert.deepEqual(released.body, { released: 1 });
    assert.deepEqual((await client.get(`/api/v1/syncs/${NAMES.people}/undone`)).body.items, []);
  });
});
