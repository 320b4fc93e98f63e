import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { startSimulator } from "@entrain/simulator";
import { listIn } from "./json.ts";
import { startRecording } from "./recorder.ts";
import { type Exchange, readRecording } from "./recording.ts";

const folder = mkdtempSync(join(tmpdir(), "entrain-recorder-"));
startRecording(folder);
after(() => rmSync(folder, { recursive: true }));

function exchanges(): readonly Exchange[] {
  return readRecording(folder).flatMap((line) => (line.kind === "exchange" ? [line] : []));
}

test("writes down each kind of request once, with its answer, and takes nothing from it", async (t) => {
  const items = [{ id: "1" }, { id: "2" }, { id: "3", mail: null }];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const text = JSON.stringify({ value: items, echo: Buffer.concat(parts).toString() });
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(gzipSync(text));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const ask = async (path: string, body?: object): Promise<unknown> => {
    const more = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const answer = await fetch(`http://127.0.0.1:${address.port}${path}`, {
      headers: { connection: "close" },
      ...more,
    });
    return answer.json();
  };
  assert.deepEqual(await ask("/v1.0/users", { mail: "m" }), { value: items, echo: '{"mail":"m"}' });
  await ask("/v1.0/users/0a5d9c11-1111-4222-8333-444455556666?$skiptoken=abc");
  await ask("/v1.0/users/0a5d9c11-2222-4222-8333-444455556666?$skiptoken=def");
  await ask("/api/v1/people");
  const [first, second, ...more] = exchanges();
  assert.deepEqual(more, []);
  assert.deepEqual([first?.method, first?.target, first?.body], ["POST", "/users", { mail: "m" }]);
  assert.deepEqual([first?.product, first?.simulator, first?.status], [false, false, 200]);
  assert.deepEqual(listIn(first?.answer, "value"), [{ id: "1" }, { id: "3", mail: null }]);
  assert.equal(second?.target, "/users/0a5d9c11-1111-4222-8333-444455556666?$skiptoken=abc");
});

test("knows the simulator, answers that a fault struck, and the parts of a batch", async (t) => {
  const before = exchanges().length;
  const simulator = await startSimulator({
    people: 3,
    groups: 0,
    throttle: "off",
    faults: [{ path: "/groups", action: { type: "no-value" } }],
  });
  t.after(() => simulator.close());
  const signedIn = await fetch(`${simulator.login}/${simulator.tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: simulator.client,
      client_secret: simulator.secret,
      scope: "https://graph.microsoft.com/.default",
    }),
  });
  const { access_token } = (await signedIn.json()) as { readonly access_token: string };
  const requests = ["/organization", "/groups"].map((url, i) => ({ id: String(i), method: "GET", url }));
  const answer = await fetch(`${simulator.graph}/v1.0/$batch`, {
    method: "POST",
    headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json" },
    body: JSON.stringify({ requests }),
  });
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
  const seen = exchanges().slice(before);
  assert.deepEqual(
    seen.map(({ target, simulator }) => [target, simulator]),
    [
      ["/$batch", true],
      ["/organization", true],
      ["/groups", false],
    ],
  );
  assert.ok(!JSON.stringify(seen).includes(access_token));
});
