import type { TenantWriter } from "../tenant/churn.ts";
import type { TenantUser } from "../tenant/churn-people.ts";
import type { GraphGroup, Json } from "../tenant/types.ts";
import type { Directory } from "./directory.ts";
import { type DirectoryObject, isLive, type Kind } from "./objects.ts";

/** The directory as churn changes it: through the same writes as Graph's own, so delta shows them. */
export function tenantWriter(directory: Directory): TenantWriter {
  const living = (kind: Kind, id: string): DirectoryObject => {
    const object = directory.byId(id);
    if (object === undefined || object.kind !== kind || !isLive(object)) throw new Error(`There is no ${kind} ${id}.`);
    return object;
  };
  const member = (id: string): DirectoryObject => directory.byId(id) ?? living("user", id);
  return {
    userSlots: () => directory.list("user").length,
    userAt: (slot) => documentOf(directory.list("user")[slot]),
    user: (id) => documentOf(directory.byId(id)),
    deletedUsers: () => [...directory.deletedItems()].filter(({ kind }) => kind === "user").map(({ id }) => id),
    managerOf: (id) => living("user", id).manager?.id ?? null,
    hasReports: (id) => living("user", id).reports.length > 0,
    groupsOf: (id) =>
      living("user", id)
        .memberOf.flatMap((ordinal) => directory.at(ordinal) ?? [])
        .map((group): GraphGroup & { readonly id: string } => ({ ...group.properties, id: group.id })),
    isNameTaken: (name) => directory.byUserPrincipalName(name) !== undefined,
    createUser: ({ id: _, ...properties }) => directory.create("user", definedOnly(properties)).id,
    updateUser: (id, changes) => {
      directory.update(living("user", id), changes);
    },
    deleteUser: (id) => directory.softDelete(living("user", id)),
    restoreUser: (id) => {
      const user = directory.byId(id);
      const name = user?.kept?.userPrincipalName ?? null;
      if (user === undefined || user.deletedAt === null) return false;
      if (name !== null && directory.byUserPrincipalName(name) !== undefined) return false;
      directory.restore(user);
      return true;
    },
    addMember: (group, id) => {
      directory.addMember(living("group", group), member(id));
    },
    removeMember: (group, id) => {
      directory.removeMember(living("group", group), member(id));
    },
    setManager: (id, manager) => {
      directory.setManager(living("user", id), manager === null ? null : living("user", manager));
    },
  };
}

function documentOf(object: DirectoryObject | undefined): TenantUser | undefined {
  if (object === undefined || object.kind !== "user" || !isLive(object)) return undefined;
  return { ...object.properties, id: object.id };
}

function definedOnly(properties: Readonly<Record<string, Json | undefined>>): Record<string, Json> {
  const defined: Record<string, Json> = {};
  for (const [name, value] of Object.entries(properties))
    if (value !== undefined && value !== null) defined[name] = value;
  return defined;
}
