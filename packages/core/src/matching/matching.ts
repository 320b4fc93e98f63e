import { plainOf } from "../expression/coerce.ts";
import { ExpressionFault } from "../expression/fault.ts";
import { convert } from "../mapping/convert.ts";
import type { CompiledMapping } from "../mapping/mapping.ts";
import { type CompiledRule, compileRule } from "../mapping/rule.ts";
import type { SourceFlaw } from "../mapping/source.ts";
import { type MatchingRule, matchedAttribute } from "../model/matching.ts";
import type { Finding } from "../model/plan.ts";
import { type DirectoryRecord, isEmpty } from "../model/record.ts";
import type { TargetAttribute, TargetKind } from "../model/target.ts";
import type { Attributes, Value } from "../model/value.ts";
import { nameOf } from "../model/wording.ts";
import { matchKey } from "./key.ts";

/** One value to look for in the target, and the key by which it is compared. */
export interface MatchValue {
  readonly attribute: string;
  readonly value: Value;
  readonly key: string;
}

/** What to look for, or why that cannot be told: then nothing is looked for, for the next attribute could be a stranger's. */
export type Wanted = { readonly values: readonly MatchValue[] } | { readonly finding: Finding };

/** The matching attributes of a sync, ready for many records. */
export interface CompiledMatching {
  /** Target attributes in order of precedence, each once. */
  readonly attributes: readonly string[];
  /** Source attributes that its expressions read, without what lies inside them: they must be part of what is read. */
  readonly reads: readonly string[];
  /** The values to look for, in order of precedence; `desired` is the mapped record. None: it is `unmatchable`. */
  readonly values: (desired: Attributes, record: DirectoryRecord) => Wanted;
}

interface Way {
  readonly attribute: TargetAttribute;
  /** Where the configuration says it: `matching[1]`. */
  readonly place: string;
  /** What gives the value; `null`: it is the mapped one. */
  readonly rule: CompiledRule | null;
}

export interface MatchingOptions {
  /** What is wrong with a source attribute's name, where the caller knows what the source has. */
  readonly sourceFlaw?: SourceFlaw;
}

/** Compiles the matching attributes of a sync, or says every flaw with its place (`matching[1].expression: …`). */
export function compileMatching(
  matching: readonly MatchingRule[],
  mapping: CompiledMapping,
  kind: TargetKind,
  options: MatchingOptions = {},
): { readonly matching: CompiledMatching } | { readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const ways: Way[] = [];
  for (const [at, rule] of matching.entries()) {
    const compiled = wayOf(rule, `matching[${at}]`, { mapping, kind, options });
    if ("findings" in compiled) findings.push(...compiled.findings);
    else ways.push(compiled);
  }
  const mapped = [...mapping.rules, ...mapping.unwritten];
  const isMapped = ({ attribute }: Way): boolean => mapped.some((one) => one.attribute.name === attribute.name);
  if (findings.length === 0 && !ways.some((way) => way.rule !== null || isMapped(way))) {
    findings.push(
      invalid("matching: none of the matching attributes is mapped, so no record would have a value to match by"),
    );
  }
  if (findings.length > 0) return { findings };
  const attributes = [...new Set(ways.map(({ attribute }) => attribute.name))];
  const reads = [...new Set(ways.flatMap(({ rule }) => rule?.reads ?? []))];
  return { matching: { attributes, reads, values: (desired, record) => valuesOf(ways, desired, record) } };
}

interface Around {
  readonly mapping: CompiledMapping;
  readonly kind: TargetKind;
  readonly options: MatchingOptions;
}

