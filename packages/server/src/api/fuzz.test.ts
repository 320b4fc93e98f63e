import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { eachEngine } from "../store/testing.ts";
import { type Client, NAMES, startTestServer, type TestServer } from "./testing.ts";

/** What nobody sends who means well, each as it stands in an address. */
const NASTY: readonly string[] = [
  "",
  "%",
  "%00",
  "a%00b",
  "%ff",
  "%C0%80",
  "%ED%A0%80",
  "%0d%0aset-cookie:x=y",
  "..",
  "..%2F..%2Fetc%2Fpasswd",
  "%25%32%65",
  "'%20or%201=1--",
  "%F0%9F%98%80",
  "%E2%80%AE",
  "a%CC%81".repeat(30),
  "__proto__",
  "constructor",
  "-1",
  "1e309",
  "9007199254740993",
  "99999999999999999999",
  "NaN",
  "null",
  "[]",
  "x".repeat(101),
  "x".repeat(201),
  "x".repeat(5000),
  "%F0%9F%98%80".repeat(60),
  "x".repeat(20_000),
];

/** Cursors that are well made, of what no page ever gave. */
const CURSORS: readonly string[] = [
  ["a\0b"],
  ["\ud800"],
  ["x".repeat(300)],
  [1e300],
  [-1],
  [1.5],
  [Number.MAX_SAFE_INTEGER],
  [1e300, "x"],
  [0, "a\0b"],
  [Number.MAX_SAFE_INTEGER, "x"],
  [1e300, 0, 0],
  [0, 0, Number.MAX_SAFE_INTEGER],
  [0, 0, 0],
  { length: 1 },
  null,
].map((parts) => Buffer.from(JSON.stringify(parts)).toString("base64url"));

const BODIES: readonly { readonly type: string; readonly body: string }[] = [
  { type: "application/json", body: "{" },
  { type: "application/json", body: '{"__proto__":{"x":1}}' },
  { type: "application/json", body: '{"force":true}' },
  { type: "application/json", body: "[]" },
  { type: "application/json", body: '"x"' },
  { type: "application/json", body: "\0" },
  { type: "application/json", body: "[".repeat(30_000) },
  { type: "application/json", body: JSON.stringify("x".repeat(100_000)) },
  { type: "application/json; charset=nonsense", body: "{" },
  { type: "text/plain", body: "go" },
  { type: "application/xml", body: "<a/>" },
  { type: "multipart/form-data", body: "x" },
  { type: ";;;", body: "x" },
];

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { readonly in: string; readonly name: string }[];
}

