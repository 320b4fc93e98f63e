import type { WireResponse } from "../server/exchange.ts";
import { realmNamed, realmOfUser, SHARED_NAMES } from "./directory-lookup.ts";
import { SignInError, signInErrorBody } from "./errors.ts";
import type { Identity } from "./identity.ts";
import {
  adminConsent,
  authorize,
  deviceAuth,
  logout,
  type PageRequest,
  proceed,
  startDevice,
} from "./pages/endpoints.ts";
import { Flows, type PageContext } from "./pages/flows.ts";
import { problemPage } from "./pages/html.ts";
import { TokenEndpoint } from "./token-endpoint.ts";
import type { TokenService } from "./tokens.ts";

/** A request to the sign-in service. */
export interface SignInRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The raw body. */
  readonly body: string;
}

/** What the sign-in service is made of. */
export interface SignInOptions {
  readonly base: string;
  readonly identity: Identity;
  readonly tokens: TokenService;
  readonly clock: () => number;
}

/** The Microsoft identity platform of all simulated tenants: discovery, keys, tokens, pages. */
export class SignInService {
  readonly #options: SignInOptions;
  readonly #tokens: TokenEndpoint;
  readonly #pages: PageContext;

  constructor(options: SignInOptions) {
    this.#options = options;
    this.#tokens = new TokenEndpoint(options);
    this.#pages = { ...options, flows: new Flows() };
  }

  /** Null when the path is none of the service's. */
  async answer(request: SignInRequest): Promise<WireResponse | null> {
    const { base, clock } = this.#options;
    const path = request.path.replace(/\/+$/, "");
    const match = /^\/([^/]+)(\/.+)$/.exec(path);
    // No tenant's name needs escaping, so an escaped one is simply unknown.
    const name = match?.[1] ?? "";
    const endpoint = match?.[2] ?? "";
    try {
      const page = this.#page(name, endpoint, request);
      if (page !== null) return page;
    } catch (error) {
      if (!(error instanceof SignInError)) throw error;
      return problemPage(error);
    }
    try {
      const value =
        path === "/common/discovery/instance"
          ? this.#instance(request)
          : (this.#userRealm(path) ?? (await this.#value(name, endpoint, request)));
      return value === null ? null : json(200, value);
    } catch (error) {
      if (!(error instanceof SignInError)) throw error;
      const correlation = request.headers["client-request-id"];
      return json(error.status, signInErrorBody(error, { now: clock(), base, correlation }));
    }
  }

  /** What answers with HTML or sends the browser on; null when the path is no page. */
  #page(name: string, endpoint: string, { method, query, headers, body }: SignInRequest): WireResponse | null {
    const fields = method === "POST" ? new URLSearchParams(body) : query;
    const request: PageRequest = { name, fields, cookie: headers.cookie };
    const pages = this.#pages;
    switch (endpoint) {
      case "/oauth2/v2.0/authorize":
      case "/oauth2/authorize":
        return authorize(pages, request);
      case "/login":
        return method === "POST" ? proceed(pages, request) : null;
      case "/v2.0/adminconsent":
        return adminConsent(pages, request, 2);
      case "/adminconsent":
        return adminConsent(pages, request, 1);
      case "/oauth2/deviceauth":
        return deviceAuth(pages, request);
      case "/oauth2/v2.0/logout":
      case "/oauth2/logout":
        return logout(pages, request);
      default:
        return null;
    }
  }

  async #value(name: string, endpoint: string, request: SignInRequest): Promise<unknown> {
    const { method, headers } = request;
    switch (endpoint) {
      case "/v2.0/.well-known/openid-configuration":
        return this.#configuration(name, "v2.0");
      case "/.well-known/openid-configuration":
        return this.#configuration(name, "v1.0");
      case "/discovery/v2.0/keys":
      case "/discovery/keys":
        return this.#options.tokens.jwks;
      case "/oauth2/v2.0/devicecode":
        return startDevice(this.#pages, { name, fields: postedTo(request), cookie: undefined });
      case "/oauth2/v2.0/token":
        if (method !== "POST")
          throw new SignInError(900561, `The endpoint only accepts POST requests. Received a ${method} request.`);
        return this.#tokens.answer(name, new URLSearchParams(request.body), headers.authorization);
      default:
        return null;
    }
  }

