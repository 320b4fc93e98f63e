import fastifyCookie from "@fastify/cookie";
import fastifyHelmet from "@fastify/helmet";
import fastifyRateLimit from "@fastify/rate-limit";
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import { type Clock, newId } from "../clock.ts";
import type { Inbox } from "../notifications/inbox.ts";
import type { Engine } from "../runs/context.ts";
import type { Store } from "../store/store.ts";
import { Background } from "./background.ts";
import { consoleRoutes } from "./console.ts";
import type { ApiContext } from "./context.ts";
import { DeviceSetups } from "./device-setups.ts";
import { EventStreams } from "./events.ts";
import { checkHost } from "./hosts.ts";
import { Metrics } from "./metrics.ts";
import { registerOpenApi } from "./openapi.ts";
import { missingPage, sendPage } from "./pages.ts";
import { answerProblem, notFound, refuseConnection } from "./problems.ts";
import { attributeRoutes } from "./routes/attributes.ts";
import { authorizeCallbacks, authorizeRoutes } from "./routes/authorize.ts";
import { connectionRoutes } from "./routes/connections.ts";
import { consentCallback, consentRoutes } from "./routes/consent.ts";
import { guardRoutes } from "./routes/guards.ts";
import { healthRoutes } from "./routes/health.ts";
import { historyRoutes } from "./routes/history.ts";
import { notificationRoutes } from "./routes/notifications.ts";
import { peopleRoutes } from "./routes/people.ts";
import { permissionRoutes } from "./routes/permissions.ts";
import { planCommands } from "./routes/plan-commands.ts";
import { planDocuments } from "./routes/plan-documents.ts";
import { planRoutes } from "./routes/plans.ts";
import { reconcileRoutes } from "./routes/reconcile.ts";
import { reportRoutes } from "./routes/report.ts";
import { runRoutes } from "./routes/runs.ts";
import { setupRoutes } from "./routes/setup.ts";
import { sessionRoutes, signInRoute } from "./routes/sign-in.ts";
import { syncControlRoutes } from "./routes/sync-control.ts";
import { syncRoutes } from "./routes/syncs.ts";
import { targetRoutes } from "./routes/targets.ts";
import { undoRoutes } from "./routes/undo.ts";
import { type Api, strict, type TypeBoxProvider } from "./schemas.ts";
import { Sessions } from "./sessions.ts";
import type { SetupDeps } from "./setup-deps.ts";

/** What the API is given by whoever wires the server. It owns none of it: `close()` leaves the store open. */
export interface ApiDeps {
  readonly store: Store;
  readonly engine: Engine;
  readonly clock: Clock;
  /** Silent without one. Queries, headers and bodies are never logged. */
  readonly logger?: FastifyBaseLogger;
  /** What this process does for its syncs, where others than the API add to it; `close()` stops all of it. */
  readonly background?: Background;
  /** What takes in Microsoft's notifications; without it there is no address for them. */
  readonly inbox?: Inbox;
  /** What setting connections up needs; without it there are no addresses for that. */
  readonly setup?: SetupDeps;
  /** The console's build: `index.html` and `assets/`. While it does not exist, `/` says how to build it. */
  readonly consoleFolder: string;
  readonly demo: boolean;
  readonly version: string;
  /**
   * The origin under which operators reach the console when that is not loopback, e.g. `https://entrain.contoso.com`.
   * Its host is accepted in the Host header, and https makes cookies `__Host-` and Secure.
   */
  readonly publicOrigin?: string;
}

const BODY_MAX = 64 * 1024;
const REQUEST_MS = 120_000;
/** Longer than any address that arrives, so that it is each route's schema that refuses what is too long. */
const PARAMETER_MAX = 65_536;

/**
 * The server's HTTP side: API, console, health and metrics. The caller listens. `close()` ends streams at once, stops the
 * runs that were started over HTTP at their next safe moment, and waits for that.
 */
