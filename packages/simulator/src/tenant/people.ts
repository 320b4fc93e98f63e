import { type AddressBook, createAddressBook } from "./addresses.ts";
import { type Company, listSites, PARTNERS, type Site } from "./company.ts";
import { buildHierarchy, type Position } from "./hierarchy.ts";
import { createNameBook, type NameBook, type NameKind, type PersonName } from "./names.ts";
import type { Random } from "./random.ts";

/** What an account stands for; Graph has no such property, only its traces. */
export type AccountKind = "employee" | "guest" | "sharedMailbox" | "room" | "equipment" | "service";

/**
 * One account with everything that was decided by chance and everything that groups look at; properties that Graph has
 * bear Graph's names. The rest of the user resource follows from it (user-record.ts).
 */
export interface Person {
  readonly kind: AccountKind;
  readonly id: string;
  readonly displayName: string;
  readonly givenName: string | null;
  readonly surname: string | null;
  readonly userPrincipalName: string;
  readonly mail: string | null;
  /** True when the mail address is that of a team and stands in the records of several people. */
  readonly sharesMail: boolean;
  readonly department: string | null;
  readonly jobTitle: string | null;
  readonly companyName: string | null;
  readonly employeeType: string | null;
  readonly accountEnabled: boolean;
  readonly userType: "Member" | "Guest";
  readonly onPremisesSyncEnabled: true | null;
  readonly onPremisesSamAccountName: string | null;
  readonly city: string | null;
  readonly country: string | null;
  readonly usageLocation: string | null;
  /** Null for accounts that belong to no place. */
  readonly site: Site | null;
  /** The index of the manager among the people, or -1. */
  readonly manager: number;
}

/** Shares of all accounts; the rest are employees. */
const SHARES: readonly (readonly [kind: AccountKind, share: number])[] = [
  ["guest", 0.06],
  ["sharedMailbox", 0.02],
  ["room", 0.02],
  ["equipment", 0.01],
  ["service", 0.015],
];
/** From this many accounts on, every special kind occurs at least once. */
export const EVERY_KIND_FROM = 50;

/** Shares of the employees. */
const SYNCED = 0.55;
const ACQUIRED = 0.07;
const INITIAL_DOMAIN = 0.015;
const CONTRACTORS = 0.06;
const INTERNS = 0.03;
/** Shares of the employees without reports. */
const DISABLED = 0.035;
const MAILLESS = 0.03;
const SHARED_MAIL = 0.004;
const MANAGERLESS = 0.02;
const TITLELESS = 0.01;
/** Mail addresses written `Anna.Mueller@…` although the sign-in name is in lower case. */
const CAPITALISED_MAIL = 0.25;
/** Sign-in names that keep their apostrophe, which Entra allows. */
const KEPT_APOSTROPHE = 0.4;
const PENDING_GUESTS = 0.2;

/** One of each where a company of any size must show them; taken in turn by employees without reports. */
const SHOWN_NAMES: readonly (readonly [origin: string, kind: NameKind])[] = [
  ["zh", "native"], ["ar", "native"], ["en", "apostrophe"], ["he", "native"], ["id", "native"], ["fr", "hyphen"], ["ja", "native"], ["en", "long"],
  ["ko", "native"], ["uk", "native"], ["tr", "native"], ["pl", "native"],
]; // biome-ignore format: a list is read across
type Trait = "disabled" | "mailless" | "sharedMail" | "managerless" | "synced" | "cloud";
const SHOWN_TRAITS: readonly Trait[] = [
  "disabled",
  "mailless",
  "sharedMail",
  "sharedMail",
  "managerless",
  "synced",
  "cloud",
];

interface Making {
  readonly random: Random;
  readonly company: Company;
  readonly sites: readonly Site[];
  readonly names: NameBook;
  readonly addresses: AddressBook;
}

/** Makes exactly `count` accounts, employees first; from {@link EVERY_KIND_FROM} on with every special kind. */
export function makePeople(random: Random, company: Company, count: number): readonly Person[] {
  const sites = listSites().slice(0, Math.max(4, Math.min(30, 3 + Math.floor(count / 60))));
  const making: Making = { random, company, sites, names: createNameBook(), addresses: createAddressBook() };
  const special = SHARES.map(([kind, share]) => {
    const size = Math.round(share * count);
    return [
      kind,
      count >= EVERY_KIND_FROM ? Math.max(kind === "guest" ? 2 : 1, size) : Math.floor(share * count),
    ] as const;
  });
  const people = makeEmployees(making, count - special.reduce((sum, [, size]) => sum + size, 0));
  for (const [kind, size] of special) {
    for (let made = 0; made < size; made += 1) people.push(makeOther(making, kind, made));
  }
  return people;
}

