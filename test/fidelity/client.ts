import { GraphClient } from "../../packages/connectors/src/entra/client.ts";
import type { Credential } from "../../packages/connectors/src/entra/credentials/credential.ts";
import type { EntraOptions } from "../../packages/connectors/src/entra/options.ts";
import { Sender } from "../../packages/connectors/src/entra/sender.ts";
import { CLIENT, fakeTime, SECRET, TENANT } from "../../packages/connectors/src/entra/testing.ts";
import { TokenProvider } from "../../packages/connectors/src/entra/token.ts";
import { createTransport } from "../../packages/connectors/src/shared/http.ts";

/** Our own Graph client, under a clock that stands still, and how to end it. */
export interface OurClient {
  readonly client: GraphClient;
  close(): Promise<void>;
}

const SECRETS: readonly Credential[] = [{ kind: "secret", secret: () => SECRET }];

/** Connects our client to a stand-in for Microsoft at this address. */
export function ourClient(
  origin: string,
  credentials: readonly Credential[] = SECRETS,
  clock: EntraOptions["clock"] = fakeTime().clock,
): OurClient {
  const options: EntraOptions = {
    cloud: { login: origin, graph: origin },
    tenant: TENANT,
    client: CLIENT,
    credentials,
    ...fakeTime(),
    clock,
  };
  const transport = createTransport({ connections: 1 });
  const tokens = new TokenProvider(options, new Sender("Microsoft sign-in", transport, options));
  const client = new GraphClient(options, new Sender("Microsoft Graph", transport, options), tokens);
  return {
    client,
    close: async () => {
      tokens.close();
      await transport.close();
    },
  };
}
