import { createHash, randomUUID } from "node:crypto";
import {
  type CryptoKey,
  calculateJwkThumbprint,
  decodeJwt,
  errors,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from "jose";
import { graphOf } from "./clouds.ts";

const LIFE_S = 3599;
const LONG_LIFE_S = 28 * 3600 - 1; // "How to use CAE enabled APIs": up to 28 hours when the client declares cp1.

/** How a client proved itself: `appidacr` of version 1.0 tokens. */
export type ClientProof = "none" | "secret" | "certificate";

const PROOFS: Readonly<Record<ClientProof, string>> = { none: "0", secret: "1", certificate: "2" };

/** Whom an access token speaks for, beside the app itself. */
export type Subject =
  | { readonly kind: "app"; readonly principal: string; readonly roles: readonly string[] }
  | {
      readonly kind: "user";
      readonly person: Person;
      readonly scopes: readonly string[];
      readonly methods: readonly string[];
      /** Template ids of the person's directory roles. */
      readonly wids: readonly string[];
    };

/** What tokens say about a person. */
export interface Person {
  readonly id: string;
  readonly userPrincipalName: string;
  readonly displayName: string;
  readonly givenName: string | null;
  readonly surname: string | null;
  readonly mail: string | null;
}

/** One access token for Microsoft Graph. */
export interface AccessToken {
  readonly tenant: string;
  readonly client: string;
  readonly displayName: string;
  readonly proof: ClientProof;
  readonly subject: Subject;
  /** The client declared that it can handle claims challenges. */
  readonly capable: boolean;
}

/** One ID token. */
export interface IdToken {
  readonly tenant: string;
  readonly client: string;
  readonly person: Person;
  readonly nonce: string | null;
  readonly scopes: ReadonlySet<string>;
  /** When the person signed in, seconds. */
  readonly authTime: number;
}

/** Who sends a request to Graph, as the token says. */
export interface Caller {
  readonly tenant: string;
  readonly client: string;
  /** Object id of the person, or of the service principal. */
  readonly principal: string;
  /** Whether the app acts for a signed-in person. */
  readonly delegated: boolean;
  /** Application permissions, or delegated ones when a person is signed in. */
  readonly roles: ReadonlySet<string>;
}

/** Outcome of checking a token that a request brought. */
export type Verified =
  | {
      readonly ok: true;
      readonly caller: Caller;
      readonly roles: ReadonlySet<string>;
      readonly claims: JWTPayload;
    }
  | { readonly ok: false; readonly message: string };

/** Made with the first simulator of a process: a pair takes a tenth of a second to make, and tests start many simulators. */
let processKeys: ReturnType<typeof generateKeyPair> | null = null;

/** Issues and checks the tokens of all tenants: real RS256 signatures by a key that lives as long as the process. */
export class TokenService {
  readonly jwks: { readonly keys: readonly JWK[] };
  readonly #privateKey: CryptoKey;
  readonly #publicKey: CryptoKey;
  readonly #kid: string;
  readonly #clock: () => number;
  readonly #audience: string;
  readonly #verified = new Map<string, Verified>();

  private constructor(
    keys: { privateKey: CryptoKey; publicKey: CryptoKey },
    jwk: JWK,
    { clock, audience }: { readonly clock: () => number; readonly audience: string },
  ) {
    this.#audience = audience;
    this.#privateKey = keys.privateKey;
    this.#publicKey = keys.publicKey;
    this.#kid = jwk.kid ?? "";
    this.#clock = clock;
    this.jwks = { keys: [jwk] };
  }

  /** `audience` is Microsoft Graph's address in the cloud that the tokens are for. */
  static async create(clock: () => number, audience: string = graphOf("global")): Promise<TokenService> {
    processKeys ??= generateKeyPair("RS256", { modulusLength: 2048, extractable: true });
    const keys = await processKeys;
    const jwk = await exportJWK(keys.publicKey);
    const kid = await calculateJwkThumbprint(jwk);
    return new TokenService(keys, { ...jwk, kid, x5t: kid, use: "sig", alg: "RS256" }, { clock, audience });
  }

  /**
   * An access token with the claims of "Access token claims reference", version 1.0, as Graph's are.
   * `issuer` is the token issuer of the tenant, with a slash at its end. `uti` names the token.
   */
  async issueAccess(
    access: AccessToken,
    issuer: string,
  ): Promise<{ readonly token: string; readonly expiresIn: number; readonly uti: string }> {
    const uti = createHash("sha256").update(randomUUID()).digest("base64url").slice(0, 22);
    const expiresIn = access.capable ? LONG_LIFE_S : LIFE_S;
    const claims = {
      app_displayname: access.displayName,
      appid: access.client,
      appidacr: PROOFS[access.proof],
      idp: issuer,
      rh: `0.${createHash("sha256").update(access.client).digest("base64url")}.`,
      tenant_region_scope: "EU",
      tid: access.tenant,
      uti,
      ver: "1.0",
      ...(access.capable ? { xms_cc: ["cp1"] } : {}),
      ...subjectClaims(access),
    };
    const now = Math.floor(this.#clock() / 1000);
    const token = await this.#sign(claims, { audience: this.#audience, issuer, now, life: expiresIn + 1 });
    return { token, expiresIn, uti };
  }

  /** An ID token, version 2.0 ("ID token claims reference"). `issuer` ends in `/v2.0`. */
  async issueId(id: IdToken, issuer: string): Promise<string> {
    const { person, scopes } = id;
    const claims = {
      ...(id.nonce === null ? {} : { nonce: id.nonce }),
      oid: person.id,
      rh: `0.${createHash("sha256").update(id.client).digest("base64url")}.`,
      sub: pairwise(id.client, person.id),
      tid: id.tenant,
      uti: createHash("sha256").update(randomUUID()).digest("base64url").slice(0, 22),
      ver: "2.0",
      auth_time: id.authTime,
      ...(scopes.has("profile") ? { name: person.displayName, preferred_username: person.userPrincipalName } : {}),
      ...(scopes.has("email") && person.mail !== null ? { email: person.mail } : {}),
    };
    return this.#sign(claims, { audience: id.client, issuer, now: Math.floor(this.#clock() / 1000), life: LIFE_S + 1 });
  }

  /** Checks signature, audience, issuer and lifetime. Remembers what it checked, until the token's end. */
  async verify(token: string, issuer: string): Promise<Verified> {
    const known = this.#verified.get(token);
    if (known?.ok === true && (known.claims.exp ?? 0) * 1000 > this.#clock()) return known;
    const verified = await this.#check(token, issuer);
    if (verified.ok) {
      if (this.#verified.size > 1000) this.#verified.clear();
      this.#verified.set(token, verified);
    }
    return verified;
  }

  async #sign(
    claims: JWTPayload,
    about: { readonly audience: string; readonly issuer: string; readonly now: number; readonly life: number },
  ): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ typ: "JWT", alg: "RS256", kid: this.#kid, x5t: this.#kid })
      .setAudience(about.audience)
      .setIssuer(about.issuer)
      .setIssuedAt(about.now)
      .setNotBefore(about.now)
      .setExpirationTime(about.now + about.life)
      .sign(this.#privateKey);
  }

  async #check(token: string, issuer: string): Promise<Verified> {
    try {
      // Another cloud's token fails by its audience, whoever signed it ("National cloud deployments").
      if (decodeJwt(token).aud !== this.#audience) {
        return { ok: false, message: "Access token validation failure. Invalid audience." };
      }
      const { payload } = await jwtVerify(token, this.#publicKey, {
        algorithms: ["RS256"],
        audience: this.#audience,
        issuer,
        currentDate: new Date(this.#clock()),
      });
      const caller = callerOf(payload);
      return { ok: true, caller, roles: caller.roles, claims: payload };
    } catch (error) {
      return { ok: false, message: refusalOf(error) };
    }
  }
}

/** The subject of a person's tokens: another one for every app ("ID token claims reference": sub is pairwise). */
function pairwise(client: string, person: string): string {
  return createHash("sha256").update(`${client} ${person}`).digest("base64url");
}

function subjectClaims({ subject, client }: AccessToken): JWTPayload {
  if (subject.kind === "app") {
    const { principal, roles } = subject;
    return {
      idtyp: "app",
      oid: principal,
      roles: [...roles],
      sub: principal,
      wids: ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
    };
  }
  const { person, scopes, methods, wids } = subject;
  return {
    acr: "1",
    amr: [...methods],
    ...(person.surname === null ? {} : { family_name: person.surname }),
    ...(person.givenName === null ? {} : { given_name: person.givenName }),
    idtyp: "user",
    ipaddr: "127.0.0.1",
    name: person.displayName,
    oid: person.id,
    scp: scopes.join(" "),
    sub: pairwise(client, person.id),
    unique_name: person.userPrincipalName,
    upn: person.userPrincipalName,
    wids: [...wids, "b79fbf4d-3ef9-4689-8143-76b194e85509"],
  };
}

function callerOf(claims: JWTPayload): Caller {
  const delegated = typeof claims.scp === "string";
  const roles = delegated ? String(claims.scp).split(" ") : Array.isArray(claims.roles) ? claims.roles.map(String) : [];
  return {
    tenant: String(claims.tid),
    client: String(claims.appid),
    principal: String(claims.oid),
    delegated,
    roles: new Set(roles.filter((role) => role !== "")),
  };
}

function refusalOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "Lifetime validation failed, the token is expired.";
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === "aud") {
    return "Access token validation failure. Invalid audience.";
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return "Access token validation failure. Invalid signature.";
  }
  if (error instanceof errors.JWTClaimValidationFailed) return "Access token validation failure.";
  return "CompactToken parsing failed with error code: 80049217";
}
