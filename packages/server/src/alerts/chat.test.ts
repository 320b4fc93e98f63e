import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { ConnectorError } from "@entrain/core";
import type { Alert } from "../store/alerts.ts";
import { postToChat } from "./chat.ts";
import type { SendReply } from "./reply.ts";

const SIGNAL = new AbortController().signal;
const ALERT: Alert = { id: "alert_1", type: "test", data: { channel: "desk", detail: "A test." }, at: 0 };
const PATH = "/services/T000/B000/verysecret";

async function post(
  context: TestContext,
  type: "slack" | "teams",
  answer: (response: ServerResponse) => void,
): Promise<{ readonly reply: SendReply; readonly bodies: readonly string[] }> {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    assert.deepEqual(
      [request.method, request.url, request.headers["content-type"]],
      ["POST", PATH, "application/json"],
    );
    assert.equal(request.headers["webhook-signature"], undefined);
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
    bodies.push(body);
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`;
  const chat = { type, url: () => `${url}\n`, allowPrivate: false, clock: { now: () => 0 } };
  const reply = await postToChat(chat, ALERT, SIGNAL);
  assert.doesNotMatch(JSON.stringify(reply), /verysecret|services/);
  return { reply, bodies };
}

test("posts to Slack and to Teams in the shape of each", async (context) => {
  const slack = await post(context, "slack", (response) => response.writeHead(200).end("ok"));
  assert.deepEqual(slack.reply, { kind: "accepted", status: 200 });
  assert.match(slack.bodies[0] ?? "", /"blocks":\[\{"type":"header"/);
  const teams = await post(context, "teams", (response) => response.writeHead(202).end());
  assert.deepEqual(teams.reply, { kind: "accepted", status: 202 });
  assert.match(teams.bodies[0] ?? "", /^\{"type":"message","attachments":\[/);
});

test("says in words what Slack and Teams say in codes, and repeats nothing else of an answer", async (context) => {
  const cases = [
    ["slack", 404, "no_service", /^Slack answered 404 \(no_service\)\. The webhook was removed/],
    ["slack", 403, "action_prohibited", /^Slack answered 403 \(action_prohibited\)\. An administrator/],
    ["slack", 400, "invalid_payload", /^Slack answered 400 \(invalid_payload\)\. Please report it/],
    ["slack", 500, "verysecret", /^Slack answered 500\. Nothing needs to be done/],
    ["slack", 302, "", /^Slack answered 302\. Give the address that does not lead elsewhere/],
    ["teams", 400, '{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"verysecret"}}', /switched off in Teams/],
    ["teams", 401, '{"error":{"code":"DirectApiAuthorizationRequired"}}', /Give the whole address/],
  ] as const;
  for (const [type, status, body, said] of cases) {
    const { reply } = await post(context, type, (response) => response.writeHead(status, { location: "/" }).end(body));
    assert.ok(reply.kind === "failed" && reply.status === status, JSON.stringify(reply));
    assert.match(`${reply.detail} ${reply.fix}`, said);
  }
});

test("waits as long as it is told to, and gives a channel up that is archived", async (context) => {
  const busy = await post(context, "slack", (response) => response.writeHead(429, { "retry-after": "30" }).end());
  assert.ok(busy.reply.kind === "failed" && busy.reply.retryAfterMs === 30_000, JSON.stringify(busy.reply));
  const gone = await post(context, "slack", (response) => response.writeHead(410).end("channel_is_archived"));
  assert.ok(gone.reply.kind === "gone");
  assert.match(gone.reply.detail, /^Slack answered 410 \(channel_is_archived\)\. The webhook's channel is archived/);
});

test("refuses an address that it must not post to, without repeating it", async () => {
  const allowPrivate = false;
  for (const url of ["http://hooks.example.com/verysecret", "verysecret", "https://169.254.169.254/verysecret"]) {
    const chat = { type: "slack", url: () => url, allowPrivate, clock: { now: () => 0 } } as const;
    await assert.rejects(
      postToChat(chat, ALERT, SIGNAL),
      (error) =>
        error instanceof ConnectorError && error.code === "config_invalid" && !error.message.includes("verysecret"),
    );
  }
});
