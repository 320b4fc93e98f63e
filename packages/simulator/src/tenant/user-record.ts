import type { Company } from "./company.ts";
import type { Person } from "./people.ts";
import type { Random } from "./random.ts";
import type { GraphUser, Json } from "./types.ts";

/** What all records of one tenant share. */
export interface RecordContext {
  readonly company: Company;
  /** The domain part of every security identifier: three numbers of the forest, or of the tenant in the cloud. */
  readonly securityDomain: string;
}

/** The generated company ends here, so that a tenant never depends on the day it was made. Milliseconds UTC. */
export const GENERATED_UNTIL: number = Date.UTC(2026, 5, 30, 6, 0, 0);
const FOUNDED = Date.UTC(2011, 2, 1);
const DAY = 86_400_000;

/** Product identifiers that Microsoft publishes ("Product names and service plan identifiers for licensing"). */
const LICENCES: readonly (readonly [sku: string, weight: number])[] = [
  ["05e9a617-0261-4cee-bb44-138d3ef5d965", 6], // Microsoft 365 E3
  ["06ebc4ee-1bb5-47dd-8120-11324bc54e06", 2], // Microsoft 365 E5
  ["66b55226-6b4f-492c-910c-a3b7a3c9d993", 2], // Microsoft 365 F3
];

type Properties = Record<string, Json>;

/**
 * The user resource of one account ("user resource type", v1.0), without the properties that were never set. `random`
 * must be the account's own, so that the record is the same whenever it is made.
 */
export function toGraphUser(person: Person, index: number, context: RecordContext, random: Random): GraphUser {
  const day = FOUNDED + Math.floor(random.next() ** 0.6 * ((GENERATED_UNTIL - FOUNDED) / DAY - 1)) * DAY;
  const created = day + random.integer(6 * 3600, 17 * 3600) * 1000;
  const mailNickname = nicknameOf(person);
  const properties: Properties = {
    id: person.id,
    userPrincipalName: person.userPrincipalName,
    displayName: person.displayName,
    accountEnabled: person.accountEnabled,
    userType: person.userType,
    mailNickname,
    createdDateTime: timestamp(created),
    identities: [identityOf(person, context)],
    businessPhones: [],
    otherMails: person.kind === "guest" && person.mail !== null ? [person.mail] : [],
    proxyAddresses: proxyAddresses(person, mailNickname, context),
    securityIdentifier: `S-1-12-1-${random.word()}-${random.word()}-${random.word()}-${random.word()}`,
  };
  const optional = {
    givenName: person.givenName,
    surname: person.surname,
    mail: person.mail,
    department: person.department,
    jobTitle: person.jobTitle,
    companyName: person.companyName,
    employeeType: person.employeeType,
    city: person.city,
    country: person.country,
    usageLocation: person.usageLocation,
  };
  for (const [name, value] of Object.entries(optional)) if (value !== null) properties[name] = value;
  addPlace(properties, person, random);
  if (person.kind === "employee") addEmployment(properties, person, index, created, random);
  if (person.kind === "guest") addInvitation(properties, person, created, random);
  if (person.onPremisesSyncEnabled === true) addOnPremises(properties, person, index, context, random);
  return properties;
}

function addPlace(properties: Properties, person: Person, random: Random): void {
  const { site } = person;
  if (site === null) return;
  properties.streetAddress = site.street;
  properties.postalCode = site.postalCode;
  if (site.state !== undefined) properties.state = site.state;
  properties.officeLocation = `${site.code} ${random.integer(1, 9)}.${random.integer(1, 60).toString().padStart(2, "0")}`;
}

