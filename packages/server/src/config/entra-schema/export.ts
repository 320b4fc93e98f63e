import {
  entraNameOf,
  type MappingRule,
  type Scope,
  type SyncDefinition,
  type TargetKind,
  type Value,
} from "@entrain/core";
import { exportLifecycle } from "./deprovision.ts";
import { ACTIVE, MEMBERS } from "./names.ts";
import type { Note, NoteCode } from "./schema.ts";

/** "attributeMapping resource type" as it is written. */
export interface WrittenAttribute {
  readonly targetAttributeName: string;
  readonly source: WrittenSource;
  readonly defaultValue: string | null;
  readonly flowType: "Always" | "ObjectAddOnly";
  readonly flowBehavior: "FlowWhenChanged";
  readonly matchingPriority: number;
  readonly exportMissingReferences: false;
}

/** "attributeMappingSource resource type". A function's parameters are left to Graph, whose parseExpression makes them. */
export interface WrittenSource {
  readonly type: "Attribute" | "Constant" | "Function";
  readonly name: string;
  readonly expression: string;
  readonly parameters: readonly [];
}

/** "objectMapping resource type" as it is written. */
export interface WrittenMapping {
  readonly name: string;
  readonly enabled: true;
  readonly sourceObjectName: "User" | "Group";
  readonly targetObjectName: string;
  readonly flowTypes: string;
  readonly scope: WrittenScope | null;
  readonly attributeMappings: readonly WrittenAttribute[];
}

interface WrittenScope {
  readonly groups: readonly { readonly name: string; readonly clauses: readonly object[] }[];
  readonly inputFilterGroups: readonly [];
  readonly categoryFilterGroups: readonly [];
}

/** A schema of one rule. Directories and identifiers are the job's own, and are not made up. */
export interface WrittenSchema {
  readonly synchronizationRules: readonly {
    readonly name: string;
    readonly priority: 1;
    readonly editable: true;
    readonly sourceDirectoryName: string;
    readonly targetDirectoryName: string;
    readonly objectMappings: readonly WrittenMapping[];
  }[];
}

export interface ExportOptions {
  /** The target's alias. */
  readonly target: string;
  /** The target's type: SCIM's names of objects and directory are Entra's for it. */
  readonly type: string;
  readonly kind: TargetKind;
}

type Tell = (code: NoteCode, place: string, detail: string) => void;

/** Writes a sync as Entra's provisioning schema, and notes what Entra has no place for. */
export function exportEntraSchema(
  sync: SyncDefinition,
  options: ExportOptions,
): { readonly schema: WrittenSchema; readonly notes: readonly Note[] } {
  const { target, type, kind } = options;
  const notes: Note[] = [];
  const tell: Tell = (code, place, detail) => {
    notes.push({ place, code, detail, fix: null });
  };
  if (kind.source === "contact")
    tell("object_unknown", "source", "Entra's provisioning reads no organisational contacts");
  const group = kind.source === "group";
  const lifecycle = exportLifecycle(sync, kind, (detail) => tell("deprovision", "deprovision", detail));
  const mapping: WrittenMapping = {
    name: `Provision Microsoft Entra ID ${group ? "Groups" : "Users"}`,
    enabled: true,
    sourceObjectName: group ? "Group" : "User",
    targetObjectName: objectName(type, kind),
    flowTypes: lifecycle.flowTypes,
    scope: exportScope(sync.scope, tell),
    attributeMappings: [...exportAttributes(sync, kind, tell), ...ownAttributes(lifecycle.active, kind)],
  };
  const rule = {
    name: group ? "GROUP_OUTBOUND_GROUP" : "USER_OUTBOUND_USER",
    priority: 1 as const,
    editable: true as const,
    sourceDirectoryName: "Azure Active Directory",
    targetDirectoryName: type === "scim" ? "customappsso" : target,
    objectMappings: [mapping],
  };
  return { schema: { synchronizationRules: [rule] }, notes };
}

function objectName(type: string, kind: TargetKind): string {
  if (type !== "scim") return kind.name;
  return kind.source === "group"
    ? "urn:ietf:params:scim:schemas:core:2.0:Group"
    : "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
}

function exportAttributes(
  { mapping, matching }: SyncDefinition,
  kind: TargetKind,
  tell: Tell,
): readonly WrittenAttribute[] {
  if (kind.source === "user" && readsPrincipalName(mapping)) {
    const detail =
      "userPrincipalName: Entra writes a guest's own address for it, without #EXT#; where guests are provisioned as the directory has " +
      "them, replace it by originalUserPrincipalName";
    tell("guest_names", "mapping", detail);
  }
  tellClearing(mapping, tell);
  const matched = matching.map((rule) => (typeof rule === "string" ? rule : null));
  for (const rule of matching) {
    if (typeof rule === "string") continue;
    const detail = `Entra matches by what is mapped, and has no expression of its own to find ${rule.attribute} by; it was left out`;
    tell("matching_lost", `matching.${rule.attribute}`, detail);
  }
  return Object.entries(mapping).flatMap(([name, rule]) => {
    const place = `mapping.${name}`;
    const source = sourceOf(rule, place, tell);
    if (source === null) return [];
    const fallback = rule.default === undefined ? null : textOf(rule.default);
    if (fallback !== null && rule.apply !== "create") {
      tell("default_on_create", `${place}.default`, "Entra writes a default only into new records");
    }
    if (rule.sensitive === true) tell("sensitive", place, "Entra shows the value in its provisioning logs");
    return [writtenAttribute(name, source, { rule, fallback, priority: matched.indexOf(name) + 1 })];
  });
}

