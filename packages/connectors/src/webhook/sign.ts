import { createHmac } from "node:crypto";
import { ConnectorError } from "@entrain/core";

const PREFIX = "whsec_";
const LEAST_BYTES = 24;
const MOST_BYTES = 64;

/**
 * The key of a secret as receivers are given it: `whsec_` and 24 to 64 bytes in base64 (Standard Webhooks 1.0.0,
 * Signature scheme). @throws ConnectorError `config_invalid`, which does not repeat the secret
 */
export function webhookKey(secret: string): Buffer {
  const text = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : "";
  const key = /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, "base64") : Buffer.alloc(0);
  if (key.length >= LEAST_BYTES && key.length <= MOST_BYTES) return key;
  const message = `The secret of a webhook is ${PREFIX} and ${LEAST_BYTES} to ${MOST_BYTES} bytes in base64.`;
  const fix = `Make one with: echo "${PREFIX}$(openssl rand -base64 32)", and give the receiver the same.`;
  throw new ConnectorError("config_invalid", message, { stops: "record", retry: "never", fix });
}

/** What is signed. `body` must be the very text that is sent. */
export interface Signed {
  readonly id: string;
  /** Of the attempt, not of the event: whole seconds since 1970. */
  readonly timestamp: number;
  readonly body: string;
}

/** The headers that tell a receiver who sent this and when (Standard Webhooks 1.0.0, Webhook headers; `v1`, HMAC-SHA256). */
export function webhookHeaders(key: Buffer, { id, timestamp, body }: Signed): Readonly<Record<string, string>> {
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`, "utf8").digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": `v1,${signature}` };
}
