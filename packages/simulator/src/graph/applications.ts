import type { Application } from "../applications/model.ts";
import type { Json } from "../tenant/types.ts";
import {
  addKey,
  addPassword,
  keysFrom,
  passwordFrom,
  removeKey,
  removePassword,
  renderKey,
  renderPassword,
} from "./app-credentials.ts";
import { checkOwned } from "./app-rights.ts";
import type { Context } from "./context.ts";
import { type PlainRecord, plainCount, plainEntity, plainPage } from "./plain-list.ts";
import { badRequest, type GraphResponse, notFound } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";
import { type Body, bodyOf } from "./validate.ts";

const SET = "applications";

/** App registrations ("application resource type"). */
export const APPLICATIONS: readonly Endpoint[] = [
  { method: "GET", path: "/applications", rule: "readApplications", cost: 2, handle: (c) => plainPage(c, SET, all(c)) },
  {
    method: "GET",
    path: "/applications/$count",
    rule: "readApplications",
    cost: 2,
    handle: (c) => plainCount(c, all(c)),
  },
  {
    method: "GET",
    path: "/applications/{app}",
    rule: "readApplications",
    cost: 1,
    handle: (c, p) => plainEntity(c, SET, render(c, find(c, p), c.options.select?.includes("keyCredentials") === true)),
  },
  { method: "POST", path: "/applications", rule: "writeApplications", cost: 1, handle: create },
  { method: "PATCH", path: "/applications/{app}", rule: "writeApplications", cost: 1, handle: update },
  { method: "DELETE", path: "/applications/{app}", rule: "writeApplications", cost: 1, handle: remove },
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
      path: `/applications/{app}/${name}`,
      rule: "writeApplications",
      cost: 1,
      handle: (c, p) => act(c, writable(c, p)),
    }),
  ),
];

/** What a client may write, beside credentials. */
const WRITABLE = new Set(
  (
    "addIns api appRoles description displayName groupMembershipClaims identifierUris info isDeviceOnlyAuthSupported " +
    "isFallbackPublicClient isDisabled notes optionalClaims parentalControlSettings publicClient requiredResourceAccess " +
    "serviceManagementReference signInAudience spa tags tokenEncryptionKeyId uniqueName web"
  ).split(" "),
);
const AUDIENCES = new Set([
  "AzureADMyOrg",
  "AzureADMultipleOrgs",
  "AzureADandPersonalMicrosoftAccount",
  "PersonalMicrosoftAccount",
]);

/** An application by object id or `appId=…`. Refuses with 404. */
export function find({ identity, realm }: Context, { app = "" }: Parameters): Application {
  const key = app.toLowerCase();
  const found = identity.applications
    .applications(realm.profile.id)
    .find(({ id, appId }) => id === key || key === `appid=${appId}`);
  if (found === undefined) throw notFound(app);
  return found;
}

/** An application that the caller may change. */
export function writable(context: Context, parameters: Parameters): Application {
  const application = find(context, parameters);
  checkOwned(context, application);
  return application;
}

function all(context: Context): readonly PlainRecord[] {
  const { identity, realm } = context;
  return identity.applications.applications(realm.profile.id).map((application) => render(context, application, false));
}

function create(context: Context): GraphResponse {
  const body = bodyOf(context.request);
  if (typeof body.displayName !== "string" || body.displayName === "") {
    throw badRequest("A value is required for property 'displayName' of resource 'Application'.");
  }
  const properties = checked(body);
  const application = context.identity.applications.register({
    tenant: context.realm.profile.id,
    properties,
    createdBy: context.caller.delegated ? null : context.caller.client,
  });
  if (Array.isArray(body.passwordCredentials)) {
    application.passwords = body.passwordCredentials.map((given: Json) =>
      passwordFrom((given ?? {}) as Body, context.now),
    );
  }
  if (body.keyCredentials !== undefined) application.keys = keysFrom(application, body.keyCredentials);
  const record = {
    ...render(context, application, false),
    passwordCredentials: application.passwords.map((password) => renderPassword(password, true)),
  };
  return plainEntity(context, SET, record, 201);
}

function update(context: Context, parameters: Parameters): GraphResponse {
  const application = writable(context, parameters);
  const body = bodyOf(context.request);
  const properties = checked(body);
  if (body.keyCredentials !== undefined) application.keys = keysFrom(application, body.keyCredentials);
  const merged: Record<string, Json> = { ...application.properties };
  for (const [name, value] of Object.entries(properties)) merged[name] = mergedValue(merged[name] ?? null, value);
  application.properties = merged;
  return { status: 204 };
}

function remove(context: Context, parameters: Parameters): GraphResponse {
  context.identity.applications.removeApplication(writable(context, parameters));
  return { status: 204 };
}

/** A complex property is written member by member, collections as a whole. */
function mergedValue(before: Json, after: Json): Json {
  const isObject = (value: Json): boolean => value !== null && typeof value === "object" && !Array.isArray(value);
  return isObject(before) && isObject(after) ? { ...(before as object), ...(after as object) } : after;
}

function checked(body: Body): Body {
  const properties: Record<string, Json> = {};
  for (const [name, value] of Object.entries(body)) {
    if (name.startsWith("@") || name === "passwordCredentials" || name === "keyCredentials") continue;
    if (!WRITABLE.has(name)) {
      throw badRequest(`Property '${name}' does not exist or is read-only on type 'microsoft.graph.application'.`);
    }
    properties[name] = value;
  }
  if (properties.signInAudience !== undefined && !AUDIENCES.has(String(properties.signInAudience))) {
    throw badRequest("Invalid value specified for property 'signInAudience' of resource 'Application'.");
  }
  return properties;
}

function render({ tenant }: Context, application: Application, withKeys: boolean): PlainRecord {
  const { id, appId, properties, passwords, keys } = application;
  const initial = tenant.domains.find((domain) => domain.endsWith(".onmicrosoft.com")) ?? tenant.defaultDomain;
  const platforms = properties as Readonly<Record<string, Readonly<Record<string, Json>> | undefined>>;
  return {
    id,
    deletedDateTime: null,
    isFallbackPublicClient: null,
    appId,
    applicationTemplateId: null,
    identifierUris: [],
    disabledByMicrosoftStatus: null,
    isDeviceOnlyAuthSupported: null,
    groupMembershipClaims: null,
    optionalClaims: null,
    addIns: [],
    publisherDomain: initial,
    signInAudience: "AzureADMyOrg",
    tags: [],
    tokenEncryptionKeyId: null,
    appRoles: [],
    requiredResourceAccess: [],
    ...properties,
    api: {
      requestedAccessTokenVersion: null,
      acceptMappedClaims: null,
      knownClientApplications: [],
      oauth2PermissionScopes: [],
      preAuthorizedApplications: [],
      ...platforms.api,
    },
    publicClient: { redirectUris: [], ...platforms.publicClient },
    spa: { redirectUris: [], ...platforms.spa },
    info: {
      termsOfServiceUrl: null,
      supportUrl: null,
      privacyStatementUrl: null,
      marketingUrl: null,
      logoUrl: null,
      ...platforms.info,
    },
    keyCredentials: keys.map((key) => renderKey(key, withKeys)),
    parentalControlSettings: { countriesBlockedForMinors: [], legalAgeGroupRule: "Allow" },
    passwordCredentials: passwords.map((password) => renderPassword(password)),
    web: {
      redirectUris: [],
      homePageUrl: null,
      logoutUrl: null,
      implicitGrantSettings: { enableIdTokenIssuance: false, enableAccessTokenIssuance: false },
      ...platforms.web,
    },
  };
}
