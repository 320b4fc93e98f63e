/**
 * One schema for both engines. Text compares by code point (`COLLATE "C"`, SQLite's default), booleans are 0/1, times are
 * integer milliseconds UTC, JSON is text, whole numbers are read as `number`. Nothing relies on an engine's collation.
 */
export interface DB {
  meta: Meta;
  connections: Connections;
  connection_grants: ConnectionGrants;
  connection_consents: ConnectionConsents;
  connection_authorizations: ConnectionAuthorizations;
  credential_ends: CredentialEnds;
  credential_warnings: CredentialWarnings;
  alert_episodes: AlertEpisodes;
  channels: Channels;
  alerts: Alerts;
  alert_deliveries: AlertDeliveries;
  subscriptions: SubscriptionRows;
  targets: Targets;
  syncs: Syncs;
  revisions: Revisions;
  records: Records;
  edges: Edges;
  record_versions: RecordVersions;
  edge_versions: EdgeVersions;
  directory_times: DirectoryTimes;
  applications: Applications;
  assignments: Assignments;
  photos: Photos;
  watermarks: Watermarks;
  links: Links;
  known_members: KnownMembers;
  gone_members: GoneMembers;
  taken_along: TakenAlong;
  pending: Pending;
  sync_failures: SyncFailures;
  target_breakers: TargetBreakers;
  pins: Pins;
  guard_raises: GuardRaises;
  protected: ProtectedRows;
  lookup_waits: LookupWaits;
  plans: Plans;
  plan_approvals: PlanApprovals;
  plan_changes: PlanChanges;
  plan_issues: PlanIssues;
  match_index: MatchIndex;
  open_intents: OpenIntents;
  removals: Removals;
  runs: Runs;
  leases: Leases;
  sync_pauses: SyncPauses;
  journal: Journal;
  journal_values: JournalValues;
  console_links: ConsoleLinks;
  sessions: Sessions;
  portal_requesters: PortalRequesters;
  portal_groups: PortalGroups;
  portal_members: PortalMembers;
  portal_lookups: PortalLookups;
}

/** Facts about the store itself: `stamp` (demo | real), `key_check`, `created_at`, `id`. */
interface Meta {
  key: string;
  value: string;
}

/** One Entra tenant. Immutable id; `name` is an alias. One per (cloud, tenant) and organisation. */
interface Connections {
  id: string;
  organisation: string;
  name: string;
  cloud: string; // JSON: {kind, login?, graph?}
  cloud_key: string; // kind, or for custom its Graph origin: what "one per cloud" compares.
  tenant: string;
  client: string;
  labels: string; // JSON list
  attributes: string; // JSON list; empty: the default selection.
  licences: string | null; // JSON KnownLicences; null: nobody asked which ones the tenant has.
  uses: string | null; // JSON: {features, accept, reconcileMs, protect}; null: people and groups, nothing else, every week.
  credential: string; // Sealed, or {env}/{file} reference as JSON; see store/secrets.ts.
  revision: number;
  /** The last directory change number given out. Raised only under this row's lock until commit. */
  sequence: number;
  created_at: number;
}

/** What an administrator agreed to in Microsoft's sign-in; one per connection. */
interface ConnectionGrants {
  connection: string;
  token: string | null; // Sealed refresh token; null once it died.
  account: string; // JSON: {tenant, objectId, username}
  scopes: string; // JSON list
  granted_at: number;
  /** Since when Microsoft refuses it, and why; while the token is kept it may work again. */
  died_at: number | null;
  died_of: string | null;
}

/** A link to Microsoft's admin consent that was given out; it comes back with the state, once. */
interface ConnectionConsents {
  state_hash: string; // SHA-256 of the state, in hex: the state itself is nowhere kept.
  connection: string;
  expires_at: number;
}

/** A link that lets an administrator sign in for a connection, and the sign-in that a browser began with it. */
interface ConnectionAuthorizations {
  id: string; // SHA-256 of the ticket in the link, in hex.
  connection: string;
  operator: string; // Who made the link.
  origin: string; // Of the addresses that the administrator is sent to.
  state_hash: string | null; // Null until a browser began.
  begun: string | null; // Sealed JSON: {state, nonce, verifier, key}
  expires_at: number;
}

