import { isEmptyOperand, isList } from "../expression/coerce.ts";
import type { EvaluationContext } from "../expression/context.ts";
import { ExpressionFault } from "../expression/fault.ts";
import { OMITTED, type Operand } from "../expression/operand.ts";
import { byCodeUnits } from "../model/compare.ts";
import type { Mapping } from "../model/mapping.ts";
import type { Finding } from "../model/plan.ts";
import { type DirectoryRecord, isEmpty } from "../model/record.ts";
import type { TargetAttribute, TargetKind } from "../model/target.ts";
import { type Attributes, isConcealed, type Value } from "../model/value.ts";
import { nameOf, SENSITIVE } from "../model/wording.ts";
import { convert } from "./convert.ts";
import { type CompiledRule, compileRule } from "./rule.ts";
import type { SourceFlaw } from "./source.ts";

/** What one record should look like at the target. */
export interface Mapped {
  /** By target attribute, references in source form. What the target shall keep as it is is left out. */
  readonly attributes: Attributes;
  /** The attributes whose source is empty: clearing them, or writing a default, rests on nothing having been read. */
  readonly emptied: readonly string[];
  /** Why the record cannot be written. The attributes are then incomplete. */
  readonly issues: readonly Finding[];
}

/** Time and chance for the creation of one record. */
type Creation = EvaluationContext["creation"];

/** A mapping, ready for many records. */
export interface CompiledMapping {
  /**
   * Maps one record; sensitive values come concealed. `creating` adds the attributes that are written on creation only,
   * but for those of `uniques`. An attribute that was never read is left out (a new record gets the default of its rule):
   * nothing is known of it, so nothing is overwritten.
   */
  readonly map: (record: DirectoryRecord, creating: boolean, creation?: Creation) => Mapped;
  /** The same with sensitive values as they are sent: for the one who sends them, and nobody else. */
  readonly reveal: (record: DirectoryRecord, creating: boolean, creation?: Creation) => Mapped;
  /**
   * Attributes by expressions that read something empty: what they give rests on nothing having been read there, even
   * where it is a value.
   */
  readonly restingOnEmpty: (record: DirectoryRecord) => readonly string[];
  /** A value that a target gave, in the form that `map` answers: concealed where its attribute is sensitive. */
  readonly concealed: (attribute: string, value: Value) => Value;
  /** How each attribute comes about, by the very rules of `map`. */
  readonly trace: (record: DirectoryRecord, creating: boolean, creation?: Creation) => readonly TracedField[];
  /** The part of it that gives these attributes. */
  readonly only: (attributes: readonly string[]) => CompiledMapping;
  readonly rules: readonly CompiledRule[];
  /** Rules of attributes that the target, as it describes itself, does not take: records are found by them, and never written. */
  readonly unwritten: readonly CompiledRule[];
  /** Rules whose value is chosen so that no other record has it, once it is sure that the record is created. */
  readonly uniques: readonly CompiledRule[];
  /** The source attributes that it reads, without what lies inside them: they must be part of what is read. */
  readonly attributes: readonly string[];
  /** A record must be mapped anew when its manager's record changes. */
  readonly readsManagers: boolean;
  /** What is written on creation rests on time or chance. */
  readonly volatile: boolean;
  readonly sensitive: boolean;
}

/** How one target attribute of one record comes about. Nothing of a sensitive one is told, its sources included. */
export interface TracedField {
  readonly attribute: string;
  /** What its rule reads, by the names that it is written with; an attribute that was never read is left out. */
  readonly sources: Attributes;
  /** In the attribute's type, `null` to clear; `undefined`: the target's value is left as it is. */
  readonly value: Value | undefined;
  /** The source has no value for it: `value` is a default, clears, or is nothing. */
  readonly emptied: boolean;
  /** Chosen among several when the record is created, so that nobody else has it. */
  readonly chosen: boolean;
  /** Written when the record is created, and this one is not. */
  readonly onlyOnCreate: boolean;
  /** Why it is never written: the target, as it describes itself, takes no value of it, or does not have it. */
  readonly unwritten: "readOnly" | "unlisted" | null;
  readonly issue: Finding | null;
}

export interface MappingOptions {
  /** What is wrong with a source attribute's name (Graph's), where the caller knows what the source has. */
  readonly sourceFlaw?: SourceFlaw;
  /** A keyed digest of a sensitive value, the same for the same text. Without it no two can be told apart. */
  readonly conceal?: (text: string) => string;
}

const NOTHING: readonly never[] = [];

