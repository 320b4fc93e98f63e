import { createWebhook, type Webhook } from "@entrain/connectors/webhook";
import { ConnectorError } from "@entrain/core";
import type { Selectable } from "kysely";
import { channelSettings, secretPlace, targetSecrets } from "../config/current.ts";
import type { Alert } from "../store/alerts.ts";
import type { DB } from "../store/schema.ts";
import type { Keyring } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";
import type { SendReply } from "./reply.ts";

export type ChannelRow = Selectable<DB["channels"]>;

/** What sending needs of an installation. */
export interface Sender {
  readonly store: Store;
  readonly keyring: Keyring;
}

/** The text that a receiver is sent, and that is signed. */
function bodyOf({ type, at, data }: Alert): string {
  return JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
}

/**
 * One attempt to tell a channel of an alert. A secret that cannot be read is an attempt that failed.
 * @throws the signal's reason when it aborts
 */
export async function sendAlert(
  { store, keyring }: Sender,
  channel: ChannelRow,
  alert: Alert,
  signal: AbortSignal,
): Promise<SendReply> {
  let webhook: Webhook | null = null;
  try {
    webhook = openWebhook(store, keyring, channel);
    return await webhook.send({ id: alert.id, body: bodyOf(alert) }, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ConnectorError)) throw error;
    return { kind: "failed", status: null, detail: error.message, fix: error.fix, retryAfterMs: null };
  } finally {
    await webhook?.close();
  }
}

function openWebhook(store: Store, keyring: Keyring, row: ChannelRow): Webhook {
  const { id, name, credential } = row;
  const secret = (): string => {
    const reference = targetSecrets({ credential }).secret;
    if (reference !== undefined) return keyring.open(reference, secretPlace("channels", id, "secret")).reveal();
    const message = `The channel ${name} has no secret.`;
    throw new ConnectorError("config_invalid", message, { stops: "record", retry: "never" });
  };
  return createWebhook({ ...channelSettings(row), secret, clock: store.clock });
}
