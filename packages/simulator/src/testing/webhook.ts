import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

/** One request that a subscriber got. */
export interface Received {
  readonly url: string;
  readonly type: string;
  readonly text: string;
  /** The `value` array of a notification; empty for a handshake. */
  readonly value: readonly Readonly<Record<string, unknown>>[];
}

/** How a subscriber answers. */
export interface Reply {
  readonly status: number;
  readonly type?: string;
  readonly text?: string;
}

/** A subscriber of change notifications on loopback. */
export interface Webhook {
  readonly url: string;
  readonly received: Received[];
  /** Decides answers; returns nothing for the ordinary one: the token, or 202. */
  respond: (received: Received) => Reply | undefined;
}

export async function startWebhook(test: TestContext): Promise<Webhook> {
  const webhook: { url: string; received: Received[]; respond: Webhook["respond"] } = {
    url: "",
    received: [],
    respond: () => undefined,
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const url = request.url ?? "/";
    const token = new URL(url, "http://localhost").searchParams.get("validationToken");
    const value = token === null ? (JSON.parse(text) as { value: Received["value"] }).value : [];
    const received = { url, type: request.headers["content-type"] ?? "", text, value };
    webhook.received.push(received);
    const ordinary: Reply = token === null ? { status: 202 } : { status: 200, type: "text/plain", text: token };
    const reply = webhook.respond(received) ?? ordinary;
    response.writeHead(reply.status, { "content-type": reply.type ?? "text/plain" });
    response.end(reply.text ?? "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  webhook.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return webhook;
}
