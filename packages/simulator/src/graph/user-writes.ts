import type { DirectoryObject } from "../state/objects.ts";
import type { Json } from "../tenant/types.ts";
import { findObject } from "./collections.ts";
import type { Context } from "./context.ts";
import { contextUrl, renderObject } from "./render.ts";
import { badRequest, denied, type GraphResponse, notFound } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";
import { DEFAULT_SELECT, isExtension } from "./schema.ts";
import {
  bodyOf,
  checkProperties,
  checkUserName,
  conflict,
  invalidValue,
  isSynced,
  onPremisesMastered,
  referencedId,
  requireProperties,
} from "./validate.ts";

/** Writing people ("Create user", "Update user", "Delete user", "Assign manager", "Remove manager"). */
export const USER_WRITES: readonly Endpoint[] = [
  { method: "POST", path: "/users", rule: "createUser", cost: 1, handle: createUser },
  { method: "PATCH", path: "/users/{user}", rule: "updateUser", cost: 1, handle: updateUser },
  { method: "DELETE", path: "/users/{user}", rule: "deleteUser", cost: 1, handle: deleteUser },
  { method: "PUT", path: "/users/{user}/manager/$ref", rule: "writeManager", cost: 1, handle: assignManager },
  { method: "DELETE", path: "/users/{user}/manager/$ref", rule: "writeManager", cost: 1, handle: removeManager },
  {
    method: "POST",
    path: "/users/{user}/revokeSignInSessions",
    rule: "revokeSessions",
    cost: 1,
    handle: revokeSessions,
  },
];

const NO_CONTENT: GraphResponse = { status: 204 };

/** Cloud properties of a synced person; all others are mastered on-premises. */
const CLOUD_MASTERED: ReadonlySet<string> = new Set(
  (
    "accountEnabled ageGroup consentProvidedForMinor employeeHireDate employeeLeaveDateTime passwordPolicies " +
    "passwordProfile preferredDataLocation showInAddressList usageLocation"
  ).split(" "),
);

/** What the narrow permissions may write; User.ReadWrite.All writes all but the password ("Working with users"). */
const NARROW: Readonly<Record<string, readonly string[]>> = {
  "User.EnableDisableAccount.All": ["accountEnabled"],
  "User-PasswordProfile.ReadWrite.All": ["passwordProfile"],
  "User-Phone.ReadWrite.All": ["businessPhones", "mobilePhone", "faxNumber"],
  "User-Mail.ReadWrite.All": ["otherMails"],
  "User.ManageIdentities.All": ["identities"],
};
const WIDE = ["User.ReadWrite.All", "User.ReadWrite.CrossCloud", "Directory.ReadWrite.All"];

function createUser(context: Context): GraphResponse {
  const body = bodyOf(context.request);
  const properties = checkProperties("user", body, context.extensions);
  const local = Array.isArray(body.identities) && body.identities.length > 0;
  requireProperties(
    "user",
    body,
    local ? ["displayName"] : ["accountEnabled", "displayName", "mailNickname", "userPrincipalName"],
  );
  const { passwordProfile, ...stored } = properties;
  checkPassword(passwordProfile ?? null);
  // Local accounts without a user name get one that the service makes up.
  const name = stored.userPrincipalName ?? `${context.directory.nextId("user")}@${context.tenant.defaultDomain}`;
  checkUserName(String(name), context.tenant.domains);
  if (context.directory.byUserPrincipalName(String(name)) !== undefined) throw conflict("userPrincipalName");
  const user = context.directory.create("user", {
    accountEnabled: true,
    userType: "Member",
    ...withoutNulls(stored),
    userPrincipalName: name,
    ...(typeof stored.mail === "string" ? { proxyAddresses: [`SMTP:${stored.mail}`] } : {}),
    lastPasswordChangeDateTime: timestamp(context.now),
  });
  setPassword(context, user.id, passwordProfile ?? null);
  return {
    status: 201,
    headers: { location: `${context.base}/directoryObjects/${user.id}/Microsoft.DirectoryServices.User` },
    json: {
      "@odata.context": contextUrl(context, "users", null, true),
      ...renderObject({ ...context, view: context.directory.current }, user, DEFAULT_SELECT.user),
    },
  };
}

