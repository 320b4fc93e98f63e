import { ConnectorError } from "@entrain/core";
import type { GraphClient } from "./client.ts";
import type { Patience } from "./sender.ts";

/** What the application's registration tells of itself ("application resource type"). Times in milliseconds since 1970, UTC. */
export interface Registration {
  /** The object id, which is often taken for the client id. */
  readonly objectId: string;
  readonly displayName: string;
  readonly publicFlows: boolean;
  readonly multiTenant: boolean;
  readonly secrets: readonly {
    /** The secret's first three characters. */
    readonly hint: string | null;
    readonly endsAt: number | null;
  }[];
  readonly certificates: readonly RegisteredCertificate[];
}

/** A certificate's public part as the registration holds it ("keyCredential resource type"). */
export interface RegisteredCertificate {
  /** The certificate in base64, where Graph shows it. */
  readonly key: string | null;
  /** Mostly its SHA-1 thumbprint, but whoever added the certificate may have set anything. */
  readonly identifier: string | null;
  readonly endsAt: number | null;
}

const PERMISSION = "Application.Read.All";
const FIELDS = "id,appId,displayName,signInAudience,isFallbackPublicClient,passwordCredentials,keyCredentials";

/**
 * Reads the registration of the connection's own application. `null` where it may not be read, and in the tenants that a
 * multi-tenant application serves without being registered there.
 */
export async function readRegistration(
  client: GraphClient,
  clientId: string,
  patience: Patience,
  signal: AbortSignal,
): Promise<Registration | null> {
  const target = `/applications(appId='${encodeURIComponent(clientId)}')?$select=${FIELDS}`;
  try {
    const { body } = await client.request(target, { permission: PERMISSION, patience }, signal);
    return registrationIn(body);
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const unseen = error.code === "permission_missing" || (error.status === 404 && error.code === "request_refused");
    if (unseen) return null;
    throw error;
  }
}

function registrationIn(body: unknown): Registration | null {
  const app = record(body);
  if (typeof app.id !== "string" || typeof app.appId !== "string") return null;
  return {
    objectId: app.id,
    displayName: typeof app.displayName === "string" ? app.displayName : "",
    publicFlows: app.isFallbackPublicClient === true,
    multiTenant: typeof app.signInAudience === "string" && app.signInAudience !== "AzureADMyOrg",
    secrets: recordsIn(app.passwordCredentials).map(({ hint, endDateTime }) => {
      return { hint: textIn(hint), endsAt: timeIn(endDateTime) };
    }),
    certificates: recordsIn(app.keyCredentials).map(({ key, customKeyIdentifier, endDateTime }) => {
      return { key: textIn(key), identifier: textIn(customKeyIdentifier), endsAt: timeIn(endDateTime) };
    }),
  };
}

function recordsIn(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(record) : [];
}

function textIn(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function timeIn(value: unknown): number | null {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
