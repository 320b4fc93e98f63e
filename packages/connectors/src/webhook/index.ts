import { ConnectorError } from "@entrain/core";
import { Pool } from "undici";
import { checkLiteral, guardedLookup, type Resolve } from "../shared/addresses.ts";
import { retryAfterMs } from "../shared/backoff.ts";
import { TransportFault, transportFault } from "../shared/http.ts";
import { webhookHeaders, webhookKey } from "./sign.ts";

export { webhookKey } from "./sign.ts";

export interface WebhookOptions {
  /** Where to post: `https`, or `http` on loopback. */
  readonly url: string;
  /** The `whsec_` secret, asked for at every attempt, so that a renewed one is used at once. */
  readonly secret: () => string;
  readonly clock: { now(): number };
  /** Milliseconds for reaching the receiver, and for its whole answer. Default 20 seconds. */
  readonly timeoutMs?: number;
  /** The receiver's name may lead to a private network, or to this machine. Default false. */
  readonly allowPrivate?: boolean;
  /** How names are looked up; as the system does unless given. */
  readonly resolve?: Resolve;
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

/** What the specification recommends: between 15 and 30 seconds. */
const TIMEOUT_MS = 20_000;
/** What a receiver says beside its status is read so that the connection can be used again, and thrown away. */
const READ_BYTES = 64 * 1024;

/**
 * A receiver of webhooks after the Standard Webhooks specification 1.0.0: signed with `v1`, never redirected, accepted by
 * 2xx alone, and ended by 410. A name is followed to public addresses alone unless `allowPrivate` says otherwise. @throws ConnectorError `config_invalid` for an address that must not be used
 */
export function createWebhook(options: WebhookOptions): Webhook {
  const url = webhookUrl(options.url);
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const isPrivate = options.allowPrivate === true || url.hostname === "localhost";
  const pool = new Pool(url.origin, {
    connections: 1,
    connect: {
      timeout: timeoutMs,
      lookup: guardedLookup(isPrivate ? "private" : "public", options.resolve),
    },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  return {
    send: async ({ id, body }, signal) => {
      signal.throwIfAborted();
      const timestamp = Math.floor(options.clock.now() / 1000);
      const signed = webhookHeaders(webhookKey(options.secret()), { id, timestamp, body });
      const timeout = AbortSignal.timeout(timeoutMs);
      try {
        const answer = await pool.request({
          method: "POST",
          path: url.pathname + url.search,
          headers: { "content-type": "application/json", "user-agent": "Entrain", ...signed },
          body,
          signal: AbortSignal.any([signal, timeout]),
        });
        await answer.body.dump({ limit: READ_BYTES }).catch(() => undefined);
        const asked = answer.headers["retry-after"];
        const wait = typeof asked === "string" ? retryAfterMs(asked, null, options.clock.now()) : null;
        return replyOf(answer.statusCode, url.host, wait);
      } catch (error) {
        signal.throwIfAborted();
        return unheard(timeout.aborted ? late(url, timeoutMs) : transportFault(error, url, false));
      }
    },
    close: () => pool.destroy(),
  };
}

/** The address of a receiver. @throws ConnectorError `config_invalid` for one that must not be used */
export function webhookUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw invalid("The webhook's address is not a URL.");
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    throw invalid("The webhook's address must begin with https: over http everybody on the way can read the alerts.");
  }
  if (url.username || url.password || url.hash) {
    throw invalid("The webhook's address must hold no user, password or fragment.");
  }
  try {
    checkLiteral(url.hostname);
  } catch (error) {
    throw invalid(`The webhook's address must not be used: ${error instanceof Error ? error.message : String(error)}.`);
  }
  return url;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function replyOf(status: number, host: string, wait: number | null): WebhookReply {
  if (status >= 200 && status < 300) return { kind: "accepted", status };
  if (status === 410) return { kind: "gone", detail: `${host} answered 410: it wants no more alerts.` };
  const redirect = status >= 300 && status < 400;
  const detail = redirect
    ? `${host} answered ${status}, a redirect, and redirects are never followed.`
    : `${host} answered ${status}.`;
  return { kind: "failed", status, detail, fix: fixOf(status), retryAfterMs: wait };
}

function fixOf(status: number): string {
  if (status >= 300 && status < 400) return "Give the address that the receiver really has.";
  if (status === 401 || status === 403) return "Give the receiver and the channel the same secret.";
  if (status === 404 || status === 405) return "Compare the channel's url with the receiver's address.";
  if (status === 429) return "Nothing needs to be done: it is tried again when the receiver allows.";
  return "Look into the receiver's log.";
}

function late(url: URL, timeoutMs: number): TransportFault {
  return new TransportFault("timeout", `${url.host} did not answer within ${timeoutMs} ms`);
}

/** The receiver may have taken it nevertheless, and knows it by its id when it comes again. */
function unheard({ kind, message }: TransportFault): WebhookReply {
  const refused =
    "Compare the channel's url with the receiver's address; allowPrivate lets its name lead to a private network or this machine.";
  const fix =
    kind === "refused"
      ? refused
      : "Check the channel's url, the network, and that the receiver answers before it works.";
  return { kind: "failed", status: null, detail: `${message}.`, fix, retryAfterMs: null };
}

function invalid(message: string): ConnectorError {
  return new ConnectorError("config_invalid", message, { stops: "record", retry: "never" });
}
