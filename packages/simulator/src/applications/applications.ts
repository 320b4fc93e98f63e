import { createHash, randomUUID } from "node:crypto";
import { uuidFrom } from "../state/identifiers.ts";
import type { Json } from "../tenant/types.ts";
import { GRAPH_APP_ID, GRAPH_PERMISSIONS, permissionId } from "./catalogue.ts";
import {
  type Application,
  type AppRoleAssignment,
  isMultiTenant,
  type PasswordCredential,
  type PermissionGrant,
  type Principal,
  type ServicePrincipal,
  textOf,
} from "./model.ts";
import { requiredPermissions } from "./required.ts";

/** How a registration begins; everything else is Graph's default. */
export interface NewApplication {
  readonly id?: string;
  readonly appId?: string;
  /** Home tenant. */
  readonly tenant: string;
  readonly properties: Readonly<Record<string, Json>>;
  readonly createdBy: string | null;
}

/** Everything that {@link Applications} holds, as JSON can: times that never come or always were are null. */
export interface SavedApplications {
  readonly applications: readonly Application[];
  readonly principals: readonly ServicePrincipal[];
  readonly assignments: readonly AppRoleAssignment[];
  readonly grants: readonly PermissionGrant[];
  readonly invented: readonly (readonly [id: string, name: string])[];
}

/**
 * All app registrations of all tenants, their service principals, role assignments and delegated grants. Nothing here
 * knows HTTP or permissions. What is granted or taken away shows in Graph at once and in tokens after `delayMs`.
 */
