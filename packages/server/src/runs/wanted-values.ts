import { byCodeUnits } from "@entrain/core";
import { Scratch, type ScratchRow } from "../store/scratch.ts";
import { type LookupState, type LookupValue, lookupId } from "./lookup-states.ts";

/** Somebody who wants a value. */
export interface Wanting {
  readonly objectId: string;
  readonly name: string;
}

/** One value of a lookup that records of a plan want. */
export interface WantedValue extends LookupValue, LookupState {
  /** It would be created, but for how many others are created first. */
  readonly later: boolean;
  /** How many want it, as far as they were looked at, and the first of those. */
  readonly count: number;
  readonly some: readonly Wanting[];
  /** How many waited for it when the plan began and were not looked at since. */
  readonly waiting: number;
}

const SCHEMA = `
  create table wanted (id text primary key, lookup text, key text, value text, state text, code text, why text, later int,
    count int, some text, waiting int, awaited int) without rowid;
  create index wanted_by_state on wanted (state);`;
const ASKED = 500;
const INSERT = `insert into wanted values (?, ?, ?, ?, null, '', '', 0, 0, '[]', ?, 1)`;
const SAVE = `insert into wanted values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0) on conflict do update set
  state = excluded.state, code = excluded.code, why = excluded.why, later = excluded.later, count = excluded.count,
  some = excluded.some`;
const KNOWN = "select * from wanted where id in (select value from json_each(?)) and state is not null";
const MISSING = "from wanted where state = 'missing' and count + waiting > 0";

/**
 * The values of lookups that one plan wants, in a database of their own: however many a mapping gone wrong asks for, memory
 * does not grow with them.
 */
export class WantedValues {
  readonly #scratch = new Scratch(SCHEMA);

  close(): void {
    this.#scratch.close();
  }

  /** Values that somebody waited for when the plan began; none of them was added before. */
  await(values: readonly (LookupValue & { readonly count: number })[]): void {
    this.#scratch.together(() => {
      for (const one of values) {
        this.#scratch.run(INSERT, lookupId(one), one.lookup, one.key, one.value, one.count);
      }
    });
  }

  /** Somebody who waited for each of these is looked at now. */
  unawait(values: readonly Pick<LookupValue, "lookup" | "key">[]): void {
    if (values.length === 0) return;
    this.#scratch.together(() => {
      for (const one of values)
        this.#scratch.run("update wanted set waiting = waiting - 1 where id = ?", lookupId(one));
    });
  }

  /** A page of what somebody waited for when the plan began, in the order of ids. */
  awaited(after: string, limit: number): readonly LookupValue[] {
    const page = "select lookup, key, value from wanted where awaited = 1 and id > ? order by id limit ?";
    return this.#scratch
      .all(page, after, limit)
      .map(({ lookup, key, value }) => ({ lookup: String(lookup), key: String(key), value: String(value) }));
  }

  /** Those of these ids that the target was asked for, by id. */
  known(ids: readonly string[]): ReadonlyMap<string, WantedValue> {
    const known = new Map<string, WantedValue>();
    for (let at = 0; at < ids.length; at += ASKED) {
      const asked = JSON.stringify(ids.slice(at, at + ASKED));
      const rows = this.#scratch.all(KNOWN, asked);
      for (const row of rows) known.set(String(row.id), wantedIn(row));
    }
    return known;
  }

  /** Keeps what was learned of values; who waits for them stays as it is. */
  save(values: readonly Omit<WantedValue, "waiting">[]): void {
    if (values.length === 0) return;
    this.#scratch.together(() => {
      for (const { lookup, key, value, state, code, why, later, count, some } of values) {
        const id = lookupId({ lookup, key });
        const [flag, names] = [Number(later), JSON.stringify(some)];
        this.#scratch.run(SAVE, id, lookup, key, value, state, code, why, flag, count, names);
      }
    });
  }

  /** Values that are wanted and can be created, in the order of their names. */
  creatable(): readonly WantedValue[] {
    return inOrder(this.#scratch.all("select * from wanted where state = 'creatable' and count > 0"));
  }

  /** The missing values that most people want, in the order of their names, and how much is left. */
  missing(limit: number): {
    readonly most: readonly WantedValue[];
    /** Further values, how often they are wanted, and how many of them are only a matter of time. */
    readonly more: { readonly values: number; readonly wants: number; readonly later: number };
  } {
    const order = `order by count + waiting desc, lookup, key limit ?`;
    const most = inOrder(this.#scratch.all(`select * ${MISSING} ${order}`, limit));
    const sums = "count(*) as number, sum(count + waiting) as wants, sum(later) as later";
    const all = this.#scratch.first(`select ${sums} ${MISSING}`);
    const told = most.reduce((sum, { count, waiting }) => sum + count + waiting, 0);
    const more = {
      values: Number(all?.number) - most.length,
      wants: Number(all?.wants ?? 0) - told,
      later: Number(all?.later ?? 0) - most.filter(({ later }) => later).length,
    };
    return { most, more };
  }
}

function inOrder(rows: readonly ScratchRow[]): readonly WantedValue[] {
  return rows.map(wantedIn).sort((a, b) => byCodeUnits(a.lookup, b.lookup) || byCodeUnits(a.key, b.key));
}

function wantedIn(row: ScratchRow): WantedValue {
  return {
    lookup: String(row.lookup),
    key: String(row.key),
    value: String(row.value),
    state: row.state as WantedValue["state"],
    code: String(row.code),
    why: String(row.why),
    later: row.later === 1,
    count: Number(row.count),
    some: JSON.parse(String(row.some)) as readonly Wanting[],
    waiting: Number(row.waiting),
  };
}
