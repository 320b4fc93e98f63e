import { ConnectorError } from "@entrain/core";
import { readCertificate } from "./certificate.ts";
import type { Credential } from "./credential.ts";

/** What is wrong with a credential before anything is sent: a sentence that may be shown, and how to mend it. */
export interface CredentialProblem {
  readonly detail: string;
  readonly fix: string;
}

const GUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Looks a credential over without sending anything. Its secrets are looked at, never repeated. */
export function credentialProblems(credential: Credential, now: number): readonly CredentialProblem[] {
  try {
    return problemsIn(credential, now);
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    // A fault whose message says what to do says it once here.
    const { message, fix } = error;
    return [{ detail: message.endsWith(` ${fix}`) ? message.slice(0, -fix.length - 1) : message, fix }];
  }
}

function problemsIn(credential: Credential, now: number): readonly CredentialProblem[] {
  switch (credential.kind) {
    case "secret":
      return secretProblems(credential.secret());
    case "certificate":
      return certificateProblems(credential, now);
    case "password":
      return [
        ...passwordProblems(credential.username, credential.password()),
        ...(credential.app === undefined ? [] : problemsIn(credential.app, now)),
      ];
    case "delegated":
      return credential.app === undefined ? [] : problemsIn(credential.app, now);
    case "managed-identity":
      return credential.identity === undefined || GUID.test(credential.identity)
        ? []
        : [
            {
              detail: "The managed identity is not named by its client id.",
              fix: "Copy the Client ID from the identity's Overview page in Azure.",
            },
          ];
    default:
      return [];
  }
}

function secretProblems(secret: string): readonly CredentialProblem[] {
  if (secret === "") return [{ detail: "There is no client secret.", fix: "Give the client secret's value." }];
  if (/\s/.test(secret)) {
    const fix = "Copy the secret's value again, without blanks around it.";
    return [{ detail: "The client secret holds a space or a line break.", fix }];
  }
  if (GUID.test(secret)) {
    const fix = "Copy the column Value, not Secret ID; Entra shows it only once, so a new secret may be needed.";
    return [{ detail: "The client secret looks like the secret's id, not its value.", fix }];
  }
  return [];
}

function certificateProblems(
  credential: Extract<Credential, { readonly kind: "certificate" }>,
  now: number,
): readonly CredentialProblem[] {
  const { expiresAt, startsAt } = readCertificate(credential.certificate());
  const fix = "Make a new certificate and upload its public part to the application in Entra.";
  if (expiresAt <= now) return [{ detail: `The certificate expired on ${day(expiresAt)}.`, fix }];
  if (startsAt > now) return [{ detail: `The certificate is not valid before ${day(startsAt)}.`, fix }];
  return [];
}

/** Domains of personal accounts, which no tenant can have. */
const PERSONAL = /@(?:outlook|hotmail|live|msn|passport)\.(?:[a-z]{2,3}|co\.[a-z]{2}|com\.[a-z]{2})$/i;

/** "Microsoft identity platform and OAuth 2.0 Resource Owner Password Credentials". */
function passwordProblems(username: string, password: string): readonly CredentialProblem[] {
  if (!/^[^\s@]+@[^\s@]+$/.test(username)) {
    const fix = "Give the user principal name, such as sync@contoso.com.";
    return [{ detail: "The user name is not a user principal name.", fix }];
  }
  if (username.includes("#EXT#")) {
    return [{ detail: "Guests cannot sign in by password here.", fix: "Use an account of the tenant itself." }];
  }
  if (PERSONAL.test(username)) {
    const fix = "Use an account of the tenant itself; an application with a certificate needs none.";
    return [{ detail: "Personal Microsoft accounts cannot sign in by password here.", fix }];
  }
  if (password === "") return [{ detail: "There is no password.", fix: "Give the account's password." }];
  if (password !== password.trim()) {
    const fix = "Copy it again; Microsoft does not support such passwords in this kind of sign-in.";
    return [{ detail: "The password begins or ends with a space.", fix }];
  }
  return [];
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
