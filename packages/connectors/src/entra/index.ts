import { ConnectorError, type Source } from "@entrain/core";
import { createTransport, type Transport } from "../shared/http.ts";
import { type Registration, readRegistration } from "./application.ts";
import { assignmentReader } from "./assignments.ts";
import { USUAL_ATTRIBUTES } from "./attributes.ts";
import { catalogueOf } from "./catalogue.ts";
import { GraphClient } from "./client.ts";
import { contactReader } from "./contacts.ts";
import { asLookedAt } from "./credentials/credential.ts";
import { type CredentialEnd, credentialEnds } from "./credentials/ends.ts";
import { groupReader } from "./groups.ts";
import { licencesHeld } from "./licences.ts";
import { limiterFor } from "./limiter.ts";
import type { PermissionStanding } from "./needs.ts";
import { optionalAttributes } from "./optional.ts";
import { cloudProblems, type EntraOptions, type Problem, problemsOf } from "./options.ts";
import { photoReader } from "./photos.ts";
import { lookUp } from "./presence.ts";
import type { Reconcile } from "./repetition.ts";
import { accessReviews } from "./reviews.ts";
import { readPages, selectionHash } from "./round.ts";
import { explainRefusal } from "./selection.ts";
import { HASTY, Sender } from "./sender.ts";
import { type Registered, registerApplication, type SetupPlan, type SetupWork } from "./setup.ts";
import { type Subscriptions, subscriptionsOf } from "./subscriptions.ts";
import { TokenProvider } from "./token.ts";
import { managersOf, userReader } from "./users.ts";
import { permissionStandings } from "./verify/permissions.ts";
import { discoverTenant } from "./verify/tenant.ts";
import { verifyConnection } from "./verify.ts";

export { SignInRefused } from "./aadsts.ts";
export { CONTACT_ATTRIBUTES, GROUP_ATTRIBUTES, USER_ATTRIBUTES } from "./attributes.ts";
export {
  type AdministratorGrant,
  type AdministratorSignIn,
  createAdministratorSignIn,
} from "./credentials/administrator.ts";
export type { Credential, DelegatedCredential } from "./credentials/credential.ts";
export { type CredentialEnd, credentialEnds } from "./credentials/ends.ts";
export { FEATURE_NAMES, FEATURES, type FeatureName, leastPermissions, USUAL_FEATURES } from "./features.ts";
export { type AcceptedPermission, featuresOf, type PermissionStanding } from "./needs.ts";
export { CLOUDS, type Cloud, cloudProblems, type EntraOptions, type RequestEvent } from "./options.ts";
export { type AttributeFlaw, attributeFlaw } from "./properties.ts";
export {
  featuresInWords,
  type Registered,
  SETUP_CLIENT,
  SETUP_PERMISSIONS,
  SETUP_STEPS,
  type SetupPlan,
  type SetupStep,
  type SetupWork,
} from "./setup.ts";
export { GRAPH_APP_ID } from "./setup-graph.ts";
export { LONGEST_LIFE_MS, type Subscriptions, type Watched } from "./subscriptions.ts";

/** Twice what would keep the service busy: while our own store is busy, half of what came waits to be read. */
const CONCURRENCY = 32;
const HOUR_MS = 3_600_000;
/** The first well within a day, whatever the schedule; then every week. */
const RECONCILE: Reconcile = { firstMs: 20 * HOUR_MS, everyMs: 7 * 24 * HOUR_MS };

/**
 * Reads one Entra tenant's people and groups through Microsoft Graph, with an application's own permissions. Nothing is sent before the
 * first call, and nothing at all while the settings are malformed (`config_invalid`). Faults are {@link ConnectorError}s and never
 * hold the secret or a token; an abort rejects with the signal's reason.
 */
