import { createAddressBook } from "./addresses.ts";
import { type Company, listDepartments, type Site } from "./company.ts";
import { type GroupContext, type GroupSpec, toGraphGroup } from "./group-record.ts";
import { parseMembershipRule } from "./membership-rule.ts";
import type { Person } from "./people.ts";
import type { Random } from "./random.ts";
import type { GraphGroup } from "./types.ts";

/** A group and the ids of its direct members, people and groups. */
export interface GeneratedGroup {
  readonly record: GraphGroup & { readonly id: string };
  readonly members: readonly string[];
}

/** From this many groups on (and fifty people), every special kind of group occurs at least once. */
export const EVERY_GROUP_KIND_FROM = 13;

/** What the groups beyond the special ones are, in proportion. */
const FILL: readonly (readonly [kind: keyof typeof MAKERS, weight: number])[] = [
  ["team", 24], ["project", 26], ["application", 12], ["departmentAtSite", 14], ["distribution", 8], ["fileShare", 8],
  ["dynamic", 2], ["mailEnabledSecurity", 3], ["empty", 3],
]; // biome-ignore format: a list is read across
/** Of the employees who could be in "Everyone", those whom nobody added. */
const FORGOTTEN = 0.01;
const GUESTS_IN_PROJECTS = 0.12;
/** Shares of the groups beyond the special ones, so that few groups are not all places. */
const PLACES_MAX = 0.3;
const DEPARTMENTS_MAX = 0.2;
/** Nobody runs more rules than a tenant may hold; and each rule looks at everyone. */
const DYNAMIC_MAX = 40;

interface MutableGroup extends GeneratedGroup {
  readonly members: string[];
}

interface Making {
  readonly random: Random;
  readonly people: readonly Person[];
  readonly employees: readonly Person[];
  readonly guests: readonly Person[];
  readonly sites: readonly Site[];
  readonly departments: ReadonlyMap<string, readonly Person[]>;
  readonly teams: readonly (readonly Person[])[];
  /** The people of one department in one place. */
  readonly offices: readonly (readonly Person[])[];
  readonly withMail: readonly Person[];
  readonly synced: readonly Person[];
  readonly groups: MutableGroup[];
  /** The groups of sites, countries and regions by name. */
  readonly places: Map<string, MutableGroup>;
  readonly limit: number;
  /** How many of each kind were made, so that names do not repeat by accident. */
  readonly made: Map<string, number>;
  readonly context: GroupContext;
}

/** Makes exactly `count` groups for these people, the special kinds first. */
export function makeGroups(
  random: Random,
  company: Company,
  securityDomain: string,
  people: readonly Person[],
  count: number,
): readonly GeneratedGroup[] {
  const employees = people.filter((person) => person.kind === "employee");
  const making: Making = {
    random,
    people,
    employees,
    guests: people.filter((person) => person.kind === "guest"),
    sites: [...new Set(employees.flatMap((person) => person.site ?? []))],
    departments: Map.groupBy(employees, (person) => person.department ?? ""),
    teams: teamsOf(people),
    offices: [...Map.groupBy(employees, (person) => `${person.department}/${person.city}`).values()].filter(
      (office) => office.length > 1,
    ),
    withMail: employees.filter((person) => person.mail !== null),
    synced: employees.filter((person) => person.onPremisesSyncEnabled === true),
    groups: [],
    places: new Map(),
    limit: count,
    made: new Map(),
    context: { company, securityDomain, random, addresses: createAddressBook(), index: 0 },
  };
  makeSpecial(making);
  const rest = Math.max(0, count - making.groups.length);
  makePlaces(making, making.groups.length + rest * PLACES_MAX);
  makeDepartments(making, making.groups.length + rest * DEPARTMENTS_MAX);
  const weights = FILL.map(([, weight]) => weight);
  while (making.groups.length < count) MAKERS[FILL[random.weighted(weights)]?.[0] ?? "project"](making);
  return making.groups;
}

