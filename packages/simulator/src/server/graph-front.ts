import { randomUUID } from "node:crypto";
import type { JWTPayload } from "jose";
import { bendPage, effectsOf, faultHeader } from "../faults/apply.ts";
import type { FaultAction } from "../faults/rules.ts";
import type { Caller } from "../graph/context.ts";
import { parseOptions } from "../graph/odata/options.ts";
import {
  badRequest,
  errorBody,
  GraphError,
  type GraphRequest,
  type GraphResponse,
  unreadableBody,
} from "../graph/request.ts";
import { segmentsOf } from "../graph/routes.ts";
import { type GraphService, insufficientClaims, unauthorized } from "../graph/service.ts";
import type { TokenService } from "../signin/tokens.ts";
import type { Json } from "../tenant/types.ts";
import { type Throttle, unitsOf } from "../throttle.ts";
import { parseBatch } from "./batch.ts";
import type { WireResponse } from "./exchange.ts";
import { type PreparedPage, PreparedPages } from "./prepared-pages.ts";
import type { LoggedRequest, RequestLog } from "./request-log.ts";

const JSON_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/** A Graph request from the wire or out of a batch. */
export interface FrontRequest {
  readonly method: string;
  /** Path below `/v1.0`, still encoded. */
  readonly path: string;
  readonly search: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Json | undefined;
  /** Set when there was a body that is not JSON. */
  readonly unreadable?: true;
}

/** What the front of the Graph service is made of. */
export interface FrontOptions {
  readonly service: GraphService;
  readonly tokens: TokenService;
  readonly throttle: Throttle;
  /** Base address of the simulator. */
  readonly base: string;
  readonly issuer: string;
  readonly clock: () => number;
  /** Claims that a token lacks (continuous access evaluation), base64 of JSON; null when it is good. */
  readonly challenge: (claims: JWTPayload) => string | null;
  /** Faults that strike a request of this method, path and page, counted as struck. */
  readonly faults: (request: FrontRequest) => readonly FaultAction[];
  /** The requests inside batches are logged too: they count as requests for Graph. */
  readonly requests: RequestLog;
}

/** An answer with what the log wants to know. */
export interface FrontAnswer extends WireResponse, Pick<LoggedRequest, "requestId" | "resourceUnits"> {}

interface Answer {
  readonly status: number;
  readonly headers: GraphResponse["headers"];
  readonly json?: unknown;
  readonly text?: string;
  readonly bytes?: Buffer;
  /** A page that is kept, in place of `json`. */
  readonly page?: PreparedPage;
  readonly units: number;
}

/** Authentication, throttling, faults, batches and error bodies: everything between HTTP and the operations. */
export class GraphFront {
  readonly #options: FrontOptions;
  readonly #pages = new PreparedPages();

  constructor(options: FrontOptions) {
    this.#options = options;
  }

  async handle(request: FrontRequest, actions: readonly FaultAction[]): Promise<FrontAnswer> {
    const requestId = randomUUID();
    const ids = { request: requestId, client: request.headers["client-request-id"] ?? requestId };
    const answer = await this.#answer(request, actions, ids);
    const content =
      answer.page !== undefined
        ? { body: answer.page.body, type: JSON_TYPE }
        : answer.json !== undefined
          ? { body: JSON.stringify(answer.json), type: JSON_TYPE }
          : answer.text !== undefined
            ? { body: answer.text, type: "text/plain" }
            : { body: answer.bytes ?? "", type: null };
    return {
      status: answer.status,
      headers: {
        "cache-control": "no-cache",
        ...(content.type === null ? {} : { "content-type": content.type }),
        "odata-version": "4.0",
        "request-id": ids.request,
        "client-request-id": ids.client,
        "x-ms-ags-diagnostic":
          '{"ServerInfo":{"DataCenter":"Simulator","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"SIM0"}}',
        date: new Date(this.#options.clock()).toUTCString(),
        ...answer.headers,
      },
      body: content.body,
      ...(answer.page === undefined ? {} : { page: answer.page }),
      requestId,
      resourceUnits: answer.units,
    };
  }

  async #answer(request: FrontRequest, actions: readonly FaultAction[], ids: Ids): Promise<Answer> {
    try {
      const token = await this.#authenticate(request);
      if (request.unreadable === true) throw unreadableBody();
      if (request.path.toLowerCase() !== "/$batch") return await this.#single(request, token, actions, ids, true);
      return await this.#batch(request, token, ids);
    } catch (error) {
      return this.#refuse(error, ids);
    }
  }

