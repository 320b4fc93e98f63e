import { APP_ROLES } from "../model/sync.ts";

/** The directory's name of a source attribute, as a rule reads it, or why nothing stands for it. */
export type SourceName = { readonly path: string } | { readonly flaw: string };

const words = (text: string): readonly string[] => text.split(" ");

/**
 * Names that Entra's provisioning and Graph share ("user resource type", "group resource type"). They pass as they are; the
 * list serves those who write another case.
 */
const SHARED: readonly string[] = words(
  "accountEnabled city companyName country createdDateTime creationType department description displayName " +
    "employeeHireDate employeeId employeeLeaveDateTime employeeOrgData employeeType givenName jobTitle mail mailEnabled " +
    "mailNickname manager onPremisesDistinguishedName onPremisesSamAccountName onPremisesSecurityIdentifier " +
    "onPremisesUserPrincipalName otherMails postalCode preferredLanguage proxyAddresses securityEnabled state " +
    "streetAddress surname usageLocation userPrincipalName userType",
);

/**
 * Entra's names of source attributes, and Graph's. Entra's provisioning keeps those of Azure AD Graph ("Property differences
 * between Azure AD Graph and Microsoft Graph", tables of user and group; "Tutorial: Develop and plan provisioning for a SCIM
 * endpoint", table of user attributes). Where Entra has one value and Graph a list, the first of the list is meant.
 *
 * `originalUserPrincipalName` is what Graph calls `userPrincipalName`: Entra's own `userPrincipalName` is a guest's address
 * without `#EXT#` ("How application provisioning works", B2B users). `appRoleAssignments` are the names of the roles.
 */
const ENTRA: readonly (readonly [entra: string, graph: string])[] = [
  ["objectId", "id"],
  ["telephoneNumber", "businessPhones.0"],
  ["mobile", "mobilePhone"],
  ["facsimileTelephoneNumber", "faxNumber"],
  ["physicalDeliveryOfficeName", "officeLocation"],
  ["sipProxyAddress", "imAddresses.0"],
  ["originalUserPrincipalName", "userPrincipalName"],
  ["dirSyncEnabled", "onPremisesSyncEnabled"],
  ["immutableId", "onPremisesImmutableId"],
  ["lastDirSyncTime", "onPremisesLastSyncDateTime"],
  ["lastDirSyncDateTime", "onPremisesLastSyncDateTime"],
  ["deletedTimestamp", "deletedDateTime"],
  ["deletionTimestamp", "deletedDateTime"],
  ["refreshTokensValidFromDateTime", "signInSessionsValidFromDateTime"],
  ["userIdentities", "identities"],
  ["userState", "externalUserState"],
  ["userStateChangedOn", "externalUserStateChangeDateTime"],
  ["appRoleAssignments", APP_ROLES],
  ...Array.from({ length: 15 }, (_, at): readonly [string, string] => {
    const name = `extensionAttribute${at + 1}`;
    return [name, `onPremisesExtensionAttributes.${name}`];
  }),
];

/**
 * Entra computes it ("How application provisioning works", de-provisioning): true for whoever is soft-deleted, disabled or out
 * of scope. Here it is no attribute, but what `deprovision` decides.
 */
const SOFT_DELETED =
  "is no attribute of a person: Entra computes it of who left the scope, was disabled or deleted, and here `deprovision` says " +
  "what then happens";
const PASSWORD = "cannot be read: Microsoft Graph tells no password";

const WITHOUT: readonly (readonly [name: string, flaw: string])[] = [
  ["IsSoftDeleted", SOFT_DELETED],
  ["passwordProfile", PASSWORD],
  ["passwordProfile.password", PASSWORD],
  ["netId", "is Entra's own, and Microsoft Graph does not tell it"],
  ["isCompromised", "is not told by Microsoft Graph; risk stands in its identity protection"],
  ["provisioningErrors", "is not told by Microsoft Graph; the nearest is onPremisesProvisioningErrors"],
  ["thumbnailPhoto", "is a picture, which no attribute holds; photo.hash tells whether it changed"],
  ["members", "is a relationship: the members of groups are provisioned by themselves, without a mapping"],
];

const GRAPH_OF: ReadonlyMap<string, SourceName> = new Map<string, SourceName>([
  ...SHARED.map((name) => [name.toLowerCase(), { path: name }] as const),
  ...ENTRA.map(([entra, graph]) => [entra.toLowerCase(), { path: graph }] as const),
  ...WITHOUT.map(([name, flaw]) => [name.toLowerCase(), { flaw: `${name} ${flaw}` }] as const),
]);

/** The first of Entra's names wins where two stand for one of Graph's, and no name of Entra's hides one that both share. */
const ENTRA_OF: ReadonlyMap<string, string> = new Map(
  [...ENTRA].reverse().flatMap(([entra, graph]) => (SHARED.includes(graph) ? [] : [[graph, entra] as const])),
);

/**
 * What the directory calls a source attribute that Entra's provisioning names, as in a pasted expression or an exported
 * mapping. Graph's own names, extensions (`extension_{application}_{name}`) and whatever is not known pass unchanged: whether
 * they can be read is the source's to say.
 */
export function sourceNameOf(name: string): SourceName {
  return GRAPH_OF.get(name.toLowerCase()) ?? { path: name };
}

/** The same of a name that may have `manager.` in front of it, in any case, which means the manager's. */
export function sourcePathOf(name: string): SourceName {
  const [, own = name] = /^manager\.(.+)$/is.exec(name) ?? [];
  const source = sourceNameOf(own);
  return own === name || "flaw" in source ? source : { path: `manager.${source.path}` };
}

/** What Entra's provisioning calls a source attribute of the directory; the same name where it has no other. */
export function entraNameOf(path: string): string {
  return ENTRA_OF.get(path) ?? path;
}
