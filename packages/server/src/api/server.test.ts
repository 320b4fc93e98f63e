import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { changeConfiguration } from "../config/apply.ts";
import { eachEngine } from "../store/testing.ts";
import { type Answer, ask, type Client, NAMES, readEvents, startTestServer, type TestServer } from "./testing.ts";

const DIGEST = "0".repeat(64);

eachEngine((engine) =>
  describe("the API", () => {
    let server: TestServer;
    let client: Client;

    before(async () => {
      server = await startTestServer({ location: await engine.place() });
      client = await server.signIn();
    });
    after(async () => await server.close());

    const routes = async (): Promise<readonly { readonly method: string; readonly path: string }[]> => {
      const { body } = await ask(`${server.url}/api/v1/openapi.json`);
      return Object.entries(body.paths as { readonly [path: string]: object }).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path: filled(path) })),
      );
    };
    const finished = async (run: string): Promise<Answer["body"]> => {
      const events = await readEvents(
        `${server.url}/api/v1/runs/${run}/events`,
        client.cookie,
        ({ event }) => event === "finished",
      );
      return events.at(-1)?.data;
    };

    describe("to whoever is not signed in", () => {
      it("describes itself as OpenAPI 3.1, with an operation id, a summary and a problem for every route", async () => {
        const { status, body } = await ask(`${server.url}/api/v1/openapi.json`);
        assert.equal(status, 200);
        assert.match(body.openapi, /^3\.1\./);
        const operations = Object.values(body.paths).flatMap((methods) => Object.values(methods as object));
        const ids = operations.map(({ operationId }) => operationId);
        assert.equal(new Set(ids).size, ids.length);
        for (const operation of operations) {
          assert.ok(operation.operationId && operation.summary && operation.tags.length > 0, operation.operationId);
          assert.ok(operation.responses.default.content["application/problem+json"], operation.operationId);
        }
        assert.deepEqual(ids.sort(), OPERATIONS);
      });

      it("answers 401 with a problem on every route", async () => {
        for (const { method, path } of await routes()) {
          const { status, headers, body } = await ask(`${server.url}${path}`, { method });
          assert.equal(status, 401, `${method} ${path}`);
          assert.match(headers.get("content-type") ?? "", /^application\/problem\+json/);
          assert.equal(body.code, "not_signed_in");
          assert.equal(body.type, "urn:entrain:problem:not_signed_in");
          assert.equal(body.status, 401);
          assert.ok(body.title && body.detail && body.fix);
        }
      });

      it("answers 401 to a made-up, an empty and a very long cookie", async () => {
        const [name = ""] = client.cookie.split("=");
        for (const value of ["x", "", "y".repeat(5000), client.cookie.slice(name.length + 2)]) {
          const { status } = await ask(`${server.url}/api/v1/session`, { headers: { cookie: `${name}=${value}` } });
          assert.equal(status, 401, value.slice(0, 20));
        }
      });

      it("says that it lives and that its store answers", async () => {
        assert.equal((await ask(`${server.url}/healthz`)).status, 200);
        assert.equal((await ask(`${server.url}/readyz`)).status, 200);
      });
    });

    describe("to a signed-in operator", () => {
      it("refuses every command that does not repeat the session's token", async () => {
        const commands = (await routes()).filter(({ method }) => method !== "GET");
        assert.ok(commands.length >= 7);
        for (const { method, path } of commands) {
          for (const headers of [{}, { "x-csrf-token": "" }, { "x-csrf-token": "x".repeat(client.csrf.length) }]) {
            const { status, body } = await client.send(method, path, headers);
            assert.equal(status, 403, `${method} ${path}`);
            assert.equal(body.code, "csrf_missing");
          }
        }
      });

      it("refuses commands from another site's page, even with the token", async () => {
        const own = { "x-csrf-token": client.csrf };
        for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }]) {
          const { status, body } = await client.send("POST", `/api/v1/syncs/${NAMES.people}/cancel`, {
            ...own,
            ...headers,
          });
          assert.equal(status, 403);
          assert.equal(body.code, "origin_refused");
        }
      });

      it("says who is signed in, and for how long", async () => {
        const { body } = await client.get("/api/v1/session");
        assert.equal(body.operator, "olga");
        assert.equal(body.version, "1.2.3");
        assert.equal(body.demo, false);
        const hours = (body.expiresAt - Date.now()) / 3_600_000;
        assert.ok(hours > 7.9 && hours <= 8, String(hours));
      });

      it("refuses what it does not know in a query, a path or a body", async () => {
        const bad = [
          "/api/v1/runs?limit=0",
          "/api/v1/runs?limit=201",
          "/api/v1/runs?limit=many",
          "/api/v1/runs?colour=red",
          "/api/v1/people",
          "/api/v1/people?search=",
          "/api/v1/plans/x/changes?action=explode",
          "/api/v1/runs/..%2F..%2Fetc",
          "/api/v1/syncs/%00",
        ];
        for (const path of bad) {
          const { status, body } = await client.get(path);
          assert.equal(status, 400, path);
          assert.equal(body.code, "request_invalid", path);
        }
        for (const after of ["x", "bnVsbA", "e30", "WzFd"]) {
          const { status, body } = await client.get(`/api/v1/runs?after=${after}`);
          assert.equal(status, 400, after);
          assert.equal(body.code, "cursor_invalid");
        }
        const { status } = await ask(`${server.url}/api/v1/syncs/${NAMES.people}/run`, {
          method: "POST",
          headers: { cookie: client.cookie, "x-csrf-token": client.csrf, "content-type": "application/json" },
          body: JSON.stringify({ force: true }),
        });
        assert.equal(status, 400);
      });

      it("refuses bodies that are not JSON, and bodies that are too large", async () => {
        const send = (type: string, body: string): Promise<Answer> =>
          ask(`${server.url}/api/v1/syncs/${NAMES.people}/run`, {
            method: "POST",
            headers: { cookie: client.cookie, "x-csrf-token": client.csrf, "content-type": type },
            body,
          });
        assert.equal((await send("text/plain", "go")).body.code, "type_refused");
        assert.equal((await send("application/json", "{")).body.code, "request_invalid");
        assert.equal((await send("application/json", JSON.stringify("x".repeat(70_000)))).body.code, "too_large");
      });

      it("says that there is nothing by a name, an id or an address", async () => {
        for (const path of [
          "connections/x",
          "targets/x",
          "syncs/x",
          "runs/x",
          "plans/x",
          "previews/x",
          "people/x",
          "nonsense",
        ]) {
          const { status, body } = await client.get(`/api/v1/${path}`);
          assert.equal(status, 404, path);
          assert.equal(body.code, "not_found", path);
          assert.match(body.detail, /^There is no /);
        }
        for (const verb of ["approve", "apply", "reject"]) {
          const { status, body } = await client.send("POST", `/api/v1/syncs/${NAMES.people}/plans/${DIGEST}/${verb}`);
          assert.equal(status, 409, verb);
          assert.equal(body.code, "plan_stale");
        }
        const { status, body } = await client.send("POST", `/api/v1/syncs/${NAMES.people}/cancel`);
        assert.equal(status, 409);
        assert.equal(body.code, "not_running");
      });

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

      const metrics = async (): Promise<string> => (await ask(`${server.url}/metrics`)).text;
      const somebody = async (): Promise<string> => {
        const { body } = await client.get(`/api/v1/people?search=e&limit=1`);
        return body.items[0].id;
      };
      const settled = async (preview: string): Promise<Answer["body"]> => {
        await readEvents(`${server.url}/api/v1/events`, client.cookie, ({ data }) => data.items.length === 0);
        return (await client.get(`/api/v1/previews/${preview}`)).body;
      };
    });

    it("never shows the credential, not in an answer, a header, a page or the log", async () => {
      const { secret } = server.simulator;
      const linked = await server.link();
      const token = linked.split("=").at(-1) ?? "";
      const seen = [await ask(linked), await ask(linked), await ask(`${server.url}/metrics`)];
      for (const { method, path } of await routes()) {
        if (method === "GET" && !path.endsWith("events")) seen.push(await client.get(path));
      }
      const said = seen.map(({ text, headers }) => text + JSON.stringify([...headers])).join("\n") + server.log();
      assert.ok(server.log().includes("answered"));
      assert.equal(said.includes(secret), false);
      assert.equal(said.includes(token), false);
      assert.equal(server.log().includes(client.csrf), false);
      assert.equal(server.log().includes(client.cookie.split("=")[1] ?? "?"), false);
    });

    describe("under a host that is not its own", () => {
      it("answers nothing but a refusal", async () => {
        for (const host of [
          "evil.example",
          "evil.example:80",
          "127.0.0.1.evil.example",
          "localhost.evil.example",
          "",
          "a b",
          "10.1.2.3",
        ]) {
          for (const path of [
            "/",
            "/api/v1/session",
            "/api/v1/openapi.json",
            "/healthz",
            "/metrics",
            "/sign-in?token=x",
          ]) {
            assert.equal(await statusUnder(host, path), 421, `${host} ${path}`);
          }
        }
      });

      it("answers under every name of loopback", async () => {
        for (const host of ["localhost", "localhost:7420", "127.0.0.1", "127.1.2.3:99", "[::1]:7420"]) {
          assert.equal(await statusUnder(host, "/healthz"), 200, host);
        }
      });

      const statusUnder = (host: string, path: string): Promise<number> =>
        new Promise((resolve, reject) => {
          const asked = request(`${server.url}${path}`, { headers: { host }, setHost: false }, (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          });
          asked.once("error", reject).end();
        });
    });
  }),
);

const OPERATIONS: readonly string[] = [
  "acceptPermission",
  "applyPlan",
  "approvePlan",
  "beginDeviceSetup",
  "cancelDeviceSetup",
  "cancelSync",
  "createAuthorizationLink",
  "createConsentLink",
  "findPeople",
  "followEverything",
  "followRun",
  "getConnection",
  "getDeviceSetup",
  "getPerson",
  "getPlan",
  "getPreview",
  "getRun",
  "getSession",
  "getSetup",
  "getSync",
  "getTarget",
  "inspectConnection",
  "listAttributes",
  "listChanges",
  "listConnections",
  "listDeviceSetups",
  "listIssues",
  "listPlans",
  "listRuns",
  "listSyncs",
  "listTargets",
  "listUnsynced",
  "planSync",
  "refusePermission",
  "rejectPlan",
  "reportSync",
  "runSync",
  "signOut",
  "tracePerson",
  "verifyConnection",
];

function filled(path: string): string {
  return path.replace("{digest}", DIGEST).replace("{name}", NAMES.people).replace("{id}", "nothing");
}

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
