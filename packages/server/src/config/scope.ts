import {
  APP_ROLES,
  DISABLED_CHOICES,
  GUEST_CHOICES,
  SCOPE_OPERATORS,
  type Scope,
  type ScopeClause,
  type SourceKind,
  sourcePathOf,
} from "@entrain/core";
import type { Checker, Entries } from "./checker.ts";
import { checkAttribute } from "./connections.ts";
import type { Path } from "./document.ts";

const OF_PEOPLE = ["people", "guests", "disabled", "licensed", "peopleOnly"] as const;
const KEYS = ["assigned", "groups", "filters", ...OF_PEOPLE];

/**
 * Who is in: assignments to an application, groups and filters, as in Entra, people by themselves, and choices of accounts. Nested
 * groups count unless `transitive` says otherwise. What the parts say is judged by core.
 */
export function readScope(checker: Checker, value: unknown, path: Path, source: SourceKind | null): Scope | undefined {
  const entry = checker.map(value, path, KEYS);
  if (entry === undefined) return undefined;
  const flaws = checker.flaws.length;
  const parts = {
    ...part(entry, "assigned", (it, key) => ({ assigned: readAssigned(checker, it, [...path, key]) })),
    ...part(entry, "groups", (it, key) => ({ groups: readGroups(checker, it, [...path, key]) })),
    ...part(entry, "filters", (it, key) => ({ filters: readFilters(checker, it, [...path, key], source) })),
    ...part(entry, "people", (it, key) => ({ people: readPeople(checker, it, [...path, key]) })),
    ...part(entry, "guests", (it, key) => ({ guests: checker.oneOf(it, [...path, key], GUEST_CHOICES) })),
    ...part(entry, "disabled", (it, key) => ({ disabled: checker.oneOf(it, [...path, key], DISABLED_CHOICES) })),
    ...part(entry, "licensed", (it, key) => ({ licensed: readLicensed(checker, it, [...path, key]) })),
    ...part(entry, "peopleOnly", (it, key) => ({ peopleOnly: checker.boolean(it, [...path, key]) })),
  };
  for (const key of OF_PEOPLE) {
    if (entry[key] === undefined || source === "user" || source === null) continue;
    checker.flaw([...path, key], `only people have what this asks for, and the sync is about ${source}s`);
  }
  for (const { attribute, place } of attributesIn(parts as Scope)) {
    if (entry.assigned !== undefined || directoryName(attribute)?.split(".")[0] !== APP_ROLES) continue;
    // The roles come with the assignments that name them.
    checker.flaw([...path, ...place], `${APP_ROLES} needs a scope of who is assigned: assigned: { application: … }`);
  }
  return checker.flaws.length > flaws ? undefined : (parts as Scope);
}

/** A part that the document has; a part that is flawed has been noted as such, and keeps the whole from being used. */
function part<T extends object>(entry: Entries, key: string, read: (value: unknown, key: string) => T): T | object {
  return entry[key] === undefined ? {} : read(entry[key], key);
}

function readAssigned(checker: Checker, value: unknown, path: Path): Scope["assigned"] {
  const entry = checker.map(value, path, ["application", "transitive"]);
  if (entry === undefined) return undefined;
  const application = checker.text(entry.application, [...path, "application"]);
  const transitive = entry.transitive === undefined ? true : checker.boolean(entry.transitive, [...path, "transitive"]);
  return application === undefined || transitive === undefined
    ? undefined
    : { application: application.toLowerCase(), transitive };
}

function readGroups(checker: Checker, value: unknown, path: Path): Scope["groups"] {
  const entry = checker.map(value, path, ["include", "exclude", "transitive"]);
  if (entry === undefined) return undefined;
  const lists = readLists(checker, entry, path);
  const transitive =
    entry.transitive === undefined ? true : readTransitive(checker, entry.transitive, [...path, "transitive"]);
  return lists === undefined || transitive === undefined ? undefined : { ...lists, transitive };
}

