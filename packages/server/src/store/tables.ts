import type { DB } from "./schema.ts";

/** A database that the store can live in. */
export type Engine = "sqlite" | "postgres";

/** How a column of the schema is declared; `?` may be null. */
type ColumnType<T> = null extends T ? `${ColumnName<NonNullable<T>>}?` : ColumnName<T>;
type ColumnName<T> = T extends string ? "text" : "int8";
type Columns<K extends keyof DB, Later extends keyof DB[K]> = {
  readonly [C in Exclude<keyof DB[K], Later>]: ColumnType<DB[K][C]>;
};

/** A table as a migration makes it. Columns are `text` or `int8`, with `?` where they may be null. */
export interface Table {
  readonly name: string;
  readonly columns: { readonly [name: string]: string };
  readonly key: readonly string[];
}

/**
 * A table whose columns the compiler holds against the schema, but for those that `Later` migrations add. Rowid tables on
 * SQLite: five times as fast to fill.
 */
export function table<K extends keyof DB & string, Later extends keyof DB[K] = never>(
  name: K,
  columns: Columns<K, Later>,
  key: readonly (keyof DB[K] & string)[],
): Table {
  return { name, columns: columns as { readonly [name: string]: string }, key };
}

/** Text compares by code point: `COLLATE "C"` on PostgreSQL, SQLite's default. STRICT makes SQLite as strict as it. */
export function createTable(each: Table, engine: Engine): string {
  const types = engine === "postgres" ? { text: 'text collate "C"', int8: "int8" } : { text: "text", int8: "integer" };
  const lines = Object.entries(each.columns).map(([name, declared]) => {
    const type = declared.startsWith("text") ? types.text : types.int8;
    return `"${name}" ${type}${declared.endsWith("?") ? "" : " not null"}`;
  });
  if (each.key.length > 0) lines.push(`primary key (${each.key.map((name) => `"${name}"`).join(", ")})`);
  return `create table "${each.name}" (${lines.join(", ")})${engine === "sqlite" ? " strict" : ""}`;
}

/** The statement that makes an index of `[unique] table: columns [where …]`. */
export function createIndex(text: string): string {
  const parts = /^(unique )?(\w+): ([\w, ]+?)( where .+)?$/.exec(text);
  const [, unique = "", name = "", list = "", where = ""] = parts ?? [];
  const columns = list.split(", ");
  const quoted = columns.map((column) => `"${column}"`).join(", ");
  return `create ${unique}index "${name}_by_${columns.join("_")}" on "${name}" (${quoted})${where}`;
}