function makeEmployees(making: Making, count: number): Person[] {
  const { random, sites } = making;
  const weights = sites.map((_, index) => (index === 0 ? 1.6 : 1 / (index + 1.5) ** 0.7));
  const positions = buildHierarchy(random, count, weights);
  let leaf = 0;
  return positions.map((position) => {
    const place = position.reports === 0 && position.manager >= 0 ? leaf++ : -1;
    return makeEmployee(making, position, place);
  });
}

/** `place` counts the employees without reports; -1 for everyone else. */
function makeEmployee(making: Making, position: Position, place: number): Person {
  const { random, company, names, addresses } = making;
  const site = siteAt(making, position.site);
  const shownName = place >= 0 ? SHOWN_NAMES[place] : undefined;
  const trait = place >= 0 ? traitAt(place) : "none";
  const lowly = place >= 0 && shownName === undefined;
  const some = (share: number, name: Trait): boolean =>
    trait === name || (lowly && trait === "none" && random.chance(share));
  const name = shownName ? names.draw(random, ...shownName) : names.draw(random, pickOrigin(random, site), "any");
  const acquired = place >= 0 && trait === "none" && random.chance(ACQUIRED);
  const synced = trait === "synced" || (trait !== "cloud" && !acquired && random.chance(SYNCED));
  const cloudDomain = random.chance(INITIAL_DOMAIN) ? company.initialDomain : company.domain;
  const domain = acquired ? company.acquired.domain : synced ? company.domain : cloudDomain;
  const local = addresses.claim(localPart(random, name), domain);
  const sharesMail = some(SHARED_MAIL, "sharedMail");
  const mail = sharesMail
    ? sharedMailOf(trait, site, company)
    : some(MAILLESS, "mailless")
      ? null
      : mailOf(random, local);
  const employeeType =
    lowly && random.chance(CONTRACTORS) ? "Contractor" : lowly && random.chance(INTERNS) ? "Intern" : "Employee";
  return {
    ...nameOf(name),
    ...placeOf(site),
    kind: "employee",
    id: random.guid(),
    userPrincipalName: local,
    mail,
    sharesMail,
    department: position.department,
    jobTitle: lowly && trait === "none" && random.chance(TITLELESS) ? null : position.title,
    companyName: `${acquired ? company.acquired.name : company.name} ${site.entity}`,
    employeeType,
    accountEnabled: !some(DISABLED, "disabled"),
    userType: "Member",
    onPremisesSyncEnabled: synced ? true : null,
    onPremisesSamAccountName: synced ? addresses.claimAccountName(name.address) : null,
    manager: some(MANAGERLESS, "managerless") ? -1 : position.manager,
  };
}

/** The pair that every company shows shares one address; the others share their site's. */
function sharedMailOf(trait: Trait | "none", site: Site, company: Company): string {
  return `${trait === "sharedMail" ? "shopfloor" : `team.${site.code.toLowerCase()}`}@${company.domain}`;
}

/** Spreads the traits that every company shows over the employees after those with shown names. */
function traitAt(place: number): Trait | "none" {
  return SHOWN_TRAITS[place - SHOWN_NAMES.length] ?? "none";
}

function makeOther(making: Making, kind: AccountKind, index: number): Person {
  switch (kind) {
    case "guest":
      return makeGuest(making, index);
    case "service":
      return makeService(making, index);
    default:
      return makeResource(making, kind, index);
  }
}

function makeGuest(making: Making, index: number): Person {
  const { random, company, names, addresses } = making;
  const [partner, domain] = random.pick(PARTNERS);
  const site = siteAt(making, random.integer(0, making.sites.length - 1));
  const name = names.draw(random, pickOrigin(random, site), "any");
  const home = addresses.claim(localPart(random, name), domain);
  return {
    ...nameOf(name),
    ...NOWHERE,
    kind: "guest",
    id: random.guid(),
    displayName: random.chance(0.3) ? `${name.displayName} (${partner})` : name.displayName,
    userPrincipalName: `${home.replace("@", "_")}#EXT#@${company.initialDomain}`,
    mail: home,
    sharesMail: false,
    department: null,
    jobTitle: null,
    companyName: index % 2 === 0 ? partner : null,
    employeeType: null,
    accountEnabled: !random.chance(DISABLED),
    userType: "Guest",
    onPremisesSyncEnabled: null,
    onPremisesSamAccountName: null,
    usageLocation: random.chance(PENDING_GUESTS) ? null : site.countryCode,
    manager: -1,
  };
}

