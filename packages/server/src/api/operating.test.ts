import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { changeConfiguration } from "../config/apply.ts";
import { eachEngine } from "../store/testing.ts";
import {
  type Answer,
  ask,
  type Client,
  NAMES,
  readEvents,
  routesOf,
  startTestServer,
  type TestServer,
} from "./testing.ts";

eachEngine((engine) =>
  describe("through the API, an operator", () => {
    let server: TestServer;
    let client: Client;

    before(async () => {
      server = await startTestServer({ location: await engine.place() });
      client = await server.signIn();
    });
    after(async () => await server.close());

    it("shows a connection with its counts and runs its named checks, by name and by id", async () => {
      const { body } = await client.get("/api/v1/connections");
      assert.equal(body.next, null);
      const [connection] = body.items;
      assert.equal(connection.name, NAMES.connection);
      assert.equal(connection.tenant, server.simulator.tenant);
      assert.deepEqual((await client.get(`/api/v1/connections/${connection.id}`)).body, connection);
      const verified = await client.send("POST", `/api/v1/connections/${NAMES.connection}/verify`);
      assert.equal(verified.status, 200);
      assert.equal(verified.body.ok, true, JSON.stringify(verified.body.checks));
      assert.ok(verified.body.checks.some(({ name }: { name: string }) => name === "sign-in"));
    });

    it("runs a sync behind the request, tells its progress, and shows the plan's changes with reasons", async () => {
      const started = await client.send("POST", `/api/v1/syncs/${NAMES.people}/run`);
      assert.equal(started.status, 202);
      assert.equal(started.headers.get("location"), `/api/v1/runs/${started.body.run}`);
      const run = await finished(started.body.run);
      assert.equal(run.result, "succeeded");
      assert.ok(run.counts.create > 40);
      assert.deepEqual((await client.get(`/api/v1/runs/${run.run}`)).body, run);

      const all = await pages(client, `/api/v1/plans/${run.plan}/changes?limit=7`);
      assert.equal(all.length, run.counts.create);
      assert.equal(new Set(all.map(({ ordinal }) => ordinal)).size, all.length);
      for (const change of all) assert.ok(change.reason.length > 5 && change.after.userName && change.name);
      const none = await client.get(`/api/v1/plans/${run.plan}/changes?action=delete`);
      assert.deepEqual(none.body, { items: [], next: null });

      const { body: sync } = await client.get(`/api/v1/syncs/${NAMES.people}`);
      assert.equal(sync.status.synced, run.counts.create);
      assert.equal(sync.status.lastRun.run, run.run);
      assert.deepEqual((await client.get(`/api/v1/syncs/${sync.id}`)).body, sync);
    });

    it("reports whom the whole target holds, and what nobody corresponds to", async () => {
      const { body: sync } = await client.get(`/api/v1/syncs/${NAMES.people}`);
      const { status, body } = await client.get(`/api/v1/syncs/${NAMES.people}/report?samples=2`);
      assert.equal(status, 200);
      assert.equal(body.linked.created, sync.status.synced);
      assert.deepEqual(
        [body.join, body.create],
        [
          { count: 0, by: [], samples: [] },
          { count: 0, samples: [] },
        ],
      );
      assert.deepEqual([body.unmanaged.count, body.unmanaged.records], [0, sync.status.synced]);
      assert.deepEqual(body.newValues, { count: 0, each: 200, samples: [] });
      assert.deepEqual(body.missingValues, { count: 0, samples: [] });
      assert.equal((await client.get(`/api/v1/syncs/${NAMES.people}/report?samples=2000`)).status, 400);
    });

    it("plans without applying, and applies exactly the plan that was looked at", async () => {
      await server.graph("PATCH", `/users/${await somebody()}`, { jobTitle: "Harbour pilot" });
      const asked = await client.send("POST", `/api/v1/syncs/${NAMES.people}/plan`);
      assert.equal(asked.status, 202);
      const preview = await settled(asked.body.preview);
      assert.equal(preview.state, "done", JSON.stringify(preview));
      const { body: plan } = await client.get(`/api/v1/plans/${preview.plan}`);
      assert.equal(plan.counts.update, 1);
      const applied = await client.send("POST", `/api/v1/syncs/${NAMES.people}/plans/${plan.digest}/apply`);
      assert.equal(applied.status, 202);
      const run = await finished(applied.body.run);
      assert.deepEqual([run.result, run.counts.update], ["succeeded", 1]);
    });

    it("pages runs, newest first", async () => {
      for (let i = 0; i < 3; i += 1) {
        await finished((await client.send("POST", `/api/v1/syncs/${NAMES.people}/run`)).body.run);
      }
      const paged = await pages(client, `/api/v1/runs?limit=2&sync=${NAMES.people}`);
      const once = (await client.get(`/api/v1/runs?sync=${NAMES.people}`)).body.items;
      assert.deepEqual(paged, once);
      assert.ok(once.length >= 5);
      const times = once.map(({ startedAt }: { startedAt: number }) => startedAt);
      assert.deepEqual(
        times,
        [...times].sort((a, b) => b - a),
      );
    });

    it("names the sync of every run, also when the sync was removed since", async () => {
      const { store, keyring, types } = server.installation;
      const actor = { kind: "command", id: "test" } as const;
      const change = (make: Parameters<typeof changeConfiguration>[1]): Promise<unknown> =>
        changeConfiguration({ store, keyring, types, prune: true, demo: false, actor }, make);
      await change((current) => {
        const people = current.syncs.get(NAMES.people);
        assert.ok(people !== undefined);
        const { connections, targets, syncs, channels } = current;
        const passing: typeof people = {
          ...people,
          scope: { filters: [[{ attribute: "mail", operator: "EQUALS", value: "nobody" }]] },
        };
        return { connections, targets, channels, syncs: new Map([...syncs, ["passing", passing]]) };
      });
      const run = await finished((await client.send("POST", "/api/v1/syncs/passing/run")).body.run);
      assert.deepEqual([run.syncName, run.syncRemoved], ["passing", false]);
      await change(({ connections, targets, syncs, channels }) => ({
        connections,
        targets,
        channels,
        syncs: new Map([...syncs].filter(([name]) => name !== "passing")),
      }));
      const after = (await client.get(`/api/v1/runs/${run.run}`)).body;
      assert.deepEqual([after.syncName, after.syncRemoved], ["passing", true]);
      const [newest] = (await client.get("/api/v1/runs?limit=1")).body.items;
      assert.deepEqual([newest.run, newest.syncName, newest.syncRemoved], [run.run, "passing", true]);
    });

    it("finds people page by page, and shows everything that is known of one", async () => {
      const found = await pages(client, "/api/v1/people?search=e&limit=5");
      assert.ok(found.length > 20);
      assert.equal(new Set(found.map(({ id }) => id)).size, found.length);
      const linked = await somebody();
      const { body } = await client.get(`/api/v1/people/${linked}`);
      assert.equal(body.items[0].links[0].sync, NAMES.people);
      assert.equal(body.items[0].attributes.jobTitle, "Harbour pilot");
    });

    it("counts runs and changes for Prometheus, each once", async () => {
      const before = figureIn(await metrics(), /^entrain_runs_total\{sync="people",result="succeeded"\} (\d+)$/m);
      await finished((await client.send("POST", `/api/v1/syncs/${NAMES.people}/run`)).body.run);
      await Promise.all([metrics(), metrics()]);
      const text = await metrics();
      assert.equal(figureIn(text, /^entrain_runs_total\{sync="people",result="succeeded"\} (\d+)$/m), before + 1);
      assert.ok(figureIn(text, /^entrain_changes_total\{sync="people",kind="create"\} (\d+)$/m) > 40);
      assert.match(text, /entrain_http_request_duration_seconds_count\{method="GET",route="\/api\/v1\/runs\/:id"/);
    });

    it("is never shown the credential, not in an answer, a header, a page or the log", async () => {
      const { secret } = server.simulator;
      const linked = await server.link();
      const token = linked.split("=").at(-1) ?? "";
      const seen = [await ask(linked), await ask(linked), await ask(`${server.url}/metrics`)];
      for (const { method, path } of await routesOf(server)) {
        if (method === "GET" && !path.endsWith("events")) seen.push(await client.get(path));
      }
      const said = seen.map(({ text, headers }) => text + JSON.stringify([...headers])).join("\n") + server.log();
      assert.ok(server.log().includes("answered"));
      assert.equal(said.includes(secret), false);
      assert.equal(said.includes(token), false);
      assert.equal(server.log().includes(client.csrf), false);
      assert.equal(server.log().includes(client.cookie.split("=")[1] ?? "?"), false);
    });

    const metrics = async (): Promise<string> => (await ask(`${server.url}/metrics`)).text;
    const somebody = async (): Promise<string> => {
      const { body } = await client.get(`/api/v1/people?search=e&limit=1`);
      return body.items[0].id;
    };
    const settled = async (preview: string): Promise<Answer["body"]> => {
      await readEvents(`${server.url}/api/v1/events`, client.cookie, ({ data }) => data.items.length === 0);
      return (await client.get(`/api/v1/previews/${preview}`)).body;
    };

    const finished = async (run: string): Promise<Answer["body"]> => {
      const events = await readEvents(
        `${server.url}/api/v1/runs/${run}/events`,
        client.cookie,
        ({ event }) => event === "finished",
      );
      return events.at(-1)?.data;
    };
  }),
);

async function pages(client: Client, path: string): Promise<readonly Answer["body"][]> {
  const items: Answer["body"][] = [];
  let after = "";
  do {
    const { status, body } = await client.get(`${path}${after}`);
    assert.equal(status, 200);
    items.push(...body.items);
    after = `&after=${body.next}`;
    if (body.next === null) return items;
  } while (items.length < 10_000);
  throw new Error("the pages do not end");
}

function figureIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}
