import { timingSafeEqual } from "node:crypto";
import type { Applications } from "../applications/applications.ts";
import type { Application, KeyCredential, ServicePrincipal } from "../applications/model.ts";
import { checkLifetime, isSignedBy, type Jwt, readCertificate, readJwt } from "./assertion.ts";
import { SignInError } from "./errors.ts";
import { checkFederated } from "./federation.ts";
import type { ClientProof } from "./tokens.ts";

/** An app that signs in, as its registration and as the tenant knows it. */
export interface Client {
  readonly application: Application;
  readonly principal: ServicePrincipal;
}

/** What a token request brought to prove who sends it. */
export interface Presented {
  readonly client: string;
  readonly secret: string | null;
  readonly assertion: string | null;
  readonly assertionType: string | null;
}

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const REPLAY_LIMIT = 10_000;

/** Client id and credential from the form or from HTTP Basic (RFC 6749 section 2.3.1: form-encoded before base64). */
export function presentedIn(form: URLSearchParams, authorization: string | undefined): Presented {
  const basic = /^Basic\s+(.+)$/i.exec(authorization ?? "");
  const assertion = form.get("client_assertion");
  const shared = { assertion: assertion === "" ? null : assertion, assertionType: form.get("client_assertion_type") };
  if (basic === null) {
    const client = form.get("client_id");
    if (client === null || client === "") throw missing("client_id");
    return { ...shared, client, secret: form.get("client_secret") };
  }
  const [client = "", secret = ""] = Buffer.from(basic[1] ?? "", "base64")
    .toString()
    .split(":")
    .map((part) => new URLSearchParams(`v=${part}`).get("v") ?? "");
  return { ...shared, client, secret };
}

/** A parameter that a request lacks. */
export function missing(name: string): SignInError {
  return new SignInError(900144, `The request body must contain the following parameter: '${name}'.`);
}

/** Checks client credentials for real: secrets, certificates and other issuers' tokens. */
export class ClientAuthenticator {
  readonly #applications: Applications;
  readonly #clock: () => number;
  readonly #base: string;
  /** Assertions that were used, with the time when each ends by itself. */
  readonly #used = new Map<string, number>();

  constructor(options: { readonly applications: Applications; readonly clock: () => number; readonly base: string }) {
    this.#applications = options.applications;
    this.#clock = options.clock;
    this.#base = options.base;
  }

  /** Whether the request proves the client. `none` is for callers to judge: only a public client may come without. */
  async prove(client: Client, presented: Presented, tenants: readonly string[]): Promise<ClientProof> {
    const { assertion, secret } = presented;
    if (assertion !== null) {
      if (presented.assertionType !== ASSERTION_TYPE) throw noCredential();
      await this.#checkAssertion(client, assertion, tenants);
      return "certificate";
    }
    if (secret === null || secret === "") return "none";
    this.#checkSecret(client, secret);
    return "secret";
  }

