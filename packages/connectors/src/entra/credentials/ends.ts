import { ConnectorError } from "@entrain/core";
import type { Registration } from "../application.ts";
import { readCertificate } from "./certificate.ts";
import type { AppCredential, Credential } from "./credential.ts";

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
}

/** When each credential ends, as far as anybody tells. Sends nothing. */
export function credentialEnds(
  credentials: readonly Credential[],
  registration: Registration | null,
  now: number,
): readonly CredentialEnd[] {
  return credentials.map((credential, at) => {
    const { kind } = credential;
    const told = toldOf(credential, registration, now);
    return told === "endless"
      ? { at, kind, endsAt: null, toldBy: null, ends: false }
      : { at, kind, endsAt: told?.endsAt ?? null, toldBy: told?.toldBy ?? null, ends: true };
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
      return { endsAt: readCertificate(app.certificate()).expiresAt, toldBy: "certificate" };
    }
    const hint = app.secret().slice(0, 3);
    const ends = (registration?.secrets ?? []).flatMap((one) =>
      one.hint === hint && one.endsAt !== null ? [one.endsAt] : [],
    );
    if (ends.length === 0) return configured(app.expiresAt);
    // Of two that begin alike, the one that works and ends first: better warned too early than not at all.
    const working = ends.filter((end) => end > now);
    const endsAt = working.length > 0 ? Math.min(...working) : Math.max(...ends);
    return { endsAt, toldBy: "registration" };
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return app.kind === "secret" ? configured(app.expiresAt) : null;
  }
}

function configured(endsAt: number | undefined): Told {
  return endsAt === undefined ? null : { endsAt, toldBy: "configuration" };
}

function earliest(all: readonly Told[]): Told {
  const known = all.filter((one) => one !== null && one.endsAt !== null);
  return known.sort((a, b) => (a?.endsAt ?? 0) - (b?.endsAt ?? 0))[0] ?? null;
}