function wayOf(rule: MatchingRule, place: string, around: Around): Way | { readonly findings: readonly Finding[] } {
  const { kind, mapping } = around;
  const name = matchedAttribute(rule);
  const attribute = kind.attributes.find((one) => one.name === name);
  if (attribute === undefined || !kind.matchable.includes(name)) {
    const detail = `${place}: ${kind.name} cannot be found by ${name}; it can by ${kind.matchable.join(", ")}`;
    return { findings: [invalid(detail)] };
  }
  const unwritten = mapping.unwritten.find((one) => one.attribute.name === name) ?? null;
  const mapped = unwritten ?? mapping.rules.find((one) => one.attribute.name === name);
  if (mapped?.sensitive === true) {
    return { findings: [invalid(`${place}: ${name} is sensitive, and a value that is kept nowhere finds nothing`)] };
  }
  if (typeof rule !== "string") return expressionWay(rule.expression, { attribute, place, rule: null }, around);
  if (mapped !== undefined && mapped.candidates !== null) {
    const detail = `${place}: ${name} is chosen by SelectUniqueValue, so that nothing has it yet; match by another attribute, or by an expression`;
    return { findings: [invalid(detail)] };
  }
  // What is not written is not among the mapped values, and is looked for all the same.
  return { attribute, place, rule: unwritten };
}

/** Compiled as a mapping of the attribute would be, which is written once: what is never written may be read-only. */
function expressionWay(
  expression: string,
  way: Way,
  { kind, options }: Around,
): Way | { readonly findings: readonly Finding[] } {
  const place = `${way.place}.expression`;
  const attribute: TargetAttribute = { ...way.attribute, readOnly: false };
  const { sourceFlaw } = options;
  const compiled = compileRule({ kind, attribute, ...(sourceFlaw && { sourceFlaw }) }, { expression, apply: "create" });
  if ("findings" in compiled) {
    const mappingPlace = `mapping.${attribute.name}`;
    const findings = compiled.findings.map((finding) => ({
      ...finding,
      detail: finding.detail.startsWith(mappingPlace)
        ? place + finding.detail.slice(mappingPlace.length)
        : finding.detail,
    }));
    return { findings };
  }
  const { rule } = compiled;
  const flaw = flawOf(rule);
  return flaw === null ? { ...way, rule } : { findings: [invalid(`${place}: ${flaw}`)] };
}

function flawOf({ candidates, volatile, sensitive, readsManagers }: CompiledRule): string | null {
  if (candidates !== null) return "SelectUniqueValue answers what no record has, so nothing is found by it";
  if (volatile) return "Now, Guid and RandomString answer something else each time, so nothing is found by them";
  if (sensitive) return "is sensitive (Redact), and a value that is kept nowhere finds nothing";
  return readsManagers ? "a person is not found by attributes of the manager" : null;
}

function valuesOf(ways: readonly Way[], desired: Attributes, record: DirectoryRecord): Wanted {
  const values: MatchValue[] = [];
  for (const way of ways) {
    const { name } = way.attribute;
    const given = way.rule === null ? { value: desired[name] } : expressed(way, way.rule, record);
    if ("finding" in given) return given;
    const { value } = given;
    const key = matchKey(value, way.attribute);
    if (value === undefined || key === null) continue;
    if (values.some((one) => one.attribute === name && one.key === key)) continue;
    values.push({ attribute: name, value, key });
  }
  return { values };
}

/** What was never read, or is empty, is no value; what the expression cannot answer is a finding. */
function expressed(
  { attribute, place }: Way,
  rule: CompiledRule,
  record: DirectoryRecord,
): { readonly value: Value | undefined } | { readonly finding: Finding } {
  const flawed = (code: string, detail: string): { readonly finding: Finding } => ({
    finding: { code, detail: `${place} (${attribute.name}): ${detail}`, objectId: record.id, name: nameOf(record) },
  });
  const given = rule.evaluate({ record });
  if (given instanceof ExpressionFault) return flawed(given.code, `column ${given.column}: ${given.message}`);
  const plain = given === undefined ? undefined : plainOf(given);
  if (plain === undefined || isEmpty(plain)) return { value: undefined };
  // Of an attribute with several values one is looked for.
  const type = attribute.type === "strings" ? "string" : attribute.type;
  const converted = convert(given ?? plain, { ...attribute, type });
  return "flaw" in converted ? flawed("value_invalid", converted.flaw) : converted;
}

function invalid(detail: string): Finding {
  return { code: "config_invalid", detail };
}
