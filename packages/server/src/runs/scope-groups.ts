import { APP_ROLES, byCodeUnits, ConnectorError, type DirectoryRecord, type Scope } from "@entrain/core";
import { loadApplication, loadAssignments } from "../store/assignments.ts";
import type { Store } from "../store/store.ts";

/** The groups and the application that a scope includes, each with everything nested in it. */
export interface ScopeGroups {
  /** Name (or object id) as configured → object ids: the group, and for a transitive scope every group nested in it. */
  readonly byName: ReadonlyMap<string, ReadonlySet<string>>;
  readonly reach: ReadonlySet<string>;
  /** The reach, and what was in it before the edges changed behind the cursor: who is below may have left scope. */
  readonly touched: ReadonlySet<string>;
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
 * everybody would fall out of scope.
 */
export async function resolveScopeGroups(
  store: Store,
  connection: string,
  scope: Scope,
  cursor: number,
): Promise<ScopeGroups | null> {
  const groups = await includedGroups(store, connection, scope, cursor);
  const application = await assignedTo(store, connection, scope, cursor);
  if (groups === null && application === null) return null;
  const { assigned = null, touched = new Set<string>() } = application ?? {};
  return {
    byName: groups?.byName ?? new Map(),
    reach: new Set([...(groups?.reach ?? []), ...(assigned?.reach ?? [])]),
    touched: new Set([...(groups?.touched ?? []), ...touched]),
    assigned,
  };
}

async function includedGroups(
  store: Store,
  connection: string,
  scope: Scope,
  cursor: number,
): Promise<Pick<ScopeGroups, "byName" | "reach" | "touched"> | null> {
  if (!scope.groups || scope.groups.include.length === 0) return null;
  const ids = await idsOfGroups(store, connection, scope.groups.include);
  const byName = new Map<string, ReadonlySet<string>>();
  for (const [name, id] of ids) {
    const own = new Set([id]);
    byName.set(name, scope.groups.transitive ? await nestedIn(store, connection, own) : own);
  }
  const reach = new Set([...byName.values()].flatMap((of) => [...of]));
  const touched = scope.groups.transitive ? await nestedIn(store, connection, new Set(ids.values()), cursor) : reach;
  return { byName, reach, touched };
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

async function idsOfGroups(
  store: Store,
  connection: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const wanted = new Map<string, Set<string>>(names.map((name) => [name, new Set()]));
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
    for (const row of rows) {
      const { displayName } = JSON.parse(row.attributes) as { readonly displayName?: unknown };
      wanted.get(row.id)?.add(row.id);
      if (typeof displayName === "string") wanted.get(displayName)?.add(row.id);
    }
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) break;
    after = last.sequence;
  }
  return new Map([...wanted].map(([name, found]) => [name, only(name, [...found])]));
}

function only(name: string, found: readonly string[]): string {
  const [id] = found;
  if (id !== undefined && found.length === 1) return id;
  const detail =
    id === undefined
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

/** Whether a record belongs to a group of the scope: as a member, or because it is that group or nested in it. */
export function belongs(
  groups: ScopeGroups,
  name: string,
  id: string,
  memberOf: ReadonlySet<string> | undefined,
): boolean {
  const reach = groups.byName.get(name);
  return reach !== undefined && reaches(reach, id, memberOf);
}

/** Whether a record is assigned to the scope's application, itself or through a group. */
export function belongsToAssigned(
  { assigned }: ScopeGroups,
  id: string,
  memberOf: ReadonlySet<string> | undefined,
): boolean {
  return assigned !== null && reaches(assigned.reach, id, memberOf);
}

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

function reaches(reach: ReadonlySet<string>, id: string, memberOf: ReadonlySet<string> | undefined): boolean {
  if (reach.has(id)) return true;
  for (const group of memberOf ?? []) if (reach.has(group)) return true;
  return false;
}
