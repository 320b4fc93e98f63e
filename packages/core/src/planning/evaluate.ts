import type { Mapped } from "../mapping/mapping.ts";
import type { MatchValue } from "../matching/matching.ts";
import type { Cause, Finding, KnownLink } from "../model/plan.ts";
import type { DirectoryRecord, Doubt } from "../model/record.ts";
import { nameOf } from "../model/wording.ts";
import { accountStateUnknown, type Removal, removalNow, removalOf, waitsForDeletion } from "./deprovision.ts";
import { beforeAndAfter, compare, emptiedOf } from "./difference.ts";
import {
  changeOf,
  type Evaluation,
  type EvaluationInput,
  type Issue,
  NONE,
  type PlannedChange,
  type Suppressed,
  type SyncRules,
} from "./evaluation.ts";
import { inReason, sentence } from "./reason.ts";
import { protectedFinding, sparing } from "./spared.ts";

/** A record whose link is ours. */
interface Owned {
  readonly record: DirectoryRecord;
  readonly link: KnownLink;
}

/**
 * Evaluates one source record: what, if anything, must become of its target record. Pure and without memory; applying
 * the answer and evaluating again with {@link linkAfter}'s link answers `none`.
 */
export function evaluate(rules: SyncRules, input: EvaluationInput): Evaluation {
  const { record, link } = input;
  if (record === null) {
    if (link?.owned !== true) return NONE;
    return suppressed("deleted", "the directory does not hold the record, and nothing confirms that it was deleted");
  }
  const removal = removalOf(rules, record, input.scope);
  if (link === null) return unlinked(rules, input, record, removal);
  if (!link.owned) return removal === null ? ownedElsewhere(record, link) : NONE;
  const owned = { record, link };
  if (link.origin === "shared") return shared(rules, input, owned, removal);
  if (removal !== null) return waiting(rules, input, { link, removal }, deprovision(rules, input, owned, removal));
  if (accountStateUnknown(record)) return stateUnknown(input, record);
  return waiting(rules, input, { link, removal }, update(rules, input, owned, rules.kind.disable && !link.active));
}

/** Marks that a record begins to wait for its deletion, or waits no more, where no change of its state says so. */
function waiting(
  rules: SyncRules,
  { readComplete, scope }: EvaluationInput,
  { link, removal }: { readonly link: KnownLink; readonly removal: Removal | null },
  evaluation: Evaluation,
): Evaluation {
  const waits = waitsForDeletion(rules, removal, link);
  if (waits === (link.leavingSince != null)) return evaluation;
  const isUntold = removal?.cause === "outOfScope" && scope.untold === true;
  if (waits && (!readComplete || isUntold)) return evaluation;
  const isOf = evaluation.type === "none" || (evaluation.type === "change" && evaluation.change.action === "update");
  return isOf ? { ...evaluation, leaving: waits ? "begins" : "ends" } : evaluation;
}

function unlinked(
  rules: SyncRules,
  input: EvaluationInput,
  record: DirectoryRecord,
  removal: Removal | null,
): Evaluation {
  if (removal !== null) return NONE;
  if (accountStateUnknown(record)) return stateUnknown(input, record);
  const mapped = rules.mapping.map(record, true, input.creation);
  const flawed = unmapped(input, record, mapped);
  if (flawed !== null) return flawed;
  const wanted = rules.matching.values(mapped.attributes, record);
  if ("finding" in wanted) return { type: "issue", finding: wanted.finding };
  const { values } = wanted;
  const passed = passedOver(rules, values);
  // What an incomplete read left out might have found somebody else's record, or the right one.
  if (!input.readComplete && passed !== null) return suppressed("new", passed);
  if (values.length > 0) return { type: "match", record, mapped, values };
  const detail = `no value for ${rules.matching.attributes.join(" or ")}`;
  return input.readComplete ? issue(record, "unmatchable", detail) : suppressed("new", detail);
}

/** Which matching attribute has no value although a later one has; `null`: none. */
function passedOver({ matching }: SyncRules, values: readonly MatchValue[]): string | null {
  const found = [...new Set(values.map(({ attribute }) => attribute))];
  const at = found.findIndex((attribute, index) => attribute !== matching.attributes[index]);
  return at < 0 ? null : `no value for ${matching.attributes[at]}, which comes before ${found[at]}`;
}

function deprovision(rules: SyncRules, input: EvaluationInput, owned: Owned, removal: Removal): Evaluation {
  const { record, link } = owned;
  const { action, note } = removalNow(removal, rules.kind, { ...link, now: input.now });
  // A disabled person who stays in scope is kept up to date, and is never enabled by it.
  const staysCurrent = removal.cause === "disabled" && input.scope.in;
  if (!rules.operations.remove || action === null || (action === "disable" && !link.active)) {
    return staysCurrent ? update(rules, input, owned, false) : NONE;
  }
  const isUntold = removal.cause === "outOfScope" && input.scope.untold === true;
  if (!input.readComplete || isUntold) return suppressed(removal.cause, isUntold ? input.scope.reason : removal.why);
  // A scope that asks for `accountEnabled` must not take an unset one for disabled.
  if (removal.cause === "outOfScope" && accountStateUnknown(record)) return stateUnknown(input, record);
  const protectedBy = input.protectedBy ?? (action === "delete" ? input.keptBy : null) ?? null;
  if (protectedBy !== null) {
    const spared = protectedFinding(record, `would be ${action}d: ${removal.why}`, protectedBy);
    return beside(staysCurrent ? update(rules, input, owned, false) : NONE, spared);
  }
  const { before } = beforeAndAfter(rules.mapping.rules, link.known, []);
  const reason = sentence(removal.why, note);
  const common = { cause: removal.cause, reason, recordId: link.recordId, before };
  const hold = record.doubtful === undefined ? null : { ...DOUBTS[record.doubtful], ...who(record) };
  if (action === "delete") {
    return planned(changeOf(rules, who(record), { ...common, action, active: null }), { hold });
  }
  const current = staysCurrent && input.refused !== true ? update(rules, input, owned, false) : NONE;
  const change = changeOf(rules, who(record), { ...common, action, after: before, active: false });
  if (current.type === "issue") return planned(change, { hold, issues: [current.finding] });
  if (current.type === "none") return planned(change, { hold, waitsFor: current.waitsFor });
  if (current.type !== "change") return planned(change, { hold });
  const { after } = current.change;
  return { ...current, change: { ...change, after, reason: `${reason}; ${current.change.reason}` }, hold };
}

