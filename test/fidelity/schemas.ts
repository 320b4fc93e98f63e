import assert from "node:assert/strict";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { fullFormats } from "ajv-formats/dist/formats.js";
import { isObject, type Json, type JsonObject, listIn, objectIn, textIn } from "./json.ts";

/** How strictly a value is looked at: an answer as it is read, one of a delta query, or what is sent. */
export type Mode = "answer" | "delta" | "request";

const REFERENCE = "#/components/schemas/";
const TYPE = "@odata.type";
/** "OData JSON Format 4.01", control information; `@removed` and `…@delta` only in delta answers. */
const ANNOTATIONS: Readonly<Record<Mode, readonly string[]>> = {
  answer: [
    "^([A-Za-z_]\\w*)?@odata\\.(type|context|id|etag|count|nextLink|editLink|readLink|associationLink|navigationLink|mediaEditLink|mediaReadLink|mediaContentType|mediaEtag)$",
    "^@odata\\.deltaLink$",
    "^@microsoft\\.graph\\.tips$",
  ],
  delta: ["^([A-Za-z_]\\w*)?@odata\\.(type|context|id|etag|count)$", "^@odata\\.(nextLink|deltaLink)$"],
  request: ["^@odata\\.(type|id)$", "^[A-Za-z_]\\w*@odata\\.(bind|type)$"],
};
/** "Add custom data to resources by using extensions": no property of Graph's own has an underscore. */
const EXTENSIONS: readonly string[] = ["^[a-z0-9]+_\\w+$"];

/**
 * Turns the schemas of the description into strict JSON Schemas and checks values by them: no property that the description does
 * not have, null only where it says so, and an entity by the type that it names. `@odata.type` is not required: v1.0 answers carry
 * it only where the type is not what the context says ("OData JSON Format", minimal metadata).
 */
