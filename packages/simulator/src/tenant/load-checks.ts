import type { Json } from "./types.ts";

/** Takes note of one problem: where in the document, and what is wrong there. */
export type Report = (where: string, what: string) => void;

type Test = readonly [wanted: string, holds: (value: Json) => boolean];
const TEXT: Test = ["a string", (value) => typeof value === "string"];
const FLAG: Test = ["true or false", (value) => typeof value === "boolean"];
const TEXTS: Test = [
  "an array of strings",
  (value) => Array.isArray(value) && value.every((entry) => typeof entry === "string"),
];
const OBJECTS: Test = ["an array of objects", (value) => Array.isArray(value) && value.every(isObject)];
const OBJECT: Test = ["an object", isObject];

const shape = (test: Test, names: string): (readonly [string, Test])[] => names.split(" ").map((name) => [name, test]);

/** The properties that the simulator or a connector computes with ("user resource type"); all others are kept as given. */
const USER: ReadonlyMap<string, Test> = new Map([
  ...shape(
    TEXT,
    "userPrincipalName displayName givenName surname mail mailNickname userType department jobTitle companyName city country state streetAddress postalCode officeLocation mobilePhone preferredLanguage usageLocation employeeId employeeType createdDateTime deletedDateTime employeeHireDate onPremisesImmutableId onPremisesSamAccountName onPremisesDistinguishedName onPremisesDomainName onPremisesUserPrincipalName onPremisesSecurityIdentifier onPremisesLastSyncDateTime externalUserState creationType",
  ),
  ...shape(FLAG, "accountEnabled onPremisesSyncEnabled"),
  ...shape(TEXTS, "businessPhones otherMails proxyAddresses imAddresses"),
  ...shape(OBJECTS, "identities assignedLicenses"),
  ...shape(OBJECT, "manager onPremisesExtensionAttributes employeeOrgData"),
]);

/** As for users ("group resource type"). */
const GROUP: ReadonlyMap<string, Test> = new Map([
  ...shape(
    TEXT,
    "displayName description mail mailNickname visibility classification createdDateTime deletedDateTime renewedDateTime expirationDateTime membershipRule membershipRuleProcessingState onPremisesSamAccountName onPremisesDomainName onPremisesSecurityIdentifier onPremisesLastSyncDateTime",
  ),
  ...shape(FLAG, "mailEnabled securityEnabled isAssignableToRole onPremisesSyncEnabled"),
  ...shape(TEXTS, "groupTypes proxyAddresses resourceBehaviorOptions resourceProvisioningOptions creationOptions"),
  ...shape(OBJECTS, "members members@delta"),
]);

const ORGANIZATION: ReadonlyMap<string, Test> = new Map([
  ...shape(TEXT, "id displayName"),
  ...shape(OBJECTS, "verifiedDomains"),
]);

/** True for `{…}`, false for an array. */
export function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reports what is wrong with a user; true when its id is right or left out, so that reading can go on with it. */
export function checkUser(record: Json, where: string, report: Report): boolean {
  return checkRecord(record, USER, where, report);
}

/** Reports what is wrong with a group; true as for a user. */
export function checkGroup(record: Json, where: string, report: Report): boolean {
  return checkRecord(record, GROUP, where, report);
}

/** Reports what is wrong with the organisation. */
export function checkOrganization(record: Json, report: Report): void {
  if (!isObject(record)) {
    report("organization", "is not an object");
    return;
  }
  checkProperties(record, ORGANIZATION, "organization", report);
  const domains = record.verifiedDomains;
  if (!Array.isArray(domains)) return;
  domains.forEach((domain: Json, index) => {
    if (!isObject(domain) || typeof domain.name !== "string")
      report(`organization.verifiedDomains[${index}].name`, "is not a string");
  });
}

function checkRecord(record: Json, properties: ReadonlyMap<string, Test>, where: string, report: Report): boolean {
  if (!isObject(record)) {
    report(where, "is not an object");
    return false;
  }
  checkProperties(record, properties, where, report);
  const { id } = record;
  if (id === undefined || (typeof id === "string" && id !== "")) return true;
  report(`${where}.id`, id === "" ? "is empty" : "is not a string");
  return false;
}

/** Graph answers null for what was never set, so null is right for every property. */
function checkProperties(
  record: { readonly [name: string]: Json },
  properties: ReadonlyMap<string, Test>,
  where: string,
  report: Report,
): void {
  for (const [name, value] of Object.entries(record)) {
    const test = properties.get(name);
    if (test !== undefined && value !== null && !test[1](value)) report(`${where}.${name}`, `is not ${test[0]}`);
  }
}
