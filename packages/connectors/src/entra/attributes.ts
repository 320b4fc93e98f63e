import type { SourceKind } from "@entrain/core";

/** What is read of a person unless a connection chooses otherwise ("user resource type"; all are tracked by delta). */
export const USER_ATTRIBUTES: readonly string[] = [
  "accountEnabled",
  "ageGroup",
  "businessPhones",
  "city",
  "companyName",
  "country",
  "createdDateTime",
  "creationType",
  "department",
  "displayName",
  "employeeHireDate",
  "employeeId",
  "employeeOrgData",
  "employeeType",
  "externalUserState",
  "faxNumber",
  "givenName",
  "jobTitle",
  "mail",
  "mailNickname",
  "mobilePhone",
  "officeLocation",
  "onPremisesDistinguishedName",
  "onPremisesDomainName",
  "onPremisesExtensionAttributes",
  "onPremisesImmutableId",
  "onPremisesSamAccountName",
  "onPremisesSyncEnabled",
  "onPremisesUserPrincipalName",
  "otherMails",
  "postalCode",
  "preferredLanguage",
  "proxyAddresses",
  "state",
  "streetAddress",
  "surname",
  "usageLocation",
  "userPrincipalName",
  "userType",
];

/** What is read of a group unless a connection chooses otherwise ("group resource type"). */
export const GROUP_ATTRIBUTES: readonly string[] = [
  "classification",
  "createdDateTime",
  "description",
  "displayName",
  "groupTypes",
  "isAssignableToRole",
  "mail",
  "mailEnabled",
  "mailNickname",
  "membershipRule",
  "onPremisesSamAccountName",
  "onPremisesSyncEnabled",
  "proxyAddresses",
  "securityEnabled",
  "visibility",
];

/** What is read of an organisational contact unless a connection chooses otherwise ("orgContact resource type"). */
export const CONTACT_ATTRIBUTES: readonly string[] = [
  "addresses",
  "companyName",
  "department",
  "displayName",
  "givenName",
  "jobTitle",
  "mail",
  "mailNickname",
  "onPremisesSyncEnabled",
  "phones",
  "proxyAddresses",
  "surname",
];

/** What is read of each kind unless a connection chooses otherwise. */
export const USUAL_ATTRIBUTES: Readonly<Record<SourceKind, readonly string[]>> = {
  user: USER_ATTRIBUTES,
  group: GROUP_ATTRIBUTES,
  contact: CONTACT_ATTRIBUTES,
};

/** Says whether a group hides its members, so it is always read. */
export const VISIBILITY = "visibility";

/** Part numbers of the products that are assigned, which Entrain makes of `assignedLicenses`. */
export const LICENCES = "licences";

/** The image that somebody shows of themselves. No list tells it: each is asked for by itself, and hashed. */
export const PHOTO = "photo";

/** Stored outside the directory: `/users` answers it, in pages of at most 500, but delta cannot track it. */
export const SIGN_IN_ACTIVITY = "signInActivity";
