import { type Kysely, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { directoryHistory } from "./directory-tables.ts";
import { storeFailed, translateFault } from "./faults.ts";
import { FIRST_INDEXES, FIRST_TABLES } from "./first-tables.ts";
import type { DB } from "./schema.ts";
import { createIndex, createTable, type Engine, type Table, table } from "./tables.ts";

const LOOKUP_WAITS = table(
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

const PORTAL_LOOKUPS = table(
  "portal_lookups",
  { target: "text", id: "text", lookup: "text", value: "text", value_key: "text", created_at: "int8" },
  ["target", "id"],
);

const LOOKUP_INDEXES = ["lookup_waits: sync, lookup, key", "unique portal_lookups: target, lookup, value_key"] as const;

/** A record belongs to one anchor; beside it, each other sync may share it with one. */
const SHARE_INDEXES = [
  "unique links: target, kind, record_id where origin <> 'shared'",
  "unique links: target, kind, record_id, sync where origin = 'shared'",
] as const;

const GRANTS = table(
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

const SUBSCRIPTIONS = table(
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

const CONSENTS: Table = table("connection_consents", { state_hash: "text", connection: "text", expires_at: "int8" }, [
  "state_hash",
]);

const AUTHORIZATIONS = table(
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
const CREDENTIAL_ENDS: Table = {
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

const APPLICATIONS = table(
  "applications",
  { connection: "text", application: "text", principal: "text", name: "text", read_at: "int8" },
  ["connection", "application"],
);

const ASSIGNMENTS = table(
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

const PHOTOS: Table = table(
  "photos",
  { connection: "text", id: "text", told: "int8", hash: "text?", asked_at: "int8" },
  ["connection", "id"],
);

const GONE_MEMBERS: Table = table(
  "gone_members",
  { target: "text", tenant: "text", group_id: "text", record_id: "text" },
  ["target", "tenant", "group_id", "record_id"],
);

/** By what a record was found that was joined. */
const MATCHED_COLUMNS = [
  ["plan_changes", "matched_by"],
  ["plan_changes", "matched_value"],
  ["links", "matched_by"],
] as const;

const CREDENTIAL_WARNINGS: Table = table(
  "credential_warnings",
  { connection: "text", kind: "text", ends_at: "int8", threshold: "int8" },
  ["connection", "kind", "ends_at"],
);

const CHANNELS: Table = table(
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

const ALERTS: Table = table("alerts", { id: "text", type: "text", data: "text", at: "int8" }, ["id"]);

const ALERT_DELIVERIES: Table = table(
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

const ALERT_INDEXES: readonly string[] = [
  "unique channels: organisation, name",
  "alerts: at",
  "alert_deliveries: next_at where next_at is not null",
  "alert_deliveries: channel",
];

const ALERT_EPISODES = table(
  "alert_episodes",
  { kind: "text", subject: "text", count: "int8", since: "int8", told_at: "int8?" },
  ["kind", "subject"],
);

const SYNC_PAUSES: Table = table(
  "sync_pauses",
  { sync: "text", actor: "text", since: "int8", until: "int8?", note: "text?" },
  ["sync"],
);

const PINS = table(
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

const GUARD_RAISES = table(
  "guard_raises",
  { sync: "text", counter: "text", figures: "text", until: "int8", actor: "text", at: "int8" },
  ["sync", "counter"],
);

/** `sequence`: of an entry without an object id, up to which change it was looked for. */
const PROTECTED = table(
  "protected",
  { connection: "text", kind: "text", entry: "text", object_id: "text", sequence: "int8" },
  ["connection", "kind", "entry", "object_id"],
);

const SYNC_FAILURES = table(
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

const TARGET_BREAKERS: Table = table(
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

const PLAN_APPROVALS = table("plan_approvals", { plan: "text", actor_kind: "text", actor_id: "text", at: "int8" }, [
  "plan",
  "actor_kind",
  "actor_id",
]);
const PLAN_COLUMNS = ["asked_by", "approval", "selection", "seats", "trace", "split_from", "decided_by"] as const;

/** The migrations of the store, oldest first. One that was released is never edited: a new one follows it. */
function migrations(engine: Engine): { readonly [name: string]: Migration } {
  return {
    "0001_first": {
      up: async (db) => {
        for (const each of FIRST_TABLES) await sql.raw(createTable(each, engine)).execute(db);
        for (const each of FIRST_INDEXES) await sql.raw(createIndex(each)).execute(db);
      },
    },
    "0002_revision_names": {
      up: async (db) => {
        await sql
          .raw(`alter table "revisions" add column "name" ${engine === "postgres" ? 'text collate "C"' : "text"}`)
          .execute(db);
        for (const each of ["connections", "targets", "syncs"]) {
          const named = `select "name" from "${each}" where "id" = "revisions"."subject"`;
          await sql
            .raw(`update "revisions" set "name" = (${named}) where "subject" in (select "id" from "${each}")`)
            .execute(db);
        }
      },
    },
    "0003_connection_grants": {
      up: async (db) => {
        await sql.raw(createTable(GRANTS, engine)).execute(db);
      },
    },
    "0004_subscriptions": {
      up: async (db) => {
        await sql.raw(createTable(SUBSCRIPTIONS, engine)).execute(db);
      },
    },
    "0005_connection_uses": {
      up: async (db) => {
        await sql
          .raw(`alter table "connections" add column "uses" ${engine === "postgres" ? 'text collate "C"' : "text"}`)
          .execute(db);
        for (const each of [CONSENTS, CREDENTIAL_ENDS]) await sql.raw(createTable(each, engine)).execute(db);
      },
    },
    "0006_assignments": {
      up: async (db) => {
        for (const each of [APPLICATIONS, ASSIGNMENTS]) await sql.raw(createTable(each, engine)).execute(db);
      },
    },
    "0007_alerts": {
      up: async (db) => {
        for (const each of [CREDENTIAL_WARNINGS, CHANNELS, ALERTS, ALERT_DELIVERIES]) {
          await sql.raw(createTable(each, engine)).execute(db);
        }
        for (const each of ALERT_INDEXES) await sql.raw(createIndex(each)).execute(db);
        const told = `select "connection", "kind", "ends_at", min("warned") from "credential_ends"`;
        const known = `where "warned" is not null and "ends_at" is not null group by "connection", "kind", "ends_at"`;
        await sql.raw(`insert into "credential_warnings" ${told} ${known}`).execute(db);
        await sql.raw(`alter table "credential_ends" drop column "warned"`).execute(db);
      },
    },
    "0008_photos": {
      up: async (db) => {
        await sql.raw(createTable(PHOTOS, engine)).execute(db);
        await sql.raw(createIndex("photos: connection, asked_at")).execute(db);
      },
    },
    "0009_reconciliations": {
      up: async (db) => {
        await sql
          .raw(
            `alter table "watermarks" add column "reconciled" ${engine === "postgres" ? 'text collate "C"' : "text"}`,
          )
          .execute(db);
      },
    },
    "0010_authorizations": {
      up: async (db) => {
        await sql.raw(createTable(AUTHORIZATIONS, engine)).execute(db);
        await sql
          .raw(createIndex("unique connection_authorizations: state_hash where state_hash is not null"))
          .execute(db);
      },
    },
    "0011_gone_members": {
      up: async (db) => {
        await sql.raw(createTable(GONE_MEMBERS, engine)).execute(db);
      },
    },
    "0012_matched_by": {
      up: async (db) => {
        const text = engine === "postgres" ? 'text collate "C"' : "text";
        for (const [name, column] of MATCHED_COLUMNS) {
          await sql.raw(`alter table "${name}" add column "${column}" ${text}`).execute(db);
        }
      },
    },
    "0013_lookups": {
      up: async (db) => {
        for (const each of [LOOKUP_WAITS, PORTAL_LOOKUPS]) await sql.raw(createTable(each, engine)).execute(db);
        for (const each of LOOKUP_INDEXES) await sql.raw(createIndex(each)).execute(db);
      },
    },
    "0014_shares": {
      up: async (db) => {
        await sql.raw(`drop index "links_by_target_kind_record_id"`).execute(db);
        for (const each of SHARE_INDEXES) await sql.raw(createIndex(each)).execute(db);
      },
    },
    "0015_scope_marks": {
      up: async (db) => {
        const [text, int8] = engine === "postgres" ? ['text collate "C"', "int8"] : ["text", "integer"];
        await sql.raw(`alter table "connections" add column "licences" ${text}`).execute(db);
        await sql.raw(`alter table "syncs" add column "evaluated_at" ${int8}`).execute(db);
      },
    },
    "0016_alert_episodes": {
      up: async (db) => {
        await sql.raw(createTable(ALERT_EPISODES, engine)).execute(db);
      },
    },
    "0017_schedules": {
      up: async (db) => {
        const [text, int8] = engine === "postgres" ? ['text collate "C"', "int8"] : ["text", "integer"];
        await sql.raw(createTable(SYNC_PAUSES, engine)).execute(db);
        await sql.raw(`alter table "leases" add column "stop" ${text}`).execute(db);
        await sql.raw(`alter table "runs" add column "stopped_by" ${text}`).execute(db);
        await sql.raw(`alter table "syncs" add column "scheduled_at" ${int8}`).execute(db);
      },
    },
    "0018_pins": {
      up: async (db) => {
        await sql.raw(createTable(PINS, engine)).execute(db);
        const text = engine === "postgres" ? 'text collate "C"' : "text";
        await sql.raw(`alter table "plans" add column "undoes" ${text}`).execute(db);
      },
    },
    "0019_guards": {
      up: async (db) => {
        for (const each of [GUARD_RAISES, PROTECTED]) await sql.raw(createTable(each, engine)).execute(db);
      },
    },
    "0020_failures": {
      up: async (db) => {
        const [text, int8] = engine === "postgres" ? ['text collate "C"', "int8"] : ["text", "integer"];
        for (const each of [SYNC_FAILURES, TARGET_BREAKERS]) await sql.raw(createTable(each, engine)).execute(db);
        await sql.raw(`alter table "pending" add column "tried_at" ${int8}`).execute(db);
        await sql.raw(`alter table "pending" add column "dead_at" ${int8}`).execute(db);
        await sql.raw(`alter table "pending" add column "ignored" ${text}`).execute(db);
      },
    },
    "0021_approvals": {
      up: async (db) => {
        await sql.raw(createTable(PLAN_APPROVALS, engine)).execute(db);
        const text = engine === "postgres" ? 'text collate "C"' : "text";
        for (const column of PLAN_COLUMNS) {
          await sql.raw(`alter table "plans" add column "${column}" ${text}`).execute(db);
        }
      },
    },
    "0022_directory_history": {
      up: async (db) => {
        for (const statement of directoryHistory(engine)) await sql.raw(statement).execute(db);
      },
    },
    "0023_leavers": {
      up: async (db) => {
        const [text, int8] = engine === "postgres" ? ['text collate "C"', "int8"] : ["text", "integer"];
        await sql.raw(`alter table "links" add column "left_alone" ${text}`).execute(db);
        await sql.raw(`alter table "links" add column "leaving_at" ${int8}`).execute(db);
        await sql.raw(createIndex("links: sync, leaving_at where leaving_at is not null")).execute(db);
      },
    },
    "0024_journal_records": {
      up: async (db) => {
        const made = "type = 'outcome' and action in ('create', 'join') and record_id is not null";
        await sql.raw(createIndex(`journal: record_id where ${made}`)).execute(db);
      },
    },
  };
}

/**
 * Brings the tables to the newest version. The caller holds a lock that keeps other processes from doing the same.
 * @throws ConnectorError `store_failed` when a newer Entrain wrote the store, or the engine fails.
 */
export async function migrate(db: Kysely<DB>, engine: Engine): Promise<void> {
  const known = migrations(engine);
  const { error } = await new Migrator({ db, provider: { getMigrations: async () => known } }).migrateToLatest();
  if (error === undefined) return;
  const names = await sql<{ name: string }>`select name from kysely_migration`.execute(db).catch(() => ({ rows: [] }));
  if (names.rows.some((row) => known[row.name] === undefined))
    throw storeFailed("The store was written by a newer version of Entrain. Use that version or a newer one.", error);
  throw translateFault(error);
}
