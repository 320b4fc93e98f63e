import { ConnectorError } from "@entrain/core";
import type {
  EntraAttributeMapping,
  EntraClause,
  EntraFilter,
  EntraFilterGroup,
  EntraObjectMapping,
  EntraRule,
  EntraSource,
} from "./schema.ts";

type Node = { readonly [name: string]: unknown };

const LARGEST_CHARACTERS = 16 * 1024 * 1024;
const MOST_ITEMS = 5_000;
/** An expression has at most 10,000 characters; everything else is shorter. */
const LONGEST_TEXT = 20_000;
const FETCH = "GET /servicePrincipals/{id}/synchronization/jobs/{job id}/schema";

/**
 * Reads an exported provisioning schema ("synchronizationSchema resource type"): as Graph answers it, within a template or a
 * job, or with the capital letters of Graph's PowerShell. `name` is the file's, for messages.
 * @throws ConnectorError `config_invalid`: one sentence on what the text is instead, or which part of it is broken
 */
export function readEntraSchema(text: string, name: string): readonly EntraRule[] {
  const root = schemaIn(parse(text, name), name);
  const place = "synchronizationRules";
  return list(root, place, "").map((rule, at) => readRule(rule, `${place}[${at}]`));
}

/** The schema itself as plain JSON, wherever in the text it stands. @throws ConnectorError as {@link readEntraSchema} */
export function plainEntraSchema(text: string, name: string): Node {
  return schemaIn(parse(text, name), name);
}

/** A member by its name, or by that name with a capital letter as Graph's PowerShell writes it. */
export function memberName(node: Node, name: string): string {
  if (Object.hasOwn(node, name)) return name;
  const capital = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return Object.hasOwn(node, capital) ? capital : name;
}

