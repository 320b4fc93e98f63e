import { type Json, objectIn } from "./json.ts";
import type { SchemaChecker } from "./schemas.ts";
import type { Operation, Specification } from "./specification.ts";

/** A request's query and what it is asked of. */
export interface Query {
  readonly operation: Operation;
  readonly query: ReadonlyMap<string, string>;
  /** Whether `ConsistencyLevel: eventual` was sent. */
  readonly eventual: boolean;
  /** A stand-in of one test makes links of its own, with options that are no OData. */
  readonly ownLinks: boolean;
}

/** What is wrong with a request's query options; empty when nothing is. */
export function queryFaults(asked: Query, specification: Specification, checker: SchemaChecker): readonly string[] {
  const { operation, query } = asked;
  const options = new Map([...query].map(([name, value]) => [name.toLowerCase(), value]));
  const unknown = [...options.keys()].filter(
    (name) => !operation.query.has(name) && (name.startsWith("$") || !asked.ownLinks),
  );
  return [
    ...unknown.map((name) => `the option ${name} is not documented here`),
    ...valueFaults(operation, options),
    ...nameFaults(operation, options, specification, checker),
    ...advancedFaults(asked, options, specification),
  ];
}

function valueFaults({ top }: Operation, options: ReadonlyMap<string, string>): readonly string[] {
  const faults: string[] = [];
  const size = options.get("$top");
  if (size !== undefined && top !== null) {
    const number = /^\d+$/.test(size) ? Number(size) : Number.NaN;
    if (!(number >= top.least && number <= top.most)) faults.push(`$top is not within ${top.least} and ${top.most}`);
  }
  const count = options.get("$count");
  if (count !== undefined && !/^(true|false)$/i.test(count)) faults.push("$count is neither true nor false");
  for (const name of ["$select", "$filter", "$orderby", "$search", "$expand"]) {
    if (options.get(name) === "") faults.push(`${name} is empty`);
  }
  return faults;
}

/** No property of Graph's own has an underscore; directory and schema extensions have. */
const EXTENSION = /^[a-z0-9]+_\w+$/i;

/** `$select`, `$orderby` and `$filter` name properties of what is listed, `$expand` relationships. */
function nameFaults(
  operation: Operation,
  options: ReadonlyMap<string, string>,
  specification: Specification,
  checker: SchemaChecker,
): readonly string[] {
  const names = namesOf(operation, specification, checker);
  if (names === null) return [];
  const known = (name: string): boolean =>
    names.has(name.toLowerCase()) || EXTENSION.test(name) || /^(microsoft\.)?graph\./.test(name);
  const asked = (option: string): readonly string[] => topLevel(options.get(option) ?? "");
  const [selected, ordered, expanded] = [
    asked("$select"),
    asked("$orderby").map((part) => part.replace(/\s+(asc|desc)$/i, "")),
    asked("$expand").map((part) => part.replace(/\(.*$/s, "")),
  ];
  const filtered = filterNames(options.get("$filter") ?? "");
  const told = (option: string, list: readonly string[]): readonly string[] =>
    list
      .map((name) => name.split("/")[0] ?? "")
      .filter((name) => !known(name) && name !== "*")
      .map((name) => `${option} names ${name}, which there is not`);
  return [
    ...told("$select", selected),
    ...told("$orderby", ordered),
    ...told("$expand", expanded),
    ...told("$filter", filtered),
  ];
}

/** Names in lower case of all properties of all types that the answer may hold; null where the answer is no entity. */
function namesOf(asked: Operation, specification: Specification, checker: SchemaChecker): ReadonlySet<string> | null {
  const counted = asked.segments.at(-1) === "$count";
  const operation = counted ? specification.find("GET", asked.segments.slice(0, -1)) : asked;
  if (operation === null) return null;
  const success = [...operation.answers].find(([status, rule]) => status.startsWith("2") && "schema" in rule)?.[1];
  if (success === undefined || !("schema" in success)) return null;
  const whole = checker.propertiesOf(success.schema);
  const items = objectIn(whole?.value ?? null, "items");
  const entity: Json = Object.keys(items).length === 0 ? success.schema : items;
  const types = checker.typesOf(entity);
  if (types.length === 0) return null;
  const properties = types.flatMap((type) =>
    Object.keys(checker.propertiesOf({ $ref: `#/components/schemas/${type}` }) ?? {}),
  );
  return new Set(properties.map((name) => name.toLowerCase()));
}

/** Splits at the commas that stand outside parentheses. */
function topLevel(text: string): readonly string[] {
  let depth = 0;
  const parts: string[] = [""];
  for (const sign of text) {
    if (sign === "(") depth += 1;
    if (sign === ")") depth -= 1;
    if (sign === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += sign;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

const WORDS = new Set(
  "eq ne not ge le gt lt and or in has true false null any all startswith endswith contains".split(" "),
);

/** The property paths that a filter begins with: lambda variables, literals and operators are no properties. */
function filterNames(filter: string): readonly string[] {
  const bare = filter
    .replaceAll(/'(?:[^']|'')*'/g, "''")
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, "''");
  const variables = new Set([...bare.matchAll(/\b(?:any|all)\((\w+):/gi)].map((match) => match[1] ?? ""));
  return [...bare.matchAll(/(?<![\w/.'-])[A-Za-z_][\w.]*/g)]
    .map((match) => match[0])
    .filter(
      (name) => !WORDS.has(name.toLowerCase()) && !variables.has(name) && !/^\d/.test(name) && !/^[TZ]?\d/.test(name),
    );
}

/** "Advanced query capabilities on Microsoft Entra ID objects". */
function advancedFaults(
  { operation, eventual }: Query,
  options: ReadonlyMap<string, string>,
  { overrides }: Specification,
): readonly string[] {
  const entry = overrides.entries.find(({ advanced }) => advanced !== undefined)?.advanced;
  if (entry === undefined || eventual || !entry.sets.includes(operation.segments[0] ?? "")) return [];
  const needs: string[] = [];
  if (operation.segments.at(-1) === "$count") needs.push("/$count");
  if (options.has("$search")) needs.push("$search");
  const filter = options.get("$filter")?.replaceAll(/'(?:[^']|'')*'/g, "''") ?? "";
  if (filter !== "" && options.has("$orderby")) needs.push("$filter with $orderby");
  for (const word of entry.filters) if (new RegExp(`\\b${word}\\b`, "i").test(filter)) needs.push(`${word} in $filter`);
  return needs.map((need) => `${need} needs ConsistencyLevel: eventual`);
}