export class SchemaChecker {
  readonly #ajv = new Ajv({
    strict: false,
    allErrors: true,
    formats: { ...fullFormats, any: true, base64url: /^[\w+/-]*={0,2}$/ },
  });
  readonly #schemas: JsonObject;
  readonly #heirs = new Map<string, string[]>();
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor(schemas: JsonObject) {
    this.#schemas = schemas;
    for (const name of Object.keys(schemas)) {
      for (const base of this.#basesOf(name)) this.#heirs.set(base, [...(this.#heirs.get(base) ?? []), name]);
    }
    for (const mode of ["answer", "delta", "request"] as const) {
      for (const name of Object.keys(schemas)) this.#ajv.addSchema(this.#named(name, mode), idOf(name, mode));
    }
  }

  /** What is wrong with the value, in sentences without any of its values; none when nothing is. */
  faults(value: Json, schema: Json, mode: Mode): readonly string[] {
    const key = `${mode} ${JSON.stringify(schema)}`;
    let check = this.#compiled.get(key);
    if (check === undefined) {
      check = this.#ajv.compile(this.#strict(schema, mode));
      this.#compiled.set(key, check);
    }
    if (check(value) === true) return [];
    return [...new Set((check.errors ?? []).filter(isCause).map((error) => sentenceOf(error, value)))];
  }

  /** The properties of a schema with those that it inherits; null when it is not one of an object. */
  propertiesOf(schema: Json): JsonObject | null {
    const name = this.#nameIn(schema);
    const described = name === null ? schema : (this.#schemas[name] ?? null);
    const parts = [described, ...listIn(described, "allOf")];
    const own = parts.map((part) => {
      const base = part === described ? null : this.#nameIn(part);
      return base === null ? objectIn(part, "properties") : (this.propertiesOf(part) ?? {});
    });
    const all: JsonObject = Object.assign({}, ...own);
    return Object.keys(all).length === 0 ? null : all;
  }

  /** Types that an entity of the schema may say that it is, beginning with the schema's own. */
  typesOf(schema: Json): readonly string[] {
    const name = this.#nameIn(schema);
    return name === null ? [] : [name, ...(this.#heirs.get(name) ?? [])];
  }

  #nameIn(schema: Json): string | null {
    const reference = textIn(schema, "$ref");
    if (reference !== null) return reference.slice(REFERENCE.length);
    const [first] = listIn(schema, "anyOf");
    return first === undefined ? null : this.#nameIn(first);
  }

  #basesOf(name: string): readonly string[] {
    const bases = listIn(this.#schemas[name], "allOf").flatMap((part) => textIn(part, "$ref") ?? []);
    return bases.flatMap((reference) => {
      const base = reference.slice(REFERENCE.length);
      return [base, ...this.#basesOf(base)];
    });
  }

  /** A type of the description. An entity that names a more special type is checked by that one. */
  #named(name: string, mode: Mode): object {
    const own = this.#object({ $ref: REFERENCE + name }, mode, name);
    const heirs = this.#heirs.get(name) ?? [];
    if (heirs.length === 0) return own;
    return heirs.reduceRight<object>(
      (otherwise, heir) => ({
        if: { type: "object", required: [TYPE], properties: { [TYPE]: { const: `#${heir}` } } },
        // biome-ignore lint/suspicious/noThenProperty: it is the keyword of JSON Schema.
        then: this.#object({ $ref: REFERENCE + heir }, mode, heir),
        else: otherwise,
      }),
      own,
    );
  }

  #object(schema: Json, mode: Mode, name: string | null): object {
    const properties = this.propertiesOf(schema);
    const described = name === null ? schema : (this.#schemas[name] ?? null);
    if (properties === null) return this.#plain(isObject(described) ? described : {}, mode);
    const strict = Object.fromEntries(
      Object.entries(properties)
        .filter(([property]) => property !== TYPE)
        .map(([property, one]) => [property, this.#strict(one, mode)] as const),
    );
    const required = listIn(described, "required").filter((one) => one !== TYPE && mode === "answer");
    const named = name?.startsWith("microsoft.graph.") === true;
    const patterns = [...ANNOTATIONS[mode], ...(named ? EXTENSIONS : [])].map((pattern) => [pattern, {}] as const);
    return {
      type: "object",
      properties: {
        ...strict,
        ...(named ? { [TYPE]: { const: `#${name}` } } : {}),
        ...(mode === "delta" ? { "@removed": REMOVED } : {}),
      },
      patternProperties: {
        ...Object.fromEntries(patterns),
        ...(mode === "delta" ? { "^[A-Za-z]\\w*@delta$": CHANGES } : {}),
      },
      additionalProperties: isObject(described) && described.additionalProperties === true,
      required,
    };
  }

  #strict(schema: Json, mode: Mode): object {
    assert.ok(isObject(schema), "a schema is an object");
    const name = textIn(schema, "$ref")?.slice(REFERENCE.length);
    if (name !== undefined) {
      assert.ok(name in this.#schemas, `the schema ${name} is missing`);
      return { $ref: idOf(name, mode) };
    }
    if (Array.isArray(schema.anyOf)) {
      // `{type: object, nullable: true}` is how the description's writer says "or null".
      const [first, second, ...rest] = schema.anyOf as readonly Json[];
      if (rest.length === 0 && isObject(second) && second.nullable === true && first !== undefined) {
        // biome-ignore lint/suspicious/noThenProperty: it is the keyword of JSON Schema.
        return { if: { not: { type: "null" } }, then: this.#strict(first, mode) };
      }
      return { anyOf: (schema.anyOf as readonly Json[]).map((one) => this.#strict(one, mode)) };
    }
    if (Array.isArray(schema.allOf) || isObject(schema.properties)) return this.#object(schema, mode, null);
    return this.#plain(schema, mode);
  }

  #plain(schema: JsonObject, mode: Mode): object {
    const { nullable, items, description: _, readOnly: __, ...rest } = schema;
    const type = nullable === true && typeof rest.type === "string" ? { type: [rest.type, "null"] } : {};
    const list = items === undefined ? {} : { items: this.#strict(items, mode) };
    const values = Array.isArray(rest.enum) && nullable === true ? { enum: [...rest.enum, null] } : {};
    return { ...rest, ...type, ...list, ...values };
  }
}

/** "Use delta query to track changes in Microsoft Graph data". */
const REMOVED = {
  type: "object",
  properties: { reason: { enum: ["changed", "deleted"] } },
  required: ["reason"],
  additionalProperties: false,
};
const CHANGES = {
  type: "array",
  items: {
    type: "object",
    properties: {
      id: { type: "string" },
      "@odata.type": { type: "string", pattern: "^#microsoft\\.graph\\." },
      "@removed": REMOVED,
    },
    required: ["id"],
    additionalProperties: false,
  },
};

function idOf(name: string, mode: Mode): string {
  return `${mode}:${name}`;
}

/** Ajv also reports the branch that led to a fault. */
function isCause({ keyword }: ErrorObject): boolean {
  return keyword !== "if" && keyword !== "anyOf";
}

/** Values are told only as far as they are types: they may be secrets. */
function sentenceOf({ instancePath, keyword, message = "", params }: ErrorObject, value: Json): string {
  const at = instancePath.replaceAll(/\/\d+/g, "/*") || "(the whole)";
  if (keyword === "additionalProperties") return `${at} has the unknown property ${String(params.additionalProperty)}`;
  if (keyword === "const") return `${at} is not ${String(params.allowedValue)}`;
  return `${at} ${message}${isNull(value, instancePath) ? " (it is null)" : ""}`;
}

function isNull(value: Json, path: string): boolean {
  let at: Json | undefined = value;
  for (const name of path.split("/").slice(1)) {
    const key = name.replaceAll("~1", "/").replaceAll("~0", "~");
    at = Array.isArray(at) ? (at as readonly Json[])[Number(key)] : isObject(at) ? at[key] : undefined;
  }
  return at === null;
}
