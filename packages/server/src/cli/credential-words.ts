import { mapSecrets } from "../config/credential.ts";
import type { CredentialEntry, SecretEntry } from "../config/document.ts";

/** A credential's kind and where its secrets stand; never a secret. */
export function credentialInWords(credential: CredentialEntry): string {
  const places: string[] = [];
  mapSecrets(credential, (secret, field) => places.push(`${field} ${placeOf(secret)}`));
  const more =
    credential.kind === "password"
      ? [`user name ${credential.username}`]
      : credential.kind === "federated" && "url" in credential
        ? [`assertion from ${new URL(credential.url).host}`]
        : credential.kind === "managed-identity" && credential.identity !== undefined
          ? [`client id ${credential.identity}`]
          : [];
  return [credential.kind, ...more, ...places].join(", ");
}

function placeOf(secret: SecretEntry): string {
  return "env" in secret ? `from ${secret.env}` : "file" in secret ? `from ${secret.file}` : "encrypted in the store";
}
