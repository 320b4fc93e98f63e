import type { CompiledRule } from "../mapping/rule.ts";
import { matchKeys } from "../matching/key.ts";
import type { Match } from "../matching/match.ts";
import type { MatchValue } from "../matching/matching.ts";
import type { Change, Finding } from "../model/plan.ts";
import { kindsReferred, type TargetRecord } from "../model/target.ts";
import { type Attributes, isReference, type Reference, type Value } from "../model/value.ts";
import { inWords, nameOf } from "../model/wording.ts";
import { beforeAndAfter, compare, emptiedOf, SAME } from "./difference.ts";
import {
  changeOf,
  type Evaluation,
  type EvaluationInput,
  type NeedsMatch,
  NONE,
  type PlannedChange,
  type SyncRules,
} from "./evaluation.ts";
import { inReason, sentence } from "./reason.ts";
import { pointTo, referenceTo } from "./reference.ts";
import { sparing } from "./spared.ts";

const DELETED = "the record was deleted in the target";

/**
 * Goes on where {@link evaluate} answered `match`, once matching decided: a create, a join, or an issue. `objectIdOf`
 * tells which source record a target record is linked to; `null`: none.
 */
export function evaluateMatched(
  rules: SyncRules,
  input: EvaluationInput,
  needs: NeedsMatch,
  match: Match,
  objectIdOf: (kind: string, recordId: string) => string | null,
): Evaluation {
  if (match.decision === "issue") return { type: "issue", finding: match.finding };
  if (match.decision === "create") return rules.operations.create ? create(rules, input, needs) : NONE;
  const { sharedWith = null, ...found } = match;
  const mapping = sharedWith === null ? rules.mapping : rules.shares;
  // What was shared once, and is not any more, stays its owner's.
  if (mapping === null) return NONE;
  return join({ ...rules, mapping }, input, needs, { ...found, sharedWith, objectIdOf });
}

function create(rules: SyncRules, input: EvaluationInput, needs: NeedsMatch): PlannedChange {
  const after: { [name: string]: Value } = {};
  const waitsFor: string[] = [];
  const refersTo: string[] = [];
  for (const [name, value] of Object.entries(needs.mapped.attributes)) {
    const attribute = rules.kind.attributes.find((one) => one.name === name);
    const pointed = isReference(value) && attribute !== undefined ? pointTo(value, attribute, input) : null;
    if (pointed?.linked === "planned") refersTo.push(pointed.to.$ref);
    if (pointed?.linked === "no") waitsFor.push(pointed.to.$ref);
    else after[name] = pointed?.to ?? value;
  }
  const why: Pick<Change, "cause" | "reason"> =
    input.deletedInTarget === true
      ? { cause: "recreated", reason: sentence(DELETED, "it is created anew") }
      : { cause: "new", reason: `New: ${input.scope.reason}` };
  const change = changeOf(rules, who(needs), { action: "create", ...why, after });
  return { type: "change", change, waitsFor, refersTo, suppressed: [], hold: null, issues: [] };
}

interface Found {
  readonly record: TargetRecord;
  readonly by: MatchValue;
  readonly others: readonly string[];
  /** Whose record it stays; `null`: it becomes the sync's own. */
  readonly sharedWith: string | null;
  readonly objectIdOf: (kind: string, recordId: string) => string | null;
}

function join(rules: SyncRules, input: EvaluationInput, needs: NeedsMatch, found: Found): PlannedChange {
  const { record, by, others, sharedWith } = found;
  // The record is there already: a default that a new one would get says nothing of what this one holds.
  const mapped = rules.mapping.map(needs.record, false);
  const emptied = emptiedOf(rules, needs.record, mapped, input);
  const { attributes: desired } = mapped;
  const known = knownOf(rules, desired, found);
  const of = { desired, emptied, known, origin: "joined" } as const;
  const { update } = rules.operations;
  const compared = update ? compare(rules.mapping.rules, of, input) : SAME;
  const { waitsFor, refersTo, suppressed } = compared;
  const { differences, issues } = sparing(input, needs.record, compared.differences);
  const activate = rules.kind.disable && !record.active && update && sharedWith === null;
  const left = rules.mapping.rules.filter(
    ({ attribute, onlyOnCreate }) =>
      !onlyOnCreate && attribute.mail === true && !Object.hasOwn(known, attribute.name) && attribute.name in desired,
  );
  const byWhat = `the record found by ${by.attribute} ${inWords(by.value)}`;
  const joins = sharedWith === null ? `joins ${byWhat}` : `shares ${byWhat}, which stays that of ${sharedWith}`;
  const reason = [
    sentence(input.deletedInTarget === true ? DELETED : "", joins),
    ...(activate ? ["enabled"] : []),
    ...(differences.length > 0 ? [inReason(differences, input.nameOf)] : []),
    ...left.map(({ attribute }) => `${attribute.name} stays as the target has it`),
    ...others.map((other) => `${other}, but ${by.attribute} goes before`),
  ].join("; ");
  const change = changeOf(rules, who(needs), {
    action: "join",
    cause: sharedWith === null ? "existing" : "shared",
    reason,
    recordId: record.id,
    ...beforeAndAfter(rules.mapping.rules, known, differences),
    active: activate ? true : null,
    matchedBy: { attribute: by.attribute, value: by.value },
  });
  const hold = record.privileged === true ? privileged(needs, record) : null;
  return { type: "change", change, waitsFor, refersTo, suppressed, hold, issues };
}

/**
 * What the target record holds of the managed attributes, references in source form. What it does not hold is empty.
 * A mail address is ours to manage only where it is already the one that the source has: whoever can name a record at
 * the source must not be able to redirect the mail, and with it the password resets, of an account in the target.
 */
function knownOf(rules: SyncRules, desired: Attributes, { record, objectIdOf }: Found): Attributes {
  const known: { [name: string]: Value } = {};
  for (const { attribute, onlyOnCreate } of rules.mapping.rules) {
    const { name, type } = attribute;
    const held = rules.mapping.concealed(name, record.attributes[name] ?? null);
    if (onlyOnCreate || (attribute.mail === true && !sameMail(held, desired[name], attribute))) continue;
    known[name] = (type === "reference" && typeof held === "string" && pointedTo(held, attribute, objectIdOf)) || held;
  }
  return known;
}

/** The source's people behind a record id, in source form; `null` where it is linked to nobody. */
function pointedTo(
  recordId: string,
  attribute: CompiledRule["attribute"],
  objectIdOf: Found["objectIdOf"],
): Reference | null {
  for (const kind of kindsReferred(attribute)) {
    const objectId = objectIdOf(kind, recordId);
    if (objectId !== null) return referenceTo(objectId, kind, attribute);
  }
  return null;
}

function sameMail(held: Value, wanted: Value | undefined, attribute: CompiledRule["attribute"]): boolean {
  const has = matchKeys(held, attribute);
  const wants = matchKeys(wanted, attribute);
  return wants.length > 0 && wants.every((key) => has.includes(key));
}

function privileged(needs: NeedsMatch, record: TargetRecord): Finding {
  const detail = `the record ${record.id} has rights of its own in the target`;
  return { code: "privileged_join", detail, ...who(needs) };
}

function who({ record }: NeedsMatch): { readonly objectId: string; readonly name: string } {
  return { objectId: record.id, name: nameOf(record) };
}
