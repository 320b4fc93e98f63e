/** The directory: a mirror of one connection's people, groups and contacts. */
export interface Records {
  connection: string;
  id: string; // Object id.
  kind: string; // user | group | contact
  attributes: string; // JSON, names in the order of the selection.
  manager: string | null;
  removed: string | null; // soft | hard: a tombstone.
  /** What the tombstone removes waits for approval: a shrunken round made it (1), or the record was very young (2); else 0. */
  doubtful: number;
  sequence: number; // The change number of its last change.
  round: number; // The last full round that saw it.
  /** For groups: the last full round that listed its members to their end. Hidden memberships are never listed. */
  members_round: number | null;
  /** The change number that it came with; null: it was there before the directory remembered. */
  first_sequence: number | null;
}

/** What a record was before a change; `until` is the number of that change. */
export interface RecordVersions {
  connection: string;
  id: string;
  until: number;
  attributes: string;
  manager: string | null;
  removed: string | null;
}

/** Whether a membership stood before a change. */
export interface EdgeVersions {
  connection: string;
  group_id: string;
  member_id: string;
  until: number;
  present: number;
}

/** When a connection's change numbers up to one were given out. */
export interface DirectoryTimes {
  connection: string;
  sequence: number;
  at: number;
}

/** Memberships. A removed edge stays as `present = 0`, so that its change has a number. */
export interface Edges {
  connection: string;
  group_id: string;
  member_id: string;
  member_type: string;
  present: number;
  /** Its removal was found by a shrunken round: it waits for approval. */
  doubtful: number;
  sequence: number;
  round: number; // The full round that saw it last.
  first_sequence: number | null; // As the records'.
}

/**
 * Enterprise applications that syncs are about. Who is assigned stands in `edges` too, with `principal` in place of a group, so
 * that a change of assignments is a change of the directory like any other.
 */
export interface Applications {
  connection: string;
  application: string; // As the scope names it: client or object id, in lower case.
  principal: string; // The service principal's object id.
  name: string;
  read_at: number;
}

export interface Assignments {
  connection: string;
  application: string; // The service principal's object id.
  id: string;
  principal: string; // Object id of the person or group.
  principal_type: string; // user | group
  role: string | null;
}

/** What is known of people's photos, beside their records: a full round of people would leave it out. */
export interface Photos {
  connection: string;
  id: string; // The person's object id.
  told: number; // 1 once the source told whether there is one.
  hash: string | null; // SHA-256 in hexadecimal digits.
  asked_at: number;
}

/** Where reading continues, per connection and kind. */
export interface Watermarks {
  connection: string;
  kind: string;
  token: string | null;
  /** Number of the full round that is under way or ended last. */
  round: number;
  /** reading: a full round is under way; confirming: absences are being confirmed; delta: a delta is; settled: none. */
  phase: string;
  /** Records that the running full round has seen, and how many lived when it began. */
  seen: number;
  known_before: number;
  expected: number | null;
  /** JSON {code, detail} when the last read ended incomplete or failed; null after a good one. */
  incomplete: string | null;
  /** The last full round was over 10 % smaller: removals that it found wait for approval. */
  shrunken_round: number | null;
  read_at: number | null;
  full_at: number | null;
  /** JSON {at, added, changed, removed}: what the last repeated full round found that no delta had told. */
  reconciled: string | null;
}
