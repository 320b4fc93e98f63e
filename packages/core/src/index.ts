export { CODES, type Code, ConnectorError, type Retry, type Stops } from "./errors.ts";
export type { Cause, Change, Counts, Finding, KnownLink } from "./model/plan.ts";
export type {
  Check,
  Member,
  Memberships,
  MemberType,
  Presence,
  Source,
  SourceKind,
  SourcePage,
  SourceRecord,
  Watermark,
} from "./model/source.ts";
export {
  type Deprovision,
  type DeprovisionVerb,
  type Guard,
  type GuardLimit,
  type Mapping,
  type MappingRule,
  type Operations,
  SCOPE_OPERATORS,
  type Schedule,
  type Scope,
  type ScopeClause,
  type ScopeOperator,
  type SyncDefinition,
  type WhenEmpty,
} from "./model/sync.ts";
export type {
  Action,
  Outcome,
  Target,
  TargetAttribute,
  TargetChange,
  TargetKind,
  TargetRecord,
} from "./model/target.ts";
export { type Attributes, isReference, type Reference, type Value } from "./model/value.ts";
