import type { TargetKind } from "./target.ts";
import type { Value } from "./value.ts";

/** Entra's scoping operators ("Scoping users or groups to be provisioned with scoping filters"). */
export const SCOPE_OPERATORS = [
  "EQUALS",
  "NOT EQUALS",
  "IS TRUE",
  "IS FALSE",
  "IS NULL",
  "IS NOT NULL",
  "REGEX MATCH",
  "NOT REGEX MATCH",
  "Greater_Than",
  "Greater_Than_OR_EQUALS",
  "Includes",
  "ENDS_WITH",
] as const;

export type ScopeOperator = (typeof SCOPE_OPERATORS)[number];

/** One condition on one source attribute. */
export interface ScopeClause {
  readonly attribute: string;
  readonly operator: ScopeOperator;
  readonly value?: string;
}

/**
 * Who is in. Filters are OR-ed, the clauses of one filter AND-ed; groups, application and filters must all let a record in.
 */
export interface Scope {
  /**
   * Who is assigned to an enterprise application, given by its client or object id. `transitive` also takes who is in groups
   * nested in assigned ones, whom Entra itself does not let in.
   */
  readonly assigned?: { readonly application: string; readonly transitive: boolean };
  readonly groups?: { readonly include: readonly string[]; readonly transitive: boolean };
  readonly filters?: readonly (readonly ScopeClause[])[];
}

/**
 * A source attribute that comes with `scope.assigned`: the names of the roles that a person or group has in the application,
 * own ones and those of assigned groups.
 */
export const APP_ROLES = "appRoles";

/** What an empty source value means for a target attribute: leave the target's value, clear it, or use `default`. */
export type WhenEmpty = "keep" | "clear" | "default";

/** How one target attribute gets its value. `expression` is read and kept, and refused until the language exists. */
export type MappingRule = (
  | { readonly direct: string }
  | { readonly constant: Value }
  | { readonly expression: string }
) & {
  readonly whenEmpty?: WhenEmpty;
  readonly default?: Value;
  /** Default `always`; `create` writes the value only when the record is created. */
  readonly apply?: "always" | "create";
};

export type Mapping = { readonly [targetAttribute: string]: MappingRule };

/** What a cause of deprovisioning does to a record that we own. */
export type DeprovisionVerb = "ignore" | "disable" | "delete";

export interface Deprovision {
  readonly outOfScope: DeprovisionVerb;
  readonly disabled: DeprovisionVerb;
  readonly softDeleted: DeprovisionVerb;
  readonly deleted: DeprovisionVerb;
}

/**
 * A limit that trips when either figure is exceeded: percent (at most 50) of the active records that the sync owned when the
 * window began, or a count (at most 100,000); for memberships, of those of its groups.
 */
export interface GuardLimit {
  readonly percent: number;
  readonly count: number;
  readonly windowMs: number;
}

export interface Guard {
  readonly removals: GuardLimit;
  readonly members: GuardLimit;
}

export interface Operations {
  readonly create: boolean;
  readonly update: boolean;
  readonly remove: boolean;
}

export type Schedule = { readonly everyMs: number } | { readonly manual: true };

/** The rule that provisions one kind of record from one connection to one target. */
export interface SyncDefinition {
  readonly records: string;
  /** Organisational contacts in place of people, for a kind of records that people become. */
  readonly source?: "contact";
  readonly scope: Scope;
  readonly mapping: Mapping;
  /** Target attributes, in order of precedence. */
  readonly matching: readonly string[];
  readonly operations: Operations;
  readonly deprovision: Deprovision;
  readonly guard: Guard;
  readonly schedule: Schedule;
}

/** A target's kind as a sync provisions it: from another kind of source records where its definition says so. */
export function provisionedKind(kind: TargetKind, { source }: Pick<SyncDefinition, "source">): TargetKind {
  return source === undefined ? kind : { ...kind, source };
}