export class Applications {
  /** Replication delay of role assignments, grants and federated credentials in milliseconds. */
  delayMs = 0;
  /** Told when a role was assigned or taken away. */
  onChange: (() => void) | null = null;
  readonly #clock: () => number;
  readonly #applications = new Map<string, Application>();
  readonly #principals = new Map<string, ServicePrincipal>();
  /** Names of roles that tests made up, by id. */
  readonly #invented = new Map<string, string>();
  #assignments: AppRoleAssignment[] = [];
  #grants: PermissionGrant[] = [];

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Registrations of a tenant, in the order of their making. */
  applications(tenant: string): readonly Application[] {
    return [...this.#applications.values()].filter((application) => application.tenant === tenant);
  }

  /** A registration by client id, wherever its home is. */
  byClientId(appId: string): Application | undefined {
    const wanted = appId.toLowerCase();
    return [...this.#applications.values()].find((application) => application.appId === wanted);
  }

  principals(tenant: string): readonly ServicePrincipal[] {
    return [...this.#principals.values()].filter((principal) => principal.tenant === tenant);
  }

  /** The service principal of an app in a tenant. */
  principalOf(tenant: string, appId: string): ServicePrincipal | undefined {
    const wanted = appId.toLowerCase();
    return [...this.#principals.values()].find(
      (principal) => principal.tenant === tenant && principal.appId === wanted,
    );
  }

  /** Microsoft Graph itself, which every tenant has. */
  graphOf(tenant: string): ServicePrincipal {
    return this.principalOf(tenant, GRAPH_APP_ID) ?? this.#makeGraph(tenant);
  }

  register(from: NewApplication): Application {
    const application: Application = {
      id: from.id ?? randomUUID(),
      appId: (from.appId ?? randomUUID()).toLowerCase(),
      tenant: from.tenant,
      properties: { createdDateTime: new Date(this.#clock()).toISOString(), ...from.properties },
      passwords: [],
      keys: [],
      federated: [],
      createdBy: from.createdBy,
    };
    this.#applications.set(application.id, application);
    return application;
  }

  /** Makes the service principal of an app in a tenant, which must not have it yet. */
  provision(application: Application, tenant: string, more: Partial<ServicePrincipal> = {}): ServicePrincipal {
    const principal: ServicePrincipal = {
      id: more.id ?? randomUUID(),
      appId: application.appId,
      tenant,
      properties: {
        accountEnabled: true,
        appRoleAssignmentRequired: false,
        servicePrincipalType: "Application",
        tags: [],
        ...more.properties,
      },
      passwords: [],
      keys: [],
      createdBy: more.createdBy ?? null,
    };
    this.#principals.set(principal.id, principal);
    return principal;
  }

  /** Deletes a registration with its home tenant's service principal. */
  removeApplication(application: Application): void {
    this.#applications.delete(application.id);
    const principal = this.principalOf(application.tenant, application.appId);
    if (principal !== undefined) this.removePrincipal(principal);
  }

  removePrincipal(principal: ServicePrincipal): void {
    this.#principals.delete(principal.id);
    this.#assignments = this.#assignments.filter(
      ({ principalId, resourceId }) => principalId !== principal.id && resourceId !== principal.id,
    );
    this.#grants = this.#grants.filter(({ clientId }) => clientId !== principal.id);
  }

  /** Assignments that Graph shows. */
  assignments(tenant: string): readonly AppRoleAssignment[] {
    return this.#assignments.filter((assignment) => assignment.tenant === tenant && assignment.removedAt === null);
  }

  /** Assigns a role; `atOnce` leaves the replication delay out. */
  assign(
    assignment: Pick<AppRoleAssignment, "tenant" | "principalId" | "principalType" | "resourceId" | "appRoleId">,
    atOnce = false,
  ): AppRoleAssignment {
    const now = this.#clock();
    const made: AppRoleAssignment = {
      ...assignment,
      id: keyOf(randomUUID()),
      createdAt: now,
      effectiveFrom: atOnce ? Number.NEGATIVE_INFINITY : now,
      removedAt: null,
    };
    this.#forget(now);
    this.#assignments.push(made);
    if (made.principalType === "ServicePrincipal") this.onChange?.();
    return made;
  }

  unassign(assignment: AppRoleAssignment): void {
    assignment.removedAt = this.#clock();
    this.#forget(assignment.removedAt);
    this.onChange?.();
  }

  /** Application permissions in Graph tokens of an app, in the order of their granting. */
  rolesOf(principal: ServicePrincipal): readonly string[] {
    const now = this.#clock();
    const graph = this.graphOf(principal.tenant).id;
    const held = this.#assignments.filter(
      ({ principalId, resourceId, effectiveFrom, removedAt }) =>
        principalId === principal.id &&
        resourceId === graph &&
        effectiveFrom + this.delayMs <= now &&
        (removedAt === null || removedAt + this.delayMs > now),
    );
    return [...new Set(held.map(({ appRoleId }) => this.#roleName(appRoleId)))];
  }

  /** Gives an app exactly these application permissions on Graph, at once and in this order. */
  setRoles(principal: ServicePrincipal, roles: readonly string[]): void {
    const graph = this.graphOf(principal.tenant);
    this.#assignments = this.#assignments.filter(
      ({ principalId, resourceId }) => principalId !== principal.id || resourceId !== graph.id,
    );
    const told = this.onChange;
    this.onChange = null;
    for (const role of roles) this.grantRole(principal, role, true);
    this.onChange = told;
    told?.();
  }

  /** Assigns a role of Graph by name, unless the app has it. */
  grantRole(principal: ServicePrincipal, role: string, atOnce = false): void {
    const appRoleId = permissionId("Role", role);
    if (!GRAPH_PERMISSIONS.some(({ id }) => id === appRoleId)) this.#invented.set(appRoleId, role);
    const { tenant, id: principalId } = principal;
    const resourceId = this.graphOf(tenant).id;
    const held = this.assignments(tenant).some(
      (held) => held.principalId === principalId && held.resourceId === resourceId && held.appRoleId === appRoleId,
    );
    if (!held) this.assign({ tenant, principalId, principalType: "ServicePrincipal", resourceId, appRoleId }, atOnce);
  }

  grants(tenant: string): readonly PermissionGrant[] {
    return this.#grants.filter((grant) => grant.tenant === tenant && !grant.removed);
  }

  /** Adds delegated scopes to the grant of an app for one person, or for everyone when `principalId` is null. */
  grantScopes(
    principal: ServicePrincipal,
    principalId: string | null,
    scopes: readonly string[],
    atOnce = false,
  ): void {
    const { tenant, id: clientId } = principal;
    const resourceId = this.graphOf(tenant).id;
    const known = this.grants(tenant).find((grant) => grant.clientId === clientId && grant.principalId === principalId);
    const grant = known ?? this.addGrant({ tenant, clientId, principalId, resourceId });
    const held = scopesIn(grant);
    this.writeGrant(grant, [...new Set([...held, ...scopes])].join(" "), atOnce);
  }

  addGrant(from: Pick<PermissionGrant, "tenant" | "clientId" | "principalId" | "resourceId">): PermissionGrant {
    const consentType = from.principalId === null ? "AllPrincipals" : "Principal";
    const grant: PermissionGrant = { ...from, id: keyOf(randomUUID()), consentType, scopes: [], removed: false };
    this.#grants.push(grant);
    return grant;
  }

  writeGrant(grant: PermissionGrant, scope: string, atOnce = false): void {
    const writtenAt = atOnce ? Number.NEGATIVE_INFINITY : this.#clock();
    grant.scopes = [...grant.scopes, { scope, writtenAt }];
  }

  removeGrant(grant: PermissionGrant): void {
    this.writeGrant(grant, "");
    grant.removed = true;
  }

  /** Takes every permission of an app in a tenant away, at once: nobody ever consented. */
  withdrawConsent(principal: ServicePrincipal): void {
    this.setRoles(principal, []);
    this.#grants = this.#grants.filter(({ clientId }) => clientId !== principal.id);
  }

  /** Delegated permissions on Graph that hold for a person now. */
  scopesOf(principal: ServicePrincipal, person: string): ReadonlySet<string> {
    const now = this.#clock();
    const held = new Set<string>();
    for (const grant of this.#grants) {
      if (grant.clientId !== principal.id) continue;
      if (grant.principalId !== null && grant.principalId !== person) continue;
      const spread = grant.scopes.filter(({ writtenAt }) => writtenAt + this.delayMs <= now);
      for (const scope of (spread[spread.length - 1]?.scope ?? "").split(" ")) if (scope !== "") held.add(scope);
    }
    return held;
  }

  /**
   * An administrator's consent for the whole tenant: makes the service principal where it is missing, and grants what
   * the registration lists, or just the delegated scopes given.
   */
  consent(application: Application, tenant: string, scopes: readonly string[] | null): ServicePrincipal {
    const principal = this.principalOf(tenant, application.appId) ?? this.provision(application, tenant);
    const required = requiredPermissions(application);
    if (scopes === null) for (const { kind, value } of required) if (kind === "Role") this.grantRole(principal, value);
    const wanted = scopes ?? required.filter(({ kind }) => kind === "Scope").map(({ value }) => value);
    if (wanted.length > 0) this.grantScopes(principal, null, wanted);
    return principal;
  }

  /** Whether a tenant's people and the app itself can sign in to it there at all. */
  isInstalled(application: Application, tenant: string): boolean {
    if (application.tenant !== tenant && !isMultiTenant(application)) return false;
    return this.principalOf(tenant, application.appId) !== undefined;
  }

  /** The display name that people see. */
  nameOf(principal: ServicePrincipal): string {
    const application = this.byClientId(principal.appId);
    return textOf(principal, "displayName") ?? (application && textOf(application, "displayName")) ?? principal.appId;
  }

  save(): SavedApplications {
    return {
      applications: [...this.#applications.values()].map((application) => ({ ...application })),
      principals: [...this.#principals.values()].map((principal) => ({ ...principal })),
      assignments: this.#assignments.map((assignment) => ({ ...assignment })),
      grants: this.#grants.map((grant) => ({ ...grant })),
      invented: [...this.#invented],
    };
  }

  /** Takes up what `save` gave and JSON carried. */
  load(saved: SavedApplications): void {
    for (const application of saved.applications) {
      const federated = application.federated.map((one) => ({ ...one, writtenAt: orAlways(one.writtenAt) }));
      this.#applications.set(application.id, { ...application, ...credentialsOf(application), federated });
    }
    for (const principal of saved.principals) {
      this.#principals.set(principal.id, { ...principal, ...credentialsOf(principal) });
    }
    this.#assignments = saved.assignments.map((one) => ({ ...one, effectiveFrom: orAlways(one.effectiveFrom) }));
    this.#grants = saved.grants.map((grant) => ({
      ...grant,
      scopes: grant.scopes.map(({ scope, writtenAt }) => ({ scope, writtenAt: orAlways(writtenAt) })),
    }));
    for (const [id, name] of saved.invented) this.#invented.set(id, name);
  }

  #roleName(id: string): string {
    return GRAPH_PERMISSIONS.find((known) => known.id === id)?.value ?? this.#invented.get(id) ?? id;
  }

  /** Removed assignments whose removal has spread are of no use to anyone. */
  #forget(now: number): void {
    this.#assignments = this.#assignments.filter(
      ({ removedAt }) => removedAt === null || removedAt + this.delayMs > now,
    );
  }

  #makeGraph(tenant: string): ServicePrincipal {
    const principal: ServicePrincipal = {
      id: uuidFrom("microsoft graph", tenant),
      appId: GRAPH_APP_ID,
      tenant,
      properties: {
        accountEnabled: true,
        appRoleAssignmentRequired: false,
        displayName: "Microsoft Graph",
        appOwnerOrganizationId: "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
        servicePrincipalType: "Application",
        servicePrincipalNames: [GRAPH_APP_ID, "https://graph.microsoft.com"],
        signInAudience: "AzureADMultipleOrgs",
        tags: [],
      },
      passwords: [],
      keys: [],
      createdBy: null,
    };
    this.#principals.set(principal.id, principal);
    return principal;
  }
}

/** JSON has no infinity: a time of null has always been. */
function orAlways(time: number | null): number {
  return time ?? Number.NEGATIVE_INFINITY;
}

function credentialsOf({ passwords, keys }: Principal): Pick<Principal, "passwords" | "keys"> {
  const ends = <T extends { readonly endsAt: number | null }>(one: T): T & { readonly endsAt: number } => ({
    ...one,
    endsAt: one.endsAt ?? Number.POSITIVE_INFINITY,
  });
  return { passwords: passwords.map(ends), keys: keys.map(ends) };
}

/** Delegated scopes of a grant as Graph shows them. */
export function scopesIn(grant: PermissionGrant): readonly string[] {
  return (grant.scopes[grant.scopes.length - 1]?.scope ?? "").split(" ").filter((scope) => scope !== "");
}

/** A new client secret; its text is shown to whoever made it and never again. */
export function newPassword(from: {
  readonly displayName: string | null;
  readonly startsAt: number;
  readonly endsAt: number;
  readonly secretText?: string;
}): PasswordCredential {
  const { secretText = `sim8Q~${keyOf(randomUUID()).slice(0, 34)}` } = from;
  return { ...from, secretText, keyId: randomUUID() };
}

/** Ids of edges: 43 characters, as Graph's are. */
function keyOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
