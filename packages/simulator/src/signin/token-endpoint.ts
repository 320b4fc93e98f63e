import type { DirectoryObject } from "../state/objects.ts";
import { type Client, ClientAuthenticator, missing, noCredential, type Presented, presentedIn } from "./client-auth.ts";
import { grantedScopes, missingConsent, notConsented } from "./consent.ts";
import { checkShared, clientIn, realmNamed, realmOfUser, SHARED_NAMES } from "./directory-lookup.ts";
import { DIRECTORY_ROLES } from "./directory-roles.ts";
import { SignInError } from "./errors.ts";
import type { Identity } from "./identity.ts";
import { checkAssigned, checkPolicies, checkWorkload } from "./policies.ts";
import type { Realm } from "./realm.ts";
import { type ClaimsRequest, parseClaims } from "./revocations.ts";
import { checkAppScope, parseScopes } from "./scopes.ts";
import { type Delegation, verifies } from "./sessions.ts";
import type { ClientProof, Person, TokenService } from "./tokens.ts";

/** What the token endpoint is made of. */
export interface TokenEndpointOptions {
  readonly identity: Identity;
  readonly tokens: TokenService;
  readonly base: string;
  readonly clock: () => number;
}

/** The JSON of a token answer. */
export type TokenAnswer = Readonly<Record<string, unknown>>;

interface Request {
  /** The tenant as the path names it. */
  readonly name: string;
  readonly form: URLSearchParams;
  readonly presented: Presented;
  readonly claims: ClaimsRequest;
}

const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/** `/oauth2/v2.0/token`: every grant that the simulated tenants know. */
export class TokenEndpoint {
  readonly #options: TokenEndpointOptions;
  readonly #clients: ClientAuthenticator;

  constructor(options: TokenEndpointOptions) {
    this.#options = options;
    this.#clients = new ClientAuthenticator({ ...options, applications: options.identity.applications });
  }

  /** Answers a request for the tenant of this name. Throws the refusal. */
  async answer(name: string, form: URLSearchParams, authorization: string | undefined): Promise<TokenAnswer> {
    this.#fail();
    const grant = form.get("grant_type");
    if (grant === null || grant === "") throw missing("grant_type");
    const claims = parseClaims(form.get("claims"));
    if (claims === null)
      throw new SignInError(
        9002313,
        "Invalid request. Request is malformed or invalid: the claims parameter is not valid JSON.",
      );
    const presents = (): Request => ({ name, form, claims, presented: presentedIn(form, authorization) });
    switch (grant) {
      case "client_credentials":
        return this.#clientCredentials(presents());
      case "authorization_code":
        return this.#code(presents());
      case "refresh_token":
        return this.#refresh(presents());
      case "password":
        return this.#password(presents());
      case DEVICE_GRANT:
      case "device_code":
        return this.#device(presents());
      default:
        realmNamed(this.#options.identity, name);
        throw new SignInError(70003, `The app requested an unsupported grant type '${grant}'.`);
    }
  }

  /** A failure that was ordered for the next requests. */
  #fail(): void {
    const { failures } = this.#options.identity;
    const [next] = failures;
    if (next === undefined) return;
    next.times--;
    if (next.times <= 0) failures.shift();
    throw new SignInError(next.number, FAILURES[next.number] ?? "A transient error has occurred. Please try again.");
  }

