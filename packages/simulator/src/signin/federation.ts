import { createPublicKey, type JsonWebKey } from "node:crypto";
import type { FederatedCredential } from "../applications/model.ts";
import { checkLifetime, isSignedBy, type Jwt } from "./assertion.ts";
import { SignInError } from "./errors.ts";

const TIMEOUT_MS = 5000;

/**
 * Checks a token of another issuer against an app's federated credentials: issuer, subject and audience exactly, then
 * the signature by the keys that the issuer publishes ("Important considerations for federated identity credentials").
 */
export async function checkFederated(
  jwt: Jwt,
  credentials: readonly FederatedCredential[],
  context: { readonly now: number; readonly delayMs: number },
): Promise<void> {
  const { iss, sub, aud } = jwt.claims;
  const audiences = Array.isArray(aud) ? aud.map(String) : [String(aud)];
  const found = credentials.find(
    ({ issuer, subject, audiences: wanted, writtenAt }) =>
      issuer === iss &&
      subject === sub &&
      wanted.some((audience) => audiences.includes(audience)) &&
      writtenAt + context.delayMs <= context.now,
  );
  if (found === undefined) {
    throw new SignInError(
      70021,
      `No matching federated identity record found for presented assertion. Assertion Issuer: '${String(iss)}'. Assertion Subject: '${String(sub)}'. Assertion Audience: '${audiences.join(" ")}'. https://learn.microsoft.com/entra/workload-id/workload-identity-federation`,
    );
  }
  if (jwt.header.alg !== "RS256") throw unsigned(`The algorithm '${String(jwt.header.alg)}' is not supported`);
  checkLifetime(jwt, context.now);
  const keys = await keysOf(found.issuer);
  const { kid } = jwt.header;
  const candidates = keys.filter((key) => kid === undefined || key.kid === kid);
  if (candidates.length === 0) throw unsigned(`The key '${String(kid)}' was not found`);
  if (!candidates.some((key) => isSignedBy(jwt, createPublicKey({ key, format: "jwk" })))) {
    throw unsigned("The provided signature value did not match the expected signature value");
  }
}

type PublishedKey = JsonWebKey & { readonly kid?: string };

async function keysOf(issuer: string): Promise<readonly PublishedKey[]> {
  const discovery = await fetchJson(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  if (discovery.issuer !== issuer) throw unreachable(issuer, `it calls itself '${String(discovery.issuer)}'`);
  const { keys } = await fetchJson(String(discovery.jwks_uri));
  if (!Array.isArray(keys)) throw unreachable(issuer, "it publishes no keys");
  return (keys as readonly PublishedKey[]).filter(({ kty }) => kty === "RSA");
}

async function fetchJson(url: string): Promise<Readonly<Record<string, unknown>>> {
  if (!isLoopback(url)) throw unreachable(url, "the simulator asks issuers on this machine only");
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "error" });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    return (await response.json()) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw unreachable(url, error instanceof Error ? error.message : String(error));
  }
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
}

function unreachable(issuer: string, reason: string): SignInError {
  return new SignInError(50166, `Request to External OIDC endpoint failed: '${issuer}': ${reason}.`);
}

function unsigned(reason: string): SignInError {
  return new SignInError(700027, `Client assertion failed signature validation. [Reason - ${reason}.]`);
}
