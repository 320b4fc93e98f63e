import fastify, { type FastifyBaseLogger, type FastifyInstance } from "fastify";
import type { Clock } from "../clock.ts";
import type { Engine } from "../runs/context.ts";
import type { Store } from "../store/store.ts";

/** What the API is given by whoever wires the server. It owns none of it: `close()` leaves the store open. */
export interface ApiDeps {
  readonly store: Store;
  readonly engine: Engine;
  readonly clock: Clock;
  /** Silent without one. Queries, headers and bodies are never logged. */
  readonly logger?: FastifyBaseLogger;
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

/** The server's HTTP side: API, console, health and metrics. The caller listens, and closes. */
export async function createApi(deps: ApiDeps): Promise<FastifyInstance> {
  return fastify(deps.logger === undefined ? {} : { loggerInstance: deps.logger });
}
