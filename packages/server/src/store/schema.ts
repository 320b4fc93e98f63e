import type { AlertDeliveries, AlertEpisodes, Alerts, Channels } from "./schema-alert.ts";
import type {
  ConnectionAuthorizations,
  ConnectionConsents,
  ConnectionGrants,
  Connections,
  CredentialEnds,
  CredentialWarnings,
  SubscriptionRows,
} from "./schema-connection.ts";
import type {
  Applications,
  Assignments,
  DirectoryTimes,
  Edges,
  EdgeVersions,
  Photos,
  Records,
  RecordVersions,
  Watermarks,
} from "./schema-directory.ts";
import type {
  Journal,
  JournalValues,
  Leases,
  OpenIntents,
  PlanApprovals,
  PlanChanges,
  PlanIssues,
  Plans,
  Removals,
  Runs,
} from "./schema-plan.ts";
import type { PortalGroups, PortalLookups, PortalMembers, PortalRequesters } from "./schema-portal.ts";
import type {
  DoubtedLinks,
  FormerLinks,
  GoneMembers,
  GuardRaises,
  KnownMembers,
  Links,
  LookupWaits,
  MatchIndex,
  Pending,
  Pins,
  ProtectedRows,
  Revisions,
  SyncFailures,
  SyncPauses,
  Syncs,
  TakenAlong,
  TargetBreakers,
  Targets,
} from "./schema-sync.ts";

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
  doubted_links: DoubtedLinks;
  former_links: FormerLinks;
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
