import { GRAPH_APP_ID } from "../applications/catalogue.ts";
import type { AppRoleAssignment } from "../applications/model.ts";
import { findObject } from "./collections.ts";
import type { Context } from "./context.ts";
import { type PlainRecord, plainEntity, plainPage } from "./plain-list.ts";
import { badRequest, denied, type GraphResponse, notFound } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";
import { findPrincipal, rolesOffered } from "./service-principals.ts";
import { bodyOf } from "./validate.ts";

/** The default access of apps without roles. */
const DEFAULT_ROLE = "00000000-0000-0000-0000-000000000000";
const READERS = ["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];

/** Whose assignments a path speaks of, and on which side of them it stands. */
interface Side {
  readonly set: "servicePrincipals" | "users" | "groups";
  readonly name: "appRoleAssignments" | "appRoleAssignedTo";
  readonly end: "principalId" | "resourceId";
}

const SIDES: readonly Side[] = [
  { set: "servicePrincipals", name: "appRoleAssignments", end: "principalId" },
  { set: "servicePrincipals", name: "appRoleAssignedTo", end: "resourceId" },
  { set: "users", name: "appRoleAssignments", end: "principalId" },
  { set: "groups", name: "appRoleAssignments", end: "principalId" },
];

/** Roles that apps, people and groups hold on apps ("appRoleAssignment resource type"). */
export const APP_ROLE_ASSIGNMENTS: readonly Endpoint[] = SIDES.flatMap((side): readonly Endpoint[] => {
  const path = `/${side.set}/{holder}/${side.name}`;
  const read = side.set === "servicePrincipals" ? "readAssignments" : "readUserAssignments";
  const write = "writeAssignments";
  return [
    { method: "GET", path, rule: read, cost: 2, handle: (c, p) => plainPage(c, side.name, listed(c, side, p)) },
    {
      method: "GET",
      path: `${path}/{assignment}`,
      rule: read,
      cost: 1,
      handle: (c, p) => plainEntity(c, side.name, render(c, find(c, side, p))),
    },
    { method: "POST", path, rule: write, cost: 1, handle: (c, p) => create(c, side, p) },
    { method: "DELETE", path: `${path}/{assignment}`, rule: write, cost: 1, handle: (c, p) => remove(c, side, p) },
  ];
});

function listed(context: Context, side: Side, parameters: Parameters): readonly PlainRecord[] {
  const holder = holderOf(context, side, parameters);
  const { identity, realm } = context;
  return identity.applications
    .assignments(realm.profile.id)
    .filter((assignment) => assignment[side.end] === holder)
    .map((assignment) => render(context, assignment));
}

function create(context: Context, side: Side, parameters: Parameters): GraphResponse {
  const { identity, realm, roles } = context;
  if (!READERS.some((reader) => roles.has(reader))) throw denied();
  const holder = holderOf(context, side, parameters);
  const { principalId, resourceId, appRoleId = DEFAULT_ROLE } = bodyOf(context.request);
  if (typeof principalId !== "string" || typeof resourceId !== "string" || typeof appRoleId !== "string") {
    throw badRequest("principalId, resourceId and appRoleId must be specified.");
  }
  const wanted = { principalId: principalId.toLowerCase(), resourceId: resourceId.toLowerCase(), appRoleId };
  if (wanted[side.end] !== holder) throw badRequest(`Property ${side.end} must be the id in the request's address.`);
  const principalType = typeOf(context, wanted.principalId);
  checkRole(context, wanted.resourceId, appRoleId);
  const tenant = realm.profile.id;
  const known = identity.applications
    .assignments(tenant)
    .some(
      (one) =>
        one.principalId === wanted.principalId && one.resourceId === wanted.resourceId && one.appRoleId === appRoleId,
    );
  if (known) throw badRequest("Permission being assigned already exists on the object");
  const made = identity.applications.assign({ tenant, principalType, ...wanted });
  return plainEntity(context, side.name, render(context, made), 201);
}

function checkRole(context: Context, resourceId: string, appRoleId: string): void {
  const resource = findPrincipal(context, resourceId);
  // "Privileged Role Administrator": application permissions of Microsoft Graph are no other administrator's to grant.
  if (context.caller.delegated && resource.appId === GRAPH_APP_ID) {
    const held = context.realm.roles.rolesOf(context.caller.principal);
    if (!held.some((role) => role === "Global Administrator" || role === "Privileged Role Administrator"))
      throw denied();
  }
  const offered = rolesOffered(context, resource);
  if (appRoleId === DEFAULT_ROLE && resource.appId !== GRAPH_APP_ID) return;
  if (offered.some(({ id }) => id === appRoleId)) return;
  throw badRequest("Permission being assigned was not found on application");
}

function remove(context: Context, side: Side, parameters: Parameters): GraphResponse {
  context.identity.applications.unassign(find(context, side, parameters));
  return { status: 204 };
}

function find(context: Context, side: Side, parameters: Parameters): AppRoleAssignment {
  const { assignment = "" } = parameters;
  const holder = holderOf(context, side, parameters);
  const found = context.identity.applications
    .assignments(context.realm.profile.id)
    .find(({ id, ...one }) => id === assignment && one[side.end] === holder);
  if (found === undefined) throw notFound(assignment);
  return found;
}

function holderOf(context: Context, { set }: Side, { holder = "" }: Parameters): string {
  if (set === "servicePrincipals") return findPrincipal(context, holder).id;
  return findObject(context, set === "users" ? "user" : "group", holder).id;
}

function typeOf(context: Context, id: string): AppRoleAssignment["principalType"] {
  const object = context.directory.byId(id);
  if (object !== undefined && context.view.isLive(object)) return object.kind === "user" ? "User" : "Group";
  findPrincipal(context, id);
  return "ServicePrincipal";
}

function render(context: Context, assignment: AppRoleAssignment): PlainRecord {
  return {
    id: assignment.id,
    deletedDateTime: null,
    appRoleId: assignment.appRoleId,
    createdDateTime: new Date(assignment.createdAt).toISOString(),
    principalDisplayName: nameOf(context, assignment.principalId),
    principalId: assignment.principalId,
    principalType: assignment.principalType,
    resourceDisplayName: nameOf(context, assignment.resourceId),
    resourceId: assignment.resourceId,
  };
}

function nameOf({ identity, realm, directory }: Context, id: string): string | null {
  const principal = identity.applications.principals(realm.profile.id).find((one) => one.id === id);
  if (principal !== undefined) return identity.applications.nameOf(principal);
  const name = directory.byId(id)?.properties.displayName;
  return typeof name === "string" ? name : null;
}
