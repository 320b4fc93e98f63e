import type { Mapping } from "./mapping.ts";
import type { Check, SourceKind } from "./source.ts";
import type { Attributes, Value } from "./value.ts";

/** One attribute that a kind of target record has. */
export interface TargetAttribute {
  readonly name: string;
  /**
   * `reference` holds the record id of another record of `references`, `lookup` that of one of the target's own records in
   * the lookup named `lookup`; everything else is plain JSON.
   */
  readonly type: "string" | "boolean" | "integer" | "datetime" | "strings" | "reference" | "lookup";
  readonly required?: boolean;
  /** The target refuses two records with the same value. */
  readonly unique?: boolean;
  /** Values that differ only in case are different. Default: they are the same. */
  readonly caseExact?: boolean;
  /** Mail is delivered to this value, and so may a password reset be: a join never writes it. */
  readonly mail?: boolean;
  /**
   * For `reference`: the record kind that it points to, or several, in the order in which a person's records are taken.
   * The ids of several kinds must be distinct, so that an id tells its kind.
   */
  readonly references?: string | readonly string[];
  /** For `lookup`: the name of one of the target's {@link TargetLookups}. It is mapped from a text, its value. */
  readonly lookup?: string;
  /** The most characters (Unicode code points) that a text may have. */
  readonly maxLength?: number;
  /** The only texts that the target takes; compared as `caseExact` says, and written as they are spelled here. */
  readonly choices?: readonly string[];
  /** Texts that the target spells so, compared as `caseExact` says; it takes any others, too. Without meaning beside `choices`. */
  readonly spellings?: readonly string[];
  /** The target gives it and takes none. */
  readonly readOnly?: boolean;
  /** Taken when a record is created, and never again. */
  readonly immutable?: boolean;
  /** What the target tells of itself does not know it; see {@link TargetKind.described}. */
  readonly unlisted?: boolean;
}

/** The record kinds that a reference may point to, the preferred one first; none for other attributes. */
export function kindsReferred({ references = [] }: Pick<TargetAttribute, "references">): readonly string[] {
  return typeof references === "string" ? [references] : references;
}

/** What a target can hold of one kind of record. */
export interface TargetKind {
  /** The target's own word: `user`, `group`, `requester`, `agent`, … */
  readonly name: string;
  /** Which source records become records of this kind. */
  readonly source: SourceKind;
  readonly attributes: readonly TargetAttribute[];
  /** The attributes that `find` accepts. */
  readonly matchable: readonly string[];
  /** Records can be disabled and enabled again. Without it a deprovisioning `disable` sends a delete. */
  readonly disable: boolean;
  /** What becomes of a record in the target's own words, for reasons: `deactivated in Freshchat`, `set to active: false`. */
  readonly verbs?: { readonly disable?: string; readonly delete?: string };
  /**
   * The target itself said what its attributes are. What it does not take is then no mistake in a mapping: it is left out, and
   * told. What it requires beyond the mapping stops the creations, and nothing else.
   */
  readonly described?: boolean;
  /** For groups: the record kinds that may be members. Empty: memberships cannot be written. */
  readonly members: readonly string[];
  /** Milliseconds in which a request that was sent may still take effect although nobody heard its answer. */
  readonly settleMs: number;
  /** A mapping good enough to be accepted unread, target attribute to rule, and matching in order of precedence. */
  readonly preset: {
    readonly mapping: Mapping;
    readonly matching: readonly string[];
  };
}

/** A record as the target holds it. */
export interface TargetRecord {
  readonly kind: string;
  readonly id: string;
  /** Attributes as the target gave them; references are record ids. */
  readonly attributes: Attributes;
  /** False when disabled. Kinds without `disable` always say true. */
  readonly active: boolean;
  /** Members by record id, where the caller asked for them. */
  readonly members?: readonly string[];
  /** The record has rights of its own (administrator, owner): joining it always waits for approval. */
  readonly privileged?: boolean;
}

/** What a change does. At most one attribute change per record and plan; `members` stands beside it. */
export type Action = "create" | "join" | "update" | "enable" | "disable" | "delete" | "members";

/**
 * One change as it is sent to a target: every reference is a record id of the target. `set` holds the attributes to
 * write (`null` clears), all managed ones on create. `active` is present when the change enables or disables.
 */
