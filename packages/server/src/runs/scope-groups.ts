import {
  APP_ROLES,
  byCodeUnits,
  type CompiledScope,
  ConnectorError,
  type DirectoryRecord,
  type GroupList,
  isTransitive,
  type Scope,
  type ScopeDecision,
} from "@entrain/core";
import { loadApplication, loadAssignments } from "../store/assignments.ts";
import type { Store } from "../store/store.ts";
import { refuseHidden } from "./hidden-groups.ts";

/** Name (or object id) as configured → object ids: the group, and where nesting counts every group nested in it. */
type GroupReaches = ReadonlyMap<string, ReadonlySet<string>>;

/** The groups and the application that a scope names, each with everything nested in it. */
export interface ScopeGroups {
  readonly lists: Readonly<Record<GroupList, GroupReaches>>;
  readonly reach: ReadonlySet<string>;
  /** The reach, and what was in it before the edges changed behind the cursor: who is below may have left scope. */
  readonly touched: ReadonlySet<string>;
  /** A group that is given by its name changed behind the cursor: the name may have been another group's, with other members. */
  readonly renamed: boolean;
  /** The scope's application; `null` where it names none. */
  readonly assigned: ScopeApplication | null;
}

/** Who is assigned to an application. */
export interface ScopeApplication {
  /** The application itself, the assigned groups, and for a transitive scope every group nested in them. */
  readonly reach: ReadonlySet<string>;
  /** Roles by the object id of whom they are assigned to. */
  readonly roles: ReadonlyMap<string, readonly string[]>;
  /** Assigned groups that have roles, each with the groups whose members have them too. */
  readonly groups: readonly { readonly id: string; readonly reach: ReadonlySet<string> }[];
}

const PAGE = 1000;

/**
 * Resolves the group names (or object ids) of a scope. A group that is not there is a fault, never an empty group:
 * everybody would fall out of scope, or whom it excludes would come in.
 */
export async function resolveScopeGroups(
  store: Store,
  connection: string,
  scope: Scope,
  cursor: number,
): Promise<ScopeGroups | null> {
  const named = await namedGroups(store, connection, scope, cursor);
  const application = await assignedTo(store, connection, scope, cursor);
  if (named === null && application === null) return null;
  const { assigned = null, touched = new Set<string>() } = application ?? {};
  return {
    lists: named?.lists ?? { include: new Map(), exclude: new Map() },
    reach: new Set([...(named?.reach ?? []), ...(assigned?.reach ?? [])]),
    touched: new Set([...(named?.touched ?? []), ...touched]),
    renamed: named?.renamed ?? false,
    assigned,
  };
}

async function namedGroups(
  store: Store,
  connection: string,
  { groups }: Scope,
  cursor: number,
): Promise<Omit<ScopeGroups, "assigned"> | null> {
  if (groups === undefined) return null;
  const { include = [], exclude = [] } = groups;
  const found = await groupsNamed(store, connection, [...include, ...exclude]);
  const touched = new Set<string>();
  const listed = async (names: readonly string[], list: GroupList): Promise<GroupReaches> => {
    const reaches = new Map<string, ReadonlySet<string>>();
    const nests = isTransitive(groups, list);
    for (const name of names) {
      const own = new Set([found.get(name)?.id ?? ""]);
      reaches.set(name, nests ? await nestedIn(store, connection, own) : own);
      for (const id of nests ? await nestedIn(store, connection, own, cursor) : own) touched.add(id);
    }
    return reaches;
  };
  const lists = { include: await listed(include, "include"), exclude: await listed(exclude, "exclude") };
  const excluded = [...lists.exclude.values()].flatMap((of) => [...of]);
  const reach = new Set([...[...lists.include.values()].flatMap((of) => [...of]), ...excluded]);
  // A nested group that cannot be seen only lets fewer people in; one that excludes would let people in who are to stay out.
  await refuseHidden(store, connection, new Set([...[...found.values()].map(({ id }) => id), ...excluded]));
  const renamed = [...found].some(([name, { id, sequence }]) => id !== name && sequence > cursor);
  return { lists, reach, touched, renamed };
}

/** An application is reached as a group is: by the edges that lead from it to whom it is assigned to. */
async function assignedTo(
  store: Store,
  connection: string,
  { assigned: wanted }: Scope,
  cursor: number,
): Promise<{ readonly assigned: ScopeApplication; readonly touched: ReadonlySet<string> } | null> {
  if (wanted === undefined) return null;
  const row = await loadApplication(store.db, connection, wanted.application);
  if (row === undefined) {
    const detail = `Who is assigned to the scope's application ${wanted.application} was not read yet, so nobody is planned.`;
    throw new ConnectorError("config_invalid", detail, { stops: "sync", retry: "later" });
  }
  const assignments = await loadAssignments(store.db, connection, row.principal);
  const roles = new Map<string, readonly string[]>();
  for (const { principal, role } of assignments) {
    if (role !== null) roles.set(principal, [...new Set([...(roles.get(principal) ?? []), role])]);
  }
  const ids = new Set(assignments.filter(({ type }) => type === "group").map(({ principal }) => principal));
  const below = async (roots: ReadonlySet<string>, since?: number): Promise<ReadonlySet<string>> =>
    wanted.transitive ? await nestedIn(store, connection, roots, since) : roots;
  const groups: { readonly id: string; readonly reach: ReadonlySet<string> }[] = [];
  for (const id of ids) if (roles.has(id)) groups.push({ id, reach: await below(new Set([id])) });
  const reach = await below(new Set([row.principal, ...ids]));
  const root = new Set([row.principal]);
  // Without nesting too, a group that is assigned no more had members who may have left scope.
  const touched = await nestedIn(store, connection, root, cursor);
  return { assigned: { reach, roles, groups }, touched };
}