/** Adds a group unless there are enough. */
function add(making: Making, spec: GroupSpec, members: readonly (Person | MutableGroup)[]): MutableGroup | undefined {
  if (making.groups.length >= making.limit) return undefined;
  const record = toGraphGroup(spec, making.context);
  const group = { record, members: members.map((member) => ("record" in member ? member.record.id : member.id)) };
  making.groups.push(group);
  return group;
}

function addDynamic(
  making: Making,
  kind: "security" | "microsoft365",
  displayName: string,
  membershipRule: string,
): void {
  const belongs = parseMembershipRule(membershipRule);
  const members = making.people.filter((person) => belongs({ ...person }));
  add(making, { kind, displayName, description: "Maintained by a rule", membershipRule }, members);
}

function makeSpecial(making: Making): void {
  const { random, employees } = making;
  const active = employees.filter((person) => person.accountEnabled);
  add(
    making,
    { kind: "security", displayName: "Everyone", description: "All people of the company" },
    active.filter(() => !random.chance(FORGOTTEN)),
  );
  const busiest = listDepartments().find(({ name }) => making.departments.has(name))?.name ?? "Executive Office";
  addDynamic(
    making,
    "security",
    `DYN-${busiest}`,
    `(user.department -eq "${busiest}") -and (user.accountEnabled -eq true)`,
  );
  const administrators = making.departments.get("Information Technology") ?? active;
  add(
    making,
    {
      kind: "security",
      displayName: "Role-Helpdesk-Administrators",
      description: "Eligible for the Helpdesk Administrator role",
      roleAssignable: true,
    },
    sample(random, administrators, random.integer(2, 6)),
  );
  add(
    making,
    {
      kind: "microsoft365",
      displayName: "Project Zephyr (closed)",
      description: "Closed in 2023; files kept for audit",
    },
    [],
  );
  for (const site of making.sites.slice(0, 1)) makePlace(making, site);
  const finance = making.departments.get("Finance") ?? active;
  add(
    making,
    { kind: "microsoft365", displayName: busiest, description: `Everything about ${busiest}` },
    making.departments.get(busiest) ?? [],
  );
  add(
    making,
    { kind: "mailEnabledSecurity", displayName: "Finance Approvers", description: "May approve invoices above 10,000" },
    sample(random, finance, 8),
  );
  add(
    making,
    { kind: "distribution", displayName: "Leadership Updates" },
    making.teams.flatMap(([manager]) => manager ?? []).slice(0, 400),
  );
  makeFileShare(making);
  addDynamic(making, "microsoft365", "All Guests", '(user.userType -eq "Guest")');
}

/** Site within country within region within the world: four levels. */
function makePlace(making: Making, site: Site): void {
  const ensure = (
    name: string,
    parent: MutableGroup | undefined,
    people: readonly Person[],
  ): MutableGroup | undefined => {
    const known = making.places.get(name);
    if (known !== undefined) return known;
    const group = add(
      making,
      { kind: "security", displayName: `LOC-${name}`, description: `People in ${name}` },
      people,
    );
    if (group !== undefined) making.places.set(name, group);
    if (group !== undefined) parent?.members.push(group.record.id);
    return group;
  };
  const world = ensure("Worldwide", undefined, []);
  const country = ensure(site.country, ensure(site.region, world, []), []);
  ensure(
    site.city,
    country,
    making.employees.filter((person) => person.site === site),
  );
}

/** The other sites, as long as there are fewer than `limit` groups; a started site is finished. */
function makePlaces(making: Making, limit: number): void {
  for (const site of making.sites.slice(1)) {
    if (making.groups.length >= limit) return;
    makePlace(making, site);
  }
}

function makeDepartments(making: Making, limit: number): void {
  for (const [name, people] of making.departments) {
    if (making.groups.length >= limit) return;
    if (making.groups.some(({ record }) => record.displayName === name)) continue;
    add(making, { kind: "microsoft365", displayName: name, description: `Everything about ${name}` }, people);
  }
}

