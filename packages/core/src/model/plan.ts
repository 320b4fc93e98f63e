import type { Action } from "./target.ts";
import type { Attributes, Value } from "./value.ts";

/** Why a record is changed; stable codes for filters and undo, the sentence for people is `reason`. */
export type Cause =
  | "new"
  | "recreated"
  | "existing"
  | "shared"
  | "attributes"
  | "returned"
  | "outOfScope"
  | "disabled"
  | "softDeleted"
  | "deleted"
  | "memberships"
  | "drift"
  | "syncRemoved"
  | "undone"
  | "unjoined";

/**
 * One entry of a plan. `before` and `after` carry all managed fields that are known, references in source form.
 * `members` changes carry `add` and `remove` by object id instead.
 */
export interface Change {
  readonly kind: string;
  /** Object id of the source record; with the connection's tenant it is the anchor. Of a `lookup`: its name and value. */
  readonly objectId: string;
  /** For people: who this is, at the time of planning; of a `lookup`, the value. */
  readonly name: string;
  /** `lookup` creates a value of one of the target's lookups; it is about nobody. */
  readonly action: Action | "lookup";
  readonly cause: Cause;
  readonly reason: string;
  readonly recordId: string | null;
  readonly before: Attributes | null;
  readonly after: Attributes | null;
  readonly active: boolean | null;
  readonly add: readonly string[];
  readonly remove: readonly string[];
  /** Of a join: the target attribute, and the value looked for, by which the record was found. */
  readonly matchedBy?: { readonly attribute: string; readonly value: Value };
}

/** A record that could not be planned, or a guard that tripped: a stable code and one sentence. */
export interface Finding {
  readonly code: string;
  readonly detail: string;
  readonly objectId?: string;
  readonly name?: string;
}

/** Changes by kind. `members` counts single additions plus removals. */
export interface Counts {
  readonly create: number;
  readonly join: number;
  readonly update: number;
  readonly enable: number;
  readonly disable: number;
  readonly delete: number;
  readonly members: number;
  /** Values created in the target's lookups, where there are any. */
  readonly lookup?: number;
}

/** How a link came about. */
export type LinkOrigin = "created" | "joined" | "shared";

/** What is known of a link when a record is evaluated. */
export interface KnownLink {
  readonly recordId: string;
  /** `shared`: another sync owns the record; this one writes the attributes that it shares, and nothing else. */
  readonly origin: LinkOrigin;
  /** True when the evaluating sync owns the link; a link of another sync or of none is not ours to change. */
  readonly owned: boolean;
  /** For people: the sync that owns the link instead; `null` when none does. */
  readonly owner?: string | null;
  /**
   * Managed values last read or acknowledged, references in source form: the `after` of the change applied last.
   * A mail attribute that is absent here on a joined link is not ours to write.
   */
  readonly known: Attributes;
  readonly active: boolean;
  /** Attributes that somebody changed in the target: where their rule is `untilChanged` they are left alone since. */
  readonly leftAlone?: readonly string[];
  /** Since when it waits to be deleted, in milliseconds UTC; `null`: it does not. */
  readonly leavingSince?: number | null;
}
