import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { ConnectorError } from "@entrain/core";
import { createWebhook, type WebhookReply, webhookUrl } from "./index.ts";
import { webhookHeaders, webhookKey } from "./sign.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const NOW = Date.UTC(2031, 2, 3, 8);
const clock = { now: () => NOW };
const signal = new AbortController().signal;

async function listen(
  context: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks?team=1`;
}

async function send(url: string, timeoutMs = 5_000): Promise<WebhookReply> {
  const webhook = createWebhook({ url, secret: () => SECRET, clock, timeoutMs });
  return webhook.send({ id: "alert_1", body: "{}" }, signal).finally(() => webhook.close());
}

test("signs as the specification's own libraries expect it", () => {
  // The vector that all of them share: libraries/*/test of standard-webhooks/standard-webhooks.
  const key = webhookKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  const body = '{"test": 2432232314}';
  assert.deepEqual(webhookHeaders(key, { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1614265330, body }), {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

test("refuses a secret that is too short, too long, or not marked as one, and does not repeat it", () => {
  const base64 = (bytes: number): string => Buffer.alloc(bytes, 1).toString("base64");
  for (const secret of [
    "",
    base64(32),
    `whsec_${base64(23)}`,
    `whsec_${base64(65)}`,
    "whsec_no base64 at all, sorry",
  ]) {
    assert.throws(
      () => webhookKey(secret),
      (error) => error instanceof ConnectorError && (secret === "" || !error.message.includes(secret)),
    );
  }
  assert.equal(webhookKey(`whsec_${base64(24)}`).length, 24);
});

test("posts to https, and to http on this machine alone", () => {
  for (const url of ["https://hooks.example.com/a?b=c", "http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]/x"])
    assert.equal(webhookUrl(url).href, new URL(url).href);
  for (const url of [
    "http://hooks.example.com/",
    "http://10.0.0.1/",
    "https://169.254.169.254/",
    "ftp://127.0.0.1/",
    "https://u:p@example.com/",
    "x",
  ])
    assert.throws(() => webhookUrl(url), ConnectorError, url);
});

test("counts every 2xx as accepted, however much is said with it", async (context) => {
  const url = await listen(context, (request, response) => {
    assert.equal(request.url, "/hooks?team=1");
    response.writeHead(202).end("x".repeat(1_000_000));
  });
  assert.deepEqual(await send(url), { kind: "accepted", status: 202 });
});

test("never follows a redirect", async (context) => {
  const asked: (string | undefined)[] = [];
  const url = await listen(context, (request, response) => {
    asked.push(request.url);
    response.writeHead(302, { location: "/elsewhere" }).end();
  });
  const reply = await send(url);
  assert.ok(reply.kind === "failed" && reply.status === 302 && /redirect/.test(reply.detail));
  assert.deepEqual(asked, ["/hooks?team=1"]);
});

test("tells a receiver that wants no more from one that wants it later", async (context) => {
  const gone = await listen(context, (_request, response) => response.writeHead(410).end());
  assert.equal((await send(gone)).kind, "gone");
  const busy = await listen(context, (_request, response) => response.writeHead(503, { "retry-after": "120" }).end());
  const reply = await send(busy);
  assert.ok(reply.kind === "failed" && reply.retryAfterMs === 120_000, JSON.stringify(reply));
});

test("waits no longer than it was told, and names the host without path or query", async (context) => {
  const url = await listen(context, () => undefined);
  const reply = await send(url, 30);
  assert.ok(reply.kind === "failed" && reply.status === null);
  assert.match(reply.detail, /^127\.0\.0\.1:\d+ did not answer within 30 ms\.$/);
  const closed = await send("http://127.0.0.1:9/hooks?team=1");
  assert.ok(closed.kind === "failed" && /could not be reached/.test(closed.detail), JSON.stringify(closed));
  assert.doesNotMatch(closed.detail + reply.detail, /hooks|team/);
});

test("follows a name to a private network or this machine where that is allowed, to a metadata service never", async (context) => {
  const local = await listen(context, (_request, response) => response.writeHead(204).end());
  const port = new URL(local).port;
  const sent = async (address: string, allowPrivate: boolean): Promise<WebhookReply> => {
    const resolve = async () => [{ address, family: address.includes(":") ? 6 : 4 }];
    const url = `https://hooks.example.com:${port}/x`;
    const webhook = createWebhook({ url, secret: () => SECRET, clock, resolve, allowPrivate, timeoutMs: 5_000 });
    return webhook.send({ id: "alert_1", body: "{}" }, signal).finally(() => webhook.close());
  };
  for (const [address, allowed] of [
    ["127.0.0.1", false],
    ["10.0.0.1", false],
    ["::ffff:127.0.0.1", false],
    ["169.254.169.254", true],
  ] as const) {
    const reply = await sent(address, allowed);
    assert.ok(reply.kind === "failed" && reply.detail.startsWith("hooks.example.com leads to "), JSON.stringify(reply));
    assert.match(reply.fix, /allowPrivate/);
  }
  const reached = await sent("127.0.0.1", true);
  assert.ok(reached.kind === "failed" && /it does not speak TLS there/.test(reached.detail), JSON.stringify(reached));
});

test("ends with the caller's reason when the caller stops", async (context) => {
  const stopping = new AbortController();
  const url = await listen(context, () => stopping.abort(new Error("Ctrl-C")));
  const webhook = createWebhook({ url, secret: () => SECRET, clock });
  await assert.rejects(webhook.send({ id: "alert_1", body: "{}" }, stopping.signal), /Ctrl-C/);
  await webhook.close();
});
