import type { Kind } from "../state/objects.ts";

/**
 * The properties of the user and group resource types (official OpenAPI description and the "user resource type" and
 * "group resource type" pages), by the shape of their values.
 */
export type Shape = "string" | "boolean" | "number" | "date" | "strings" | "objects" | "object";

const SHAPES: Readonly<Record<Kind, Readonly<Record<Shape, string>>>> = {
  user: {
    string:
      "ageGroup city companyName consentProvidedForMinor country creationType department displayName employeeId " +
      "employeeType externalUserState faxNumber givenName identityParentId jobTitle legalAgeGroupClassification mail " +
      "mailNickname mobilePhone officeLocation onPremisesDistinguishedName onPremisesDomainName " +
      "onPremisesImmutableId onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesUserPrincipalName " +
      "passwordPolicies postalCode preferredDataLocation preferredLanguage securityIdentifier state streetAddress " +
      "surname usageLocation userPrincipalName userType",
    boolean: "accountEnabled isManagementRestricted isResourceAccount onPremisesSyncEnabled showInAddressList",
    number: "",
    date:
      "createdDateTime deletedDateTime employeeHireDate employeeLeaveDateTime externalUserStateChangeDateTime " +
      "lastPasswordChangeDateTime onPremisesLastSyncDateTime signInSessionsValidFromDateTime",
    strings: "businessPhones imAddresses infoCatalogs otherMails proxyAddresses",
    objects:
      "assignedLicenses assignedPlans identities licenseAssignmentStates onPremisesProvisioningErrors provisionedPlans " +
      "serviceProvisioningErrors",
    object:
      "authorizationInfo customSecurityAttributes employeeOrgData onPremisesExtensionAttributes passwordProfile " +
      "signInActivity",
  },
  group: {
    string:
      "accessType classification description displayName mail mailNickname membershipRule " +
      "membershipRuleProcessingState onPremisesDomainName onPremisesNetBiosName onPremisesSamAccountName " +
      "onPremisesSecurityIdentifier organizationId preferredDataLocation preferredLanguage securityIdentifier theme " +
      "uniqueName visibility",
    boolean:
      "allowExternalSenders autoSubscribeNewMembers hasMembersWithLicenseErrors hideFromAddressLists " +
      "hideFromOutlookClients isArchived isAssignableToRole isFavorite isManagementRestricted isSubscribedByMail " +
      "mailEnabled onPremisesSyncEnabled securityEnabled welcomeMessageEnabled",
    number: "unseenConversationsCount unseenCount unseenMessagesCount",
    date: "createdDateTime deletedDateTime expirationDateTime onPremisesLastSyncDateTime renewedDateTime",
    strings:
      "creationOptions groupTypes infoCatalogs proxyAddresses resourceBehaviorOptions resourceProvisioningOptions",
    objects: "assignedLabels assignedLicenses onPremisesProvisioningErrors serviceProvisioningErrors",
    object: "licenseProcessingState onPremisesExtensionAttributes writebackConfiguration",
  },
  orgContact: {
    string: "companyName department displayName givenName jobTitle mail mailNickname surname",
    boolean: "onPremisesSyncEnabled",
    number: "",
    date: "deletedDateTime onPremisesLastSyncDateTime",
    strings: "proxyAddresses",
    objects: "addresses onPremisesProvisioningErrors phones serviceProvisioningErrors",
    object: "",
  },
};

const NAVIGATION: Readonly<Record<Kind, readonly string[]>> = {
  user: "appRoleAssignments directReports extensions manager memberOf ownedObjects transitiveMemberOf".split(" "),
  group: "appRoleAssignments extensions memberOf members owners transitiveMemberOf transitiveMembers".split(" "),
  orgContact: "directReports manager memberOf transitiveMemberOf transitiveReports".split(" "),
};

/** Kept outside the directory: the collection answers 501 ("Use delta query", properties outside the data store). */
const ELSEWHERE: Readonly<Record<Kind, readonly string[]>> = {
  user: (
    "aboutMe birthday hireDate interests mailboxSettings mySite pastProjects preferredName print responsibilities " +
    "schools skills deviceEnrollmentLimit"
  ).split(" "),
  group: [],
  orgContact: [],
};

const ELSEWHERE_LISTS: ReadonlySet<string> = new Set([
  "interests",
  "pastProjects",
  "responsibilities",
  "schools",
  "skills",
]);

/** Group properties that exist on a single group only ("Get group", additional properties by $select). */
const SINGLE_GROUP_ONLY: readonly string[] = (
  "accessType allowExternalSenders autoSubscribeNewMembers hideFromAddressLists hideFromOutlookClients isArchived " +
  "isFavorite isSubscribedByMail unseenConversationsCount unseenCount unseenMessagesCount welcomeMessageEnabled"
).split(" ");

/** What is returned without `$select` ("List users", "List groups"). */
export const DEFAULT_SELECT: Readonly<Record<Kind, readonly string[]>> = {
  user: (
    "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname " +
    "userPrincipalName id"
  ).split(" "),
  group: (
    "id deletedDateTime classification createdDateTime creationOptions description displayName expirationDateTime " +
    "groupTypes isAssignableToRole mail mailEnabled mailNickname membershipRule membershipRuleProcessingState " +
    "onPremisesDomainName onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesSamAccountName " +
    "onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation preferredLanguage proxyAddresses " +
    "renewedDateTime resourceBehaviorOptions resourceProvisioningOptions securityEnabled securityIdentifier theme " +
    "uniqueName visibility onPremisesProvisioningErrors serviceProvisioningErrors"
  ).split(" "),
  orgContact: (
    "id deletedDateTime addresses companyName department displayName givenName jobTitle mail mailNickname " +
    "onPremisesLastSyncDateTime onPremisesProvisioningErrors onPremisesSyncEnabled phones proxyAddresses " +
    "serviceProvisioningErrors surname"
  ).split(" "),
};