  #checkSecret({ application, principal }: Client, secret: string): void {
    const now = this.#clock();
    const matching = [...application.passwords, ...principal.passwords].filter(({ secretText }) =>
      same(secretText, secret),
    );
    if (matching.length === 0) {
      throw new SignInError(
        7000215,
        `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${application.appId}'.`,
      );
    }
    if (matching.some(({ startsAt, endsAt }) => startsAt <= now && now < endsAt)) return;
    throw new SignInError(
      7000222,
      `The provided client secret keys for app '${application.appId}' are expired. Visit the Azure portal to create new keys for your app, or consider using certificate credentials for added security.`,
    );
  }

  async #checkAssertion({ application, principal }: Client, text: string, tenants: readonly string[]): Promise<void> {
    const jwt = readJwt(text);
    if (jwt === null) throw new SignInError(50027, "Invalid JWT token. The token format is not proper.");
    const { iss, sub } = jwt.claims;
    if (typeof iss !== "string" || typeof sub !== "string") {
      throw new SignInError(50027, "Invalid JWT token. The token does not contain the issuer or the sub claim.");
    }
    const client = application.appId;
    if (iss.toLowerCase() !== client && URL.canParse(iss)) {
      await checkFederated(jwt, application.federated, { now: this.#clock(), delayMs: this.#applications.delayMs });
      return;
    }
    if (iss !== sub) throw new SignInError(50048, "Subject mismatches Issuer claim in the client assertion.");
    if (iss.toLowerCase() !== client) {
      throw new SignInError(700021, "Client assertion application identifier doesn't match 'client_id' parameter.");
    }
    this.#checkSigner(jwt, [...application.keys, ...principal.keys]);
    this.#checkAudience(jwt, tenants);
    checkLifetime(jwt, this.#clock());
    this.#checkReplay(jwt);
  }

  #checkSigner(jwt: Jwt, keys: readonly KeyCredential[]): void {
    const { alg, "x5t#S256": sha256, x5t: sha1 } = jwt.header;
    if (alg !== "PS256" && alg !== "RS256") throw unsigned(`The algorithm '${String(alg)}' is not supported.`);
    // "Certificate credentials": PS256 names the certificate by x5t#S256, the older RS256 by x5t.
    const named = typeof sha256 === "string" ? sha256 : sha1;
    if (typeof named !== "string") throw unsigned("The header names no certificate: x5t#S256 or x5t is missing.");
    for (const key of keys) {
      const certificate = readCertificate(key.key);
      if (certificate === null) continue;
      if ((typeof sha256 === "string" ? certificate.sha256 : certificate.sha1) !== named) continue;
      const now = this.#clock();
      if (now >= key.endsAt || now >= Date.parse(certificate.x509.validTo))
        throw unsigned("The key used is expired.", named);
      if (now < key.startsAt) throw unsigned("The key used is not yet valid.", named);
      if (isSignedBy(jwt, certificate.x509.publicKey)) return;
      throw unsigned("The provided signature value did not match the expected signature value.", named);
    }
    throw unsigned("The key was not found.", named);
  }

  #checkAudience({ claims }: Jwt, tenants: readonly string[]): void {
    const audiences = Array.isArray(claims.aud) ? claims.aud.map(String) : [String(claims.aud)];
    const accepted = tenants.flatMap((tenant) =>
      ["/oauth2/v2.0/token", "/oauth2/token", "/v2.0", "/", ""].map((path) =>
        `${this.#base}/${tenant}${path}`.toLowerCase(),
      ),
    );
    if (audiences.some((audience) => accepted.includes(audience.toLowerCase()))) return;
    throw new SignInError(
      700023,
      `Client assertion audience claim does not match Realm issuer. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials. Audience: '${audiences.join(" ")}'.`,
    );
  }

  #checkReplay({ claims }: Jwt): void {
    const now = this.#clock() / 1000;
    if (typeof claims.jti !== "string") return;
    const known = this.#used.get(claims.jti);
    if (known !== undefined) {
      throw new SignInError(
        50012,
        "Authentication failed. The client assertion was used before: its jti is not unique.",
      );
    }
    if (this.#used.size >= REPLAY_LIMIT) {
      for (const [jti, end] of this.#used) if (end <= now || this.#used.size >= REPLAY_LIMIT) this.#used.delete(jti);
    }
    this.#used.set(claims.jti, Number(claims.exp) + 300);
  }
}

/** A confidential client that brought nothing. */
export function noCredential(): SignInError {
  return new SignInError(
    7000218,
    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  );
}

function unsigned(reason: string, thumbprint?: string): SignInError {
  const key = thumbprint === undefined ? "" : `, Thumbprint of key used by client: '${thumbprint}'`;
  return new SignInError(700027, `Client assertion failed signature validation. [Reason - ${reason}${key}]`);
}

function same(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)];
  return first.length === second.length && timingSafeEqual(first, second);
}