interface Heard {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

eachEngine((engine) =>
  describe("the API, whatever is sent to it", () => {
    let server: TestServer;
    let client: Client;
    let operations: readonly Operation[];

    before(async () => {
      server = await startTestServer({ location: await engine.place(), simulator: { people: 5, groups: 1 } });
      client = await server.signIn();
      const { body } = await client.get("/api/v1/openapi.json");
      operations = Object.entries(body.paths as { readonly [path: string]: object }).flatMap(([path, methods]) =>
        Object.entries(methods as { readonly [method: string]: Partial<Operation> }).map(
          ([method, { parameters = [] }]): Operation => ({ method: method.toUpperCase(), path, parameters }),
        ),
      );
      assert.ok(operations.length > 20);
    });
    after(async () => await server.close());

    /** Sends the address as it is, which `fetch` would mend first. */
    const send = (method: string, path: string, of: { readonly type?: string; readonly body?: string } = {}) =>
      new Promise<Heard>((resolve, reject) => {
        const headers = {
          cookie: client.cookie,
          "x-csrf-token": client.csrf,
          ...(of.type === undefined ? {} : { "content-type": of.type }),
        };
        const url = new URL(server.url);
        const options = { host: url.hostname, port: url.port, method, path, headers, agent: false };
        const asked = request(options, (response) => {
          const type = response.headers["content-type"] ?? "";
          let text = "";
          const heard = (): void => {
            response.destroy();
            resolve({ status: response.statusCode ?? 0, type, text });
          };
          // A stream of events has no end; that it began is its answer.
          if (type.startsWith("text/event-stream")) return heard();
          response.setEncoding("utf8").on("data", (chunk: string) => {
            text += chunk;
          });
          response.once("end", heard).once("error", reject);
        });
        asked.once("error", reject);
        asked.end(of.body);
      });

    /** Nothing fails, and every refusal is a problem with a code. */
    const judge = async (method: string, path: string, of: Parameters<typeof send>[2] = {}): Promise<Heard> => {
      const said = `${method} ${path.slice(0, 120)} ${of.type ?? ""} ${of.body?.slice(0, 40) ?? ""}`;
      const heard = await send(method, path, of).catch((error: unknown) => assert.fail(`${said}: ${String(error)}`));
      assert.ok(heard.status >= 200 && heard.status < 500, `${said}: ${heard.status} ${heard.text}`);
      if (heard.status < 400) return heard;
      assert.match(heard.type, /^application\/problem\+json/, said);
      const problem = JSON.parse(heard.text) as { readonly [name: string]: unknown };
      assert.match(String(problem.code), /^[a-z][a-z_]+$/, said);
      assert.equal(problem.type, `urn:entrain:problem:${String(problem.code)}`, said);
      assert.equal(problem.status, heard.status, said);
      assert.ok(problem.title && problem.detail && problem.fix, said);
      return heard;
    };

    const filled = (path: string, name: string, value: string): string =>
      path.replace(`{${name}}`, value).replace(/\{(\w+)\}/g, (_all, other: string) => GOOD[other] ?? "nothing");

    it("answers no 5xx to any value of a path's parameter, and a problem to each that it refuses", async () => {
      for (const { method, path, parameters } of operations) {
        for (const { name } of parameters.filter((one) => one.in === "path")) {
          for (const value of NASTY) await judge(method, filled(path, name, value));
        }
      }
    });

    it("answers no 5xx to any value of a query's parameter, known or not", async () => {
      const reading = operations.filter(({ method }) => method === "GET");
      for (const { method, path, parameters } of reading) {
        const names = parameters.filter((one) => one.in === "query").map(({ name }) => name);
        for (const name of [...names, "colour"]) {
          const values = name === "after" ? [...NASTY, ...CURSORS] : NASTY;
          for (const value of values) {
            // What must be there is there, so that the value itself is judged.
            const also = path.endsWith("/people") && name !== "search" ? "&search=e" : "";
            await judge(method, `${filled(path, "", "")}?${name}=${value}${also}`);
          }
          await judge(method, `${filled(path, "", "")}?${name}=1&${name}=2`);
        }
      }
    });

    it("refuses a query that a route does not know, also where it takes none", async () => {
      for (const { method, path } of operations) {
        const { status, text } = await judge(method, `${filled(path, "", "")}?colour=red`);
        assert.equal(status, 400, `${method} ${path}`);
        assert.match(text, /"code":"request_invalid"/);
      }
    });

    it("refuses every body that no command takes", async () => {
      const commands = operations.filter(({ method, path }) => method === "POST" && !path.endsWith("/verify"));
      assert.ok(commands.length >= 6);
      for (const { method, path } of commands) {
        for (const body of BODIES) {
          const { status } = await judge(method, filled(path, "", ""), body);
          assert.ok(status >= 400, `${path} ${body.type} ${body.body.slice(0, 40)}: ${status}`);
        }
      }
    });

    it("answers a problem to methods and addresses that there are not", async () => {
      for (const path of ["/api/v1/syncs", "/api/v1/nothing", "/api", "//", "/api/v1/syncs/%"]) {
        for (const method of ["PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
          assert.ok((await judge(method, path)).status >= 400, `${method} ${path}`);
        }
      }
      for (const value of NASTY) for (const path of ["/", "/assets/", "/sign-in/"]) await judge("POST", path + value);
    });

    it("refuses what is too long with what is wrong, never as a fault of its own", async () => {
      const long = await judge("GET", `/api/v1/syncs/${"x".repeat(5000)}`);
      assert.equal(long.status, 400);
      assert.match(long.text, /"code":"request_invalid"/);
      const longer = await judge("GET", `/api/v1/syncs/${"x".repeat(20_000)}`);
      assert.equal(longer.status, 431);
      assert.match(longer.text, /"code":"head_too_large"/);
    });

    it("logs nothing of it as a fault", () => {
      const faults = server
        .log()
        .split("\n")
        .filter((line) => /"level":[456]0/.test(line) && !line.includes("must exist"));
      assert.deepEqual(faults, []);
    });
  }),
);

/** Values that are right in their form. */
const GOOD: { readonly [name: string]: string } = {
  name: NAMES.people,
  id: "nothing",
  digest: "0".repeat(64),
};
