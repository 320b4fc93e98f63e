import type { TargetRecord, Value } from "@entrain/core";
import { sql, type Transaction } from "kysely";
import { isAmong } from "../store/among.ts";
import type { DB } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { keyOf, type PortalRow, recordOf, type Table } from "./records.ts";

/**
 * The records of one kind that a batch touches, within one transaction: loaded together, changed in memory in the
 * batch's order, written together. What was not loaded is unknown here.
 */
export class Shelf {
  readonly table: Table;
  readonly #tx: Transaction<DB>;
  readonly #store: Store;
  readonly #target: string;
  readonly #records = new Map<string, TargetRecord | null>();
  readonly #seen = new Set<string>();
  /** Who holds a unique key, by column and key. */
  readonly #owners = new Map<string, string>();
  readonly #changed = new Map<string, TargetRecord>();
  readonly #removed = new Set<string>();
  /** Keys that a change of this batch gave up and the database still holds. */
  readonly #released = new Set<string>();

  constructor(tx: Transaction<DB>, store: Store, target: string, table: Table) {
    this.#tx = tx;
    this.#store = store;
    this.#target = target;
    this.table = table;
  }

  /** Loads the records with these ids, where they are not known yet. */
  async load(ids: Iterable<string>): Promise<void> {
    const unknown = [...new Set(ids)].filter((id) => !this.#records.has(id) && !id.includes("\0"));
    if (unknown.length === 0) return;
    for (const id of unknown) this.#records.set(id, null);
    for (const record of await this.#select("id", unknown)) this.#records.set(record.id, record);
  }

  /** Learns which of these ids exist, without their records. */
  async look(ids: Iterable<string>): Promise<void> {
    const unknown = [...new Set(ids)].filter((id) => !this.#records.has(id) && !id.includes("\0"));
    if (unknown.length === 0) return;
    const { rows } = await sql<{ id: string }>`
      select id from ${sql.table(this.table.name)}
      where target = ${this.#target} and ${isAmong(this.#store, "id", unknown)}`.execute(this.#tx);
    for (const { id } of rows) this.#seen.add(id);
  }

  /** True for a record that was loaded, looked for or saved, and not removed since. */
  has(id: string): boolean {
    return this.#records.has(id) ? this.get(id) !== null : this.#seen.has(id);
  }

  /** Loads the records that hold one of these values of a unique attribute. */
  async loadOwners(name: string, values: readonly (Value | undefined)[]): Promise<void> {
    const column = this.table.keys[name];
    const keys = values.map((value) => keyOf(this.table.kind, name, value)).filter((key) => key !== null);
    if (column === undefined || keys.length === 0) return;
    for (const record of await this.#select(column, [...new Set(keys)])) {
      if (!this.#records.has(record.id)) this.#records.set(record.id, record);
      this.#own(record);
    }
  }

  get(id: string): TargetRecord | null {
    return this.#records.get(id) ?? null;
  }

  /** The record that holds a value of a unique attribute, as far as owners of it were loaded. */
  ownerOf(name: string, value: Value): string | null {
    const key = keyOf(this.table.kind, name, value);
    return key === null ? null : (this.#owners.get(`${name} ${key}`) ?? null);
  }

  async save(record: TargetRecord): Promise<void> {
    const known = this.get(record.id);
    const taken = this.#keysOf(record);
    if (taken.some((key) => this.#released.has(key))) await this.flush();
    if (known !== null) this.#release(known, taken);
    this.#records.set(record.id, record);
    this.#own(record);
    this.#changed.set(record.id, record);
  }

  /** Removes a record with its memberships and with the references to it. */
  remove(id: string): void {
    const known = this.get(id);
    if (known !== null) this.#release(known, []);
    this.#records.set(id, null);
    this.#changed.delete(id);
    this.#removed.add(id);
    for (const record of this.#records.values()) {
      if (record?.attributes.manager !== id) continue;
      const { manager: _gone, ...attributes } = record.attributes;
      const freed = { ...record, attributes };
      this.#records.set(record.id, freed);
      if (this.#changed.has(record.id)) this.#changed.set(record.id, freed);
    }
  }

  async flush(): Promise<void> {
    await this.#flushRemoved();
    const at = this.#store.clock.now();
    const rows = Array.from(this.#changed.values(), (record) => this.table.cells(this.#target, record, at));
    this.#changed.clear();
    this.#released.clear();
    if (rows.length > 0) await this.#store.insertMany(this.#tx, this.table.insert, rows);
  }

  async #flushRemoved(): Promise<void> {
    const ids = [...this.#removed];
    this.#removed.clear();
    if (ids.length === 0) return;
    const own = (column: string) => sql`target = ${this.#target} and ${isAmong(this.#store, column, ids)}`;
    await sql`delete from ${sql.table(this.table.name)} where ${own("id")}`.execute(this.#tx);
    await sql`delete from portal_members where ${own("member_id")}`.execute(this.#tx);
    if (this.table.name === "portal_groups")
      await sql`delete from portal_members where ${own("group_id")}`.execute(this.#tx);
    else await sql`update portal_requesters set manager = null where ${own("manager")}`.execute(this.#tx);
  }

  async #select(column: string, values: readonly string[]): Promise<readonly TargetRecord[]> {
    const { rows } = await sql<PortalRow>`
      select ${sql.raw(this.table.columns)} from ${sql.table(this.table.name)}
      where target = ${this.#target} and ${isAmong(this.#store, column, values)}`.execute(this.#tx);
    return rows.map((row) => recordOf(this.table.kind, row));
  }

  #keysOf(record: TargetRecord): readonly string[] {
    const { kind } = this.table;
    return kind.attributes
      .filter(({ unique }) => unique === true)
      .map(({ name }) => [name, keyOf(kind, name, record.attributes[name])])
      .filter(([, key]) => key !== null)
      .map(([name, key]) => `${name} ${key}`);
  }

  #own(record: TargetRecord): void {
    for (const key of this.#keysOf(record)) this.#owners.set(key, record.id);
  }

  #release(record: TargetRecord, kept: readonly string[]): void {
    for (const key of this.#keysOf(record)) {
      if (kept.includes(key) || this.#owners.get(key) !== record.id) continue;
      this.#owners.delete(key);
      this.#released.add(key);
    }
  }
}
