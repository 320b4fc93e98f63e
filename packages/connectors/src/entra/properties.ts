import type { SourceKind } from "@entrain/core";

const words = (text: string): readonly string[] => text.split(" ");

/**
 * What Graph lets a list and its delta select ("user resource type", "group resource type", and their description in
 * OpenAPI), and `licences` and `photo`, which Entrain makes itself. One name that is not among them makes Graph refuse the whole read, of every sync.
 */
const SELECTABLE: Readonly<Record<SourceKind, readonly string[]>> = {
  user: words(
    "accountEnabled ageGroup assignedLicenses assignedPlans authorizationInfo businessPhones city companyName " +
      "consentProvidedForMinor country createdDateTime creationType deletedDateTime department displayName " +
      "employeeHireDate employeeId employeeLeaveDateTime employeeOrgData employeeType externalUserState " +
      "externalUserStateChangeDateTime faxNumber givenName identities identityParentId imAddresses " +
      "isManagementRestricted isResourceAccount jobTitle lastPasswordChangeDateTime legalAgeGroupClassification licences " +
      "licenseAssignmentStates mail mailNickname mobilePhone officeLocation onPremisesDistinguishedName " +
      "onPremisesDomainName onPremisesExtensionAttributes onPremisesImmutableId onPremisesLastSyncDateTime " +
      "onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled " +
      "onPremisesUserPrincipalName otherMails passwordPolicies photo postalCode preferredDataLocation preferredLanguage " +
      "provisionedPlans proxyAddresses securityIdentifier serviceProvisioningErrors showInAddressList signInActivity " +
      "signInSessionsValidFromDateTime state streetAddress surname usageLocation userPrincipalName userType",
  ),
  group: words(
    "assignedLabels assignedLicenses classification createdDateTime creationOptions deletedDateTime description " +
      "displayName expirationDateTime groupTypes hasMembersWithLicenseErrors infoCatalogs isAssignableToRole " +
      "isManagementRestricted licences licenseProcessingState mail mailEnabled mailNickname membershipRule " +
      "membershipRuleProcessingState onPremisesDomainName onPremisesExtensionAttributes onPremisesLastSyncDateTime " +
      "onPremisesNetBiosName onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier " +
      "onPremisesSyncEnabled organizationId preferredDataLocation preferredLanguage proxyAddresses renewedDateTime " +
      "resourceBehaviorOptions resourceProvisioningOptions securityEnabled securityIdentifier " +
      "serviceProvisioningErrors theme uniqueName visibility",
  ),
  // "orgContact resource type"
  contact: words(
    "addresses companyName deletedDateTime department displayName givenName jobTitle mail mailNickname " +
      "onPremisesLastSyncDateTime onPremisesProvisioningErrors onPremisesSyncEnabled phones proxyAddresses " +
      "serviceProvisioningErrors surname",
  ),
};

const ELSEWHERE =
  "is kept outside the directory: Graph tells it of one person at a time and refuses a list that asks for it (501)";
const RELATION = "is a relationship, not an attribute";
const SINGLE = "is told of one group at a time only, never in a list";
const SECURITY = "needs a permission and roles of its own, and is not read";

/** What Graph has, but no list tells, with the reason. */
const REFUSED: Readonly<Record<SourceKind, ReadonlyMap<string, string>>> = {
  user: new Map([
    ...reasons(
      ELSEWHERE,
      "aboutMe birthday deviceEnrollmentLimit hireDate interests mailboxSettings mySite pastProjects preferredName " +
        "print responsibilities schools skills",
    ),
    ...reasons(RELATION, "appRoleAssignments directReports memberOf ownedObjects transitiveMemberOf transitiveReports"),
    ...reasons("holds open extensions, which a delta cannot tell; use a directory extension", "extensions"),
    ...reasons(SECURITY, "customSecurityAttributes"),
    ...reasons("holds nothing that Graph would tell: passwords cannot be read", "passwordProfile"),
  ]),
  group: new Map([
    ...reasons(
      SINGLE,
      "accessType allowExternalSenders autoSubscribeNewMembers hideFromAddressLists hideFromOutlookClients isArchived " +
        "isFavorite isSubscribedByMail unseenConversationsCount unseenCount unseenMessagesCount welcomeMessageEnabled",
    ),
    ...reasons(
      `${RELATION}; members are provisioned by themselves`,
      "members transitiveMembers appRoleAssignments memberOf owners transitiveMemberOf",
    ),
    ...reasons("holds open extensions, which a delta cannot tell; use a directory extension", "extensions"),
  ]),
  contact: new Map([
    ...reasons(RELATION, "directReports memberOf transitiveMemberOf transitiveReports"),
    ...reasons("is a relationship, and of contacts it is not read", "manager"),
  ]),
};

