import { ConnectorError } from "@entrain/core";
import {
  allowInsecureRequests,
  type ClientAuth,
  Configuration,
  clientCredentialsGrant,
  customFetch,
  genericGrantRequest,
  refreshTokenGrant,
  type ServerMetadata,
} from "openid-client";
import type { HttpRequest } from "../../shared/http.ts";
import { SignInRefused, signInRefusal } from "../aadsts.ts";
import { type EntraOptions, isLoopback } from "../options.ts";
import type { Patience, Sender } from "../sender.ts";
import { fetchAssertion, isJwt } from "./assertion.ts";
import { azureToken, type Granted } from "./azure.ts";
import { assertionAuth, clientAuth } from "./client-auth.ts";
import type { Credential, DelegatedCredential, PasswordCredential } from "./credential.ts";
import { credentialFault } from "./fault.ts";

/** One attempt to get a token. `claims` answers a challenge ("How to use continuous access evaluation enabled APIs"). */
export interface Attempt {
  readonly claims: string | null;
  readonly patience: Patience;
  readonly signal: AbortSignal;
}

/** How a request is sent, and for which kind of credential. */
type Sending = Pick<Attempt, "patience" | "signal"> & { readonly kind?: Credential["kind"] };

interface Grant {
  readonly access_token: string;
  readonly expires_in?: number | undefined;
  readonly refresh_token?: string | undefined;
}

/** What one grant needs: the library's configuration, and the fault of ours that it may have swallowed. */
export interface Exchange {
  readonly config: Configuration;
  fault(): unknown;
}

const DEFAULT_LIFE_S = 3600;
/**
 * Refusals that end a refresh token: it was revoked (50173), or ended by a new password (50132, 50133), by not being used
 * (70008, 700082), by its fixed life (700084), by the sign-in frequency (70043), or was never good (70000, 50089). Everything
 * else may pass: an account is enabled again, a policy lifted ("Microsoft Entra authentication and authorization error codes").
 */
const DEAD_GRANT: ReadonlySet<number> = new Set([50089, 50132, 50133, 50173, 70000, 70008, 70043, 700082, 700084]);

/** RFC 8628, section 3.5: they ask to be asked again, and refuse nothing. */
const NOT_YET: ReadonlySet<unknown> = new Set(["authorization_pending", "slow_down"]);

/** The sign-in service of one cloud and tenant, as one application sees it. */
export class SignInService {
  readonly #options: EntraOptions;
  readonly #sender: Sender;
  readonly #assertions: Sender;

  constructor(options: EntraOptions, sender: Sender) {
    this.#options = options;
    this.#sender = sender;
    this.#assertions = sender.beside("The assertion's address");
  }

