import { createHash, randomUUID } from "node:crypto";
import {
  type CryptoKey,
  calculateJwkThumbprint,
  errors,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from "jose";

const GRAPH_AUDIENCE = "https://graph.microsoft.com";
const LIFE_S = 3599;

/** Who an app-only token speaks for. */
export interface AppIdentity {
  readonly tenant: string;
  readonly client: string;
  readonly displayName: string;
  /** Object id of the service principal. */
  readonly principal: string;
  readonly roles: readonly string[];
}

/** Outcome of checking a token that a request brought. */
export type Verified =
  | { readonly ok: true; readonly roles: ReadonlySet<string>; readonly claims: JWTPayload }
  | { readonly ok: false; readonly message: string };

/** Issues and checks the tenant's access tokens: real RS256 signatures by a key that lives as long as the process. */
export class TokenService {
  readonly jwks: { readonly keys: readonly JWK[] };
  readonly #privateKey: CryptoKey;
  readonly #publicKey: CryptoKey;
  readonly #kid: string;
  readonly #clock: () => number;
  readonly #verified = new Map<string, Verified>();

  private constructor(keys: { privateKey: CryptoKey; publicKey: CryptoKey }, jwk: JWK, clock: () => number) {
    this.#privateKey = keys.privateKey;
    this.#publicKey = keys.publicKey;
    this.#kid = jwk.kid ?? "";
    this.#clock = clock;
    this.jwks = { keys: [jwk] };
  }

  static async create(clock: () => number): Promise<TokenService> {
    const keys = await generateKeyPair("RS256", { modulusLength: 2048, extractable: true });
    const jwk = await exportJWK(keys.publicKey);
    const kid = await calculateJwkThumbprint(jwk);
    return new TokenService(keys, { ...jwk, kid, x5t: kid, use: "sig", alg: "RS256" }, clock);
  }

  /**
   * An app-only token with the claims of "Access token claims reference", version 1.0, as Graph's are.
   * `issuer` is the token issuer of the tenant, with a slash at its end.
   */
  async issue(app: AppIdentity, issuer: string): Promise<{ readonly token: string; readonly expiresIn: number }> {
    const now = Math.floor(this.#clock() / 1000);
    const claims = {
      app_displayname: app.displayName,
      appid: app.client,
      appidacr: "1",
      idp: issuer,
      idtyp: "app",
      oid: app.principal,
      rh: `0.${createHash("sha256").update(app.client).digest("base64url")}.`,
      roles: [...app.roles],
      sub: app.principal,
      tenant_region_scope: "EU",
      tid: app.tenant,
      uti: createHash("sha256").update(randomUUID()).digest("base64url").slice(0, 22),
      ver: "1.0",
      wids: ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
    };
    const token = await new SignJWT(claims)
      .setProtectedHeader({ typ: "JWT", alg: "RS256", kid: this.#kid, x5t: this.#kid })
      .setAudience(GRAPH_AUDIENCE)
      .setIssuer(issuer)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + LIFE_S + 1)
      .sign(this.#privateKey);
    return { token, expiresIn: LIFE_S };
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

  async #check(token: string, issuer: string): Promise<Verified> {
    try {
      const { payload } = await jwtVerify(token, this.#publicKey, {
        algorithms: ["RS256"],
        audience: GRAPH_AUDIENCE,
        issuer,
        currentDate: new Date(this.#clock()),
      });
      const roles = Array.isArray(payload.roles) ? payload.roles.map(String) : [];
      return { ok: true, roles: new Set(roles), claims: payload };
    } catch (error) {
      return { ok: false, message: refusalOf(error) };
    }
  }
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
