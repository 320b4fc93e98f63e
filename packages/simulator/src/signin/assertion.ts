import { constants, createHash, type KeyObject, verify, X509Certificate } from "node:crypto";
import { SignInError } from "./errors.ts";

/** A signed JSON Web Token, read but not yet believed. */
export interface Jwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/** Reads a token in compact form (RFC 7515); null when it is none. */
export function readJwt(text: string): Jwt | null {
  const [header = "", claims = "", signature = "", ...more] = text.split(".");
  if (more.length > 0 || signature === "") return null;
  try {
    return {
      header: jsonOf(header),
      claims: jsonOf(claims),
      signed: Buffer.from(`${header}.${claims}`),
      signature: Buffer.from(signature, "base64url"),
    };
  } catch {
    return null;
  }
}

/** Whether a key made the signature, by PS256 or RS256 (RFC 7518 sections 3.3 and 3.5). */
export function isSignedBy({ header, signed, signature }: Jwt, key: KeyObject): boolean {
  if (key.asymmetricKeyType !== "rsa") return false;
  if (header.alg === "RS256") return verify("sha256", signed, key, signature);
  if (header.alg !== "PS256") return false;
  const padding = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return verify("sha256", signed, padding, signature);
}

/** Checks `exp` and `nbf` with five minutes of grace for clocks that differ. Throws AADSTS700024. */
export function checkLifetime({ claims }: Jwt, now: number): void {
  const seconds = Math.floor(now / 1000);
  const { nbf = 0, exp } = claims;
  if (typeof exp === "number" && exp > seconds - SKEW_S && typeof nbf === "number" && nbf <= seconds + SKEW_S) return;
  const at = (time: unknown): string => (typeof time === "number" ? new Date(time * 1000).toISOString() : "none");
  throw new SignInError(
    700024,
    `Client assertion is not within its valid time range. Current time: ${at(seconds)}, assertion valid from ${at(nbf)}, expiry time of assertion ${at(exp)}.`,
  );
}

const SKEW_S = 300;

/** A certificate with the two thumbprints that assertions name it by, both base64url. */
export interface Certificate {
  readonly x509: X509Certificate;
  readonly sha256: string;
  readonly sha1: string;
}

/** Reads a certificate, DER in base64 as Graph takes it; null when it is none. */
export function readCertificate(base64: string): Certificate | null {
  try {
    // PEM in base64 is taken as well: the Azure CLI and portal's uploads end up so.
    const x509 = new X509Certificate(Buffer.from(base64, "base64"));
    const digest = (name: string): string => createHash(name).update(x509.raw).digest("base64url");
    return { x509, sha256: digest("sha256"), sha1: digest("sha1") };
  } catch {
    return null;
  }
}

function jsonOf(part: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
  if (value === null || typeof value !== "object") throw new TypeError("Not an object.");
  return value as Readonly<Record<string, unknown>>;
}
