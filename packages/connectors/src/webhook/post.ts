import { ConnectorError } from "@entrain/core";
import { Pool } from "undici";
import { checkLiteral, guardedLookup, type Resolve } from "../shared/addresses.ts";
import { retryAfterMs } from "../shared/backoff.ts";
import { TransportFault, transportFault } from "../shared/http.ts";

export interface PosterOptions {
  /** Where to post: `https`, or `http` on loopback. */
  readonly url: string;
  readonly clock: { now(): number };
  /** Milliseconds for reaching the receiver, and for its whole answer. Default 20 seconds. */
  readonly timeoutMs?: number;
  /** The receiver's name may lead to a private network, or to this machine. Default false. */
  readonly allowPrivate?: boolean;
  /** How names are looked up; as the system does unless given. */
  readonly resolve?: Resolve;
}

/** An answer that came. `text` is its beginning, for whoever knows which words to expect: it may hold anything. */
export interface PostAnswer {
  readonly kind: "answered";
  readonly status: number;
  readonly text: string;
  /** Milliseconds that the receiver asked to wait, where it did. */
  readonly retryAfterMs: number | null;
}

/** No answer. The receiver may have taken what was sent nevertheless. The detail names the host, never a path. */
export interface PostFault {
  readonly kind: "unheard";
  readonly detail: string;
  readonly fix: string;
}

/** Posts JSON to one address, one attempt at a time. Redirects are never followed. */
export interface Poster {
  /** Without path and query, which may be a secret. */
  readonly host: string;
  /** @throws the signal's reason when it aborts */
  post(
    sent: { readonly headers?: Readonly<Record<string, string>>; readonly body: string },
    signal: AbortSignal,
  ): Promise<PostAnswer | PostFault>;
  close(): Promise<void>;
}

/** What the Standard Webhooks specification recommends: between 15 and 30 seconds. */
const TIMEOUT_MS = 20_000;
/** What a receiver says beside its status is read so far. */
const READ_BYTES = 64 * 1024;
const KEPT_CHARACTERS = 2_000;

/**
 * A name is followed to public addresses alone unless `allowPrivate` says otherwise.
 * @throws ConnectorError `config_invalid` for an address that must not be used
 */
export function createPoster(options: PosterOptions): Poster {
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
    host: url.host,
    post: async ({ headers = {}, body }, signal) => {
      signal.throwIfAborted();
      const timeout = AbortSignal.timeout(timeoutMs);
      try {
        const answer = await pool.request({
          method: "POST",
          path: url.pathname + url.search,
          headers: { "content-type": "application/json", "user-agent": "Entrain", ...headers },
          body,
          signal: AbortSignal.any([signal, timeout]),
        });
        const text = await beginning(answer.body);
        const asked = answer.headers["retry-after"];
        const wait = typeof asked === "string" ? retryAfterMs(asked, null, options.clock.now()) : null;
        return { kind: "answered", status: answer.statusCode, text, retryAfterMs: wait };
      } catch (error) {
        signal.throwIfAborted();
        return unheard(timeout.aborted ? late(url, timeoutMs) : transportFault(error, url, false));
      }
    },
    close: () => pool.destroy(),
  };
}

/** What a receiver says first. That it breaks off, or says too much, takes nothing back of the status that came. */
async function beginning(body: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += (chunk as Buffer).length;
      chunks.push(chunk as Buffer);
      // Leaving the loop closes the connection.
      if (bytes > READ_BYTES) break;
    }
  } catch {
    return "";
  }
  return Buffer.concat(chunks).toString("utf8").slice(0, KEPT_CHARACTERS);
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

function late(url: URL, timeoutMs: number): TransportFault {
  return new TransportFault("timeout", `${url.host} did not answer within ${timeoutMs} ms`);
}

function unheard({ kind, message }: TransportFault): PostFault {
  const refused =
    "Compare the channel's url with the receiver's address; allowPrivate lets its name lead to a private network or this machine.";
  const fix =
    kind === "refused"
      ? refused
      : "Check the channel's url, the network, and that the receiver answers before it works.";
  return { kind: "unheard", detail: `${message}.`, fix };
}

function invalid(message: string): ConnectorError {
  return new ConnectorError("config_invalid", message, { stops: "record", retry: "never" });
}
