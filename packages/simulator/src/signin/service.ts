import type { TenantProfile } from "../graph/context.ts";
import type { AppRegistration } from "./app.ts";
import { SignInError, signInErrorBody } from "./errors.ts";
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

/** An answer of the sign-in service; always JSON. */
export interface SignInResponse {
  readonly status: number;
  readonly json: unknown;
}

/** What the sign-in service is made of. */
export interface SignInOptions {
  readonly base: string;
  readonly tenant: TenantProfile;
  readonly app: AppRegistration;
  readonly tokens: TokenService;
  readonly clock: () => number;
}

const SHARED = new Set(["common", "organizations", "consumers"]);

/** The Microsoft identity platform of one tenant: discovery, keys and client-credentials tokens. */
export class SignInService {
  readonly #options: SignInOptions;

  constructor(options: SignInOptions) {
    this.#options = options;
  }

  /** Null when the path is none of the service's. */
  async answer(request: SignInRequest): Promise<SignInResponse | null> {
    const { base, clock } = this.#options;
    try {
      return await this.#route(request);
    } catch (error) {
      if (!(error instanceof SignInError)) throw error;
      const correlation = request.headers["client-request-id"];
      return { status: error.status, json: signInErrorBody(error, { now: clock(), base, correlation }) };
    }
  }

  async #route(request: SignInRequest): Promise<SignInResponse | null> {
    const path = request.path.replace(/\/+$/, "");
    if (path === "/common/discovery/instance") return this.#instance(request);
    const match = /^\/([^/]+)(\/.+)$/.exec(path);
    // No tenant's name needs escaping, so an escaped one is simply unknown.
    const name = match?.[1] ?? "";
    switch (match?.[2]) {
      case "/v2.0/.well-known/openid-configuration":
        return { status: 200, json: this.#configuration(name, "v2.0") };
      case "/.well-known/openid-configuration":
        return { status: 200, json: this.#configuration(name, "v1.0") };
      case "/discovery/v2.0/keys":
      case "/discovery/keys":
        return { status: 200, json: this.#options.tokens.jwks };
      case "/oauth2/v2.0/token":
        if (request.method !== "POST") throw new SignInError(900561, "The endpoint only accepts POST requests.");
        return { status: 200, json: await this.#token(name, request) };
      default:
        return null;
    }
  }

  #tenantId(name: string): string {
    const { tenant } = this.#options;
    const wanted = name.toLowerCase();
    if (wanted === tenant.id || tenant.domains.some((domain) => domain.toLowerCase() === wanted)) return tenant.id;
    throw new SignInError(
      90002,
      `Tenant '${name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
    );
  }

  #configuration(name: string, version: "v1.0" | "v2.0"): Readonly<Record<string, unknown>> {
    const base = this.#options.base;
    const id = SHARED.has(name) ? name : this.#tenantId(name);
    const issuer = SHARED.has(name) ? "{tenantid}" : id;
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

  /** Instance discovery, which msal asks about authorities that it does not know. */
  #instance({ query }: SignInRequest): SignInResponse {
    const base = this.#options.base;
    const host = new URL(base).host;
    const authority = query.get("authorization_endpoint") ?? "";
    if (!URL.canParse(authority) || new URL(authority).host !== host) {
      throw new SignInError(50049, "Unknown or invalid instance.");
    }
    const tenant = new URL(authority).pathname.split("/")[1] ?? this.#options.tenant.id;
    return {
      status: 200,
      json: {
        tenant_discovery_endpoint: `${base}/${tenant}/v2.0/.well-known/openid-configuration`,
        "api-version": query.get("api-version") ?? "1.1",
        metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
      },
    };
  }

  async #token(name: string, request: SignInRequest): Promise<Readonly<Record<string, unknown>>> {
    const { app, tokens, tenant, base, clock } = this.#options;
    const form = new URLSearchParams(request.body);
    const grant = required(form, "grant_type");
    if (SHARED.has(name)) {
      throw new SignInError(
        9001023,
        "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.",
      );
    }
    this.#tenantId(name);
    if (grant !== "client_credentials") {
      throw new SignInError(70003, `The app requested an unsupported grant type '${grant}'.`);
    }
    const { client, secret } = credentialsOf(form, request.headers.authorization);
    this.#checkApp(client, name);
    this.#checkScope(required(form, "scope"));
    if (secret === null) {
      throw new SignInError(
        7000218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
      );
    }
    this.#checkSecret(secret, clock());
    const { token, expiresIn } = await tokens.issueAccess(
      {
        tenant: tenant.id,
        client: app.client,
        displayName: app.displayName,
        proof: "secret",
        subject: { kind: "app", principal: app.principal, roles: app.roles },
        capable: false,
      },
      `${base}/${tenant.id}/`,
    );
    return { token_type: "Bearer", expires_in: expiresIn, ext_expires_in: expiresIn, access_token: token };
  }

  #checkApp(client: string, tenantName: string): void {
    const { app, tenant } = this.#options;
    if (client.toLowerCase() !== app.client) {
      throw new SignInError(
        700016,
        `Application with identifier '${client}' was not found in the directory '${String(tenant.organization.displayName ?? tenantName)}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
      );
    }
  }

  #checkSecret(secret: string, now: number): void {
    const { app } = this.#options;
    const state = app.check(secret, now);
    if (state === "wrong") {
      throw new SignInError(
        7000215,
        `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${app.client}'.`,
      );
    }
    if (state === "expired") {
      throw new SignInError(
        7000222,
        `The provided client secret keys for app '${app.client}' are expired. Visit the Azure portal to create new keys for your app, or consider using certificate credentials for added security.`,
      );
    }
  }

  #checkScope(scope: string): void {
    const resources = scope.split(/\s+/).filter(Boolean);
    const [only = ""] = resources;
    if (resources.length !== 1 || !only.endsWith("/.default")) {
      throw new SignInError(
        1002012,
        `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
      );
    }
    const resource = only.slice(0, -"/.default".length).replace(/\/$/, "");
    const known = ["https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000", this.#options.base];
    if (known.includes(resource)) return;
    if (!URL.canParse(resource) && !/^[0-9a-f-]{36}$/i.test(resource)) {
      throw new SignInError(
        70011,
        `The provided value for the input parameter 'scope' isn't valid. The scope ${scope} isn't valid.`,
      );
    }
    throw new SignInError(
      500011,
      `The resource principal named ${resource} was not found in the tenant named ${this.#options.tenant.id}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.`,
    );
  }
}

function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value !== null && value !== "") return value;
  throw new SignInError(900144, `The request body must contain the following parameter: '${name}'.`);
}

/** Client id and secret from the body or from HTTP Basic (RFC 6749 section 2.3.1: form-encoded before base64). */
function credentialsOf(
  form: URLSearchParams,
  authorization: string | undefined,
): { readonly client: string; readonly secret: string | null } {
  const basic = /^Basic\s+(.+)$/i.exec(authorization ?? "");
  if (basic === null) return { client: required(form, "client_id"), secret: form.get("client_secret") };
  const [client = "", secret = ""] = Buffer.from(basic[1] ?? "", "base64")
    .toString()
    .split(":")
    .map((part) => new URLSearchParams(`v=${part}`).get("v") ?? "");
  return { client, secret };
}
