import type { EvaluationContext } from "../expression/context.ts";
import type { Finding } from "../model/plan.ts";
import { getterOf, isEmpty } from "../model/record.ts";
import type { SourceKind } from "../model/source.ts";
import type { MappingRule, WhenEmpty } from "../model/sync.ts";
import type { TargetAttribute } from "../model/target.ts";
import type { Value } from "../model/value.ts";
import { inWords } from "../model/wording.ts";
import { convert } from "./convert.ts";

/** One target attribute's rule, ready for many records. */
export interface CompiledRule {
  readonly attribute: TargetAttribute;
  readonly evaluate: (context: EvaluationContext) => Value | undefined;
  readonly whenEmpty: WhenEmpty;
  /** In the attribute's type; `null` unless `whenEmpty` is `default`. */
  readonly fallback: Value;
  /** Written when the record is created and never again. */
  readonly onlyOnCreate: boolean;
  /** The source attribute that it reads, without what lies inside it; `null` when it reads none. */
  readonly reads: string | null;
}

/** Compiles one rule, or says what is wrong with it. An empty source clears the target unless the rule says otherwise. */
export function compileRule(
  attribute: TargetAttribute,
  rule: MappingRule,
  source: SourceKind,
): { readonly rule: CompiledRule } | { readonly finding: Finding } {
  const place = `mapping.${attribute.name}`;
  const flaw = flawOf(rule, attribute, source);
  if (flaw !== null) return { finding: { code: "config_invalid", detail: `${place}: ${flaw}` } };
  if ("expression" in rule) {
    const detail = `${place}: expressions are not supported yet; use a direct or constant mapping`;
    return { finding: { code: "expression_invalid", detail } };
  }
  const fallback = rule.default === undefined ? null : convert(rule.default, attribute.type);
  if (fallback !== null && "flaw" in fallback) {
    return { finding: { code: "config_invalid", detail: `${place}.default: ${fallback.flaw}` } };
  }
  const evaluate = "constant" in rule ? constantOf(rule.constant, attribute) : getterFor(rule.direct);
  if ("flaw" in evaluate) {
    return { finding: { code: "config_invalid", detail: `${place}.constant: ${evaluate.flaw}` } };
  }
  return {
    rule: {
      attribute,
      evaluate: evaluate.evaluate,
      whenEmpty: rule.whenEmpty ?? (fallback === null ? "clear" : "default"),
      fallback: fallback?.value ?? null,
      onlyOnCreate: rule.apply === "create",
      reads: "direct" in rule ? readsOf(rule.direct) : null,
    },
  };
}

function flawOf(rule: MappingRule, attribute: TargetAttribute, source: SourceKind): string | null {
  const ways = ["direct", "constant", "expression"].filter((way) => way in rule);
  if (ways.length !== 1) return "needs exactly one of direct, constant and expression";
  if (rule.whenEmpty !== undefined && !["keep", "clear", "default"].includes(rule.whenEmpty)) {
    return `whenEmpty is keep, clear or default, not "${rule.whenEmpty}"`;
  }
  if (rule.whenEmpty === "default" && isEmpty(rule.default)) return "whenEmpty is default, but there is no default";
  if (rule.default !== undefined && isEmpty(rule.default)) return "the default is empty";
  if (rule.default !== undefined && rule.whenEmpty !== undefined && rule.whenEmpty !== "default") {
    return `has a default, but whenEmpty is ${rule.whenEmpty}`;
  }
  if (rule.apply !== undefined && !["always", "create"].includes(rule.apply)) {
    return `apply is always or create, not "${rule.apply}"`;
  }
  if ("direct" in rule) return directFlaw(rule.direct, attribute, source);
  return attribute.type === "reference" ? "is a reference; only the source attribute `manager` gives one" : null;
}

function directFlaw(direct: string, attribute: TargetAttribute, source: SourceKind): string | null {
  if (typeof direct !== "string" || direct.split(".").includes("")) return "direct names no source attribute";
  const manager = direct === "manager";
  if (direct.startsWith("manager.")) return "the manager's own attributes cannot be read; map `manager` to a reference";
  if (manager && source !== "user") return "only people have a manager";
  if (manager && attribute.type !== "reference") return `the manager is a reference, but this is a ${attribute.type}`;
  if (!manager && attribute.type === "reference")
    return "is a reference; only the source attribute `manager` gives one";
  return null;
}

function constantOf(
  constant: Value,
  attribute: TargetAttribute,
): { readonly evaluate: CompiledRule["evaluate"] } | { readonly flaw: string } {
  if (isEmpty(constant)) return { flaw: `is ${inWords(constant)}; a constant needs a value` };
  const converted = convert(constant, attribute.type);
  if ("flaw" in converted) return converted;
  return { evaluate: () => converted.value };
}

function getterFor(direct: string): { readonly evaluate: CompiledRule["evaluate"] } {
  const get = getterOf(direct);
  return { evaluate: ({ record }) => get(record) };
}

function readsOf(direct: string): string | null {
  const root = direct.split(".")[0] ?? direct;
  return root === "id" || root === "manager" ? null : root;
}
