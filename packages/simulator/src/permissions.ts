import type { Access } from "./graph/context.ts";
import { IDENTITY_RULES, type IdentityRule } from "./permissions-identity.ts";

/**
 * Application permissions by endpoint ("Microsoft Graph permissions reference"; the permissions.json that the official
 * documentation is generated from). Any one of an endpoint's list opens it.
 */
const DIRECTORY_READ = ["Directory.Read.All", "Directory.ReadWrite.All"];
const DEVICE_READERS = ["Apps", "Configuration", "ManagedDevices", "ServiceConfig"].flatMap((area) => [
  `DeviceManagement${area}.Read.All`,
  `DeviceManagement${area}.ReadWrite.All`,
]);
const DEVICE_WRITERS = DEVICE_READERS.filter((role) => role.includes("ReadWrite"));
const AGENT = ["AgentIdUser.ReadWrite.All", "AgentIdUser.ReadWrite.IdentityParentedBy"];

const READ_USER_FULL = [
  "User.Read.All",
  "User.ReadWrite.All",
  "User.ReadWrite.CrossCloud",
  ...DIRECTORY_READ,
  ...DEVICE_READERS,
  ...AGENT,
];
const READ_USERS = ["User.ReadBasic.All", ...READ_USER_FULL];
const DELTA_USERS = ["User.Read.All", "User.ReadWrite.All", ...DIRECTORY_READ, ...AGENT];
const WRITE_USERS = ["User.ReadWrite.All", "Directory.ReadWrite.All", ...DEVICE_WRITERS, ...AGENT];
const UPDATE_USER = [
  ...WRITE_USERS,
  "User-Mail.ReadWrite.All",
  "User-PasswordProfile.ReadWrite.All",
  "User-Phone.ReadWrite.All",
  "User.EnableDisableAccount.All",
  "User.ManageIdentities.All",
  "User.ReadWrite.CrossCloud",
];
const DELETE_USER = [
  "User.DeleteRestore.All",
  "User.ReadWrite.All",
  "User.ReadWrite.CrossCloud",
  ...DEVICE_WRITERS,
  ...AGENT,
];

const READ_GROUP_FULL = [
  "Group.Read.All",
  "Group.ReadWrite.All",
  "GroupMember.Read.All",
  "GroupMember.ReadWrite.All",
  "Group-NestingSupport.ReadWrite.All",
  "Group-PreferredDataLocation.ReadWrite.All",
  "Group.ManageProtection.All",
  ...DIRECTORY_READ,
];
const READ_GROUPS = ["Group.ReadBasic.All", ...READ_GROUP_FULL.filter((role) => role !== "GroupMember.ReadWrite.All")];
const DELTA_GROUPS = [
  "Group.ReadBasic.All",
  "Group.Read.All",
  "Group.ReadWrite.All",
  "GroupMember.Read.All",
  "Group-NestingSupport.ReadWrite.All",
  ...DIRECTORY_READ,
];
const READ_MEMBERS = [
  "GroupMember.ReadBasic.All",
  "GroupMember.Read.All",
  "GroupMember.ReadWrite.All",
  "Group.ReadBasic.All",
  "Group.Read.All",
  "Group.ReadWrite.All",
  "Directory.Read.All",
];
const UPDATE_GROUP = [
  "Group.ReadWrite.All",
  "Directory.ReadWrite.All",
  "Group-NestingSupport.ReadWrite.All",
  "Group-PreferredDataLocation.ReadWrite.All",
  "Group.ManageProtection.All",
];
const WRITE_MEMBERS = ["GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"];
const MEMBER_OF = [...DIRECTORY_READ, "Group.ReadBasic.All", "GroupMember.ReadBasic.All"];
const TRANSITIVE_MEMBER_OF = [...MEMBER_OF, "User.Read.All", "Group.Read.All", "GroupMember.Read.All"];
const ORGANIZATION = [
  "Organization.Read.All",
  "Organization.ReadWrite.All",
  "User.Read.All",
  ...DIRECTORY_READ,
  "DeviceManagementServiceConfig.Read.All",
  "DeviceManagementServiceConfig.ReadWrite.All",
  "DeviceManagementConfiguration.Read.All",
  "DeviceManagementConfiguration.ReadWrite.All",
];
const DELETED_USERS = ["User.Read.All", "User.ReadWrite.All", "User.DeleteRestore.All", ...DIRECTORY_READ];
const DELETED_GROUPS = ["Group.Read.All", "Group.ReadWrite.All", ...DIRECTORY_READ];

