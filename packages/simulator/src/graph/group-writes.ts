import { permits } from "../permissions.ts";
import type { DirectoryObject, Properties } from "../state/objects.ts";
import { holds } from "../state/ordinals.ts";
import type { Json } from "../tenant/types.ts";
import { findObject } from "./collections.ts";
import type { Context } from "./context.ts";
import { contextUrl, renderObject } from "./render.ts";
import { badRequest, denied, type GraphResponse, notFound } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";
import { DEFAULT_SELECT } from "./schema.ts";
import { withoutNulls } from "./user-writes.ts";
import {
  type Body,
  bodyOf,
  checkProperties,
  conflict,
  invalidValue,
  isSynced,
  masteredElsewhere,
  onPremisesMastered,
  referencedId,
  requireProperties,
} from "./validate.ts";

/** Writing groups and their memberships ("Create group", "Update group", "Delete group", "Add members", "Remove member"). */
export const GROUP_WRITES: readonly Endpoint[] = [
  { method: "POST", path: "/groups", rule: "createGroup", cost: 1, handle: createGroup },
  { method: "PATCH", path: "/groups/{group}", rule: "updateOrFillGroup", cost: 1, handle: updateGroup },
  { method: "DELETE", path: "/groups/{group}", rule: "deleteGroup", cost: 1, handle: deleteGroup },
  { method: "POST", path: "/groups/{group}/members/$ref", rule: "writeMembers", cost: 1, handle: addMember },
  {
    method: "DELETE",
    path: "/groups/{group}/members/{member}/$ref",
    rule: "writeMembers",
    cost: 1,
    handle: removeMember,
  },
  { method: "DELETE", path: "/groups/{group}/members/{member}", rule: "none", cost: 1, handle: deleteMemberObject },
];

const NO_CONTENT: GraphResponse = { status: 204 };
const BOUND_MOST = 20; // "Add members": up to 20 references in one PATCH.

function createGroup(context: Context): GraphResponse {
  const body = bodyOf(context.request);
  const properties = withoutNulls(checkProperties("group", body, context.extensions));
  requireProperties("group", body, ["displayName", "mailEnabled", "mailNickname", "securityEnabled"]);
  checkType(properties);
  checkNickname(context, properties, null);
  if (properties.isAssignableToRole === true && !context.roles.has("RoleManagement.ReadWrite.Directory"))
    throw denied();
  const members = boundIn(context, body, properties);
  if (members.length > 0) checkStatic(properties);
  const mail = isUnified(properties) ? `${String(properties.mailNickname)}@${context.tenant.defaultDomain}` : null;
  const group = context.directory.create("group", {
    groupTypes: [],
    ...properties,
    renewedDateTime: `${new Date(context.now).toISOString().slice(0, 19)}Z`,
    ...(mail === null ? {} : { mail, proxyAddresses: [`SMTP:${mail}`], visibility: properties.visibility ?? "Public" }),
  });
  for (const member of members) context.directory.addMember(group, member);
  return {
    status: 201,
    headers: { location: `${context.base}/directoryObjects/${group.id}/Microsoft.DirectoryServices.Group` },
    json: {
      "@odata.context": contextUrl(context, "groups", null, true),
      ...renderObject({ ...context, view: context.directory.current }, group, DEFAULT_SELECT.group),
    },
  };
}

function updateGroup(context: Context, { group: key = "" }: Parameters): GraphResponse {
  const group = findObject(context, "group", key);
  const body = bodyOf(context.request);
  const patch = checkProperties("group", body, context.extensions);
  const patched = { ...group.properties, ...patch };
  const members = boundIn(context, body, patched);
  if (Object.keys(patch).length > 0 && !permits("updateGroup", context.roles)) throw denied();
  if (body["members@odata.bind"] !== undefined && !permits("writeMembers", context.roles)) throw denied();
  checkWritable(group.properties);
  for (const name of ["displayName", "mailEnabled", "mailNickname", "securityEnabled", "groupTypes"]) {
    if (patch[name] === null) throw invalidValue("group", name);
  }
  checkNickname(context, patch, group);
  if (members.length > 0) checkStatic(patched);
  if (members.some((member) => holds(group.members, member.ordinal))) throw alreadyMember();
  context.directory.update(group, patch);
  for (const member of members) context.directory.addMember(group, member);
  return NO_CONTENT;
}

function deleteGroup(context: Context, { group: key = "" }: Parameters): GraphResponse {
  removeGroup(context, findObject(context, "group", key));
  return NO_CONTENT;
}

/**
 * Microsoft 365 groups go to the deleted items; security groups go for good, as "Restore deleted item" says. Newer
 * tenants also keep security groups; the older rule stays here because it is the documented one, and because it lets
 * clients meet both reasons of removal.
 */
function removeGroup(context: Context, group: DirectoryObject): void {
  checkWritable(group.properties);
  if (isUnified(group.properties)) context.directory.softDelete(group);
  else context.directory.purge(group);
}

