import type { ConnectorError } from "@entrain/core";
import type { EntraOptions } from "../options.ts";
import type { ManagedIdentityCredential, WorkloadIdentityCredential } from "./credential.ts";
import { credentialFault } from "./fault.ts";

/** An access token, as the credential's issuer gave it. `expiresAt` in milliseconds since 1970, UTC. */
export interface Granted {
  readonly accessToken: string;
  readonly expiresAt: number;
}

/** What is asked of Azure. `claims` answers a challenge. */
interface Asked {
  readonly scope: string;
  readonly claims: string | null;
  readonly signal: AbortSignal;
}

/**
 * Asks Azure for a token of the identity that this process runs as. Microsoft's library knows the ways in which its many
 * platforms give one, and is loaded only then.
 */
export async function azureToken(
  credential: ManagedIdentityCredential | WorkloadIdentityCredential,
  options: Pick<EntraOptions, "cloud" | "tenant" | "client">,
  { scope, claims, signal }: Asked,
): Promise<Granted> {
  const azure = await import("@azure/identity");
  const challenge = claims === null ? {} : { claims };
  try {
    if (credential.kind === "managed-identity") {
      const { identity } = credential;
      const source = new azure.ManagedIdentityCredential(identity === undefined ? {} : { clientId: identity });
      // A new request to the machine each time, as azure.test.ts holds: what Graph refused must not come back.
      return granted(await source.getToken(scope, { abortSignal: signal, ...challenge }));
    }
    const source = new azure.WorkloadIdentityCredential({
      tenantId: options.tenant,
      clientId: options.client,
      authorityHost: options.cloud.login,
      // The sign-in host is this connection's cloud, and nobody else's to vouch for.
      disableInstanceDiscovery: true,
      ...(credential.tokenFile === undefined ? {} : { tokenFilePath: credential.tokenFile }),
    });
    return granted(await source.getToken(scope, { abortSignal: signal, enableCae: true, ...challenge }));
  } catch (error) {
    signal.throwIfAborted();
    throw refusal(credential, error);
  }
}

function granted({
  token,
  expiresOnTimestamp,
}: {
  readonly token: string;
  readonly expiresOnTimestamp: number;
}): Granted {
  return { accessToken: token, expiresAt: expiresOnTimestamp };
}

/** The library's own errors may repeat an answer; only Microsoft's number is taken from them. */
function refusal(credential: ManagedIdentityCredential | WorkloadIdentityCredential, error: unknown): ConnectorError {
  const number = /AADSTS(\d{4,9})/.exec(error instanceof Error ? error.message : "")?.[1];
  const said = number === undefined ? "" : ` (AADSTS${number})`;
  if (credential.kind === "managed-identity") {
    return credentialFault("sign_in_refused", {
      message: `This machine's managed identity gave no token${said}.`,
      fix: "Run Entrain on an Azure machine that the identity is assigned to, and check the identity's client id.",
    });
  }
  return credentialFault("sign_in_refused", {
    message: `The workload identity gave no token${said}.`,
    fix: "Check AZURE_FEDERATED_TOKEN_FILE, and the federated credential of the application: issuer and subject letter by letter.",
  });
}
