import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { eachEngine } from "../store/testing.ts";
import { type Answer, ask, type Client, DIGEST, NAMES, routesOf, startTestServer, type TestServer } from "./testing.ts";

eachEngine((engine) =>
  describe("the API", () => {
    let server: TestServer;
    let client: Client;

    before(async () => {
      server = await startTestServer({ location: await engine.place() });
      client = await server.signIn();
    });
    after(async () => await server.close());

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
        for (const { method, path } of await routesOf(server)) {
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
        const commands = (await routesOf(server)).filter(({ method }) => method !== "GET");
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
  "comparePlans",
  "createAuthorizationLink",
  "createConsentLink",
  "exemptRecords",
  "exportPlan",
  "exportUnsynced",
  "findPeople",
  "followEverything",
  "followRun",
  "getConnection",
  "getDeviceSetup",
  "getPerson",
  "getPersonThen",
  "getPlan",
  "getPreview",
  "getRun",
  "getSession",
  "getSetup",
  "getSync",
  "getTarget",
  "heedUnsynced",
  "ignoreUnsynced",
  "inspectConnection",
  "listAttributes",
  "listChanges",
  "listConnections",
  "listDeviceSetups",
  "listGuards",
  "listIssues",
  "listJournal",
  "listMembers",
  "listPlans",
  "listRuns",
  "listSyncs",
  "listTargets",
  "listUndone",
  "listUnsynced",
  "lowerGuard",
  "pauseSync",
  "planSync",
  "raiseGuard",
  "reconcileSync",
  "refusePermission",
  "rejectPlan",
  "releaseUndone",
  "reportSync",
  "resumeSync",
  "resyncSync",
  "retryUnsynced",
  "runSync",
  "signOut",
  "splitPlan",
  "stopSync",
  "tracePerson",
  "undoRun",
  "verifyConnection",
];