/** Told once for all: it is true of most of a mapping. */
function tellClearing(mapping: SyncDefinition["mapping"], tell: Tell): void {
  const clearing = Object.entries(mapping).filter(
    ([, rule]) =>
      !("constant" in rule) && (rule.whenEmpty ?? (rule.default === undefined ? "clear" : "default")) === "clear",
  );
  if (clearing.length === 0) return;
  const names = clearing.map(([name]) => name).join(", ");
  tell("clearing", "mapping", `Entra never clears a value: an empty source keeps what the target holds, for ${names}`);
}

function readsPrincipalName(mapping: SyncDefinition["mapping"]): boolean {
  return Object.values(mapping).some((rule) =>
    "direct" in rule
      ? rule.direct === "userPrincipalName"
      : "expression" in rule && rule.expression.includes("[userPrincipalName]"),
  );
}

interface Flow {
  readonly rule: Pick<MappingRule, "apply">;
  readonly fallback: string | null;
  readonly priority: number;
}

function writtenAttribute(name: string, source: WrittenSource, { rule, fallback, priority }: Flow): WrittenAttribute {
  return {
    targetAttributeName: name,
    source,
    defaultValue: fallback,
    flowType: rule.apply === "create" ? "ObjectAddOnly" : "Always",
    flowBehavior: "FlowWhenChanged",
    matchingPriority: priority,
    exportMissingReferences: false,
  };
}

function sourceOf(rule: MappingRule, place: string, tell: Tell): WrittenSource | null {
  if ("direct" in rule) {
    const name = entraNameOf(rule.direct);
    tellUnknownSource(rule.direct, name, `${place}.direct`, tell);
    return attribute(name);
  }
  if ("expression" in rule) {
    const { expression } = rule;
    const [, name = ""] = /^\s*(\w+)\s*\(/.exec(expression) ?? [];
    return { type: "Function", name, expression, parameters: [] };
  }
  const text = textOf(rule.constant);
  if (text === null) {
    tell("value_lost", `${place}.constant`, "Entra's constants are single texts; this one was left out");
    return null;
  }
  const escaped = text.replace(/["\\]/g, "\\$&");
  return { type: "Constant", name: text, expression: `"${escaped}"`, parameters: [] };
}

function attribute(name: string): WrittenSource {
  return { type: "Attribute", name, expression: `[${name}]`, parameters: [] };
}

/** What Entrain makes itself, and what lies inside a list or an object, Entra's provisioning has no attribute for. */
const OURS: ReadonlySet<string> = new Set(["licences", "photo", "signInActivity"]);

function tellUnknownSource(path: string, name: string, place: string, tell: Tell): void {
  const [root = ""] = path.split(".");
  const reaches = name === path && path.includes(".") && root !== "employeeOrgData";
  if (!reaches && !OURS.has(root)) return;
  tell(
    "source_unknown",
    place,
    `Entra's provisioning has no attribute ${path}; it was written as it is, and has to be replaced`,
  );
}

/** A plain value as Entra writes it; null for what is no single text. */
function textOf(value: Value): string | null {
  if (typeof value === "boolean") return value ? "True" : "False";
  return typeof value === "string" || typeof value === "number" ? String(value) : null;
}

function ownAttributes(
  active: "IsSoftDeleted" | "accountEnabled" | null,
  kind: TargetKind,
): readonly WrittenAttribute[] {
  const plain: Flow = { rule: {}, fallback: null, priority: 0 };
  const members = kind.members.length > 0 ? [writtenAttribute(MEMBERS, attribute("members"), plain)] : [];
  if (active === null) return members;
  const expression = 'Switch([IsSoftDeleted], , "False", "True", "True", "False")';
  const source: WrittenSource =
    active === "accountEnabled" ? attribute(active) : { type: "Function", name: "Switch", expression, parameters: [] };
  return [...members, writtenAttribute(ACTIVE, source, plain)];
}

/** What of a scope an exported schema has a place for is its filters; the rest is the job's and the application's. */
function exportScope(scope: Scope, tell: Tell): WrittenScope | null {
  for (const name of Object.keys(scope).filter((key) => key !== "filters")) {
    const detail = "a schema has no place for it: assign people and groups to the application instead";
    tell("scope_lost", `scope.${name}`, detail);
  }
  const { filters = [] } = scope;
  if (filters.length === 0) return null;
  const groups = filters.map((filter, at) => ({
    name: `Filter ${at + 1}`,
    clauses: filter.map(({ attribute: path, operator, value }, index) => {
      const name = entraNameOf(path);
      tellUnknownSource(path, name, `scope.filters[${at}][${index}].attribute`, tell);
      if (operator.startsWith("Greater_Than") && value?.startsWith("today") === true) {
        const detail = `Entra counts no days: ${value} was written as it is, and has to be replaced`;
        tell("value_lost", `scope.filters[${at}][${index}].value`, detail);
      }
      const values = value === undefined ? [] : [value];
      return { operatorName: operator, sourceOperandName: name, targetOperand: { values } };
    }),
  }));
  return { groups, inputFilterGroups: [], categoryFilterGroups: [] };
}
