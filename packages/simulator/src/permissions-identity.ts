const DIRECTORY_READ = ["Directory.Read.All", "Directory.ReadWrite.All"];
const WRITE_APPLICATIONS = ["Application.ReadWrite.OwnedBy", "Application.ReadWrite.All", "Directory.ReadWrite.All"];

/** Name of one of the rules for apps, their credentials and consent. */
export type IdentityRule =
  | "readApplications"
  | "writeApplications"
  | "readAssignments"
  | "readUserAssignments"
  | "writeAssignments"
  | "readGrants"
  | "writeGrants"
  | "readRoles";

/** Permissions for apps, their credentials and consent ("Microsoft Graph permissions reference"). Any one opens. */
export const IDENTITY_RULES: Readonly<Record<IdentityRule, readonly string[]>> = {
  readApplications: [
    "Application.Read.All",
    "Application.ReadWrite.OwnedBy",
    "Application.ReadWrite.All",
    "Directory.Read.All",
  ],
  writeApplications: WRITE_APPLICATIONS,
  readAssignments: [
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    ...DIRECTORY_READ,
  ],
  readUserAssignments: ["AppRoleAssignment.ReadWrite.All", ...DIRECTORY_READ],
  // With it, "Grant an appRoleAssignment" needs a permission to read applications; the operation checks that.
  writeAssignments: ["AppRoleAssignment.ReadWrite.All"],
  readGrants: ["DelegatedPermissionGrant.ReadWrite.All", ...DIRECTORY_READ],
  writeGrants: ["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"],
  readRoles: ["RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", ...DIRECTORY_READ],
};
