import { checkPlan, checkRule } from "../faults/parse.ts";
import type { FaultSet } from "../faults/rules.ts";
import type { NotificationControl } from "../notifications/control.ts";
import type { AppRegistration, ClientSecret } from "../signin/app.ts";
import type { IdentityControl } from "../signin/levers.ts";
import type { Contacts } from "../state/contacts.ts";
import type { TenancyControl } from "../tenancy/control.ts";
import type { Json } from "../tenant/types.ts";
import type { WireResponse } from "./exchange.ts";
import { identityHandlers } from "./identity-admin.ts";
import type { RequestLog } from "./request-log.ts";

/** What the controls reach. */
export interface AdminOptions {
  readonly faults: FaultSet;
  readonly requests: RequestLog;
  readonly app: AppRegistration;
  readonly control: IdentityControl;
  readonly now: () => number;
  readonly advance: (ms: number) => void;
  readonly expireDeltaTokens: () => void;
  readonly churn: (changes: number) => void;
  readonly contacts: Contacts;
  readonly tenancy: TenancyControl;
  readonly notifications: NotificationControl;
  readonly status: () => Readonly<Record<string, unknown>>;
}

type Handler = (body: Readonly<Record<string, unknown>>, list: readonly unknown[]) => unknown;

/**
 * The simulator's own controls under `/_simulator/`, for tests that run it as another process. Answers only to
 * loopback; Graph has no such path.
 */
export class Admin {
  readonly #handlers: Readonly<Record<string, Handler>>;

  constructor(options: AdminOptions) {
    this.#handlers = handlersOf(options);
  }

  handle(method: string, path: string, text: string, remote: string | undefined): WireResponse {
    if (!isLoopback(remote)) return reply(403, { error: "The simulator's controls answer to loopback only." });
    const handler = this.#handlers[`${method} ${path.slice("/_simulator".length)}`];
    if (handler === undefined) {
      return reply(404, { error: `No such control. There are: ${Object.keys(this.#handlers).join(", ")}.` });
    }
    try {
      const body: unknown = text === "" ? {} : JSON.parse(text);
      const value = handler(isRecord(body) ? body : {}, Array.isArray(body) ? body : []);
      return value === undefined ? { status: 204, headers: {}, body: "" } : reply(200, value);
    } catch (error) {
      return reply(400, { error: error instanceof Error ? error.message : String(error) });
    }
  }
}

function handlersOf(options: AdminOptions): Readonly<Record<string, Handler>> {
  const { faults, requests, app } = options;
  return {
    "GET /status": () => options.status(),
    "GET /faults": () => faults.list(),
    "PUT /faults": (_, list) => faults.set(checkPlan(list)),
    "POST /faults": (rule) => faults.add(checkRule(rule)),
    "DELETE /faults": () => faults.clear(),
    "GET /requests": () => ({ count: requests.count, requests: requests.list() }),
    "DELETE /requests": () => requests.clear(),
    "GET /clock": () => ({ now: options.now() }),
    "POST /clock": ({ advanceMs }) => {
      if (typeof advanceMs !== "number" || advanceMs < 0) throw new Error("advanceMs must be a number, 0 or more.");
      options.advance(advanceMs);
      return { now: options.now() };
    },
    "POST /churn": ({ changes }) => {
      if (!Number.isInteger(changes) || Number(changes) < 0)
        throw new Error("changes must be a whole number, 0 or more.");
      options.churn(Number(changes));
    },
    "GET /secrets": () => app.secrets.map(({ expiresAt }) => ({ expiresAt: expiresAt ?? null })),
    "PUT /secrets": (_, list) => {
      app.secrets = list.map(secretOf);
    },
    "POST /secrets": (secret) => {
      app.secrets = [...app.secrets, secretOf(secret)];
    },
    "PUT /roles": (_, list) => {
      app.roles = list.map(String);
    },
    "POST /contacts": (contact) => ({ id: options.contacts.create(contact as Readonly<Record<string, Json>>) }),
    "PATCH /contacts": ({ id, ...changes }) =>
      options.contacts.update(String(id), changes as Readonly<Record<string, Json>>),
    "DELETE /contacts": ({ id }) => options.contacts.remove(String(id)),
    "POST /contacts/members": ({ group, id }) => options.contacts.setMember(String(group), String(id), true),
    "DELETE /contacts/members": ({ group, id }) => options.contacts.setMember(String(group), String(id), false),
    "PUT /licences": (_, list) => options.tenancy.setLicences(list.map(String)),
    "PUT /photos": ({ id, present }) => options.tenancy.setPhoto(String(id), present === true),
    "GET /notifications": () => ({
      subscriptions: options.notifications.subscriptions(),
      waiting: options.notifications.waiting(),
      deliveries: options.notifications.deliveries(),
    }),
    "DELETE /notifications": () => options.notifications.forget(),
    "POST /reauthorization": () => options.notifications.challenge(),
    "POST /expire-delta-tokens": () => options.expireDeltaTokens(),
    ...identityHandlers(options.control),
  };
}

function secretOf(value: unknown): ClientSecret {
  if (!isRecord(value) || typeof value.value !== "string") throw new Error("A secret needs a value, as text.");
  return { value: value.value, ...(typeof value.expiresAt === "number" ? { expiresAt: value.expiresAt } : {}) };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(::ffff:)?127\.|^::1$/.test(address);
}

function reply(status: number, value: unknown): WireResponse {
  return { status, headers: { "content-type": "application/json; charset=utf-8" }, body: JSON.stringify(value) };
}