/** What lies inside an attribute that is an object, or a list of objects. */
const INSIDE: ReadonlyMap<string, readonly string[]> = new Map([
  ["addresses", words("city countryOrRegion officeLocation postalCode state street")],
  ["assignedLabels", words("displayName labelId")],
  ["assignedLicenses", words("disabledPlans skuId")],
  ["assignedPlans", words("assignedDateTime capabilityStatus service servicePlanId")],
  ["authorizationInfo", words("certificateUserIds")],
  ["employeeOrgData", words("costCenter division")],
  ["identities", words("issuer issuerAssignedId signInType")],
  ["licenseAssignmentStates", words("assignedByGroup disabledPlans error lastUpdatedDateTime skuId state")],
  ["licenseProcessingState", words("state")],
  ["onPremisesExtensionAttributes", Array.from({ length: 15 }, (_, at) => `extensionAttribute${at + 1}`)],
  ["onPremisesProvisioningErrors", words("category occurredDateTime propertyCausingError value")],
  ["phones", words("number type")],
  ["photo", words("hash")],
  ["provisionedPlans", words("capabilityStatus provisioningStatus service")],
  ["serviceProvisioningErrors", words("createdDateTime isResolved serviceInstance")],
  [
    "signInActivity",
    words(
      "lastNonInteractiveSignInDateTime lastNonInteractiveSignInRequestId lastSignInDateTime lastSignInRequestId " +
        "lastSuccessfulSignInDateTime lastSuccessfulSignInRequestId",
    ),
  ],
]);

/** Lists: what lies inside is chosen by its place, from 0. */
const LISTS: ReadonlySet<string> = new Set(
  words(
    "addresses assignedLabels assignedLicenses assignedPlans businessPhones creationOptions groupTypes identities imAddresses " +
      "infoCatalogs licences licenseAssignmentStates onPremisesProvisioningErrors otherMails phones provisionedPlans proxyAddresses " +
      "resourceBehaviorOptions resourceProvisioningOptions serviceProvisioningErrors",
  ),
);

/** "Add custom data to resources using extensions": `extension_{appId without dashes}_{name}`. */
const DIRECTORY_EXTENSION = /^extension_[0-9a-fA-F]{32}_[A-Za-z0-9_]+$/;
/** `ext{8 letters}_{schema}`, or `{verified domain's label}_{schema}`. No property of Graph's own has an underscore. */
const SCHEMA_EXTENSION = /^[A-Za-z][A-Za-z0-9]*_[A-Za-z0-9_]+$/;

/** An attribute of Graph's own that a list tells, as a mapping names it. */
export interface GraphAttribute {
  readonly name: string;
  readonly list: boolean;
}

/** Every attribute of Graph's own that can be read of people, groups or contacts; of an object what lies inside it. */
export function graphAttributes(kind: SourceKind): readonly GraphAttribute[] {
  const references: readonly string[] = kind === "user" ? ["id", "manager"] : ["id"];
  return [...references, ...SELECTABLE[kind]].flatMap((name): readonly GraphAttribute[] => {
    const list = LISTS.has(name);
    const inner = list ? undefined : INSIDE.get(name);
    return inner === undefined ? [{ name, list }] : inner.map((part) => ({ name: `${name}.${part}`, list: false }));
  });
}

