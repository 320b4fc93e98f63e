import { createPoster, type PostAnswer, type Poster, type PosterOptions } from "./post.ts";
import { webhookHeaders, webhookKey } from "./sign.ts";

export { AddressRefused, checkLiteral, guardedLookup, type Resolve } from "../shared/addresses.ts";
export { transportFault } from "../shared/http.ts";
export { createPoster, type Poster, webhookUrl } from "./post.ts";
export { webhookKey } from "./sign.ts";

export interface WebhookOptions extends PosterOptions {
  /** The `whsec_` secret, asked for at every attempt, so that a renewed one is used at once. */
  readonly secret: () => string;
}

/** What a receiver made of an attempt. `gone`: it wants nothing more, ever. Details name the host, never a path or a secret. */
export type WebhookReply =
  | { readonly kind: "accepted"; readonly status: number }
  | { readonly kind: "gone"; readonly detail: string }
  | {
      readonly kind: "failed";
      readonly status: number | null;
      readonly detail: string;
      readonly fix: string;
      /** Milliseconds that the receiver asked to wait, where it did. */
      readonly retryAfterMs: number | null;
    };

/** Posts signed messages to one receiver, one attempt at a time. */
export interface Webhook {
  /**
   * One attempt. `id` is the same at every attempt of a message, so that the receiver can take it once.
   * @throws ConnectorError `config_invalid` for a secret that is none; the signal's reason when it aborts
   */
  send(message: { readonly id: string; readonly body: string }, signal: AbortSignal): Promise<WebhookReply>;
  close(): Promise<void>;
}

/**
 * A receiver of webhooks after the Standard Webhooks specification 1.0.0: signed with `v1`, never redirected, accepted by
 * 2xx alone, and ended by 410. A name is followed to public addresses alone unless `allowPrivate` says otherwise. @throws ConnectorError `config_invalid` for an address that must not be used
 */
export function createWebhook(options: WebhookOptions): Webhook {
  const poster: Poster = createPoster(options);
  return {
    send: async ({ id, body }, signal) => {
      signal.throwIfAborted();
      const timestamp = Math.floor(options.clock.now() / 1000);
      const headers = webhookHeaders(webhookKey(options.secret()), { id, timestamp, body });
      const answer = await poster.post({ headers, body }, signal);
      if (answer.kind === "answered") return replyOf(answer, poster.host);
      const { detail, fix } = answer;
      return { kind: "failed", status: null, detail, fix, retryAfterMs: null };
    },
    close: () => poster.close(),
  };
}

function replyOf({ status, retryAfterMs }: PostAnswer, host: string): WebhookReply {
  if (status >= 200 && status < 300) return { kind: "accepted", status };
  if (status === 410) return { kind: "gone", detail: `${host} answered 410: it wants no more alerts.` };
  const redirect = status >= 300 && status < 400;
  const detail = redirect
    ? `${host} answered ${status}, a redirect, and redirects are never followed.`
    : `${host} answered ${status}.`;
  return { kind: "failed", status, detail, fix: fixOf(status), retryAfterMs };
}

function fixOf(status: number): string {
  if (status >= 300 && status < 400) return "Give the address that the receiver really has.";
  if (status === 401 || status === 403) return "Give the receiver and the channel the same secret.";
  if (status === 404 || status === 405) return "Compare the channel's url with the receiver's address.";
  if (status === 429) return "Nothing needs to be done: it is tried again when the receiver allows.";
  return "Look into the receiver's log.";
}