function addMember(context: Context, { group: key = "" }: Parameters): GraphResponse {
  const group = findObject(context, "group", key);
  const member = findMember(context, referencedId(bodyOf(context.request)["@odata.id"]));
  checkWritable(group.properties);
  checkStatic(group.properties);
  checkMember(group.properties, member, group);
  if (!context.directory.addMember(group, member)) throw alreadyMember();
  return NO_CONTENT;
}

function removeMember(context: Context, { group: key = "", member: id = "" }: Parameters): GraphResponse {
  const group = findObject(context, "group", key);
  const member = findMember(context, id);
  checkWritable(group.properties);
  checkStatic(group.properties);
  if (!context.directory.removeMember(group, member)) throw notFound(id);
  return NO_CONTENT;
}

/** Without `/$ref` the member itself is deleted, if the app may manage that type of object ("Remove member"). */
function deleteMemberObject(context: Context, { group: key = "", member: id = "" }: Parameters): GraphResponse {
  const group = findObject(context, "group", key);
  const member = findMember(context, id);
  if (!holds(group.members, member.ordinal)) throw notFound(id);
  const rule = member.kind === "user" ? "deleteUser" : "deleteGroup";
  // Contacts are read-only in Graph.
  if (member.kind === "orgContact" || !permits("writeMembers", context.roles) || !permits(rule, context.roles))
    throw denied();
  if (member.kind === "user") context.directory.softDelete(member);
  else removeGroup(context, member);
  return NO_CONTENT;
}

function boundIn(context: Context, body: Body, group: Properties): readonly DirectoryObject[] {
  const bound = body["members@odata.bind"];
  if (bound === undefined) return [];
  if (!Array.isArray(bound)) throw badRequest("The value of members@odata.bind must be a collection of references.");
  if (bound.length > BOUND_MOST) {
    throw badRequest(`The number of references in members@odata.bind exceeds the limit of ${BOUND_MOST}.`);
  }
  const members = bound.map((reference: Json) => findMember(context, referencedId(reference)));
  if (new Set(members).size !== members.length) throw alreadyMember();
  for (const member of members) checkMember(group, member, null);
  return members;
}

function findMember(context: Context, id: string): DirectoryObject {
  const object = context.directory.byId(id) ?? context.directory.byUserPrincipalName(id);
  if (object === undefined || !context.view.isLive(object)) throw notFound(id);
  return object;
}

/** Only Microsoft 365 groups and security groups can be managed ("Working with groups in Microsoft Graph"). */
function checkWritable(group: Properties): void {
  if (isSynced(group)) throw onPremisesMastered();
  if (group.mailEnabled === true && !isUnified(group)) throw masteredElsewhere();
}

function checkStatic(group: Properties): void {
  if (Array.isArray(group.groupTypes) && group.groupTypes.includes("DynamicMembership")) {
    throw badRequest("The members of a group with dynamic membership cannot be changed; its rule decides them.");
  }
}

/** Security groups take people and security groups, Microsoft 365 groups only people ("Add members"). */
function checkMember(group: Properties, member: DirectoryObject, self: DirectoryObject | null): void {
  if (member.kind === "user") return;
  // "Add members": a security group takes contacts, a Microsoft 365 group does not.
  if (member.kind === "orgContact" && !isUnified(group) && group.isAssignableToRole !== true) return;
  const nestable =
    member.kind === "group" && member.properties.securityEnabled === true && member.properties.mailEnabled !== true;
  if (!isUnified(group) && nestable && group.isAssignableToRole !== true && member !== self) return;
  throw badRequest("The object that was added as a member is of a type that this group does not accept.");
}

function checkType(properties: Properties): void {
  const { mailEnabled, securityEnabled } = properties;
  if (mailEnabled === true && !isUnified(properties)) {
    throw badRequest(
      "The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set.",
    );
  }
  if (mailEnabled !== true && (isUnified(properties) || securityEnabled !== true))
    throw invalidValue("group", "mailEnabled");
  const dynamic = Array.isArray(properties.groupTypes) && properties.groupTypes.includes("DynamicMembership");
  if (dynamic !== (typeof properties.membershipRule === "string")) throw invalidValue("group", "membershipRule");
}

function checkNickname(context: Context, properties: Properties, self: DirectoryObject | null): void {
  const wanted = properties.mailNickname;
  if (typeof wanted !== "string" || !isUnified({ ...self?.properties, ...properties })) return;
  const taken = context.directory
    .list("group")
    .some(
      (other) =>
        other !== self &&
        context.view.isLive(other) &&
        isUnified(other.properties) &&
        String(other.properties.mailNickname).toLowerCase() === wanted.toLowerCase(),
    );
  if (taken) throw conflict("mailNickname");
}

function isUnified({ groupTypes }: Properties): boolean {
  return Array.isArray(groupTypes) && groupTypes.includes("Unified");
}

function alreadyMember(): Error {
  return badRequest(
    "One or more added object references already exist for the following modified properties: 'members'.",
  );
}
