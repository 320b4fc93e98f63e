import { type Kysely, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { directoryHistory } from "./directory-tables.ts";
import { storeFailed, translateFault } from "./faults.ts";
import { FIRST_INDEXES, FIRST_TABLES } from "./first-tables.ts";
import {
  ALERT_DELIVERIES,
  ALERT_EPISODES,
  ALERT_INDEXES,
  ALERTS,
  APPLICATIONS,
  ASSIGNMENTS,
  AUTHORIZATIONS,
  CHANNELS,
  CONSENTS,
  CREDENTIAL_ENDS,
  CREDENTIAL_WARNINGS,
  DOUBTED_LINKS,
  FORMER_LINKS,
  GONE_MEMBERS,
  GRANTS,
  GUARD_RAISES,
  LOOKUP_INDEXES,
  LOOKUP_WAITS,
  MATCHED_COLUMNS,
  PHOTOS,
  PINS,
  PLAN_APPROVALS,
  PLAN_COLUMNS,
  PORTAL_LOOKUPS,
  PROTECTED,
  SHARE_INDEXES,
  SUBSCRIPTIONS,
  SYNC_FAILURES,
  SYNC_PAUSES,
  TAKEN_ALONG,
  TARGET_BREAKERS,
} from "./later-tables.ts";
import type { DB } from "./schema.ts";
import { createIndex, createTable, type Engine } from "./tables.ts";

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
    "0025_journal_times": {
      up: async (db) => {
        await sql.raw(createIndex("journal: at, stream, sequence")).execute(db);
      },
    },
    "0026_taken_along": {
      up: async (db) => {
        await sql.raw(createTable(TAKEN_ALONG, engine)).execute(db);
      },
    },
    "0027_removal_links": {
      up: async (db) => {
        const int8 = engine === "postgres" ? "int8" : "integer";
        await sql.raw(`alter table "removals" add column "linked_at" ${int8}`).execute(db);
      },
    },
    "0028_doubted_links": {
      up: async (db) => {
        await sql.raw(createTable(DOUBTED_LINKS, engine)).execute(db);
        await sql.raw(createIndex("doubted_links: sync")).execute(db);
      },
    },
    "0029_journal_deletions": {
      up: async (db) => {
        await sql.raw(createIndex("journal: record_id, at where code = 'accepted'")).execute(db);
      },
    },
    "0030_owned_since": {
      up: async (db) => {
        const int8 = engine === "postgres" ? "int8" : "integer";
        await sql.raw(`alter table "links" add column "owned_since" ${int8} not null default 0`).execute(db);
        await sql.raw(`update "links" set "owned_since" = "created_at"`).execute(db);
        await sql.raw(createTable(FORMER_LINKS, engine)).execute(db);
        await sql.raw(createIndex("former_links: at")).execute(db);
      },
    },
    "0031_run_times": {
      up: async (db) => {
        await sql.raw(createIndex("runs: started_at, id")).execute(db);
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
