import type { WebhookReply } from "@entrain/connectors/webhook";

/**
 * What became of an attempt to tell a channel. `note`: whom of those behind the channel it did not reach, and why, although
 * it was accepted. No part of it holds a secret.
 */
export type SendReply =
  | Exclude<WebhookReply, { readonly kind: "accepted" }>
  | { readonly kind: "accepted"; readonly status: number; readonly note?: string };
