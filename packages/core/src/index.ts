export { CODES, type Code, ConnectorError, type Retry, type Stops } from "./errors.ts";
export { signatureOf } from "./expression/arguments.ts";
export { plainOf } from "./expression/coerce.ts";
export { compileExpression, type ReadAttribute } from "./expression/compile.ts";
export type { EvaluationContext } from "./expression/context.ts";
export { complete, describeFunction, diagnose, hover } from "./expression/editor.ts";
export type { FunctionDefinition } from "./expression/function.ts";
export { FUNCTIONS } from "./expression/functions/index.ts";
export {
  type CompiledMapping,
  compileMapping,
  type Mapped,
  type MappingOptions,
  type TracedField,
  uniqueCandidates,
} from "./mapping/mapping.ts";
export type { CompiledRule } from "./mapping/rule.ts";
export { entraNameOf, type SourceName, sourceNameOf, sourcePathOf } from "./mapping/source-names.ts";
export { type Guest, guestOf, isAtHome, nameAtHome } from "./matching/guest.ts";
export { matchKey, matchKeys } from "./matching/key.ts";
export { chooseMatch, type Match, type MatchTry, recordName } from "./matching/match.ts";
export { type CompiledMatching, compileMatching, type MatchValue } from "./matching/matching.ts";
export { byCodeUnits } from "./model/compare.ts";
export { DEFAULT_RETRIES, DEFAULTS, limitOf } from "./model/defaults.ts";
export { formatDuration, parseDuration } from "./model/duration.ts";
export { type Mapping, type MappingRule, OWNERS, type Owner, type WhenEmpty } from "./model/mapping.ts";
export { type MatchingRule, matchedAttribute } from "./model/matching.ts";
export { nearest } from "./model/nearest.ts";
export type { Cause, Change, Counts, Finding, KnownLink, LinkOrigin } from "./model/plan.ts";
export { type DirectoryRecord, type Doubt, isEmpty } from "./model/record.ts";
export type {
  AccessReview,
  AssignedApplication,
  Assignment,
  AssignmentReader,
  Check,
  Licence,
  Member,
  Memberships,
  MemberType,
  PhotoAnswer,
  PhotoReader,
  Presence,
  ReviewDecision,
  ReviewInstance,
  Source,
  SourceAttribute,
  SourceAttributes,
  SourceKind,
  SourcePage,
  SourceRecord,
  Watermark,
  Withheld,
} from "./model/source.ts";
export {
  APP_ROLES,
  type Blackout,
  type Deprovision,
  type DeprovisionPolicy,
  DISABLED_CHOICES,
  deletesAfter,
  type GroupList,
  GUARD_COUNTERS,
  GUEST_CHOICES,
  type Guard,
  type GuardCounter,
  type GuardLimit,
  isTransitive,
  type Operations,
  type Protect,
  provisionedKind,
  type Retries,
  SCOPE_OPERATORS,
  type Schedule,
  type Scope,
  type ScopeClause,
  type ScopeOperator,
  type SyncDefinition,
  WEEKDAYS,
  type Weekday,
} from "./model/sync.ts";
export {
  type Action,
  kindsReferred,
  type LookupRecord,
  type Outcome,
  type Seats,
  type Target,
  type TargetAttribute,
  type TargetChange,
  type TargetKind,
  type TargetLookup,
  type TargetLookups,
  type TargetRecord,
} from "./model/target.ts";
export {
  type Attributes,
  GONE_REFERENCE,
  isConcealed,
  isGoneReference,
  isReference,
  type Reference,
  type Value,
} from "./model/value.ts";
export { type Wait, type WaitListener, waitInWords } from "./model/wait.ts";
export { grouped, inWords, nameOf, plain, plainAttribute, SENSITIVE } from "./model/wording.ts";
export { type Removal, removalOf } from "./planning/deprovision.ts";
export { sameValue, writesOf } from "./planning/difference.ts";
export { canonicalJson, createPlanDigest, type Hasher, type PlanDigest, type PlanHeader } from "./planning/digest.ts";
export { evaluate } from "./planning/evaluate.ts";
export {
  type Evaluation,
  type EvaluationInput,
  type Issue,
  type Linked,
  linkAfter,
  type NeedsMatch,
  type NoChange,
  originOf,
  type PlannedChange,
  type Suppressed,
  type SyncRules,
} from "./planning/evaluation.ts";
export { type GuardVerdict, judgeGuard, longWindow, shareOf } from "./planning/guard.ts";
export { evaluateMatched } from "./planning/matched.ts";
export { type MemberPlan, type MemberState, planMembers } from "./planning/members.ts";
export { comparePlaces, PHASES, type Place, rankByReference } from "./planning/order.ts";
export { referenceTo } from "./planning/reference.ts";
export { isRematched } from "./planning/rematched.ts";
export { touchedSince } from "./planning/touched.ts";
export {
  type AppliedChange,
  type Deed,
  deedOf,
  differs,
  type Inverse,
  inverseOf,
  type MovedMembers,
  movedMembers,
  type UndoScene,
} from "./planning/undo.ts";
export type { BelongsTo, CompiledScope, ScopeDecision } from "./scope/decision.ts";
export { compileScope, type ScopeGiven } from "./scope/scope.ts";
