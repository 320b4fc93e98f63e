import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { Webhook } from "standardwebhooks";
import { install } from "../config/testing.ts";
import type { RunLog } from "../runs/tell.ts";
import type { TestClock } from "../runs/testing/time.ts";
import { raiseAlert } from "../store/alerts.ts";
import { openKeyring } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";
import type { TestEngine } from "../store/testing.ts";
import { deliverTo } from "./deliver.ts";
import type { Sender } from "./send.ts";

/** What webhooks are signed with. */
export const SECRET: string = `whsec_${Buffer.alloc(32, 42).toString("base64")}`;
/** What the raised alerts tell. */
export const DATA: {
  readonly connection: string;
  readonly credential: number;
  readonly kind: string;
  readonly days: number;
  readonly endsAt: string;
} = { connection: "contoso", credential: 1, kind: "secret", days: 6, endsAt: "2031-03-09T08:00:00.000Z" };

/** What a receiver got, already held against the specification's own implementation. */
interface Received {
  readonly id: string;
  readonly timestamp: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** How the next requests are answered; 204 unless told. */
  answer: (response: ServerResponse) => void;
  /** Resolves when the next request has come. */
  next(): Promise<void>;
  close(): Promise<void>;
}

/** A receiver of webhooks on this machine, until the test ends. */
export async function receive(context: TestContext, port = 0): Promise<Receiver> {
  const received: Received[] = [];
  let heard: () => void = () => undefined;
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
    const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature } = request.headers;
    const signed = new Webhook(SECRET).sign(String(id), new Date(Number(timestamp) * 1000), body);
    received.push({ id: String(id), timestamp: Number(timestamp), body, headers: request.headers });
    heard();
    if (signature !== signed) response.writeHead(401).end();
    else receiver.answer(response);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/entrain`,
    received,
    answer: (response) => response.writeHead(204).end(),
    next: () =>
      new Promise((resolve) => {
        heard = resolve;
      }),
    close,
  };
  context.after(close);
  return receiver;
}

/** An installation whose channels are webhooks, and what it was told. */
interface Scene {
  readonly store: Store;
  readonly sender: Sender;
  readonly log: RunLog;
  readonly lines: readonly string[];
  readonly apply: Awaited<ReturnType<typeof install>>["apply"];
  raise(days?: number): Promise<void>;
  /** Delivers what is due for the channel. */
  deliver(channel?: string): Promise<void>;
}

/** Never aborts. */
export const SIGNAL: AbortSignal = new AbortController().signal;

/** Configures channels by their addresses. */
export async function open(store: Store, urls: { readonly [channel: string]: string }): Promise<Scene> {
  const { apply } = await install(store);
  const channels = Object.entries(urls).map(([name, url]) => [name, { type: "webhook", url, secret: { env: "HOOK" } }]);
  await apply(JSON.stringify({ channels: Object.fromEntries(channels) }));
  const keyring = await openKeyring(store, { key: "00".repeat(32), folder: "", environment: { HOOK: SECRET } });
  const lines: string[] = [];
  const tell = (facts: object, message: string): void => void lines.push(`${JSON.stringify(facts)} ${message}`);
  const log: RunLog = { debug: () => undefined, info: tell, warn: tell, error: tell };
  const sender = { store, keyring };
  return {
    store,
    sender,
    log,
    lines,
    apply,
    raise: async (days = 6) => {
      await store.transaction((tx) => raiseAlert(tx, store, { type: "credential.expiring", data: { ...DATA, days } }));
    },
    deliver: async (channel = "desk") => {
      const row = await store.db.selectFrom("channels").select("id").where("name", "=", channel).executeTakeFirst();
      await deliverTo(sender, row?.id ?? "", log, SIGNAL);
    },
  };
}

/** The same in a new store. */
export async function openAt(
  engine: TestEngine,
  clock: TestClock,
  urls: { readonly [channel: string]: string },
): Promise<Scene> {
  return open(await engine.open({ clock }), urls);
}