/** Name of the rule that an endpoint asks for. */
export type Rule =
  | IdentityRule
  | "none"
  | "organization"
  | "readUsers"
  | "deltaUsers"
  | "createUser"
  | "updateUser"
  | "deleteUser"
  | "readManager"
  | "writeManager"
  | "revokeSessions"
  | "readGroups"
  | "deltaGroups"
  | "createGroup"
  | "updateGroup"
  | "updateOrFillGroup"
  | "deleteGroup"
  | "readMembers"
  | "writeMembers"
  | "memberOf"
  | "transitiveMemberOf"
  | "deletedUsers"
  | "deletedGroups"
  | "deletedAny"
  | "restoreUser"
  | "restoreGroup"
  | "restoreAny"
  | "directoryObjects"
  | "readLicences"
  | "readLicenceDetails"
  | "assignLicences"
  | "readPhotos"
  | "readExtensions"
  | "writeExtensions"
  | "readOpenExtensions"
  | "writeOpenExtensions"
  | "readPolicies"
  | "readReviews"
  | "writeReviews"
  | "readSignIns"
  | "readContacts"
  | "contactMemberOf"
  | "subscribeUsers"
  | "subscribeGroups";

/** "List orgContacts", "Get orgContact", "orgContact: delta". */
const READ_CONTACTS = ["OrgContact.Read.All", ...DIRECTORY_READ];
// "Create subscription": the permission to read the resource, for an app.
const SUBSCRIBE_USERS = ["User.Read.All", "User.ReadWrite.All", ...DIRECTORY_READ];
const SUBSCRIBE_GROUPS = ["Group.Read.All", "Group.ReadWrite.All", ...DIRECTORY_READ];

