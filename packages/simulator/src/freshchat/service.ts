import type { WireResponse } from "../server/exchange.ts";
import type { Account } from "./account.ts";
import { createAgent, deleteAgent, listAgents, readAgent, updateAgent } from "./agents.ts";
import { pageOf } from "./pages.ts";
import { empty, json, message, Refusal } from "./refusal.ts";
import { createUser, deleteUser, listUsers, readUser, updateUser } from "./users.ts";

/** A request whose sender proved itself. */
export interface ServiceRequest {
  readonly method: string;
  /** Path without `/v2`, such as `/agents/{id}`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Text of the body. */
  readonly body: string;
}

type Handler = (request: ServiceRequest, id: string) => WireResponse;
type Methods = Readonly<Record<string, Handler>>;

/** The calls of the Freshchat API v2 on one account; everything else is 404, or 405 where only the method is wrong. */
export class FreshchatService {
  readonly #account: Account;
  readonly #routes: Readonly<Record<string, Methods>>;

  constructor(account: Account) {
    this.#account = account;
    const list =
      (name: string, records: (query: URLSearchParams) => readonly unknown[]): Handler =>
      ({ query }) =>
        pageOf(records(query), { name, query }, account.switches);
    this.#routes = {
      "/agents": { GET: list("agents", (query) => listAgents(account, query)), POST: this.#creating(createAgent) },
      "/agents/*": {
        GET: (_, id) => json(200, readAgent(account, id)),
        PUT: ({ body }, id) => json(200, updateAgent(account, id, objectIn(body))),
        DELETE: (_, id) => {
          deleteAgent(account, id);
          return message(202, "Agent deletion request accepted");
        },
      },
      "/users": { GET: list("users", (query) => listUsers(account, query)), POST: this.#creating(createUser) },
      "/users/*": {
        GET: (_, id) => json(200, readUser(account, id)),
        PUT: ({ body }, id) => json(200, updateUser(account, id, objectIn(body))),
        DELETE: (_, id) => (deleteUser(account, id) ? message(202, "User deletion request accepted") : empty(204)),
      },
      "/groups": { GET: list("groups", () => [...account.groups.values()]) },
      "/roles": { GET: list("roles", () => [...account.roles.values()]) },
      "/accounts/configuration": { GET: () => this.#configuration() },
    };
  }

  /** Never throws for what a client did wrong: refusals are answers. */
  handle(request: ServiceRequest): WireResponse {
    try {
      const [, kind = "", id, ...rest] = request.path.split("/");
      const methods =
        this.#routes[request.path] ?? (id !== undefined && rest.length === 0 ? this.#routes[`/${kind}/*`] : undefined);
      if (methods === undefined) throw new Refusal(404, `there is no ${request.path}`);
      const handler = methods[request.method];
      if (handler === undefined) throw new Refusal(405, `${request.method} is not supported here`);
      return handler(request, decoded(id ?? ""));
    } catch (error) {
      if (error instanceof Refusal) return message(error.code, error.message, error.status);
      throw error;
    }
  }

  #creating(create: (account: Account, body: Readonly<Record<string, unknown>>) => object): Handler {
    return ({ body }) => json(this.#account.switches.created, create(this.#account, objectIn(body)));
  }

  #configuration(): WireResponse {
    const configuration = {
      account_id: 700_001,
      app_id: "e8d4b2a6-simulated",
      plan_type: "ENTERPRISE",
      datacenter: "US",
      bundle_id: 700_002,
      bundle_type: "FRESHCHAT",
      web_chat_id: "simulated",
      account_domain: "simulated.freshchat.com",
      organisation_id: 700_003,
      organisation_domain: "simulated.myfreshworks.com",
    };
    return json(200, this.#account.switches.configuration === "wrapped" ? { configuration } : configuration);
  }
}

function objectIn(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return { ...value };
  } catch {
    // Told below, like every other body that is no object.
  }
  throw new Refusal(400, "the body must be a JSON object");
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