/** What User.ReadBasic.All shows ("Microsoft Graph permissions reference"); everything else reads as null. */
export const BASIC_USER: ReadonlySet<string> = new Set([
  "id",
  "displayName",
  "givenName",
  "surname",
  "mail",
  "userPrincipalName",
  "securityIdentifier",
]);

/** What Group.ReadBasic.All and GroupMember.ReadBasic.All show of a group. */
export const BASIC_GROUP: ReadonlySet<string> = new Set(
  "id description displayName groupTypes mail mailEnabled mailNickname securityEnabled visibility".split(" "),
);

/** The service sets these; a write that names one is refused. */
const READ_ONLY: Readonly<Record<Kind, ReadonlySet<string>>> = {
  user: new Set(
    (
      "assignedLicenses assignedPlans createdDateTime creationType deletedDateTime imAddresses " +
      "isManagementRestricted lastPasswordChangeDateTime licenseAssignmentStates onPremisesDistinguishedName " +
      "onPremisesDomainName onPremisesLastSyncDateTime onPremisesProvisioningErrors onPremisesSamAccountName " +
      "onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName provisionedPlans " +
      "proxyAddresses securityIdentifier serviceProvisioningErrors signInActivity signInSessionsValidFromDateTime"
    ).split(" "),
  ),
  group: new Set(
    (
      "assignedLicenses createdDateTime deletedDateTime expirationDateTime hasMembersWithLicenseErrors mail " +
      "onPremisesDomainName onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesProvisioningErrors " +
      "onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled proxyAddresses renewedDateTime " +
      "securityIdentifier serviceProvisioningErrors"
    ).split(" "),
  ),
  orgContact: new Set(),
};

const TABLE: Readonly<Record<Kind, ReadonlyMap<string, Shape>>> = {
  user: tableOf("user"),
  group: tableOf("group"),
  orgContact: tableOf("orgContact"),
};

function tableOf(kind: Kind): ReadonlyMap<string, Shape> {
  const table = new Map<string, Shape>();
  for (const [shape, names] of Object.entries(SHAPES[kind]) as [Shape, string][]) {
    for (const name of names.split(" ").filter(Boolean)) table.set(name, shape);
  }
  return table;
}

/** Directory extensions (`extension_<appId>_name`) and schema extensions (`ext…_name`) exist without declaration. */
const EXTENSION = /^(extension_[0-9a-fA-F]{32}_\w+|ext[a-z0-9]{8}_\w+|[a-z0-9]+_\w+)$/;

/** Whether it is an extension, whose values have the type that was declared for it. */
export function isExtension(name: string): boolean {
  return EXTENSION.test(name);
}

/** Shape of a property, or undefined when the type has none of that name. Extensions read as strings. */
export function shapeOf(kind: Kind, name: string): Shape | undefined {
  return TABLE[kind].get(name) ?? (EXTENSION.test(name) ? "string" : undefined);
}

/** Whether `$select` and `$expand` may name it: properties, navigation properties and `id`. */
export function isSelectable(kind: Kind, name: string): boolean {
  return name === "id" || shapeOf(kind, name) !== undefined || isNavigation(kind, name) || isElsewhere(kind, name);
}

export function isNavigation(kind: Kind, name: string): boolean {
  return NAVIGATION[kind].includes(name);
}

export function isElsewhere(kind: Kind, name: string): boolean {
  return ELSEWHERE[kind].includes(name);
}

export function isSingleOnly(kind: Kind, name: string): boolean {
  return kind === "group" && SINGLE_GROUP_ONLY.includes(name);
}

export function isReadOnly(kind: Kind, name: string): boolean {
  return READ_ONLY[kind].has(name);
}

/** The least date, which is what the two dates of a person's profile read as while they were never set: they are not nullable. */
const NO_DATE = "0001-01-01T00:00:00Z";

/** What a property reads as while it was never set: an empty collection, null or the least date. */
export function emptyValue(kind: Kind, name: string): null | typeof NO_DATE | readonly never[] {
  const shape = shapeOf(kind, name);
  if (name === "birthday" || name === "hireDate") return NO_DATE;
  return shape === "strings" || shape === "objects" || ELSEWHERE_LISTS.has(name) ? [] : null;
}

/** The OData name of a kind: `User` in messages, `microsoft.graph.user` in types. */
export function typeName(kind: Kind): string {
  return `microsoft.graph.${kind}`;
}

const SETS: Readonly<Record<Kind, string>> = { user: "users", group: "groups", orgContact: "contacts" };

/** The entity set of a kind: the first segment of its paths. */
export function setName(kind: Kind): string {
  return SETS[kind];
}

const RESOURCES: Readonly<Record<Kind, string>> = { user: "User", group: "Group", orgContact: "Contact" };

/** What the directory calls a kind in its messages. */
export function resourceName(kind: Kind): string {
  return RESOURCES[kind];
}
