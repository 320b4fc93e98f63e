import { readFile } from "node:fs/promises";
import { fileFault } from "../file-words.ts";
import { checkGroup, checkOrganization, checkUser, isObject, type Report } from "./load-checks.ts";
import { type MadeIds, madeIds } from "./made-ids.ts";
import type { GraphGroup, GraphUser, Json, ManagerReference, Membership, TenantFile } from "./types.ts";

/** A tenant document that cannot be loaded; the message has one line for each of the first problems. */
export class TenantFileError extends Error {
  override readonly name = "TenantFileError";
  readonly problems: readonly string[];

  constructor(source: string, problems: readonly string[]) {
    const shown = problems.slice(0, PROBLEMS_SHOWN);
    const more = problems.length - shown.length;
    super(
      [`${source} cannot be loaded as a tenant:`, ...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("\n  "),
    );
    this.problems = problems;
  }
}

const PROBLEMS_SHOWN = 10;
const SECTIONS: readonly string[] = ["organization", "users", "groups", "memberships", "managers"];

/** Names the ids that are made up: one file gives the same ids in every run. */
const SERIES = "tenant file";

/** A user or group that was found valid, with its own id or one made up for it. */
type Identified<T> = T & { readonly id: string };
type JsonObject = { readonly [name: string]: Json };

/**
 * Reads a tenant from a JSON file.
 *
 * @throws TenantFileError that names the file and every problem in it; an Error with one sentence when it cannot be read.
 */
export async function readTenantFile(path: string): Promise<TenantFile> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new Error(`${unreadable(path, cause)}; give --tenant a JSON file with users and groups.`, { cause });
  }
  return parse(text, `The file ${path}`);
}

function unreadable(path: string, cause: unknown): string {
  const missing = `There is no file ${path}`;
  const reason = fileFault(cause, missing);
  if (reason === missing) return missing;
  return reason === "it is a folder" ? `${path} is a folder` : `The file ${path} cannot be read: ${reason}`;
}

/**
 * Reads a tenant from JSON text: users and groups in Graph's own shape; a user's `manager` and a group's `members` may
 * also stand inside the record, as Graph answers them to `$expand`. In the result they are edges. A record without `id`
 * gets one, made of its name.
 *
 * @throws TenantFileError for anything that is missing, of the wrong type, named twice, or refers to what is not there.
 */
export function parseTenantFile(text: string): TenantFile {
  return parse(text, "The document");
}

function parse(text: string, source: string): TenantFile {
  const problems: string[] = [];
  const report: Report = (where, what) => void problems.push(`${where} ${what}`);
  const tenant = readDocument(parseJson(text, source), report);
  if (problems.length > 0) throw new TenantFileError(source, problems);
  return tenant;
}

function parseJson(text: string, source: string): Json {
  try {
    return JSON.parse(text.replace(/^\uFEFF/u, "")) as Json;
  } catch (cause) {
    throw new TenantFileError(source, [`it is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`]);
  }
}

function readDocument(document: Json, report: Report): TenantFile {
  if (!isObject(document)) {
    report("the whole", "is not an object with users and groups");
    return { users: [], groups: [] };
  }
  for (const name of Object.keys(document).filter((key) => !SECTIONS.includes(key) && !key.startsWith("@odata."))) {
    report(name, `is not a part of a tenant; those are ${SECTIONS.join(", ")}`);
  }
  const { organization } = document;
  if (organization !== undefined) checkOrganization(organization, report);
  const made = madeIds(SERIES);
  const users = readRecords<GraphUser>(document, "users", checkUser, report).map(identify("user", made));
  const groups = readRecords<GraphGroup>(document, "groups", checkGroup, report).map(identify("group", made));
  const references = indexReferences(users, groups, report);
  return {
    ...(isObject(organization) ? { organization } : {}),
    users: users.map(({ manager: _, ...user }) => user),
    groups: groups.map(({ members: _, "members@delta": __, ...group }) => group),
    memberships: readMemberships(document, groups, references, report),
    managers: readManagers(document, users, references, report),
  };
}

function readRecords<T>(
  document: JsonObject,
  section: string,
  check: (record: Json, where: string, report: Report) => boolean,
  report: Report,
): T[] {
  const list = document[section];
  if (!Array.isArray(list)) {
    report(section, list === undefined ? "is missing" : "is not an array");
    return [];
  }
  return list.filter((record, index) => check(record, `${section}[${index}]`, report)) as T[];
}

function identify<T extends GraphUser | GraphGroup>(
  kind: "user" | "group",
  made: MadeIds,
): (record: T) => Identified<T> {
  return (record) => ({ ...record, id: record.id ?? made(kind, record) });
}