const SERVICES: readonly string[] = [
  "svc-backup", "emergency-access", "svc-scan-to-mail", "svc-erp-connector", "svc-print", "svc-monitoring", "svc-build", "svc-hr-import",
  "adm-identity", "svc-badge-reader", "svc-teams-phone", "svc-data-warehouse", "adm-exchange", "svc-label-printer", "sync-connector",
]; // biome-ignore format: a list is read across

function makeService(making: Making, index: number): Person {
  const { random, company, addresses } = making;
  const base = SERVICES[index % SERVICES.length] ?? "svc";
  const address = addresses.claim(
    index < SERVICES.length ? base : `${base}-${siteAt(making, index).code.toLowerCase()}`,
    company.initialDomain,
  );
  const displayName = address.slice(0, address.indexOf("@"));
  const synced = random.chance(0.3);
  return {
    ...ACCOUNT,
    ...NOWHERE,
    kind: "service",
    id: random.guid(),
    displayName,
    userPrincipalName: address,
    mail: null,
    accountEnabled: !random.chance(0.1),
    onPremisesSyncEnabled: synced ? true : null,
    onPremisesSamAccountName: synced ? addresses.claimAccountName({ given: "", surname: displayName }) : null,
  };
}

const MAILBOXES: readonly string[] = [
  "Info",
  "Invoices",
  "Careers",
  "Service Desk",
  "Orders",
  "Customs",
  "Payroll",
  "Press",
  "Warranty",
  "Travel",
];
const ROOMS: readonly string[] = [
  "Elbe",
  "Cassini",
  "Hypatia",
  "Noether",
  "Turing",
  "Ada",
  "Curie",
  "Kepler",
  "Atlas",
  "Baltic",
  "Meridian",
  "Aurora",
];
const EQUIPMENT: readonly string[] = ["Pool Car", "Projector", "Thermal Camera", "Delivery Van", "Laser Tracker"];

function makeResource(making: Making, kind: AccountKind, index: number): Person {
  const { random, company, addresses } = making;
  const site = siteAt(making, index);
  const round = Math.floor(index / making.sites.length);
  const displayName =
    kind === "sharedMailbox"
      ? `${MAILBOXES[(index + round) % MAILBOXES.length]} ${site.city}`
      : kind === "room"
        ? `${site.code} ${ROOMS[round % ROOMS.length]} (${random.pick([4, 6, 8, 10, 12, 20])})`
        : `${site.code} ${EQUIPMENT[round % EQUIPMENT.length]} ${1 + (index % 9)}`;
  const local = addresses.claimText(displayName.replace(/ \(\d+\)$/u, ""), company.domain);
  return {
    ...ACCOUNT,
    ...placeOf(site),
    kind,
    id: random.guid(),
    displayName,
    userPrincipalName: local,
    mail: local,
    accountEnabled: false,
    onPremisesSyncEnabled: null,
    onPremisesSamAccountName: null,
  };
}

const NOWHERE = { site: null, city: null, country: null, usageLocation: null } as const;
const ACCOUNT = {
  givenName: null, surname: null, sharesMail: false, department: null, jobTitle: null, companyName: null, employeeType: null,
  userType: "Member", manager: -1,
} as const; // biome-ignore format: a list is read across

function nameOf(name: PersonName): Pick<Person, "displayName" | "givenName" | "surname"> {
  return { displayName: name.displayName, givenName: name.givenName, surname: name.surname };
}

function placeOf(site: Site): Pick<Person, "site" | "city" | "country" | "usageLocation"> {
  return { site, city: site.city, country: site.country, usageLocation: site.countryCode };
}

function siteAt(making: Making, index: number): Site {
  const site = making.sites[index % making.sites.length];
  if (site === undefined) throw new RangeError(`There is no site ${index}.`);
  return site;
}

function pickOrigin(random: Random, site: Site): string {
  const origins = Object.keys(site.origins);
  return origins[random.weighted(Object.values(site.origins))] ?? "en";
}

function localPart(random: Random, name: PersonName): string {
  const { given, surname } = name.address;
  const local = surname === "" ? given : `${given}.${surname}`;
  return random.chance(KEPT_APOSTROPHE) ? local : local.replaceAll("'", "");
}

function mailOf(random: Random, userPrincipalName: string): string {
  if (!random.chance(CAPITALISED_MAIL)) return userPrincipalName;
  const [local = "", domain = ""] = userPrincipalName.split("@");
  return `${local.replace(/(^|[.-])([a-z])/gu, (match) => match.toUpperCase())}@${domain}`;
}
