import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { actionOf, bendAnswer } from "../faults/apply.ts";
import type { FaultAction, FaultSet } from "../faults/rules.ts";
import { pageOfToken } from "../graph/delta-token.ts";
import { unsealPosition } from "../graph/odata/position.ts";
import type { SignInService } from "../signin/service.ts";
import type { Json } from "../tenant/types.ts";
import type { Admin } from "./admin.ts";
import { readBody } from "./body.ts";
import type { WireResponse } from "./exchange.ts";
import { type FrontRequest, faultRefusal } from "./graph-front.ts";
import type { GraphFronts } from "./graph-fronts.ts";
import type { RequestLog } from "./request-log.ts";
import { send } from "./send.ts";

/** What the HTTP side is made of. */
export interface HttpOptions {
  readonly graph: GraphFronts;
  readonly signIn: SignInService;
  readonly admin: Admin;
  readonly faults: FaultSet;
  readonly requests: RequestLog;
  readonly latencyMs: number;
  readonly clock: () => number;
}

interface Incoming {
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

interface Outcome extends WireResponse {
  readonly requestId: string;
  readonly resourceUnits: number;
}

/** Serves sign-in, Graph and the simulator's own controls on one port. */
export function requestListener(options: HttpOptions): RequestListener {
  return (request, response) => {
    serve(options, request, response).catch((error: unknown) => fail(request, response, error));
  };
}

/** A bug of the simulator is told as one, so that no test takes it for a behaviour of Graph. */
async function fail(request: IncomingMessage, response: ServerResponse, error: unknown): Promise<void> {
  if (response.headersSent || request.socket.destroyed) {
    response.destroy();
    return;
  }
  const reason = error instanceof Error ? error.message : String(error);
  await send(request, response, plain(500, "SimulatorFailure", `The simulator itself failed: ${reason}`));
}

async function serve(options: HttpOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const incoming = incomingOf(request);
  const text = await readBody(request).catch(() => null);
  if (text === null) return send(request, response, plain(413, "RequestEntityTooLarge", "The request is too large."));
  if (incoming.path.startsWith("/_simulator/")) {
    return send(
      request,
      response,
      options.admin.handle(incoming.method, incoming.path, text, request.socket.remoteAddress),
    );
  }
  const actions = options.faults.take({ method: incoming.method, path: incoming.path, page: pageOf(incoming.search) });
  const at = options.clock();
  const log = (status: number, outcome?: Outcome): void =>
    options.requests.add({
      at,
      method: incoming.method,
      path: request.url ?? "/",
      status,
      requestId: outcome?.requestId ?? "",
      resourceUnits: outcome?.resourceUnits ?? 0,
    });
  // The latency runs while the answer is made: it is what a client waits in all, for each request on its own.
  const due = performance.now() + options.latencyMs;
  const slow = actionOf(actions, "slow")?.ms ?? 0;
  if (slow > 0) await delay(slow, undefined, { ref: false });
  const cut = actionOf(actions, "cut")?.at;
  if (cut === "headers") {
    await until(due);
    log(0);
    request.socket.destroy();
    return;
  }
  const outcome = await answer(options, incoming, text, actions);
  log(outcome.status, outcome);
  if (cut === "answer") {
    await until(due);
    request.socket.destroy();
    return;
  }
  const bent = bendAnswer(actions, outcome);
  if (cut === "body") return cutBody(request, response, bent);
  await send(request, response, bent, () => until(due));
}

async function until(due: number): Promise<void> {
  const wait = due - performance.now();
  if (wait > 0) await delay(wait, undefined, { ref: false });
}

async function answer(
  options: HttpOptions,
  incoming: Incoming,
  text: string,
  actions: readonly FaultAction[],
): Promise<Outcome> {
  const status = actionOf(actions, "status");
  if (status !== undefined) {
    const refusal = faultRefusal(status);
    const refused = plain(refusal.status, refusal.code, refusal.message);
    return bare({ ...refused, headers: { ...refused.headers, ...refusal.headers } });
  }
  if (incoming.path === "/v1.0" || incoming.path.startsWith("/v1.0/")) {
    return options.graph.handle(frontRequest(incoming, text), actions);
  }
  const { headers, method, path, search } = incoming;
  const signedIn = await options.signIn.answer({
    method,
    path,
    query: new URLSearchParams(search),
    headers,
    body: text,
  });
  if (signedIn !== null) return bare(signedIn);
  const [, version = ""] = path.split("/");
  return bare(plain(400, "BadRequest", `Invalid version: ${version}`));
}

function frontRequest(incoming: Incoming, text: string): FrontRequest {
  const { method, headers, search } = incoming;
  const front = { method, path: incoming.path.slice("/v1.0".length), search, headers, body: undefined };
  if (text === "") return front;
  try {
    return { ...front, body: JSON.parse(text) as Json };
  } catch {
    return { ...front, unreadable: true };
  }
}

/** Number of the page that the request's token leads to; 1 without a token. */
export function pageOf(search: string): number {
  const query = new URLSearchParams(search);
  const token = query.get("$skiptoken") ?? query.get("$deltatoken");
  if (token === null) return 1;
  return unsealPosition(token)?.page ?? pageOfToken(token) ?? 1;
}

function cutBody(request: IncomingMessage, response: ServerResponse, bent: WireResponse): void {
  const body = typeof bent.body === "string" ? Buffer.from(bent.body, "utf8") : bent.body;
  response.writeHead(bent.status, { ...bent.headers, "content-length": body.length });
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => request.socket.destroy());
}

function incomingOf(request: IncomingMessage): Incoming {
  const url = request.url ?? "/";
  const at = url.indexOf("?");
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return {
    method: (request.method ?? "GET").toUpperCase(),
    path: at < 0 ? url : url.slice(0, at),
    search: at < 0 ? "" : url.slice(at + 1),
    headers,
  };
}

function bare(response: WireResponse): Outcome {
  return { ...response, requestId: "", resourceUnits: 0 };
}

function json(status: number, value: unknown): WireResponse {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store, no-cache" },
    body: JSON.stringify(value),
  };
}

function plain(status: number, code: string, message: string): WireResponse {
  return json(status, { error: { code, message } });
}