/** Compiles a mapping for one kind of target record, or says every flaw with its place (`mapping.title: …`). */
export function compileMapping(
  mapping: Mapping,
  kind: TargetKind,
  options: MappingOptions = {},
): { readonly mapping: CompiledMapping } | { readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const rules: CompiledRule[] = [];
  const unwritten: CompiledRule[] = [];
  const unmapped: string[] = [];
  const attributes = new Map(kind.attributes.map((attribute) => [attribute.name, attribute]));
  const { sourceFlaw } = options;
  for (const [name, rule] of Object.entries(mapping)) {
    const attribute = attributes.get(name);
    if (attribute === undefined) {
      const detail = `mapping.${name}: ${kind.name} has no such attribute; it has ${[...attributes.keys()].join(", ")}`;
      findings.push({ code: "config_invalid", detail });
      continue;
    }
    const left = isLeft(attribute, kind);
    const taken = left ? { ...attribute, readOnly: false } : attribute;
    const compiled = compileRule({ attribute: taken, kind, ...(sourceFlaw && { sourceFlaw }) }, rule);
    if ("rule" in compiled) (left ? unwritten : rules).push({ ...compiled.rule, attribute });
    else findings.push(...compiled.findings);
  }
  for (const { name, required, readOnly } of kind.attributes) {
    if (required !== true || readOnly === true || Object.hasOwn(mapping, name)) continue;
    if (kind.described === true) unmapped.push(name);
    else
      findings.push({
        code: "config_invalid",
        detail: `mapping.${name}: the target requires it, but it is not mapped`,
      });
  }
  return findings.length > 0
    ? { findings }
    : { mapping: mappingOf(rules, options.conceal ?? (() => "unknown"), { unwritten, unmapped }) };
}

/** What a target says that it does not take is left out of what is written; what a target's type never takes is a mistake. */
function isLeft({ readOnly, unlisted }: TargetAttribute, { described }: TargetKind): boolean {
  return described === true && (readOnly === true || unlisted === true);
}

/** What is said of attributes that are not written: those that the target does not take, and those that it lacks. */
interface Left {
  readonly unwritten: readonly CompiledRule[];
  /** Required by the target, and mapped by no rule. */
  readonly unmapped: readonly string[];
}

type Conceal = (attribute: string, value: Value) => Value;

function mappingOf(
  rules: readonly CompiledRule[],
  digest: (text: string) => string,
  { unwritten, unmapped }: Left = { unwritten: NOTHING, unmapped: NOTHING },
): CompiledMapping {
  const all = unwritten.length === 0 ? rules : [...rules, ...unwritten];
  const secret = new Set(all.filter(({ sensitive }) => sensitive).map(({ attribute }) => attribute.name));
  const conceal: Conceal = (attribute, value) =>
    isEmpty(value) ? null : { $sensitive: digest(`${attribute}\n${JSON.stringify(value)}`) };
  const through =
    (concealing: Conceal | null): CompiledMapping["map"] =>
    (record, creating, creation) => {
      const mapped = map(rules, { creating, concealing }, creation ? { record, creation } : { record });
      if (!creating || unmapped.length === 0) return mapped;
      const details = unmapped.map((name) => `${name} is required by the target, but no rule of the mapping gives it`);
      return { ...mapped, issues: [...mapped.issues, ...details.map((one) => issue(record, "value_missing", one))] };
    };
  return {
    rules,
    unwritten,
    uniques: rules.filter(({ candidates }) => candidates !== null),
    attributes: [...new Set(all.flatMap(({ reads }) => reads))].sort(byCodeUnits),
    readsManagers: rules.some(({ readsManagers }) => readsManagers),
    volatile: rules.some(({ volatile }) => volatile),
    sensitive: secret.size > 0,
    map: through(conceal),
    reveal: through(null),
    restingOnEmpty: (record) =>
      rules
        .filter(({ sources }) => sources.some(({ get }) => isEmpty(get({ record }))))
        .map(({ attribute }) => attribute.name),
    trace: (record, creating, creation) => {
      const context = creation ? { record, creation } : { record };
      return all.map((rule) => {
        const field = traced(rule, { creating, concealing: conceal }, context);
        if (!unwritten.includes(rule)) return { ...field, unwritten: null };
        return { ...field, unwritten: rule.attribute.unlisted === true ? "unlisted" : "readOnly" };
      });
    },
    only: (names) =>
      mappingOf(
        rules.filter(({ attribute }) => names.includes(attribute.name)),
        digest,
      ),
    concealed: (attribute, value) => (secret.has(attribute) && !isConcealed(value) ? conceal(attribute, value) : value),
  };
}

