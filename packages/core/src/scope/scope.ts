import { byCodeUnits } from "../model/compare.ts";
import type { Finding } from "../model/plan.ts";
import type { DirectoryRecord } from "../model/record.ts";
import type { Scope, ScopeClause } from "../model/sync.ts";
import { plain } from "../model/wording.ts";
import { type CompiledClause, compileClause } from "./clause.ts";

/** In or out, and why, in words that a sentence can end with: `department is Legal, not Sales`. */
export interface ScopeDecision {
  readonly in: boolean;
  readonly reason: string;
}

/**
 * Tells whether the record at hand belongs to an included group, named as the scope names it. The caller resolved the
 * names before and knows the record's groups, nested ones too when the scope is transitive. An included group itself
 * belongs to itself.
 */
export type BelongsTo = (group: string) => boolean;

/** Tells whether the record at hand is assigned to the scope's application, itself or through a group. */
export type IsAssigned = () => boolean;

/** A scope, ready to be asked of many records. */
export interface CompiledScope {
  /** `isAssigned` must be given where the scope names an application. */
  readonly decide: (record: DirectoryRecord, belongsTo: BelongsTo, isAssigned?: IsAssigned) => ScopeDecision;
  /** The source attributes that it reads, without what lies inside them: they must be part of what is read. */
  readonly attributes: readonly string[];
}

const EVERYONE: ScopeDecision = { in: true, reason: "everyone is in scope" };
const OBJECT_ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const SAID_FILTERS = 3;
const SAID_GROUPS = 3;

/**
 * Compiles a scope, patterns included, or says every flaw with its place (`scope.filters[0][1].value: …`). Filters are
 * OR-ed, the clauses of one filter AND-ed; groups, application and filters must all let a record in. No scope lets everyone in.
 */
export function compileScope(
  scope: Scope,
): { readonly scope: CompiledScope } | { readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const groups = scope.groups?.include ?? [];
  if (scope.groups !== undefined && (groups.length === 0 || groups.some((group) => group === ""))) {
    findings.push({
      code: "config_invalid",
      detail: "scope.groups.include: name at least one group, or leave `groups` out to let everyone in",
    });
  }
  if (scope.assigned !== undefined && !OBJECT_ID.test(scope.assigned.application)) {
    const detail =
      "scope.assigned.application: give the application's client id or its enterprise application's object id";
    findings.push({ code: "config_invalid", detail });
  }
  const filters = (scope.filters ?? []).map((filter, at) => compileFilter(filter, `scope.filters[${at}]`, findings));
  if (findings.length > 0) return { findings };
  const byGroup = groups.length === 0 ? null : groupDecision(groups);
  const byFilter = filters.length === 0 ? null : filterDecision(filters);
  const conditions = [scope.assigned === undefined ? null : assignedDecision(scope.assigned), byGroup, byFilter];
  const decide = every(conditions.filter((one) => one !== null));
  return { scope: { decide, attributes: attributesOf(scope) } };
}

function compileFilter(filter: readonly ScopeClause[], place: string, findings: Finding[]): readonly CompiledClause[] {
  if (filter.length === 0) {
    findings.push({ code: "config_invalid", detail: `${place}: a filter without clauses would let everyone in` });
  }
  return filter.flatMap((clause, at) => {
    const compiled = compileClause(clause, `${place}[${at}]`);
    if ("clause" in compiled) return [compiled.clause];
    findings.push(compiled.finding);
    return [];
  });
}

type Decide = CompiledScope["decide"];

function assignedDecision({ application }: NonNullable<Scope["assigned"]>): Decide {
  const inside: ScopeDecision = { in: true, reason: `assigned to the application ${application}` };
  const outside: ScopeDecision = { in: false, reason: `not assigned to the application ${application}` };
  return (_record, _belongsTo, isAssigned) => {
    if (isAssigned === undefined) throw new Error("nobody told whether the record is assigned to the application");
    return isAssigned() ? inside : outside;
  };
}

function groupDecision(groups: readonly string[]): Decide {
  const ins = groups.map((group): ScopeDecision => ({ in: true, reason: `member of ${plain(group)}` }));
  const said = groups.slice(0, SAID_GROUPS).map(plain).join(" or ");
  const more = groups.length > SAID_GROUPS ? ` or ${groups.length - SAID_GROUPS} more groups` : "";
  const out: ScopeDecision = { in: false, reason: `not a member of ${said}${more}` };
  return (_record, belongsTo) => ins[groups.findIndex(belongsTo)] ?? out;
}

function filterDecision(filters: readonly (readonly CompiledClause[])[]): Decide {
  const ready = filters.map((clauses) => {
    const decision: ScopeDecision = { in: true, reason: clauses.map(({ wording }) => wording).join(" and ") };
    return { clauses, decision };
  });
  return (record) => {
    const failed: CompiledClause[] = [];
    for (const { clauses, decision } of ready) {
      const failing = clauses.find((clause) => !clause.holds(record));
      if (failing === undefined) return decision;
      failed.push(failing);
    }
    return { in: false, reason: failedReason(failed, record) };
  };
}

function failedReason(failed: readonly CompiledClause[], record: DirectoryRecord): string {
  const reasons = new Set(failed.slice(0, SAID_FILTERS).map((clause) => clause.failing(record)));
  const more = failed.length > SAID_FILTERS ? ` (and ${failed.length - SAID_FILTERS} more filters)` : "";
  return [...reasons].join("; ") + more;
}

/** All conditions, with the reasons of those that let the record in, or that of the first one that does not. */
function every(conditions: readonly Decide[]): Decide {
  const [only] = conditions;
  if (only === undefined) return () => EVERYONE;
  if (conditions.length === 1) return only;
  return (...asked) => {
    const reasons: string[] = [];
    for (const decide of conditions) {
      const decision = decide(...asked);
      if (!decision.in) return decision;
      reasons.push(decision.reason);
    }
    return { in: true, reason: reasons.join(" and ") };
  };
}

function attributesOf(scope: Scope): readonly string[] {
  const names = (scope.filters ?? []).flat().map(({ attribute }) => attribute.split(".")[0] ?? attribute);
  return [...new Set(names)].filter((name) => name !== "id").sort(byCodeUnits);
}
