import { ConnectorError, type WaitListener } from "@entrain/core";
import { Pool } from "undici";
import { AddressRefused, checkLiteral, guardedLookup, type Reach, type Resolve } from "../shared/addresses.ts";
import { backoffMs, Gate, retryAfterMs, type ScimClock } from "./pace.ts";
import { type Reply, replyOf, replyOfError } from "./reply.ts";

export interface ClientOptions {
  /** The address that `/Users` is appended to. `https`, or `http` on loopback. */
  readonly baseUrl: string;
  /** The bearer token, asked for at every request, so that a renewed one is used at once. */
  readonly token: () => string;
  readonly clock: ScimClock;
  /** Sent with every request: GitHub and AWS refuse requests without one. */
  readonly userAgent: string;
  /** PEM of the certificate authority to trust in place of Node's own. */
  readonly ca?: string;
  /** The most connections at a time. */
  readonly connections: number;
  /** Milliseconds for reaching the server, and for its whole answer. */
  readonly timeouts: { readonly connectMs: number; readonly answerMs: number };
  /** Plain `http` beyond loopback: the token travels readable. */
  readonly allowHttp: boolean;
  /** The name may lead to a private network, or to this machine. */
  readonly allowPrivate: boolean;
  /** Looks names up in place of the system. */
  readonly resolve?: Resolve;
  /** Told whenever a request waits before it is tried again. */
  readonly onWait: WaitListener;
}

export interface ScimRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Behind the base address, with its query. */
  readonly path: string;
  readonly body?: unknown;
  /**
   * Sending it again after an answer that was never heard has no further effect. A creation must say false: it is then
   * repeated only where the server itself says that it did not take the request (429, or 503 with Retry-After).
   */
  readonly repeatable: boolean;
}

/**
 * Speaks SCIM over HTTP: one request in, one reply out, pace and retries within. Never follows a redirect. Closed, it sends nothing
 * more, not even again; what is under way ends.
 */
export interface ScimClient {
  send(request: ScimRequest, signal: AbortSignal): Promise<Reply>;
  close(): Promise<void>;
}

const ATTEMPTS = 5;
/** A longer wait than this is left to the next run. */
const LONGEST_WAIT_MS = 60_000;
const LARGEST_ANSWER_BYTES = 64 * 1024 * 1024;

/** @throws ConnectorError `config_invalid` for an address that must not be used. */
export function createScimClient(options: ClientOptions): ScimClient {
  const { clock, timeouts, connections } = options;
  const base = parseBase(options.baseUrl, options.allowHttp);
  const pool = new Pool(base.origin, {
    connections,
    connect: {
      timeout: timeouts.connectMs,
      lookup: lookupFor(base.origin, options),
      ...(options.ca !== undefined && { ca: options.ca }),
    },
    headersTimeout: timeouts.answerMs,
    bodyTimeout: timeouts.answerMs,
    maxResponseSize: LARGEST_ANSWER_BYTES,
  });
  const { host } = new URL(base.origin);
  const gate = new Gate(clock, host, options.onWait);
  const closed = new AbortController();

  async function sendOnce(request: ScimRequest, signal: AbortSignal): Promise<Reply> {
    const token = readToken(options.token);
    if (typeof token !== "string") return token;
    try {
      const answer = await pool.request({
        method: request.method,
        path: `${base.path}${request.path}`,
        headers: {
          accept: "application/scim+json, application/json",
          authorization: `Bearer ${token}`,
          "user-agent": options.userAgent,
          ...(request.body !== undefined && { "content-type": "application/scim+json" }),
        },
        body: request.body === undefined ? null : JSON.stringify(request.body),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeouts.answerMs)]),
      });
      const wait = retryAfterMs(answer.headers["retry-after"], clock.now());
      return replyOf(answer.statusCode, await answer.body.text(), wait, token);
    } catch (error) {
      return replyOfError(error, signal, timeouts.answerMs);
    }
  }

  async function send(request: ScimRequest, signal: AbortSignal): Promise<Reply> {
    const detail = closed.signal.aborted
      ? `The connection to ${host} was closed on this side.`
      : "The work was stopped before the request was sent.";
    let reply: Reply = { kind: "unsent", code: "cancelled", detail };
    let unheard: Reply | null = null;
    const open = AbortSignal.any([signal, closed.signal]);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (open.aborted || !(await gate.pass(open))) return reply;
      const next = await sendOnce(request, signal);
      if (next.kind === "unheard") unheard = next;
      // What was not heard may have taken effect: a later attempt that could not be sent does not take that back.
      reply = next.kind === "unsent" ? (unheard ?? next) : next;
      if (!isWorthRepeating(next, request.repeatable)) return reply;
      const asked = next.kind === "error" ? next.retryAfterMs : null;
      if (asked !== null && asked > LONGEST_WAIT_MS) return reply;
      const wait = asked ?? backoffMs(attempt, clock.random());
      if (next.kind === "error") gate.hold(wait);
      if (attempt + 1 === ATTEMPTS) return reply;
      const status = "status" in next ? (next.status ?? null) : null;
      if (!(await gate.pause(wait, { status, attempt: attempt + 2, of: ATTEMPTS }, open))) return reply;
    }
    return reply;
  }

  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closed.abort();
    closing ??= pool.close();
    return closing;
  };
  return { send, close };
}

function isWorthRepeating(reply: Reply, repeatable: boolean): boolean {
  if (reply.kind === "unsent") return reply.code === "unreachable";
  if (reply.kind === "unheard") return repeatable && reply.code !== "cancelled";
  return reply.kind === "error" && reply.code === "throttled";
}

function parseBase(baseUrl: string, allowHttp: boolean): { readonly origin: string; readonly path: string } {
  const url = URL.parse(baseUrl);
  if (url === null) throw invalid("The SCIM address is not a URL.");
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw invalid(`The SCIM address must begin with https, not ${url.protocol}//.`);
  }
  if (url.protocol === "http:" && !allowHttp && !isLoopback(url.hostname)) {
    throw invalid("The SCIM address must begin with https: over http the token travels readable.");
  }
  if (url.username || url.password || url.search || url.hash) {
    throw invalid("The SCIM address must hold no user, password, query or fragment.");
  }
  try {
    checkLiteral(url.hostname);
  } catch (error) {
    throw error instanceof AddressRefused ? invalid(`The SCIM address cannot be used: ${error.message}.`) : error;
  }
  return { origin: url.origin, path: url.pathname.replace(/\/+$/, "") };
}

/** Where the network is trusted with plain http, it is a private one. A name that means this machine means it. */
function lookupFor(origin: string, options: ClientOptions): ReturnType<typeof guardedLookup> {
  const { hostname } = new URL(origin);
  const reach: Reach =
    options.allowPrivate || hostname === "localhost" ? "private" : options.allowHttp ? "network" : "public";
  return guardedLookup(reach, options.resolve);
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** The token, or why no request can be made with it. */
function readToken(token: () => string): string | Reply {
  try {
    const text = token();
    if (/^[\x21-\x7e]+$/.test(text)) return text;
    const detail = "The SCIM target's token is empty or holds characters that no token has.";
    return { kind: "unsent", code: "config_invalid", detail };
  } catch (error) {
    const detail = error instanceof ConnectorError ? error.message : "The SCIM target's token could not be read.";
    return { kind: "unsent", code: "config_invalid", detail };
  }
}

function invalid(message: string): ConnectorError {
  return new ConnectorError("config_invalid", message, { stops: "sync", retry: "never" });
}