function updateUser(context: Context, { user: key = "" }: Parameters): GraphResponse {
  const user = findObject(context, "user", key);
  const properties = checkProperties("user", bodyOf(context.request), context.extensions);
  checkRights(context.roles, Object.keys(properties));
  if (
    isSynced(user.properties) &&
    Object.keys(properties).some((name) => !CLOUD_MASTERED.has(name) && !isExtension(name))
  ) {
    throw onPremisesMastered();
  }
  const { passwordProfile, ...patch } = properties;
  for (const name of ["accountEnabled", "displayName", "mailNickname", "userPrincipalName"]) {
    if (patch[name] === null) throw invalidValue("user", name);
  }
  if (typeof patch.userPrincipalName === "string") checkRename(context, user, patch.userPrincipalName);
  if (typeof patch.mail === "string") patch.proxyAddresses = addressesWith(user, patch.mail);
  if (passwordProfile !== undefined) {
    checkPassword(passwordProfile);
    patch.lastPasswordChangeDateTime = timestamp(context.now);
    setPassword(context, user.id, passwordProfile);
  }
  context.directory.update(user, patch);
  return NO_CONTENT;
}

function checkRename(context: Context, user: DirectoryObject, name: string): void {
  checkUserName(name, context.tenant.domains);
  const taken = context.directory.byUserPrincipalName(name);
  if (taken !== undefined && taken !== user) throw conflict("userPrincipalName");
}

function checkRights(roles: ReadonlySet<string>, names: readonly string[]): void {
  const wide = WIDE.some((role) => roles.has(role));
  for (const name of names) {
    const narrow = Object.entries(NARROW).some(([role, written]) => roles.has(role) && written.includes(name));
    if (!narrow && (!wide || name === "passwordProfile")) throw denied();
  }
}

function checkPassword(profile: Json): void {
  const password =
    profile !== null && typeof profile === "object" && !Array.isArray(profile)
      ? (profile as Readonly<Record<string, Json>>).password
      : undefined;
  if (typeof password !== "string") throw badRequest("A password must be specified to create a new user.");
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/].filter((kind) => kind.test(password)).length;
  if (password.length >= 8 && password.length <= 256 && kinds >= 3) return;
  const message =
    "The specified password does not comply with password complexity requirements. Please provide a different password.";
  throw badRequest(message, [{ code: "PasswordComplexity", target: "password", message }]);
}

/** The new password signs in from now on, or must first be changed. */
function setPassword({ identity, realm }: Context, person: string, profile: Json): void {
  const { password, forceChangePasswordNextSignIn: force } = profile as Readonly<Record<string, Json>>;
  if (typeof password !== "string") return;
  identity.changeAccount(realm, person, { password, expired: force === true });
}

function deleteUser(context: Context, { user: key = "" }: Parameters): GraphResponse {
  context.directory.softDelete(findObject(context, "user", key));
  return NO_CONTENT;
}

function assignManager(context: Context, { user: key = "" }: Parameters): GraphResponse {
  const user = findObject(context, "user", key);
  const manager = findObject(context, "user", referencedId(bodyOf(context.request)["@odata.id"]));
  if (isSynced(user.properties)) throw onPremisesMastered();
  if (manager === user) throw badRequest("A user cannot be their own manager.");
  context.directory.setManager(user, manager);
  return NO_CONTENT;
}

function removeManager(context: Context, { user: key = "" }: Parameters): GraphResponse {
  const user = findObject(context, "user", key);
  if (isSynced(user.properties)) throw onPremisesMastered();
  if (!context.directory.setManager(user, null)) throw notFound("manager");
  return NO_CONTENT;
}

function revokeSessions(context: Context, { user: key = "" }: Parameters): GraphResponse {
  const user = findObject(context, "user", key);
  context.directory.update(user, { signInSessionsValidFromDateTime: timestamp(context.now) });
  context.identity.revokeSessions(user.id);
  return { status: 200, json: { "@odata.context": `${context.base}/$metadata#Edm.Boolean`, value: true } };
}

function addressesWith(user: DirectoryObject, mail: string): Json {
  const old = Array.isArray(user.properties.proxyAddresses) ? user.properties.proxyAddresses.map(String) : [];
  const kept = old.filter((address) => address.toLowerCase() !== `smtp:${mail.toLowerCase()}`);
  return [`SMTP:${mail}`, ...kept.map((address) => address.replace(/^SMTP:/, "smtp:"))];
}

/** A created object has never set what was sent as null. */
export function withoutNulls(properties: Readonly<Record<string, Json>>): Record<string, Json> {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== null));
}

function timestamp(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19)}Z`;
}
