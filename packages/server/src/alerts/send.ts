import { createWebhook } from "@entrain/connectors/webhook";
import { ConnectorError } from "@entrain/core";
import type { Selectable } from "kysely";
import { mapChannel } from "../config/channel-of.ts";
import { secretPlace, storedChannel } from "../config/current.ts";
import type { Alert } from "../store/alerts.ts";
import type { DB } from "../store/schema.ts";
import type { Keyring } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";
import { postToChat } from "./chat.ts";
import { sendMail } from "./mail.ts";
import type { SendReply } from "./reply.ts";

export type ChannelRow = Selectable<DB["channels"]>;

/** What sending needs of an installation. */
export interface Sender {
  readonly store: Store;
  readonly keyring: Keyring;
}

/** The text that a receiver of webhooks is sent, and that is signed. */
function bodyOf({ type, at, data }: Alert): string {
  return JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
}

/**
 * One attempt to tell a channel of an alert. A secret that cannot be read is an attempt that failed.
 * @throws the signal's reason when it aborts
 */
export async function sendAlert(
  sender: Sender,
  channel: ChannelRow,
  alert: Alert,
  signal: AbortSignal,
): Promise<SendReply> {
  try {
    return await sendTo(sender, channel, alert, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ConnectorError)) throw error;
    return { kind: "failed", status: null, detail: error.message, fix: error.fix, retryAfterMs: null };
  }
}

async function sendTo(
  { store, keyring }: Sender,
  row: ChannelRow,
  alert: Alert,
  signal: AbortSignal,
): Promise<SendReply> {
  const { clock } = store;
  // Each secret is read when it is needed, so that a renewed one counts at once.
  const channel = mapChannel(storedChannel(row), (reference, field) => () => {
    if (reference !== undefined) return keyring.open(reference, secretPlace("channels", row.id, field)).reveal();
    const message = `The channel ${row.name} has no secret.`;
    throw new ConnectorError("config_invalid", message, { stops: "record", retry: "never" });
  });
  if (channel.type === "email") {
    return await sendMail({ name: row.name, channel, password: channel.password ?? null }, alert, signal);
  }
  if (channel.type !== "webhook") {
    const { type, url, allowPrivate } = channel;
    return await postToChat({ type, url, allowPrivate, clock }, alert, signal);
  }
  const { url, allowPrivate, secret } = channel;
  const webhook = createWebhook({ url, allowPrivate, secret, clock });
  try {
    return await webhook.send({ id: alert.id, body: bodyOf(alert) }, signal);
  } finally {
    await webhook.close();
  }
}
