import type { Json } from "../tenant/types.ts";

/** A client secret ("passwordCredential resource type"). Times are milliseconds UTC. */
export interface PasswordCredential {
  readonly keyId: string;
  readonly displayName: string | null;
  /** Shown once, when it is made. */
  readonly secretText: string;
  readonly startsAt: number;
  /** Infinity: never. */
  readonly endsAt: number;
}

/** A certificate ("keyCredential resource type"). Times are milliseconds UTC. */
export interface KeyCredential {
  readonly keyId: string;
  readonly displayName: string | null;
  readonly type: string;
  readonly usage: string;
  /** The certificate, DER in base64. */
  readonly key: string;
  readonly startsAt: number;
  readonly endsAt: number;
}

/** Trust in another issuer's tokens ("federatedIdentityCredential resource type"). */
export interface FederatedCredential {
  readonly id: string;
  readonly name: string;
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  readonly description: string | null;
  /** When it was written, milliseconds UTC: it is honoured after the replication delay. */
  readonly writtenAt: number;
}

/** What applications and service principals have in common. */
export interface Principal {
  /** Object id. */
  readonly id: string;
  /** Application (client) id. */
  readonly appId: string;
  /** The tenant that holds the object. */
  readonly tenant: string;
  /** Properties in Graph's shape, without ids and credentials. Replaced as a whole, never changed in place. */
  properties: Readonly<Record<string, Json>>;
  passwords: readonly PasswordCredential[];
  keys: readonly KeyCredential[];
}

/** An app registration ("application resource type"). */
export interface Application extends Principal {
  federated: readonly FederatedCredential[];
  /** Client id of the app that created it, for Application.ReadWrite.OwnedBy; null when a person did. */
  readonly createdBy: string | null;
}

/** An app as one tenant knows it ("servicePrincipal resource type"). */
export type ServicePrincipal = Principal & { readonly createdBy: string | null };

/** A role that a principal holds on a resource ("appRoleAssignment resource type"). */
export interface AppRoleAssignment {
  readonly id: string;
  readonly tenant: string;
  readonly principalId: string;
  readonly principalType: "User" | "Group" | "ServicePrincipal";
  readonly resourceId: string;
  readonly appRoleId: string;
  readonly createdAt: number;
  /** When it was granted, as far as the replication delay counts; its creation unless granted without delay. */
  readonly effectiveFrom: number;
  /** Set when it was removed: tokens keep the role until that has spread. */
  removedAt: number | null;
}

/** Delegated permissions that an app has ("oAuth2PermissionGrant resource type"). */
export interface PermissionGrant {
  readonly id: string;
  readonly tenant: string;
  /** Object id of the client's service principal. */
  readonly clientId: string;
  readonly consentType: "AllPrincipals" | "Principal";
  readonly principalId: string | null;
  readonly resourceId: string;
  /** What was granted when; the last one holds. */
  scopes: readonly { readonly scope: string; readonly writtenAt: number }[];
  removed: boolean;
}

/** Reads a text property. */
export function textOf(principal: Principal, name: string): string | null {
  const value = principal.properties[name];
  return typeof value === "string" ? value : null;
}

/** The redirect URIs of one platform: `web`, `publicClient` or `spa`. */
export function redirectUris(application: Application, platform: "web" | "publicClient" | "spa"): readonly string[] {
  const value = application.properties[platform];
  if (value === null || typeof value !== "object" || Array.isArray(value)) return [];
  const uris = (value as Readonly<Record<string, Json>>).redirectUris;
  return Array.isArray(uris) ? uris.map(String) : [];
}

/** Whether people and apps of other tenants may use the application. */
export function isMultiTenant(application: Application): boolean {
  return application.properties.signInAudience !== "AzureADMyOrg";
}
