import {
  type Check,
  ConnectorError,
  type Outcome,
  type Target,
  type TargetChange,
  type TargetRecord,
  type Value,
} from "@entrain/core";
import { type RawBuilder, sql, type Transaction } from "kysely";
import { isAmong } from "../store/among.ts";
import type { DB } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { applyChanges } from "./changes.ts";
import { GROUP, type PortalSettings, portalLookups, requesterKind } from "./kinds.ts";
import { createPortalLookups } from "./lookups.ts";
import { keyOf, type PortalRow, recordOf, type Table, tableOf } from "./records.ts";

/** The portal as a target, whose changes can be part of the caller's transaction: intent, change and outcome in one. */
export interface PortalTarget extends Target {
  applyIn(tx: Transaction<DB>, changes: readonly TargetChange[]): Promise<readonly Outcome[]>;
}

const BATCH = 1_000;
const LOOKUP_MAX = 100;
const PAGE = 500;

/** Entrain's own directory of requesters and groups, kept in its store under the id of a target. */
export function createPortalTarget(store: Store, targetId: string, settings: PortalSettings = {}): PortalTarget {
  const reader = { store, target: targetId };
  const applyIn = async (tx: Transaction<DB>, changes: readonly TargetChange[]): Promise<readonly Outcome[]> => {
    if (changes.length > BATCH)
      throw new RangeError(`the portal takes ${BATCH} changes at once, not ${changes.length}`);
    return applyChanges(tx, store, targetId, changes, requesterKind(settings));
  };
  return {
    kinds: [requesterKind(settings), GROUP],
    lookups: createPortalLookups(store, targetId, portalLookups(settings)),
    batch: BATCH,
    applyIn,
    apply: async (changes, signal) => {
      signal.throwIfAborted();
      return store.transaction((tx) => applyIn(tx, changes), { repeatable: true });
    },
    verify: async (signal) => {
      signal.throwIfAborted();
      return [await count(reader)];
    },
    list: (kind, options, signal) => list(reader, kind, options.members, signal),
    find: async (kind, attribute, values, signal) => {
      signal.throwIfAborted();
      return find(reader, kind, attribute, values);
    },
    get: async (kind, ids, options, signal) => {
      signal.throwIfAborted();
      const table = tableOf(kind);
      if (ids.length > LOOKUP_MAX) throw new RangeError(`get takes ${LOOKUP_MAX} ids, not ${ids.length}`);
      const known = ids.filter((id) => !id.includes("\0"));
      const records = await select(reader, table, sql`${isAmong(store, "id", known)}`);
      return options.members ? withMembers(reader, table, records) : records;
    },
    close: async () => {},
  };
}

interface Reader {
  readonly store: Store;
  readonly target: string;
}

async function count({ store, target }: Reader): Promise<Check> {
  const { rows } = await sql<{ requesters: number; groups: number }>`
    select (select count(*) from portal_requesters where target = ${target}) as requesters,
           (select count(*) from portal_groups where target = ${target}) as groups`.execute(store.db);
  const { requesters = 0, groups = 0 } = rows[0] ?? {};
  return { name: "Portal", ok: true, detail: `It holds ${requesters} requesters and ${groups} groups.`, fix: null };
}

async function* list(
  reader: Reader,
  kind: string,
  members: boolean,
  signal: AbortSignal,
): AsyncIterable<readonly TargetRecord[]> {
  const table = tableOf(kind);
  let after = "";
  for (;;) {
    signal.throwIfAborted();
    const page = await select(reader, table, sql`id > ${after}`);
    if (page.length > 0) yield members ? await withMembers(reader, table, page) : page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.id;
  }
}

async function find(
  reader: Reader,
  kind: string,
  attribute: string,
  values: readonly Value[],
): Promise<readonly TargetRecord[]> {
  const table = tableOf(kind);
  const column = table.keys[attribute];
  if (column === undefined || !table.kind.matchable.includes(attribute)) {
    const message = `A ${kind} of the portal cannot be found by ${attribute}.`;
    throw new ConnectorError("not_found", message, { stops: "sync", retry: "never" });
  }
  if (values.length > LOOKUP_MAX) throw new RangeError(`find takes ${LOOKUP_MAX} values, not ${values.length}`);
  const keys = values.map((value) => keyOf(table.kind, attribute, value)).filter((key) => key !== null);
  const found: TargetRecord[] = [];
  let after = "";
  for (;;) {
    // Many records may bear one name, so that even this comes in pages.
    const page = await select(reader, table, sql`${isAmong(reader.store, column, keys)} and id > ${after}`);
    found.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return found;
    after = last.id;
  }
}

/** One page of records that fulfil a condition, by id. */
async function select(
  { store, target }: Reader,
  table: Table,
  condition: RawBuilder<unknown>,
): Promise<readonly TargetRecord[]> {
  const { rows } = await sql<PortalRow>`
    select ${sql.raw(table.columns)} from ${sql.table(table.name)}
    where target = ${target} and ${condition} order by id limit ${sql.lit(PAGE)}`.execute(store.db);
  return rows.map((row) => recordOf(table.kind, row));
}

async function withMembers(
  { store, target }: Reader,
  table: Table,
  records: readonly TargetRecord[],
): Promise<readonly TargetRecord[]> {
  if (table.kind.members.length === 0) return records;
  const ids = records.map((record) => record.id);
  const { rows } = await sql<{ group_id: string; member_id: string }>`
    select group_id, member_id from portal_members
    where target = ${target} and ${isAmong(store, "group_id", ids)} order by group_id, member_id`.execute(store.db);
  const byGroup = Map.groupBy(rows, (row) => row.group_id);
  return records.map((record) => ({
    ...record,
    members: (byGroup.get(record.id) ?? []).map((row) => row.member_id),
  }));
}
