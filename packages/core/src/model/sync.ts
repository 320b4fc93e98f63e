import type { Mapping } from "./mapping.ts";
import type { MatchingRule } from "./matching.ts";
import type { TargetKind } from "./target.ts";

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
  "&",
  "!&",
] as const;

export type ScopeOperator = (typeof SCOPE_OPERATORS)[number];

/** One condition on one source attribute. */
export interface ScopeClause {
  readonly attribute: string;
  readonly operator: ScopeOperator;
  readonly value?: string;
}

/**
 * Who is in. Filters are OR-ed, the clauses of one filter AND-ed; groups, application, filters and the choices of accounts must all
 * let a record in. `people` goes before all of them, its `exclude` before its `include`.
 */
export interface Scope {
  /**
   * Who is assigned to an enterprise application, given by its client or object id. `transitive` also takes who is in groups
   * nested in assigned ones, whom Entra itself does not let in.
   */
  readonly assigned?: { readonly application: string; readonly transitive: boolean };
  readonly groups?: ScopeGroupLists;
  readonly filters?: readonly (readonly ScopeClause[])[];
  readonly people?: ScopePeople;
  /** Guests beside everybody else (as without it), nobody who is one, or nobody else. */
  readonly guests?: GuestChoice;
  /** `exclude` takes disabled accounts for out of scope, rather than for disabled. */
  readonly disabled?: DisabledChoice;
  /** Only who has a licence; with a list, one of these: `skuId`s or part numbers such as `SPE_E3`. */
  readonly licensed?: true | readonly string[];
  /** No shared mailboxes, rooms, equipment and service accounts, as far as the source's attributes tell them. */
  readonly peopleOnly?: boolean;
}

/** Groups by name or object id: members of one of `include`, if there are any, and of none of `exclude`. */
export interface ScopeGroupLists {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  /** Whether members of nested groups count as members, for both lists or for each. */
  readonly transitive: boolean | { readonly include: boolean; readonly exclude: boolean };
}

/** The lists of groups that a scope has. */
export type GroupList = "include" | "exclude";

/** People by object id or user principal name. */
export interface ScopePeople {
  /** In scope whatever else the scope says. Where it takes in nobody by groups, application or filters, these are all. */
  readonly include?: readonly string[];
  /** Out of scope whatever else the scope says. */
  readonly exclude?: readonly string[];
}

export const GUEST_CHOICES = ["include", "exclude", "only"] as const;
export type GuestChoice = (typeof GUEST_CHOICES)[number];
export const DISABLED_CHOICES = ["include", "exclude"] as const;
export type DisabledChoice = (typeof DISABLED_CHOICES)[number];

/** Whether the members of nested groups count in one of the lists. */
export function isTransitive({ transitive }: ScopeGroupLists, list: GroupList): boolean {
  return typeof transitive === "boolean" ? transitive : transitive[list];
}

/**
 * A source attribute that comes with `scope.assigned`: the names of the roles that a person or group has in the application,
 * own ones and those of assigned groups.
 */
export const APP_ROLES = "appRoles";

/** What a cause of deprovisioning does to a record that we own. */
export type DeprovisionVerb = "ignore" | "disable" | "delete";

/**
 * Deletes a record that we created so long after its person left, unless they return. Until then it is disabled, or left as it is
 * with `disable: false` and where the target cannot disable. A joined record is never deleted.
 */
export interface DeleteLater {
  readonly deleteAfterMs: number;
  readonly disable: boolean;
}

/** What a cause of deprovisioning does, at once or in the end. */
export type DeprovisionPolicy = DeprovisionVerb | DeleteLater;

export interface Deprovision {
  readonly outOfScope: DeprovisionPolicy;
  readonly disabled: DeprovisionPolicy;
  readonly softDeleted: DeprovisionPolicy;
  readonly deleted: DeprovisionPolicy;
}

