import assert from "node:assert/strict";
import { isObject, type Json, type JsonObject, listIn, objectIn, textIn } from "./json.ts";
import type { Overrides } from "./overrides.ts";
import { ANY, segmentsOf } from "./paths.ts";

/** One operation: a method on a path, with what Microsoft describes of its request and answers. */
export interface Operation {
  readonly method: string;
  /** Segments as `segmentsOf` makes them; `{}` for a parameter. */
  readonly segments: readonly string[];
  /** Query options that may be given, by their names in lower case. */
  readonly query: ReadonlySet<string>;
  /** Bounds of `$top`. */
  readonly top: { readonly least: number; readonly most: number } | null;
  /** OpenAPI schema of the request's body; null when there must be none. */
  readonly body: Json;
  /** By `200`, `2XX`, …: OpenAPI schema of the answer's body, null for none. */
  readonly answers: ReadonlyMap<string, AnswerRule>;
  /** Whether the answer may hold `@removed` and `…@delta`. */
  readonly delta: boolean;
}

/** What an answer must be: JSON of a schema, plain text of a schema, or nothing. */
export type AnswerRule =
  | { readonly form: "json" | "text"; readonly schema: Json }
  | { readonly form: "binary" }
  | { readonly form: "none" };

/** The official description, normalised and with the overrides laid over it. */
export interface Specification {
  readonly operations: readonly Operation[];
  readonly schemas: JsonObject;
  readonly overrides: Overrides;
  /** The operation of a request; null when Graph has none there. Paths are not case-sensitive. */
  find(method: string, segments: readonly string[]): Operation | null;
}

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

/** Reads the OpenAPI document; `overrides` win over it wherever both speak. */
export function normalise(document: Json, overrides: Overrides): Specification {
  const operations = new Map<string, Operation>();
  const reader = new DocumentReader(document);
  for (const [path, item] of Object.entries(objectIn(document, "paths"))) {
    for (const method of METHODS) {
      const described = isObject(item) ? item[method] : undefined;
      if (isObject(described)) keep(operations, reader.operation(method, path, described));
    }
  }
  for (const { operations: added = [] } of overrides.entries) {
    for (const { at, ...described } of added) {
      const [method = "", path = ""] = at.split(" ");
      keep(operations, { ...reader.operation(method, path, described), delta: described.delta === true });
    }
  }
  for (const entry of overrides.entries) {
    for (const target of entry.at ?? []) amend(operations, target, entry);
    for (const { collection, casts = [], count = true } of entry.derive ?? [])
      derive(operations, collection, casts, count);
  }
  const schemas = { ...reader.schemas };
  for (const { schemas: amended = {} } of overrides.entries) {
    for (const [name, schema] of Object.entries(amended)) schemas[name] = merged(schemas[name], schema);
  }
  const list = [...operations.values()].sort((a, b) => parameters(a.segments) - parameters(b.segments));
  return {
    operations: list,
    schemas,
    overrides,
    find: (method, segments) =>
      list.find((one) => one.method === method && matches(one.segments, segments)) ??
      list.find((one) => one.method === method && matches(one.segments, byId(segments))) ??
      null,
  };
}

/** `METHOD /path/{}/…`, the name of a request kind in reports. */
export function nameOf({ method, segments }: Pick<Operation, "method" | "segments">): string {
  return `${method} /${segments.join("/")}`;
}

function keep(operations: Map<string, Operation>, operation: Operation): void {
  operations.set(nameOf(operation), operation);
}

function parameters(segments: readonly string[]): number {
  return segments.filter((segment) => segment === ANY).length;
}

/** An alternate key stands wherever an id does ("Get servicePrincipal": both addresses, for what is below it too). */
function byId(segments: readonly string[]): readonly string[] {
  return segments.filter((segment) => !segment.endsWith("="));
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.length !== segments.length) return false;
  return pattern.every((wanted, i) => {
    const segment = segments[i] ?? "";
    if (wanted === ANY) return !segment.startsWith("$") && !segment.startsWith("graph.");
    return wanted.toLowerCase() === segment.toLowerCase();
  });
}

/** Reads what the document says about one operation, with its references resolved one level deep. */
class DocumentReader {
  readonly schemas: JsonObject;
  readonly #components: JsonObject;

