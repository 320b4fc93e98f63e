import { DIRECTORY_ROLES, type DirectoryRole } from "../signin/directory-roles.ts";
import { uuidFrom } from "../state/identifiers.ts";
import type { Context } from "./context.ts";
import { type PlainRecord, plainEntity, plainPage } from "./plain-list.ts";
import { renderMember } from "./render.ts";
import { notFound } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";

/** Built-in roles and who holds them ("directoryRole resource type", "unifiedRoleAssignment resource type"). */
export const DIRECTORY_ROLE_READS: readonly Endpoint[] = [
  {
    method: "GET",
    path: "/directoryRoles",
    rule: "readRoles",
    cost: 1,
    handle: (c) =>
      plainPage(
        c,
        "directoryRoles",
        DIRECTORY_ROLES.map((role) => render(c, role)),
      ),
  },
  {
    method: "GET",
    path: "/directoryRoles/{role}",
    rule: "readRoles",
    cost: 1,
    handle: (c, p) => plainEntity(c, "directoryRoles", render(c, find(c, p))),
  },
  {
    method: "GET",
    path: "/directoryRoles/{role}/members",
    rule: "readRoles",
    cost: 1,
    handle: (c, p) => plainPage({ ...c, options: { ...c.options, select: null } }, "directoryObjects", members(c, p)),
  },
  {
    method: "GET",
    path: "/roleManagement/directory/roleDefinitions",
    rule: "readRoles",
    cost: 1,
    handle: (c) => plainPage(c, "roleManagement/directory/roleDefinitions", DIRECTORY_ROLES.map(definition)),
  },
  {
    method: "GET",
    path: "/roleManagement/directory/roleAssignments",
    rule: "readRoles",
    cost: 1,
    handle: (c) => plainPage(c, "roleManagement/directory/roleAssignments", assignments(c)),
  },
];

function find(context: Context, { role: key = "" }: Parameters): DirectoryRole {
  const wanted = key.toLowerCase();
  const found = DIRECTORY_ROLES.find(
    (role) => idOf(context, role) === wanted || wanted === `roletemplateid=${role.templateId}`,
  );
  if (found === undefined) throw notFound(key);
  return found;
}

function members(context: Context, parameters: Parameters): readonly PlainRecord[] {
  const { realm, directory, view, options } = context;
  return realm.roles.holdersOf(find(context, parameters).displayName).flatMap((id) => {
    const holder = directory.byId(id);
    return holder !== undefined && view.isLive(holder) ? [renderMember(context, holder, options.select)] : [];
  });
}

function assignments({ realm }: Context): readonly PlainRecord[] {
  return [...realm.roles.all()].flatMap(([principalId, roles]) =>
    DIRECTORY_ROLES.filter(({ displayName }) => roles.has(displayName)).map(({ templateId }) => ({
      id: uuidFrom("role assignment", principalId, templateId),
      principalId,
      directoryScopeId: "/",
      roleDefinitionId: templateId,
    })),
  );
}

function render(context: Context, role: DirectoryRole): PlainRecord {
  const { displayName, templateId } = role;
  return {
    id: idOf(context, role),
    deletedDateTime: null,
    description: displayName,
    displayName,
    roleTemplateId: templateId,
  };
}

function definition({ displayName, templateId }: DirectoryRole): PlainRecord {
  return { id: templateId, description: displayName, displayName, isBuiltIn: true, isEnabled: true, templateId };
}

function idOf({ realm }: Context, { templateId }: DirectoryRole): string {
  return uuidFrom("directory role", realm.profile.id, templateId);
}
