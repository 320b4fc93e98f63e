import { compileExpression } from "../expression/compile.ts";
import type { EvaluationContext } from "../expression/context.ts";
import type { ExpressionFault } from "../expression/fault.ts";
import { OMITTED, type Operand } from "../expression/operand.ts";
import { type MappingRule, OWNERS, type Owner, type WhenEmpty } from "../model/mapping.ts";
import type { Finding } from "../model/plan.ts";
import { isEmpty } from "../model/record.ts";
import type { SourceKind } from "../model/source.ts";
import type { TargetAttribute, TargetKind } from "../model/target.ts";
import type { Value } from "../model/value.ts";
import { inWords } from "../model/wording.ts";
import { convert } from "./convert.ts";
import { type SourceFlaw, type SourceRead, sourceOf } from "./source.ts";

/** One target attribute's rule, ready for many records. */
export interface CompiledRule {
  readonly attribute: TargetAttribute;
  /** Before conversion. `undefined`: nothing is known, or the target's value is to be left as it is. */
  readonly evaluate: (context: EvaluationContext) => Operand | undefined | ExpressionFault;
  /** Of `SelectUniqueValue`, what may be chosen from, before conversion; such a rule is not evaluated. */
  readonly candidates: ((context: EvaluationContext) => readonly Operand[]) | null;
  readonly whenEmpty: WhenEmpty;
  /** In the attribute's type; `null` unless `whenEmpty` is `default`. */
  readonly fallback: Value;
  /** Written when the record is created and never again. */
  readonly onlyOnCreate: boolean;
  readonly owner: Owner;
  readonly sensitive: boolean;
  /** The source attributes that it reads, without what lies inside them. */
  readonly reads: readonly string[];
  /** What it reads, by the names that the rule is written with. */
  readonly sources: readonly RuleSource[];
  /** It reads attributes of the manager: it is evaluated anew when those change. */
  readonly readsManagers: boolean;
  /** Rests on time or chance. */
  readonly volatile: boolean;
}

export interface RuleSource {
  readonly name: string;
  readonly get: SourceRead["get"];
}

/** What a rule is compiled for. */
export interface RuleSubject {
  readonly kind: TargetKind;
  readonly attribute: TargetAttribute;
  readonly sourceFlaw?: SourceFlaw;
}

/** Where a rule's value comes from. */
type Way = Pick<
  CompiledRule,
  "evaluate" | "candidates" | "reads" | "sources" | "readsManagers" | "volatile" | "sensitive"
>;

const NOTHING: readonly never[] = [];
const FIXED = {
  ...{ candidates: null, reads: NOTHING, sources: NOTHING },
  ...{ readsManagers: false, volatile: false, sensitive: false },
} as const;

/** Compiles one rule, or says what is wrong with it. An empty source clears the target unless the rule says otherwise. */
export function compileRule(
  subject: RuleSubject,
  rule: MappingRule,
): { readonly rule: CompiledRule } | { readonly findings: readonly Finding[] } {
  const { attribute } = subject;
  const place = `mapping.${attribute.name}`;
  const invalid = (detail: string, code = "config_invalid"): { readonly findings: readonly Finding[] } => ({
    findings: [{ code, detail: `${place}${detail}` }],
  });
  const flaw = flawOf(rule, attribute);
  if (flaw !== null) return invalid(`: ${flaw}`);
  const fallback = rule.default === undefined ? null : convert(rule.default, attribute);
  if (fallback !== null && "flaw" in fallback) return invalid(`.default: ${fallback.flaw}`);
  const way = wayOf(rule, subject);
  if ("flaw" in way) return invalid(way.flaw);
  if ("faults" in way) {
    const findings = way.faults.map(({ code, column, message }) => ({
      code,
      detail: `${place}: column ${column}: ${message}`,
    }));
    return { findings };
  }
  const onlyOnCreate = rule.apply === "create" || attribute.immutable === true;
  const misplaced = misplacedFlaw(way, subject, onlyOnCreate);
  if (misplaced !== null) return invalid(`: ${misplaced}`);
  const sensitive = rule.sensitive === true || way.sensitive;
  const unconcealable = sensitive ? seenByOthers(way, attribute) : null;
  if (unconcealable !== null) return invalid(`: is ${unconcealable} and cannot be sensitive`);
  const whenEmpty = rule.whenEmpty ?? (fallback === null ? "clear" : "default");
  const { owner = "source" } = rule;
  return { rule: { ...way, attribute, whenEmpty, fallback: fallback?.value ?? null, onlyOnCreate, owner, sensitive } };
}

/** Why a value cannot be kept from others, as a part of a sentence; `null`: it can. */
function seenByOthers({ candidates }: Way, { type }: TargetAttribute): string | null {
  if (candidates !== null) return "chosen by SelectUniqueValue, so others can see it,";
  if (type === "lookup") return "the name of a record of the target's own, which is looked for by it,";
  return type === "reference" ? "a reference" : null;
}