const RULES: Readonly<Record<Rule, readonly string[]>> = {
  ...IDENTITY_RULES,
  none: [],
  organization: ORGANIZATION,
  readUsers: READ_USERS,
  deltaUsers: DELTA_USERS,
  createUser: WRITE_USERS,
  updateUser: UPDATE_USER,
  deleteUser: DELETE_USER,
  readManager: DELTA_USERS,
  writeManager: ["User.ReadWrite.All", "Directory.ReadWrite.All", ...AGENT],
  revokeSessions: ["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All", ...AGENT],
  readGroups: READ_GROUPS,
  deltaGroups: DELTA_GROUPS,
  createGroup: [
    "Group.Create",
    "Group.ReadWrite.All",
    "Directory.ReadWrite.All",
    "Group-PreferredDataLocation.ReadWrite.All",
  ],
  updateGroup: UPDATE_GROUP,
  // PATCH with members@odata.bind alone is a membership write; the operation itself checks which it is.
  updateOrFillGroup: [...UPDATE_GROUP, ...WRITE_MEMBERS],
  deleteGroup: ["Group.ReadWrite.All"],
  readMembers: READ_MEMBERS,
  writeMembers: WRITE_MEMBERS,
  memberOf: MEMBER_OF,
  transitiveMemberOf: TRANSITIVE_MEMBER_OF,
  deletedUsers: DELETED_USERS,
  deletedGroups: DELETED_GROUPS,
  deletedAny: [...new Set([...DELETED_USERS, ...DELETED_GROUPS])],
  restoreUser: ["User.DeleteRestore.All", "User.ReadWrite.All", "User.ReadWrite.CrossCloud", ...AGENT],
  restoreGroup: ["Group.ReadWrite.All"],
  restoreAny: [
    "User.DeleteRestore.All",
    "User.ReadWrite.All",
    "User.ReadWrite.CrossCloud",
    "Group.ReadWrite.All",
    ...AGENT,
  ],
  directoryObjects: [
    ...DIRECTORY_READ,
    "User.Read.All",
    "User.ReadBasic.All",
    "Group.Read.All",
    "GroupMember.Read.All",
  ],
  // "List subscribedSkus".
  readLicences: [
    "LicenseAssignment.Read.All",
    "LicenseAssignment.ReadWrite.All",
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    ...DIRECTORY_READ,
  ],
  // "List licenseDetails".
  readLicenceDetails: ["LicenseAssignment.Read.All", "User.Read.All", "User.ReadWrite.All", ...DIRECTORY_READ],
  // "user: assignLicense".
  assignLicences: ["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
  // "Get photo".
  readPhotos: ["ProfilePhoto.Read.All", "ProfilePhoto.ReadWrite.All", "User.Read.All", "User.ReadWrite.All"],
  // "List extensionProperties", "Create extensionProperty".
  readExtensions: [
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    ...DIRECTORY_READ,
  ],
  writeExtensions: ["Application.ReadWrite.All", "Application.ReadWrite.OwnedBy", "Directory.ReadWrite.All"],
  // "Get openTypeExtension", "Create openTypeExtension".
  readOpenExtensions: ["User.Read.All", "User.ReadWrite.All", ...DIRECTORY_READ],
  writeOpenExtensions: ["User.ReadWrite.All", "Directory.ReadWrite.All"],
  // "List policies".
  readPolicies: ["Policy.Read.All"],
  readReviews: ["AccessReview.Read.All", "AccessReview.ReadWrite.All"],
  writeReviews: ["AccessReview.ReadWrite.All"],
  // "List signIns".
  readSignIns: ["AuditLog.Read.All"],
  readContacts: READ_CONTACTS,
  contactMemberOf: DIRECTORY_READ,
  subscribeUsers: SUBSCRIBE_USERS,
  subscribeGroups: SUBSCRIBE_GROUPS,
};

/** Whether one of the token's roles satisfies the rule. */
export function permits(rule: Rule, roles: ReadonlySet<string>): boolean {
  const wanted = RULES[rule];
  return wanted.length === 0 || wanted.some((role) => roles.has(role));
}

/** How much of a user the roles show: all, the basic profile, or that it exists. */
export function userAccess(roles: ReadonlySet<string>): Access {
  if (READ_USER_FULL.some((role) => roles.has(role))) return "full";
  return roles.has("User.ReadBasic.All") ? "basic" : "none";
}

/** How much of a group the roles show. */
export function groupAccess(roles: ReadonlySet<string>): Access {
  if (READ_GROUP_FULL.some((role) => roles.has(role))) return "full";
  return roles.has("Group.ReadBasic.All") || roles.has("GroupMember.ReadBasic.All") ? "basic" : "none";
}

/** Whether a contact shows more than that it exists. */
export function contactAccess(roles: ReadonlySet<string>): Access {
  return READ_CONTACTS.some((role) => roles.has(role)) ? "full" : "none";
}

/** Reads of groups with hidden membership need this permission beside the others. */
export function seesHiddenMembers(roles: ReadonlySet<string>): boolean {
  return roles.has("Member.Read.Hidden");
}

/** What an app needs to read and write everything here; the default of a simulated app. */
export const EVERY_ROLE: readonly string[] = [
  "Directory.Read.All",
  "Group.ReadWrite.All",
  "GroupMember.ReadWrite.All",
  "Member.Read.Hidden",
  "Organization.Read.All",
  "User.DeleteRestore.All",
  "User.EnableDisableAccount.All",
  "User-PasswordProfile.ReadWrite.All",
  "User.ReadWrite.All",
  "User.RevokeSessions.All",
];