/** What else becomes of a record that is protected, with what is said of that. */
function beside(current: Evaluation, spared: Finding): Evaluation {
  if (current.type === "change") return { ...current, issues: [spared, ...current.issues] };
  return { type: "issue", finding: spared };
}

/** A record that another sync owns: who it is made for may come and go there, and only the shared attributes are kept up. */
function shared(rules: SyncRules, input: EvaluationInput, owned: Owned, removal: Removal | null): Evaluation {
  const { record, link } = owned;
  if (removal !== null) return NONE;
  if (rules.shares === null) {
    const detail = `the target record ${link.recordId} belongs to another sync, and this one shares nothing with it any more`;
    return issue(record, "owned_elsewhere", detail);
  }
  return update({ ...rules, mapping: rules.shares }, input, owned, false);
}

function update(rules: SyncRules, input: EvaluationInput, owned: Owned, enable: boolean): Evaluation {
  const { record, link } = owned;
  if (!rules.operations.update) return NONE;
  const mapped = rules.mapping.map(record, false);
  const flawed = unmapped(input, record, mapped);
  if (flawed !== null) return flawed;
  const { known, origin, leftAlone = [] } = link;
  const emptied = emptiedOf(rules, record, mapped, input);
  const of = { desired: mapped.attributes, emptied, known, origin, leftAlone };
  const compared = compare(rules.mapping.rules, of, input);
  const { differences, issues } = sparing(input, record, compared.differences);
  const { waitsFor } = compared;
  if (differences.length === 0 && !enable) {
    const [spared] = issues;
    if (spared !== undefined) return { type: "issue", finding: spared };
    if (compared.suppressed.length > 0) return cleared(compared.suppressed);
    return waitsFor.length === 0 ? NONE : { type: "none", waitsFor };
  }
  const said = inReason(differences, input.nameOf);
  const change = changeOf(rules, who(record), {
    action: enable ? "enable" : "update",
    cause: enable ? "returned" : "attributes",
    reason: enable ? [`Active again: ${input.scope.reason}`, ...(said === "" ? [] : [said])].join("; ") : said,
    recordId: link.recordId,
    ...beforeAndAfter(rules.mapping.rules, known, differences),
    active: enable ? true : null,
  });
  return planned(change, { ...compared, issues });
}

/** Issues of mapping; what an incomplete read left empty is no issue of the record. */
function unmapped(input: EvaluationInput, record: DirectoryRecord, mapped: Mapped): Issue | Suppressed | null {
  const [first, ...others] = mapped.issues;
  if (first === undefined) return null;
  if (!input.readComplete && mapped.issues.some(({ code }) => code === "value_missing")) {
    return suppressed("attributes", first.detail);
  }
  return issue(record, first.code, [first, ...others].map(({ detail }) => detail).join("; "));
}

function stateUnknown(input: EvaluationInput, record: DirectoryRecord): Issue | Suppressed {
  const detail = "the source did not say whether the account is enabled";
  return input.readComplete ? issue(record, "account_state_unknown", detail) : suppressed("disabled", detail);
}

function ownedElsewhere(record: DirectoryRecord, link: KnownLink): Issue {
  const { owner = "another sync" } = link;
  const whose = owner === null ? "belongs to no sync any more" : `is owned by ${owner}`;
  return issue(record, "owned_elsewhere", `the target record ${link.recordId} ${whose}`);
}

const DOUBTS: { readonly [doubt in Doubt]: Finding } = {
  shrunken: { code: "round_shrunken", detail: "a full round that was far smaller than the directory found it gone" },
  young: {
    code: "record_young",
    detail:
      "a full round found it gone for good some hours after it was made; a copy of the directory that lags may not have it yet",
  },
};

function cleared(attributes: readonly string[]): Suppressed {
  const detail = `${attributes.join(", ")} came empty from an incomplete read and is left as it is`;
  return suppressed("attributes", detail);
}

function suppressed(cause: Cause, detail: string): Suppressed {
  return { type: "suppressed", cause, detail };
}

function issue(record: DirectoryRecord, code: string, detail: string): Issue {
  return { type: "issue", finding: { code, detail, ...who(record) } };
}

function who(record: DirectoryRecord): { readonly objectId: string; readonly name: string } {
  return { objectId: record.id, name: nameOf(record) };
}

function planned(change: PlannedChange["change"], more: Partial<PlannedChange>): PlannedChange {
  const { waitsFor = [], refersTo = [], suppressed = [], hold = null, issues = [] } = more;
  return { type: "change", change, waitsFor, refersTo, suppressed, hold, issues };
}
