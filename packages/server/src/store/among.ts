import { type RawBuilder, sql } from "kysely";
import type { Store } from "./store.ts";

/**
 * True for rows whose column holds one of many texts: one parameter however many there are, so that the statement stays
 * the same and prepared. The column is named by us, never by input; the texts must not hold U+0000.
 */
export function isAmong(store: Pick<Store, "engine">, column: string, values: readonly string[]): RawBuilder<boolean> {
  if (store.engine === "postgres") return sql<boolean>`${sql.ref(column)} = any(${values}::text[])`;
  return sql<boolean>`${sql.ref(column)} in (select value from json_each(${JSON.stringify(values)}))`;
}
