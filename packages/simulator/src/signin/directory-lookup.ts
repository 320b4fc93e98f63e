import type { Application, ServicePrincipal } from "../applications/model.ts";
import { isMultiTenant, textOf } from "../applications/model.ts";
import type { Client } from "./client-auth.ts";
import { SignInError } from "./errors.ts";
import type { Identity } from "./identity.ts";
import { isNamed, type Realm } from "./realm.ts";

/** Names that stand for no tenant of their own. */
export const SHARED_NAMES: ReadonlySet<string> = new Set(["common", "organizations", "consumers"]);

/** Finds the tenant of an id or verified domain. Throws 90002, or what another cloud's tenant is answered with. */
export function realmNamed(identity: Identity, name: string, confidential = false): Realm {
  const realm = identity.realms.find((candidate) => isNamed(candidate, name));
  if (realm !== undefined) return realm;
  const cloud = identity.otherClouds.get(name.toLowerCase());
  if (cloud !== undefined) {
    if (confidential) throw new SignInError(900432, "Confidential Client is not supported in Cross Cloud request.");
    throw new SignInError(
      90038,
      `Specified tenant '${name}' belongs to the National Cloud '${cloud}'. Current cloud instance 'microsoftonline.com' does not federate with '${cloud}'.`,
    );
  }
  throw new SignInError(
    90002,
    `Tenant '${name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
  );
}

/** The tenant whose domain a user name has; undefined when no tenant here has it. */
export function realmOfUser(identity: Identity, userName: string): Realm | undefined {
  const domain = userName.split("@")[1] ?? "";
  return identity.realms.find((realm) => isNamed(realm, domain));
}

/** The app as a tenant knows it, enabled. Throws 700016 or 7000112. */
export function clientIn(identity: Identity, realm: Realm, clientId: string): Client {
  const application = registration(identity, realm, clientId);
  const principal = identity.applications.principalOf(realm.profile.id, application.appId);
  if (principal === undefined) throw notFound(realm, clientId);
  checkEnabled(application, principal);
  return { application, principal };
}

/** The app behind a client id, installed in the tenant when a consent there may still do so. */
export function clientForConsent(
  identity: Identity,
  realm: Realm,
  clientId: string,
): { readonly application: Application; readonly principal: ServicePrincipal | undefined } {
  const application = registration(identity, realm, clientId);
  const principal = identity.applications.principalOf(realm.profile.id, application.appId);
  if (principal === undefined && !isMultiTenant(application)) throw notFound(realm, clientId);
  if (principal !== undefined) checkEnabled(application, principal);
  return { application, principal };
}

/** Refuses single-tenant apps where no tenant is named. */
export function checkShared(application: Application, name: string): void {
  if (!SHARED_NAMES.has(name) || isMultiTenant(application)) return;
  throw new SignInError(
    50194,
    `Application '${application.appId}'(${textOf(application, "displayName") ?? ""}) is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such applications created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant.`,
  );
}

function registration(identity: Identity, realm: Realm, clientId: string): Application {
  const application = identity.applications.byClientId(clientId);
  if (application === undefined || (application.tenant !== realm.profile.id && !isMultiTenant(application))) {
    throw notFound(realm, clientId);
  }
  return application;
}

function checkEnabled(application: Application, principal: ServicePrincipal): void {
  const registered = application.properties.isDisabled !== true;
  if (registered && principal.properties.accountEnabled !== false) return;
  throw new SignInError(
    7000112,
    `Application '${application.appId}'(${textOf(application, "displayName") ?? ""}) is disabled.`,
  );
}

function notFound({ profile }: Realm, clientId: string): SignInError {
  return new SignInError(
    700016,
    `Application with identifier '${clientId}' was not found in the directory '${String(profile.organization.displayName ?? profile.id)}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
  );
}
