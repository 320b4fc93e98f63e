import {
  type Attributes,
  type Code,
  type Outcome,
  sameValue,
  type TargetAttribute,
  type TargetChange,
  type TargetKind,
  type TargetRecord,
  type Value,
} from "@entrain/core";
import { sql, type Transaction } from "kysely";
import { type Clock, newId } from "../clock.ts";
import { isAmong } from "../store/among.ts";
import type { DB } from "../store/schema.ts";
import type { InsertInto, Store } from "../store/store.ts";
import { GROUP, REQUESTER } from "./kinds.ts";
import { existingValues } from "./lookups.ts";
import { attributeOf, tableOf } from "./records.ts";
import { Shelf } from "./shelf.ts";

/**
 * Carries out changes in their order within a transaction and answers one outcome each. What cannot be done is refused,
 * and the rest goes on. @throws ConnectorError `not_found` for a kind that the portal does not have; nothing is written.
 */
export async function applyChanges(
  tx: Transaction<DB>,
  store: Store,
  target: string,
  changes: readonly TargetChange[],
  requester: TargetKind = REQUESTER,
): Promise<readonly Outcome[]> {
  for (const { kind } of changes) tableOf(kind);
  if (changes.length === 0) return [];
  const batch = new Batch(tx, { store, target, requester });
  await batch.begin(changes);
  const outcomes: Outcome[] = [];
  for (const change of changes) outcomes.push(await batch.apply(change));
  await batch.end();
  return outcomes;
}

const MEMBERS: InsertInto = {
  table: "portal_members",
  columns: ["target", "group_id", "member_id", "member_kind"].map((name) => ({ name, type: "text" })),
  conflict: "on conflict (target, group_id, member_id) do nothing",
};

class Batch {
  readonly #tx: Transaction<DB>;
  readonly #store: Store;
  readonly #target: string;
  readonly #requesters: Shelf;
  readonly #groups: Shelf;
  readonly #chance: Clock;

  readonly #lookups: readonly TargetAttribute[];
  /** The ids of values that the batch points to and that exist. */
  readonly #values = new Set<string>();

  constructor(
    tx: Transaction<DB>,
    { store, target, requester }: { readonly store: Store; readonly target: string; readonly requester: TargetKind },
  ) {
    this.#tx = tx;
    this.#lookups = requester.attributes.filter(({ type }) => type === "lookup");
    this.#store = store;
    this.#target = target;
    this.#chance = pooled(store.clock);
    this.#requesters = new Shelf(tx, store, target, tableOf(REQUESTER.name));
    this.#groups = new Shelf(tx, store, target, tableOf(GROUP.name));
  }

