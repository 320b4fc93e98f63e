import { ConnectorError } from "@entrain/core";
import type { HttpAnswer } from "../shared/http.ts";
import type { TokenKind } from "./features.ts";
import type { Urgency } from "./limiter.ts";
import type { EntraOptions } from "./options.ts";
import { askedWaitMs, headerOf, PATIENT, type Patience, type Sender, type SenderRequest } from "./sender.ts";
import type { Token, TokenProvider } from "./token.ts";
import { uuidFrom } from "./uuid.ts";

/** Graph refused a request. `graphCode` is the error's own code, empty when it gave none. */
export class GraphRefusal extends ConnectorError {
  readonly graphCode: string;

  constructor(graphCode: string, ...fault: ConstructorParameters<typeof ConnectorError>) {
    super(...fault);
    this.graphCode = graphCode;
  }
}

/** What Graph answered. `roles` are the permissions of the token that was used (`null`: not shown by the token). */
export interface GraphAnswer {
  readonly body: unknown;
  readonly roles: readonly string[] | null;
}

/** An entity of a collection, with whatever properties Graph answered. */
export type Entity = { readonly id: string } & Readonly<Record<string, unknown>>;

/** One page of a collection. A link is a whole URL on the Graph host, to be used as it is ("Paging Microsoft Graph data"). */
export interface CollectionPage {
  readonly entities: readonly Entity[];
  readonly nextLink: string | null;
  readonly deltaLink: string | null;
  readonly roles: readonly string[] | null;
}

/** Why Graph refuses what it refuses, and what to do, where a person signed in whom a role in Entra is wanting. */
export interface Lack {
  readonly needs: string;
  readonly fix: string;
}

/** `permission` is the least one that the request needs, named when Graph refuses it; with a `lack`, that is told instead. */
export interface GraphRequest {
  readonly permission: string;
  readonly lack?: Lack;
  readonly headers?: Readonly<Record<string, string>>;
  readonly patience?: Patience;
  /** `GET` without a body and `POST` with one, unless given. */
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  /** Sent as JSON. */
  readonly body?: object;
  readonly urgency?: Urgency;
  /** See {@link SenderRequest.repeatable}. */
  readonly repeatable?: boolean;
  /** See {@link GraphClient.bytes}. */
  readonly bytesAtMost?: number;
}

/** Speaks to Microsoft Graph v1.0 with one tenant's application permissions. */
export class GraphClient {
  readonly origin: string;
  readonly #base: string;
  readonly #options: EntraOptions;
  readonly #sender: Sender;
  readonly #tokens: TokenProvider;

  constructor(options: EntraOptions, sender: Sender, tokens: TokenProvider) {
    this.origin = new URL(options.cloud.graph).origin;
    this.#base = `${options.cloud.graph.replace(/\/+$/, "")}/v1.0`;
    this.#options = options;
    this.#sender = sender;
    this.#tokens = tokens;
  }