export function createEntraSource(options: EntraOptions): Source {
  const lazy = new Connection(options);
  const looking = { ...options, credentials: options.credentials.map(asLookedAt) };
  const verifying = new Connection(looking);
  const concurrency = options.concurrency ?? CONCURRENCY;
  return {
    read: async function* (kind, from, signal) {
      const client = lazy.client();
      const { tenant } = options;
      const { user, group, contact } = USUAL_ATTRIBUTES;
      const { attributes = user, groupAttributes = group, contactAttributes = contact } = options;
      const names = { user: attributes, group: groupAttributes, contact: contactAttributes }[kind];
      const optional = await optionalAttributes(client, { kind, names }, signal);
      const reader = {
        user: () => userReader(client, tenant, optional.names),
        group: () => groupReader(client, { tenant, attributes: optional.names, concurrency }),
        contact: () => contactReader(client, tenant, optional.names),
      }[kind]();
      const marked = optional.mark === "" ? {} : { selection: selectionHash(reader.selection, optional.mark) };
      try {
        const { clock, reconcile = RECONCILE } = options;
        const pages = readPages(client, { ...reader, ...marked }, from, { now: () => clock.now(), reconcile, signal });
        for await (const page of pages) yield optional.complete(page);
      } catch (error) {
        throw explainRefusal(error, { kind, names, askedBy: options.askedBy ?? (() => []) });
      }
    },
    presence: async (kind, ids, signal) =>
      lookUp({ client: lazy.client(), runtime: options, concurrency }, kind, ids, signal),
    managers: async (ids, signal) => managersOf(lazy.client(), ids, signal),
    attributes: (signal) => {
      const chosen = [...(options.attributes ?? []), ...(options.groupAttributes ?? [])];
      return catalogueOf(lazy.client(), { application: options.client, chosen }, signal);
    },
    assignments: assignmentReader(() => ({ client: lazy.client(), runtime: options, concurrency })),
    licences: (signal) => licencesHeld(lazy.client(), signal),
    photos: photoReader(() => lazy.client()),
    reviews: (asked, signal) => accessReviews(lazy.client(), asked, signal),
    verify: (signal) => verifyConnection(looking, () => verifying.parts(), signal),
    close: async () => {
      await Promise.all([lazy.close(), verifying.close()]);
    },
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

/** What can be learnt of a connection beside its people. Writes nothing. */
export interface Inspector {
  /** When each credential ends, as far as its certificate, the application's registration or the configuration tells. */
  ends(signal: AbortSignal): Promise<readonly CredentialEnd[]>;
  /** How the application's permissions stand to the connection's needs; `null` when its token does not show them. */
  permissions(signal: AbortSignal): Promise<readonly PermissionStanding[] | null>;
  close(): Promise<void>;
}

/** Nothing is sent before the first call. `needs` is what permissions are compared with, if it is not what the options say. */
export function createEntraInspector(
  options: EntraOptions,
  needs: () => Promise<Pick<EntraOptions, "features" | "attributes" | "accepted">> = async () => options,
): Inspector {
  const lazy = new Connection(options);
  return {
    ends: async (signal) => {
      const ask = async (): Promise<Registration | null> =>
        readRegistration(lazy.client(), options.client, HASTY, signal);
      // Without a working sign-in the certificate and the configuration still tell.
      const registration = await ask().catch((error: unknown): "unasked" => {
        signal.throwIfAborted();
        if (error instanceof ConnectorError) return "unasked";
        throw error;
      });
      return credentialEnds(options.credentials, registration, options.clock.now());
    },
    permissions: async (signal) => {
      const roles = await lazy.client().roles(signal, HASTY);
      if (roles === null) return null;
      const token = await lazy.client().tokenKind(signal, HASTY);
      return permissionStandings(await needs(), { roles, token });
    },
    close: () => lazy.close(),
  };
}

/** Registers applications on behalf of the administrator whose agreement the options hold. */
export function createEntraSetup(options: EntraOptions): {
  register(plan: SetupPlan, work: SetupWork): Promise<Registered>;
  close(): Promise<void>;
} {
  const lazy = new Connection(options);
  return {
    register: (plan, work) => registerApplication(lazy.client(), options, plan, work),
    close: () => lazy.close(),
  };
}

/**
 * A tenant's id by one of its domains; needs no credential. `null`: the sign-in service does not tell. @throws ConnectorError
 * `config_invalid` for a cloud's address that nothing is sent to
 */
export async function findTenantId(
  options: Pick<EntraOptions, "cloud" | "tenant" | "clock" | "random" | "sleep">,
  signal: AbortSignal,
): Promise<string | null> {
  refuseProblem(cloudProblems(options.cloud)[0]);
  const transport = createTransport({});
  const full = { ...options, client: "", credentials: [] };
  try {
    return (await discoverTenant(full, new Sender("Microsoft sign-in", transport, full), signal)).tenantId;
  } finally {
    await transport.close();
  }
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

function refuseProblem(problem: Pick<Problem, "detail" | "fix"> | undefined): void {
  if (problem === undefined) return;
  const message = `${problem.detail} ${problem.fix}`;
  throw new ConnectorError("config_invalid", message, { stops: "connection", retry: "never" });
}

function connect(options: EntraOptions): Parts {
  refuseProblem(problemsOf(options)[0]);
  const { ca, timeouts } = options;
  const transport = createTransport({
    ...(ca === undefined ? {} : { ca }),
    ...(timeouts === undefined ? {} : { timeouts }),
    // One more than are read at a time, for the page ahead.
    connections: (options.concurrency ?? CONCURRENCY) + 1,
  });
  const signIn = new Sender("Microsoft sign-in", transport, options);
  const tokens = new TokenProvider(options, signIn);
  const limiter = limiterFor(options, options.concurrency ?? CONCURRENCY);
  const graph = new Sender("Microsoft Graph", transport, options, limiter);
  return { transport, tokens, signIn, client: new GraphClient(options, graph, tokens) };
}
