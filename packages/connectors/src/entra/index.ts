import { ConnectorError, type Source } from "@entrain/core";
import { createTransport, type Transport } from "../shared/http.ts";
import { GROUP_ATTRIBUTES, USER_ATTRIBUTES } from "./attributes.ts";
import { catalogueOf } from "./catalogue.ts";
import { GraphClient } from "./client.ts";
import { groupReader } from "./groups.ts";
import { type EntraOptions, problemsOf } from "./options.ts";
import { lookUp } from "./presence.ts";
import { readPages } from "./round.ts";
import { explainRefusal } from "./selection.ts";
import { Sender } from "./sender.ts";
import { type Subscriptions, subscriptionsOf } from "./subscriptions.ts";
import { TokenProvider } from "./token.ts";
import { userReader } from "./users.ts";
import { verifyConnection } from "./verify.ts";

export { GROUP_ATTRIBUTES, USER_ATTRIBUTES } from "./attributes.ts";
export {
  type AdministratorGrant,
  type AdministratorSignIn,
  createAdministratorSignIn,
} from "./credentials/administrator.ts";
export type { Credential, DelegatedCredential } from "./credentials/credential.ts";
export { CLOUDS, type Cloud, type EntraOptions, type RequestEvent } from "./options.ts";
export { type AttributeFlaw, attributeFlaw } from "./properties.ts";
export { LONGEST_LIFE_MS, type Subscriptions, type Watched } from "./subscriptions.ts";

const CONCURRENCY = 4;

/**
 * Reads one Entra tenant's people and groups through Microsoft Graph, with an application's own permissions. Nothing is sent before the
 * first call, and nothing at all while the settings are malformed (`config_invalid`). Faults are {@link ConnectorError}s and never
 * hold the secret or a token; an abort rejects with the signal's reason.
 */
export function createEntraSource(options: EntraOptions): Source {
  const lazy = new Connection(options);
  const concurrency = options.concurrency ?? CONCURRENCY;
  return {
    read: async function* (kind, from, signal) {
      const client = lazy.client();
      const { tenant, attributes = USER_ATTRIBUTES, groupAttributes = GROUP_ATTRIBUTES } = options;
      const reader =
        kind === "user"
          ? userReader(client, tenant, attributes)
          : groupReader(client, { tenant, attributes: groupAttributes, concurrency });
      const names = kind === "user" ? attributes : groupAttributes;
      try {
        yield* readPages(client, reader, from, signal);
      } catch (error) {
        throw explainRefusal(error, { kind, names, askedBy: options.askedBy ?? (() => []) });
      }
    },
    presence: async (kind, ids, signal) =>
      lookUp({ client: lazy.client(), runtime: options, concurrency }, kind, ids, signal),
    attributes: (signal) => {
      const chosen = [...(options.attributes ?? []), ...(options.groupAttributes ?? [])];
      return catalogueOf(lazy.client(), { application: options.client, chosen }, signal);
    },
    verify: (signal) => verifyConnection(options, () => lazy.parts(), signal),
    close: () => lazy.close(),
  };
}

/** The subscriptions of one connection; nothing is sent before the first call. */
export function createEntraSubscriptions(options: EntraOptions): {
  readonly subscriptions: Subscriptions;
  close(): Promise<void>;
} {
  const lazy = new Connection(options);
  return { subscriptions: subscriptionsOf(() => lazy.client()), close: () => lazy.close() };
}

/** The parts behind a source, made on first use: malformed addresses are a fault of the call, not of the construction. */
class Connection {
  readonly #options: EntraOptions;
  #parts: Parts | null = null;

  constructor(options: EntraOptions) {
    this.#options = options;
  }

  parts(): Parts {
    this.#parts ??= connect(this.#options);
    return this.#parts;
  }

  client(): GraphClient {
    return this.parts().client;
  }

  async close(): Promise<void> {
    const parts = this.#parts;
    this.#parts = null;
    parts?.tokens.close();
    await parts?.transport.close();
  }
}

interface Parts {
  readonly transport: Transport;
  readonly tokens: TokenProvider;
  readonly signIn: Sender;
  readonly client: GraphClient;
}

function connect(options: EntraOptions): Parts {
  const [problem] = problemsOf(options);
  if (problem !== undefined) {
    const message = `${problem.detail} ${problem.fix}`;
    throw new ConnectorError("config_invalid", message, { stops: "connection", retry: "never" });
  }
  const { ca, timeouts } = options;
  const transport = createTransport({
    ...(ca === undefined ? {} : { ca }),
    ...(timeouts === undefined ? {} : { timeouts }),
    // One more than are read at a time, for the page ahead.
    connections: (options.concurrency ?? CONCURRENCY) + 1,
  });
  const signIn = new Sender("Microsoft sign-in", transport, options);
  const tokens = new TokenProvider(options, signIn);
  const graph = new Sender("Microsoft Graph", transport, options);
  return { transport, tokens, signIn, client: new GraphClient(options, graph, tokens) };
}