  /** The permissions of the present token. Signs in when there is none. */
  async roles(signal: AbortSignal, patience?: Patience): Promise<readonly string[] | null> {
    return (await this.#tokens.get(signal, patience)).roles;
  }

  /** The directory roles of the person who signed in, by template id; null for a token of the application itself. */
  async directoryRoles(signal: AbortSignal, patience?: Patience): Promise<readonly string[] | null> {
    return (await this.#tokens.get(signal, patience)).directoryRoles;
  }

  /** Whose token it is: a person's who signed in, or the application's own. */
  async tokenKind(signal: AbortSignal, patience?: Patience): Promise<TokenKind> {
    return (await this.directoryRoles(signal, patience)) === null ? "application" : "delegated";
  }

  /** Sends to a path behind `/v1.0`, or to a whole link that Graph gave. The body is parsed JSON. */
  async request(target: string, request: GraphRequest, signal: AbortSignal): Promise<GraphAnswer> {
    const sent = await this.#send(target, request, signal);
    return { body: bodyOf(sent), roles: sent.token.roles };
  }

  /** What is not JSON, such as an image: at most `bytesAtMost`, or a fault (`answer_invalid`). */
  async bytes(
    target: string,
    request: GraphRequest & { readonly bytesAtMost: number },
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { answer } = await this.#send(target, { ...request, headers: { accept: "*/*" } }, signal);
    return Buffer.from(answer.text, "latin1");
  }

  /** Sends a write whose answer is of no interest: any success will do ("known issues": some answer another 2xx). */
  async send(target: string, request: GraphRequest, signal: AbortSignal): Promise<void> {
    await this.#send(target, request, signal);
  }

  /** A part of an answer asked for this wait, in milliseconds: the next request keeps it. */
  leaveAlone(ms: number): void {
    this.#sender.leaveAlone(ms);
  }

  /** A number in plain text, as `/users/$count` answers it; needs the eventual consistency level. */
  async count(path: string, request: GraphRequest, signal: AbortSignal): Promise<number> {
    const headers = { ConsistencyLevel: "eventual", accept: "text/plain" };
    const { answer, call } = await this.#send(path, { ...request, headers }, signal);
    const text = answer.text.trim();
    if (!/^\d{1,12}$/.test(text)) throw invalid(call, "the answer is not a number");
    return Number(text);
  }

  /** One page of a collection, checked: a `value` list of entities with ids, and links on the Graph host alone. */
  async page(target: string, request: GraphRequest, signal: AbortSignal): Promise<CollectionPage> {
    return (await this.fetch(target, request, signal))();
  }

  /**
   * As {@link page}, parsed when the answered function is called. Parsed as soon as they come, pages fetched ahead would wait as
   * thousands of objects beside those of the page that is being stored, and the collector would copy them again and again.
   */
  async fetch(target: string, request: GraphRequest, signal: AbortSignal): Promise<() => CollectionPage> {
    const sent = await this.#send(target, request, signal);
    return () => this.#pageOf(sent);
  }

  #pageOf(sent: Sent): CollectionPage {
    const { token, call } = sent;
    const body = bodyOf(sent);
    const list = field(body, "value");
    if (!Array.isArray(list)) throw invalid(call, "the answer has no `value` list");
    if (!list.every(isEntity)) {
      const place = list.findIndex((item) => !isEntity(item)) + 1;
      throw invalid(call, `entry ${place} of ${list.length} in the \`value\` list has no id`);
    }
    const nextLink = this.#link(call, field(body, "@odata.nextLink"));
    const deltaLink = this.#link(call, field(body, "@odata.deltaLink"));
    return { entities: list, nextLink, deltaLink, roles: token.roles };
  }

  async #send(target: string, request: GraphRequest, signal: AbortSignal): Promise<Sent> {
    const url = this.#url(target);
    const method = request.method ?? (request.body === undefined ? "GET" : "POST");
    const patience = request.patience ?? PATIENT;
    const body = request.body === undefined ? {} : { body: JSON.stringify(request.body) };
    const bytes = request.bytesAtMost === undefined ? {} : { bytesAtMost: request.bytesAtMost };
    const { urgency = "normal", repeatable = true } = request;
    const id = uuidFrom(() => this.#options.random());
    let token = await this.#tokens.get(signal, patience);
    for (let signIns = 1; ; signIns++) {
      const headers = {
        accept: "application/json",
        ...(request.body === undefined ? {} : { "content-type": "application/json" }),
        ...request.headers,
        authorization: `Bearer ${token.value}`,
        "client-request-id": id,
      };
      const answer = await this.#sender.send(
        { method, url, headers, id, urgency, repeatable, ...body, ...bytes },
        signal,
        patience,
      );
      const call: Call = { method, path: url.pathname, requestId: requestIdOf(answer), clientRequestId: id };
      if (answer.status === 200 || (method !== "GET" && isSuccess(answer.status))) return { answer, token, call };
      if (answer.status !== 401 || signIns === 2) throw this.#refusal(call, answer, request);
      token = await this.#tokens.get(signal, patience, token, claimsIn(answer));
    }
  }

  #url(target: string): URL {
    return new URL(target.startsWith("/") ? this.#base + target : target);
  }

  /** A link elsewhere would carry the token there. */
  #link(call: Call, link: unknown): string | null {
    if (link === undefined || link === null) return null;
    const url = typeof link === "string" ? URL.parse(link) : null;
    if (typeof link !== "string" || url === null) throw invalid(call, "a paging link is not an address");
    if (url.origin === this.origin && url.username === "") return link;
    const message = `${call.method} ${call.path}: a paging link points to ${url.origin}, not to ${this.origin}; it was not followed. ${idsOf(call)}`;
    throw new ConnectorError("link_foreign", message, { stops: "run", retry: "later", requestId: call.requestId });
  }

  #refusal(call: Call, answer: HttpAnswer, { permission, lack }: GraphRequest): GraphRefusal {
    const { code, message } = errorOf(answer);
    const said = [`${answer.status}`, ...(code === "" ? [] : [code])].join(" ");
    const told =
      message === ""
        ? ""
        : `: ${this.#tokens
            .redact(message)
            .slice(0, 300)
            .replace(/[.\s]+$/, "")}`;
    const { status } = answer;
    const refusal = (fault: RefusalCode): GraphRefusal => {
      const stops = fault === "sign_in_refused" || fault === "permission_missing" ? "connection" : "run";
      const retry = fault === "throttled" || fault === "server_failed" ? "later" : "never";
      const missing = fault === "permission_missing";
      const needs = missing ? ` ${lack?.needs ?? `The application needs the permission ${permission}.`}` : "";
      const fix = missing && lack !== undefined ? { fix: lack.fix } : {};
      const retryAfterMs = askedWaitMs(answer, this.#options.clock.now());
      const text = `${call.method} ${call.path} was refused (${said})${told}.${needs} ${idsOf(call)}`;
      const { requestId } = call;
      return new GraphRefusal(code, fault, text, { stops, retry, retryAfterMs, requestId, status, ...fix });
    };
    if (status === 401) return refusal("sign_in_refused");
    if (status === 429) return refusal("throttled");
    if (status >= 500 && status !== 501) return refusal("server_failed");
    return refusal(status === 403 && !code.startsWith("Authentication_") ? "permission_missing" : "request_refused");
  }
}

