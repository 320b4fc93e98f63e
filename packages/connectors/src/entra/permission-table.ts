export type Endpoint =
  | "GET /organization"
  | "GET /users"
  | "GET /users/{id}/manager"
  | "GET /users/delta"
  | "GET /groups"
  | "GET /groups/{id}/members"
  | "GET /groups/delta"
  | "GET /applications"
  | "GET /servicePrincipals"
  | "GET /servicePrincipals/{id}/appRoleAssignedTo"
  | "GET /auditLogs/signIns"
  | "GET /identity/conditionalAccess/policies"
  | "GET /identityGovernance/accessReviews/definitions"
  | "GET /contacts/delta"
  | "GET /users/{id}/photo"
  | "GET /subscribedSkus";

interface Permissions {
  readonly application: readonly string[];
  readonly delegated: readonly string[];
}

/**
 * Which permissions open an endpoint, the least ones first; any one of them does ("Microsoft Graph permissions
 * reference"). Made by `node tools/permissions.ts`; do not edit.
 */
export const ENDPOINTS: Readonly<Record<Endpoint, Permissions>> = {
  "GET /organization": {
    application: [
      "DeviceManagementServiceConfig.Read.All",
      "DeviceManagementConfiguration.Read.All",
      "DeviceManagementConfiguration.ReadWrite.All",
      "DeviceManagementServiceConfig.ReadWrite.All",
      "Directory.Read.All",
      "Directory.ReadWrite.All",
      "Organization.Read.All",
      "Organization.ReadWrite.All",
      "User.Read.All",
    ],
    delegated: [
      "DeviceManagementServiceConfig.Read.All",
      "DeviceManagementConfiguration.Read.All",
      "DeviceManagementConfiguration.ReadWrite.All",
      "DeviceManagementServiceConfig.ReadWrite.All",
      "Directory.Read.All",
      "Directory.ReadWrite.All",
      "Organization.Read.All",
      "Organization.ReadWrite.All",
      "User.Read",
      "User.Read.All",
    ],
  },
  "GET /users": {
    application: [
      "User.ReadBasic.All",
      "User.ReadWrite.All",
      "AgentIdUser.ReadWrite.All",
      "AgentIdUser.ReadWrite.IdentityParentedBy",
      "DeviceManagementApps.Read.All",
      "DeviceManagementApps.ReadWrite.All",
      "DeviceManagementConfiguration.Read.All",
      "DeviceManagementConfiguration.ReadWrite.All",
      "DeviceManagementManagedDevices.Read.All",
      "DeviceManagementManagedDevices.ReadWrite.All",
      "DeviceManagementServiceConfig.Read.All",
      "DeviceManagementServiceConfig.ReadWrite.All",
      "Directory.Read.All",
      "Directory.ReadWrite.All",
      "User.Read.All",
      "User.ReadWrite.CrossCloud",
    ],
    delegated: [
      "User.ReadBasic.All",
      "User.ReadWrite.All",
      "AgentIdUser.ReadWrite.All",
      "AgentIdUser.ReadWrite.IdentityParentedBy",
      "DeviceManagementApps.Read.All",
      "DeviceManagementApps.ReadWrite.All",
      "DeviceManagementConfiguration.Read.All",
      "DeviceManagementConfiguration.ReadWrite.All",
      "DeviceManagementManagedDevices.Read.All",
      "DeviceManagementManagedDevices.ReadWrite.All",
      "DeviceManagementServiceConfig.Read.All",
      "DeviceManagementServiceConfig.ReadWrite.All",
      "Directory.Read.All",
      "Directory.ReadWrite.All",
      "User.Read.All",
    ],
  },
  "GET /users/{id}/manager": {
    application: [
      "User.Read.All",
      "User.ReadWrite.All",
      "AgentIdUser.ReadWrite.All",
      "AgentIdUser.ReadWrite.IdentityParentedBy",
      "Directory.Read.All",
      "Directory.ReadWrite.All",
    ],
    delegated: [
      "User.Read.All",
      "User.ReadWrite.All",
      "AgentIdUser.ReadWrite.All",
      "AgentIdUser.ReadWrite.IdentityParentedBy",
      "Directory.Read.All",
      "Directory.ReadWrite.All",
    ],
  },
  "GET /users/delta": {
    application: [
      "User.Read.All",
      "AgentIdUser.ReadWrite.All",
      "AgentIdUser.ReadWrite.IdentityParentedBy",
      "Directory.Read.All",
      "Directory.ReadWrite.All",
      "User.ReadWrite.All",
    ],
    delegated: [
      "User.Read.All",
      "AgentIdUser.ReadWrite.All",
      "AgentIdUser.ReadWrite.IdentityParentedBy",
      "Directory.Read.All",
      "Directory.ReadWrite.All",
      "User.ReadWrite.All",
    ],
  },
  "GET /groups": {
    application: [
      "Group-NestingSupport.ReadWrite.All",
      "Group.ReadBasic.All",
      "Directory.Read.All",
      "Directory.ReadWrite.All",
      "Group-PreferredDataLocation.ReadWrite.All",
      "Group.ManageProtection.All",
      "Group.Read.All",
      "Group.ReadWrite.All",
      "GroupMember.Read.All",
    ],
    delegated: [
      "Group-NestingSupport.ReadWrite.All",
      "Group.ReadBasic.All",
      "Directory.Read.All",
      "Directory.ReadWrite.All",
      "Group-PreferredDataLocation.ReadWrite.All",
      "Group.ManageProtection.All",
      "Group.Read.All",
      "Group.ReadWrite.All",
      "GroupMember.Read.All",
    ],
  },
  "GET /groups/{id}/members": {
    application: [
      "GroupMember.ReadBasic.All",
      "Directory.Read.All",
      "Group.Read.All",
      "Group.ReadBasic.All",
      "Group.ReadWrite.All",
      "GroupMember.Read.All",
      "GroupMember.ReadWrite.All",
    ],
    delegated: [
      "GroupMember.ReadBasic.All",
      "Directory.Read.All",
      "Group.Read.All",
      "Group.ReadBasic.All",
      "Group.ReadWrite.All",
      "GroupMember.Read.All",
      "GroupMember.ReadWrite.All",
    ],
  },
  "GET /groups/delta": {
    application: [
      "Group-NestingSupport.ReadWrite.All",
      "Group.ReadBasic.All",
      "Directory.Read.All",
      "Directory.ReadWrite.All",
      "Group.Read.All",
      "Group.ReadWrite.All",
      "GroupMember.Read.All",
    ],
    delegated: [
      "Group-NestingSupport.ReadWrite.All",
      "Group.ReadBasic.All",
      "Directory.Read.All",
      "Directory.ReadWrite.All",
      "Group.Read.All",
      "Group.ReadWrite.All",
      "GroupMember.Read.All",
    ],
  },
  "GET /applications": {
    application: [
      "Application.Read.All",
      "Application.ReadWrite.OwnedBy",
      "Application.ReadWrite.All",
      "Directory.Read.All",
    ],
    delegated: ["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
  },
  "GET /servicePrincipals": {
    application: [
      "Application.Read.All",
      "Application.ReadWrite.OwnedBy",
      "Application.ReadWrite.All",
      "Directory.Read.All",
    ],
    delegated: ["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
  },
  "GET /servicePrincipals/{id}/appRoleAssignedTo": {
    application: [
      "Application.Read.All",
      "Application.ReadWrite.All",
      "Application.ReadWrite.OwnedBy",
      "Directory.Read.All",
      "Directory.ReadWrite.All",
    ],
    delegated: ["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
  },
  "GET /auditLogs/signIns": { application: ["AuditLog.Read.All"], delegated: ["AuditLog.Read.All"] },
  "GET /identity/conditionalAccess/policies": { application: ["Policy.Read.All"], delegated: ["Policy.Read.All"] },
  "GET /identityGovernance/accessReviews/definitions": {
    application: ["AccessReview.Read.All", "AccessReview.ReadWrite.All"],
    delegated: ["AccessReview.Read.All", "AccessReview.ReadWrite.All"],
  },
  "GET /contacts/delta": {
    application: ["OrgContact.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    delegated: ["OrgContact.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"],
  },
  "GET /users/{id}/photo": {
    application: ["ProfilePhoto.Read.All", "ProfilePhoto.ReadWrite.All", "User.Read.All", "User.ReadWrite.All"],
    delegated: ["ProfilePhoto.Read.All", "ProfilePhoto.ReadWrite.All", "User.Read.All", "User.ReadWrite.All"],
  },
  "GET /subscribedSkus": {
    application: [
      "LicenseAssignment.Read.All",
      "Directory.Read.All",
      "Directory.ReadWrite.All",
      "Organization.Read.All",
      "Organization.ReadWrite.All",
    ],
    delegated: [
      "LicenseAssignment.Read.All",
      "Directory.Read.All",
      "Directory.ReadWrite.All",
      "Organization.Read.All",
      "Organization.ReadWrite.All",
    ],
  },
};
