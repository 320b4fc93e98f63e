import { ConnectorError, type WaitListener } from "@entrain/core";
import { Pool } from "undici";
import { guardedLookup, type Reach, type Resolve } from "./addresses.ts";
import type { BaseAddress } from "./base-address.ts";
import { Gate, type PaceClock, Patience, retryAfterMs } from "./pace.ts";
import { type Manner, type Reply, replyOf, replyOfError } from "./reply.ts";

/** How the API of a target is spoken to. */
export interface ServiceOptions<Body> {
  /** The service's name in sentences about its settings: `SCIM`. */
  readonly name: string;
  readonly base: BaseAddress;
  /** Where the host's name may lead. */
  readonly reach: Reach;
  /** The bearer token, asked for at every request, so that a renewed one is used at once. */
  readonly token: () => string;
  readonly clock: PaceClock;
  /** Media types: what is taken, and what is sent. */
  readonly accept: string;
  readonly contentType: string;
  readonly manner: Manner<Body>;
  /** Sent with every request: some services refuse requests without one. */
  readonly userAgent: string;
  /** PEM of the certificate authority to trust in place of Node's own. */
  readonly ca?: string;
  /** The most connections at a time. */
  readonly connections: number;
  /** Milliseconds for reaching the service, and for its whole answer. */
  readonly timeouts: { readonly connectMs: number; readonly answerMs: number };
  /** Looks names up in place of the system. */
  readonly resolve?: Resolve;
  /** Told whenever a request waits before it is tried again. */
  readonly onWait: WaitListener;
}

export interface ServiceRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Behind the base address, with its query. */
  readonly path: string;
  readonly body?: unknown;
  /**
   * Sending it again after an answer that was never heard has no further effect. A creation must say false: it is then
   * repeated only where the service itself says that it did not take the request (429, or 503 with Retry-After).
   */
  readonly repeatable: boolean;
}

/**
 * Speaks to an API over HTTP: one request in, one reply out, pace and retries within. Never follows a redirect. Closed, it sends
 * nothing more, not even again; what is under way ends.
 */
export interface ServiceClient<Body> {
  send(request: ServiceRequest, signal: AbortSignal): Promise<Reply<Body>>;
  close(): Promise<void>;
}

/** A longer wait than this is left to the next run. */
const LONGEST_WAIT_MS = 60_000;
const LARGEST_ANSWER_BYTES = 64 * 1024 * 1024;

/** A client with a pool of connections of its own. */
export function createServiceClient<Body>(options: ServiceOptions<Body>): ServiceClient<Body> {
  const { clock, base } = options;
  const pool = poolFor(options);
  const { host } = new URL(base.origin);
  const gate = new Gate(clock, host, options.onWait);
  const closed = new AbortController();

  async function send(request: ServiceRequest, signal: AbortSignal): Promise<Reply<Body>> {
    const detail = closed.signal.aborted
      ? `The connection to ${host} was closed on this side.`
      : "The work was stopped before the request was sent.";
    let reply: Reply<Body> = { kind: "unsent", code: "cancelled", detail };
    let unheard: Reply<Body> | null = null;
    const open = AbortSignal.any([signal, closed.signal]);
    const patience = new Patience(() => clock.random());
    for (;;) {
      if (open.aborted || !(await gate.pass(open))) return reply;
      const next = await sendOnce(pool, options, request, signal);
      if (next.kind === "unheard") unheard = next;
      // What was not heard may have taken effect: a later attempt that could not be sent does not take that back.
      reply = next.kind === "unsent" ? (unheard ?? next) : next;
      if (next.kind === "error" && unheard !== null) reply = { ...next, repeated: true };
      if (!isWorthRepeating(next, request.repeatable)) return reply;
      const asked = next.kind === "error" ? next.retryAfterMs : null;
      if (asked !== null && asked > LONGEST_WAIT_MS) return reply;
      const { waitMs, attempt, of } = patience.after(next.kind === "error" ? "throttled" : "fault");
      // A service that asks for no wait, or for a moment, may mean it and refuse again: each refusal is waited out for longer.
      const wait = Math.max(asked ?? 0, waitMs);
      if (next.kind === "error") gate.hold(wait);
      if (attempt > of) return reply;
      const status = "status" in next ? (next.status ?? null) : null;
      if (!(await gate.pause(wait, { status, attempt, of }, open))) return reply;
    }
  }

  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closed.abort();
    closing ??= pool.close();
    return closing;
  };
  return { send, close };
}

function poolFor<Body>({ base, reach, resolve, ca, connections, timeouts }: ServiceOptions<Body>): Pool {
  // A name that means this machine means it.
  const lookup = guardedLookup(base.hostname === "localhost" ? "private" : reach, resolve);
  return new Pool(base.origin, {
    connections,
    connect: { timeout: timeouts.connectMs, lookup, ...(ca !== undefined && { ca }) },
    headersTimeout: timeouts.answerMs,
    bodyTimeout: timeouts.answerMs,
    maxResponseSize: LARGEST_ANSWER_BYTES,
  });
}

async function sendOnce<Body>(
  pool: Pool,
  options: ServiceOptions<Body>,
  request: ServiceRequest,
  signal: AbortSignal,
): Promise<Reply<Body>> {
  const { base, clock, manner, timeouts } = options;
  const token = readToken(options);
  if (typeof token !== "string") return token;
  try {
    const answer = await pool.request({
      method: request.method,
      path: `${base.path}${request.path}`,
      headers: {
        accept: options.accept,
        authorization: `Bearer ${token}`,
        "user-agent": options.userAgent,
        ...(request.body !== undefined && { "content-type": options.contentType }),
      },
      body: request.body === undefined ? null : JSON.stringify(request.body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeouts.answerMs)]),
    });
    const wait = retryAfterMs(answer.headers["retry-after"], clock.now());
    const heard = { status: answer.statusCode, text: await answer.body.text(), retryAfterMs: wait };
    return replyOf(heard, token, manner);
  } catch (error) {
    return replyOfError(error, { signal, answerMs: timeouts.answerMs, who: manner.who });
  }
}

function isWorthRepeating(reply: Reply<unknown>, repeatable: boolean): boolean {
  if (reply.kind === "unsent") return reply.code === "unreachable";
  if (reply.kind === "unheard") return repeatable && reply.code !== "cancelled";
  return reply.kind === "error" && reply.code === "throttled";
}

/** The token, or why no request can be made with it. */
function readToken<Body>({ token, name }: ServiceOptions<Body>): string | Reply<Body> {
  try {
    const text = token();
    if (/^[\x21-\x7e]+$/.test(text)) return text;
    const detail = `The ${name} target's token is empty or holds characters that no token has.`;
    return { kind: "unsent", code: "config_invalid", detail };
  } catch (error) {
    const detail = error instanceof ConnectorError ? error.message : `The ${name} target's token could not be read.`;
    return { kind: "unsent", code: "config_invalid", detail };
  }
}
