import type { Mapped } from "../mapping/mapping.ts";
import type { CompiledRule } from "../mapping/rule.ts";
import { matchKey } from "../matching/key.ts";
import type { Change, LinkOrigin } from "../model/plan.ts";
import { type DirectoryRecord, isEmpty } from "../model/record.ts";
import { type Attributes, isReference, type Value } from "../model/value.ts";
import type { EvaluationInput, SyncRules } from "./evaluation.ts";
import { pointTo } from "./reference.ts";

/** One attribute that is not what it should be. `from` is `undefined` when nothing is known of it. */
export interface Difference {
  readonly name: string;
  readonly from: Value | undefined;
  readonly to: Value;
}

/** Desired against known, for all mapped attributes of one record. */
export interface Comparison {
  readonly differences: readonly Difference[];
  readonly waitsFor: readonly string[];
  readonly refersTo: readonly string[];
  readonly suppressed: readonly string[];
}

const NOTHING: readonly never[] = [];
/** Nothing differs, nothing is waited for. */
export const SAME: Comparison = { differences: NOTHING, waitsFor: NOTHING, refersTo: NOTHING, suppressed: NOTHING };

/**
 * True when two values say the same: texts exactly, lists item by item, references by object id and kind. All that is empty
 * (`null`, the empty text, the empty list) is the same.
 */
export function sameValue(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return isEmpty(a) && isEmpty(b);
  if (isReference(a) || isReference(b)) {
    return isReference(a) && isReference(b) && a.$ref === b.$ref && a.$kind === b.$kind;
  }
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && sameItems(a, b);
  const names = Object.keys(a);
  const [left, right] = [a as Attributes, b as Attributes];
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(right, name) && sameValue(left[name] ?? null, right[name] ?? null))
  );
}

function sameItems(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((item, at) => sameValue(item, b[at] ?? null));
}

/**
 * Compares what a linked record should be with what is known of it. Left alone are: attributes written on creation
 * only, those that the mapping leaves out, those that are the target's by their rule's `owner`, and a mail address of a
 * joined record that the join did not find equal.
 * A reference that cannot be written yet is waited for; what the target holds instead is outdated and cleared, unless
 * the rule keeps. An incomplete read clears and defaults nothing.
 */
export function compare(
  rules: readonly CompiledRule[],
  of: {
    readonly desired: Attributes;
    readonly emptied: readonly string[];
    readonly known: Attributes;
    readonly origin: LinkOrigin;
    /** See {@link KnownLink}. */
    readonly leftAlone?: readonly string[];
  },
  input: Pick<EvaluationInput, "isLinked" | "readComplete">,
): Comparison {
  const { desired, known, origin } = of;
  let result: { differences: Difference[]; waitsFor: string[]; refersTo: string[]; suppressed: string[] } | null = null;
  for (const rule of rules) {
    if (rule.onlyOnCreate) continue;
    const { name } = rule.attribute;
    const from = known[name];
    let to = desired[name];
    if (to === undefined || (from === undefined && origin !== "created" && rule.attribute.mail === true)) continue;
    if (isTargets(rule, from, of.leftAlone)) continue;
    const pointed = isReference(to) ? pointTo(to, rule.attribute, input) : null;
    const linked = pointed?.linked ?? "linked";
    if (pointed !== null) to = pointed.to;
    if (pointed !== null && linked !== "linked") {
      result ??= { differences: [], waitsFor: [], refersTo: [], suppressed: [] };
      (linked === "no" ? result.waitsFor : result.refersTo).push(pointed.to.$ref);
      if (linked === "no" && rule.whenEmpty === "keep") continue;
      if (linked === "no") to = null;
    }
    if (from === undefined ? isEmpty(to) && origin === "created" : isHeld(rule, from, to)) continue;
    if (from === undefined && linked === "no") continue;
    result ??= { differences: [], waitsFor: [], refersTo: [], suppressed: [] };
    if (!input.readComplete && (linked === "no" || of.emptied.includes(name))) result.suppressed.push(name);
    else result.differences.push({ name, from, to });
  }
  return result ?? SAME;
}

/**
 * The attributes that an incomplete read must not write: besides those whose source is empty, whatever else rests on
 * something empty, as `IIF(IsNullOrEmpty([companyName]), "external", …)` does.
 */
export function emptiedOf(
  { mapping }: Pick<SyncRules, "mapping">,
  record: DirectoryRecord,
  { emptied }: Mapped,
  { readComplete }: Pick<EvaluationInput, "readComplete">,
): readonly string[] {
  return readComplete ? emptied : [...emptied, ...mapping.restingOnEmpty(record)];
}

/** Whether an attribute is not ours to write: of what is not known to be empty that is taken to be so. */
function isTargets(
  { owner, attribute }: CompiledRule,
  from: Value | undefined,
  leftAlone: readonly string[] = NOTHING,
) {
  if (owner === "onlyWhenEmpty") return from === undefined || !isEmpty(from);
  return owner === "untilChanged" && leftAlone.includes(attribute.name);
}

/** Values of a lookup lead to the same record however they are spelled. */
function isHeld({ attribute }: CompiledRule, from: Value, to: Value): boolean {
  if (sameValue(from, to)) return true;
  const key = attribute.type === "lookup" ? matchKey(from, {}) : null;
  return key !== null && key === matchKey(to, {});
}

/** `before` and `after` of a change: all managed attributes that are known, then with the differences laid over them. */
export function beforeAndAfter(
  rules: readonly CompiledRule[],
  known: Attributes,
  differences: readonly Difference[],
): { readonly before: Attributes; readonly after: Attributes } {
  const before: { [name: string]: Value } = {};
  for (const { attribute } of rules) {
    const value = known[attribute.name];
    if (value !== undefined) before[attribute.name] = value;
  }
  const after = { ...before };
  for (const { name, to } of differences) after[name] = to;
  return { before, after };
}

/**
 * What a change writes, references in source form: on creation all of `after`, else what differs from `before`
 * (`null` clears), on deletion nothing.
 */
export function writesOf(change: Pick<Change, "before" | "after">): Attributes {
  const { before, after } = change;
  if (after === null || before === null) return after ?? {};
  const writes: { [name: string]: Value } = {};
  for (const [name, value] of Object.entries(after)) {
    const from = before[name];
    if (from === undefined || !sameValue(from, value)) writes[name] = value;
  }
  return writes;
}