const PROJECTS: readonly (readonly string[])[] = [
  ["Project"],
  ["Aurora", "Basalt", "Cormorant", "Dovetail", "Equinox", "Falkland", "Granite", "Harrier", "Isobar", "Juniper", "Keystone", "Lantern", "Monsoon", "Nimbus", "Orchid", "Pelican", "Quartz", "Ridgeway", "Sextant", "Tamarind", "Umbra", "Verdant", "Windward", "Xylem", "Yarrow", "Zenith"],
  ["", "Rollout", "Phase 2", "Core Team", "Steering", "Pilot", "EMEA", "Americas", "Suppliers", "2026"],
]; // biome-ignore format: a table is read across
const APPLICATIONS: readonly string[] = [
  "CRM", "ERP", "VPN", "Wiki", "Payroll", "Expenses", "CAD", "PLM", "Ticketing", "Print", "BI", "Timesheet", "Badge", "MES", "Mail-Archive", "Code", "WLAN",
]; // biome-ignore format: a table is read across
const RIGHTS: readonly string[] = ["Users", "Editors", "Admins", "ReadOnly"];
const LISTS: readonly string[] = [
  "News",
  "Announcements",
  "Social Club",
  "Runners",
  "Carpool",
  "On Call",
  "Parents",
  "First Aiders",
  "Works Council",
];

/** The n-th combination of the parts, then the same with a number behind it. */
function nameOf(making: Making, kind: string, parts: readonly (readonly string[])[], gap: string): string {
  const count = making.made.get(kind) ?? 0;
  making.made.set(kind, count + 1);
  let rest = count;
  const words = parts.map((choices) => {
    const word = choices[rest % choices.length] ?? "";
    rest = Math.floor(rest / choices.length);
    return word;
  });
  if (rest > 0) words.push(String(rest + 1));
  return words.filter((word) => word !== "").join(gap);
}

const MAKERS = {
  team: (making: Making): void => {
    const index = making.made.get("team") ?? 0;
    const team = making.teams[index];
    const [manager] = team ?? [];
    if (team === undefined || manager === undefined) {
      MAKERS.project(making);
      return;
    }
    making.made.set("team", index + 1);
    const displayName = `${manager.department ?? "Team"} – Team ${latinSurname(manager)}`;
    add(making, { kind: "microsoft365", displayName }, team);
  },
  project: (making: Making): void => {
    const { random } = making;
    const size = logNormal(random, 9, 0.9);
    const people = sample(random, making.employees, size);
    const guests = sample(
      random,
      making.guests,
      Math.round(people.length * (random.chance(0.3) ? GUESTS_IN_PROJECTS : 0)),
    );
    const kind = random.chance(0.85) ? "microsoft365" : "security";
    add(making, { kind, displayName: nameOf(making, "project", PROJECTS, " ") }, [...people, ...guests]);
  },
  application: (making: Making): void => {
    const { random } = making;
    const size = logNormal(random, Math.max(6, Math.min(60, making.employees.length / 50)), 1.4);
    const nested = random.chance(0.35) ? sample(random, [...making.places.values()], random.integer(1, 2)) : [];
    const displayName = nameOf(making, "application", [["APP"], APPLICATIONS, RIGHTS], "-");
    add(making, { kind: "security", displayName, description: "Grants access to the application" }, [
      ...sample(random, making.employees, size),
      ...nested,
    ]);
  },
  departmentAtSite: (making: Making): void => {
    const index = making.made.get("departmentAtSite") ?? 0;
    const people = making.offices[index] ?? [];
    const [first] = people;
    if (first === undefined) {
      MAKERS.project(making);
      return;
    }
    making.made.set("departmentAtSite", index + 1);
    const displayName = `DEP-${first.department}-${first.city}`;
    add(making, { kind: "security", displayName, synced: making.random.chance(0.4) }, people);
  },
  distribution: (making: Making): void => {
    const displayName = nameOf(making, "distribution", [LISTS, making.sites.map((site) => site.city)], " ");
    const members = sample(making.random, making.withMail, logNormal(making.random, 14, 1));
    add(making, { kind: "distribution", displayName }, members);
  },
  fileShare: (making: Making): void => makeFileShare(making),
  dynamic: (making: Making): void => makeDynamic(making),
  mailEnabledSecurity: (making: Making): void => {
    const displayName = nameOf(
      making,
      "mailEnabledSecurity",
      [[...making.departments.keys()], ["Approvers", "Delegates", "Deputies"]],
      " ",
    );
    add(
      making,
      { kind: "mailEnabledSecurity", displayName },
      sample(making.random, making.employees, logNormal(making.random, 5, 0.6)),
    );
  },
  empty: (making: Making): void => {
    const displayName = nameOf(
      making,
      "empty",
      [
        ["Reserved", "Migration", "Test"],
        ["Wave", "Batch"],
      ],
      " ",
    );
    add(making, { kind: "security", displayName, description: "Nobody yet" }, []);
  },
} as const;

