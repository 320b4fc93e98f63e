import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULTS, type SyncDefinition } from "@entrain/core";
import { type Simulator, type SimulatorOptions, startSimulator } from "@entrain/simulator";
import { pino } from "pino";
import type { Installation } from "../cli/world.ts";
import { type Clock, systemClock } from "../clock.ts";
import { changeConfiguration } from "../config/apply.ts";
import type { ConfigurationDocument } from "../config/document.ts";
import { GROUP, REQUESTER } from "../portal/kinds.ts";
import { createConsoleLink } from "../store/operators.ts";
import { Secret } from "../store/secrets.ts";
import type { Location } from "../store/store.ts";
import { openInstallation } from "../wiring.ts";
import { type ApiDeps, createApi } from "./server.ts";

/** A real installation with a simulated tenant, served over real HTTP on a free port of loopback. */
export interface TestServer {
  readonly url: string;
  readonly simulator: Simulator;
  readonly installation: Installation;
  /** Everything that was logged. */
  readonly log: () => string;
  /** A one-time sign-in link; for olga unless given. */
  link(operator?: string): Promise<string>;
  signIn(operator?: string): Promise<Client>;
  /** Sends a write to the simulated Graph with the app's own token. */
  graph(method: string, path: string, body?: unknown): Promise<void>;
  /** Stops serving; the installation stays open, to be looked into. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

/** A signed-in program: it keeps its cookie, and repeats the session's token. */
export interface Client {
  readonly cookie: string;
  readonly csrf: string;
  get(path: string): Promise<Answer>;
  send(method: string, path: string, headers?: { readonly [name: string]: string }): Promise<Answer>;
  /** Gives a command with a body of JSON. */
  put(method: string, path: string, body: unknown): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
}

/** Parsed JSON of an answer, to be looked into by tests. */
// biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it.
type Body = any;

/** Names of the configuration that every test server has. */
export const NAMES = { connection: "contoso", target: "portal", people: "people", groups: "groups" } as const;

export interface TestServerOptions {
  readonly simulator?: SimulatorOptions;
  readonly clock?: Clock;
  readonly api?: Partial<ApiDeps> | ((installation: Installation) => Partial<ApiDeps>);
  readonly definition?: Partial<SyncDefinition>;
  /** Where the store lives; an embedded one in a temporary folder unless given. */
  readonly location?: Location;
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const clock = options.clock ?? systemClock;
  const folder = await mkdtemp(join(tmpdir(), "entrain-api-"));
  const simulator = await startSimulator({ people: 60, groups: 8, seed: 7, throttle: "off", ...options.simulator });
  const { location = { kind: "sqlite", folder } } = options;
  const paths = { folder, location, key: undefined, demo: false };
  const installation = await openInstallation({ paths, environment: {}, clock, create: true });
  await configure(installation, simulator, options.definition ?? {});
  const lines: string[] = [];
  const logger = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
  const { store, engine } = installation;
  const consoleFolder = join(folder, "console");
  const app = await createApi({
    store,
    engine,
    setup: installation,
    clock,
    logger,
    consoleFolder,
    demo: false,
    version: "1.2.3",
    ...(typeof options.api === "function" ? options.api(installation) : options.api),
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const link = async (operator = "olga"): Promise<string> => {
    return `${url}/sign-in?token=${await createConsoleLink(store, { operator })}`;
  };
  return {
    url,
    simulator,
    installation,
    log: () => lines.join(""),
    link,
    signIn: async (operator) => await signIn(url, await link(operator)),
    graph: (method, path, body) => sendGraph(simulator, { method, path, body }),
    stop: async () => await app.close(),
    close: async () => {
      await app.close();
      await installation.close();
      await simulator.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function configure(
  installation: Installation,
  simulator: Simulator,
  definition: Partial<SyncDefinition>,
): Promise<void> {
  const { login, graph, tenant, client, secret } = simulator;
  const syncOf = ({ name, preset }: typeof REQUESTER) => ({
    connection: NAMES.connection,
    target: NAMES.target,
    records: name,
    ...DEFAULTS,
    mapping: preset.mapping,
    matching: preset.matching,
    ...definition,
  });
  const document: ConfigurationDocument = {
    connections: new Map([
      [
        NAMES.connection,
        {
          labels: ["test"],
          cloud: { kind: "custom", login, graph },
          tenant,
          client,
          attributes: [],
          credential: [{ kind: "secret", secret: { sealed: true } }],
        },
      ],
    ]),
    channels: null,
    targets: new Map([[NAMES.target, { type: "portal", settings: {}, credential: {} }]]),
    syncs: new Map([
      [NAMES.people, syncOf(REQUESTER)],
      [NAMES.groups, syncOf(GROUP)],
    ]),
  };
  const { store, keyring, types } = installation;
  const secrets = new Map([[`connections/${NAMES.connection}/secret`, new Secret(secret)]]);
  const actor = { kind: "command", id: "test" } as const;
  await changeConfiguration({ store, keyring, types, prune: false, demo: false, actor, secrets }, () => document);
}

async function signIn(url: string, link: string): Promise<Client> {
  const redirect = await fetch(link, { redirect: "manual" });
  const cookie = (redirect.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  const session = await ask(`${url}/api/v1/session`, { headers: { cookie } });
  const csrf = String(session.body.csrf);
  return {
    cookie,
    csrf,
    get: (path) => ask(`${url}${path}`, { headers: { cookie } }),
    send: (method, path, headers = { "x-csrf-token": csrf }) =>
      ask(`${url}${path}`, { method, headers: { cookie, ...headers } }),
    put: (method, path, body) => {
      const headers = { cookie, "x-csrf-token": csrf, "content-type": "application/json" };
      return ask(`${url}${path}`, { method, headers, body: JSON.stringify(body) });
    },
  };
}

/** One request, its answer read to the end. */
export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: "manual", ...init });
  const text = await response.text();
  const isJson = text !== "" && response.headers.get("content-type")?.includes("json") === true;
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : null };
}

/** The events of a stream until `isLast`, which must come. */
export async function readEvents(
  url: string,
  cookie: string,
  isLast: (event: { readonly event: string; readonly data: Body }) => boolean,
): Promise<readonly { readonly event: string; readonly data: Body }[]> {
  const controller = new AbortController();
  const response = await fetch(url, { headers: { cookie }, signal: controller.signal });
  if (response.body === null || response.status !== 200) throw new Error(`the stream answered ${response.status}`);
  const events: { readonly event: string; readonly data: Body }[] = [];
  let rest = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + chunk).split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const [, event, data] = /^event: (.*)\ndata: (.*)$/s.exec(part) ?? [];
      if (event === undefined || data === undefined) continue;
      const one = { event, data: JSON.parse(data) as Body };
      events.push(one);
      if (!isLast(one)) continue;
      controller.abort();
      return events;
    }
  }
  throw new Error("the stream ended before its last event");
}

async function sendGraph(
  { login, graph, tenant, client, secret }: Simulator,
  request: { readonly method: string; readonly path: string; readonly body: unknown },
): Promise<void> {
  const answer = await fetch(`${login}/${tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: client,
      client_secret: secret,
      scope: `${graph}/.default`,
    }),
  });
  const { access_token: token } = (await answer.json()) as { readonly access_token: string };
  const response = await fetch(`${graph}/v1.0${request.path}`, {
    method: request.method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  if (!response.ok) throw new Error(`${request.method} ${request.path}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

/** Stands for a plan in paths. */
export const DIGEST: string = "0".repeat(64);

/** Every route that the API describes, with something in the place of its parameters. */
export async function routesOf({
  url,
}: Pick<TestServer, "url">): Promise<readonly { readonly method: string; readonly path: string }[]> {
  const { body } = await ask(`${url}/api/v1/openapi.json`);
  const filled = (path: string): string =>
    path.replace("{digest}", DIGEST).replace("{name}", NAMES.people).replace("{id}", "nothing");
  return Object.entries(body.paths as { readonly [path: string]: object }).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path: filled(path) })),
  );
}
