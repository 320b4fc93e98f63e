import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Source, SourceKind, SourcePage, Watermark } from "@entrain/core";
import { createEntraSource } from "./index.ts";
import type { EntraOptions, RequestEvent } from "./options.ts";

export const TENANT = "6f0c2f3e-1111-4222-8333-444455556666";
export const CLIENT = "0a5d9c11-1111-4222-8333-444455556666";
/** Found nowhere but in the sign-in request; any other sight of it is a leak. */
export const SECRET = "CANARY~secret.value";
export const TOKEN_CANARY = "CANARYtoken";

/** One request as the server saw it; `path` without the query. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly url: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** What the server answers: JSON for an object, else the text as it is. `cut` ends the connection inside the body. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object | string;
  readonly cut?: true;
}

/** A server that signs in and hands every other request to the test. */
export interface FakeTenant {
  readonly origin: string;
  readonly calls: readonly Call[];
  /** The permissions of the tokens given from now on; `null` gives tokens that are no JWT. */
  roles: readonly string[] | null;
  /** Seconds that tokens last. */
  life: number;
  /** Takes the place of the answer to token requests, when set. */
  refusal: Answer | null;
  /** Refuses token requests by what their form holds, when set. */
  judge: ((form: URLSearchParams) => Answer | null) | null;
  /** Fields beside those of every token answer. */
  grantMore: object;
  /** Takes the place of the discovery document, when set. */
  discovery: object | null;
  /** Refuses discovery by the tenant's name, when set. */
  refuseTenant: ((name: string) => Answer | null) | null;
  close(): Promise<void>;
}

/** Starts a server on loopback. `answer` gets the requests to Graph. */
export async function startTenant(
  answer: (call: Call, origin: string) => Answer | Promise<Answer>,
): Promise<FakeTenant> {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    void handle(request).then((reply) => send(response, reply));
  });
  const handle = async (request: IncomingMessage): Promise<Answer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const url = new URL(request.url ?? "/", tenant.origin);
    const call: Call = {
      method: request.method ?? "",
      path: url.pathname,
      url: url.href,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks).toString("utf8"),
    };
    calls.push(call);
    if (url.pathname.endsWith("/.well-known/openid-configuration")) {
      const refused = tenant.refuseTenant?.(url.pathname.split("/")[1] ?? "") ?? null;
      return refused ?? { body: tenant.discovery ?? discovery(tenant.origin) };
    }
    if (url.pathname.endsWith("/token")) {
      const judged = tenant.judge?.(new URLSearchParams(call.body)) ?? null;
      return judged ?? tenant.refusal ?? { body: grant(tenant, calls.length) };
    }
    return answer(call, tenant.origin);
  };
  const tenant: FakeTenant = {
    origin: await listen(server),
    calls,
    roles: ["User.Read.All", "Group.Read.All"],
    life: 3600,
    refusal: null,
    judge: null,
    grantMore: {},
    discovery: null,
    refuseTenant: null,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return tenant;
}

/** The requests to Graph, as `METHOD /path?query` without the version. */
export function graphCalls(tenant: FakeTenant): readonly string[] {
  return tenant.calls
    .filter((call) => call.path.startsWith("/v1.0/"))
    .map((call) => `${call.method} ${decodeURIComponent(call.url.slice(tenant.origin.length + "/v1.0".length))}`);
}

/** What the server publishes of its tenant, unless a test says otherwise. */
export function discovery(origin: string): object {
  return { issuer: `${origin}/${TENANT}/v2.0`, token_endpoint: `${origin}/${TENANT}/oauth2/v2.0/token` };
}

function grant(tenant: FakeTenant, number: number): object {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const jwt = `${part({ alg: "none" })}.${part({ roles: tenant.roles })}.${TOKEN_CANARY}${number}`;
  const access_token = tenant.roles === null ? `${TOKEN_CANARY}${number}` : jwt;
  return { token_type: "Bearer", expires_in: tenant.life, access_token, ...tenant.grantMore };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return `http://127.0.0.1:${address.port}`;
}

function send(response: ServerResponse, { status = 200, headers = {}, body = "", cut }: Answer): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const type = typeof body === "string" ? {} : { "content-type": "application/json" };
  if (cut === undefined) {
    response.writeHead(status, { ...type, ...headers }).end(text);
    return;
  }
  response.writeHead(status, { ...type, "content-length": String(Buffer.byteLength(text) + 100) });
  response.write(text, () => response.destroy());
}

/** A clock that stands still but for the waits that are asked of it. */
export interface FakeTime extends Pick<EntraOptions, "clock" | "random" | "sleep"> {
  now: number;
  readonly waits: number[];
}

export const START: number = Date.parse("2026-03-01T12:00:00Z");

export function fakeTime(): FakeTime {
  const time: FakeTime = {
    now: START,
    waits: [],
    clock: { now: () => time.now },
    random: () => 0.5,
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      time.waits.push(ms);
      time.now += ms;
    },
  };
  return time;
}

export interface Rig {
  readonly source: Source;
  readonly time: FakeTime;
  readonly events: RequestEvent[];
}

/** A source that reads from the server, under a clock of its own. */
export function rigFor(origin: string, more: Partial<EntraOptions> = {}): Rig {
  const time = fakeTime();
  const events: RequestEvent[] = [];
  const source = createEntraSource({
    cloud: { login: origin, graph: origin },
    tenant: TENANT,
    client: CLIENT,
    credentials: [{ kind: "secret", secret: () => SECRET }],
    attributes: ["displayName", "mail", "accountEnabled"],
    groupAttributes: ["displayName", "visibility"],
    ...time,
    onRequest: (event) => events.push(event),
    ...more,
  });
  return { source, time, events };
}

/** What a simulated tenant tells of itself. */
interface SimulatedTenant {
  readonly login: string;
  readonly graph: string;
  readonly tenant: string;
  readonly client: string;
  readonly secret: string;
}

/** A source that reads from a simulated tenant with its own application's secret. */
export function sourceOf(simulator: SimulatedTenant, more: Partial<EntraOptions> = {}): Source {
  return createEntraSource({
    cloud: { login: simulator.login, graph: simulator.graph },
    tenant: simulator.tenant,
    client: simulator.client,
    credentials: [{ kind: "secret", secret: () => simulator.secret }],
    ...fakeTime(),
    ...more,
  });
}

/** Reads to the end, or to the given number of pages. */
export async function readAll(
  source: Source,
  kind: SourceKind,
  from: Watermark | null = null,
  limit: number = Number.POSITIVE_INFINITY,
): Promise<SourcePage[]> {
  const pages: SourcePage[] = [];
  for await (const page of source.read(kind, from, new AbortController().signal)) {
    pages.push(page);
    if (pages.length >= limit) break;
  }
  return pages;
}