/** A request as errors name it: without its query, which may hold a delta token. */
interface Call {
  readonly method: string;
  readonly path: string;
  readonly requestId: string | null;
  readonly clientRequestId: string;
}

type RefusalCode = "sign_in_refused" | "permission_missing" | "request_refused" | "throttled" | "server_failed";

/**
 * The claims that Graph wants in the next token, as JSON text; `null` when it only wants another token ("How to use
 * continuous access evaluation enabled APIs": base64 within `WWW-Authenticate`).
 */
function claimsIn(answer: Pick<HttpAnswer, "headers">): string | null {
  const challenge = headerOf(answer, "www-authenticate") ?? "";
  if (!/\berror="insufficient_claims"/.test(challenge)) return null;
  const claims = /\bclaims="([A-Za-z0-9+/_=-]+)"/.exec(challenge)?.[1];
  return claims === undefined ? null : Buffer.from(claims, "base64").toString("utf8");
}

interface Sent {
  readonly answer: HttpAnswer;
  readonly token: Token;
  readonly call: Call;
}

function bodyOf({ answer, call }: Sent): unknown {
  if (answer.text.trimStart().startsWith("<")) throw invalid(call, "the answer is HTML instead of JSON");
  try {
    return parseExactly(answer.text);
  } catch {
    throw invalid(call, "the answer is not complete JSON");
  }
}

function isEntity(value: unknown): value is Entity {
  return (
    typeof value === "object" && value !== null && "id" in value && typeof value.id === "string" && value.id !== ""
  );
}

function idsOf(call: Call): string {
  const ids = call.requestId === null ? "" : `request-id ${call.requestId}, `;
  return `(${ids}client-request-id ${call.clientRequestId})`;
}

function invalid(call: Call, what: string): ConnectorError {
  const message = `${call.method} ${call.path}: ${what}. ${idsOf(call)}`;
  return new ConnectorError("answer_invalid", message, { stops: "run", retry: "later", requestId: call.requestId });
}

/** "Microsoft Graph error responses and resource types". */
function errorOf(answer: HttpAnswer): { readonly code: string; readonly message: string } {
  const error = field(parsed(answer.text), "error");
  const text = (name: string): string => {
    const value = field(error, name);
    return typeof value === "string" ? value : "";
  };
  return { code: text("code"), message: text("message") };
}

/** The inner error's key is seen in two spellings. */
function requestIdOf(answer: HttpAnswer): string | null {
  const header = headerOf(answer, "request-id");
  if (header !== null || answer.status < 400) return header;
  const error = field(parsed(answer.text), "error");
  const id = field(field(error, "innerError") ?? field(error, "innererror"), "request-id");
  return typeof id === "string" ? id : null;
}

/** ECMAScript's "JSON.parse source text access", which the library's types do not know yet. */
type ExactReviver = (name: string, value: unknown, context: { readonly source?: string }) => unknown;

const LONG_NUMBER = /[:,[]\s*-?\d{16}/;
/** How the name of every directory extension begins. Looking for it costs a tenth of looking for long numbers. */
const EXTENSION = "extension_";
/**
 * What the records of a page hold, where the answer begins with it ("OData Version 4.01 Part 1: Protocol", Context URL, "Collection of
 * Projected Entities"): a page need not be looked through for what it says that it does not hold.
 */
const SELECTED = /^\{"@odata\.context":"[^"\\]*#[^"\\(]*\(([^"\\*]*)\)"/;

function mayHoldLongNumbers(text: string): boolean {
  const selected = SELECTED.exec(text)?.[1];
  return (selected ?? text).includes(EXTENSION) && LONG_NUMBER.test(text);
}

/**
 * JSON in which whole numbers that a double cannot hold (a directory extension of the type LargeInteger, Edm.Int64) come as texts of
 * their digits: rounded, one person's number would be another's.
 */
function parseExactly(text: string): unknown {
  if (!mayHoldLongNumbers(text)) return JSON.parse(text);
  const parse = JSON.parse as (text: string, reviver: ExactReviver) => unknown;
  return parse(text, (_name, value, { source }) =>
    Number.isInteger(value) && !Number.isSafeInteger(value) ? (source ?? value) : value,
  );
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
