import { type Attributes, grouped, PHASES, plain, type TargetAttribute, type Value, writesOf } from "@entrain/core";
import { awaitedValues, loadLookupWaits, waitingFor } from "../store/lookup-waits.ts";
import { changedIn } from "../store/plans.ts";
import {
  type AskingContext,
  type LookupValue,
  lacking,
  lookupId,
  lookupValue,
  said,
  statesOf,
} from "./lookup-states.ts";
import type { NewChange, NewIssue } from "./plan-rows.ts";
import { type WantedValue, WantedValues } from "./wanted-values.ts";

/** So many who want a value are named. */
const SAID = 3;
/** So many of them are remembered, to see whether any is left when the plan is sealed. */
const REMEMBERED = 20;
/** So many values one plan creates: a mapping gone wrong must not fill the target's lists. */
export const MOST_CREATED = 200;
/** So many missing values have an issue of their own; one more says how many others there are. */
const MOST_TOLD = 100;
/** So many awaited values are read at once. */
const PAGE = 500;

/** What looking for values works with. */
interface LookupsContext extends AskingContext {
  readonly attributes: readonly TargetAttribute[];
}

/** What becomes of a batch's changes once its values were looked for. */
interface Served {
  readonly changes: readonly NewChange[];
  /** What waits from now on, and what waits no more; changes that nothing is left of. */
  readonly issues: readonly NewIssue[];
  /** Records whose change asks for nothing but what is missing. */
  readonly emptied: ReadonlySet<string>;
}

/** A value that a change writes. */
interface Written extends LookupValue {
  readonly attribute: string;
}

/**
 * The values of the target's lookups that one plan asks for. Each is asked for once, however many people want it; what is
 * missing is left out of their changes, or created by a change of its own where the target allows that.
 */
export class Lookups {
  readonly #context: LookupsContext;
  readonly #wanted = new WantedValues();
  #creatable = 0;

  constructor(context: LookupsContext) {
    this.#context = context;
  }

  /** Gives back what was noted. To be called once nothing more is asked. */
  close(): void {
    this.#wanted.close();
  }

  /** Learns what is waited for: to be asked before anybody is looked at. */
  async begin(): Promise<void> {
    const { store, sync } = this.#context;
    let after: LookupValue | null = null;
    for (;;) {
      const page: Awaited<ReturnType<typeof awaitedValues>> = await awaitedValues(store.db, sync.id, {
        after,
        limit: PAGE,
      });
      const last = page.at(-1);
      if (!last) return;
      after = last;
      this.#wanted.await(page);
    }
  }

