import { type Attributes, inWords, type Protect, type SyncDefinition } from "@entrain/core";
import { connectionUses } from "../config/current.ts";
import { type DirectoryRow, loadRecords } from "../store/directory.ts";
import { loadProtected, type ProtectedRow, saveProtected } from "../store/protected.ts";
import type { Lease, Store } from "../store/store.ts";
import type { SyncRow } from "./context.ts";
import type { NewIssue } from "./plan-rows.ts";

/** A record as far as a list can name it. */
interface Named {
  readonly id: string;
  readonly kind: string;
  readonly attributes: { readonly [name: string]: unknown };
}

function attributesOf({ attributes }: Pick<DirectoryRow, "attributes">): Attributes {
  return JSON.parse(attributes) as Attributes;
}

type Of = { readonly store: Store; readonly sync: Pick<SyncRow, "id" | "connection"> };

const OBJECT_ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const PAGE = 1000;

/** What the protected lists of a sync and of its connection say of records. */
export class Protection {
  readonly #lists: readonly List[];
  readonly #rows: readonly ProtectedRow[];
  readonly #entries: ReadonlyMap<string, readonly ProtectedRow[]>;

  constructor(lists: readonly List[], rows: readonly ProtectedRow[]) {
    this.#lists = lists;
    this.#rows = rows;
    this.#entries = Map.groupBy(rows, (row) => row.object_id);
  }

  /** Which list protects a record, in words; `null`: none does. Under a later name it is still the same record. */
  of(record: Named): string | null {
    const kind = record.kind === "group" ? "group" : "user";
    const name = kind === "group" ? record.attributes.displayName : record.attributes.userPrincipalName;
    const keys = [record.id, ...(typeof name === "string" ? [name] : [])].map((key) => key.toLowerCase());
    const stoodFor = (this.#entries.get(record.id) ?? []).filter((row) => row.kind === kind);
    const all = [...keys, ...stoodFor.map((row) => row.entry)];
    return this.#lists.find((list) => all.some((key) => list[kind].has(key)))?.by ?? null;
  }

  /** Entries by name, with the change number behind which they were not looked for yet. */
  named(kind: "user" | "group"): ReadonlyMap<string, number> {
    const marks = this.#rows.filter((row) => row.kind === kind && row.object_id === "");
    const looked = new Map(marks.map((row) => [row.entry, row.sequence]));
    const names = this.#lists.flatMap((list) => [...list[kind]]).filter((entry) => !OBJECT_ID.test(entry));
    return new Map(names.map((entry) => [entry, looked.get(entry) ?? 0]));
  }

  /** The entries by id. */
  ids(kind: "user" | "group"): readonly string[] {
    return [...new Set(this.#lists.flatMap((list) => [...list[kind]]).filter((entry) => OBJECT_ID.test(entry)))];
  }

  /** The entries by name that never stood for any record. */
  unmet(kind: "user" | "group"): readonly string[] {
    const met = new Set(this.#rows.filter((row) => row.kind === kind && row.object_id !== "").map((row) => row.entry));
    return [...this.named(kind).keys()].filter((entry) => !met.has(entry));
  }
}

interface List {
  readonly by: string;
  readonly user: ReadonlySet<string>;
  readonly group: ReadonlySet<string>;
}

/** The protected lists of a sync as they are now; `null` where neither it nor its connection has one. */
export async function loadProtection(store: Store, sync: string): Promise<Protection | null> {
  const { connection, definition, uses } = await store.db
    .selectFrom("syncs")
    .innerJoin("connections", "connections.id", "syncs.connection")
    .select(["syncs.connection", "syncs.definition", "connections.uses"])
    .where("syncs.id", "=", sync)
    .executeTakeFirstOrThrow();
  const own = (JSON.parse(definition) as SyncDefinition).protect;
  const shared = connectionUses({ uses }).protect;
  if (own === undefined && shared === undefined) return null;
  const lists = [listOf("the sync's list", own), listOf("the connection's list", shared)];
  return new Protection(lists, await loadProtected(store.db, connection));
}

function listOf(by: string, { people = [], groups = [] }: Protect = {}): List {
  const keys = (names: readonly string[]): ReadonlySet<string> => new Set(names.map((name) => name.toLowerCase()));
  return { by, user: keys(people), group: keys(groups) };
}

/**
 * Remembers whom the entries by name stand for, before anything is planned: whoever is renamed and taken out of scope at
 * once is protected all the same. Looks at the records that changed since the last time, at all of them for a new entry.
 */
export async function meetProtected({
  store,
  sync,
  lease,
}: Of & { readonly lease: Lease }): Promise<Protection | null> {
  const protection = await loadProtection(store, sync.id);
  if (protection === null) return null;
  const { connection } = sync;
  const met: ProtectedRow[] = [];
  for (const kind of ["user", "group"] as const) {
    const entries = protection.named(kind);
    if (entries.size === 0) continue;
    let sequence = Math.min(...entries.values());
    const begun = sequence;
    for (;;) {
      const rows = await store.db
        .selectFrom("records")
        .selectAll()
        .where("connection", "=", connection)
        .where("kind", "=", kind)
        .where("sequence", ">", sequence)
        .orderBy("sequence")
        .limit(PAGE)
        .execute();
      for (const row of rows) {
        const attributes = attributesOf(row);
        const name = kind === "group" ? attributes.displayName : attributes.userPrincipalName;
        const entry = typeof name === "string" ? name.toLowerCase() : "";
        if (entries.has(entry)) met.push({ connection, kind, entry, object_id: row.id, sequence: row.sequence });
      }
      sequence = rows.at(-1)?.sequence ?? sequence;
      if (rows.length < PAGE) break;
    }
    if (sequence === begun) continue;
    for (const entry of entries.keys()) met.push({ connection, kind, entry, object_id: "", sequence });
  }
  if (met.length === 0) return protection;
  await store.fenced(lease, (tx) => saveProtected(store, tx, met));
  return await loadProtection(store, sync.id);
}

/** An entry that protects nobody is told with every plan: whoever wrote it relies on it. */
export async function unmetEntries(
  { store, sync }: Of,
  protection: Protection | null,
  kinds: readonly ("user" | "group")[],
): Promise<readonly NewIssue[]> {
  if (protection === null) return [];
  const issues: NewIssue[] = [];
  for (const kind of kinds) {
    const ids = protection.ids(kind);
    const known = await loadRecords(store.db, sync.connection, ids);
    const list = kind === "user" ? "people: nobody" : "groups: no group";
    for (const entry of [...protection.unmet(kind), ...ids.filter((id) => !known.has(id))]) {
      const detail = `protect.${list} is "${inWords(entry)}", so nothing is protected by that`;
      const of = { object_id: null, sequence: 0, name: null };
      issues.push({ state: "issue", code: "protected_unknown", detail, ...of });
    }
  }
  return issues;
}

/** Which of these records are protected, by object id; those that the directory does not hold are known by their ids. */
export async function protectedAmong(
  { store, connection }: { readonly store: Store; readonly connection: string },
  protection: Protection,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const records = await loadRecords(store.db, connection, ids);
  const found = new Map<string, string>();
  for (const id of new Set(ids)) {
    const row = records.get(id);
    const kinds = row === undefined ? ["user", "group"] : [row.kind];
    const attributes = row === undefined ? {} : attributesOf(row);
    const by = kinds.map((kind) => protection.of({ id, kind, attributes })).find((one) => one !== null);
    if (by != null) found.set(id, by);
  }
  return found;
}