  constructor(document: Json) {
    this.#components = objectIn(document, "components");
    this.schemas = objectIn(this.#components, "schemas");
  }

  operation(method: string, path: string, described: JsonObject): Operation {
    const parameters = listIn(described, "parameters").map((one) => this.#resolved(one));
    const names = parameters
      .filter((one) => textIn(one, "in") === "query")
      .map((one) => (textIn(one, "name") ?? "").toLowerCase());
    const body = this.#resolved(described.requestBody ?? null);
    const answers = Object.entries(objectIn(described, "responses")).map(
      ([status, answer]) => [status, this.#answer(this.#resolved(answer))] as const,
    );
    return {
      method: method.toUpperCase(),
      segments: segmentsOf(path.replaceAll(/\{[^}]*\}/g, ANY)),
      query: new Set(names),
      top: names.includes("$top") ? { least: 1, most: 999 } : null,
      body: objectIn(objectIn(objectIn(body, "content"), "application/json"), "schema"),
      answers: new Map(answers),
      delta: path.endsWith("/delta()"),
      ...(Object.keys(objectIn(body, "content")).length === 0 ? { body: null } : {}),
    };
  }

  #answer(answer: Json): AnswerRule {
    const content = objectIn(answer, "content");
    const schemaOf = (type: string): Json => objectIn(objectIn(content, type), "schema");
    if ("application/json" in content) return { form: "json", schema: schemaOf("application/json") };
    if ("text/plain" in content) return { form: "text", schema: schemaOf("text/plain") };
    return { form: Object.keys(content).length === 0 ? "none" : "binary" };
  }

  #resolved(value: Json): Json {
    const reference = textIn(value, "$ref");
    if (reference === null) return value;
    const [, , kind = "", name = ""] = reference.split("/");
    const found = objectIn(this.#components, kind)[name];
    assert.ok(found !== undefined, `${reference} is not in the description`);
    return found;
  }
}

type Entry = Overrides["entries"][number];

function amend(operations: Map<string, Operation>, target: string, entry: Entry): void {
  const found = operations.get(target);
  assert.ok(
    found !== undefined,
    `the override "${entry.page}" speaks of ${target}, which the description does not have`,
  );
  const { allow = [], refuse = [], top, answer } = entry;
  const refused = new Set(refuse);
  const query = new Set([...found.query, ...allow].filter((name) => !refused.has(name)));
  const answers = new Map(found.answers);
  if (answer !== undefined) {
    for (const status of [...answers.keys()].filter((one) => one.startsWith("2"))) answers.delete(status);
    for (const [status, schema] of Object.entries(answer)) {
      answers.set(status, schema === null ? { form: "none" } : { form: "json", schema });
    }
  }
  operations.set(target, {
    ...found,
    query,
    answers,
    top: query.has("$top") ? (top ?? found.top ?? { least: 1, most: 999 }) : null,
    body: entry.body === undefined ? found.body : merged(found.body, entry.body),
  });
}

/** `/$count`, and an OData cast with its own `/$count`, below a collection of the description. */
function derive(
  operations: Map<string, Operation>,
  collection: string,
  casts: readonly string[],
  count: boolean,
): void {
  const found = operations.get(`GET ${collection}`);
  assert.ok(found !== undefined, `GET ${collection} is not in the description`);
  const counted = (segments: readonly string[]): void =>
    keep(operations, {
      ...found,
      segments: [...segments, "$count"],
      query: new Set(["$filter", "$search"]),
      top: null,
      answers: new Map([...refusals(found), ["200", { form: "text", schema: { type: "integer" } }]]),
    });
  if (count) counted(found.segments);
  for (const type of casts) {
    const segments = [...found.segments, `graph.${type}`];
    const answers = new Map([...refusals(found), ["200", { form: "json", schema: collectionOf(type) } as const]]);
    keep(operations, { ...found, segments, answers });
    if (count) counted(segments);
  }
}

function refusals({ answers }: Operation): readonly (readonly [string, AnswerRule])[] {
  return [...answers].filter(([status]) => !status.startsWith("2"));
}

function collectionOf(type: string): JsonObject {
  const items = { $ref: `#/components/schemas/microsoft.graph.${type}` };
  const pages = { $ref: "#/components/schemas/BaseCollectionPaginationCountResponse" };
  return { allOf: [pages, { type: "object", properties: { value: { type: "array", items } } }] };
}

/** Objects are merged name by name, everything else is replaced. */
function merged(under: Json | undefined, over: Json): Json {
  if (!isObject(under) || !isObject(over)) return over;
  const result: Record<string, Json> = { ...under };
  for (const [name, value] of Object.entries(over)) result[name] = merged(under[name], value);
  return result;
}
