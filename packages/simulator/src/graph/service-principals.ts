import { GRAPH_APP_ID, GRAPH_PERMISSIONS, type Permission } from "../applications/catalogue.ts";
import type { ServicePrincipal } from "../applications/model.ts";
import { isMultiTenant } from "../applications/model.ts";
import type { Json } from "../tenant/types.ts";
import { addKey, addPassword, removeKey, removePassword, renderKey, renderPassword } from "./app-credentials.ts";
import { checkOwned } from "./app-rights.ts";
import type { Context } from "./context.ts";
import { type PlainRecord, plainCount, plainEntity, plainPage } from "./plain-list.ts";
import { badRequest, denied, GraphError, type GraphResponse, notFound } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";
import { bodyOf } from "./validate.ts";

const SET = "servicePrincipals";

/** Apps as the tenant knows them ("servicePrincipal resource type"). */
export const SERVICE_PRINCIPALS: readonly Endpoint[] = [
  {
    method: "GET",
    path: "/servicePrincipals",
    rule: "readApplications",
    cost: 1,
    handle: (c) => plainPage(c, SET, all(c)),
  },
  {
    method: "GET",
    path: "/servicePrincipals/$count",
    rule: "readApplications",
    cost: 1,
    handle: (c) => plainCount(c, all(c)),
  },
  {
    method: "GET",
    path: "/servicePrincipals/{principal}",
    rule: "readApplications",
    cost: 1,
    handle: (c, p) => plainEntity(c, SET, render(c, findPrincipal(c, p.principal ?? ""))),
  },
  { method: "POST", path: "/servicePrincipals", rule: "writeApplications", cost: 1, handle: create },
  { method: "PATCH", path: "/servicePrincipals/{principal}", rule: "writeApplications", cost: 1, handle: update },
  { method: "DELETE", path: "/servicePrincipals/{principal}", rule: "writeApplications", cost: 1, handle: remove },
  ...(
    [
      ["addPassword", addPassword],
      ["removePassword", removePassword],
      ["addKey", addKey],
      ["removeKey", removeKey],
    ] as const
  ).map(
    ([name, act]): Endpoint => ({
      method: "POST",
      path: `/servicePrincipals/{principal}/${name}`,
      rule: "writeApplications",
      cost: 1,
      handle: (c, p) => act(c, writable(c, p)),
    }),
  ),
];

const WRITABLE = new Set(
  "accountEnabled appRoleAssignmentRequired description displayName homepage loginUrl logoutUrl notes notificationEmailAddresses preferredSingleSignOnMode tags tokenEncryptionKeyId alternativeNames replyUrls servicePrincipalNames customSecurityAttributes".split(
    " ",
  ),
);

/** A service principal of this tenant by object id or `appId=…`. Refuses with 404. */
export function findPrincipal({ identity, realm }: Context, key: string): ServicePrincipal {
  const wanted = key.toLowerCase();
  identity.applications.graphOf(realm.profile.id);
  const found = identity.applications
    .principals(realm.profile.id)
    .find(({ id, appId }) => id === wanted || wanted === `appid=${appId}`);
  if (found === undefined) throw notFound(key);
  return found;
}

/** App roles that a service principal offers, by id; those of Microsoft Graph are its application permissions. */
export function rolesOffered({ identity }: Context, principal: ServicePrincipal): readonly PlainRecord[] {
  if (principal.appId === GRAPH_APP_ID) return GRAPH_PERMISSIONS.filter(({ kind }) => kind === "Role").map(asRole);
  const roles = identity.applications.byClientId(principal.appId)?.properties.appRoles;
  return Array.isArray(roles) ? (roles as readonly PlainRecord[]) : [];
}

function all(context: Context): readonly PlainRecord[] {
  const { identity, realm } = context;
  identity.applications.graphOf(realm.profile.id);
  return identity.applications.principals(realm.profile.id).map((principal) => render(context, principal));
}