/** A group of the old file server: synced, so Graph may not change it. */
function makeFileShare(making: Making): void {
  const { random } = making;
  const displayName = nameOf(
    making,
    "fileShare",
    [["GG"], making.sites.map((site) => site.code), ["Fileshare", "Scans", "CAD", "Archive"], ["RW", "RO"]],
    "-",
  );
  add(
    making,
    { kind: "security", displayName, description: "Access to the file server", synced: true },
    sample(random, making.synced, logNormal(random, 15, 1.1)),
  );
}

function makeDynamic(making: Making): void {
  const index = making.made.get("dynamic") ?? 0;
  making.made.set("dynamic", index + 1);
  const departments = [...making.departments.keys()];
  const countries = [...new Set(making.sites.map((site) => site.countryCode))];
  const rules: readonly (readonly [string, string])[] = [
    ["DYN-Synced-From-AD", "user.onPremisesSyncEnabled -eq true"],
    ["DYN-Contractors-And-Interns", 'user.employeeType -in ["Contractor", "Intern"]'],
    [
      "DYN-Managers",
      '(user.jobTitle -contains "Manager") -or (user.jobTitle -contains "Director") -or (user.jobTitle -startsWith "Chief")',
    ],
    ...countries.map(
      (code) => [`DYN-${code}`, `(user.usageLocation -eq "${code}") -and (user.userType -ne "Guest")`] as const,
    ),
    ...departments.map(
      (name) => [`DYN-${name}-Active`, `(user.department -eq "${name}") -and (user.accountEnabled -eq true)`] as const,
    ),
  ];
  const [displayName, rule] = rules[index] ?? [];
  if (displayName === undefined || rule === undefined || index >= DYNAMIC_MAX) {
    MAKERS.project(making);
    return;
  }
  addDynamic(making, "security", displayName, rule);
}

/** Colleagues abroad must be able to read and type the name of a group: the sign-in name has it in Latin letters. */
function latinSurname(person: Person): string {
  const local = person.userPrincipalName.replace(/\d*@.*$/u, "");
  return (local.split(".").at(-1) ?? local).replace(/(^|-|')([a-z])/gu, (match) => match.toUpperCase());
}

/** Every manager with the direct reports, the manager first. */
function teamsOf(people: readonly Person[]): readonly (readonly Person[])[] {
  const teams = new Map<number, Person[]>();
  for (const person of people) {
    const manager = people[person.manager];
    if (manager === undefined) continue;
    const team = teams.get(person.manager) ?? [manager];
    team.push(person);
    teams.set(person.manager, team);
  }
  return [...teams.values()];
}

/** Up to `count` different entries in the order drawn. */
function sample<T>(random: Random, list: readonly T[], count: number): readonly T[] {
  if (count * 2 >= list.length) return list.filter(() => random.next() * list.length < count);
  const chosen = new Set<T>();
  while (chosen.size < count) chosen.add(random.pick(list));
  return [...chosen];
}

/** Group sizes: many small, few large. */
function logNormal(random: Random, median: number, spread: number): number {
  const gauss = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return Math.max(2, Math.round(median * Math.exp(spread * gauss)));
}
