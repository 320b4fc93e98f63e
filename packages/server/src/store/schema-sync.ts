export interface Targets {
  id: string;
  organisation: string;
  name: string;
  type: string;
  settings: string; // JSON
  credential: string;
  revision: number;
  /** The last link change number given out, as `connections.sequence` for the directory. */
  sequence: number;
  created_at: number;
}

export interface Syncs {
  id: string;
  organisation: string;
  name: string;
  connection: string;
  target: string;
  records: string; // The target's kind.
  definition: string; // JSON SyncDefinition
  revision: number;
  /** Directory changes up to this number were evaluated. */
  cursor: number;
  /** Link changes of the target up to this number were looked at for waiting references and members. */
  link_cursor: number;
  /** The revision that the last evaluation used; another one evaluates everything again. */
  evaluated_revision: number;
  /** When that was, for scopes that count days; null before it was written down. */
  evaluated_at: number | null;
  /** End of the first run that applied something; guards count from here at the earliest. */
  first_run_at: number | null;
  /** When its schedule became what it is; null: when the sync was made. */
  scheduled_at: number | null;
  created_at: number;
}

/** Syncs that somebody paused, until a moment or until somebody resumes them. */
export interface SyncPauses {
  sync: string;
  actor: string; // JSON {kind, id}
  since: number;
  until: number | null;
  note: string | null;
}

/** Append-only documents of configuration, one row per change of a connection, target or sync. */
export interface Revisions {
  number: number; // Allocated by the store, ascending over everything.
  organisation: string;
  subject_kind: string; // connection | target | sync
  subject: string; // Its immutable id.
  name: string | null; // The alias that it had then; null in revisions older than this column.
  document: string; // JSON as in `config export`, secrets as references or sealed; `null` when removed.
  actor: string; // JSON {kind, id}
  at: number;
}

/** Anchor (tenant, object id) to target record. */
export interface Links {
  target: string;
  kind: string; // The target's kind.
  tenant: string;
  object_id: string;
  record_id: string;
  sync: string | null; // Owner; null: unowned, for re-adoption.
  origin: string; // created | joined
  known: string; // JSON of managed values, references as {"$ref": object id}.
  active: number;
  /** The number of its last change (targets.sequence); a change planned on an older one is a conflict. */
  sequence: number;
  /** The number of its creation or return; what waits for this record looks here. */
  linked_sequence: number;
  created_at: number;
  /** The target attribute by which a joined record was found; null for created ones, and joins older than this column. */
  matched_by: string | null;
  /** JSON list of attributes that somebody changed in the target and that are theirs since; null: none. */
  left_alone: string | null;
  /** Since when the record waits to be deleted, for its person left; null: it does not. */
  leaving_at: number | null;
  /**
   * Since when the sync has a record of this person: `created_at`, but earlier where the record was lost in the target and made anew,
   * or its deletion was undone. Guards take their share of those who were there when a window began.
   */
  owned_since: number;
}

/** Links that went, by the sync that owned their records: who comes back as the same person has been owned since before. */
export interface FormerLinks {
  sync: string;
  object_id: string;
  owned_since: number;
  /** 1: the target had lost the record. 0: the sync deleted it, or let go of it, and only undoing that brings it back. */
  lost: number;
  at: number;
}

/** Memberships that the target acknowledged from us, both ends as object ids. */
export interface KnownMembers {
  target: string;
  tenant: string;
  group_id: string;
  member_id: string;
}

/**
 * Members that we wrote and whose records the target has lost. A group may still name them: that goes with the next memberships that
 * are written to it, for the person's new record is another member.
 */
export interface GoneMembers {
  target: string;
  tenant: string;
  /** Object id of the group. */
  group_id: string;
  /** The record that was lost. */
  record_id: string;
}

