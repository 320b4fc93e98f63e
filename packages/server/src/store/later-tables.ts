import { type Table, table } from "./tables.ts";

export const LOOKUP_WAITS: Table = table(
  "lookup_waits",
  {
    sync: "text",
    object_id: "text",
    attribute: "text",
    lookup: "text",
    key: "text",
    value: "text",
    name: "text",
  },
  ["sync", "object_id", "attribute"],
);

export const PORTAL_LOOKUPS: Table = table(
  "portal_lookups",
  { target: "text", id: "text", lookup: "text", value: "text", value_key: "text", created_at: "int8" },
  ["target", "id"],
);

export const LOOKUP_INDEXES = [
  "lookup_waits: sync, lookup, key",
  "unique portal_lookups: target, lookup, value_key",
] as const;

/** A record belongs to one anchor; beside it, each other sync may share it with one. */
export const SHARE_INDEXES = [
  "unique links: target, kind, record_id where origin <> 'shared'",
  "unique links: target, kind, record_id, sync where origin = 'shared'",
] as const;

export const GRANTS: Table = table(
  "connection_grants",
  {
    connection: "text",
    token: "text?",
    account: "text",
    scopes: "text",
    granted_at: "int8",
    died_at: "int8?",
    died_of: "text?",
  },
  ["connection"],
);

export const SUBSCRIPTIONS: Table = table(
  "subscriptions",
  {
    connection: "text",
    watched: "text",
    graph_id: "text?",
    address: "text",
    state_hash: "text",
    expires_at: "int8",
    reauthorize: "int8",
    failure: "text?",
    retry_at: "int8",
  },
  ["connection", "watched"],
);

export const CONSENTS: Table = table(
  "connection_consents",
  { state_hash: "text", connection: "text", expires_at: "int8" },
  ["state_hash"],
);

export const AUTHORIZATIONS: Table = table(
  "connection_authorizations",
  {
    id: "text",
    connection: "text",
    operator: "text",
    origin: "text",
    state_hash: "text?",
    begun: "text?",
    expires_at: "int8",
  },
  ["id"],
);

/** As it began; `warned` became a table of its own, so the compiler cannot hold this one against the schema. */
export const CREDENTIAL_ENDS: Table = {
  name: "credential_ends",
  columns: {
    connection: "text",
    position: "int8",
    kind: "text",
    ends_at: "int8?",
    told_by: "text?",
    checked_at: "int8",
    warned: "int8?",
  },
  key: ["connection", "position"],
};

export const APPLICATIONS: Table = table(
  "applications",
  { connection: "text", application: "text", principal: "text", name: "text", read_at: "int8" },
  ["connection", "application"],
);

export const ASSIGNMENTS: Table = table(
  "assignments",
  {
    connection: "text",
    application: "text",
    id: "text",
    principal: "text",
    principal_type: "text",
    role: "text?",
  },
  ["connection", "application", "id"],
);

export const PHOTOS: Table = table(
  "photos",
  { connection: "text", id: "text", told: "int8", hash: "text?", asked_at: "int8" },
  ["connection", "id"],
);

export const GONE_MEMBERS: Table = table(
  "gone_members",
  { target: "text", tenant: "text", group_id: "text", record_id: "text" },
  ["target", "tenant", "group_id", "record_id"],
);

export const DOUBTED_LINKS: Table = table(
  "doubted_links",
  { target: "text", kind: "text", record_id: "text", object_id: "text", sync: "text", since: "int8" },
  ["target", "kind", "record_id"],
);

export const FORMER_LINKS: Table = table(
  "former_links",
  { sync: "text", object_id: "text", owned_since: "int8", lost: "int8", at: "int8" },
  ["sync", "object_id"],
);

/** `attribute`: '' for a membership of the group `holder`. */
export const TAKEN_ALONG: Table = table(
  "taken_along",
  {
    target: "text",
    tenant: "text",
    run: "text",
    ordinal: "int8",
    object_id: "text",
    kind: "text",
    holder: "text",
    attribute: "text",
    at: "int8",
  },
  ["target", "tenant", "run", "object_id", "kind", "holder", "attribute"],
);

/** By what a record was found that was joined. */
export const MATCHED_COLUMNS = [
  ["plan_changes", "matched_by"],
  ["plan_changes", "matched_value"],
  ["links", "matched_by"],
] as const;

export const CREDENTIAL_WARNINGS: Table = table(
  "credential_warnings",
  { connection: "text", kind: "text", ends_at: "int8", threshold: "int8" },
  ["connection", "kind", "ends_at"],
);

export const CHANNELS: Table = table(
  "channels",
  {
    id: "text",
    organisation: "text",
    name: "text",
    type: "text",
    settings: "text",
    credential: "text",
    revision: "int8",
    created_at: "int8",
    disabled_at: "int8?",
    disabled_of: "text?",
  },
  ["id"],
);

export const ALERTS: Table = table("alerts", { id: "text", type: "text", data: "text", at: "int8" }, ["id"]);

export const ALERT_DELIVERIES: Table = table(
  "alert_deliveries",
  {
    alert: "text",
    channel: "text",
    attempts: "int8",
    next_at: "int8?",
    accepted_at: "int8?",
    failure: "text?",
  },
  ["alert", "channel"],
);

export const ALERT_INDEXES: readonly string[] = [
  "unique channels: organisation, name",
  "alerts: at",
  "alert_deliveries: next_at where next_at is not null",
  "alert_deliveries: channel",
];

export const ALERT_EPISODES: Table = table(
  "alert_episodes",
  { kind: "text", subject: "text", count: "int8", since: "int8", told_at: "int8?" },
  ["kind", "subject"],
);

export const SYNC_PAUSES: Table = table(
  "sync_pauses",
  { sync: "text", actor: "text", since: "int8", until: "int8?", note: "text?" },
  ["sync"],
);

export const PINS: Table = table(
  "pins",
  {
    sync: "text",
    object_id: "text",
    member: "text",
    name: "text",
    plan: "text",
    run: "text",
    actor: "text",
    at: "int8",
  },
  ["sync", "object_id", "member"],
);

export const GUARD_RAISES: Table = table(
  "guard_raises",
  { sync: "text", counter: "text", figures: "text", until: "int8", actor: "text", at: "int8" },
  ["sync", "counter"],
);

/** `sequence`: of an entry without an object id, up to which change it was looked for. */
export const PROTECTED: Table = table(
  "protected",
  { connection: "text", kind: "text", entry: "text", object_id: "text", sequence: "int8" },
  ["connection", "kind", "entry", "object_id"],
);

export const SYNC_FAILURES: Table = table(
  "sync_failures",
  {
    sync: "text",
    failures: "int8",
    since: "int8",
    code: "text",
    detail: "text",
    fix: "text",
    quarantined_at: "int8?",
    next_at: "int8?",
  },
  ["sync"],
);

export const TARGET_BREAKERS: Table = table(
  "target_breakers",
  {
    target: "text",
    failures: "int8",
    since: "int8",
    last_at: "int8",
    opened_at: "int8?",
    code: "text",
    detail: "text",
  },
  ["target"],
);

export const PLAN_APPROVALS: Table = table(
  "plan_approvals",
  { plan: "text", actor_kind: "text", actor_id: "text", at: "int8" },
  ["plan", "actor_kind", "actor_id"],
);
export const PLAN_COLUMNS = [
  "asked_by",
  "approval",
  "selection",
  "seats",
  "trace",
  "split_from",
  "decided_by",
] as const;
