import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { eachEngine } from "../store/testing.ts";
import { type Client, NAMES, startTestServer, type TestServer } from "./testing.ts";

eachEngine((engine) =>
  describe("the guards of a sync, over HTTP", () => {
    let server: TestServer;
    let client: Client;
    const of = `/api/v1/syncs/${NAMES.people}`;

    before(async () => {
      server = await startTestServer({ location: await engine.place() });
      client = await server.signIn();
    });
    after(async () => await server.close());

    it("are listed, raised for a while, shown with the sync, and lowered", async () => {
      const { body } = await client.get(`${of}/guards`);
      assert.deepEqual(
        body.guards.map(({ counter, raised }: { counter: string; raised: unknown }) => [counter, raised]),
        [
          ["removals", null],
          ["members", null],
          ["creations", null],
          ["updates", null],
          ["matching", null],
        ],
      );
      const raise = { percent: 25, forMs: 3_600_000 };
      const raised = await client.put("POST", `${of}/guards/removals/raise`, raise);
      assert.deepEqual([raised.status, raised.body.percent, raised.body.by.kind], [200, 25, "operator"]);
      const [shown] = (await client.get(of)).body.status.raised;
      assert.deepEqual([shown.counter, shown.percent, shown.until], ["removals", 25, raised.body.until]);
      assert.equal((await client.send("DELETE", `${of}/guards/removals/raise`)).body.lowered, true);
      assert.equal((await client.send("DELETE", `${of}/guards/removals/raise`)).body.lowered, false);
      assert.deepEqual((await client.get(of)).body.status.raised, []);
    });

    it("cannot be raised for longer than a day, beyond their bounds, or to nothing", async () => {
      const raise = async (body: object, counter = "removals") =>
        (await client.put("POST", `${of}/guards/${counter}/raise`, body)).status;
      assert.equal(await raise({ percent: 25, forMs: 25 * 3_600_000 }), 400);
      assert.equal(await raise({ percent: 25 }), 400);
      assert.equal(await raise({ percent: 60, forMs: 1000 }), 409);
      assert.equal(await raise({ percent: 5, forMs: 1000 }), 409);
      assert.equal(await raise({ percent: 25, forMs: 1000 }, "deletions"), 400);
    });

    it("refuses to exempt anything from a plan that does not wait", async () => {
      const path = `${of}/plans/${"0".repeat(64)}/exempt`;
      const { status, body } = await client.put("POST", path, { records: ["x"] });
      assert.deepEqual([status, body.code], [409, "plan_stale"]);
      assert.equal((await client.put("POST", path, { records: [] })).status, 400);
    });
  }),
);