  async #clientCredentials(request: Request): Promise<TokenAnswer> {
    const { identity, tokens, base } = this.#options;
    const { name, form, presented, claims } = request;
    if (name === "organizations") throw noTenant();
    if (SHARED_NAMES.has(name)) throw notShared();
    const realm = realmNamed(identity, name, true);
    const client = clientIn(identity, realm, presented.client);
    const scope = required(form, "scope");
    checkAppScope(scope, { base, graph: identity.graph }, realm.profile.id);
    if (isPublic(client)) throw publicWithCredential(client);
    const proof = await this.#clients.prove(client, presented, namesOf(realm, name));
    if (proof === "none") throw noCredential();
    checkWorkload(realm);
    const { token, expiresIn, uti } = await tokens.issueAccess(
      {
        tenant: realm.profile.id,
        client: client.application.appId,
        displayName: identity.applications.nameOf(client.principal),
        proof,
        subject: {
          kind: "app",
          principal: client.principal.id,
          roles: identity.applications.rolesOf(client.principal),
        },
        capable: claims.capable,
      },
      `${base}/${realm.profile.id}/`,
    );
    identity.revocations.note(uti, claims);
    return { token_type: "Bearer", expires_in: expiresIn, ext_expires_in: expiresIn, access_token: token };
  }

  async #code({ name, form, presented, claims }: Request): Promise<TokenAnswer> {
    const { identity } = this.#options;
    if (!SHARED_NAMES.has(name)) realmNamed(identity, name, isConfidential(presented));
    const code = required(form, "code");
    const redirectUri = required(form, "redirect_uri");
    const grant = identity.sessions.redeemCode(code, (known) => {
      if (known.client !== presented.client.toLowerCase())
        throw badGrant("The provided value for the 'code' parameter was issued to another client.");
      if (known.redirectUri !== redirectUri)
        throw badGrant(
          "The reply address does not match the reply address provided when requesting Authorization code.",
        );
      if (!SHARED_NAMES.has(name) && realmNamed(identity, name).profile.id !== known.tenant) {
        throw new SignInError(
          700005,
          "Provided Authorization Code is intended to use against other tenant, thus rejected. OAuth2 Authorization Code must be redeemed against same tenant it was acquired for (/common or /{tenant-ID} as appropriate).",
        );
      }
      const verifier = form.get("code_verifier");
      if (known.challenge !== null && (verifier === null || !verifies(verifier, known.challenge))) {
        throw new SignInError(
          501481,
          "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        );
      }
    });
    const realm = realmNamed(identity, grant.tenant);
    const client = clientIn(identity, realm, grant.client);
    const proof = await this.#proveFor(client, presented, namesOf(realm, name), grant.publicClient);
    return this.#issue(realm, client, proof, grant, { ...claims, capable: claims.capable || grant.capable }, form);
  }

  async #refresh({ name, form, presented, claims }: Request): Promise<TokenAnswer> {
    const { identity, base } = this.#options;
    const named = SHARED_NAMES.has(name) ? null : realmNamed(identity, name, isConfidential(presented));
    const known = identity.sessions.refresh(required(form, "refresh_token"));
    const realm = named ?? realmNamed(identity, known.tenant);
    const client = clientIn(identity, realm, presented.client);
    if (known.client !== client.application.appId || known.tenant !== realm.profile.id) {
      throw badGrant("The provided value for the 'refresh_token' parameter was issued to another client or tenant.");
    }
    const publicGrant =
      !hasCredentials(client) ||
      (client.application.properties.isFallbackPublicClient === true && !isConfidential(presented));
    const proof = await this.#proveFor(client, presented, namesOf(realm, name), publicGrant);
    const scope = form.get("scope");
    const scopes =
      scope === null || scope === ""
        ? known.scopes
        : parseScopes(scope, { base, graph: identity.graph }, realm.profile.id);
    const openid = new Set([...scopes.openid, ...known.scopes.openid]);
    return this.#issue(realm, client, proof, { ...known, scopes: { ...scopes, openid } }, claims, form);
  }

  async #password({ name, form, presented, claims }: Request): Promise<TokenAnswer> {
    const { identity, base, clock } = this.#options;
    const userName = required(form, "username");
    const password = required(form, "password");
    if (SHARED_NAMES.has(name) && name !== "organizations") throw notShared();
    const realm =
      name === "organizations"
        ? realmOfUser(identity, userName)
        : realmNamed(identity, name, isConfidential(presented));
    if (realm === undefined) throw noTenant();
    const client = clientIn(identity, realm, presented.client);
    checkShared(client.application, name);
    const scopes = parseScopes(required(form, "scope"), { base, graph: identity.graph }, realm.profile.id);
    const proof = await this.#proveFor(
      client,
      presented,
      namesOf(realm, name),
      allowsPublicFlows(client) && !isConfidential(presented),
    );
    const person = realm.accounts.authenticate(userName, password);
    const delegation = {
      tenant: realm.profile.id,
      client: client.application.appId,
      person: person.id,
      scopes,
      methods: ["pwd"],
      signedInAt: clock(),
      nonce: null,
    };
    return this.#issue(realm, client, proof, delegation, claims, form);
  }

  async #device({ name, form, presented, claims }: Request): Promise<TokenAnswer> {
    const { identity, clock } = this.#options;
    const code = form.get("device_code") ?? form.get("code");
    if (code === null || code === "") throw missing("device_code");
    if (!SHARED_NAMES.has(name)) realmNamed(identity, name, isConfidential(presented));
    const device = identity.sessions.device(code);
    if (device === undefined || device.client !== presented.client.toLowerCase()) {
      throw new SignInError(70018, "The verification code is not valid: it was not recognized.");
    }
    if (device.endsAt <= clock())
      throw new SignInError(70019, "The verification code has expired. Have the user retry the sign-in.");
    const { state } = device;
    if (state === "pending") {
      throw new SignInError(70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling.");
    }
    if (state === "declined") {
      throw new SignInError(65004, "The end user declined the authorization request.", {
        error: "authorization_declined",
      });
    }
    if (state === "redeemed") throw new SignInError(54005, "The device code was already redeemed.");
    const realm = realmNamed(identity, state.tenant);
    const client = clientIn(identity, realm, presented.client);
    const proof = await this.#proveFor(
      client,
      presented,
      namesOf(realm, name),
      allowsPublicFlows(client) && !isConfidential(presented),
    );
    const answer = await this.#issue(realm, client, proof, state, claims, form);
    device.state = "redeemed";
    return answer;
  }

  /** Public clients must come without a credential, confidential ones with theirs. */
  async #proveFor(
    client: Client,
    presented: Presented,
    tenants: readonly string[],
    publicGrant: boolean,
  ): Promise<ClientProof> {
    if (publicGrant) {
      if (isConfidential(presented)) throw publicWithCredential(client);
      return "none";
    }
    if (isConfidential(presented) && isPublic(client)) throw publicWithCredential(client);
    const proof = await this.#clients.prove(client, presented, tenants);
    if (proof === "none") throw noCredential();
    return proof;
  }

  async #issue(
    realm: Realm,
    client: Client,
    proof: ClientProof,
    delegation: Delegation,
    claims: ClaimsRequest,
    form: URLSearchParams,
  ): Promise<TokenAnswer> {
    const { identity, tokens, base } = this.#options;
    const { applications } = identity;
    const { scopes, methods } = delegation;
    const person = personAt(realm, delegation.person);
    checkPolicies(realm, person, { methods, interactive: false });
    checkAssigned(applications, realm, client.principal, person);
    if (missingConsent(applications, client, person.id, scopes).length > 0) throw notConsented(client, applications);
    const granted = grantedScopes(applications, client, person.id, scopes);
    const tenant = realm.profile.id;
    const about = personOf(person);
    const access = {
      tenant,
      client: client.application.appId,
      displayName: applications.nameOf(client.principal),
      proof,
      subject: { kind: "user", person: about, scopes: granted, methods, wids: widsOf(realm, person.id) },
      capable: claims.capable,
    } as const;
    const { token, expiresIn, uti } = await tokens.issueAccess(access, `${base}/${tenant}/`);
    identity.revocations.note(uti, claims);
    const id = {
      ...access,
      person: about,
      nonce: delegation.nonce,
      scopes: scopes.openid,
      authTime: Math.floor(delegation.signedInAt / 1000),
    };
    return {
      token_type: "Bearer",
      scope: granted.map((name) => (OPENID.has(name) ? name : `${scopes.prefix}${name}`)).join(" "),
      expires_in: expiresIn,
      ext_expires_in: expiresIn,
      access_token: token,
      ...(scopes.openid.has("offline_access") ? { refresh_token: identity.sessions.issueRefresh(delegation) } : {}),
      ...(scopes.openid.has("openid") ? { id_token: await tokens.issueId(id, `${base}/${tenant}/v2.0`) } : {}),
      ...(form.get("client_info") === "1" ? { client_info: clientInfo(person.id, tenant) } : {}),
    };
  }
}

