export interface Plans {
  id: string;
  sync: string;
  run: string | null;
  /** removals: a held plan of its own; undo: the inverse of a run; selected: of a few records; changes: everything else. */
  part: string;
  revision: number;
  /** The run whose inverse this is; null for every other plan. */
  undoes: string | null;
  /** Who asked for it; null in plans older than this column. */
  asked_by: string | null; // JSON {kind, id}
  /** `second`: its sync asked for a second operator when it was made. */
  approval: string | null;
  selection: string | null; // JSON Selection: what it was limited to; null: nothing.
  seats: string | null; // JSON Seats, where the target tells them.
  trace: string | null; // JSON Trace of the one record that it is about.
  /** The held plan that it was split from. */
  split_from: string | null;
  decided_by: string | null; // JSON {kind, id}: who approved, applied, rejected or split it.
  /** False: a side was read in part, so nothing in it disables, deletes, removes or clears. */
  complete: number;
  /** building | sealed | applying | held | approved | applied | rejected | superseded | split | abandoned | forgotten */
  state: string;
  digest: string | null;
  counts: string; // JSON Counts
  holds: string; // JSON Finding[]
  /** Where the cursors move when this plan begins to be applied. */
  upto: number;
  link_upto: number;
  created_at: number;
  sealed_at: number | null;
  approved_by: string | null; // JSON {kind, id}
  approved_at: number | null;
  finished_at: number | null;
}

/** Who approved a plan; it is applied when enough did. */
export interface PlanApprovals {
  plan: string;
  actor_kind: string;
  actor_id: string;
  at: number;
}

export interface PlanChanges {
  plan: string;
  ordinal: number; // With the run it names the intent.
  phase: number;
  rank: number; // Depth in the tree of references among records that this plan creates.
  object_id: string;
  kind: string;
  name: string;
  action: string;
  cause: string;
  reason: string;
  record_id: string | null;
  before: string | null;
  after: string | null;
  active: number | null;
  add: string | null; // JSON list of object ids
  remove: string | null;
  /** Object ids that `after` refers to and that this plan creates, comma-separated; for ranks. */
  waits_for: string | null;
  /** What staleness is judged by: the record's and the link's change numbers when this was planned. */
  record_sequence: number;
  link_sequence: number;
  /** Code of what makes this change wait for approval whatever the guard says; null otherwise. */
  hold: string | null;
  /** planned | again (an earlier intent had no effect) | applied | unchanged | refused | conflict | missing | skipped */
  state: string;
  /** Of a join: the target attribute, and JSON of the value looked for, by which the record was found. */
  matched_by: string | null;
  matched_value: string | null;
}

/** What the evaluation found beside changes; becomes the pending set when the plan begins to be applied. */
export interface PlanIssues {
  plan: string;
  ordinal: number;
  /**
   * issue | ignored (an issue that somebody ignores) | suppressed | settled (was pending and needs nothing any more) | gone (its unowned link leads nowhere) | waits (for
   * values of lookups: `detail` is JSON [{attribute, lookup, value}]) | served (waits for no lookup any more)
   */
  state: string;
  sequence: number; // The record's change number.
  code: string;
  detail: string;
  object_id: string | null;
  name: string | null;
}

/** Intents without an outcome. Emptied as outcomes are committed; what is left after a crash is looked up first. */
export interface OpenIntents {
  run: string;
  ordinal: number;
  plan: string;
  sync: string;
  target: string;
  at: number;
}

/** Removals that were applied without approval, for the guard's windows. */
export interface Removals {
  sync: string;
  counter: string; // removals | members | creations | updates | matching
  object_id: string;
  amount: number;
  at: number;
  /** Since when the changed record had been owned; null for one that was not, and in rows that are older than this column. */
  linked_at: number | null;
}

export interface Runs {
  id: string;
  sync: string;
  mode: string; // incremental | full
  /** reading | planning | held | applying | finished */
  phase: string;
  /** succeeded | partial | failed | held | cancelled; null while it runs. */
  result: string | null;
  counts: string; // JSON Counts of what was applied
  failed: number;
  unchanged: number;
  /** JSON {done, total} of the phase, for progress bars. */
  progress: string;
  error: string | null; // JSON {code, message, fix}
  /** JSON {kind, id}: who asked a cancelled run to stop; null where its process was stopped or died. */
  stopped_by: string | null;
  plan: string | null;
  held_plan: string | null;
  actor: string; // JSON {kind, id}
  owner: string; // Who runs it: the lease's owner.
  fence: number;
  started_at: number;
  finished_at: number | null;
  read_ms: number;
}

/** Who runs what: `sync:<id>` and `read:<connection id>`. */
export interface Leases {
  name: string;
  owner: string; // JSON {host, pid, started, nonce}
  fence: number; // Grows with every owner.
  expires_at: number;
  /** JSON of who asks the owner to stop, and why; null when nobody does. */
  stop: string | null;
}

/** Append-only. `hash` chains over (previous, everything here); values stand apart so that they can be erased. */
export interface Journal {
  stream: string; // sync:<id>, or system
  sequence: number;
  at: number;
  actor_kind: string;
  actor_id: string;
  type: string; // intent | outcome | applied | approved | rejected | superseded | configured | …
  run: string | null;
  plan: string | null;
  ordinal: number | null;
  target: string | null;
  kind: string | null;
  object_id: string | null;
  record_id: string | null;
  action: string | null;
  cause: string | null;
  status: string | null;
  code: string | null;
  /** Salted SHA-256 of the values; null when there are none. */
  digest: string | null;
  previous: string;
  hash: string;
}

export interface JournalValues {
  stream: string;
  sequence: number;
  salt: string;
  before: string | null;
  after: string | null;
  reason: string | null;
  detail: string | null;
}