  /** Gets an access token for Graph. @throws ConnectorError that never holds a secret, a token or an assertion. */
  async grant(credential: Credential, attempt: Attempt): Promise<Granted> {
    const scope = `${this.#options.cloud.graph.replace(/\/+$/, "")}/.default`;
    if (credential.kind === "managed-identity" || credential.kind === "workload-identity") {
      return azureToken(credential, this.#options, { scope, ...attempt });
    }
    const asked = this.#options.clock.now();
    const server = await this.discover(attempt);
    const endpoint = server.token_endpoint ?? "";
    const claims = { claims: capabilities(attempt.claims) };
    const given = await this.#granted(credential, {
      kind: credential.kind,
      server,
      endpoint,
      asked,
      attempt,
      parameters: { scope, ...claims },
    });
    return { accessToken: given.access_token, expiresAt: asked + (given.expires_in ?? DEFAULT_LIFE_S) * 1000 };
  }

  async #granted(credential: GrantedHere, context: GrantContext): Promise<Grant> {
    const { endpoint, asked, attempt, parameters } = context;
    switch (credential.kind) {
      case "secret":
      case "certificate":
        return this.#clientCredentials(await clientAuth(credential, endpoint, asked), context);
      case "federated": {
        const { assertion: from } = credential;
        const given = typeof from === "function" ? from() : await fetchAssertion(from, this.#assertions, attempt);
        const assertion = given.trim();
        if (!isJwt(assertion)) {
          throw credentialFault("config_invalid", {
            message: "The federated assertion is not a signed JWT.",
            fix: "Give the token as the other provider issued it, without anything around it.",
          });
        }
        return this.#clientCredentials(assertionAuth(assertion), context);
      }
      case "password":
        return this.#password(credential, context, parameters);
      case "delegated":
        return this.#refresh(credential, context, parameters);
    }
  }

  async #clientCredentials(auth: ClientAuth, context: GrantContext): Promise<Grant> {
    return this.#exchange(auth, context, (config) => clientCredentialsGrant(config, context.parameters));
  }

  async #password(credential: PasswordCredential, context: GrantContext, parameters: Parameters): Promise<Grant> {
    const auth = await clientAuth(credential.app, context.endpoint, context.asked);
    const { username } = credential;
    return this.#exchange(auth, context, (config) =>
      genericGrantRequest(config, "password", { ...parameters, username, password: credential.password() }),
    );
  }

  async #refresh(credential: DelegatedCredential, context: GrantContext, parameters: Parameters): Promise<Grant> {
    const refreshToken = await credential.refreshToken();
    if (refreshToken === null) {
      throw credentialFault("sign_in_refused", {
        message: "No administrator has signed in for this connection yet, or the sign-in has ended.",
        fix: "Have an administrator sign in: entrain connection authorize NAME.",
        named: this.#options.name,
      });
    }
    const auth = await clientAuth(credential.app, context.endpoint, context.asked);
    const scoped = { ...parameters, scope: `${parameters.scope} offline_access` };
    try {
      const given = await this.#exchange(auth, context, (config) => refreshTokenGrant(config, refreshToken, scoped));
      await credential.replace(given.refresh_token ?? refreshToken);
      return given;
    } catch (error) {
      if (error instanceof SignInRefused && error.aadsts !== null && DEAD_GRANT.has(error.aadsts)) {
        await credential.died(error.message);
      } else if (error instanceof SignInRefused && error.retry !== "later") {
        await credential.refused(error.message);
      }
      throw error;
    }
  }

  async #exchange(
    auth: ClientAuth,
    context: GrantContext,
    ask: (config: Configuration) => Promise<Grant>,
  ): Promise<Grant> {
    const exchange = this.configure(context.server, auth, { ...context.attempt, kind: context.kind, identity: false });
    try {
      return await ask(exchange.config);
    } catch {
      // The library's errors carry the request's answer, and so perhaps the token: only our own fault goes on.
      throw exchange.fault() ?? invalid("answer_invalid", "The sign-in service answered without a usable token.");
    }
  }

  /**
   * The library's configuration, sending through our own transport. Without `identity` an id token is left out of the
   * answer: who only wants access must not fail by it, say because this machine's clock is a minute late.
   */
  configure(
    server: ServerMetadata,
    auth: ClientAuth,
    { identity = true, ...attempt }: Sending & { readonly identity?: boolean },
  ): Exchange {
    const config = new Configuration(server, this.#options.client, {}, auth);
    if (isInsecureLoopback(server.token_endpoint)) allowInsecureRequests(config);
    let fault: unknown = null;
    config[customFetch] = async (url, init) => {
      try {
        const headers = Object.fromEntries(new Headers(init.headers));
        const request = { method: init.method, url: new URL(url), headers, body: String(init.body) };
        const answer = await this.#answer(request, attempt);
        return identity ? answer : await withoutIdentity(answer);
      } catch (error) {
        fault = error;
        throw error;
      }
    };
    return { config, fault: () => fault };
  }

  /** A credential is sent to the sign-in host alone, whatever the discovery document says. */
  async discover(attempt: Pick<Attempt, "patience" | "signal">): Promise<ServerMetadata> {
    const login = this.#options.cloud.login.replace(/\/+$/, "");
    const tenant = encodeURIComponent(this.#options.tenant);
    const url = new URL(`${login}/${tenant}/v2.0/.well-known/openid-configuration`);
    const answer = await this.#answer({ method: "GET", url, headers: { accept: "application/json" } }, attempt);
    const body: unknown = answer.ok ? await answer.json().catch(() => null) : null;
    if (typeof body !== "object" || body === null || !("token_endpoint" in body) || !("issuer" in body)) {
      const message = `${url.host} did not answer with a sign-in configuration (status ${answer.status}).`;
      throw invalid("answer_invalid", message);
    }
    const { issuer, token_endpoint } = body;
    if (typeof issuer !== "string" || typeof token_endpoint !== "string" || !URL.canParse(token_endpoint)) {
      throw invalid("answer_invalid", `The sign-in configuration of ${url.host} names no token endpoint.`);
    }
    const address = (name: string): string | undefined => {
      const given = record(body)[name];
      return typeof given === "string" && URL.canParse(given) ? given : undefined;
    };
    const { msgraph_host } = record(body);
    const authorization_endpoint = address("authorization_endpoint");
    const device_authorization_endpoint = address("device_authorization_endpoint");
    const server: ServerMetadata = {
      issuer,
      token_endpoint,
      ...(typeof msgraph_host === "string" ? { msgraph_host } : {}),
      ...(authorization_endpoint === undefined ? {} : { authorization_endpoint }),
      ...(device_authorization_endpoint === undefined ? {} : { device_authorization_endpoint }),
    };
    for (const endpoint of [token_endpoint, authorization_endpoint, device_authorization_endpoint]) {
      if (endpoint === undefined || new URL(endpoint).origin === url.origin) continue;
      const message = `The token endpoint is not on ${url.host}; the credential was not sent there.`;
      throw new ConnectorError("link_foreign", message, { stops: "connection", retry: "never" });
    }
    return server;
  }

  /** Sends to the sign-in service; throws Microsoft's refusals and passing faults as ours. "Not yet" is an answer like any other. */
  async #answer(request: HttpRequest, { patience, signal, kind }: Sending): Promise<Response> {
    const { status, headers, text } = await this.#sender.send(request, signal, patience);
    const body = parsed(text);
    const refusal =
      status >= 400 && !NOT_YET.has(record(body).error) ? signInRefusal(status, body, kind, this.#options.name) : null;
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

type GrantedHere = Exclude<Credential, { readonly kind: "managed-identity" | "workload-identity" }>;
type Parameters = Readonly<Record<"scope" | "claims", string>>;

interface GrantContext {
  readonly kind: Credential["kind"];
  readonly server: ServerMetadata;
  readonly endpoint: string;
  readonly asked: number;
  readonly attempt: Attempt;
  readonly parameters: Parameters;
}

/**
 * Declares that claims challenges are understood (capability `cp1`), and answers the one that came. Tokens then live longer and
 * are taken back at once ("Claims challenges, claims requests, and client capabilities").
 */
function capabilities(challenge: string | null): string {
  const asked = challenge === null ? {} : record(parsed(challenge));
  const token = record(asked.access_token);
  return JSON.stringify({ ...asked, access_token: { ...token, xms_cc: { values: ["cp1"] } } });
}

async function withoutIdentity(answer: Response): Promise<Response> {
  const { status, headers } = answer;
  const text = await answer.text();
  const body = parsed(text);
  if (typeof body !== "object" || body === null || !("id_token" in body))
    return new Response(text, { status, headers });
  return new Response(JSON.stringify({ ...body, id_token: undefined }), { status, headers });
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function isInsecureLoopback(address: string | undefined): boolean {
  const url = URL.parse(address ?? "");
  return url?.protocol === "http:" && isLoopback(url);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function invalid(code: "answer_invalid", message: string): ConnectorError {
  return new ConnectorError(code, message, { stops: "connection", retry: "later" });
}
