import { type Attributes, recordName, type TargetRecord } from "@entrain/core";
import { Scratch } from "../store/scratch.ts";
import { type LookupState, type LookupValue, lookupId } from "./lookup-states.ts";

/** How many there are, exactly, and the first few of them. */
export interface Some<T> {
  readonly count: number;
  readonly samples: readonly T[];
}

/** What becomes of a person without a link. */
export type Decision = "join" | "share" | "create" | "left" | "ambiguous" | "elsewhere" | "unmatchable" | "other";

/** One person without a link, decided. */
export interface NotedPerson {
  readonly objectId: string;
  readonly name: string;
  readonly decision: Decision;
  readonly code: string | null;
  readonly detail: string | null;
  /** Of a join: the target attribute by which the record was found, and the record. */
  readonly attribute: string | null;
  readonly recordId: string | null;
}

/** A value of one of the target's lookups that a person asks for; `linked`: a person whose record the sync has already. */
export interface AskedValue extends LookupValue {
  readonly objectId: string;
  readonly linked: boolean;
}

/** A record of the target, and the keys by which it can be found. */
export interface NotedRecord {
  readonly record: Pick<TargetRecord, "id" | "attributes" | "active" | "privileged">;
  readonly linked: boolean;
  readonly keys: readonly string[];
}

const SCHEMA = `
  create table records (id text primary key, body text, active int, privileged int, known int) without rowid;
  create table keys (key text, id text);
  create index keys_by_key on keys (key);
  create table people (place integer primary key, object_id text unique, name text, decision text, code text, detail text,
    attribute text, record_id text);
  create table wanted (key text, object_id text);
  create index wanted_by_key on wanted (key);
  create table asked (id text, lookup text, key text, value text, object_id text, linked int);
  create table lookups (id text primary key, lookup text, key text, value text, people int, state text, code text, why text);
  create table guests (place integer primary key, home_name text, object_id text, name text, homes int, home text);
  create index guests_by_home on guests (home_name);`;
const FOUND = `select distinct key, records.* from keys join records using (id)
  where key in (select value from json_each(?)) order by id`;
const ASKED = 500;
const SAID_NAMES = 5;

/** The notes of one report: what the target holds and what was decided, in a database of its own. */
export class ReportNotes {
  readonly #scratch = new Scratch(SCHEMA);

  close(): void {
    this.#scratch.close();
  }

