import { credentialEnds } from "@entrain/connectors/entra";
import { credentialsOf } from "../config/connector-credentials.ts";
import { standingEnds } from "../store/credential-ends.ts";
import type { Keyring } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";
import { type ExpiryWarning, expiryWarnings } from "./warnings.ts";

/**
 * The warnings that can be given without asking anybody, so that no server has to have looked: by the certificates, the
 * configuration, and what the registration told last. Sends nothing, and keeps nothing. `connection` is its id.
 */
export async function foreseenWarnings(
  { store, keyring }: { readonly store: Store; readonly keyring: Keyring },
  connection: string,
): Promise<readonly ExpiryWarning[]> {
  const row = await store.db
    .selectFrom("connections")
    .select(["id", "credential"])
    .where("id", "=", connection)
    .executeTakeFirst();
  if (row === undefined) return [];
  const now = store.clock.now();
  const seen = credentialEnds(credentialsOf(store, keyring, row), "unasked", now);
  return expiryWarnings(await standingEnds(store, connection, seen), now);
}