/** When a connection's credentials end, as it was last learnt; what the warnings are told by. */
interface CredentialEnds {
  connection: string;
  position: number;
  kind: string;
  ends_at: number | null; // Null: nobody tells.
  told_by: string | null; // certificate | registration | configuration
  checked_at: number;
}

/** That somebody was told of a credential's end; a credential is known again by its kind and its end. */
interface CredentialWarnings {
  connection: string;
  kind: string;
  ends_at: number;
  /** The least threshold that was told of, in days before the end; 0: that it has come. */
  threshold: number;
}

/** Where alerts go. Immutable id; `name` is an alias. */
interface Channels {
  id: string;
  organisation: string;
  name: string;
  type: string; // webhook | email | slack | teams
  settings: string; // JSON: what of the entry is no secret.
  credential: string; // JSON: secrets by field, as the targets' credentials.
  revision: number;
  created_at: number;
  /** Since when nothing is sent there, and why: the receiver said that it wants no more. */
  disabled_at: number | null;
  disabled_of: string | null;
}

/** What operators are told. Its id goes to every receiver, and is the same at every attempt. */
interface Alerts {
  id: string;
  type: string; // credential.expiring, …
  data: string; // JSON; never a secret.
  at: number;
}

/** That an alert is to go to a channel, and how far that has come. */
interface AlertDeliveries {
  alert: string;
  channel: string;
  /** Counted before anything is sent. */
  attempts: number;
  next_at: number | null; // Null: accepted, or given up.
  accepted_at: number | null;
  /** Why the last attempt failed. */
  failure: string | null;
}

/** Something that goes on, so that it is told once, now and then again while it lasts, and once when it is over. */
interface AlertEpisodes {
  kind: string; // sync.failing | sync.quarantined | connection.failing | plan.held
  subject: string; // The id of the sync, connection or plan.
  /** How often in a row it was seen. */
  count: number;
  since: number;
  told_at: number | null; // When it was told last; null: nobody was told yet.
}

/** A subscription to a connection's changes, as Microsoft keeps it; one for each kind of record. */
interface SubscriptionRows {
  connection: string;
  watched: string; // users | groups
  graph_id: string | null; // Null until Microsoft has answered, or when it refused.
  address: string; // Where Microsoft posts to.
  state_hash: string; // SHA-256 of the clientState, in hex: the state itself is nowhere kept.
  expires_at: number;
  /** 1 when Microsoft asked for a new authorization. */
  reauthorize: number;
  /** Why the last attempt failed, and when the next one is. */
  failure: string | null;
  retry_at: number;
}