  #configuration(name: string, version: "v1.0" | "v2.0"): Readonly<Record<string, unknown>> {
    const { base, identity } = this.#options;
    const id = SHARED_NAMES.has(name) ? name : realmNamed(identity, name).profile.id;
    const issuer = SHARED_NAMES.has(name) ? "{tenantid}" : id;
    const oauth = version === "v2.0" ? `${base}/${id}/oauth2/v2.0` : `${base}/${id}/oauth2`;
    return {
      token_endpoint: `${base}/${id}/oauth2/v2.0/token`,
      token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt", "client_secret_basic"],
      jwks_uri: `${base}/${id}/discovery/v2.0/keys`,
      response_modes_supported: ["query", "fragment", "form_post"],
      subject_types_supported: ["pairwise"],
      id_token_signing_alg_values_supported: ["RS256"],
      response_types_supported: ["code", "id_token", "code id_token", "id_token token"],
      scopes_supported: ["openid", "profile", "email", "offline_access"],
      issuer: version === "v2.0" ? `${base}/${issuer}/v2.0` : `${base}/${issuer}/`,
      request_uri_parameter_supported: false,
      userinfo_endpoint: `${base}/oidc/userinfo`,
      authorization_endpoint: `${oauth}/authorize`,
      device_authorization_endpoint: `${base}/${id}/oauth2/v2.0/devicecode`,
      http_logout_supported: true,
      frontchannel_logout_supported: true,
      end_session_endpoint: `${oauth}/logout`,
      claims_supported: "sub iss aud exp iat auth_time acr nonce preferred_username name tid ver".split(" "),
      tenant_region_scope: "EU",
      cloud_instance_name: new URL(base).host,
      cloud_graph_host_name: new URL(base).host,
      msgraph_host: new URL(base).host,
      rbac_url: base,
    };
  }

  /** Who checks an account's password, which Microsoft's clients ask before a sign-in by user name and password; null elsewhere. */
  #userRealm(path: string): Readonly<Record<string, unknown>> | null {
    const [, escaped] = /^\/common\/userrealm\/([^/]+)$/i.exec(path) ?? [];
    if (escaped === undefined) return null;
    const { base, identity } = this.#options;
    const user = unescaped(escaped);
    const domain = user.split("@")[1]?.toLowerCase() ?? "";
    const told = {
      ver: "1.0",
      cloud_instance_name: new URL(base).host,
      cloud_audience_urn: "urn:federation:MicrosoftOnline",
    };
    const realm = realmOfUser(identity, user);
    if (realm === undefined) return { ...told, account_type: "Unknown" };
    if (!realm.accounts.isFederated(domain)) return { ...told, account_type: "Managed", domain_name: domain };
    return {
      ...told,
      account_type: "Federated",
      domain_name: domain,
      federation_protocol: "WSTrust",
      federation_metadata_url: `https://sts.${domain}/adfs/services/trust/mex`,
      federation_active_auth_url: `https://sts.${domain}/adfs/services/trust/2005/usernamemixed`,
    };
  }

  /** Instance discovery, which msal asks about authorities that it does not know. */
  #instance({ query }: SignInRequest): Readonly<Record<string, unknown>> {
    const { base } = this.#options;
    const host = new URL(base).host;
    const authority = query.get("authorization_endpoint") ?? "";
    if (!URL.canParse(authority) || new URL(authority).host !== host) {
      throw new SignInError(50049, "Unknown or invalid instance.");
    }
    const tenant = new URL(authority).pathname.split("/")[1] ?? "common";
    return {
      tenant_discovery_endpoint: `${base}/${tenant}/v2.0/.well-known/openid-configuration`,
      "api-version": query.get("api-version") ?? "1.1",
      metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
    };
  }
}

function postedTo({ method, body }: SignInRequest): URLSearchParams {
  if (method === "POST") return new URLSearchParams(body);
  throw new SignInError(900561, `The endpoint only accepts POST requests. Received a ${method} request.`);
}

function json(status: number, value: unknown): WireResponse {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store, no-cache" },
    body: JSON.stringify(value),
  };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
