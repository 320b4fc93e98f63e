import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { NEVER } from "../store/pending.ts";
import { type Client, NAMES, startTestServer, type TestServer } from "./testing.ts";

const PEOPLE = `/api/v1/syncs/${NAMES.people}`;
const IDS = ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"] as const;

describe("unsynced records", () => {
  let server: TestServer;
  let client: Client;
  let sync: string;

  before(async () => {
    server = await startTestServer({ simulator: { people: 5, groups: 1 } });
    client = await server.signIn();
    const { store } = server.installation;
    ({ id: sync } = await store.db
      .selectFrom("syncs")
      .select("id")
      .where("name", "=", NAMES.people)
      .executeTakeFirstOrThrow());
    const since = store.clock.now();
    const base = {
      sync,
      reason: "failed",
      plan: null,
      attempts: 20,
      sequence: 1,
      since,
      tried_at: since,
      ignored: null,
    };
    const rows = [
      { ...base, object_id: IDS[0], code: "refused_by_target", detail: "=1+1", retry_at: NEVER, dead_at: since },
      { ...base, object_id: IDS[1], code: "timeout", detail: "no answer", retry_at: since + 60_000, dead_at: null },
    ];
    const failures = { failures: 6, since, code: "timeout", detail: "It failed.", fix: "Wait.", quarantined_at: since };
    await store.transaction(async (tx) => {
      await tx.insertInto("pending").values(rows).execute();
      await tx
        .insertInto("sync_failures")
        .values({ ...failures, sync, next_at: since + 900_000 })
        .execute();
    });
  });
  after(async () => await server.close());

  it("are listed by what is asked for, with why the sync is slowed down", async () => {
    const { body } = await client.get(`${PEOPLE}/unsynced`);
    assert.deepEqual(
      body.items.map(({ id, state, retryAt }: { id: string; state: string; retryAt: number | null }) => [
        id,
        state,
        retryAt === null,
      ]),
      [
        [IDS[0], "dead", true],
        [IDS[1], "open", false],
      ],
    );
    assert.deepEqual((await client.get(`${PEOPLE}/unsynced?state=dead`)).body.items.length, 1);
    assert.deepEqual((await client.get(`${PEOPLE}/unsynced?text=NO%20ANSWER`)).body.items[0].id, IDS[1]);
    assert.equal((await client.get(`${PEOPLE}/unsynced?state=old`)).status, 400);
    const { status } = (await client.get(PEOPLE)).body;
    assert.deepEqual([status.unsynced, status.dead, status.ignored], [2, 1, 0]);
    assert.deepEqual([status.quarantine.reason, status.quarantine.failures, status.breaker], ["It failed.", 6, null]);
  });

  it("come as CSV without any formula", async () => {
    const answer = await fetch(`${server.url}${PEOPLE}/unsynced.csv?bom=true`, { headers: { cookie: client.cookie } });
    assert.equal(answer.headers.get("content-type"), "text/csv; charset=utf-8; header=present");
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(await answer.arrayBuffer());
    assert.match(text, /^\uFEFFName,/);
    assert.match(text, /,'=1\+1,/);
  });

  it("are ignored with a note, heeded again, and tried again, which ends the quarantine", async () => {
    const ignore = (body: object) => client.put("POST", `${PEOPLE}/unsynced/ignore`, body);
    assert.equal((await ignore({ records: [IDS[0]] })).status, 400);
    assert.equal((await ignore({ records: ["nobody"], note: "x" })).status, 404);
    assert.equal((await ignore({ records: [IDS[0]], note: "Leaves in May." })).status, 204);
    const { body: ignored } = await client.get(`${PEOPLE}/unsynced?state=ignored`);
    assert.equal(ignored.items[0].ignored.note, "Leaves in May.");
    const heeded = await client.put("POST", `${PEOPLE}/unsynced/heed`, { records: [...IDS] });
    assert.deepEqual(heeded.body, { records: 1 });
    const retried = await client.put("POST", `${PEOPLE}/unsynced/retry`, { code: "timeout" });
    assert.deepEqual([retried.body.records, retried.body.quarantine.code], [1, "timeout"]);
    const all = await client.send("POST", `${PEOPLE}/unsynced/retry`);
    assert.deepEqual(all.body, { records: 2, quarantine: null });
    assert.equal((await client.get(PEOPLE)).body.status.quarantine, null);
  });
});
