import { ConnectorError, type TargetKind } from "@entrain/core";
import type { WrittenAttribute, WrittenMapping, WrittenSchema } from "./export.ts";
import { ACTIVE, attributeNamed, MEMBERS, nameKey } from "./names.ts";
import { memberName } from "./read.ts";

type Node = { readonly [name: string]: unknown };

/**
 * Puts an exported sync into a schema that Graph gave: scope, object actions and the attribute mappings that Entrain knows
 * become the sync's. Everything else stays: directories, identifiers, metadata, other rules, and mappings to attributes that
 * the target's kind does not have.
 * @throws ConnectorError `config_invalid` when the schema has no object mapping, or several, for such records
 */
export function putIntoSchema(schema: Node, written: WrittenSchema, kind: TargetKind): Node {
  const mapping = written.synchronizationRules[0]?.objectMappings[0];
  if (mapping === undefined) return schema;
  const places = placesOf(schema, mapping);
  const [only, ...others] = places;
  if (only === undefined)
    throw invalid(`The schema has no object mapping from ${mapping.sourceObjectName} to put the sync into.`);
  if (others.length > 0) {
    const named = places.map(({ label }) => label).join(", ");
    throw invalid(`The schema has ${places.length} object mappings that the sync could be put into: ${named}.`);
  }
  return replace(schema, "synchronizationRules", only.rule, (rule) =>
    replace(rule, "objectMappings", only.mapping, (found) => merged(found, mapping, kind)),
  );
}

interface Place {
  readonly rule: number;
  readonly mapping: number;
  readonly label: string;
  readonly target: string;
}

/** Where an object mapping for the same kind of records stands; one with the same name of the target's object before others. */
function placesOf(schema: Node, { sourceObjectName, targetObjectName }: WrittenMapping): readonly Place[] {
  const places = nodes(schema, "synchronizationRules").flatMap((rule, at) =>
    nodes(rule, "objectMappings").flatMap((mapping, index): readonly Place[] => {
      if (text(mapping, "sourceObjectName").toLowerCase() !== sourceObjectName.toLowerCase()) return [];
      const target = text(mapping, "targetObjectName");
      const label = text(mapping, "name") || `synchronizationRules[${at}].objectMappings[${index}]`;
      return [{ rule: at, mapping: index, label, target }];
    }),
  );
  const same = places.filter(({ target }) => target === targetObjectName);
  return same.length > 0 ? same : places;
}

function merged(found: Node, written: WrittenMapping, kind: TargetKind): Node {
  const wanted = new Map(written.attributeMappings.map((one) => [nameKey(one.targetAttributeName), one]));
  const kept = nodes(found, "attributeMappings").flatMap((one): readonly Node[] => {
    const target = text(one, "targetAttributeName");
    const key = nameKey(target);
    const next = wanted.get(key);
    if (next !== undefined) {
      wanted.delete(key);
      return [mergedAttribute(one, next)];
    }
    const known = attributeNamed(kind, target) !== undefined || key === ACTIVE || key === MEMBERS;
    return known ? [] : [one];
  });
  return {
    ...found,
    [memberName(found, "enabled")]: true,
    [memberName(found, "flowTypes")]: written.flowTypes,
    [memberName(found, "scope")]: written.scope,
    [memberName(found, "attributeMappings")]: [...kept, ...wanted.values()],
  };
}

/** A source that says the same stays as it is, with the parameters that Graph made of it. */
function mergedAttribute(found: Node, written: WrittenAttribute): Node {
  const source = found[memberName(found, "source")];
  const says = isNode(source) ? text(source, "expression") : "";
  const disables = nameKey(written.targetAttributeName) === ACTIVE && says.includes("[IsSoftDeleted]");
  const same =
    says === written.source.expression || (disables && written.source.expression.includes("[IsSoftDeleted]"));
  const entries = Object.entries({ ...written, source: same ? source : written.source });
  return { ...found, ...Object.fromEntries(entries.map(([name, value]) => [memberName(found, name), value])) };
}

function replace(node: Node, name: string, at: number, change: (found: Node) => Node): Node {
  return {
    ...node,
    [memberName(node, name)]: nodes(node, name).map((one, index) => (index === at ? change(one) : one)),
  };
}

function nodes(node: Node, name: string): readonly Node[] {
  const found = node[memberName(node, name)];
  return Array.isArray(found) ? found.filter(isNode) : [];
}

function text(node: Node, name: string): string {
  const found = node[memberName(node, name)];
  return typeof found === "string" ? found : "";
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(message: string): ConnectorError {
  return new ConnectorError("config_invalid", message, { stops: "run", retry: "never" });
}
