import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { FaultSet } from "../faults/rules.ts";
import { readBody } from "../server/body.ts";
import type { WireResponse } from "../server/exchange.ts";
import type { RequestLog } from "../server/request-log.ts";
import { send } from "../server/send.ts";
import type { FreshchatControl } from "./control.ts";
import type { FreshchatFaultAction } from "./faults.ts";
import type { FreshchatRequest } from "./levers.ts";
import type { RateLimit } from "./rate.ts";
import { empty, html, message } from "./refusal.ts";
import type { FreshchatService } from "./service.ts";
import { doStep, type FreshchatKinds } from "./steps.ts";

/** What the HTTP side is made of. */
export interface FreshchatParts {
  readonly service: FreshchatService;
  readonly control: FreshchatControl;
  readonly faults: FaultSet<FreshchatFaultAction>;
  readonly kinds: FreshchatKinds;
  readonly rate: RateLimit;
  readonly requests: RequestLog<FreshchatRequest>;
  readonly now: () => number;
  readonly latencyMs: number;
  readonly door: Door;
}

/** Who is let in, and whether anybody is: the host of a portal shows everyone its page. */
export interface Door {
  token: string;
  portal: boolean;
}

interface Incoming {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string;
  readonly body: string;
}

/** Serves the API under `/v2`, whatever the host is called, and the simulator's own controls. */
export function freshchatListener(parts: FreshchatParts): RequestListener {
  return (request, response) => {
    serve(parts, request, response).catch((error: unknown) => fail(request, response, error));
  };
}

/** A bug of the simulator is told as one, so that no test takes it for a behaviour of Freshchat. */
async function fail(request: IncomingMessage, response: ServerResponse, error: unknown): Promise<void> {
  if (response.headersSent || request.socket.destroyed) {
    response.destroy();
    return;
  }
  const reason = error instanceof Error ? error.message : String(error);
  await send(request, response, message(500, `The simulator itself failed: ${reason}`, "SIMULATOR_FAILURE"));
}

async function serve(parts: FreshchatParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const due = performance.now() + parts.latencyMs;
  const text = await readBody(request).catch(() => null);
  if (text === null) return send(request, response, message(413, "the request is too large"));
  const incoming = incomingOf(request, text);
  if (incoming.path.startsWith("/_simulator/")) {
    return send(request, response, parts.control.handle(incoming, request.socket.remoteAddress));
  }
  const actions = parts.faults.take({ ...incoming, page: Number(incoming.query.get("page") ?? 1) });
  for (const step of find(actions, "meanwhile")?.steps ?? []) doStep(parts.kinds, step);
  const cut = find(actions, "cut")?.at;
  const answer = cut === "headers" ? null : answerOf(parts, incoming, actions);
  const { method, body } = incoming;
  parts.requests.add({ at: parts.now(), method, path: request.url ?? "/", status: answer?.status ?? 0, body });
  await until(due);
  if (answer === null || cut === "answer") {
    request.socket.destroy();
    return;
  }
  if (cut === "body") return cutBody(request, response, answer);
  await send(request, response, find(actions, "truncate") === undefined ? answer : halved(answer));
}

function answerOf(
  { service, rate, door }: FreshchatParts,
  incoming: Incoming,
  actions: readonly FreshchatFaultAction[],
): WireResponse {
  if (door.portal) return html(200);
  const status = find(actions, "status");
  if (status !== undefined) return faultAnswer(status);
  if (incoming.authorization !== `Bearer ${door.token}`) return message(401, "the API token is missing or not valid");
  const refused = rate.refuse();
  if (refused !== null) {
    const answer = message(429, "too many requests");
    return { ...answer, headers: { ...answer.headers, ...refused } };
  }
  const [, version, ...rest] = incoming.path.split("/");
  if (version !== "v2") return message(404, `there is no ${incoming.path}`);
  return service.handle({ ...incoming, path: `/${rest.join("/")}` });
}

function faultAnswer(action: FreshchatFaultAction & { readonly type: "status" }): WireResponse {
  const { status, body = "json", retryAfter } = action;
  const make = {
    json: () => message(status, "a fault of the simulator's"),
    empty: () => empty(status),
    html: () => html(status),
  };
  const answer = make[body]();
  const headers = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

function find<Type extends FreshchatFaultAction["type"]>(
  actions: readonly FreshchatFaultAction[],
  type: Type,
): (FreshchatFaultAction & { readonly type: Type }) | undefined {
  return actions.find((action): action is FreshchatFaultAction & { readonly type: Type } => action.type === type);
}

async function until(due: number): Promise<void> {
  const wait = due - performance.now();
  if (wait > 0) await delay(wait, undefined, { ref: false });
}

function halved(answer: WireResponse): WireResponse {
  const body = String(answer.body);
  return { ...answer, body: body.slice(0, Math.floor(body.length / 2)) };
}

function cutBody(request: IncomingMessage, response: ServerResponse, { status, headers, body }: WireResponse): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...headers, "content-length": bytes.length });
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => request.socket.destroy());
}

function incomingOf(request: IncomingMessage, body: string): Incoming {
  const [path = "/", ...search] = (request.url ?? "/").split("?");
  return {
    method: (request.method ?? "GET").toUpperCase(),
    path,
    query: new URLSearchParams(search.join("?")),
    authorization: request.headers.authorization ?? "",
    body,
  };
}
