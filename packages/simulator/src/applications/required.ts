import type { Json } from "../tenant/types.ts";
import { GRAPH_APP_ID, GRAPH_PERMISSIONS, type Permission, permissionId } from "./catalogue.ts";
import type { Application } from "./model.ts";

/** The permissions on Microsoft Graph that a registration lists (`requiredResourceAccess`); unknown ids are left out. */
export function requiredPermissions(application: Application): readonly Permission[] {
  const resources = listOf(application.properties.requiredResourceAccess).filter(
    (resource) => String(resource.resourceAppId).toLowerCase() === GRAPH_APP_ID,
  );
  return resources
    .flatMap((resource) => listOf(resource.resourceAccess))
    .flatMap(({ id, type }) => GRAPH_PERMISSIONS.filter((known) => known.id === id && known.kind === type));
}

/** `requiredResourceAccess` for permissions on Microsoft Graph by name. */
export function requireByName(roles: readonly string[], scopes: readonly string[]): Json {
  const resourceAccess = [
    ...roles.map((value) => ({ id: permissionId("Role", value), type: "Role" })),
    ...scopes.map((value) => ({ id: permissionId("Scope", value), type: "Scope" })),
  ];
  return resourceAccess.length === 0 ? [] : [{ resourceAppId: GRAPH_APP_ID, resourceAccess }];
}

function listOf(value: Json | undefined): readonly Readonly<Record<string, Json>>[] {
  return Array.isArray(value) ? (value as readonly Readonly<Record<string, Json>>[]) : [];
}
