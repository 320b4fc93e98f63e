import type { EvaluationContext } from "../expression/context.ts";
import { byCodeUnits } from "../model/compare.ts";
import type { Finding } from "../model/plan.ts";
import { type DirectoryRecord, isEmpty } from "../model/record.ts";
import type { Mapping } from "../model/sync.ts";
import type { TargetKind } from "../model/target.ts";
import type { Attributes, Value } from "../model/value.ts";
import { nameOf } from "../model/wording.ts";
import { convert } from "./convert.ts";
import { type CompiledRule, compileRule } from "./rule.ts";

/** What one record should look like at the target. */
export interface Mapped {
  /** By target attribute, references in source form. What the target shall keep as it is is left out. */
  readonly attributes: Attributes;
  /** The attributes whose source is empty: clearing them, or writing a default, rests on nothing having been read. */
  readonly emptied: readonly string[];
  /** Why the record cannot be written. The attributes are then incomplete. */
  readonly issues: readonly Finding[];
}

/** A mapping, ready for many records. */
export interface CompiledMapping {
  /**
   * Maps one record. `creating` adds the attributes that are written on creation only. An attribute that was never
   * read is left out (a new record gets the default of its rule): nothing is known of it, so nothing is overwritten.
   */
  readonly map: (record: DirectoryRecord, creating: boolean, creation?: EvaluationContext["creation"]) => Mapped;
  readonly rules: readonly CompiledRule[];
  /** The source attributes that it reads, without what lies inside them: they must be part of what is read. */
  readonly attributes: readonly string[];
}

const NOTHING: readonly never[] = [];

/** Compiles a mapping for one kind of target record, or says every flaw with its place (`mapping.title: …`). */
export function compileMapping(
  mapping: Mapping,
  kind: TargetKind,
): { readonly mapping: CompiledMapping } | { readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const rules: CompiledRule[] = [];
  const attributes = new Map(kind.attributes.map((attribute) => [attribute.name, attribute]));
  for (const [name, rule] of Object.entries(mapping)) {
    const attribute = attributes.get(name);
    if (attribute === undefined) {
      const detail = `mapping.${name}: ${kind.name} has no such attribute; it has ${[...attributes.keys()].join(", ")}`;
      findings.push({ code: "config_invalid", detail });
      continue;
    }
    const compiled = compileRule(attribute, rule, kind.source);
    if ("rule" in compiled) rules.push(compiled.rule);
    else findings.push(compiled.finding);
  }
  for (const { name, required } of kind.attributes) {
    if (required !== true || Object.hasOwn(mapping, name)) continue;
    findings.push({ code: "config_invalid", detail: `mapping.${name}: the target requires it, but it is not mapped` });
  }
  return findings.length > 0 ? { findings } : { mapping: mappingOf(rules) };
}

function mappingOf(rules: readonly CompiledRule[]): CompiledMapping {
  const reads = new Set(rules.flatMap(({ reads }) => (reads === null ? [] : [reads])));
  return {
    rules,
    attributes: [...reads].sort(byCodeUnits),
    map: (record, creating, creation) => map(rules, creating, creation ? { record, creation } : { record }),
  };
}

function map(rules: readonly CompiledRule[], creating: boolean, context: EvaluationContext): Mapped {
  const attributes: { [name: string]: Value } = {};
  let emptied: string[] | null = null;
  let issues: Finding[] | null = null;
  for (const rule of rules) {
    if (rule.onlyOnCreate && !creating) continue;
    const { name, type } = rule.attribute;
    const given = rule.evaluate(context);
    const converted = given === undefined || isEmpty(given) ? null : convert(given, type);
    if (converted !== null && "flaw" in converted) {
      issues = [...(issues ?? []), issue(context.record, "value_invalid", `${name}: ${converted.flaw}`)];
      continue;
    }
    if (converted !== null && !isEmpty(converted.value)) {
      attributes[name] = converted.value;
      continue;
    }
    emptied = [...(emptied ?? []), name];
    const value = substitute(rule, given === undefined, creating);
    if (value !== undefined) attributes[name] = value;
    if (lacks(rule, value, creating)) issues = [...(issues ?? []), missing(rule, context.record)];
  }
  return { attributes, emptied: emptied ?? NOTHING, issues: issues ?? NOTHING };
}

/** What stands for an empty source value: the default, `null` to clear, or `undefined` to leave the target as it is. */
function substitute(rule: CompiledRule, neverRead: boolean, creating: boolean): Value | undefined {
  // Of what was not read, or is withheld, nothing is known: what the target holds may well be right.
  if (rule.whenEmpty === "default") return neverRead && !creating ? undefined : rule.fallback;
  return rule.whenEmpty === "keep" || neverRead ? undefined : null;
}

function lacks(rule: CompiledRule, value: Value | undefined, creating: boolean): boolean {
  if (rule.attribute.required !== true) return false;
  return value === null || (value === undefined && creating);
}

function missing(rule: CompiledRule, record: DirectoryRecord): Finding {
  const source = rule.reads === null ? "its source is empty" : `${rule.reads} is empty`;
  return issue(record, "value_missing", `${rule.attribute.name} is required by the target, but ${source}`);
}

function issue(record: DirectoryRecord, code: "value_invalid" | "value_missing", detail: string): Finding {
  return { code, detail, objectId: record.id, name: nameOf(record) };
}
