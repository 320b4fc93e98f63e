import { ConnectorError } from "@entrain/core";
import { decodeJwt } from "jose";
import {
  allowInsecureRequests,
  ClientSecretPost,
  Configuration,
  clientCredentialsGrant,
  customFetch,
  type ServerMetadata,
} from "openid-client";
import type { HttpRequest } from "../shared/http.ts";
import { signInRefusal } from "./aadsts.ts";
import { type EntraOptions, isLoopback } from "./options.ts";
import { PATIENT, type Patience, type Sender } from "./sender.ts";

/** An access token. `roles` are its application permissions; `null` when the token does not show them. */
export interface Token {
  readonly value: string;
  readonly roles: readonly string[] | null;
  readonly expiresAt: number;
}

/** A token is replaced this long before it ends, or after half its life when that is shorter. */
const AHEAD_MS = 5 * 60_000;
const DEFAULT_LIFE_S = 3600;

/**
 * Signs in with the client-credentials grant ("Microsoft identity platform and the OAuth 2.0 client credentials flow") and keeps the
 * token until shortly before it ends. Callers at the same time share one sign-in.
 */
export class TokenProvider {
  readonly #options: EntraOptions;
  readonly #sender: Sender;
  readonly #lifetime = new AbortController();
  #token: Token | null = null;
  #pending: Promise<Token> | null = null;

  constructor(options: EntraOptions, sender: Sender) {
    this.#options = options;
    this.#sender = sender;
  }

  /** The present token. `refused` is one that the service no longer accepts: another is fetched in its place. */
  async get(signal: AbortSignal, patience: Patience = PATIENT, refused: Token | null = null): Promise<Token> {
    signal.throwIfAborted();
    const token = this.#token;
    if (token !== null && token !== refused && this.#options.clock.now() < token.expiresAt) return token;
    this.#pending ??= this.#fetch(patience).finally(() => {
      this.#pending = null;
    });
    return untilAborted(this.#pending, signal);
  }

  /** Hides the secret and tokens in a text that came from outside, should it repeat them. */
  redact(text: string): string {
    let clean = text.replaceAll(/eyJ[\w-]+\.[\w-]+\.[\w-]*/g, "[secret]");
    for (const hidden of [this.#options.secret(), this.#token?.value ?? ""]) {
      if (hidden !== "") clean = clean.replaceAll(hidden, "[secret]");
    }
    return clean;
  }

  close(): void {
    this.#lifetime.abort();
  }

  async #fetch(patience: Patience): Promise<Token> {
    const asked = this.#options.clock.now();
    const server = await this.#discover(patience);
    const { client, cloud } = this.#options;
    const secret = this.#options.secret();
    const config = new Configuration(server, client, {}, ClientSecretPost(secret));
    if (isInsecureLoopback(server.token_endpoint)) allowInsecureRequests(config);
    let fault: unknown = null;
    config[customFetch] = async (url, init) => {
      try {
        const headers = Object.fromEntries(new Headers(init.headers));
        return await this.#answer(
          { method: init.method, url: new URL(url), headers, body: String(init.body) },
          patience,
        );
      } catch (error) {
        fault = error;
        throw error;
      }
    };
    const scope = `${cloud.graph.replace(/\/+$/, "")}/.default`;
    try {
      const granted = await clientCredentialsGrant(config, { scope });
      const life = (granted.expires_in ?? DEFAULT_LIFE_S) * 1000;
      const expiresAt = asked + life - Math.min(AHEAD_MS, life / 2);
      this.#token = { value: granted.access_token, roles: rolesOf(granted.access_token), expiresAt };
      return this.#token;
    } catch {
      // The library's errors carry the request's answer, and so perhaps the token: only our own fault goes on.
      throw fault ?? invalid("The sign-in service answered without a usable token.");
    }
  }

  /** The secret is sent to the sign-in host alone, whatever the discovery document says. */
  async #discover(patience: Patience): Promise<ServerMetadata> {
    const login = this.#options.cloud.login.replace(/\/+$/, "");
    const tenant = encodeURIComponent(this.#options.tenant);
    const url = new URL(`${login}/${tenant}/v2.0/.well-known/openid-configuration`);
    const answer = await this.#answer({ method: "GET", url, headers: { accept: "application/json" } }, patience);
    const body: unknown = answer.ok ? await answer.json().catch(() => null) : null;
    if (typeof body !== "object" || body === null || !("token_endpoint" in body) || !("issuer" in body)) {
      throw invalid(`${url.host} did not answer with a sign-in configuration (status ${answer.status}).`);
    }
    const { issuer, token_endpoint } = body;
    if (typeof issuer !== "string" || typeof token_endpoint !== "string" || !URL.canParse(token_endpoint)) {
      throw invalid(`The sign-in configuration of ${url.host} names no token endpoint.`);
    }
    if (new URL(token_endpoint).origin !== url.origin) {
      throw new ConnectorError(
        "link_foreign",
        `The token endpoint is not on ${url.host}; the secret was not sent there.`,
        {
          stops: "connection",
          retry: "never",
        },
      );
    }
    return { issuer, token_endpoint };
  }

  /** Sends to the sign-in service; throws Microsoft's refusals and passing faults as ours. */
  async #answer(request: HttpRequest, patience: Patience): Promise<Response> {
    const { status, headers, text } = await this.#sender.send(request, this.#lifetime.signal, patience);
    const refusal = status >= 400 ? signInRefusal(status, parsed(text)) : null;
    if (refusal !== null) throw refusal;
    if (status === 429 || status >= 500) {
      const code = status === 429 ? "throttled" : "server_failed";
      const message = `The sign-in service ${request.url.host} answered ${status}.`;
      throw new ConnectorError(code, message, { stops: "connection", retry: "later", status });
    }
    const type = headers["content-type"];
    return new Response(text, { status, headers: { "content-type": typeof type === "string" ? type : "" } });
  }
}

function isInsecureLoopback(address: string | undefined): boolean {
  const url = URL.parse(address ?? "");
  return url?.protocol === "http:" && isLoopback(url);
}

/** Decoded for comparison and diagnostics only: an access token for Graph is Graph's to validate. */
function rolesOf(token: string): readonly string[] | null {
  try {
    const { roles } = decodeJwt<{ roles?: unknown }>(token);
    const named = Array.isArray(roles) ? roles : [];
    return named.filter((role) => typeof role === "string");
  } catch {
    return null;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function invalid(message: string): ConnectorError {
  return new ConnectorError("answer_invalid", message, { stops: "connection", retry: "later" });
}

/** One caller that gives up must not end the sign-in that others wait for. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: () => void = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