const OPENID = new Set(["openid", "profile", "email"]);

const FAILURES: Readonly<Record<number, string>> = {
  50196:
    "The server terminated an operation because it encountered a client request loop. Please contact your app vendor.",
  90024: "RequestBudgetExceeded. A transient error has occurred. Please try again.",
  90033:
    "A transient error has occurred. The Microsoft Online Directory Service (MSODS) is not available. Please try again.",
  90055: "There are too many incoming requests. Please try again later.",
};

/** A person as tokens describe them. */
function personOf({ id, properties }: DirectoryObject): Person {
  const text = (name: string): string | null => {
    const value = properties[name];
    return typeof value === "string" ? value : null;
  };
  return {
    id,
    userPrincipalName: text("userPrincipalName") ?? id,
    displayName: text("displayName") ?? "",
    givenName: text("givenName"),
    surname: text("surname"),
    mail: text("mail"),
  };
}

function personAt(realm: Realm, id: string): DirectoryObject {
  const person = realm.accounts.find(id);
  if (person === undefined)
    throw new SignInError(50034, `The user account does not exist in the ${realm.profile.id} directory.`);
  if (person.properties.accountEnabled === false) throw new SignInError(50057, "The user account is disabled.");
  return person;
}

function widsOf(realm: Realm, person: string): readonly string[] {
  const roles = realm.roles.rolesOf(person);
  return DIRECTORY_ROLES.filter(({ displayName }) => roles.includes(displayName)).map(({ templateId }) => templateId);
}