interface Targets {
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

interface Syncs {
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
interface SyncPauses {
  sync: string;
  actor: string; // JSON {kind, id}
  since: number;
  until: number | null;
  note: string | null;
}

/** Append-only documents of configuration, one row per change of a connection, target or sync. */
interface Revisions {
  number: number; // Allocated by the store, ascending over everything.
  organisation: string;
  subject_kind: string; // connection | target | sync
  subject: string; // Its immutable id.
  name: string | null; // The alias that it had then; null in revisions older than this column.
  document: string; // JSON as in `config export`, secrets as references or sealed; `null` when removed.
  actor: string; // JSON {kind, id}
  at: number;
}

/** The directory: a mirror of one connection's people, groups and contacts. */
interface Records {
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
interface RecordVersions {
  connection: string;
  id: string;
  until: number;
  attributes: string;
  manager: string | null;
  removed: string | null;
}

/** Whether a membership stood before a change. */
interface EdgeVersions {
  connection: string;
  group_id: string;
  member_id: string;
  until: number;
  present: number;
}

/** When a connection's change numbers up to one were given out. */
interface DirectoryTimes {
  connection: string;
  sequence: number;
  at: number;
}

/** Memberships. A removed edge stays as `present = 0`, so that its change has a number. */
interface Edges {
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
interface Applications {
  connection: string;
  application: string; // As the scope names it: client or object id, in lower case.
  principal: string; // The service principal's object id.
  name: string;
  read_at: number;
}

interface Assignments {
  connection: string;
  application: string; // The service principal's object id.
  id: string;
  principal: string; // Object id of the person or group.
  principal_type: string; // user | group
  role: string | null;
}

/** What is known of people's photos, beside their records: a full round of people would leave it out. */
interface Photos {
  connection: string;
  id: string; // The person's object id.
  told: number; // 1 once the source told whether there is one.
  hash: string | null; // SHA-256 in hexadecimal digits.
  asked_at: number;
}

/** Where reading continues, per connection and kind. */
interface Watermarks {
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

/** Anchor (tenant, object id) to target record. */
interface Links {
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
}

/** Memberships that the target acknowledged from us, both ends as object ids. */
interface KnownMembers {
  target: string;
  tenant: string;
  group_id: string;
  member_id: string;
}

/**
 * Members that we wrote and whose records the target has lost. A group may still name them: that goes with the next memberships that
 * are written to it, for the person's new record is another member.
 */
interface GoneMembers {
  target: string;
  tenant: string;
  /** Object id of the group. */
  group_id: string;
  /** The record that was lost. */
  record_id: string;
}

/** What went along with a record that a run deleted: its memberships, and references to it. Undoing the run brings them back. */
interface TakenAlong {
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
interface Pending {
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
interface SyncFailures {
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
interface TargetBreakers {
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
interface Pins {
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
interface GuardRaises {
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
interface ProtectedRows {
  connection: string;
  kind: string; // user | group
  entry: string; // In lower case.
  object_id: string; // '' for the mark.
  sequence: number;
}

interface Plans {
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
interface PlanApprovals {
  plan: string;
  actor_kind: string;
  actor_id: string;
  at: number;
}

/** Records that were planned without a value, for the target's lookup has none of that name; they get it once it has. */
interface LookupWaits {
  sync: string;
  object_id: string;
  attribute: string;
  lookup: string;
  key: string; // The value as it is compared.
  value: string;
  name: string; // Of the record.
}

/** Records of a portal's own that requesters point to: departments and locations. */
interface PortalLookups {
  target: string;
  id: string;
  lookup: string;
  value: string;
  value_key: string;
  created_at: number;
}

interface PlanChanges {
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
interface PlanIssues {
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

/** Matching keys of the records that a plan wants to create or join, and of target records read for matching. */
interface MatchIndex {
  plan: string;
  key: string; // attribute + matching key
  object_id: string | null; // A source record that wants it …
  record_id: string | null; // … or a target record that has it.
  attributes: string | null; // JSON of the target record: {attributes, active, privileged}
}

/** Intents without an outcome. Emptied as outcomes are committed; what is left after a crash is looked up first. */
interface OpenIntents {
  run: string;
  ordinal: number;
  plan: string;
  sync: string;
  target: string;
  at: number;
}

/** Removals that were applied without approval, for the guard's windows. */
interface Removals {
  sync: string;
  counter: string; // removals | members | creations | updates | matching
  object_id: string;
  amount: number;
  at: number;
}

interface Runs {
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
interface Leases {
  name: string;
  owner: string; // JSON {host, pid, started, nonce}
  fence: number; // Grows with every owner.
  expires_at: number;
  /** JSON of who asks the owner to stop, and why; null when nobody does. */
  stop: string | null;
}

/** Append-only. `hash` chains over (previous, everything here); values stand apart so that they can be erased. */
interface Journal {
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

interface JournalValues {
  stream: string;
  sequence: number;
  salt: string;
  before: string | null;
  after: string | null;
  reason: string | null;
  detail: string | null;
}

/** One-time sign-in links of the console: only the SHA-256 of the token is kept. */
interface ConsoleLinks {
  token_hash: string;
  operator: string;
  expires_at: number;
  used_at: number | null;
}

interface Sessions {
  token_hash: string;
  operator: string;
  csrf: string;
  created_at: number;
  expires_at: number;
}

/** The people of Entrain's own portal: what the target type `portal` holds. */
interface PortalRequesters {
  id: string;
  target: string;
  external_id: string | null;
  user_name: string | null;
  display_name: string | null;
  attributes: string; // JSON of all attributes
  user_name_key: string | null; // Matching keys made in core.
  external_id_key: string | null;
  mail_key: string | null;
  manager: string | null;
  active: number;
  privileged: number;
  updated_at: number;
}

interface PortalGroups {
  id: string;
  target: string;
  external_id: string | null;
  display_name: string | null;
  attributes: string;
  external_id_key: string | null;
  display_name_key: string | null;
  updated_at: number;
}

interface PortalMembers {
  target: string;
  group_id: string;
  member_id: string;
  member_kind: string; // requester | group
}
