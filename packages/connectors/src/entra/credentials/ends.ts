import { createHash } from "node:crypto";
import { ConnectorError } from "@entrain/core";
import type { RegisteredCertificate, Registration } from "../application.ts";
import { type ClientCertificate, readCertificate } from "./certificate.ts";
import type { AppCredential, Credential } from "./credential.ts";

const DAY_MS = 86_400_000;

/** When a credential ends. Milliseconds since 1970, UTC. */
export interface CredentialEnd {
  /** Position among the connection's credentials, from 0. */
  readonly at: number;
  readonly kind: Credential["kind"];
  /** `null`: nobody told. */
  readonly endsAt: number | null;
  /** Who told: the certificate itself, the application's registration, or whoever configured the connection. */
  readonly toldBy: "certificate" | "registration" | "configuration" | null;
  /** False for what has no end of its own: managed and workload identities, other providers' assertions. */
  readonly ends: boolean;
  /** The registration could not be asked this time: what it told before still stands, and may come before `endsAt`. */
  readonly unasked?: true;
}

/**
 * When each credential ends, as far as anybody tells. Sends nothing. The registration is `null` where it is not there to be
 * read, and `unasked` where nobody answered.
 */
export function credentialEnds(
  credentials: readonly Credential[],
  registration: Registration | "unasked" | null,
  now: number,
): readonly CredentialEnd[] {
  const unasked = registration === "unasked";
  return credentials.map((credential, at) => {
    const { kind } = credential;
    const told = toldOf(credential, unasked ? null : registration, now);
    if (told === "endless") return { at, kind, endsAt: null, toldBy: null, ends: false };
    const { endsAt, toldBy } = told ?? { endsAt: null, toldBy: null };
    return { at, kind, endsAt, toldBy, ends: true, ...(unasked ? { unasked } : {}) };
  });
}

type Told = Pick<CredentialEnd, "endsAt" | "toldBy"> | null;

function toldOf(credential: Credential, registration: Registration | null, now: number): Told | "endless" {
  switch (credential.kind) {
    case "secret":
    case "certificate":
      return toldOfApp(credential, registration, now);
    case "password":
      return earliest([
        configured(credential.expiresAt),
        credential.app === undefined ? null : toldOfApp(credential.app, registration, now),
      ]);
    case "delegated":
      return credential.app === undefined ? "endless" : toldOfApp(credential.app, registration, now);
    default:
      return "endless";
  }
}

/** What cannot be read is told by the other checks. */
function toldOfApp(app: AppCredential, registration: Registration | null, now: number): Told {
  try {
    if (app.kind === "certificate") {
      const certificate = readCertificate(app.certificate());
      const own = { endsAt: certificate.expiresAt, toldBy: "certificate" } as const;
      return earliest([own, registeredEnd(certificate, registration?.certificates ?? [])]);
    }
    const hint = app.secret().slice(0, 3);
    const ends = (registration?.secrets ?? []).flatMap((one) =>
      one.hint === hint && one.endsAt !== null ? [one.endsAt] : [],
    );
    if (ends.length === 0) return configured(app.expiresAt);
    return registeredSecretEnd(ends, app.expiresAt, now);
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return app.kind === "secret" ? configured(app.expiresAt) : null;
  }
}

/**
 * Secrets are known by their first three characters alone. Of several that work, the one that ends on the day that the
 * configuration tells, else the first to end: better warned too early than not at all. When all have ended, one that shall end
 * later by the configuration is none of them: it was deleted.
 */
function registeredSecretEnd(ends: readonly number[], expiresAt: number | undefined, now: number): Told {
  const registered = (endsAt: number): Told => ({ endsAt, toldBy: "registration" });
  const working = ends.filter((end) => end > now);
  if (working.length > 0) {
    return registered(working.find((end) => isSameDay(end, expiresAt)) ?? Math.min(...working));
  }
  return expiresAt !== undefined && expiresAt > now ? configured(expiresAt) : registered(Math.max(...ends));
}

function isSameDay(end: number, day: number | undefined): boolean {
  return day !== undefined && Math.floor(end / DAY_MS) === Math.floor(day / DAY_MS);
}

/** Entra holds an end of its own beside the certificate's. One that was uploaded twice works until the later one. */
function registeredEnd(certificate: ClientCertificate, all: readonly RegisteredCertificate[]): Told {
  const ends = all.flatMap((one) => (one.endsAt !== null && isSame(one, certificate) ? [one.endsAt] : []));
  return ends.length === 0 ? null : { endsAt: Math.max(...ends), toldBy: "registration" };
}

/** By the certificate itself where Graph shows it, else by a thumbprint, which is spelt in more than one way. */
function isSame({ key, identifier }: RegisteredCertificate, { thumbprint, sha1 }: ClientCertificate): boolean {
  if (key !== null) return createHash("sha256").update(Buffer.from(key, "base64")).digest("base64url") === thumbprint;
  if (identifier === null) return false;
  const hashes = [Buffer.from(thumbprint, "base64url"), Buffer.from(sha1, "hex")];
  const spelt = identifier.replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
  return hashes.some((hash) => hash.toString("base64url") === spelt || hash.toString("hex") === spelt.toLowerCase());
}

function configured(endsAt: number | undefined): Told {
  return endsAt === undefined ? null : { endsAt, toldBy: "configuration" };
}

function earliest(all: readonly Told[]): Told {
  const known = all.filter((one) => one !== null && one.endsAt !== null);
  return known.toSorted((a, b) => (a?.endsAt ?? 0) - (b?.endsAt ?? 0))[0] ?? null;
}