export interface TargetChange {
  /** (run, ordinal): the id of the intent. Never an idempotency key of the target. */
  readonly ordinal: number;
  readonly kind: string;
  readonly action: Action;
  /** The target's record; `null` for create. */
  readonly recordId: string | null;
  readonly set: Attributes;
  /**
   * Of the lookups that `set` writes: the id of the record that the target was last known to point to, `null` for none. What is
   * not known is absent. A target that holds several beside each other takes this one away, and none that it was not given.
   */
  readonly was?: Attributes;
  readonly active?: boolean;
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

/**
 * What became of one change. `applied` and `unchanged` carry the record's id. `refused`: the target said no to this
 * record; the others go on. `conflict`: the record is not what the plan saw. `unknown`: no answer was heard, so the
 * record must be looked up before anything else is planned for it.
 */
export type Outcome =
  | {
      readonly status: "applied" | "unchanged";
      readonly recordId: string;
      readonly detail?: string;
      /** Of a deletion: the target accepted it and carries it out in its own time, so that the record shows for a while. */
      readonly accepted?: true;
    }
  | {
      readonly status: "refused" | "conflict" | "unknown";
      readonly code: string;
      readonly detail: string;
      readonly retry: "now" | "later" | "never";
    };

/** A list of records that the target keeps for others to point to: its departments, locations, roles. */
export interface TargetLookup {
  /** In the singular, as it is told: `department`. */
  readonly name: string;
  /** A value that is missing may be created: the target takes it, and its settings ask for it. */
  readonly creates: boolean;
}

/** One record of a lookup. */
export interface LookupRecord {
  readonly id: string;
  /** What people call it, and what it is found by. */
  readonly value: string;
}

/**
 * The lookups of a target. Values are compared by `matchKey`: without regard to case and Unicode form. None is ever
 * renamed or deleted by a sync. An attribute is written, and read, as the record's id.
 */
export interface TargetLookups {
  readonly kinds: readonly TargetLookup[];
  /** The records that have one of these values. At most 100 values. */
  find(lookup: string, values: readonly string[], signal: AbortSignal): Promise<readonly LookupRecord[]>;
  /** The records with these ids that exist. At most 100 ids. */
  get(lookup: string, ids: readonly string[], signal: AbortSignal): Promise<readonly LookupRecord[]>;
  /**
   * Creates a record for each value and answers one outcome each, in the same order; `unchanged` for one that is there. At
   * most 100 values. Throws a ConnectorError only when nothing was sent.
   */
  create(lookup: string, values: readonly string[], signal: AbortSignal): Promise<readonly Outcome[]>;
}

/** Seats of a kind of records that are paid for one by one. */
export interface Seats {
  readonly used: number;
  readonly total: number;
}

/** One configured downstream system. */
export interface Target {
  readonly kinds: readonly TargetKind[];
  /**
   * The kinds as this very target describes them now: as `kinds`, but for attributes that it limits further. Asked of the
   * system once for as long as the target is open; `kinds` themselves where it tells nothing. Without it nothing is asked.
   */
  describe?(signal: AbortSignal): Promise<readonly TargetKind[]>;
  /** Where attributes are of type `lookup`. */
  readonly lookups?: TargetLookups;
  /**
   * How many seats the target has for records of a kind, and how many are taken; `null` where it does not tell, or takes any
   * number. Asked once for each plan: creations for which there is no seat wait.
   */
  seats?(kind: string, signal: AbortSignal): Promise<Seats | null>;
  /** The most changes that one `apply` takes. */
  readonly batch: number;
  verify(signal: AbortSignal): Promise<readonly Check[]>;
  /** All records of a kind, page by page, each with its members when `members` is true. */
  list(
    kind: string,
    options: { readonly members: boolean },
    signal: AbortSignal,
  ): AsyncIterable<readonly TargetRecord[]>;
  /** The records whose attribute has one of the values (compared as the target compares). At most 100 values. */
  find(
    kind: string,
    attribute: string,
    values: readonly Value[],
    signal: AbortSignal,
  ): Promise<readonly TargetRecord[]>;
  /** The records with these ids that exist, with members when asked; absent ones are left out. At most 100 ids. */
  get(
    kind: string,
    ids: readonly string[],
    options: { readonly members: boolean },
    signal: AbortSignal,
  ): Promise<readonly TargetRecord[]>;
  /**
   * Carries out a batch in its order and answers one outcome per change, in the same order. Must be safe to call again
   * with a change that was already carried out (answering `unchanged`, or `refused` for a create that now exists).
   * Throws a ConnectorError only when nothing of the batch was sent.
   */
  apply(changes: readonly TargetChange[], signal: AbortSignal): Promise<readonly Outcome[]>;
  /**
   * Whether a record that holds no id of ours is the one that this creation made, whose answer was not heard. True only where
   * the target saw before it sent it that no such record was there, and the record came into being then, with the very
   * values that were sent; false where that cannot be shown. Without it nothing is.
   */
  wasMade?(change: TargetChange, recordId: string, signal: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}