  async begin(changes: readonly TargetChange[]): Promise<void> {
    // One writer per portal, as SQLite has anyway: keys are checked here before an index would fail the whole batch.
    if (this.#store.engine === "postgres")
      await sql`select pg_advisory_xact_lock(hashtextextended(${`portal ${this.#target}`}, 0))`.execute(this.#tx);
    for (const shelf of [this.#requesters, this.#groups]) {
      const { kind } = shelf.table;
      const own = changes.filter((change) => change.kind === kind.name);
      await shelf.load(own.map((change) => change.recordId).filter((id) => id !== null));
      for (const { name, unique } of kind.attributes) {
        if (unique !== true) continue;
        await shelf.loadOwners(
          name,
          own.map((change) => change.set[name]),
        );
      }
    }
    const managers = changes.map((change) => change.set.manager).filter((id) => typeof id === "string");
    const added = changes.flatMap((change) => change.add ?? []);
    await this.#requesters.look([...managers, ...added]);
    await this.#groups.look(added);
    const values = this.#lookups.flatMap(({ name }) => changes.map(({ set }) => set[name]));
    const ids = values.filter((value) => typeof value === "string");
    for (const id of await existingValues(this.#store, this.#tx, this.#target, ids)) this.#values.add(id);
  }

  async apply(change: TargetChange): Promise<Outcome> {
    const shelf = change.kind === GROUP.name ? this.#groups : this.#requesters;
    if (change.action === "create") return this.#create(shelf, change);
    const id = change.recordId ?? "";
    const record = shelf.get(id);
    if (change.action === "delete") {
      if (record === null) return { status: "unchanged", recordId: id };
      shelf.remove(id);
      return { status: "applied", recordId: id };
    }
    if (record === null) return missing(change.kind, id);
    if (change.action === "members") return this.#members(change, id);
    return this.#change(shelf, change, record);
  }

  async end(): Promise<void> {
    await this.#requesters.flush();
    await this.#groups.flush();
  }

  async #create(shelf: Shelf, change: TargetChange): Promise<Outcome> {
    const { kind } = shelf.table;
    const lacking = kind.attributes.find(({ name, required }) => required === true && isNothing(change.set[name]));
    if (lacking !== undefined) return refused("value_missing", `A ${kind.name} needs a ${lacking.name}.`);
    const id = newId(this.#chance, kind === GROUP ? "grp" : "req");
    const problem = this.#problem(shelf, id, change);
    if (problem !== null) return problem;
    const active = change.active ?? true;
    await shelf.save({ kind: kind.name, id, attributes: merged({}, change.set), active });
    return { status: "applied", recordId: id };
  }

  async #change(shelf: Shelf, change: TargetChange, record: TargetRecord): Promise<Outcome> {
    const problem = this.#problem(shelf, record.id, change);
    if (problem !== null) return problem;
    const attributes = merged(record.attributes, change.set);
    const switched = change.action === "enable" || change.action === "disable";
    const active = change.active ?? (switched ? change.action === "enable" : record.active);
    const same = Object.keys(change.set).every((name) =>
      sameValue(record.attributes[name] ?? null, attributes[name] ?? null),
    );
    if (same && active === record.active) return { status: "unchanged", recordId: record.id };
    await shelf.save({ ...record, attributes, active });
    return { status: "applied", recordId: record.id };
  }

  /** Why a change of attributes cannot be made, or null when it can. */
  #problem(shelf: Shelf, id: string, change: TargetChange): Outcome | null {
    const { kind } = shelf.table;
    if (change.active === false && !kind.disable)
      return refused("request_refused", `A ${kind.name} of the portal cannot be disabled.`);
    for (const [name, value] of Object.entries(change.set)) {
      const flaw = flawOf(kind, name, value);
      if (flaw !== null) return refused("value_invalid", flaw);
      if (isNothing(value) && attributeOf(kind, name)?.required === true)
        return refused("value_missing", `A ${kind.name} needs a ${name}.`);
      const owner = attributeOf(kind, name)?.unique === true ? shelf.ownerOf(name, value) : null;
      if (owner !== null && owner !== id)
        return refused("exists", `The ${name} ${JSON.stringify(value)} belongs to the ${kind.name} ${owner}.`);
    }
    const gone = kind === REQUESTER && this.#lookups.find(({ name }) => this.#isGone(change.set[name]));
    if (gone) return refused("reference_waiting", `The ${gone.lookup} of the ${gone.name} is not in the portal.`);
    const { manager } = change.set;
    if (typeof manager === "string" && manager !== id && !this.#requesters.has(manager))
      return refused("reference_waiting", `The manager ${manager} is not in the portal.`);
    return null;
  }

  #isGone(value: Value | undefined): boolean {
    return !isNothing(value) && !(typeof value === "string" && this.#values.has(value));
  }

  async #members(change: TargetChange, group: string): Promise<Outcome> {
    const add = [...new Set(change.add ?? [])];
    const remove = new Set(change.remove ?? []);
    const stranger = add.find((id) => this.#kindOf(id) === null);
    if (stranger !== undefined) return refused("record_missing", `The member ${stranger} is not in the portal.`);
    const present = await this.#present(group, [...add, ...remove]);
    const gained = add.filter((id) => !present.has(id) && !remove.has(id));
    const lost = [...remove].filter((id) => present.has(id));
    const rows = gained.map((id) => [this.#target, group, id, this.#kindOf(id)]);
    await this.#store.insertMany(this.#tx, MEMBERS, rows);
    if (lost.length > 0) {
      await sql`delete from portal_members where target = ${this.#target} and group_id = ${group}
        and ${isAmong(this.#store, "member_id", lost)}`.execute(this.#tx);
    }
    return { status: gained.length + lost.length === 0 ? "unchanged" : "applied", recordId: group };
  }

  async #present(group: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const known = ids.filter((id) => !id.includes("\0"));
    if (known.length === 0) return new Set();
    const { rows } = await sql<{ member_id: string }>`
      select member_id from portal_members where target = ${this.#target} and group_id = ${group}
        and ${isAmong(this.#store, "member_id", known)}`.execute(this.#tx);
    return new Set(rows.map((row) => row.member_id));
  }

  #kindOf(id: string): string | null {
    if (this.#requesters.has(id)) return REQUESTER.name;
    return this.#groups.has(id) ? GROUP.name : null;
  }
}

const POOL_BYTES = 4_096;

/** Draws unpredictable bytes in bulk: drawing them for every id costs more than the rest of a creation. */
function pooled(clock: Clock): Clock {
  let pool = new Uint8Array(0);
  const bytes = (count: number): Uint8Array => {
    if (pool.length < count) pool = Uint8Array.from(clock.bytes(Math.max(count, POOL_BYTES)));
    const drawn = pool.subarray(0, count);
    pool = pool.subarray(count);
    return drawn;
  };
  return { ...clock, bytes };
}

/** Attributes after a change; what is cleared is left out. */
function merged(known: Attributes, set: Attributes): Attributes {
  const all = Object.entries({ ...known, ...set });
  return Object.fromEntries(all.filter(([, value]) => value !== null));
}

function isNothing(value: Value | undefined): boolean {
  return value === undefined || value === null || value === "";
}

/** What is wrong with a value of an attribute, or null. */
function flawOf(kind: TargetKind, name: string, value: Value): string | null {
  const attribute = attributeOf(kind, name);
  if (attribute === undefined) return `A ${kind.name} of the portal has no attribute ${name}.`;
  if (value === null) return null;
  const texts: readonly Value[] = attribute.type === "strings" ? (Array.isArray(value) ? value : [0]) : [value];
  if (texts.some((each) => typeof each !== "string"))
    return `The ${name} must be ${attribute.type === "strings" ? "a list of texts" : "a text"}.`;
  if (texts.some((each) => typeof each === "string" && each.includes("\0")))
    return `The ${name} contains the character U+0000, which cannot be stored.`;
  return null;
}

function refused(code: Code, detail: string): Outcome {
  return { status: "refused", code, detail, retry: "later" };
}

function missing(kind: string, id: string): Outcome {
  return { status: "conflict", code: "record_missing", detail: `The portal has no ${kind} ${id}.`, retry: "now" };
}