function addEmployment(properties: Properties, person: Person, index: number, created: number, random: Random): void {
  const { site } = person;
  properties.employeeId = String(100_000 + index);
  properties.employeeHireDate = `${timestamp(created - random.integer(0, 14) * DAY).slice(0, 10)}T00:00:00Z`;
  properties.assignedLicenses =
    person.mail !== null && !person.sharesMail && person.accountEnabled
      ? [{ skuId: LICENCES[random.weighted(LICENCES.map(([, weight]) => weight))]?.[0] ?? "", disabledPlans: [] }]
      : [];
  if (site === null) return;
  if (random.chance(0.8)) properties.preferredLanguage = site.language;
  if (random.chance(0.75)) properties.businessPhones = [dial(site.phone, random)];
  if (random.chance(0.5)) properties.mobilePhone = dial(site.mobile, random);
}

function addInvitation(properties: Properties, person: Person, created: number, random: Random): void {
  properties.creationType = "Invitation";
  properties.externalUserState = person.usageLocation === null ? "PendingAcceptance" : "Accepted";
  properties.externalUserStateChangeDateTime = timestamp(created + random.integer(1, 9 * 3600) * 1000);
}

/** As Microsoft Entra Connect writes them: the immutable id is the base64 of the on-premises objectGUID. */
function addOnPremises(
  properties: Properties,
  person: Person,
  index: number,
  context: RecordContext,
  random: Random,
): void {
  const { forest } = context.company;
  const unit = person.site === null ? "OU=Service Accounts" : `OU=${escapeName(person.site.city)},OU=People`;
  const anchor = Buffer.alloc(16);
  for (let offset = 0; offset < 16; offset += 4) anchor.writeUInt32BE(random.word(), offset);
  Object.assign(properties, {
    onPremisesSyncEnabled: true,
    onPremisesImmutableId: anchor.toString("base64"),
    onPremisesSamAccountName: person.onPremisesSamAccountName,
    onPremisesUserPrincipalName: person.userPrincipalName,
    onPremisesDomainName: forest.dnsName,
    onPremisesDistinguishedName: `CN=${escapeName(person.displayName)},${unit},${domainComponents(forest.dnsName)}`,
    onPremisesSecurityIdentifier: `S-1-5-21-${context.securityDomain}-${1104 + index}`,
    onPremisesLastSyncDateTime: timestamp(GENERATED_UNTIL - random.integer(0, 1800) * 1000),
    onPremisesProvisioningErrors: [],
  });
}

function identityOf(person: Person, { company }: RecordContext): Json {
  return person.kind === "guest"
    ? { signInType: "federated", issuer: "ExternalAzureAD", issuerAssignedId: null }
    : { signInType: "userPrincipalName", issuer: company.initialDomain, issuerAssignedId: person.userPrincipalName };
}

function nicknameOf(person: Person): string {
  const at = person.userPrincipalName.lastIndexOf("@");
  return person.userPrincipalName.slice(0, at);
}

/** SMTP in capitals marks the primary address. People who share an address have no mailbox, hence no proxy address. */
function proxyAddresses(person: Person, mailNickname: string, { company }: RecordContext): readonly string[] {
  if (person.mail === null || person.sharesMail) return [];
  const initial = `${mailNickname}@${company.initialDomain}`;
  const primary = `SMTP:${person.mail}`;
  return person.kind === "guest" || person.mail.toLowerCase() === initial.toLowerCase()
    ? [primary]
    : [primary, `smtp:${initial}`];
}

/** A name within a distinguished name (RFC 4514 section 2.4). */
function escapeName(name: string): string {
  return name.replace(/[,+"\\<>;=]/gu, "\\$&").replace(/^[# ]|[ ]$/gu, "\\$&");
}

/** `corp.contoso.com` as `DC=corp,DC=contoso,DC=com`. */
function domainComponents(dnsName: string): string {
  return dnsName
    .split(".")
    .map((label) => `DC=${label}`)
    .join(",");
}

/** A time as Graph writes it: ISO 8601, UTC, whole seconds. */
export function timestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

function dial(pattern: string, random: Random): string {
  return pattern.replace(/#/gu, () => String(random.integer(0, 9)));
}
