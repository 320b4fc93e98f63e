import {
  createAdministratorSignIn,
  createEntraSetup,
  type Registered,
  SETUP_CLIENT,
  SETUP_PERMISSIONS,
  type SetupStep,
  SignInRefused,
} from "@entrain/connectors/entra";
import { type Code, ConnectorError } from "@entrain/core";
import { type Adding, addEntry, type NewEntry, refuseEntry } from "../config/add.ts";
import { Secret } from "../store/secrets.ts";
import { namedFeatures, type Setup } from "./plan.ts";
import { isDomain, resolveTenant, runtimeOf } from "./tenant.ts";

/** What Microsoft says of an application that it does not know in a tenant. */
const UNKNOWN_CLIENT: ReadonlySet<number | null> = new Set([700016, 700011, 70001]);

/** Stands for an id that is not known yet, while everything else is judged. */
const SOME_ID = "00000000-0000-4000-8000-000000000000";

/** How far it is. The code is for the administrator alone; nothing here is secret beyond it. */
export type SetupEvent =
  | { readonly kind: "code"; readonly userCode: string; readonly verificationUri: string; readonly expiresAt: number }
  | { readonly kind: "signed-in"; readonly username: string }
  | { readonly kind: "step"; readonly step: SetupStep };

/** Who registers, and who is told. */
export interface Registering {
  readonly adding: Adding;
  /** The public client to sign in to; Microsoft's own unless given. */
  readonly setupClient: string | null;
  readonly signal: AbortSignal;
  readonly told: (event: SetupEvent) => void;
  /** Asked when the administrator has signed in: whether whoever began may still go on. */
  readonly allowed?: () => Promise<boolean>;
}

/** A connection that was registered and kept. */
export interface RegisteredConnection {
  readonly name: string;
  readonly tenant: string;
  readonly client: string;
  readonly permissions: readonly string[];
  /** Milliseconds UTC. */
  readonly endsAt: number;
}

/**
 * Registers an application as the administrator who signs in on any device, and keeps it as a new connection: the secret goes from
 * Microsoft, or from where it was made, into the store, sealed. What the store would refuse is refused before anybody signs in, and
 * nothing is left in Entra of what did not come to its end.
 * @throws ConnectorError `exists`, `config_invalid`, `demo_only`, `sign_in_refused`, and Graph's refusals
 */
export async function registerByDeviceCode(setup: Setup, work: Registering): Promise<RegisteredConnection> {
  const { adding, signal, told } = work;
  const { clock } = adding.store;
  const tenant = await checkedTenant(setup, work);
  const { cloud } = setup;
  const options = { ...runtimeOf(clock, cloud), tenant, client: work.setupClient ?? SETUP_CLIENT };
  const signIn = createAdministratorSignIn({ ...options, permissions: SETUP_PERMISSIONS });
  try {
    const { userCode, verificationUri, expiresAt, finished } = await signIn.device(signal).catch((error: unknown) => {
      throw withPublicClient(error, work.setupClient);
    });
    told({ kind: "code", userCode, verificationUri, expiresAt });
    const { refreshToken, account } = await finished(signal);
    if (account.tenant !== tenant) {
      const message = `The account that signed in belongs to the tenant ${account.tenant}, not to ${tenant}. Nothing was made.`;
      throw refused("sign_in_refused", message, "Start again, and sign in with an administrator of the right tenant.");
    }
    if (work.allowed !== undefined && !(await work.allowed())) {
      const message = "Whoever began this is not signed in to Entrain any more. Nothing was made.";
      throw refused("sign_in_refused", message, "Sign in to the console again, and start anew.");
    }
    told({ kind: "signed-in", username: account.username });
    let token = refreshToken;
    const delegated = {
      kind: "delegated",
      refreshToken: async () => token,
      replace: async (next: string) => {
        token = next;
      },
      refused: async () => undefined,
      died: async () => undefined,
    } as const;
    const graph = createEntraSetup({ ...options, credentials: [delegated] });
    try {
      const { client, permissions, endsAt } = await graph.register(setup, {
        signal,
        onStep: (step) => told({ kind: "step", step }),
        keep: (made) => addEntry(adding, entryOf({ ...setup, tenant }, made)),
      });
      return { name: setup.name, tenant, client, permissions, endsAt };
    } finally {
      await graph.close();
    }
  } finally {
    await signIn.close();
  }
}

/** The tenant's id, once the store would take the connection. */
async function checkedTenant(setup: Setup, { adding, signal }: Registering): Promise<string> {
  const { tenant, cloud } = setup;
  if (tenant === null) throw refused("usage", "The tenant is missing.", "Give the tenant's id or one of its domains.");
  const judged = { client: SOME_ID, secret: "", endsAt: adding.store.clock.now() };
  // A demo's store asks nobody beyond this machine, not even for an id.
  await refuseEntry(adding, entryOf({ ...setup, tenant: isDomain(tenant) ? SOME_ID : tenant }, judged));
  const id = await resolveTenant(adding.store.clock, { cloud, tenant }, signal);
  if (id === null) {
    const message = `The sign-in service does not tell the id of ${tenant}.`;
    throw refused("config_invalid", message, "Give the tenant's id, from the Overview page in Entra.");
  }
  if (id !== tenant) await refuseEntry(adding, entryOf({ ...setup, tenant: id }, judged));
  return id;
}

/** The client that is unknown here is the one that is signed in to, not the connection's, which there is none of yet. */
function withPublicClient(error: unknown, setupClient: string | null): unknown {
  if (!(error instanceof SignInRefused) || !UNKNOWN_CLIENT.has(error.aadsts)) return error;
  const { code, message, stops, retry, requestId, status } = error;
  const rights = SETUP_PERMISSIONS.join(" and ");
  const fix =
    setupClient === null
      ? `Register a public client in this tenant, with the delegated permissions ${rights}, and name it with --setup-client; in the console, under More settings.`
      : "Correct what --setup-client names: the Application (client) ID, not Object ID, of a public client of this very tenant. Without it, Microsoft's own is signed in to.";
  return new ConnectorError(code, message, { stops, retry, requestId, status, fix, cause: error });
}

function entryOf(setup: Setup, made: Pick<Registered, "client" | "secret" | "endsAt">): NewEntry {
  const { name, credential, cloud, tenant } = setup;
  const features = namedFeatures(setup);
  const sealed = { sealed: true };
  const expires = new Date(made.endsAt).toISOString().slice(0, 10);
  const value = {
    cloud: cloud.kind === "custom" ? cloud : cloud.kind,
    tenant,
    client: made.client,
    ...(features.length === 0 ? {} : { features }),
    credential:
      credential === "secret"
        ? { kind: "secret", secret: sealed, expires }
        : { kind: "certificate", certificate: sealed },
  };
  return {
    section: "connections",
    name,
    value,
    secrets: new Map([[`connections/${name}/${credential}`, new Secret(made.secret)]]),
  };
}

function refused(code: Code, message: string, fix: string): ConnectorError {
  return new ConnectorError(code, message, { stops: "connection", retry: "never", fix });
}