export async function createApi(deps: ApiDeps): Promise<FastifyInstance> {
  const { store, clock } = deps;
  const app = newServer(deps);
  const publicOrigin = deps.publicOrigin === undefined ? null : new URL(deps.publicOrigin);
  const { value: storeId } = await store.db
    .selectFrom("meta")
    .select("value")
    .where("key", "=", "id")
    .executeTakeFirstOrThrow();
  const sessions = new Sessions(store, { storeId, publicOrigin });
  const metrics = new Metrics(store);
  const context: ApiContext = {
    store,
    engine: deps.engine,
    clock,
    background: deps.background ?? new Background(deps.engine, app.log),
    streams: new EventStreams(clock),
    demo: deps.demo,
    version: deps.version,
    session: (request) => sessions.of(request),
    stillSignedIn: (request) => sessions.stands(request),
  };
  app.addHook("onRequest", async (request) => checkHost(request, publicOrigin));
  observe(app, { metrics, clock });
  app.addHook("preClose", async () => context.streams.close());
  app.addHook("onClose", async () => context.background.close());
  await protect(app, publicOrigin?.protocol === "https:");
  await registerOpenApi(app, deps.version);
  healthRoutes(app, { store, metrics });
  signInRoute(app, sessions);
  consentCallback(app, store);
  if (deps.setup !== undefined)
    authorizeCallbacks(app, { store, keyring: deps.setup.keyring, types: deps.setup.types });
  await consoleRoutes(app, { folder: deps.consoleFolder, clock });
  const { inbox, setup } = deps;
  if (inbox !== undefined) {
    await app.register((scope: Api, _options, registered) => {
      notificationRoutes(scope, inbox);
      registered();
    });
  }
  await app.register(
    (scope: Api, _options, registered) => {
      scope.addHook("onRequest", async (request, reply) => {
        reply.header("cache-control", "no-store");
        await sessions.require(request);
      });
      // A route that takes no query refuses one, as every other refuses what it does not know.
      scope.addHook("onRoute", (route) => {
        route.schema = { querystring: strict({}), ...route.schema };
      });
      sessionRoutes(scope, context, sessions);
      connectionRoutes(scope, context, publicOrigin);
      consentRoutes(scope, context, publicOrigin);
      if (setup !== undefined) {
        const { keyring, types, demo } = setup;
        const deviceSetups = new DeviceSetups({ store, keyring, types, demo }, app.log);
        scope.addHook("onClose", async () => deviceSetups.close());
        permissionRoutes(scope, context, setup);
        setupRoutes(scope, context, { deviceSetups, publicOrigin });
        authorizeRoutes(scope, context, { authorizing: { store, keyring, types }, publicOrigin });
      }
      attributeRoutes(scope, context);
      targetRoutes(scope, context);
      syncRoutes(scope, context, setup && { ...setup, store });
      syncControlRoutes(scope, context);
      reconcileRoutes(scope, context);
      reportRoutes(scope, context);
      undoRoutes(scope, context);
      historyRoutes(scope, context);
      guardRoutes(scope, context);
      runRoutes(scope, context);
      planRoutes(scope, context);
      planDocuments(scope, context);
      planCommands(scope, context);
      peopleRoutes(scope, context);
      registered();
    },
    { prefix: "/api/v1" },
  );
  return app as unknown as FastifyInstance;
}

function newServer({ logger, clock }: ApiDeps): Api {
  const app = fastify({
    ...(logger === undefined ? {} : { loggerInstance: logger }),
    // Fastify's own lines hold the whole address, and with it the sign-in link's token.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => newId(clock, "request"),
    bodyLimit: BODY_MAX,
    requestTimeout: REQUEST_MS,
    routerOptions: { maxParamLength: PARAMETER_MAX },
    clientErrorHandler: refuseConnection,
    forceCloseConnections: true,
    // What is not known is refused, not dropped in silence; and limits are held against infinite numbers too.
    ajv: { customOptions: { removeAdditional: false, allErrors: false, strictNumbers: false } },
    frameworkErrors: (error, request, reply) => void answerProblem(error, request, reply),
  }).withTypeProvider<TypeBoxProvider>();
  app.removeContentTypeParser("text/plain");
  app.setErrorHandler((error, request, reply) => answerProblem(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const { pathname } = URL.parse(request.url, "http://localhost") ?? { pathname: "/" };
    const wantsPage = request.headers.accept?.includes("text/html") === true && !pathname.startsWith("/api/");
    if (wantsPage) return sendPage(reply.code(404), missingPage());
    return answerProblem(notFound("such address; /api/v1/openapi.json lists those there are"), request, reply);
  });
  return app;
}

/** One line for each answer, by the route's pattern: neither queries nor names get into the log or the metrics. */
function observe(app: Api, options: { readonly metrics: Metrics; readonly clock: Clock }): void {
  app.addHook("onResponse", async (request, reply) => {
    const { method } = request;
    const route = request.routeOptions.url ?? "(none)";
    const status = reply.statusCode;
    options.metrics.request({ method, route, status }, reply.elapsedTime);
    request.log.debug({ method, route, status, ms: Math.round(reply.elapsedTime) }, "answered");
  });
}

/** Security headers (OWASP Secure Headers Project); pages bring a policy of their own that lets them work. */
async function protect(app: Api, secure: boolean): Promise<void> {
  await app.register(fastifyCookie);
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] },
    },
    crossOriginEmbedderPolicy: true,
    crossOriginResourcePolicy: { policy: "same-origin" },
    referrerPolicy: { policy: "no-referrer" },
    strictTransportSecurity: secure ? { maxAge: 31_536_000 } : false,
    xFrameOptions: { action: "deny" },
  });
  await app.register(fastifyRateLimit, { global: false });
}
