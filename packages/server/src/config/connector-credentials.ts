import type { Credential } from "@entrain/connectors/entra";
import { grantKeeper } from "../store/grants.ts";
import type { Keyring, SecretReference } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";
import { mapSecrets } from "./credential.ts";
import type { AppCredentialOf, CredentialOf } from "./credential-of.ts";
import { connectionCredentials, credentialField, secretPlace } from "./current.ts";

/** A secret that is read anew at each use. */
interface Place {
  text(): string;
  bytes(): Uint8Array;
}

type AppCredential = Extract<Credential, { readonly kind: "secret" | "certificate" }>;

/** A connection's credentials as the connector takes them, in the order in which they are tried. */
export function credentialsOf(
  store: Store,
  keyring: Keyring,
  row: { readonly id: string; readonly credential: string },
): readonly Credential[] {
  return connectionCredentials(row).map((stored) => {
    const credential = mapSecrets(stored, (reference: SecretReference, field): Place => {
      const place = secretPlace("connections", row.id, credentialField(stored.id ?? "", field));
      return {
        text: () => keyring.open(reference, place).reveal(),
        bytes: () => keyring.openBytes(reference, place),
      };
    });
    switch (credential.kind) {
      case "secret":
      case "certificate":
        return appCredential(credential);
      case "password":
        return {
          kind: "password",
          username: credential.username,
          password: credential.password.text,
          ...expiring(credential.expires),
          ...(credential.app === undefined ? {} : { app: appCredential(credential.app) }),
        };
      case "federated":
        return { kind: "federated", assertion: assertionOf(credential) };
      case "delegated":
        return {
          kind: "delegated",
          ...grantKeeper(store, keyring, row.id),
          ...(credential.app === undefined ? {} : { app: appCredential(credential.app) }),
        };
      default:
        return credential;
    }
  });
}

type Federated = Extract<CredentialOf<Place>, { readonly kind: "federated" }>;

function assertionOf(credential: Federated): Extract<Credential, { readonly kind: "federated" }>["assertion"] {
  if ("assertion" in credential) return credential.assertion.text;
  const { url, token, allowPrivate = false } = credential;
  return { url, allowPrivate, ...(token === undefined ? {} : { token: token.text }) };
}

/** A day that somebody wrote down, as the time at which it begins: better warned too early than too late. */
function expiring(day: string | undefined): { readonly expiresAt?: number } {
  return day === undefined ? {} : { expiresAt: Date.parse(`${day}T00:00:00Z`) };
}

function appCredential(app: AppCredentialOf<Place>): AppCredential {
  if (app.kind === "secret") return { kind: "secret", secret: app.secret.text, ...expiring(app.expires) };
  return {
    kind: "certificate",
    certificate: () => ({
      data: app.certificate.bytes(),
      ...(app.key === undefined ? {} : { key: app.key.text() }),
      ...(app.passphrase === undefined ? {} : { passphrase: app.passphrase.text() }),
    }),
  };
}
