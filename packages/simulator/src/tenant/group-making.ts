import { createAddressBook } from "./addresses.ts";
import type { Company, Site } from "./company.ts";
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

/** A group that may still get members. */
export interface MutableGroup extends GeneratedGroup {
  readonly members: string[];
}

/** What the groups of a tenant are made of: the company, its people seen from several sides, what was made so far. */
export interface Making {
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

/** What to make groups for. */
export interface GroupsOptions {
  readonly random: Random;
  readonly company: Company;
  readonly securityDomain: string;
  readonly people: readonly Person[];
  readonly count: number;
}

/** Looks at the people from every side that groups need. */
export function createMaking({ random, company, securityDomain, people, count }: GroupsOptions): Making {
  const employees = people.filter((person) => person.kind === "employee");
  return {
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
}

/** Adds a group unless there are enough. */
export function add(
  making: Making,
  spec: GroupSpec,
  members: readonly (Person | MutableGroup)[],
): MutableGroup | undefined {
  if (making.groups.length >= making.limit) return undefined;
  const record = toGraphGroup(spec, making.context);
  const group = { record, members: members.map((member) => ("record" in member ? member.record.id : member.id)) };
  making.groups.push(group);
  return group;
}

/** Adds a dynamic group with everyone whom the rule names. */
export function addDynamic(
  making: Making,
  kind: "security" | "microsoft365",
  displayName: string,
  membershipRule: string,
): void {
  const belongs = parseMembershipRule(membershipRule);
  const members = making.people.filter((person) => belongs({ ...person }));
  add(making, { kind, displayName, description: "Maintained by a rule", membershipRule }, members);
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

/** `count` different entries, or all when there are fewer. */
export function sample<T>(random: Random, list: readonly T[], count: number): readonly T[] {
  if (count * 2 < list.length) {
    const chosen = new Set<T>();
    while (chosen.size < count) chosen.add(random.pick(list));
    return [...chosen];
  }
  const rest = [...list];
  return Array.from({ length: Math.min(count, rest.length) }, () =>
    rest.splice(random.integer(0, rest.length - 1), 1),
  ).flat();
}

/** Group sizes: many small, few large. */
export function logNormal(random: Random, median: number, spread: number): number {
  const gauss = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return Math.max(2, Math.round(median * Math.exp(spread * gauss)));
}
