import type { JWTPayload } from "jose";

/**
 * Continuous access evaluation: who must come with a fresh token ("Claims challenges, claims requests and client
 * capabilities"). Tokens of clients that never declared `cp1` stay good until their end, as in Entra.
 */
export class Revocations {
  readonly #clock: () => number;
  /** Seconds from which tokens hold, by object id of a person or a service principal. */
  readonly #notBefore = new Map<string, number>();
  /** What tokens were obtained with after a challenge, by `uti`. */
  readonly #answered = new Map<string, number>();

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Challenges every token that a person or an app has now. */
  revoke(principal: string): void {
    this.#notBefore.set(principal, Math.floor(this.#clock() / 1000) + 1);
  }

  /** Notes that a token was asked for with these claims. */
  note(uti: string, request: ClaimsRequest): void {
    if (request.notBefore !== null) this.#answered.set(uti, request.notBefore);
  }

  /** The claims that a token lacks, base64 of JSON; null when it is good, which it never is when `always` is set. */
  challengeFor(claims: JWTPayload, always = false): string | null {
    const wanted = this.#notBefore.get(String(claims.oid));
    const capable = Array.isArray(claims.xms_cc) && claims.xms_cc.includes("cp1");
    if (wanted === undefined || !capable) return null;
    const fresh = (claims.iat ?? 0) >= wanted || (this.#answered.get(String(claims.uti)) ?? 0) >= wanted;
    if (fresh && !always) return null;
    const request = { access_token: { nbf: { essential: true, value: String(wanted) } } };
    return Buffer.from(JSON.stringify(request)).toString("base64");
  }
}

/** What a `claims` parameter asks for. */
export interface ClaimsRequest {
  /** The client declares that it handles claims challenges (`xms_cc` with `cp1`). */
  readonly capable: boolean;
  /** Seconds from a challenge that is answered; null without one. */
  readonly notBefore: number | null;
}

/** Reads a `claims` parameter (OpenID Connect Core section 5.5); null when it is not valid. */
export function parseClaims(text: string | null): ClaimsRequest | null {
  if (text === null || text === "") return { capable: false, notBefore: null };
  try {
    const token = record(record(JSON.parse(text) as unknown).access_token ?? {});
    const capabilities = record(token.xms_cc ?? {});
    const values = Array.isArray(capabilities.values) ? capabilities.values : [capabilities.value];
    const { value } = record(token.nbf ?? {});
    const notBefore = value === undefined ? null : Number(value);
    if (Number.isNaN(notBefore)) return null;
    return { capable: values.some((one) => String(one).toLowerCase() === "cp1"), notBefore };
  } catch {
    return null;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new TypeError("Not an object.");
  return value as Readonly<Record<string, unknown>>;
}
