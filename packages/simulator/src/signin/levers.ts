import { newPassword } from "../applications/applications.ts";
import { scopeNamed } from "../applications/catalogue.ts";
import type { Application, FederatedCredential, ServicePrincipal } from "../applications/model.ts";
import { requireByName } from "../applications/required.ts";
import type { Json } from "../tenant/types.ts";
import type { AccountChange, AccountView } from "./accounts.ts";
import { readCertificate } from "./assertion.ts";
import { DIRECTORY_ROLES } from "./directory-roles.ts";
import type { Identity } from "./identity.ts";
import { CONDITIONAL_ACCESS, type ConditionalAccess, type Realm } from "./realm.ts";

/** An app that a test wants; everything may be left out. */
export interface AppWish {
  readonly displayName?: string;
  /** Tenant id of its home; the first tenant unless given. */
  readonly tenant?: string;
  readonly multiTenant?: boolean;
  /** Whether public client flows are allowed: device code, passwords. */
  readonly publicFlows?: boolean;
  readonly web?: readonly string[];
  readonly publicClient?: readonly string[];
  readonly spa?: readonly string[];
  /** Permissions of Microsoft Graph that the registration lists. */
  readonly roles?: readonly string[];
  readonly scopes?: readonly string[];
  /** Whether an administrator of its home has consented to them; true unless given. */
  readonly consented?: boolean;
  /** One client secret with this text. */
  readonly secret?: string;
  /** One certificate, PEM. */
  readonly certificate?: string;
  readonly federated?: Pick<FederatedCredential, "issuer" | "subject"> & { readonly audience?: string };
}

/** What is told of an app: never a secret. */
export interface AppView {
  readonly client: string;
  readonly application: string;
  readonly tenant: string;
  readonly displayName: string;
  readonly secrets: readonly CredentialView[];
  readonly certificates: readonly CredentialView[];
}

interface CredentialView {
  readonly keyId: string;
  /** Milliseconds UTC; null: never. */
  readonly endsAt: number | null;
}

/** Changes of an app by a lever; each acts at once. */
export interface AppChange {
  readonly publicFlows?: boolean;
  readonly multiTenant?: boolean;
  /** Redirect URIs by platform, in place of those registered. */
  readonly web?: readonly string[];
  readonly publicClient?: readonly string[];
  readonly spa?: readonly string[];
  /** Disables or enables the service principal of `tenant`. */
  readonly enabled?: boolean;
  readonly assignmentRequired?: boolean;
  /** Grants what the registration lists, or takes all permissions away. */
  readonly consented?: boolean;
  /** Application permissions in tokens. */
  readonly roles?: readonly string[];
  /** The tenant meant; the app's home unless given. */
  readonly tenant?: string;
}

/** The levers on apps, accounts, consent and policies: what administrators and Microsoft do, without their pages. */
export class IdentityControl {
  readonly #identity: Identity;
  readonly #first: string;

  constructor(identity: Identity, first: string) {
    this.#identity = identity;
    this.#first = first;
  }

  addApp(wish: AppWish = {}): AppView {
    const { applications } = this.#identity;
    const { roles = [], scopes = [] } = wish;
    for (const scope of scopes)
      if (scopeNamed(scope) === undefined) throw new Error(`Graph has no delegated permission ${scope}.`);
    const tenant = this.#realm(wish.tenant).profile.id;
    const application = applications.register({
      tenant,
      properties: {
        displayName: wish.displayName ?? "Test app",
        signInAudience: wish.multiTenant === true ? "AzureADMultipleOrgs" : "AzureADMyOrg",
        isFallbackPublicClient: wish.publicFlows === true,
        web: { redirectUris: wish.web ?? [] },
        publicClient: { redirectUris: wish.publicClient ?? [] },
        spa: { redirectUris: wish.spa ?? [] },
        requiredResourceAccess: requireByName(roles, scopes),
      },
      createdBy: null,
    });
    const principal = applications.provision(application, tenant);
    if (wish.consented !== false) {
      for (const role of roles) applications.grantRole(principal, role, true);
      if (scopes.length > 0) applications.grantScopes(principal, null, scopes, true);
    }
    if (wish.secret !== undefined) this.addSecret(application.appId, { value: wish.secret });
    if (wish.certificate !== undefined) this.addCertificate(application.appId, wish.certificate);
    if (wish.federated !== undefined) this.trust(application.appId, wish.federated);
    return viewOf(application);
  }

  apps(): readonly AppView[] {
    const { applications, realms } = this.#identity;
    return realms.flatMap(({ profile }) => applications.applications(profile.id)).map(viewOf);
  }

