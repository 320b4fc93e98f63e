import type { AddressInfo } from "node:net";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";
import { matching, ScimStore, type StoredResource } from "./store.ts";

/** What the server saw of one request: the witness of what really arrived. Times as `now` gives them. */
export interface ScimRequestLog {
  readonly ordinal: number;
  readonly method: string;
  /** Behind `/scim/v2`, with its query. */
  readonly path: string;
  readonly userAgent: string;
  /** Bytes of the body. */
  readonly bytes: number;
  readonly receivedAt: number;
  /** When the write took effect; `null` for reads and for writes that did not. */
  committedAt: number | null;
  /** Status of the answer; `null` until it was sent. */
  status: number | null;
}

/** An answer that a test gives in the server's place; `cut` closes the connection without one. */
export type ScimFault =
  | "cut"
  | { readonly status: number; readonly headers?: { readonly [name: string]: string }; readonly body?: string };

export interface ScimServerOptions {
  readonly token: string;
  readonly now: () => number;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Awaited when a write was received, before it takes effect. */
  readonly beforeCommit?: (request: ScimRequestLog) => Promise<void>;
  /** Awaited when a write took effect, before it is answered. */
  readonly beforeAnswer?: (request: ScimRequestLog) => Promise<void>;
  /** Decides whether a request gets a fault instead of reaching the server. */
  readonly fault?: (request: ScimRequestLog) => ScimFault | null;
  /** Told of every request as it is received, committed and answered. */
  readonly onEvent?: (event: "received" | "committed" | "answered", request: ScimRequestLog) => void;
}

export interface ScimServer {
  readonly baseUrl: string;
  /** What the server holds, for reading it back past every client. */
  readonly store: ScimStore;
  readonly requests: readonly ScimRequestLog[];
  close(): Promise<void>;
}

interface Context {
  readonly store: ScimStore;
  readonly log: ScimRequestLog;
  readonly filter: string | null;
  /** Awaits `beforeCommit`, lets the write take effect, and awaits `beforeAnswer`. */
  readonly commit: <T>(write: () => T) => Promise<T>;
}

/**
 * Starts a SCIM server that we did not write (SCIMMY and its Express routers) on loopback, over a store in memory.
 * Requests without a User-Agent are refused, as GitHub and AWS do. Writes to one resource follow each other.
 */
export async function startScimServer(options: ScimServerOptions): Promise<ScimServer> {
  declareResources();
  const store = new ScimStore();
  const requests: ScimRequestLog[] = [];
  const contexts = new WeakMap<object, Context>();
  const turns = new Map<string, Promise<void>>();
  const app = express();

  app.use((request, response, next) => {
    const log: ScimRequestLog = {
      ordinal: requests.length,
      method: request.method,
      path: request.originalUrl.replace("/scim/v2", ""),
      userAgent: request.header("user-agent") ?? "",
      bytes: Number(request.header("content-length") ?? 0),
      receivedAt: options.now(),
      committedAt: null,
      status: null,
    };
    requests.push(log);
    options.onEvent?.("received", log);
    response.once("finish", () => {
      log.status = response.statusCode;
      options.onEvent?.("answered", log);
    });
    const fault = options.fault?.(log) ?? null;
    if (fault === "cut") return void request.socket.destroy();
    if (fault !== null)
      return void response
        .status(fault.status)
        .set(fault.headers)
        .send(fault.body ?? "");
    if (log.userAgent === "") return void response.status(403).send("Request forbidden by administrative rules.");
    contexts.set(request, contextOf(store, log, request, options));
    if (request.method === "GET" || request.method === "POST") next();
    else inTurn(turns, request.path, response, next);
  });
  const handler = (request: express.Request): string => {
    if (request.header("authorization") !== `Bearer ${options.token}`) throw new Error("Wrong token");
    return "entrain";
  };
  app.use(
    "/scim/v2",
    new SCIMMYRouters({ type: "bearer", handler, context: (request) => contexts.get(request) }) as express.Router,
  );

  const server = app.listen(options.port ?? 0, "127.0.0.1");
  await new Promise<void>((resolve, reject) => server.once("listening", resolve).once("error", reject));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/scim/v2`,
    store,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function contextOf(
  store: ScimStore,
  log: ScimRequestLog,
  request: express.Request,
  options: ScimServerOptions,
): Context {
  const { filter, ...query } = request.query;
  // Express 5 parses the query anew at each access, where the routers expect to change it once for all.
  const kept = typeof filter === "string" && filter.includes("\\") ? query : request.query;
  Object.defineProperty(request, "query", { value: { ...kept }, writable: true });
  return {
    store,
    log,
    filter: typeof filter === "string" ? filter : null,
    commit: async (write) => {
      await options.beforeCommit?.(log);
      const result = write();
      log.committedAt = options.now();
      options.onEvent?.("committed", log);
      await options.beforeAnswer?.(log);
      return result;
    },
  };
}

/**
 * SCIMMY keeps its resources for the whole process: every server declares the same ones and is told by the context.
 * Its types want its own schema classes back from handlers; plain JSON, which it makes them of, is cast to `never`.
 */
function declareResources(): void {
  if (SCIMMY.Resources.declared(SCIMMY.Resources.User)) return;
  SCIMMY.Resources.declare(SCIMMY.Resources.User)
    .extend(SCIMMY.Schemas.EnterpriseUser, false)
    .ingress(({ id }, data, { store, commit }: Context) => commit(() => store.putUser(id, data)) as Promise<never>)
    .egress((asked, context: Context) => read(context.store.users, asked, context) as never)
    .degress(({ id }, { store, commit }: Context) => commit(() => store.delete(store.users, String(id))));
  SCIMMY.Resources.declare(SCIMMY.Resources.Group)
    .ingress(({ id }, data, { store, commit }: Context) => commit(() => store.putGroup(id, data)) as Promise<never>)
    .egress((asked, context: Context) => read(context.store.groups, asked, context) as never)
    .degress(({ id }, { store, commit }: Context) => commit(() => store.delete(store.groups, String(id))));
}

interface Asked {
  readonly id?: string;
  readonly constraints?: { readonly startIndex?: number; readonly count?: number };
}

function read(
  records: Map<string, StoredResource>,
  asked: Asked,
  { filter }: Context,
): StoredResource | StoredResource[] {
  if (asked.id !== undefined) {
    const resource = records.get(asked.id);
    if (resource === undefined) throw new SCIMMY.Types.Error(404, "", `Resource ${asked.id} not found`);
    return resource;
  }
  const found = filter === null ? [...records.values()] : [...matching(records.values(), filter)];
  const { startIndex = 1, count = 20 } = asked.constraints ?? {};
  // SCIMMY cuts the page out itself, and by its length alone where the page begins behind the first `count` records.
  if (startIndex > 1 && startIndex <= count) return found;
  const page = new Array<StoredResource>(found.length);
  for (const [index, resource] of found.slice(startIndex - 1, startIndex - 1 + count).entries()) {
    page[startIndex - 1 + index] = resource;
  }
  return page;
}

/** Lets the changes of one resource follow each other: SCIMMY reads, patches and writes it back as a whole. */
function inTurn(turns: Map<string, Promise<void>>, path: string, response: express.Response, next: () => void): void {
  const before = turns.get(path) ?? Promise.resolve();
  const turn = before.then(async () => {
    const ended = new Promise<void>((resolve) => {
      response.once("finish", resolve);
      response.once("close", resolve);
    });
    next();
    await ended;
    if (turns.get(path) === turn) turns.delete(path);
  });
  turns.set(path, turn);
}
