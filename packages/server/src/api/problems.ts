import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { CODES, type Code, ConnectorError } from "@entrain/core";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import Type, { type TSchema } from "typebox";

/** What can be wrong with a request itself, with its status and the sentence that says what to do. */
const REQUEST_CODES = {
  not_signed_in: { status: 401, fix: "Open a sign-in link. `npx entrain operator link` prints a new one." },
  csrf_missing: { status: 403, fix: "Send the `csrf` value of GET /api/v1/session in the header X-CSRF-Token." },
  origin_refused: {
    status: 403,
    fix: "Use Entrain from its own pages, or from a program that sends no Origin header.",
  },
  request_invalid: {
    status: 400,
    fix: "Correct what it names; for programs, /api/v1/openapi.json says what each route takes.",
  },
  cursor_invalid: { status: 400, fix: "Begin again without `after`, or send `next` exactly as the last page gave it." },
  host_refused: {
    status: 421,
    fix: "Open Entrain under the address it printed, or start it with the public address that you use.",
  },
  too_large: { status: 413, fix: "Send a smaller request." },
  head_too_large: { status: 431, fix: "Send a shorter address and shorter headers; cookies of other sites count too." },
  too_slow: { status: 408, fix: "Send the request without pauses." },
  type_refused: { status: 415, fix: "Send JSON, or no body." },
  too_many_requests: { status: 429, fix: "Wait as long as the header Retry-After says, then try again." },
  not_running: { status: 409, fix: "There is nothing to stop." },
  device_setup_open: { status: 409, fix: "Finish the one that waits, or cancel it." },
  run_elsewhere: { status: 409, fix: "Wait for its end, or stop it where it was started." },
  not_ready: { status: 503, fix: "Check the database, then look at the server's log." },
  too_many_streams: { status: 503, fix: "Close another tab of the console and try again." },
} as const;

export type RequestCode = keyof typeof REQUEST_CODES;

/** Statuses of the installation's own faults; whatever is not listed failed behind us, at a source or target. */
const STATUS: { readonly [code in Code]?: number } = {
  not_found: 404,
  exists: 409,
  lease_held: 409,
  lease_lost: 409,
  not_running: 409,
  sync_paused: 409,
  plan_stale: 409,
  plan_applied: 409,
  second_operator: 409,
  conflict: 409,
  config_invalid: 409,
  demo_only: 409,
  usage: 400,
  key_wrong: 500,
  store_failed: 503,
  timeout: 504,
  throttled: 503,
  internal: 500,
};
const BEHIND_US = 502;

/** A request that cannot be answered; `detail` is one sentence for the operator and must never hold a secret. */
export class RequestError extends Error {
  readonly code: RequestCode;

  constructor(code: RequestCode, detail: string) {
    super(detail);
    this.name = "RequestError";
    this.code = code;
  }
}

/** An answer that is not what was asked for (RFC 9457). `code` is stable, `fix` says what to do next. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly fix: string;
}

/** The schema of {@link Problem}. */
export const PROBLEM: TSchema = Type.Object({
  type: Type.String({ description: "urn:entrain:problem:<code>" }),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String({ description: "What happened, to what, and why." }),
  code: Type.String({ description: "Stable; programs decide by it." }),
  fix: Type.String({ description: "What to do next." }),
});

const TITLES: { readonly [status: number]: string } = {
  400: "The request is not valid",
  401: "Not signed in",
  403: "Refused",
  404: "Not found",
  408: "Too slow",
  409: "Not possible now",
  413: "Too large",
  415: "Unknown kind of content",
  421: "Unknown host",
  429: "Too many requests",
  431: "Too large",
  500: "Unexpected fault",
  502: "The other system failed",
  503: "Not available now",
  504: "The other system did not answer in time",
};

/** Turns whatever was thrown into a problem. What is not known to be fit for a page is called an unexpected fault. */
function problemOf(error: unknown, requestId: string): Problem {
  if (error instanceof RequestError) {
    const { status, fix } = REQUEST_CODES[error.code];
    return problem(status, error.code, error.message, fix);
  }
  if (error instanceof ConnectorError) {
    return problem(STATUS[error.code] ?? BEHIND_US, error.code, error.message, error.fix);
  }
  const code = requestCodeOf(error);
  if (code !== null && error instanceof Error) {
    const { status, fix } = REQUEST_CODES[code];
    return problem(status, code, sentence(error.message), fix);
  }
  const detail = `An unexpected fault; the log names it beside the request ${requestId}.`;
  return problem(500, "internal", detail, CODES.internal);
}

/** Fastify's own refusals ("Fastify Error Codes"), by the status that they carry. */
function requestCodeOf(error: unknown): RequestCode | null {
  if (!(error instanceof Error)) return null;
  const { statusCode, validation } = error as Partial<FastifyError>;
  if (validation !== undefined || statusCode === 400) return "request_invalid";
  if (statusCode === 413) return "too_large";
  if (statusCode === 415) return "type_refused";
  if (statusCode === 429) return "too_many_requests";
  return statusCode !== undefined && statusCode > 400 && statusCode < 500 ? "request_invalid" : null;
}

function sentence(message: string): string {
  const text = message.replaceAll("querystring", "query");
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function problem(status: number, code: string, detail: string, fix: string): Problem {
  return { type: `urn:entrain:problem:${code}`, title: TITLES[status] ?? "Problem", status, detail, code, fix };
}

/**
 * Answers with a problem. Whatever is not the caller's doing is logged, by request and route, and what nobody expected
 * with its stack; the answer holds nothing of it.
 */
export function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const answer = problemOf(error, request.id);
  if (answer.status >= 500) logFault(request, answer, error);
  return reply
    .code(answer.status)
    .header("cache-control", "no-store")
    .type("application/problem+json; charset=utf-8")
    .serializer(JSON.stringify)
    .send(answer);
}

function logFault(request: FastifyRequest, { status, code, detail }: Problem, error: unknown): void {
  const { id, method } = request;
  const route = request.routeOptions?.url ?? "(none)";
  const facts = { request: id, method, route, status, code };
  if (code === "internal")
    request.log.error({ ...facts, err: error }, `${method} ${route} failed unexpectedly (${id})`);
  else request.log.warn({ ...facts, detail }, `${method} ${route} answered ${status} (${id}): ${detail}`);
}

/** Answers what could not be read as a request at all (Node.js, "Event: 'clientError'"), then hangs up. */
export function refuseConnection(error: Error, socket: Socket): void {
  const reason = "code" in error ? error.code : null;
  if (reason === "ECONNRESET" || !socket.writable) {
    socket.destroy(error);
    return;
  }
  const code =
    reason === "HPE_HEADER_OVERFLOW"
      ? "head_too_large"
      : reason === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "too_slow"
        : "request_invalid";
  const { status, fix } = REQUEST_CODES[code];
  const detail = { head_too_large: "The address and headers are too long.", too_slow: "The request took too long." };
  const said = code === "request_invalid" ? "This is not a request of HTTP." : detail[code];
  const body = JSON.stringify(problem(status, code, said, fix));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Content-Type: application/problem+json; charset=utf-8",
    "Cache-Control: no-store",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

/** @throws ConnectorError `not_found` */
export function notFound(what: string): ConnectorError {
  return new ConnectorError("not_found", `There is no ${what}.`, { stops: "record", retry: "never" });
}
