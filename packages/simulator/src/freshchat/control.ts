import type { WireResponse } from "../server/exchange.ts";
import { checkFault } from "./faults.ts";
import type { FreshchatLevers } from "./levers.ts";
import { empty, json } from "./refusal.ts";
import { checkStep, doStep } from "./steps.ts";
import { FRESHCHAT_SWITCHES, readSwitches } from "./switches.ts";

type Handler = (body: Readonly<Record<string, unknown>>, value: unknown) => unknown;

/** The simulator's own controls under `/_simulator/`, for tests that run it as another process. Loopback only. */
export class FreshchatControl {
  readonly #handlers: Readonly<Record<string, Handler>>;

  constructor(levers: FreshchatLevers) {
    this.#handlers = handlersOf(levers);
  }

  handle(
    { method, path, body }: { readonly method: string; readonly path: string; readonly body: string },
    remote: string | undefined,
  ): WireResponse {
    if (!/^(::ffff:)?127\.|^::1$/.test(remote ?? "")) {
      return json(403, { error: "The simulator's controls answer to loopback only." });
    }
    const handler = this.#handlers[`${method} ${path.slice("/_simulator".length)}`];
    if (handler === undefined) {
      return json(404, { error: `No such control. There are: ${Object.keys(this.#handlers).join(", ")}.` });
    }
    try {
      const value: unknown = body === "" ? {} : JSON.parse(body);
      const told = handler(isRecord(value) ? value : {}, value);
      return told === undefined ? empty(204) : json(200, told);
    } catch (error) {
      return json(400, { error: error instanceof Error ? error.message : String(error) });
    }
  }
}

function handlersOf(levers: FreshchatLevers): Readonly<Record<string, Handler>> {
  const { faults, requests } = levers;
  return {
    "GET /switches": () => ({ switches: levers.switches, values: FRESHCHAT_SWITCHES }),
    "PUT /switches": (body) => levers.setSwitches(readSwitches(body)),
    "GET /faults": () => faults.list(),
    "PUT /faults": (_, list) => faults.set(listIn(list).map(checkFault)),
    "POST /faults": (fault) => faults.add(checkFault(fault)),
    "DELETE /faults": () => faults.clear(),
    "GET /requests": () => ({ count: requests.count, requests: requests.list() }),
    "DELETE /requests": () => requests.clear(),
    "GET /clock": () => ({ now: levers.now() }),
    "POST /clock": ({ advanceMs }) => {
      levers.advance(wholeIn(advanceMs, "advanceMs"));
      return { now: levers.now() };
    },
    "PUT /token": ({ token }) => {
      if (typeof token !== "string" || token === "") throw new Error("token must be text.");
      levers.setToken(token);
    },
    "PUT /portal": ({ portal }) => levers.setPortal(portal === true),
    "PUT /seats": ({ seats }) => levers.setSeats(seats === null ? null : wholeIn(seats, "seats")),
    "PUT /rate": ({ requestsPerMinute, retryAfter }) =>
      levers.setRate(
        requestsPerMinute === null
          ? null
          : {
              requestsPerMinute: wholeIn(requestsPerMinute, "requestsPerMinute"),
              retryAfter: retryAfter === true,
            },
      ),
    "GET /agents": () => levers.agents.list(),
    "GET /users": () => levers.users.list(),
    "POST /steps": (_, list) => listIn(list).map((step) => doStep(levers, checkStep(step)) ?? null),
  };
}

function listIn(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error("The body must be a list.");
}

function wholeIn(value: unknown, name: string): number {
  if (Number.isInteger(value) && Number(value) >= 0) return Number(value);
  throw new Error(`${name} must be a whole number, 0 or more.`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
