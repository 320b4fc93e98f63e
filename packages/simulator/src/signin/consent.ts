import type { Applications } from "../applications/applications.ts";
import { type Permission, scopeNamed } from "../applications/catalogue.ts";
import { requiredPermissions } from "../applications/required.ts";
import type { Client } from "./client-auth.ts";
import { SignInError } from "./errors.ts";
import type { Realm } from "./realm.ts";
import type { DelegatedScopes } from "./scopes.ts";

const CONSENT_TO_ALL = ["Global Administrator", "Privileged Role Administrator"];
const CONSENT_TO_SCOPES = [...CONSENT_TO_ALL, "Cloud Application Administrator", "Application Administrator"];

/** Permissions that a request asks for and that nobody has granted for this person yet. */
export function missingConsent(
  applications: Applications,
  { application, principal }: Client,
  person: string,
  scopes: DelegatedScopes,
): readonly Permission[] {
  const granted = applications.scopesOf(principal, person);
  if (scopes.everything) {
    if (granted.size > 0) return [];
    const required = requiredPermissions(application).filter(({ kind }) => kind === "Scope");
    if (required.length === 0) throw nothingRequired(application.appId);
    return required;
  }
  const wanted = [...(granted.size === 0 ? scopes.openid : []), ...scopes.graph];
  return wanted.filter((name) => !granted.has(name)).flatMap((name) => scopeNamed(name) ?? []);
}

/** What a person's token carries: everything that was granted, and the OpenID scopes asked for. */
export function grantedScopes(
  applications: Applications,
  { principal }: Client,
  person: string,
  scopes: DelegatedScopes,
): readonly string[] {
  const openid = [...scopes.openid].filter((name) => name !== "offline_access");
  const granted = [...applications.scopesOf(principal, person)].filter((name) => name !== "offline_access");
  return [...new Set([...granted, ...openid])];
}

/** Whether a person may consent, for themselves or, with `everyone`, for the tenant ("Grant tenant-wide admin consent"). */
export function mayConsent(
  realm: Realm,
  person: string,
  permissions: readonly Permission[],
  everyone: boolean,
): boolean {
  const roles = realm.roles.rolesOf(person);
  const appRoles = permissions.some(({ kind }) => kind === "Role");
  const suffices = appRoles ? CONSENT_TO_ALL : CONSENT_TO_SCOPES;
  if (roles.some((role) => suffices.includes(role))) return true;
  return !everyone && realm.userConsent && permissions.every(({ userConsent }) => userConsent);
}

/** Nobody has consented, and there is no page to ask on. */
export function notConsented({ application, principal }: Client, applications: Applications): SignInError {
  return new SignInError(
    65001,
    `The user or administrator has not consented to use the application with ID '${application.appId}' named '${applications.nameOf(principal)}'. Send an interactive authorization request for this user and resource.`,
  );
}

function nothingRequired(client: string): SignInError {
  return new SignInError(
    650056,
    `Misconfigured application. This could be due to one of the following: the client has not listed any permissions for 'Microsoft Graph' in the requested permissions in the client's application registration. Or, the admin has not consented in the tenant. Client app ID: ${client}.`,
  );
}
