import {
  ConnectorError,
  type LookupRecord,
  matchKey,
  type Outcome,
  type TargetLookup,
  type TargetLookups,
} from "@entrain/core";
import { sql, type Transaction } from "kysely";
import { newId } from "../clock.ts";
import { isAmong } from "../store/among.ts";
import { type Actor, appendJournal } from "../store/journal.ts";
import type { DB } from "../store/schema.ts";
import type { InsertInto, Store } from "../store/store.ts";

const MOST = 100;

const VALUES: InsertInto = {
  table: "portal_lookups",
  columns: [
    { name: "target", type: "text" },
    { name: "id", type: "text" },
    { name: "lookup", type: "text" },
    { name: "value", type: "text" },
    { name: "value_key", type: "text" },
    { name: "created_at", type: "int8" },
  ],
  conflict: "on conflict (target, lookup, value_key) do nothing",
};

/** Departments and locations as records of the portal's own, in its store under the id of a target. */
export function createPortalLookups(store: Store, target: string, kinds: readonly TargetLookup[]): TargetLookups {
  const known = (lookup: string, count: number, signal: AbortSignal): TargetLookup => {
    signal.throwIfAborted();
    if (count > MOST) throw new RangeError(`a lookup takes ${MOST} values at once, not ${count}`);
    const kind = kinds.find(({ name }) => name === lookup);
    if (kind !== undefined) return kind;
    throw new ConnectorError("not_found", `The portal has no lookup ${lookup}.`, { stops: "sync", retry: "never" });
  };
  return {
    kinds,
    find: async (lookup, values, signal) => {
      known(lookup, values.length, signal);
      return await select(store, { target, lookup, column: "value_key", values: keysOf(values) });
    },
    get: async (lookup, ids, signal) => {
      known(lookup, ids.length, signal);
      return await select(store, { target, lookup, column: "id", values: ids.filter((id) => !id.includes("\0")) });
    },
    create: async (lookup, values, signal) => {
      const { creates } = known(lookup, values.length, signal);
      const detail = `The portal's settings let no ${lookup} be created.`;
      if (!creates) return values.map(() => ({ status: "refused", code: "request_refused", detail, retry: "later" }));
      return await create(store, { target, lookup, values });
    },
  };
}

/** The key that the index holds; null for what no store can keep. */
function keyOf(value: string): string | null {
  const key = matchKey(value, {});
  return key === null || key.includes("\0") ? null : key;
}

function keysOf(values: readonly string[]): readonly string[] {
  return values.map(keyOf).filter((key) => key !== null);
}

interface Where {
  readonly target: string;
  readonly lookup: string;
  readonly column: "id" | "value_key";
  readonly values: readonly string[];
}

async function select(store: Store, { target, lookup, column, values }: Where): Promise<readonly LookupRecord[]> {
  if (values.length === 0) return [];
  const { rows } = await sql<LookupRecord>`
    select id, value from portal_lookups where target = ${target} and lookup = ${lookup}
      and ${isAmong(store, column, values)} order by id`.execute(store.db);
  return rows.map(({ id, value }) => ({ id, value }));
}

/** Longer than any name of a department, and short enough for an index of PostgreSQL. */
const LONGEST = 400;

async function create(
  store: Store,
  { target, lookup, values }: { readonly target: string; readonly lookup: string; readonly values: readonly string[] },
): Promise<readonly Outcome[]> {
  const flawed = (value: string): boolean => keyOf(value) === null || value.length > LONGEST;
  const at = store.clock.now();
  const made = new Map<string, LookupRecord>();
  for (const value of values) {
    const key = keyOf(value) ?? "";
    if (!flawed(value) && !made.has(key)) made.set(key, { id: newId(store.clock, "val"), value });
  }
  const rows = [...made].map(([key, { id, value }]) => [target, id, lookup, value, key, at]);
  await store.transaction((tx) => store.insertMany(tx, VALUES, rows), { repeatable: true });
  const keys = [...made.keys()];
  const records = await select(store, { target, lookup, column: "value_key", values: keys });
  const byKey = new Map(records.map((record) => [matchKey(record.value, {}), record]));
  return values.map((value): Outcome => {
    const record = byKey.get(flawed(value) ? null : keyOf(value));
    if (record === undefined) {
      const detail = `A ${lookup} has a name of at most ${LONGEST} characters, without U+0000.`;
      return { status: "refused", code: "value_invalid", detail, retry: "never" };
    }
    const isNew = made.get(keyOf(value) ?? "")?.id === record.id;
    // Of two spellings in one call the first made it.
    made.delete(keyOf(value) ?? "");
    return { status: isNew ? "applied" : "unchanged", recordId: record.id };
  });
}

/** One of the lookups of a portal. */
interface Place {
  readonly target: string;
  readonly lookup: string;
}

/** A page of a lookup's values in the order of their ids, which is that of their making. */
export async function portalValues(
  store: Store,
  { target, lookup }: Place,
  page: { readonly after: string; readonly limit: number },
): Promise<readonly LookupRecord[]> {
  return await store.db
    .selectFrom("portal_lookups")
    .select(["id", "value"])
    .where("target", "=", target)
    .where("lookup", "=", lookup)
    .where("id", ">", page.after)
    .orderBy("id")
    .limit(page.limit)
    .execute();
}

/** Adds values on somebody's order, whatever the settings let syncs do; one outcome each, in their order. */
export async function addPortalValues(
  store: Store,
  { target, lookup }: Place,
  { values, actor }: { readonly values: readonly string[]; readonly actor: Actor },
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let at = 0; at < values.length; at += MOST) {
    outcomes.push(...(await create(store, { target, lookup, values: values.slice(at, at + MOST) })));
  }
  const added = values.filter((_, at) => outcomes[at]?.status === "applied");
  const detail = `${added.length} values added to the lookup ${lookup}`;
  const entry = { actor, type: "configured", kind: "target", objectId: target, action: "values", detail, after: added };
  if (added.length > 0) await store.transaction((tx) => appendJournal(tx, store, "system", [entry]));
  return outcomes;
}

/** Which of these ids are records of one of the portal's lookups. */
export async function existingValues(
  store: Store,
  tx: Transaction<DB>,
  target: string,
  ids: readonly string[],
): Promise<readonly string[]> {
  const known = [...new Set(ids)].filter((id) => !id.includes("\0"));
  if (known.length === 0) return [];
  const { rows } = await sql<{ id: string }>`
    select id from portal_lookups where target = ${target} and ${isAmong(store, "id", known)}`.execute(tx);
  return rows.map(({ id }) => id);
}