function create(context: Context): GraphResponse {
  const { identity, realm, caller } = context;
  const { appId, ...more } = bodyOf(context.request);
  const tenant = realm.profile.id;
  const application = typeof appId === "string" ? identity.applications.byClientId(appId) : undefined;
  if (application === undefined || (application.tenant !== tenant && !isMultiTenant(application))) {
    const message = `The appId '${String(appId)}' of the service principal does not reference a valid application object.`;
    throw badRequest(message, [{ code: "NoBackingApplicationObject", message }]);
  }
  if (identity.applications.principalOf(tenant, application.appId) !== undefined) {
    throw new GraphError(
      409,
      "Request_MultipleObjectsWithSameKeyValue",
      `The service principal cannot be created, updated, or restored because the service principal name ${application.appId} is already in use.`,
    );
  }
  const principal = identity.applications.provision(application, tenant, {
    createdBy: caller.delegated ? null : caller.client,
    properties: checked(more),
  });
  return plainEntity(context, SET, render(context, principal), 201);
}

function update(context: Context, parameters: Parameters): GraphResponse {
  const principal = writable(context, parameters);
  principal.properties = { ...principal.properties, ...checked(bodyOf(context.request)) };
  return { status: 204 };
}

function remove(context: Context, parameters: Parameters): GraphResponse {
  context.identity.applications.removePrincipal(writable(context, parameters));
  return { status: 204 };
}

function writable(context: Context, { principal = "" }: Parameters): ServicePrincipal {
  const found = findPrincipal(context, principal);
  checkOwned(context, found);
  if (found.appId === GRAPH_APP_ID) throw denied();
  return found;
}

function checked(body: PlainRecord): PlainRecord {
  for (const name of Object.keys(body)) {
    if (name.startsWith("@") || WRITABLE.has(name)) continue;
    throw badRequest(`Property '${name}' does not exist or is read-only on type 'microsoft.graph.servicePrincipal'.`);
  }
  return Object.fromEntries(Object.entries(body).filter(([name]) => !name.startsWith("@")));
}

function render(context: Context, principal: ServicePrincipal): PlainRecord {
  const { identity } = context;
  const application = identity.applications.byClientId(principal.appId);
  const isGraph = principal.appId === GRAPH_APP_ID;
  const displayName = identity.applications.nameOf(principal);
  const web = application?.properties.web as { readonly redirectUris?: Json } | undefined;
  return {
    id: principal.id,
    deletedDateTime: null,
    appDescription: null,
    appDisplayName: isGraph ? displayName : ((application?.properties.displayName as Json | undefined) ?? null),
    appId: principal.appId,
    applicationTemplateId: null,
    appOwnerOrganizationId: application?.tenant ?? null,
    description: null,
    disabledByMicrosoftStatus: null,
    displayName,
    homepage: null,
    loginUrl: null,
    logoutUrl: null,
    notes: null,
    notificationEmailAddresses: [],
    preferredSingleSignOnMode: null,
    preferredTokenSigningKeyThumbprint: null,
    replyUrls: web?.redirectUris ?? [],
    servicePrincipalNames: [principal.appId],
    signInAudience: application?.properties.signInAudience ?? null,
    tokenEncryptionKeyId: null,
    addIns: [],
    alternativeNames: [],
    info: { termsOfServiceUrl: null, supportUrl: null, privacyStatementUrl: null, marketingUrl: null, logoUrl: null },
    resourceSpecificApplicationPermissions: [],
    verifiedPublisher: { displayName: null, verifiedPublisherId: null, addedDateTime: null },
    ...principal.properties,
    appRoles: rolesOffered(context, principal),
    keyCredentials: principal.keys.map((key) => renderKey(key, false)),
    oauth2PermissionScopes: isGraph ? GRAPH_PERMISSIONS.filter(({ kind }) => kind === "Scope").map(asScope) : [],
    passwordCredentials: principal.passwords.map((password) => renderPassword(password)),
  };
}

function asRole({ id, value }: Permission): PlainRecord {
  return {
    allowedMemberTypes: ["Application"],
    description: `${value}, without a signed-in user.`,
    displayName: value,
    id,
    isEnabled: true,
    origin: "Application",
    value,
  };
}

function asScope({ id, value, userConsent }: Permission): PlainRecord {
  return {
    adminConsentDescription: `${value}, on behalf of the signed-in user.`,
    adminConsentDisplayName: value,
    id,
    isEnabled: true,
    type: userConsent ? "User" : "Admin",
    userConsentDescription: `${value}, on your behalf.`,
    userConsentDisplayName: value,
    value,
  };
}
