import { byCodeUnits } from "../model/compare.ts";
import type { Finding } from "../model/plan.ts";
import type { DirectoryRecord } from "../model/record.ts";
import type { Scope, ScopeClause } from "../model/sync.ts";
import { plain } from "../model/wording.ts";
import { type AccountChoice, accountChoices } from "./account.ts";
import { compileClause } from "./clause.ts";
import type { CompiledClause } from "./compiled.ts";
import { isMovingDay, startOfDay } from "./day.ts";
import type { CompiledScope, Decide, ScopeDecision } from "./decision.ts";
import { asFarAsKnown, type Doubt, ofBoth, ofLicences, ofManagers } from "./doubt.ts";
import { isObjectId, readsManager } from "./manager.ts";
import { type NamedClause, nameClause } from "./named.ts";
import { type NamedPeople, namedPeople } from "./people.ts";
import { withoutManager } from "./reader.ts";

const SAID = 3;

/** What a scope is decided by, beside the records. */
export interface ScopeGiven {
  /** When it is asked, in milliseconds; needed where it counts days from `today`. */
  readonly now?: number;
  /** Those of its licences that the tenant is not known to have: nobody leaves for want of them. */
  readonly unknownLicences?: readonly string[];
}

/**
 * Compiles a scope, patterns included, or says every flaw with its place (`scope.filters[0][1].value: …`). Filters are
 * OR-ed, the clauses of one filter AND-ed; groups, application, filters and the choices of accounts must all let a record in.
 * People whom the scope names are decided first, members of its excluded groups next. No scope lets everyone in.
 */
export function compileScope(
  scope: Scope,
  given: ScopeGiven = {},
): { readonly scope: CompiledScope } | { readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const named = scope.people === undefined ? null : namedPeople(scope.people, findings);
  checkGroups(scope, findings);
  if (scope.assigned !== undefined && !isObjectId(scope.assigned.application)) {
    const detail =
      "scope.assigned.application: give the application's client id or its enterprise application's object id";
    findings.push({ code: "config_invalid", detail });
  }
  const compiled = (scope.filters ?? []).map((filter, at) =>
    compileFilter(filter, { place: `scope.filters[${at}]`, now: given.now }, findings),
  );
  const choices = accountChoices(scope, findings);
  if (findings.length > 0) return { findings };
  const filters = compiled.map((filter) => filter.map(({ ready }) => ready));
  const clauses = compiled.flat().map(({ clause }) => clause);
  const names = namesIn(clauses, choices, named !== null);
  return {
    scope: {
      decide: asFarAsKnown(decideBy(scope, { named, choices, filters }), doubtsOf(scope, given, { named, compiled })),
      attributes: [...names.keys()].sort(byCodeUnits),
      namesOf: (attribute) => [...(names.get(attribute) ?? [])],
      readsManagers: clauses.some(readsManager),
      movedBetween: movedBetween(clauses),
    },
  };
}

/** Everything that may not be known of a record, by itself and together. */
function doubtsOf(
  scope: Scope,
  { unknownLicences = [] }: ScopeGiven,
  of: { readonly named: NamedPeople | null; readonly compiled: readonly (readonly FilterClause[])[] },
): readonly Doubt[] {
  const { named, compiled } = of;
  const { licensed, ...anyLicence } = scope;
  const strict = compiled.map((filter) => filter.map(({ ready }) => ready));
  const lenient = compiled.map((filter) => filter.map(({ clause, ready }) => (readsManager(clause) ? HOLDS : ready)));
  const choices = accountChoices(scope, []);
  const fewer = accountChoices(anyLicence, []);
  const asking = compiled.flatMap((filter) => filter.map(({ clause }) => clause).filter(readsManager));
  const managers = asking.length === 0 ? null : ofManagers(asking);
  const licences = licensed === true || unknownLicences.length === 0 ? null : ofLicences(unknownLicences);
  const doubt = (what: Omit<Doubt, "whoever"> | null, by: Pick<Rules, "choices" | "filters">): readonly Doubt[] =>
    what === null ? [] : [{ ...what, whoever: decideBy(scope, { named, ...by }) }];
  const both = managers === null || licences === null ? null : ofBoth(managers, licences);
  return [
    ...doubt(managers, { choices, filters: lenient }),
    ...doubt(licences, { choices: fewer, filters: strict }),
    ...doubt(both, { choices: fewer, filters: lenient }),
  ];
}