/** After how many milliseconds a policy deletes a record; `null`: it does so at once, or never. */
export function deletesAfter(policy: DeprovisionPolicy): number | null {
  return typeof policy === "string" ? null : policy.deleteAfterMs;
}

/**
 * A limit that trips when either figure is exceeded: percent of the active records that the sync owned when the window began, or
 * a count (at most 100,000); for memberships, of those of its groups.
 */
export interface GuardLimit {
  readonly percent: number;
  readonly count: number;
  readonly windowMs: number;
}

/**
 * What guards count: records disabled or deleted, single memberships removed, records created or joined, records updated or
 * enabled, and records whose value of a matching attribute changes.
 */
export const GUARD_COUNTERS = ["removals", "members", "creations", "updates", "matching"] as const;
export type GuardCounter = (typeof GUARD_COUNTERS)[number];

/** The limits of a sync; a counter that is left out has the default's. */
export interface Guard {
  readonly removals: GuardLimit;
  readonly members: GuardLimit;
  readonly creations?: GuardLimit;
  readonly updates?: GuardLimit;
  readonly matching?: GuardLimit;
}

/**
 * Records from which nothing is ever taken away, whatever scope, source, approval or undo say: never disabled, deleted,
 * removed from a group, or cleared. Of a group nobody is removed either.
 */
export interface Protect {
  /** By object id or user principal name. */
  readonly people?: readonly string[];
  /** By object id or display name. */
  readonly groups?: readonly string[];
}

export interface Operations {
  readonly create: boolean;
  readonly update: boolean;
  readonly remove: boolean;
}

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/**
 * A window in which no run begins by itself. `from` and `to` are times of the day, `HH:MM` up to `24:00`, by the clocks of
 * `timezone` (a name of the IANA time zone database); a window whose end is not after its beginning ends on the next day, and
 * belongs to the day on which it begins.
 */
export interface Blackout {
  readonly days: readonly Weekday[];
  readonly from: string;
  readonly to: string;
  readonly timezone: string;
  /** A run that began before the window is stopped when it begins; otherwise it goes on to its end. */
  readonly stop?: true;
}

/** When a sync runs by itself: so long after its last run, by a cron pattern of five fields, or never. */
export type Schedule = (
  | { readonly everyMs: number }
  | { readonly cron: string; readonly timezone: string }
  | { readonly manual: true }
) & {
  readonly blackout?: readonly Blackout[];
  /** A run begins up to so much later than its time, so that syncs of the same time do not begin together. */
  readonly jitterMs?: number;
};

/**
 * How a change that the target refused is tried again while nothing about it changes: after `firstMs`, then after twice as
 * long each time, up to `lastMs`, each time a little sooner or later; after so many `attempts` in all it is a dead letter.
 */
export interface Retries {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly attempts: number;
}

/** The rule that provisions one kind of record from one connection to one target. */
export interface SyncDefinition {
  readonly records: string;
  /** Organisational contacts in place of people, for a kind of records that people become. */
  readonly source?: "contact";
  readonly scope: Scope;
  readonly mapping: Mapping;
  /** How an existing record is found, in order of precedence. */
  readonly matching: readonly MatchingRule[];
  /**
   * Attributes that it also writes to the records that other syncs of the target own, where matching finds those. Of such a
   * record nothing else is touched. No other sync of the same kind of records maps them.
   */
  readonly shares?: readonly string[];
  readonly operations: Operations;
  readonly deprovision: Deprovision;
  readonly guard: Guard;
  readonly protect?: Protect;
  /** A held plan is let go by somebody else than who asked for it or changed the sync last. Left out: by anybody. */
  readonly approval?: "second";
  /** Left out: the default's. */
  readonly retries?: Retries;
  readonly schedule: Schedule;
}

/** A target's kind as a sync provisions it: from another kind of source records where its definition says so. */
export function provisionedKind(kind: TargetKind, { source }: Pick<SyncDefinition, "source">): TargetKind {
  return source === undefined ? kind : { ...kind, source };
}