/** What MSAL recognises an account by. */
function clientInfo(person: string, tenant: string): string {
  return Buffer.from(JSON.stringify({ uid: person, utid: tenant })).toString("base64url");
}

function isConfidential({ secret, assertion }: Presented): boolean {
  return (secret !== null && secret !== "") || assertion !== null;
}

function hasCredentials({ application, principal }: Client): boolean {
  return [application.passwords, application.keys, application.federated, principal.passwords, principal.keys].some(
    (list) => list.length > 0,
  );
}

function allowsPublicFlows({ application }: Client): boolean {
  return application.properties.isFallbackPublicClient === true;
}

/** A client that has no credential and allows public flows is public for every grant. */
function isPublic(client: Client): boolean {
  return allowsPublicFlows(client) && !hasCredentials(client);
}

function publicWithCredential({ application }: Client): SignInError {
  return new SignInError(
    700025,
    `Client is public so neither 'client_assertion' nor 'client_secret' should be presented. Client app ID: ${application.appId}.`,
  );
}

function namesOf(realm: Realm, name: string): readonly string[] {
  return [realm.profile.id, name, ...realm.profile.domains];
}

function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value !== null && value !== "") return value;
  throw missing(name);
}

function badGrant(message: string): SignInError {
  return new SignInError(70000, message);
}

function notShared(): SignInError {
  return new SignInError(
    9001023,
    "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.",
  );
}

function noTenant(): SignInError {
  return new SignInError(
    50059,
    "No tenant-identifying information found in either the request or implied by any provided credentials.",
  );
}