interface NamedGroup {
  readonly id: string;
  /** The change number of its own record. */
  readonly sequence: number;
}

async function groupsNamed(
  store: Store,
  connection: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, NamedGroup>> {
  const wanted = new Map<string, Map<string, NamedGroup>>(names.map((name) => [name, new Map()]));
  let after = 0;
  for (;;) {
    // By change numbers, which an index has by kind; in the order of ids each page would walk over the people too.
    const rows = await store.db
      .selectFrom("records")
      .select(["id", "attributes", "sequence"])
      .where("connection", "=", connection)
      .where("kind", "=", "group")
      .where("removed", "is", null)
      .where("sequence", ">", after)
      .orderBy("sequence")
      .limit(PAGE)
      .execute();
    for (const { id, attributes, sequence } of rows) {
      const { displayName } = JSON.parse(attributes) as { readonly displayName?: unknown };
      wanted.get(id)?.set(id, { id, sequence });
      if (typeof displayName === "string") wanted.get(displayName)?.set(id, { id, sequence });
    }
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) break;
    after = last.sequence;
  }
  return new Map([...wanted].map(([name, found]) => [name, only(name, [...found.values()])]));
}

function only(name: string, found: readonly NamedGroup[]): NamedGroup {
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const detail =
    first === undefined
      ? `The scope's group "${name}" is not in the directory (deleted, renamed or misspelt), so nobody is planned.`
      : `The scope's group "${name}" is the name of ${found.length} groups. Name it by its object id.`;
  throw new ConnectorError("config_invalid", detail, { stops: "sync", retry: "never" });
}

/** The groups below some; with `since`, also over edges that changed behind that number and may have stood before. */
async function nestedIn(
  store: Store,
  connection: string,
  roots: ReadonlySet<string>,
  since?: number,
): Promise<ReadonlySet<string>> {
  const reach = new Set(roots);
  const frontier = [...roots];
  while (frontier.length > 0) {
    const rows = await store.db
      .selectFrom("edges")
      .select("member_id")
      .where("connection", "=", connection)
      .where("group_id", "in", frontier.splice(0, 500))
      .where("member_type", "=", "group")
      .where((eb) =>
        since === undefined ? eb("present", "=", 1) : eb.or([eb("present", "=", 1), eb("sequence", ">", since)]),
      )
      .execute();
    for (const { member_id } of rows) {
      if (reach.has(member_id)) continue;
      reach.add(member_id);
      frontier.push(member_id);
    }
  }
  return reach;
}

/** These groups, and all that were ever nested in them, as far as the directory remembers. */
export async function everNested(
  store: Store,
  connection: string,
  groups: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  return await nestedIn(store, connection, groups, -1);
}

/** The scope's groups that each record is a member of; records in none are left out. */
export async function groupsOf(
  store: Store,
  connection: string,
  groups: ScopeGroups,
  ids: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, Set<string>>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await store.db
      .selectFrom("edges")
      .select(["member_id", "group_id"])
      .where("connection", "=", connection)
      .where("member_id", "in", ids.slice(at, at + 500))
      .where("present", "=", 1)
      .execute();
    for (const row of rows) {
      if (!groups.reach.has(row.group_id)) continue;
      const of = found.get(row.member_id) ?? new Set();
      of.add(row.group_id);
      found.set(row.member_id, of);
    }
  }
  return found;
}

/** In or out, by groups and application as they are known. A group of the scope belongs to itself. */
export function decideScope(
  scope: CompiledScope,
  record: DirectoryRecord,
  groups: ScopeGroups | null,
  memberOf: ReadonlySet<string> | undefined,
): ScopeDecision {
  if (groups === null) return scope.decide(record, inNoGroup, notAssigned);
  const { lists, assigned } = groups;
  const belongsTo = (name: string, list: GroupList): boolean => {
    const reach = lists[list].get(name);
    return reach !== undefined && reaches(reach, record.id, memberOf);
  };
  const isAssigned = (): boolean => assigned !== null && reaches(assigned.reach, record.id, memberOf);
  return scope.decide(record, belongsTo, isAssigned);
}

const inNoGroup = (): boolean => false;
const notAssigned = (): boolean => false;

/** A record with the roles that it has in the scope's application, as an attribute beside those of the source. */
export function withAppRoles(
  record: DirectoryRecord,
  { assigned }: ScopeGroups,
  memberOf: ReadonlySet<string> | undefined,
): DirectoryRecord {
  if (assigned === null) return record;
  return { ...record, attributes: { ...record.attributes, [APP_ROLES]: rolesOf(assigned, record.id, memberOf) } };
}

function rolesOf(assigned: ScopeApplication, id: string, memberOf: ReadonlySet<string> | undefined): readonly string[] {
  const found = new Set(assigned.roles.get(id));
  for (const group of assigned.groups) {
    if (!reaches(group.reach, id, memberOf)) continue;
    for (const role of assigned.roles.get(group.id) ?? []) found.add(role);
  }
  return [...found].sort(byCodeUnits);
}

/** Whether a record is one of these groups, or in one of them. */
export function reaches(reach: ReadonlySet<string>, id: string, memberOf: ReadonlySet<string> | undefined): boolean {
  if (reach.has(id)) return true;
  for (const group of memberOf ?? []) if (reach.has(group)) return true;
  return false;
}