function member(node: Node, name: string): unknown {
  const found = memberName(node, name);
  return Object.hasOwn(node, found) ? node[found] : undefined;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parse(text: string, name: string): unknown {
  if (text.length > LARGEST_CHARACTERS) throw invalid(`${name} is larger than 16 MB, which no provisioning schema is.`);
  const plain = text.replace(/^\uFEFF/, "").trim();
  if (plain === "") throw invalid(`${name} is empty.`);
  try {
    return JSON.parse(plain);
  } catch {
    const what = plain.startsWith("<") ? "a web page or XML" : "no JSON";
    throw invalid(`${name} is ${what}; export the provisioning schema as JSON, as Graph answers ${FETCH}.`);
  }
}

/** What Graph wraps a schema in, and what is taken for one by mistake. */
function schemaIn(value: unknown, name: string): Node {
  if (!isNode(value)) throw notOne(name, "holds no JSON object");
  const fault = member(value, "error");
  if (isNode(fault)) throw notOne(name, `holds a refusal of Graph (${String(member(fault, "code"))})`);
  if (Array.isArray(member(value, "synchronizationRules"))) return value;
  const inside = member(value, "schema");
  if (isNode(inside)) return schemaIn(inside, name);
  const values = member(value, "value");
  if (Array.isArray(values)) return schemaOf(values, name);
  if (member(value, "templateId") !== undefined) throw notOne(name, "holds a provisioning job without its schema");
  if (member(value, "objectMappings") !== undefined)
    throw notOne(name, "holds one synchronization rule, not the schema");
  if (member(value, "attributeMappings") !== undefined) throw notOne(name, "holds one object mapping, not the schema");
  throw notOne(name, "holds no synchronizationRules");
}

function schemaOf(values: readonly unknown[], name: string): Node {
  const nodes = values.filter(isNode);
  const [only, ...others] = nodes.filter((one) => isNode(member(one, "schema")));
  if (only !== undefined && others.length === 0) return schemaIn(only, name);
  const ids = nodes.map((one) => String(member(one, "id") ?? "?")).slice(0, 5);
  if (only !== undefined)
    throw notOne(name, `holds ${others.length + 1} schemas (${ids.join(", ")}); keep one of them`);
  const jobs = nodes.some((one) => member(one, "templateId") !== undefined);
  const [first] = ids;
  if (jobs && first !== undefined) {
    throw notOne(name, `lists the provisioning jobs (${ids.join(", ")}), which is what comes before the schema`);
  }
  throw notOne(name, "is a list without a schema");
}

function notOne(name: string, what: string): ConnectorError {
  return invalid(`${name} ${what}. A provisioning schema is what Graph answers to ${FETCH}.`);
}

function readRule(value: unknown, place: string): EntraRule {
  const node = object(value, place);
  return {
    place,
    name: text(node, "name", place) ?? text(node, "id", place) ?? place,
    source: text(node, "sourceDirectoryName", place),
    target: text(node, "targetDirectoryName", place),
    mappings: list(node, "objectMappings", place).map((mapping, at) =>
      readObjectMapping(mapping, `${place}.objectMappings[${at}]`),
    ),
  };
}

function readObjectMapping(value: unknown, place: string): EntraObjectMapping {
  const node = object(value, place);
  const scope = member(node, "scope") ?? null;
  const flows = member(node, "flowTypes") ?? null;
  return {
    place,
    name: text(node, "name", place) ?? "",
    source: text(node, "sourceObjectName", place) ?? "",
    target: text(node, "targetObjectName", place) ?? "",
    enabled: member(node, "enabled") !== false,
    flowTypes: flows === null ? null : readFlowTypes(flows),
    scope: scope === null ? null : readFilter(scope, `${place}.scope`),
    attributes: list(node, "attributeMappings", place).map((mapping, at) =>
      readAttributeMapping(mapping, `${place}.attributeMappings[${at}]`),
    ),
  };
}

/** A flags enumeration: `"Add, Update, Delete"`; PowerShell makes a list of it. */
function readFlowTypes(value: unknown): readonly string[] {
  const words = Array.isArray(value) ? value.map(String) : String(value).split(",");
  return words.map((word) => word.trim()).filter((word) => word !== "");
}

function readAttributeMapping(value: unknown, place: string): EntraAttributeMapping {
  const node = object(value, place);
  const source = member(node, "source") ?? null;
  const priority = member(node, "matchingPriority") ?? 0;
  const fallback = member(node, "defaultValue") ?? null;
  if (typeof priority !== "number") throw broken(`${place}.matchingPriority`, "must be a number");
  return {
    place,
    target: text(node, "targetAttributeName", place) ?? "",
    source: source === null ? null : readSource(source, `${place}.source`),
    defaultValue: fallback === null || fallback === "" ? null : String(fallback),
    flowType: text(node, "flowType", place) ?? "Always",
    flowBehavior: text(node, "flowBehavior", place) ?? "FlowWhenChanged",
    matchingPriority: priority,
  };
}

/** Graph's PowerShell writes a source that is not there as an object without values. */
function readSource(value: unknown, place: string): EntraSource | null {
  const node = object(value, place);
  const name = text(node, "name", place) ?? "";
  const expression = text(node, "expression", place) ?? "";
  const type = text(node, "type", place) ?? "Attribute";
  return name === "" && expression === "" && type !== "Constant" ? null : { type, name, expression };
}

function readFilter(value: unknown, place: string): EntraFilter {
  const node = object(value, place);
  const groups = (name: string): readonly EntraFilterGroup[] =>
    list(node, name, place).map((group, at) => readFilterGroup(group, `${place}.${name}[${at}]`));
  return {
    groups: groups("groups"),
    inputFilterGroups: groups("inputFilterGroups"),
    categoryFilterGroups: groups("categoryFilterGroups"),
  };
}

function readFilterGroup(value: unknown, place: string): EntraFilterGroup {
  const node = object(value, place);
  return { place, clauses: list(node, "clauses", place).map((one, at) => readClause(one, `${place}.clauses[${at}]`)) };
}

function readClause(value: unknown, place: string): EntraClause {
  const node = object(value, place);
  const operand = member(node, "targetOperand") ?? null;
  const values = operand === null ? [] : list(object(operand, `${place}.targetOperand`), "values", place);
  return {
    place,
    attribute: text(node, "sourceOperandName", place) ?? "",
    operator: text(node, "operatorName", place) ?? "",
    values: values.filter((one) => one !== null && one !== undefined && one !== "").map(String),
  };
}

function object(value: unknown, place: string): Node {
  if (isNode(value)) return value;
  throw broken(place, `is ${inWords(value)} where an object belongs${cutOff(value)}`);
}

/** A member that is a list; what is not there, or null, is an empty one. */
function list(node: Node, name: string, place: string): readonly unknown[] {
  const value = member(node, name) ?? [];
  const at = `${place}${place === "" ? "" : "."}${name}`;
  if (Array.isArray(value)) {
    if (value.length <= MOST_ITEMS) return value;
    throw broken(at, `has ${value.length} items, and no schema has over ${MOST_ITEMS}`);
  }
  throw broken(at, `is ${inWords(value)} where a list belongs${cutOff(value)}`);
}

function text(node: Node, name: string, place: string): string | null {
  const value = member(node, name) ?? null;
  if (value === null || value === "") return null;
  if (typeof value === "string" && value.length <= LONGEST_TEXT) return value;
  if (typeof value === "string") throw broken(`${place}.${name}`, `has over ${LONGEST_TEXT} characters`);
  throw broken(`${place}.${name}`, `is ${inWords(value)} where text belongs`);
}

/** What is nested deeper than -Depth becomes text, such as `@{name=…}`. */
function cutOff(value: unknown): string {
  return typeof value === "string" ? "; PowerShell's ConvertTo-Json cuts off what is nested: add -Depth 20" : "";
}

function inWords(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (typeof value === "string") return "text";
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : String(value);
}

function broken(place: string, what: string): ConnectorError {
  return invalid(`${place} ${what}.`);
}

function invalid(message: string): ConnectorError {
  return new ConnectorError("config_invalid", message, { stops: "run", retry: "never" });
}