function readTransitive(
  checker: Checker,
  value: unknown,
  path: Path,
): NonNullable<Scope["groups"]>["transitive"] | undefined {
  if (typeof value !== "object") return checker.boolean(value, path);
  const entry = checker.map(value, path, ["include", "exclude"]);
  if (entry === undefined) return undefined;
  const { include = true, exclude = true } = entry;
  const [forIncluded, forExcluded] = [
    checker.boolean(include, [...path, "include"]),
    checker.boolean(exclude, [...path, "exclude"]),
  ];
  if (forIncluded === undefined || forExcluded === undefined) return undefined;
  return { include: forIncluded, exclude: forExcluded };
}

interface Lists {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

function readPeople(checker: Checker, value: unknown, path: Path): Lists | undefined {
  const entry = checker.map(value, path, ["include", "exclude"]);
  return entry === undefined ? undefined : readLists(checker, entry, path);
}

function readLists(checker: Checker, entry: Entries, path: Path): Lists | undefined {
  const include = entry.include === undefined ? null : checker.texts(entry.include, [...path, "include"]);
  const exclude = entry.exclude === undefined ? null : checker.texts(entry.exclude, [...path, "exclude"]);
  if (include === undefined || exclude === undefined) return undefined;
  return { ...(include === null ? {} : { include }), ...(exclude === null ? {} : { exclude }) };
}

function readLicensed(checker: Checker, value: unknown, path: Path): Scope["licensed"] {
  if (value === true) return true;
  if (Array.isArray(value)) return checker.texts(value, path);
  return checker.flaw(path, "must be true, or a list of licences by skuId or part number, such as [SPE_E3]");
}

function readFilters(checker: Checker, value: unknown, path: Path, source: SourceKind | null): Scope["filters"] {
  if (Array.isArray(value) && value.length === 0) {
    return checker.flaw(path, "write no filters at all for everyone, or at least one filter");
  }
  const filters = checker.list(value, path)?.map((filter, at) => readFilter(checker, filter, [...path, at], source));
  return filters?.every((filter) => filter !== undefined) ? (filters as Scope["filters"]) : undefined;
}

function readFilter(
  checker: Checker,
  value: unknown,
  path: Path,
  source: SourceKind | null,
): readonly ScopeClause[] | undefined {
  const clauses = checker.list(value, path)?.map((clause, at) => readClause(checker, clause, [...path, at], source));
  return clauses?.every((clause) => clause !== undefined) ? (clauses as readonly ScopeClause[]) : undefined;
}

function readClause(checker: Checker, value: unknown, path: Path, source: SourceKind | null): ScopeClause | undefined {
  const entry = checker.map(value, path, ["attribute", "operator", "value"]);
  if (entry === undefined) return undefined;
  const attribute = checker.text(entry.attribute, [...path, "attribute"]);
  const operator = checker.oneOf(entry.operator, [...path, "operator"], SCOPE_OPERATORS);
  const wanted = entry.value === undefined ? null : checker.text(entry.value, [...path, "value"]);
  if (attribute === undefined || operator === undefined || wanted === undefined) return undefined;
  const name = directoryName(attribute);
  // A name that nothing stands for is the scope's compiler to tell of.
  if (name !== null) checkAttribute(checker, name, [...path, "attribute"], source, { everyItem: true });
  if (name?.replace(/^manager\./, "").split(".")[0] === "photo") {
    const detail =
      "photos are read little by little, so that a scope would let people in by chance; map photo.hash instead";
    checker.flaw([...path, "attribute"], detail);
  }
  return { attribute, operator, ...(wanted === null ? {} : { value: wanted }) };
}

/** What the directory calls an attribute that is named as Graph or as Entra does; `null`: nothing stands for the name. */
function directoryName(attribute: string): string | null {
  const source = sourcePathOf(attribute);
  return "flaw" in source ? null : source.path;
}

function attributesIn({ filters = [] }: Scope): readonly { readonly attribute: string; readonly place: Path }[] {
  return filters.flatMap((clauses, filter) =>
    clauses.map(({ attribute }, clause) => ({ attribute, place: ["filters", filter, clause, "attribute"] })),
  );
}