function traced(rule: CompiledRule, how: MapHow, context: EvaluationContext): Omit<TracedField, "unwritten"> {
  const { name } = rule.attribute;
  const { attributes, emptied, issues } = map([rule], how, context);
  const sources: { [name: string]: Value } = {};
  for (const source of rule.sources) {
    const value = source.get(context);
    if (value !== undefined) sources[source.name] = rule.sensitive ? SENSITIVE : value;
  }
  return {
    attribute: name,
    sources,
    value: attributes[name],
    emptied: emptied.length > 0,
    chosen: rule.candidates !== null,
    onlyOnCreate: rule.onlyOnCreate && !how.creating,
    issue: issues[0] ?? null,
  };
}

/** What a rule gives for one record: the value in the attribute's type, `undefined` for nothing, or what is wrong. */
type Result =
  | { readonly value: Value | undefined; readonly neverRead: boolean }
  | { readonly code: "value_invalid" | ExpressionFault["code"]; readonly detail: string };

function resultOf(rule: CompiledRule, given: Operand | undefined | ExpressionFault): Result {
  if (given === undefined || given === OMITTED) return NEVER_READ;
  const { attribute, sensitive } = rule;
  if (given instanceof ExpressionFault) {
    const why = sensitive ? "the expression cannot use its value (not shown, for it is sensitive)" : given.message;
    return { code: given.code, detail: `${attribute.name}: column ${given.column}: ${why}` };
  }
  if (holdsNothing(given)) return EMPTY;
  const converted = convert(given, attribute);
  if ("flaw" in converted) {
    const why = sensitive ? `its value (not shown, for it is sensitive) is not what the target takes` : converted.flaw;
    return { code: "value_invalid", detail: `${attribute.name}: ${why}` };
  }
  return isEmpty(converted.value) ? EMPTY : { value: converted.value, neverRead: false };
}

const NEVER_READ: Result = { value: undefined, neverRead: true };
const EMPTY: Result = { value: undefined, neverRead: false };

/** A list of nothing but empty values counts as empty, as it does in a scope. */
function holdsNothing(given: Operand): boolean {
  return isEmptyOperand(given) || (isList(given) && given.every(isEmptyOperand));
}

interface MapHow {
  readonly creating: boolean;
  readonly concealing: Conceal | null;
}

function map(rules: readonly CompiledRule[], how: MapHow, context: EvaluationContext): Mapped {
  const { creating, concealing } = how;
  const attributes: { [name: string]: Value } = {};
  let emptied: string[] | null = null;
  let issues: Finding[] | null = null;
  for (const rule of rules) {
    if (rule.candidates !== null || (rule.onlyOnCreate && !creating)) continue;
    const { name } = rule.attribute;
    const result = resultOf(rule, rule.evaluate(context));
    if ("code" in result) {
      issues ??= [];
      issues.push(issue(context.record, result.code, result.detail));
      continue;
    }
    let { value } = result;
    if (value === undefined) {
      emptied ??= [];
      emptied.push(name);
      value = substitute(rule, result.neverRead, creating);
    }
    if (lacks(rule, value, creating)) {
      issues ??= [];
      issues.push(missing(rule, context.record));
    }
    if (value === undefined) continue;
    attributes[name] = rule.sensitive && concealing !== null ? concealing(name, value) : value;
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
  const source =
    rule.reads.length === 0
      ? "its source is empty"
      : rule.reads.length === 1
        ? `${rule.reads[0]} is empty`
        : `what is made of ${rule.reads.join(", ")} is empty`;
  return issue(record, "value_missing", `${rule.attribute.name} is required by the target, but ${source}`);
}

function issue(record: DirectoryRecord, code: Finding["code"], detail: string): Finding {
  return { code, detail, objectId: record.id, name: nameOf(record) };
}

/**
 * The values that a new record may get for an attribute of `uniques`, in order of preference and in the attribute's type;
 * what is empty is left out. Where none is left, `value` is what the record gets instead (`undefined`: nothing).
 */
export function uniqueCandidates(
  rule: CompiledRule,
  record: DirectoryRecord,
  creation: Creation,
): { readonly values: readonly Value[] } | { readonly value: Value | undefined } | { readonly finding: Finding } {
  const values: Value[] = [];
  for (const given of offered(rule, creation ? { record, creation } : { record })) {
    const result = resultOf(rule, given);
    if ("code" in result) return { finding: issue(record, result.code, result.detail) };
    if (result.value !== undefined) values.push(result.value);
  }
  if (values.length > 0) return { values };
  const value = substitute(rule, false, true);
  return lacks(rule, value, true) ? { finding: missing(rule, record) } : { value };
}

function offered(rule: CompiledRule, context: EvaluationContext): readonly (Operand | ExpressionFault)[] {
  try {
    return rule.candidates?.(context) ?? NOTHING;
  } catch (error) {
    if (error instanceof ExpressionFault) return [error];
    throw error;
  }
}