/** Clauses that count days from today are asked at both times: whatever lies between them, records cross a day once. */
function movedBetween(clauses: readonly NamedClause[]): CompiledScope["movedBetween"] {
  const moving = clauses.filter(({ operator, value }) => operator.startsWith("Greater_Than") && isMovingDay(value));
  if (moving.length === 0) return null;
  return (from, to) => {
    if (startOfDay(from) === startOfDay(to)) return null;
    const pairs = moving.flatMap((clause) => {
      const [before, after] = [compileClause(clause, "", from), compileClause(clause, "", to)];
      return "clause" in before && "clause" in after ? [{ before: before.clause, after: after.clause }] : [];
    });
    return (record) => pairs.some(({ before, after }) => before.test(record) !== after.test(record));
  };
}

interface Rules {
  readonly named: NamedPeople | null;
  readonly choices: readonly AccountChoice[];
  readonly filters: readonly (readonly CompiledClause[])[];
}

function decideBy(scope: Scope, { named, choices, filters }: Rules): Decide {
  const { include = [], exclude = [] } = scope.groups ?? {};
  const takesIn = [
    ...(scope.assigned === undefined ? [] : [assignedDecision(scope.assigned)]),
    ...(include.length === 0 ? [] : [includedDecision(include)]),
    ...(filters.length === 0 ? [] : [filterDecision(filters)]),
  ];
  const leavesOut = [
    ...(exclude.length === 0 ? [] : [excludedDecision(exclude)]),
    ...(choices.length === 0 ? [] : [choiceDecision(choices)]),
  ];
  // Whoever names people and says nothing else of whom to take means these people.
  const isPilot = takesIn.length === 0 && (scope.people?.include ?? []).length > 0;
  const rules = isPilot ? () => NOT_NAMED : every([...leavesOut, ...takesIn]);
  return named === null ? rules : namedDecision(named, rules);
}

function checkGroups({ groups }: Scope, findings: Finding[]): void {
  if (groups === undefined) return;
  const { include, exclude } = groups;
  const flaw = (place: string, detail: string): void => {
    findings.push({ code: "config_invalid", detail: `scope.groups${place}: ${detail}` });
  };
  const isFlawed = (names: readonly string[] | undefined): boolean =>
    names !== undefined && (names.length === 0 || names.includes(""));
  if (include === undefined && exclude === undefined) {
    flaw("", "name at least one group to include or exclude, or leave `groups` out to let everyone in");
  }
  if (isFlawed(include)) flaw(".include", "name at least one group, or leave `groups` out to let everyone in");
  if (isFlawed(exclude)) flaw(".exclude", "name at least one group, or leave `exclude` out");
}

interface FilterClause {
  readonly clause: NamedClause;
  readonly ready: CompiledClause;
}

function compileFilter(
  filter: readonly ScopeClause[],
  { place, now }: { readonly place: string; readonly now: number | undefined },
  findings: Finding[],
): readonly FilterClause[] {
  if (filter.length === 0) {
    findings.push({ code: "config_invalid", detail: `${place}: a filter without clauses would let everyone in` });
  }
  return filter.flatMap((written, at) => {
    const clause = nameClause(written);
    if ("flaw" in clause) {
      findings.push({ code: "config_invalid", detail: `${place}[${at}].attribute: ${clause.flaw}` });
      return [];
    }
    const compiled = compileClause(clause, `${place}[${at}]`, now);
    if ("clause" in compiled) return [{ clause, ready: compiled.clause }];
    findings.push(compiled.finding);
    return [];
  });
}

const HOLDS: CompiledClause = { test: () => "holds", wording: "", listWording: "", failing: () => "" };
const EVERYONE: ScopeDecision = { in: true, reason: "everyone is in scope" };
const NAMED: ScopeDecision = { in: true, reason: "named among the people whom the scope includes" };
const EXCLUDED: ScopeDecision = { in: false, reason: "named among the people whom the scope excludes" };
const NOT_NAMED: ScopeDecision = { in: false, reason: "not among the people whom the scope includes" };

function namedDecision(named: NamedPeople, rules: Decide): Decide {
  return (record, belongsTo, isAssigned) => {
    const list = named(record);
    if (list === null) return rules(record, belongsTo, isAssigned);
    return list === "include" ? NAMED : EXCLUDED;
  };
}

function assignedDecision({ application }: NonNullable<Scope["assigned"]>): Decide {
  const inside: ScopeDecision = { in: true, reason: `assigned to the application ${application}` };
  const outside: ScopeDecision = { in: false, reason: `not assigned to the application ${application}` };
  return (_record, _belongsTo, isAssigned) => {
    if (isAssigned === undefined) throw new Error("nobody told whether the record is assigned to the application");
    return isAssigned() ? inside : outside;
  };
}

