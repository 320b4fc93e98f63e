import { type Kysely, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { storeFailed, translateFault } from "./faults.ts";
import type { DB } from "./schema.ts";

type Engine = "sqlite" | "postgres";

/** How a column of the schema is declared; `?` may be null. */
type ColumnType<T> = null extends T ? `${ColumnName<NonNullable<T>>}?` : ColumnName<T>;
type ColumnName<T> = T extends string ? "text" : "int8";
type Columns<K extends keyof DB, Later extends keyof DB[K]> = {
  readonly [C in Exclude<keyof DB[K], Later>]: ColumnType<DB[K][C]>;
};

interface Table {
  readonly name: string;
  readonly columns: { readonly [name: string]: string };
  readonly key: readonly string[];
}

/**
 * A table whose columns the compiler holds against the schema, but for those that `Later` migrations add. Rowid tables on
 * SQLite: five times as fast to fill.
 */
function table<K extends keyof DB & string, Later extends keyof DB[K] = never>(
  name: K,
  columns: Columns<K, Later>,
  key: readonly (keyof DB[K] & string)[],
): Table {
  return { name, columns: columns as { readonly [name: string]: string }, key };
}

const FIRST_TABLES: readonly Table[] = [
  table("meta", { key: "text", value: "text" }, ["key"]),
  table<"connections", "uses">(
    "connections",
    {
      id: "text",
      organisation: "text",
      name: "text",
      cloud: "text",
      cloud_key: "text",
      tenant: "text",
      client: "text",
      labels: "text",
      attributes: "text",
      credential: "text",
      revision: "int8",
      sequence: "int8",
      created_at: "int8",
    },
    ["id"],
  ),
  table(
    "targets",
    {
      id: "text",
      organisation: "text",
      name: "text",
      type: "text",
      settings: "text",
      credential: "text",
      revision: "int8",
      sequence: "int8",
      created_at: "int8",
    },
    ["id"],
  ),
  table(
    "syncs",
    {
      id: "text",
      organisation: "text",
      name: "text",
      connection: "text",
      target: "text",
      records: "text",
      definition: "text",
      revision: "int8",
      cursor: "int8",
      link_cursor: "int8",
      evaluated_revision: "int8",
      first_run_at: "int8?",
      created_at: "int8",
    },
    ["id"],
  ),
  table<"revisions", "name">(
    "revisions",
    {
      number: "int8",
      organisation: "text",
      subject_kind: "text",
      subject: "text",
      document: "text",
      actor: "text",
      at: "int8",
    },
    ["number"],
  ),
  table(
    "records",
    {
      connection: "text",
      id: "text",
      kind: "text",
      attributes: "text",
      manager: "text?",
      removed: "text?",
      doubtful: "int8",
      sequence: "int8",
      round: "int8",
      members_round: "int8?",
    },
    ["connection", "id"],
  ),
  table(
    "edges",
    {
      connection: "text",
      group_id: "text",
      member_id: "text",
      member_type: "text",
      present: "int8",
      doubtful: "int8",
      sequence: "int8",
      round: "int8",
    },
    ["connection", "group_id", "member_id"],
  ),
  table<"watermarks", "reconciled">(
    "watermarks",
    {
      connection: "text",
      kind: "text",
      token: "text?",
      round: "int8",
      phase: "text",
      seen: "int8",
      known_before: "int8",
      expected: "int8?",
      incomplete: "text?",
      shrunken_round: "int8?",
      read_at: "int8?",
      full_at: "int8?",
    },
    ["connection", "kind"],
  ),
  table(
    "links",
    {
      target: "text",
      kind: "text",
      tenant: "text",
      object_id: "text",
      record_id: "text",
      sync: "text?",
      origin: "text",
      known: "text",
      active: "int8",
      sequence: "int8",
      linked_sequence: "int8",
      created_at: "int8",
    },
    ["target", "kind", "tenant", "object_id"],
  ),
  table("known_members", { target: "text", tenant: "text", group_id: "text", member_id: "text" }, [
    "target",
    "tenant",
    "group_id",
    "member_id",
  ]),
  table(
    "pending",
    {
      sync: "text",
      object_id: "text",
      reason: "text",
      code: "text",
      detail: "text",
      plan: "text?",
      attempts: "int8",
      retry_at: "int8",
      sequence: "int8",
      since: "int8",
    },
    ["sync", "object_id"],
  ),
  table(
    "plans",
    {
      id: "text",
      sync: "text",
      run: "text?",
      part: "text",
      revision: "int8",
      complete: "int8",
      state: "text",
      digest: "text?",
      counts: "text",
      holds: "text",
      upto: "int8",
      link_upto: "int8",
      created_at: "int8",
      sealed_at: "int8?",
      approved_by: "text?",
      approved_at: "int8?",
      finished_at: "int8?",
    },
    ["id"],
  ),
  table(
    "plan_changes",
    {
      plan: "text",
      ordinal: "int8",
      phase: "int8",
      rank: "int8",
      object_id: "text",
      kind: "text",
      name: "text",
      action: "text",
      cause: "text",
      reason: "text",
      record_id: "text?",
      before: "text?",
      after: "text?",
      active: "int8?",
      add: "text?",
      remove: "text?",
      waits_for: "text?",
      record_sequence: "int8",
      link_sequence: "int8",
      hold: "text?",
      state: "text",
    },
    ["plan", "ordinal"],
  ),
  table(
    "plan_issues",
    {
      plan: "text",
      ordinal: "int8",
      state: "text",
      sequence: "int8",
      code: "text",
      detail: "text",
      object_id: "text?",
      name: "text?",
    },
    ["plan", "ordinal"],
  ),
  table("match_index", { plan: "text", key: "text", object_id: "text?", record_id: "text?", attributes: "text?" }, []),
  table("open_intents", { run: "text", ordinal: "int8", plan: "text", sync: "text", target: "text", at: "int8" }, [
    "run",
    "ordinal",
  ]),
  table("removals", { sync: "text", counter: "text", object_id: "text", amount: "int8", at: "int8" }, []),
  table(
    "runs",
    {
      id: "text",
      sync: "text",
      mode: "text",
      phase: "text",
      result: "text?",
      counts: "text",
      failed: "int8",
      unchanged: "int8",
      progress: "text",
      error: "text?",
      plan: "text?",
      held_plan: "text?",
      actor: "text",
      owner: "text",
      fence: "int8",
      started_at: "int8",
      finished_at: "int8?",
      read_ms: "int8",
    },
    ["id"],
  ),
  table("leases", { name: "text", owner: "text", fence: "int8", expires_at: "int8" }, ["name"]),
  table(
    "journal",
    {
      stream: "text",
      sequence: "int8",
      at: "int8",
      actor_kind: "text",
      actor_id: "text",
      type: "text",
      run: "text?",
      plan: "text?",
      ordinal: "int8?",
      target: "text?",
      kind: "text?",
      object_id: "text?",
      record_id: "text?",
      action: "text?",
      cause: "text?",
      status: "text?",
      code: "text?",
      digest: "text?",
      previous: "text",
      hash: "text",
    },
    ["stream", "sequence"],
  ),
  table(
    "journal_values",
    {
      stream: "text",
      sequence: "int8",
      salt: "text",
      before: "text?",
      after: "text?",
      reason: "text?",
      detail: "text?",
    },
    ["stream", "sequence"],
  ),
  table("console_links", { token_hash: "text", operator: "text", expires_at: "int8", used_at: "int8?" }, [
    "token_hash",
  ]),
  table("sessions", { token_hash: "text", operator: "text", csrf: "text", created_at: "int8", expires_at: "int8" }, [
    "token_hash",
  ]),
  table(
    "portal_requesters",
    {
      id: "text",
      target: "text",
      external_id: "text?",
      user_name: "text?",
      display_name: "text?",
      attributes: "text",
      user_name_key: "text?",
      external_id_key: "text?",
      mail_key: "text?",
      manager: "text?",
      active: "int8",
      privileged: "int8",
      updated_at: "int8",
    },
    ["target", "id"],
  ),
  table(
    "portal_groups",
    {
      id: "text",
      target: "text",
      external_id: "text?",
      display_name: "text?",
      attributes: "text",
      external_id_key: "text?",
      display_name_key: "text?",
      updated_at: "int8",
    },
    ["target", "id"],
  ),
  table("portal_members", { target: "text", group_id: "text", member_id: "text", member_kind: "text" }, [
    "target",
    "group_id",
    "member_id",
  ]),
];

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

/** `[unique] table: columns [where …]`. Each is one that a query needs; every further one slows the full read. */
const FIRST_INDEXES: readonly string[] = [
  "unique connections: organisation, name",
  "unique connections: organisation, cloud_key, tenant",
  "unique targets: organisation, name",
  "unique syncs: organisation, name",
  "syncs: connection",
  "syncs: target",
  "revisions: subject",
  "records: connection, kind, sequence",
  "records: connection, manager where manager is not null",
  "edges: connection, member_id",
  "edges: connection, sequence",
  "unique links: target, kind, record_id",
  "links: target, linked_sequence",
  "links: sync",
  "known_members: target, tenant, member_id",
  "plans: sync, state",
  "plan_changes: plan, phase, rank, ordinal",
  "plan_changes: plan, object_id",
  "match_index: plan, key",
  "open_intents: sync",
  "removals: sync, counter, at",
  "runs: sync, started_at",
  "journal: object_id, at where object_id is not null",
  "journal: run, ordinal where run is not null",
  "sessions: expires_at",
  "unique portal_requesters: target, external_id_key where external_id_key is not null",
  "unique portal_requesters: target, user_name_key where user_name_key is not null",
  "portal_requesters: target, mail_key where mail_key is not null",
  "portal_requesters: target, manager where manager is not null",
  "unique portal_groups: target, external_id_key where external_id_key is not null",
  "portal_groups: target, display_name_key where display_name_key is not null",
  "portal_members: target, member_id",
];

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
  };
}

/** Text compares by code point: `COLLATE "C"` on PostgreSQL, SQLite's default. STRICT makes SQLite as strict as it. */
function createTable(each: Table, engine: Engine): string {
  const types = engine === "postgres" ? { text: 'text collate "C"', int8: "int8" } : { text: "text", int8: "integer" };
  const lines = Object.entries(each.columns).map(([name, declared]) => {
    const type = declared.startsWith("text") ? types.text : types.int8;
    return `"${name}" ${type}${declared.endsWith("?") ? "" : " not null"}`;
  });
  if (each.key.length > 0) lines.push(`primary key (${each.key.map((name) => `"${name}"`).join(", ")})`);
  return `create table "${each.name}" (${lines.join(", ")})${engine === "sqlite" ? " strict" : ""}`;
}

function createIndex(text: string): string {
  const parts = /^(unique )?(\w+): ([\w, ]+?)( where .+)?$/.exec(text);
  const [, unique = "", name = "", list = "", where = ""] = parts ?? [];
  const columns = list.split(", ");
  const quoted = columns.map((column) => `"${column}"`).join(", ");
  return `create ${unique}index "${name}_by_${columns.join("_")}" on "${name}" (${quoted})${where}`;
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
