import { compileMapping } from "../mapping/mapping.ts";
import { chooseMatch, type MatchTry } from "../matching/match.ts";
import { compileMatching } from "../matching/matching.ts";
import { DEFAULTS } from "../model/defaults.ts";
import type { Mapping } from "../model/mapping.ts";
import type { MatchingRule } from "../model/matching.ts";
import type { KnownLink } from "../model/plan.ts";
import type { DirectoryRecord } from "../model/record.ts";
import type { Deprovision, Operations } from "../model/sync.ts";
import type { TargetKind, TargetRecord } from "../model/target.ts";
import type { Attributes } from "../model/value.ts";
import type { ScopeDecision } from "../scope/decision.ts";
import { evaluate } from "./evaluate.ts";
import type { Evaluation, EvaluationInput, PlannedChange, SyncRules } from "./evaluation.ts";
import { evaluateMatched } from "./matched.ts";

// One person, one mapping, one target kind: what the tests of this folder begin from.

const kind: TargetKind = {
  name: "user",
  source: "user",
  attributes: [
    { name: "externalId", type: "string", caseExact: true },
    { name: "userName", type: "string", required: true, unique: true },
    { name: "displayName", type: "string" },
    { name: "department", type: "string" },
    { name: "title", type: "string" },
    { name: "phones", type: "strings" },
    { name: "mail", type: "string", mail: true },
    { name: "welcome", type: "string" },
    { name: "manager", type: "reference", references: "user" },
  ],
  matchable: ["externalId", "userName", "department"],
  disable: true,
  members: [],
  settleMs: 0,
  preset: { mapping: {}, matching: [] },
};

export const MAPPING: Mapping = {
  externalId: { direct: "id" },
  userName: { direct: "userPrincipalName" },
  displayName: { direct: "displayName", whenEmpty: "keep" },
  department: { direct: "department" },
  title: { direct: "jobTitle", whenEmpty: "default", default: "Staff" },
  phones: { direct: "businessPhones" },
  mail: { direct: "mail" },
  welcome: { constant: "Hello", apply: "create" },
  manager: { direct: "manager" },
};

export interface Options {
  readonly matching?: readonly MatchingRule[];
  readonly mapping?: Mapping;
  readonly disable?: boolean;
  readonly operations?: Partial<Operations>;
  readonly deprovision?: Partial<Deprovision>;
}

export function rulesOf(options: Options = {}): SyncRules {
  const of = { ...kind, disable: options.disable ?? true };
  const compiled = compileMapping(options.mapping ?? MAPPING, of);
  if ("findings" in compiled) throw new Error(JSON.stringify(compiled.findings));
  const matching = compileMatching(options.matching ?? ["externalId", "userName"], compiled.mapping, of);
  if ("findings" in matching) throw new Error(JSON.stringify(matching.findings));
  return {
    kind: of,
    mapping: compiled.mapping,
    matching: matching.matching,
    shares: null,
    operations: { ...DEFAULTS.operations, ...options.operations },
    deprovision: { ...DEFAULTS.deprovision, ...options.deprovision },
  };
}

export const ANA: Attributes = {
  userPrincipalName: "ana@x",
  displayName: "Ana López",
  department: "Sales",
  jobTitle: "Buyer",
  businessPhones: ["+1"],
  mail: "ana@x",
  accountEnabled: true,
};
export const ana = (attributes: Attributes = {}, more: Partial<DirectoryRecord> = {}): DirectoryRecord => ({
  kind: "user",
  id: "u1",
  attributes: { ...ANA, ...attributes },
  manager: null,
  removed: null,
  ...more,
});

export const KNOWN: Attributes = {
  externalId: "u1",
  userName: "ana@x",
  displayName: "Ana López",
  department: "Sales",
  title: "Buyer",
  phones: ["+1"],
  mail: "ana@x",
  welcome: "Hello",
  manager: null,
};
export const linkOf = (known: Attributes = {}, more: Partial<KnownLink> = {}): KnownLink => ({
  recordId: "r1",
  origin: "created",
  owned: true,
  known: { ...KNOWN, ...known },
  active: true,
  ...more,
});

export const inputOf = (record: DirectoryRecord | null, more: Partial<EvaluationInput> = {}): EvaluationInput => ({
  objectId: "u1",
  record,
  scope: { in: true, reason: "department is Sales" },
  link: null,
  readComplete: true,
  isLinked: () => "no",
  ...more,
});
export const OUT: ScopeDecision = { in: false, reason: "department is Legal, not Sales" };

export function changed(evaluation: Evaluation): PlannedChange {
  if (evaluation.type !== "change") throw new Error(`no change: ${JSON.stringify(evaluation)}`);
  return evaluation;
}

export function matchAgainst(
  rules: SyncRules,
  input: EvaluationInput,
  candidates: readonly TargetRecord[],
  objectIdOf: (kind: string, recordId: string) => string | null = () => null,
): Evaluation {
  const needs = evaluate(rules, input);
  if (needs.type !== "match") return needs;
  const tries = needs.values.map((value): MatchTry => {
    const wanted = value.attribute === "externalId" ? [] : candidates;
    return { value, candidates: wanted, rivals: [] };
  });
  const match = chooseMatch({ objectId: input.objectId, name: "Ana López" }, tries, rules.kind, () => null);
  return evaluateMatched(rules, input, needs, match, objectIdOf);
}

export const targetRecord = (attributes: Attributes, more: Partial<TargetRecord> = {}): TargetRecord => ({
  kind: "user",
  id: "r9",
  attributes: { userName: "ANA@x", ...attributes },
  active: true,
  ...more,
});
