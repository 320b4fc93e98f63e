import { listDepartments, type Site } from "./company.ts";
import { fillGroups, makeFileShare } from "./group-fill.ts";
import {
  add,
  addDynamic,
  createMaking,
  type GeneratedGroup,
  type GroupsOptions,
  type Making,
  type MutableGroup,
  sample,
} from "./group-making.ts";
import type { Person } from "./people.ts";

/** From this many groups on (and fifty people), every special kind of group occurs at least once. */
export const EVERY_GROUP_KIND_FROM = 13;

/** Of the employees who could be in "Everyone", those whom nobody added. */
const FORGOTTEN = 0.01;
/** Shares of the groups beyond the special ones, so that few groups are not all places. */
const PLACES_MAX = 0.3;
const DEPARTMENTS_MAX = 0.2;

/** Makes exactly `count` groups for these people, the special kinds first. */
export function makeGroups(options: GroupsOptions): readonly GeneratedGroup[] {
  const making = createMaking(options);
  makeSpecial(making);
  const rest = Math.max(0, options.count - making.groups.length);
  makePlaces(making, making.groups.length + rest * PLACES_MAX);
  makeDepartments(making, making.groups.length + rest * DEPARTMENTS_MAX);
  fillGroups(making);
  return making.groups;
}

function makeSpecial(making: Making): void {
  const { random, employees } = making;
  const active = employees.filter((person) => person.accountEnabled);
  add(
    making,
    { kind: "security", displayName: "Everyone", description: "All people of the company" },
    active.filter(() => !random.chance(FORGOTTEN)),
  );
  const first = listDepartments().find(({ name }) => making.departments.has(name))?.name ?? "Executive Office";
  addDynamic(
    making,
    "security",
    `DYN-${first}`,
    `(user.department -eq "${first}") -and (user.accountEnabled -eq true)`,
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
    { kind: "microsoft365", displayName: first, description: `Everything about ${first}` },
    making.departments.get(first) ?? [],
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