/** A linked record that refused changes refer to, and that the target does not hold: the owning sync looks for it once more. */
export interface DoubtedLinks {
  target: string;
  kind: string;
  record_id: string;
  object_id: string;
  sync: string;
  since: number;
}

/** What went along with a record that a run deleted: its memberships, and references to it. Undoing the run brings them back. */
export interface TakenAlong {
  target: string;
  tenant: string;
  /** The run, and the number of the deletion in it. */
  run: string;
  ordinal: number;
  /** Whose record was deleted: an object id. */
  object_id: string;
  /** Object id of the group that it was a member of, or of whoever referred to it; `kind`: that one's record, '' of a group. */
  holder: string;
  kind: string;
  attribute: string; // What referred to it; '' for a membership.
  at: number;
}

/** Records that are evaluated again by every run until they are settled. */
export interface Pending {
  sync: string;
  object_id: string;
  /** suppressed | held | failed | conflict | reference | issue | dependant */
  reason: string;
  code: string;
  detail: string;
  /** A held plan that pins this record: it is not evaluated while the plan waits. */
  plan: string | null;
  attempts: number;
  /** Not before this time, unless the record changed since `sequence`. */
  retry_at: number;
  sequence: number;
  since: number;
  /** When the target refused it last. */
  tried_at: number | null;
  /** When it became a dead letter: it was refused as often as its sync's policy says, and is not tried by itself. */
  dead_at: number | null;
  /** JSON {note, actor, at} of who ignores it under its present code; null: nobody does. */
  ignored: string | null;
}

/** Syncs whose last runs failed, or failed for most records; the row goes with the first good run. */
export interface SyncFailures {
  sync: string;
  failures: number; // Runs in a row.
  since: number; // When the first of them ended.
  code: string;
  detail: string; // Why the last one failed, in a sentence.
  fix: string;
  quarantined_at: number | null;
  /** Until then it does not run by itself; null outside of a quarantine. */
  next_at: number | null;
}

/** Circuit breakers of targets that did not answer; the row goes with the first answer. */
export interface TargetBreakers {
  target: string;
  failures: number; // Transport faults in a row, of all syncs.
  since: number;
  last_at: number;
  /** Null while it is closed. Open: runs begin with a probe. */
  opened_at: number | null;
  code: string;
  detail: string;
}

/** What was undone and stays so until somebody releases it: no plan changes the record, or moves the membership. */
export interface Pins {
  sync: string;
  object_id: string;
  member: string; // Object id of the member; '' for the record's own attributes.
  name: string; // Of the record, when it was pinned.
  plan: string; // The undoing plan.
  run: string; // The run that was undone; '' for a record that was exempted from a held plan.
  actor: string; // JSON {kind, id}
  at: number;
}

/** A guard that was raised for a while. */
export interface GuardRaises {
  sync: string;
  counter: string; // removals | members | creations | updates | matching
  figures: string; // JSON {percent?, count?}; what is left out is the definition's.
  until: number;
  actor: string; // JSON {kind, id}
  at: number;
}

/**
 * Whom the entries of protected lists stood for when they were first met: a person keeps being protected under another
 * name. A row without an object id says up to which change number of the connection the entry was looked for.
 */
export interface ProtectedRows {
  connection: string;
  kind: string; // user | group
  entry: string; // In lower case.
  object_id: string; // '' for the mark.
  sequence: number;
}

/** Records that were planned without a value, for the target's lookup has none of that name; they get it once it has. */
export interface LookupWaits {
  sync: string;
  object_id: string;
  attribute: string;
  lookup: string;
  key: string; // The value as it is compared.
  value: string;
  name: string; // Of the record.
}

/** Matching keys of the records that a plan wants to create or join, and of target records read for matching. */
export interface MatchIndex {
  plan: string;
  key: string; // attribute + matching key
  object_id: string | null; // A source record that wants it …
  record_id: string | null; // … or a target record that has it.
  attributes: string | null; // JSON of the target record: {attributes, active, privileged}
}