function includedDecision(groups: readonly string[]): Decide {
  const ins = groups.map((group): ScopeDecision => ({ in: true, reason: `member of ${plain(group)}` }));
  const out: ScopeDecision = { in: false, reason: `not a member of ${anyOf(groups)}` };
  return (_record, belongsTo) => ins[groups.findIndex((group) => belongsTo(group, "include"))] ?? out;
}

function excludedDecision(groups: readonly string[]): Decide {
  const outs = groups.map((group): ScopeDecision => {
    return { in: false, reason: `member of ${plain(group)}, which is excluded` };
  });
  const inside: ScopeDecision = { in: true, reason: `not a member of ${anyOf(groups)}` };
  return (_record, belongsTo) => outs[groups.findIndex((group) => belongsTo(group, "exclude"))] ?? inside;
}

function anyOf(groups: readonly string[]): string {
  const more = groups.length > SAID ? ` or ${groups.length - SAID} more groups` : "";
  return groups.slice(0, SAID).map(plain).join(" or ") + more;
}

function choiceDecision(choices: readonly AccountChoice[]): Decide {
  const inside: ScopeDecision = { in: true, reason: choices.map(({ wording }) => wording).join(" and ") };
  return (record) => {
    const failed = choices.find((choice) => !choice.holds(record));
    return failed === undefined ? inside : { in: false, reason: failed.failing(record) };
  };
}

function filterDecision(filters: readonly (readonly CompiledClause[])[]): Decide {
  const ready = filters.map((clauses) => {
    const decision: ScopeDecision = { in: true, reason: clauses.map(({ wording }) => wording).join(" and ") };
    return { clauses, decision };
  });
  return (record, _belongsTo, _isAssigned) => {
    for (const { clauses, decision } of ready) {
      let among = false;
      let holds = true;
      for (const clause of clauses) {
        const result = clause.test(record);
        if (result === "among") among = true;
        holds = result !== "fails";
        if (!holds) break;
      }
      if (holds) return among ? { in: true, reason: listReason(clauses, record) } : decision;
    }
    return { in: false, reason: failedReason(filters, record) };
  };
}

function listReason(clauses: readonly CompiledClause[], record: DirectoryRecord): string {
  return clauses
    .map(({ test, wording, listWording }) => (test(record) === "among" ? listWording : wording))
    .join(" and ");
}

/** The first clause that fails of each filter; every filter has one. */
function failedReason(filters: readonly (readonly CompiledClause[])[], record: DirectoryRecord): string {
  const reasons = new Set<string>();
  for (const clauses of filters.slice(0, SAID)) {
    const failed = clauses.find((clause) => clause.test(record) === "fails");
    if (failed !== undefined) reasons.add(failed.failing(record));
  }
  const more = filters.length > SAID ? ` (and ${filters.length - SAID} more filters)` : "";
  return [...reasons].join("; ") + more;
}

/** All conditions, with the reasons of those that let the record in, or that of the first one that does not. */
function every(conditions: readonly Decide[]): Decide {
  const [only] = conditions;
  if (only === undefined) return () => EVERYONE;
  if (conditions.length === 1) return only;
  return (record, belongsTo, isAssigned) => {
    let reason = "";
    for (const decide of conditions) {
      const decision = decide(record, belongsTo, isAssigned);
      if (!decision.in) return decision;
      reason = reason === "" ? decision.reason : `${reason} and ${decision.reason}`;
    }
    return { in: true, reason };
  };
}

/** What is read, without what lies inside, each with the names that reasons call it by. */
function namesIn(
  clauses: readonly NamedClause[],
  choices: readonly AccountChoice[],
  asksForPeople: boolean,
): ReadonlyMap<string, ReadonlySet<string>> {
  const all = new Map<string, Set<string>>();
  const add = (attribute: string, written = attribute): void => {
    const names = all.get(attribute) ?? new Set([attribute]);
    // A longer name is found by the shorter one within it.
    all.set(attribute, written.includes(attribute) ? names : names.add(written));
  };
  for (const attribute of choices.flatMap(({ attributes }) => attributes)) add(attribute);
  if (asksForPeople) add("userPrincipalName");
  for (const clause of clauses) {
    const own = withoutManager(clause.attribute).split(".")[0] ?? clause.attribute;
    // Who the manager is comes with every record; their sign-in name does not.
    if (own !== "manager" && own !== "id") add(own, withoutManager(clause.written));
    else if (own === "manager" && readsManager(clause)) add("userPrincipalName");
  }
  return all;
}