  async #authenticate({ headers }: FrontRequest): Promise<Bearer> {
    const { tokens, base, issuer, challenge } = this.#options;
    const token = /^Bearer\s+(.+)$/i.exec(headers.authorization ?? "")?.[1];
    if (token === undefined) throw unauthorized("Access token is empty.", base);
    const verified = await tokens.verify(token, issuer);
    if (!verified.ok) throw unauthorized(verified.message, base);
    const claims = challenge(verified.claims);
    if (claims !== null) throw insufficientClaims(claims, base);
    return { roles: verified.roles, caller: verified.caller };
  }

  async #single(
    front: FrontRequest,
    { roles, caller }: Bearer,
    actions: readonly FaultAction[],
    ids: Ids,
    alone = false,
  ): Promise<Answer> {
    const { service, throttle, base } = this.#options;
    let headers: GraphResponse["headers"] = {};
    let units = 0;
    try {
      const request: GraphRequest = { ...front, segments: segmentsOf(front.path) };
      const route = service.route(request);
      const write = request.method !== "GET" && route.endpoint.reads !== true;
      units = write ? 1 : unitsOf(route.endpoint.cost, parseOptions(request.search));
      const charge = throttle.charge(units, write, route.endpoint.service);
      headers = charge.headers;
      if (charge.refusal !== null) throw charge.refusal;
      const key = alone && actions.length === 0 ? this.#pages.keyOf(front, roles, caller) : null;
      const kept = key === null ? undefined : this.#pages.find(service.version, key);
      if (kept !== undefined) return { status: 200, headers, page: kept, units };
      const response = await service.answer(request, route, roles, effectsOf(actions), caller);
      if (key !== null) {
        const page = this.#pages.keep(service.version, key, JSON.stringify(response.json));
        if (page !== null)
          return { status: response.status, headers: { ...headers, ...response.headers }, page, units };
      }
      const self = `${base}/v1.0${front.path}${front.search === "" ? "" : `?${front.search}`}`;
      const json =
        actions.length === 0
          ? response.json
          : bendPage(actions, response.json, { self, delta: () => service.deltaLink(request, roles) });
      return { ...response, json, headers: { ...headers, ...response.headers }, units };
    } catch (error) {
      const refused = this.#refuse(error, ids);
      return { ...refused, headers: { ...headers, ...refused.headers }, units };
    }
  }

  async #batch(outer: FrontRequest, token: Bearer, ids: Ids): Promise<Answer> {
    if (outer.method !== "POST") throw badRequest("The $batch endpoint only accepts POST requests.");
    const failed = new Set<string>();
    const responses: Json[] = [];
    let units = 0;
    for (const inner of parseBatch(outer.body)) {
      const answer = inner.dependsOn.some((id) => failed.has(id))
        ? this.#refuse(new GraphError(424, "FailedDependency", "A request that this one depends on failed."), ids)
        : await this.#inner({ ...inner, headers: { ...inner.headers } }, token, ids);
      units += answer.units;
      this.#log(inner, answer, ids);
      if (answer.status >= 400) failed.add(inner.id);
      const type = answer.text === undefined ? "application/json" : "text/plain";
      const headers = { "Content-Type": type, ...capitalised(answer.headers) };
      // "Combine multiple requests": a file in a batch is answered as base64.
      const body = (answer.json ?? answer.text ?? answer.bytes?.toString("base64")) as Json | undefined;
      responses.push({ id: inner.id, status: answer.status, headers, ...(body === undefined ? {} : { body }) });
    }
    return { status: 200, headers: {}, json: { responses }, units };
  }

  async #inner(inner: FrontRequest, token: Bearer, ids: Ids): Promise<Answer> {
    const actions = this.#options.faults(inner);
    const status = actions.find((action) => action.type === "status");
    const answer =
      status === undefined ? await this.#single(inner, token, actions, ids) : this.#refuse(faultRefusal(status), ids);
    return { ...answer, headers: { ...answer.headers, ...faultHeader(actions) } };
  }

  #log({ method, path, search }: FrontRequest, { status, units }: Answer, ids: Ids): void {
    const { requests, clock } = this.#options;
    const url = search === "" ? path : `${path}?${search}`;
    const entry = { at: clock(), method, path: url, status, requestId: ids.request, resourceUnits: units };
    requests.add({ ...entry, batched: true });
  }

  #refuse(error: unknown, ids: Ids): Answer {
    if (!(error instanceof GraphError)) throw error;
    const date = new Date(this.#options.clock()).toISOString().slice(0, 19);
    return { status: error.status, headers: error.headers, json: errorBody(error, { date, ...ids }), units: 0 };
  }
}

/** What a request's token says. */
interface Bearer {
  readonly roles: ReadonlySet<string>;
  readonly caller: Caller;
}

interface Ids {
  readonly request: string;
  readonly client: string;
}

const FAULT_CODES: Readonly<Record<number, readonly [string, string]>> = {
  429: ["TooManyRequests", "Please retry again later."],
  500: ["InternalServerError", "An internal server error occurred. The operation failed."],
  502: ["BadGateway", "Failed to execute backend request."],
  503: ["ServiceNotAvailable", "The service is temporarily unavailable. Please retry again later."],
  504: ["GatewayTimeout", "The request timed out."],
};

/** The refusal that a `status` fault answers with, in Graph's shape. */
export function faultRefusal(action: Extract<FaultAction, { readonly type: "status" }>): GraphError {
  const [code, message] = FAULT_CODES[action.status] ?? ["generalException", "An unspecified error has occurred."];
  const wait = action.retryAfter ?? null;
  return new GraphError(action.status, action.code ?? code, message, {
    headers: wait === null ? {} : { "retry-after": String(wait) },
  });
}

function capitalised(headers: GraphResponse["headers"]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [
      name.replace(/(^|-)([a-z])/g, (match) => match.toUpperCase()),
      String(value),
    ]),
  );
}