interface References {
  readonly users: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
}

function indexReferences(
  users: readonly Identified<GraphUser>[],
  groups: readonly Identified<GraphGroup>[],
  report: Report,
): References {
  const seen = new Map<string, string>();
  const unique = (key: string, where: string, what: string): void => {
    const first = seen.get(key);
    if (first === undefined) seen.set(key, where);
    else report(where, `has the ${what} of ${first}`);
  };
  users.forEach((user, index) => {
    unique(`id ${user.id}`, `users[${index}]`, `id '${user.id}'`);
    const name = user.userPrincipalName;
    if (name) unique(`upn ${name.toLowerCase()}`, `users[${index}]`, `userPrincipalName '${name}'`);
  });
  for (const [index, group] of groups.entries()) unique(`id ${group.id}`, `groups[${index}]`, `id '${group.id}'`);
  return { users: new Set(users.map((user) => user.id)), groups: new Set(groups.map((group) => group.id)) };
}

/** One edge as it was found, before its ends are known to exist. */
interface Edge {
  readonly from: Json | undefined;
  readonly to: Json | undefined;
  readonly where: string;
}

function readMemberships(
  document: JsonObject,
  groups: readonly Identified<GraphGroup>[],
  references: References,
  report: Report,
): Membership[] {
  const inline = groups.flatMap((group, index) =>
    ["members", "members@delta"].flatMap((property) => {
      const members = group[property];
      return Array.isArray(members)
        ? members.map((member, at) => ({
            from: group.id,
            to: member?.id,
            where: `groups[${index}].${property}[${at}]`,
          }))
        : [];
    }),
  );
  const edges = [...inline, ...readEdges(document, "memberships", ["group", "member"], report)];
  const seen = new Set<string>();
  return edges.flatMap(({ from, to, where }) => {
    if (!isReference(from, references.groups, where, "group", report)) return [];
    const member = typeof to === "string" && references.groups.has(to) ? references.groups : references.users;
    if (!isReference(to, member, where, "member", report)) return [];
    if (seen.has(`${from} ${to}`)) report(where, `says a second time that '${to}' is a member of '${from}'`);
    seen.add(`${from} ${to}`);
    return [{ group: from, member: to }];
  });
}

function readManagers(
  document: JsonObject,
  users: readonly Identified<GraphUser>[],
  references: References,
  report: Report,
): ManagerReference[] {
  const inline = users.flatMap((user, index) =>
    isObject(user.manager) ? [{ from: user.id, to: user.manager.id, where: `users[${index}].manager` }] : [],
  );
  const edges = [...inline, ...readEdges(document, "managers", ["user", "manager"], report)];
  const seen = new Set<string>();
  return edges.flatMap(({ from, to, where }) => {
    if (!isReference(from, references.users, where, "user", report)) return [];
    if (!isReference(to, references.users, where, "manager", report)) return [];
    if (seen.has(from)) report(where, `gives the user '${from}' a second manager`);
    seen.add(from);
    return [{ user: from, manager: to }];
  });
}

/** A list of `{[from], [to]}`, or a record from the one to the other, which may be a list. */
function readEdges(
  document: JsonObject,
  section: string,
  [from, to]: readonly [string, string],
  report: Report,
): Edge[] {
  const edges = document[section];
  if (edges === undefined) return [];
  if (Array.isArray(edges)) {
    return edges.flatMap((edge: Json, index) => {
      const where = `${section}[${index}]`;
      if (isObject(edge)) return [{ from: edge[from], to: edge[to], where }];
      report(where, `is not an object with ${from} and ${to}`);
      return [];
    });
  }
  if (isObject(edges)) {
    return Object.entries(edges).flatMap(([key, value]) => {
      const where = `${section}['${key}']`;
      if (section === "managers") return [{ from: key, to: value, where }];
      if (Array.isArray(value))
        return value.map((entry: Json, at) => ({ from: key, to: entry, where: `${where}[${at}]` }));
      report(where, "is not an array of member ids");
      return [];
    });
  }
  report(section, `is neither an array of {${from}, ${to}} nor an object`);
  return [];
}

function isReference(
  value: Json | undefined,
  known: ReadonlySet<string>,
  where: string,
  role: string,
  report: Report,
): value is string {
  if (typeof value !== "string") {
    report(where, `has no ${role} id that is a string`);
    return false;
  }
  if (known.has(value)) return true;
  report(where, `names the ${role} '${value}', which is not in the document`);
  return false;
}
