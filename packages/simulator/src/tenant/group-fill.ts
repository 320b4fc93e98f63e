import { add, addDynamic, logNormal, type Making, sample } from "./group-making.ts";
import type { Person } from "./people.ts";

/** What the groups beyond the special ones are, in proportion. */
const FILL: readonly (readonly [kind: keyof typeof MAKERS, weight: number])[] = [
  ["team", 24], ["project", 26], ["application", 12], ["departmentAtSite", 14], ["distribution", 8], ["fileShare", 8],
  ["dynamic", 2], ["mailEnabledSecurity", 3], ["empty", 3],
]; // biome-ignore format: a list is read across
const GUESTS_IN_PROJECTS = 0.12;
/** Nobody runs more rules than a tenant may hold; and each rule looks at everyone. */
const DYNAMIC_MAX = 40;

/** Adds groups of all ordinary kinds until there are as many as asked for. */
export function fillGroups(making: Making): void {
  const weights = FILL.map(([, weight]) => weight);
  while (making.groups.length < making.limit) {
    MAKERS[FILL[making.random.weighted(weights)]?.[0] ?? "project"](making);
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
    // A group from Active Directory cannot hold people who exist in the cloud alone.
    const synced = people.filter((person) => person.onPremisesSyncEnabled === true);
    const fromForest = synced.length > 1 && making.random.chance(0.4);
    add(making, { kind: "security", displayName, synced: fromForest }, fromForest ? synced : people);
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
export function makeFileShare(making: Making): void {
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
    ["DYN-Synced-From-AD", "user.dirSyncEnabled -eq true"],
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
