import { createTable, type Engine, type Table, table } from "./tables.ts";

const TABLES: readonly Table[] = [
  table("directory_times", { connection: "text", sequence: "int8", at: "int8" }, ["connection", "sequence"]),
  table(
    "record_versions",
    { connection: "text", id: "text", until: "int8", attributes: "text", manager: "text?", removed: "text?" },
    ["connection", "id", "until"],
  ),
  table("edge_versions", { connection: "text", group_id: "text", member_id: "text", until: "int8", present: "int8" }, [
    "connection",
    "group_id",
    "member_id",
    "until",
  ]),
];

/** One change that the directory's tables keep the state before of, by a trigger: every way in which a row changes is seen. */
interface Kept {
  readonly of: "records" | "edges";
  readonly into: "record_versions" | "edge_versions";
  readonly columns: readonly string[];
  readonly differs: (distinct: string) => string;
}

const KEPT: readonly Kept[] = [
  {
    of: "records",
    into: "record_versions",
    columns: ["connection", "id", "attributes", "manager", "removed"],
    differs: (distinct) =>
      ["attributes", "manager", "removed"].map((name) => `old."${name}" ${distinct} new."${name}"`).join(" or "),
  },
  {
    of: "edges",
    into: "edge_versions",
    columns: ["connection", "group_id", "member_id", "present"],
    differs: (distinct) => `old."present" ${distinct} new."present"`,
  },
];

/**
 * The statements that make the directory remember what it was: versions of records and memberships up to the change number
 * that ended them, and when numbers were given out. Rows that are there already have no first number: they are older than this.
 */
export function directoryHistory(engine: Engine): readonly string[] {
  const int8 = engine === "postgres" ? "int8" : "integer";
  return [
    ...TABLES.map((each) => createTable(each, engine)),
    `create index "directory_times_by_connection_at" on "directory_times" ("connection", "at")`,
    ...KEPT.map(({ of }) => `alter table "${of}" add column "first_sequence" ${int8}`),
    ...KEPT.flatMap((kept) => (engine === "postgres" ? inPostgres(kept) : [inSqlite(kept)])),
  ];
}

function insertOf({ into, columns }: Kept): string {
  const names = [...columns, "until"].map((name) => `"${name}"`).join(", ");
  const values = [...columns.map((name) => `old."${name}"`), `new."sequence"`].join(", ");
  return `insert into "${into}" (${names}) values (${values}) on conflict do nothing`;
}

/** A row that is only seen again keeps its number, so that a full round costs one comparison of integers for each. */
function inSqlite(kept: Kept): string {
  const when = `old."sequence" <> new."sequence" and (${kept.differs("is not")})`;
  const name = `"${kept.of}_keep_versions"`;
  return `create trigger ${name} after update of "sequence" on "${kept.of}" when ${when} begin ${insertOf(kept)}; end`;
}

function inPostgres(kept: Kept): readonly string[] {
  const when = `old."sequence" <> new."sequence" and (${kept.differs("is distinct from")})`;
  const name = `"${kept.of}_keep_versions"`;
  return [
    `create function ${name}() returns trigger language plpgsql as $$ begin ${insertOf(kept)}; return null; end $$`,
    `create trigger ${name} after update of "sequence" on "${kept.of}" for each row when (${when}) execute function ${name}()`,
  ];
}
