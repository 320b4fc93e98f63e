import { ConnectorError } from "@entrain/core";
import type { GraphClient, GraphRequest } from "./client.ts";
import { makeClientCertificate } from "./credentials/new-certificate.ts";
import { FEATURES, type FeatureName, leastPermissions } from "./features.ts";
import type { EntraOptions } from "./options.ts";
import { HASTY } from "./sender.ts";

/** Microsoft Graph's own application id in every tenant ("servicePrincipal resource type"). */
export const GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000";
/** "Microsoft Graph Command Line Tools", Microsoft's own public client that an administrator may sign in to. */
export const SETUP_CLIENT = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
/** What registering an application and granting it permissions needs of the administrator's sign-in. */
export const SETUP_PERMISSIONS: readonly string[] = ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"];

const DAY_MS = 86_400_000;
/** What was just made may not be known everywhere yet ("Create servicePrincipal"). */
const SPREAD_TRIES = 6;
const SPREAD_PAUSE_MS = 2_000;
const TAKE_BACK_MS = 30_000;

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
  runtime: Pick<EntraOptions, "clock" | "sleep">,
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
  const application = await graph.post("/applications", {
    displayName: plan.displayName,
    signInAudience: plan.multiTenant ? "AzureADMultipleOrgs" : "AzureADMyOrg",
    web: { redirectUris: plan.redirectUris },
    requiredResourceAccess: [
      { resourceAppId: GRAPH_APP_ID, resourceAccess: roles.map(({ id }) => ({ id, type: "Role" })) },
    ],
    ...(made === null ? {} : { keyCredentials: [key] }),
  });
  const objectId = textIn(application, "id");
  const appId = textIn(application, "appId");
  try {
    onStep("principal");
    const principal = await graph.spread(() => graph.post("/servicePrincipals", { appId }));
    const principalId = textIn(principal, "id");
    onStep("consent");
    for (const { id: appRoleId } of roles) {
      const body = { principalId, resourceId, appRoleId };
      await graph.spread(() => graph.post(`/servicePrincipals/${principalId}/appRoleAssignments`, body));
    }
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

/** The few requests of a setup, each named by the right that it needs. */
class SetupGraph {
  readonly #client: GraphClient;
  readonly #runtime: Pick<EntraOptions, "sleep">;
  readonly #signal: AbortSignal;

  constructor(client: GraphClient, runtime: Pick<EntraOptions, "sleep">, signal: AbortSignal) {
    this.#client = client;
    this.#runtime = runtime;
    this.#signal = signal;
  }

  async post(path: string, body: object): Promise<unknown> {
    const permission = path.endsWith("/appRoleAssignments")
      ? "AppRoleAssignment.ReadWrite.All"
      : "Application.ReadWrite.All";
    return (await this.#request(path, { permission, body, method: "POST" })).body;
  }

  /** The ids of permissions by name, which differ from cloud to cloud in nothing but are Microsoft's to give. */
  async permissionIds(
    names: readonly string[],
  ): Promise<{ readonly principal: string; readonly roles: readonly { readonly id: string }[] }> {
    const target = `/servicePrincipals(appId='${GRAPH_APP_ID}')?$select=id,appRoles`;
    const { body } = await this.#request(target, { permission: "Application.Read.All" });
    const { appRoles } = record(body);
    const offered: readonly unknown[] = Array.isArray(appRoles) ? appRoles : [];
    const roles = names.map((name) => {
      const found = offered.map(record).find(({ value }) => value === name);
      if (typeof found?.id === "string") return { id: found.id };
      const message = `This cloud's Microsoft Graph has no application permission ${name}.`;
      const fix = "Set up the connection without the feature that needs it.";
      throw new ConnectorError("request_refused", message, { stops: "connection", retry: "never", fix });
    });
    return { principal: textIn(body, "id"), roles };
  }

  async addSecret(objectId: string, endsAt: number): Promise<string> {
    const passwordCredential = { displayName: "Entrain", endDateTime: new Date(endsAt).toISOString() };
    const path = `/applications/${objectId}/addPassword`;
    return textIn(await this.spread(() => this.post(path, { passwordCredential })), "secretText");
  }

  /** Tries again what another part of the directory does not know yet. */
  async spread<T>(ask: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await ask();
      } catch (error) {
        const unknown = error instanceof ConnectorError && (error.status === 404 || error.status === 400);
        if (!unknown || tries >= SPREAD_TRIES) throw error;
        await this.#runtime.sleep(SPREAD_PAUSE_MS, this.#signal);
      }
    }
  }

  /** An application without its permissions would only be in the way. */
  async takeBack(objectId: string, reason: unknown): Promise<void> {
    const request = { permission: "Application.ReadWrite.All", method: "DELETE", patience: HASTY } as const;
    try {
      // Also after an abort, which must leave nothing behind either.
      await this.#client.send(`/applications/${objectId}`, request, AbortSignal.timeout(TAKE_BACK_MS));
    } catch (error) {
      const late = error instanceof DOMException && error.name === "TimeoutError";
      if (!(error instanceof ConnectorError) && !late) throw error;
      const message = `${reason instanceof Error ? reason.message : "The setup failed."} The application that was begun could not be removed.`;
      const fix = `Delete the application with the object id ${objectId} in Entra, then try again.`;
      throw new ConnectorError("request_refused", message, { stops: "connection", retry: "never", fix, cause: reason });
    }
  }

  #request(target: string, request: GraphRequest): ReturnType<GraphClient["request"]> {
    return this.#client.request(target, { patience: HASTY, ...request }, this.#signal);
  }
}

/** Features in words, for people who decide what an application may do. */
export function featuresInWords(names: readonly FeatureName[]): readonly string[] {
  return names.map((name) => `${FEATURES[name].permission}: to ${FEATURES[name].purpose}`);
}

function textIn(body: unknown, name: string): string {
  const value = record(body)[name];
  if (typeof value === "string" && value !== "") return value;
  const message = `Microsoft Graph answered without ${name}.`;
  throw new ConnectorError("answer_invalid", message, { stops: "connection", retry: "later" });
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