  changeApp(client: string, change: AppChange): void {
    const { applications } = this.#identity;
    const application = this.#application(client);
    const tenant = this.#realm(change.tenant ?? application.tenant).profile.id;
    const properties: Record<string, Json> = { ...application.properties };
    if (change.publicFlows !== undefined) properties.isFallbackPublicClient = change.publicFlows;
    if (change.multiTenant !== undefined) {
      properties.signInAudience = change.multiTenant ? "AzureADMultipleOrgs" : "AzureADMyOrg";
    }
    for (const platform of ["web", "publicClient", "spa"] as const) {
      const uris = change[platform];
      if (uris !== undefined) properties[platform] = { redirectUris: uris };
    }
    application.properties = properties;
    if (change.consented === true) applications.consent(application, tenant, null);
    const principal = applications.principalOf(tenant, application.appId);
    if (principal === undefined) return;
    if (change.consented === false) applications.withdrawConsent(principal);
    if (change.roles !== undefined) applications.setRoles(principal, change.roles);
    if (change.enabled !== undefined) set(principal, "accountEnabled", change.enabled);
    if (change.assignmentRequired !== undefined) set(principal, "appRoleAssignmentRequired", change.assignmentRequired);
  }

  removeApp(client: string): void {
    this.#identity.applications.removeApplication(this.#application(client));
  }

  addSecret(
    client: string,
    secret: { readonly value: string; readonly expiresAt?: number; readonly startsAt?: number },
  ): void {
    const application = this.#application(client);
    const { value: secretText, expiresAt: endsAt = Number.POSITIVE_INFINITY, startsAt = 0 } = secret;
    application.passwords = [
      ...application.passwords,
      newPassword({ displayName: null, secretText, startsAt, endsAt }),
    ];
  }

  /** Registers a certificate, PEM or DER in base64. Its own end is the credential's unless `expiresAt` is earlier. */
  addCertificate(client: string, certificate: string, expiresAt: number = Number.POSITIVE_INFINITY): void {
    const application = this.#application(client);
    const base64 = certificate.replace(/-----(BEGIN|END) CERTIFICATE-----|\s/g, "");
    const read = readCertificate(base64);
    if (read === null) throw new Error("That is no X.509 certificate, neither PEM nor DER in base64.");
    const key = {
      keyId: crypto.randomUUID(),
      displayName: null,
      type: "AsymmetricX509Cert",
      usage: "Verify",
      key: read.x509.raw.toString("base64"),
      startsAt: Date.parse(read.x509.validFrom),
      endsAt: Math.min(expiresAt, Date.parse(read.x509.validTo)),
    };
    application.keys = [...application.keys, key];
  }

  /** Trusts another issuer's tokens in place of a secret. */
  trust(
    client: string,
    { issuer, subject, audience = "api://AzureADTokenExchange" }: NonNullable<AppWish["federated"]>,
  ): void {
    const application = this.#application(client);
    const id = crypto.randomUUID();
    const credential: FederatedCredential = {
      id,
      name: `trust-${application.federated.length + 1}`,
      issuer,
      subject,
      audiences: [audience],
      description: null,
      writtenAt: Number.NEGATIVE_INFINITY,
    };
    application.federated = [...application.federated, credential];
  }

  /** Expires, at this time in milliseconds UTC, or removes (null) one credential, or all of an app. */
  endCredentials(client: string, at: number | null, keyId?: string): void {
    const application = this.#application(client);
    const end = <T extends { readonly keyId: string; readonly endsAt: number }>(list: readonly T[]): readonly T[] =>
      list.flatMap((one) => {
        if (keyId !== undefined && one.keyId !== keyId) return [one];
        return at === null ? [] : [{ ...one, endsAt: at }];
      });
    application.passwords = end(application.passwords);
    application.keys = end(application.keys);
    if (at === null && keyId === undefined) application.federated = [];
  }

  /** People who can sign in, administrators first; their passwords are worth nothing outside of the simulator. */
  people(tenant?: string, limit = 20): readonly AccountView[] {
    const realm = this.#realm(tenant);
    const administrators = DIRECTORY_ROLES.flatMap(({ displayName }) => realm.roles.holdersOf(displayName));
    const others = realm.directory.list("user").map(({ id }) => id);
    const ids = [...new Set([...administrators, ...others])];
    return ids.slice(0, limit).flatMap((id) => this.person(id, tenant) ?? []);
  }

  /** One person by user name or object id; undefined when there is none. */
  person(key: string, tenant?: string): AccountView | undefined {
    const { accounts, roles } = this.#realm(tenant);
    const user = accounts.find(key);
    if (user === undefined) return undefined;
    const { id } = user;
    return {
      id,
      userPrincipalName: String(user.properties.userPrincipalName),
      password: accounts.passwordOf(id),
      mfaCode: accounts.mfaCodeOf(id),
      mfa: accounts.mfaOf(id),
      roles: roles.rolesOf(id),
    };
  }