  addRecords(records: readonly NotedRecord[]): void {
    this.#scratch.together(() => {
      for (const { record, linked, keys } of records) {
        const body = JSON.stringify(record.attributes);
        const flags = [Number(record.active), Number(record.privileged === true), Number(linked)];
        this.#scratch.run("insert or replace into records values (?, ?, ?, ?, ?)", record.id, body, ...flags);
        for (const key of keys) this.#scratch.run("insert into keys values (?, ?)", key, record.id);
      }
    });
  }

  /** The records that have these keys. */
  find(kind: string, keys: readonly string[]): ReadonlyMap<string, readonly TargetRecord[]> {
    const found = new Map<string, TargetRecord[]>();
    for (let at = 0; at < keys.length; at += ASKED) {
      const asked = JSON.stringify(keys.slice(at, at + ASKED));
      const rows = this.#scratch.all(FOUND, asked);
      for (const { key, id, body, active, privileged } of rows) {
        const attributes = JSON.parse(String(body)) as Attributes;
        const record = { kind, id: String(id), attributes, active: active === 1, privileged: privileged === 1 };
        found.set(String(key), [...(found.get(String(key)) ?? []), record]);
      }
    }
    return found;
  }

  /** `wanted`: what keys a record that is created or joined wants. `met`: records that somebody in scope corresponds to. */
  addPeople(
    people: readonly NotedPerson[],
    wanted: readonly { readonly key: string; readonly objectId: string }[],
    met: readonly string[],
  ): void {
    this.#scratch.together(() => {
      for (const { objectId, name, decision, code, detail, attribute, recordId } of people) {
        const values = [objectId, name, decision, code, detail, attribute, recordId];
        this.#scratch.run("insert or replace into people values (null, ?, ?, ?, ?, ?, ?, ?)", ...values);
      }
      for (const { key, objectId } of wanted) this.#scratch.run("insert into wanted values (?, ?)", key, objectId);
      for (const id of met) this.#scratch.run("update records set known = 1 where id = ?", id);
    });
  }

  /**
   * People who want the same are ambiguous, whatever was decided of each alone. `said` tells a key in words; one that
   * says less than others is told where there is no other.
   */
  settleShared(said: (key: string) => string, saysLess: (key: string) => boolean): void {
    this.#scratch.together(() => {
      const shared = "select key from wanted group by key having count(distinct object_id) > 1 order by key";
      const keys = this.#scratch.all(shared);
      const [less, more] = [true, false].map((one) => keys.filter(({ key }) => saysLess(String(key)) === one));
      for (const { key } of [...(less ?? []), ...(more ?? [])]) {
        const of = "from wanted join people using (object_id) where key = ?";
        const named = `select distinct name, object_id, record_id ${of} order by object_id limit ${SAID_NAMES}`;
        const rows = this.#scratch.all(named, String(key));
        const count = Number(
          this.#scratch.all(`select count(distinct object_id) as count ${of}`, String(key))[0]?.count,
        );
        const names = rows.map(({ name, object_id: id }) => `${String(name)} (${String(id)})`).join(", ");
        const more = count > rows.length ? ` and ${count - rows.length} more` : "";
        const detail = `${said(String(key))} is the same for ${names}${more}${this.#inTarget(rows)}`;
        this.#scratch.run(
          "update people set decision = 'ambiguous', code = 'ambiguous', detail = ? where object_id in (select object_id from wanted where key = ?)",
          detail,
          String(key),
        );
      }
    });
  }

  addAsked(values: readonly AskedValue[]): void {
    this.#scratch.together(() => {
      for (const { lookup, key, value, objectId, linked } of values) {
        const id = lookupId({ lookup, key });
        this.#scratch.run(
          "insert into asked values (?, ?, ?, ?, ?, ?)",
          id,
          lookup,
          key,
          value,
          objectId,
          Number(linked),
        );
      }
    });
  }

  /** Values that people ask for who would get a record or have one, each once. To be asked when everybody is decided. */
  *askedPages(): Generator<readonly LookupValue[]> {
    const who = "linked = 1 or decision in ('create', 'join', 'share')";
    this.#scratch.run(
      `insert into lookups select id, lookup, key, min(value), count(distinct object_id), null, null, null
       from asked left join people using (object_id) where ${who} group by id`,
    );
    let last = "";
    for (;;) {
      const rows = this.#scratch.all(
        `select id, lookup, key, value from lookups where id > ? order by id limit ${ASKED}`,
        last,
      );
      if (rows.length === 0) return;
      last = String(rows.at(-1)?.id);
      yield rows.map(({ lookup, key, value }) => ({ lookup: String(lookup), key: String(key), value: String(value) }));
    }
  }

  /** What the target has of values, by their ids. */
  addStates(states: ReadonlyMap<string, LookupState>): void {
    this.#scratch.together(() => {
      for (const [id, { state, code, why }] of states) {
        this.#scratch.run("update lookups set state = ?, code = ?, why = ? where id = ?", state, code, why, id);
      }
    });
  }

  /** Values that the target lacks; those that most people want first. */
  values(state: "creatable" | "missing", limit: number): Some<LookupValue & LookupState & { readonly people: number }> {
    const of = "from lookups where state = ?";
    const order = `order by people desc, lookup, key limit ${limit}`;
    return {
      count: Number(this.#scratch.all(`select count(*) as count ${of}`, state)[0]?.count),
      samples: this.#scratch.all(`select * ${of} ${order}`, state).map((row) => ({
        ...{ lookup: String(row.lookup), key: String(row.key), value: String(row.value), people: Number(row.people) },
        ...{ state, code: String(row.code), why: String(row.why) },
      })),
    };
  }

  /** An invited account, by the name under which it signs in at home. */
  addGuests(guests: readonly { readonly homeName: string; readonly objectId: string; readonly name: string }[]): void {
    this.#scratch.together(() => {
      for (const { homeName, objectId, name } of guests) {
        this.#scratch.run("insert into guests values (null, ?, ?, ?, 0, null)", homeName, objectId, name);
      }
    });
  }

  get hasGuests(): boolean {
    return this.#scratch.all("select place from guests limit 1").length > 0;
  }

  /** People of other tenants, by the names under which they sign in there. */
  meetHomes(homes: readonly { readonly homeName: string; readonly home: string }[]): void {
    this.#scratch.together(() => {
      for (const { homeName, home } of homes) {
        this.#scratch.run("update guests set homes = homes + 1, home = ? where home_name = ?", home, homeName);
      }
    });
  }

  /** Guests who are one person of another tenant each; a name that two tenants have tells nothing. */
  guests(limit: number): Some<{ readonly id: string; readonly name: string; readonly home: string }> {
    const of = "from guests where homes = 1";
    const samples = this.#scratch.all(`select object_id, name, home ${of} order by place limit ${limit}`);
    return {
      count: Number(this.#scratch.all(`select count(*) as count ${of}`)[0]?.count),
      samples: samples.map((row) => ({ id: String(row.object_id), name: String(row.name), home: String(row.home) })),
    };
  }

  #inTarget(rows: readonly { readonly [column: string]: unknown }[]): string {
    const ids = new Set(rows.flatMap(({ record_id: id }) => (id === null ? [] : [String(id)])));
    const names = [...ids].map((id) => this.nameOf(id));
    return names.length === 0 ? "" : `; in the target it fits ${names.join(", ")}`;
  }

  /** `Ana (7)`: a record of the target, for people. */
  nameOf(id: string): string {
    const [row] = this.#scratch.all("select body from records where id = ?", id);
    return recordName({ id, attributes: row === undefined ? {} : (JSON.parse(String(row.body)) as Attributes) });
  }

  /** People by decision; of those that match a condition on what they would join, only these. */
  people(decision: Decision, limit: number, privileged = false): Some<NotedPerson> {
    const joined = privileged ? "join records on records.id = people.record_id and records.privileged = 1" : "";
    const of = `from people ${joined} where decision = ?`;
    const columns = "object_id, name, decision, code, detail, attribute, record_id";
    const samples = this.#scratch.all(`select ${columns} ${of} order by place limit ${limit}`, decision);
    return {
      count: Number(this.#scratch.all(`select count(*) as count ${of}`, decision)[0]?.count),
      samples: samples.map((row) => ({
        objectId: String(row.object_id),
        name: String(row.name),
        decision,
        code: textOf(row.code),
        detail: textOf(row.detail),
        attribute: textOf(row.attribute),
        recordId: textOf(row.record_id),
      })),
    };
  }

  /** How many of a decision there are by what a column holds, most first. */
  grouped(
    decision: Decision,
    column: "attribute" | "code",
  ): readonly { readonly of: string; readonly count: number }[] {
    const counts = `select ${column} as name, count(*) as count from people where decision = ? group by ${column}`;
    return this.#scratch.all(`${counts} order by count desc, ${column}`, decision).map((row) => ({
      of: String(row.name),
      count: Number(row.count),
    }));
  }

  /** The target's records to which nobody corresponds, and how many there are of all. */
  unmanaged(limit: number): {
    readonly records: number;
    readonly count: number;
    readonly active: number;
    readonly samples: readonly { readonly id: string; readonly name: string; readonly active: boolean }[];
  } {
    const [all] = this.#scratch.all("select count(*) as count from records");
    const [some] = this.#scratch.all("select count(*) as count, sum(active) as active from records where known = 0");
    const samples = this.#scratch.all(`select id, active from records where known = 0 order by id limit ${limit}`);
    return {
      records: Number(all?.count),
      count: Number(some?.count),
      active: Number(some?.active ?? 0),
      samples: samples.map((row) => {
        const id = String(row.id);
        return { id, name: this.nameOf(id), active: row.active === 1 };
      }),
    };
  }
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}
