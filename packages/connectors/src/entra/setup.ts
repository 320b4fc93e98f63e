import type { GraphClient } from "./client.ts";
import { makeClientCertificate } from "./credentials/new-certificate.ts";
import { FEATURES, type FeatureName, leastPermission, leastPermissions } from "./features.ts";
import type { EntraOptions } from "./options.ts";
import { GRAPH_APP_ID, SetupGraph } from "./setup-graph.ts";

/** "Microsoft Graph Command Line Tools", Microsoft's own public client that an administrator may sign in to. */
export const SETUP_CLIENT = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
/** What registering an application and granting it permissions needs of the administrator's sign-in. */
export const SETUP_PERMISSIONS: readonly string[] = ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"];

const DAY_MS = 86_400_000;

/** What to register. */
export interface SetupPlan {
  readonly displayName: string;
  readonly features: readonly FeatureName[];
  readonly credential: "secret" | "certificate";
  /** How long the credential is good for. */
  readonly days: number;
  readonly redirectUris: readonly string[];
  readonly multiTenant: boolean;
}

/** The steps of a registration, in their order; the last one also keeps the credential. */
export const SETUP_STEPS = ["application", "principal", "consent", "credential"] as const;
export type SetupStep = (typeof SETUP_STEPS)[number];

/** How a registration is watched, stopped and ended. */
export interface SetupWork {
  readonly signal: AbortSignal;
  /** Keeps what was registered. When it rejects, everything is taken back. */
  readonly keep: (made: Registered) => Promise<void>;
  /** Told when a step begins. */
  readonly onStep?: (step: SetupStep) => void;
}

/** What was registered. `secret` is the client secret, or the certificate with its private key, as PEM: never to be shown. */
export interface Registered {
  readonly client: string;
  readonly objectId: string;
  readonly permissions: readonly string[];
  readonly secret: string;
  /** Milliseconds UTC. */
  readonly endsAt: number;
}

/**
 * Registers an application with the least permissions for some features, and consents to them, as the administrator who signed
 * in. What was begun is taken back when a later step fails, keeping it included, or when the signal aborts. @throws ConnectorError
 */
export async function registerApplication(
  client: GraphClient,
  runtime: Pick<EntraOptions, "clock" | "random" | "sleep">,
  plan: SetupPlan,
  { signal, keep, onStep = () => undefined }: SetupWork,
): Promise<Registered> {
  const graph = new SetupGraph(client, runtime, signal);
  onStep("application");
  const permissions = leastPermissions(plan.features);
  const { principal: resourceId, roles } = await graph.permissionIds(permissions);
  const now = runtime.clock.now();
  const endsAt = now + plan.days * DAY_MS;
  const made =
    plan.credential === "certificate"
      ? await makeClientCertificate({ name: plan.displayName, startsAt: now - DAY_MS, endsAt })
      : null;
  const key = { type: "AsymmetricX509Cert", usage: "Verify", displayName: "Entrain", key: made?.der };
  signal.throwIfAborted();
  const { objectId, appId } = await graph.makeApplication(plan.displayName, {
    signInAudience: plan.multiTenant ? "AzureADMultipleOrgs" : "AzureADMyOrg",
    web: { redirectUris: plan.redirectUris },
    requiredResourceAccess: [
      { resourceAppId: GRAPH_APP_ID, resourceAccess: roles.map((id) => ({ id, type: "Role" })) },
    ],
    ...(made === null ? {} : { keyCredentials: [key] }),
  });
  try {
    onStep("principal");
    const principalId = await graph.makePrincipal(appId);
    onStep("consent");
    for (const appRoleId of roles) await graph.assign({ principalId, resourceId, appRoleId });
    onStep("credential");
    const secret = made === null ? await graph.addSecret(objectId, endsAt) : `${made.certificate}\n${made.key}`;
    const registered = { client: appId, objectId, permissions, secret, endsAt };
    signal.throwIfAborted();
    await keep(registered);
    return registered;
  } catch (error) {
    await graph.takeBack(objectId, error);
    throw error;
  }
}

/** What an application would be granted for some features, in words, for people who decide what it may do. */
export function featuresInWords(names: readonly FeatureName[]): readonly string[] {
  const features = names.map((name) => FEATURES[name]);
  return leastPermissions(names).map((permission) => {
    const served = features.filter((one) => leastPermission(one, features) === permission);
    return `${permission}: to ${served.map(({ purpose }) => purpose).join(", and to ")}`;
  });
}
