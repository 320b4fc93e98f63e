import { type Department, listDepartments } from "./company.ts";
import type { Random } from "./random.ts";

/** One place in the company: who it reports to (an index into the same list, -1 for none), what it is, and where. */
export interface Position {
  readonly manager: number;
  readonly department: string;
  readonly title: string;
  /** Index of a site. */
  readonly site: number;
  readonly reports: number;
}

type Draft = { -readonly [Key in keyof Position]: Position[Key] };

/** A team is split when it would exceed this many direct reports. */
const SPAN_MAX = 12;
/** The smallest part of a split team: a manager with three reports. */
const TEAM_MIN = 4;
/** What a part has on average when a team is only just too large. */
const TEAM_USUAL = 7;
/** Above this size, managers have more managers below them, so that large companies do not become towers. */
const LARGE_PART = 400;
/** Below a department head, teams stay at their manager's site with this probability. */
const SAME_SITE = 0.8;
/** Companies up to this size have no chiefs between the root and the heads of department. */
const FLAT_COMPANY_MAX = 150;

/**
 * A tree of `people` positions under one root (index 0), by department, with three to twelve reports a manager and
 * therefore some six to nine levels in a large company. A manager always stands before the reports.
 */
export function buildHierarchy(random: Random, people: number, siteWeights: readonly number[]): readonly Position[] {
  const positions: Draft[] = [];
  if (people === 0) return positions;
  const add = (manager: number, department: string, title: string, site: number): number => {
    const boss = positions[manager];
    if (boss !== undefined) boss.reports += 1;
    positions.push({ manager, department, title, site, reports: 0 });
    return positions.length - 1;
  };
  const root = add(-1, "Executive Office", "Chief Executive Officer", 0);
  const departments = listDepartments().slice(0, departmentCount(people - 1));
  const chiefs = people > FLAT_COMPANY_MAX ? chiefsOf(departments) : [];
  const chiefIndex = new Map(chiefs.map((title) => [title, add(root, "Executive Office", title, 0)]));
  const sizes = apportion(
    departments.map((entry) => entry.weight),
    people - positions.length,
  );
  departments.forEach((entry, index) => {
    const size = sizes[index] ?? 0;
    if (size === 0) return;
    const site = random.chance(0.6) ? 0 : random.weighted(siteWeights);
    const head = add(chiefIndex.get(entry.chief) ?? root, entry.name, entry.head, site);
    fill({ random, add, positions, siteWeights, department: entry }, head, size - 1);
  });
  return positions;
}

interface Filling {
  readonly random: Random;
  readonly positions: readonly Draft[];
  readonly siteWeights: readonly number[];
  readonly department: Department;
  add(manager: number, department: string, title: string, site: number): number;
}

/** Puts `count` people below `manager`. Returns how many levels that made. */
function fill(context: Filling, manager: number, count: number): number {
  const { random, department, positions } = context;
  if (count === 0) return 0;
  const place = (): number => {
    const home = positions[manager]?.site ?? 0;
    return random.chance(SAME_SITE) ? home : random.weighted(context.siteWeights);
  };
  if (count <= SPAN_MAX) {
    for (let made = 0; made < count; made += 1) {
      context.add(manager, department.name, random.pick(department.roles), place());
    }
    return 1;
  }
  const wanted = count > LARGE_PART ? random.integer(5, 9) : random.integer(3, 5);
  const parts = Math.min(wanted, Math.max(3, Math.floor(count / TEAM_USUAL)));
  const shares = apportion(
    Array.from({ length: parts }, () => 0.6 + random.next()),
    count - parts * TEAM_MIN,
  );
  let levels = 0;
  for (const share of shares) {
    const node = context.add(manager, department.name, "", place());
    const below = fill(context, node, share + TEAM_MIN - 1);
    const draft = positions[node];
    if (draft !== undefined) draft.title = managerTitle(random, department, below);
    levels = Math.max(levels, below);
  }
  return levels + 1;
}

function managerTitle(random: Random, department: Department, levels: number): string {
  if (levels <= 1) return random.chance(0.6) ? department.lead : department.manager;
  return levels === 2 ? department.manager : department.director;
}

/** The chiefs that have more than one department; a single department's head reports to the root. */
function chiefsOf(departments: readonly Department[]): readonly string[] {
  const titles = departments.map((entry) => entry.chief);
  return [...new Set(titles)].filter((title) => titles.filter((other) => other === title).length > 1);
}

function departmentCount(people: number): number {
  if (people <= 0) return 0;
  return Math.max(
    1,
    Math.min(listDepartments().length, people < FLAT_COMPANY_MAX ? Math.min(6, Math.floor(people / 5)) : people),
  );
}

/** Splits `total` in proportion to the weights, exactly, by the largest remainder. */
export function apportion(weights: readonly number[], total: number): number[] {
  const sum = weights.reduce((left, right) => left + right, 0);
  if (sum === 0) return weights.map(() => 0);
  const exact = weights.map((weight) => (weight / sum) * total);
  const shares = exact.map(Math.floor);
  const missing = total - shares.reduce((left, right) => left + right, 0);
  const byRemainder = exact
    .map((value, index) => ({ index, rest: value - Math.floor(value) }))
    .sort((a, b) => b.rest - a.rest || a.index - b.index);
  for (const { index } of byRemainder.slice(0, missing)) shares[index] = (shares[index] ?? 0) + 1;
  return shares;
}