  /** Takes out of a batch's changes what the target has no value for. `rows`: all records that were looked at. */
  async serve(
    rows: readonly { readonly id: string; readonly sequence: number }[],
    changes: readonly NewChange[],
  ): Promise<Served> {
    const { store, sync } = this.#context;
    const wants = changes.map((change) => ({ change, values: this.#valuesOf(change) }));
    await this.#resolve(wants.flatMap(({ values }) => values));
    const states = this.#count(wants);
    const ids = rows.map(({ id }) => id);
    const waited = Map.groupBy(await loadLookupWaits(store.db, sync.id, ids), (wait) => wait.object_id);
    this.#wanted.unawait([...waited.values()].flat());
    const issues: NewIssue[] = [];
    const emptied = new Set<string>();
    const waiting = new Set<string>();
    const left = wants.flatMap(({ change, values }) => {
      const missing = values.filter((one) => states.get(lookupId(one)) === "missing");
      if (missing.length > 0) {
        const { object_id, record_sequence: sequence, name } = change;
        const detail = JSON.stringify(missing.map(({ attribute, lookup, value }) => ({ attribute, lookup, value })));
        issues.push({ state: "waits", code: "lookup_missing", detail, object_id, sequence, name });
        waiting.add(object_id);
      }
      const without = withoutValues(change, missing);
      if (without === null) emptied.add(change.object_id);
      return without ?? [];
    });
    for (const { id, sequence } of rows) {
      if (waiting.has(id) || !waited.has(id)) continue;
      issues.push({ state: "served", code: "", detail: "", object_id: id, sequence, name: null });
    }
    return { changes: left, issues, emptied };
  }

  /** Those who waited for a value that is there by now, or can be created: page by page, by object id. */
  async *served(page: number): AsyncGenerator<readonly string[]> {
    let last = "";
    for (;;) {
      const awaited = this.#wanted.awaited(last, PAGE);
      if (awaited.length === 0) return;
      await this.#resolve(awaited);
      const known = this.#wanted.known(awaited.map(lookupId));
      for (const one of awaited) {
        last = lookupId(one);
        if (known.get(last)?.state !== "missing") yield* this.#waitingFor(one, page);
      }
    }
  }

  async *#waitingFor({ lookup, key }: LookupValue, page: number): AsyncGenerator<readonly string[]> {
    const { store, sync } = this.#context;
    let after = "";
    for (;;) {
      const rows = await waitingFor(store.db, { sync: sync.id, lookup, key }, { after, limit: page });
      const last = rows.at(-1);
      if (!last) return;
      after = last.objectId;
      yield rows.map(({ objectId }) => objectId);
    }
  }

  /** One issue for each of the values that are missing and wanted most, whoever many want it, and one for all others. */
  async findings(): Promise<readonly NewIssue[]> {
    const { most, more } = this.#wanted.missing(MOST_TOLD);
    const issues: NewIssue[] = [];
    for (const wanted of most) {
      const count = wanted.count + wanted.waiting;
      const detail = `${wanted.why}; ${await this.#wantedBy(wanted, count)} and ${count === 1 ? "is" : "are"} synced without it`;
      issues.push({ ...ISSUE, code: wanted.code, detail, name: wanted.value });
    }
    if (more.values === 0) return issues;
    const later = more.later === 0 ? "" : `; the runs that follow create ${grouped(more.later)} of them`;
    const detail =
      `The target lacks ${grouped(more.values)} more values, which people want ${grouped(more.wants)} times and are synced without` +
      `${later}. The ${MOST_TOLD} that are wanted most have an issue each. So many mostly mean that the mapping gives something else ` +
      `than the target's names: look at one person with \`entrain person trace\``;
    return [...issues, { ...ISSUE, code: "lookup_missing", detail, name: null }];
  }

  /** The changes that create what this plan's people want. Asked when no more of their changes will be dropped. */
  async creations(plan: string): Promise<readonly NewChange[]> {
    const changes: NewChange[] = [];
    for (const wanted of this.#wanted.creatable()) {
      const { lookup, value, count, some } = wanted;
      const ids = some.map(({ objectId }) => objectId);
      if (count <= REMEMBERED && (await changedIn(this.#context.store.db, plan, ids)).size === 0) continue;
      const reason = `New in the target: ${await this.#wantedBy(wanted, count)}`;
      changes.push({
        ...CREATION,
        object_id: lookupId(wanted),
        kind: lookup,
        name: value,
        reason,
        after: JSON.stringify({ value }),
      });
    }
    return changes;
  }

  /** What a change that was served writes and the target has yet to be given, by attribute, in words. */
  created(change: NewChange): ReadonlyMap<string, string> {
    const values = this.#valuesOf(change);
    const known = this.#wanted.known(values.map(lookupId));
    const creatable = values.filter((one) => known.get(lookupId(one))?.state === "creatable");
    const unless = `unless ${MOST_CREATED} other values come first: no plan creates more`;
    return new Map(
      creatable.map((one) => [one.attribute, `${lacking(one)} yet; the plan creates it before, ${unless}`] as const),
    );
  }

  /** `12 people want it: Ana, Bo, Cy and 9 more`. */
  async #wantedBy({ lookup, key, some }: WantedValue, count: number): Promise<string> {
    const { store, sync } = this.#context;
    const names = new Map(some.map(({ objectId, name }) => [objectId, name]));
    if (names.size < SAID) {
      const rows = await waitingFor(store.db, { sync: sync.id, lookup, key }, { after: "", limit: SAID });
      for (const { objectId, name } of rows) names.set(objectId, name);
    }
    const named = [...names.values()].slice(0, Math.min(SAID, count)).map(plain);
    const more = count - named.length > 0 ? ` and ${grouped(count - named.length)} more` : "";
    return `${count === 1 ? "1 person wants" : `${grouped(count)} people want`} it: ${named.join(", ")}${more}`;
  }

  #valuesOf(change: NewChange): readonly Written[] {
    if (change.after === null || change.action === "delete") return [];
    const writes = writesOf({ before: parse(change.before), after: parse(change.after) });
    return this.#context.attributes.flatMap(({ name, lookup }) => {
      const wanted = lookup === undefined ? null : lookupValue(lookup, writes[name]);
      return wanted === null ? [] : [{ attribute: name, ...wanted }];
    });
  }

  /** Notes who wants what of a batch; answers what the target has of it, by id. */
  #count(
    wants: readonly { readonly change: NewChange; readonly values: readonly Written[] }[],
  ): ReadonlyMap<string, WantedValue["state"]> {
    const ids = new Set(wants.flatMap(({ values }) => values.map(lookupId)));
    const known = new Map(this.#wanted.known([...ids]));
    for (const { change, values } of wants) {
      for (const value of values) {
        const id = lookupId(value);
        const wanted = known.get(id);
        if (wanted === undefined) throw new Error(`${id} was not looked for`);
        const who = { objectId: change.object_id, name: change.name };
        const some = wanted.some.length < REMEMBERED ? [...wanted.some, who] : wanted.some;
        known.set(id, { ...wanted, count: wanted.count + 1, some });
      }
    }
    this.#wanted.save([...known.values()]);
    return new Map([...known].map(([id, { state }]) => [id, state]));
  }

  async #resolve(values: readonly LookupValue[]): Promise<void> {
    const fresh = new Map(values.map((one) => [lookupId(one), one]));
    for (const id of this.#wanted.known([...fresh.keys()]).keys()) fresh.delete(id);
    if (fresh.size === 0) return;
    const states = await statesOf(this.#context, [...fresh.values()]);
    this.#wanted.save(
      [...fresh].map(([id, { lookup, key, value }]) => {
        const of = { lookup, key, value, count: 0, some: [], later: false };
        const state = states.get(id);
        if (state === undefined) throw new Error(`${id} was not looked for`);
        if (state.state !== "creatable") return { ...of, ...state };
        this.#creatable += 1;
        if (this.#creatable <= MOST_CREATED) return { ...of, ...state };
        const why = `${lacking(of)}, and a plan creates at most ${MOST_CREATED} values`;
        return { ...of, state: "missing", code: "lookup_missing", why, later: true };
      }),
    );
  }
}

const ISSUE = { state: "issue", object_id: null, sequence: 0 } as const;

const CREATION = {
  phase: PHASES.lookup,
  action: "lookup",
  cause: "new",
  record_id: null,
  before: null,
  active: null,
  add: null,
  remove: null,
  waits_for: null,
  record_sequence: 0,
  link_sequence: 0,
  hold: null,
  matched_by: null,
  matched_value: null,
} as const;

/** A value that a record is planned without. */
export interface Missing {
  readonly attribute: string;
  readonly lookup: string;
  readonly value: string;
}

/** What a record waits for, of an issue in the state `waits`. */
export function missingOf({ detail }: Pick<NewIssue, "detail">): readonly Missing[] {
  return JSON.parse(detail) as readonly Missing[];
}

/** What a record waits for, in words. */
export function waitInWords(missing: readonly Missing[]): string {
  return missing
    .map(({ attribute, lookup, value }) => `${attribute} waits until the target has the ${lookup} ${said(value)}`)
    .join("; ");
}

/** A change without values that the target does not have: what it holds in their place stays. Null: nothing is left. */
function withoutValues(change: NewChange, missing: readonly Missing[]): NewChange | null {
  if (missing.length === 0) return change;
  const before = parse(change.before);
  const after: { [name: string]: Value } = { ...parse(change.after) };
  for (const { attribute } of missing) {
    const held = before?.[attribute];
    if (held === undefined) delete after[attribute];
    else after[attribute] = held;
  }
  const left = Object.keys(writesOf({ before: before ?? {}, after })).length;
  if (change.action === "update" && left === 0) return null;
  return { ...change, after: JSON.stringify(after), reason: `${change.reason} (${waitInWords(missing)})` };
}

function parse(text: string | null): Attributes | null {
  return text === null ? null : (JSON.parse(text) as Attributes);
}