  /** The first holder of a directory role. Throws when nobody has it. */
  administrator(role = "Global Administrator", tenant?: string): AccountView {
    const [id] = this.#realm(tenant).roles.holdersOf(role);
    const found = id === undefined ? undefined : this.person(id, tenant);
    if (found === undefined) throw new Error(`Nobody holds the role ${role}.`);
    return found;
  }

  changePerson(key: string, change: AccountChange & { readonly roles?: readonly string[] }, tenant?: string): void {
    const realm = this.#realm(tenant);
    const user = realm.accounts.find(key);
    if (user === undefined) throw new Error(`There is no person ${key}.`);
    this.#identity.changeAccount(realm, user.id, change);
    if (change.roles !== undefined) realm.roles.set(user.id, change.roles);
  }

  /** Revokes what a person, or an app given by client id, has: continuous access evaluation challenges its tokens. */
  revoke(who: { readonly client?: string; readonly person?: string; readonly tenant?: string }): void {
    const realm = this.#realm(who.tenant);
    if (who.person !== undefined) {
      const user = realm.accounts.find(who.person);
      if (user === undefined) throw new Error(`There is no person ${who.person}.`);
      this.#identity.revokeSessions(user.id);
    }
    if (who.client === undefined) return;
    const principal = this.#identity.applications.principalOf(realm.profile.id, who.client);
    if (principal === undefined) throw new Error(`The tenant has no app ${who.client}.`);
    this.#identity.revocations.revoke(principal.id);
    this.#identity.sessions.endClient(principal.appId);
  }

  setConditionalAccess(policy: ConditionalAccess, tenant?: string): void {
    if (!CONDITIONAL_ACCESS.includes(policy)) {
      throw new Error(`There is no policy ${String(policy)}. There are: ${CONDITIONAL_ACCESS.join(", ")}.`);
    }
    this.#realm(tenant).conditionalAccess = policy;
  }

  /** Has a verified domain hand its people's sign-in to another provider (AD FS, say), or no longer. */
  setFederated(domain: string, federated: boolean, tenant?: string): void {
    this.#realm(tenant).accounts.federate(domain, federated);
  }

  /** Whether people may consent to permissions that need no administrator. */
  setUserConsent(allowed: boolean, tenant?: string): void {
    this.#realm(tenant).userConsent = allowed;
  }

  setReplicationDelay(milliseconds: number): void {
    if (!(milliseconds >= 0)) throw new Error("A delay is a number of milliseconds, 0 or more.");
    this.#identity.applications.delayMs = milliseconds;
  }

  /** Tenants of other clouds: the cloud by tenant id or domain. */
  setOtherClouds(clouds: Readonly<Record<string, string>>): void {
    this.#identity.otherClouds.clear();
    for (const [name, cloud] of Object.entries(clouds)) this.#identity.otherClouds.set(name.toLowerCase(), cloud);
  }

  /** Makes the next token requests fail with this AADSTS number. */
  failSignIns(number: number, times = 1): void {
    if (!Number.isInteger(number) || !Number.isInteger(times) || times < 1)
      throw new Error("number and times must be whole numbers.");
    this.#identity.failures.push({ number, times });
  }

  /** Seconds between the polls of devices that start from now on. */
  setDeviceInterval(seconds: number): void {
    if (!(seconds > 0)) throw new Error("An interval is a number of seconds above 0.");
    this.#identity.deviceInterval = seconds;
  }

  #realm(tenant: string | undefined): Realm {
    const { realms } = this.#identity;
    const realm = tenant === undefined ? realms[0] : this.#identity.realm(tenant.toLowerCase());
    if (realm === undefined)
      throw new Error(
        `There is no tenant ${String(tenant)}. There are: ${realms.map(({ profile }) => profile.id).join(", ")}.`,
      );
    return realm;
  }

  #application(client: string): Application {
    const application = this.#identity.applications.byClientId(client === "" ? this.#first : client);
    if (application === undefined) throw new Error(`There is no app ${client}.`);
    return application;
  }
}

function set(principal: ServicePrincipal, name: string, value: Json): void {
  principal.properties = { ...principal.properties, [name]: value };
}

function viewOf(application: Application): AppView {
  const credential = ({ keyId, endsAt }: { readonly keyId: string; readonly endsAt: number }): CredentialView => ({
    keyId,
    endsAt: Number.isFinite(endsAt) ? endsAt : null,
  });
  return {
    client: application.appId,
    application: application.id,
    tenant: application.tenant,
    displayName: String(application.properties.displayName ?? ""),
    secrets: application.passwords.map(credential),
    certificates: application.keys.map(credential),
  };
}