/** The client id within a directory extension's name, in lower case; `null` for any other name. */
export function extensionApplication(name: string): string | null {
  const [, digits = ""] = /^extension_([0-9a-f]{32})_/i.exec(name) ?? [];
  const parts = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(digits.toLowerCase());
  return parts === null ? null : parts.slice(1).join("-");
}

const WORDS: Readonly<Record<SourceKind, string>> = { user: "person", group: "group", contact: "contact" };

/** What is wrong with a source attribute's name; `known` are the names that may have been meant, `name` the part. */
export interface AttributeFlaw {
  readonly detail: string;
  readonly name: string;
  readonly known: readonly string[];
}

/**
 * What keeps Graph from telling this attribute of people, groups or contacts in a list; null: it can be read. A dotted name
 * reaches into an object (`employeeOrgData.costCenter`), a list (`businessPhones.0`) or the manager's record
 * (`manager.department`); with `everyItem` into all items of a list as well (`assignedLicenses.skuId`).
 */
export function attributeFlaw(
  kind: SourceKind,
  attribute: string,
  { everyItem = false }: { readonly everyItem?: boolean } = {},
): AttributeFlaw | null {
  const [root = "", ...inner] = attribute.split(".");
  if (root === "manager" && kind === "user" && inner.length > 0) {
    if (inner[0] === "manager") return { detail: "a manager's own manager is not read", name: attribute, known: [] };
    return attributeFlaw(kind, inner.join("."), { everyItem });
  }
  if (root === "id" || (root === "manager" && kind === "user")) return null;
  const known = SELECTABLE[kind];
  if (known.includes(root)) return innerFlaw(root, inner, everyItem);
  const flaw = (detail: string, meant: readonly string[] = []): AttributeFlaw => ({ detail, name: root, known: meant });
  const refused = REFUSED[kind].get(root);
  if (refused !== undefined) return flaw(`${root} ${refused}`);
  if (kind === "contact" && root.includes("_"))
    return flaw(`${root} is an extension, and contacts have none that Graph documents`);
  if (root.startsWith("extension_")) {
    if (DIRECTORY_EXTENSION.test(root)) return null;
    return flaw(`${root} is no directory extension: that is extension_, the 32 digits of the application's id, _name`);
  }
  if (SCHEMA_EXTENSION.test(root)) return null;
  const cased = known.find((name) => name.toLowerCase() === root.toLowerCase());
  if (cased !== undefined) return flaw(`Graph calls it ${cased}, not ${root}`);
  const what = WORDS[kind];
  const other = (["user", "group"] as const).find((one) => one !== kind && SELECTABLE[one].includes(root));
  if (other !== undefined) return flaw(`Graph's ${what} has no attribute ${root}; only a ${WORDS[other]} has it`);
  const holder = [...INSIDE].find(([name, names]) => known.includes(name) && names.includes(root));
  if (holder !== undefined) return flaw(`${root} lies inside another attribute: write ${holder[0]}.${root}`);
  return flaw(`Graph's ${what} has no attribute ${root}`, known);
}

function innerFlaw(root: string, inner: readonly string[], everyItem: boolean): AttributeFlaw | null {
  const rest = [...inner];
  const flaw = (detail: string, name: string, known: readonly string[] = []): AttributeFlaw => ({
    detail,
    name,
    known,
  });
  if (rest.length > 0 && LISTS.has(root) && !(everyItem && INSIDE.has(root) && !/^\d/.test(rest[0] ?? ""))) {
    const place = rest.shift() ?? "";
    if (!/^\d+$/.test(place)) return flaw(`${root} is a list: write ${root}.0 for its first value`, place);
  }
  const [name] = rest;
  if (name === undefined) return null;
  const known = INSIDE.get(root);
  if (known === undefined) return flaw(`${root} is one value, with nothing named ${name} inside`, name);
  return known.includes(name) ? null : flaw(`${root} holds nothing named ${name}`, name, known);
}

function reasons(reason: string, names: string): readonly (readonly [string, string])[] {
  return words(names).map((name) => [name, reason] as const);
}