function flawOf(rule: MappingRule, attribute: TargetAttribute): string | null {
  const ways = ["direct", "constant", "expression"].filter((way) => way in rule);
  if (ways.length !== 1) return "needs exactly one of direct, constant and expression";
  if (attribute.readOnly === true) return "is read-only: the target gives it and takes none";
  if (rule.whenEmpty !== undefined && !["keep", "clear", "default"].includes(rule.whenEmpty)) {
    return `whenEmpty is keep, clear or default, not "${rule.whenEmpty}"`;
  }
  if (rule.whenEmpty === "default" && isEmpty(rule.default)) return "whenEmpty is default, but there is no default";
  if (rule.default !== undefined && isEmpty(rule.default)) return "the default is empty";
  if (rule.default !== undefined && rule.whenEmpty !== undefined && rule.whenEmpty !== "default") {
    return `has a default, but whenEmpty is ${rule.whenEmpty}`;
  }
  if ("constant" in rule && rule.sensitive === true) {
    return "is a constant, which stands in the configuration, and cannot be sensitive";
  }
  if (rule.apply !== undefined && !["always", "create"].includes(rule.apply)) {
    return `apply is always or create, not "${rule.apply}"`;
  }
  if (rule.owner !== undefined && !OWNERS.includes(rule.owner)) {
    return `owner is ${OWNERS.join(", ")}, not "${rule.owner}"`;
  }
  if (rule.apply === "create" && rule.owner !== undefined) {
    return "is written once, on creation, so that owner says nothing of it";
  }
  return null;
}

const ONLY_MANAGER = "is a reference; only the source attribute `manager` gives one";

function wayOf(
  rule: MappingRule,
  subject: RuleSubject,
): Way | { readonly flaw: string } | { readonly faults: readonly ExpressionFault[] } {
  const { attribute, kind, sourceFlaw } = subject;
  if ("direct" in rule) return directOf(rule.direct, subject);
  if (attribute.type === "reference") return { flaw: `: ${ONLY_MANAGER}` };
  if ("constant" in rule) return constantOf(rule.constant, attribute);
  return expressionOf(rule.expression, kind.source, sourceFlaw);
}

function directOf(direct: string, { attribute, kind, sourceFlaw }: RuleSubject): Way | { readonly flaw: string } {
  if (typeof direct !== "string" || direct.split(".").includes("")) {
    return { flaw: ": direct names no source attribute" };
  }
  const source = sourceOf(direct, kind.source, sourceFlaw);
  if ("flaw" in source) return { flaw: `.direct: ${source.flaw}` };
  if (source.isManager && attribute.type !== "reference") {
    const flaw = `: the manager is a reference, but this is a ${attribute.type}; map manager.mail, manager.displayName or another attribute of the manager`;
    return { flaw };
  }
  if (source.readsManagers && attribute.type === "reference") {
    return { flaw: `: is a reference, and ${direct} cannot be read as one; map \`manager\` itself` };
  }
  if (!source.isManager && attribute.type === "reference") return { flaw: `: ${ONLY_MANAGER}` };
  const { get, reads, readsManagers } = source;
  return { ...FIXED, evaluate: get, reads, sources: [{ name: direct, get }], readsManagers };
}

function constantOf(constant: Value, attribute: TargetAttribute): Way | { readonly flaw: string } {
  if (isEmpty(constant)) return { flaw: `.constant: is ${inWords(constant)}; a constant needs a value` };
  const converted = convert(constant, attribute);
  if ("flaw" in converted) return { flaw: `.constant: ${converted.flaw}` };
  return { ...FIXED, evaluate: () => converted.value };
}

function expressionOf(
  text: string,
  kind: SourceKind,
  sourceFlaw: SourceFlaw | undefined,
): Way | { readonly faults: readonly ExpressionFault[] } {
  const read: SourceRead[] = [];
  const sources: RuleSource[] = [];
  const compiled = compileExpression(text, {
    attribute: (name) => {
      const source = sourceOf(name, kind, sourceFlaw);
      if ("flaw" in source) return source.flaw;
      if (source.isManager) {
        return "the manager is a reference; write [manager.mail], [manager.displayName] or another attribute of the manager";
      }
      read.push(source);
      if (!sources.some((one) => one.name === name)) sources.push({ name, get: source.get });
      return source.get;
    },
  });
  if ("faults" in compiled) return compiled;
  const { evaluate, candidates, volatile, sensitive } = compiled.expression;
  return {
    evaluate: (context) => {
      const result = evaluate(context);
      if ("fault" in result) return result.fault;
      return result.value === OMITTED ? undefined : result.value;
    },
    candidates,
    reads: [...new Set(read.flatMap(({ reads }) => reads))],
    sources,
    readsManagers: read.some(({ readsManagers }) => readsManagers),
    volatile,
    sensitive,
  };
}

/** What rests on time, chance or what others have is decided once: a rule that asked again would never come to rest. */
function misplacedFlaw(way: Way, { attribute, kind }: RuleSubject, onlyOnCreate: boolean): string | null {
  if (!onlyOnCreate && way.candidates !== null) return "SelectUniqueValue chooses once: add apply: create";
  if (!onlyOnCreate && way.volatile) {
    return "Now, Guid and RandomString answer something else each time: add apply: create";
  }
  if (way.candidates === null || kind.matchable.includes(attribute.name)) return null;
  const known = kind.matchable.join(", ");
  return `SelectUniqueValue needs an attribute that the target can be asked for: ${kind.name} can be found by ${known}`;
}
