import {
  type Attributes,
  byCodeUnits,
  grouped,
  inWords,
  matchKey,
  PHASES,
  plain,
  type Target,
  type TargetAttribute,
  type Value,
  writesOf,
} from "@entrain/core";
import { awaitedValues, loadLookupWaits, waitingFor } from "../store/lookup-waits.ts";
import { loadPending } from "../store/pending.ts";
import { changedIn } from "../store/plans.ts";
import type { Store } from "../store/store.ts";
import { findLookups } from "./lookup-records.ts";
import type { NewChange, NewIssue } from "./plan-rows.ts";

/** So many who want a value are named. */
const SAID = 3;
/** So many of them are remembered, to see whether any is left when the plan is sealed. */
const REMEMBERED = 20;
/** So many values one plan creates: a mapping gone wrong must not fill the target's lists. */
const MOST_CREATED = 200;

/** One value of a lookup that records of this plan want. */
interface Wanted {
  readonly lookup: string;
  readonly key: string;
  readonly value: string;
  readonly state: "there" | "creatable" | "missing";
  /** Of a missing one: why, as a code and the rest of a sentence. */
  readonly code: string;
  readonly why: string;
  /** Who wants it, as far as they were looked at. */
  count: number;
  readonly some: { readonly objectId: string; readonly name: string }[];
}

/** What looking for values works with. */
interface LookupsContext {
  readonly store: Store;
  readonly sync: { readonly id: string };
  readonly target: Target;
  readonly attributes: readonly TargetAttribute[];
  readonly signal: AbortSignal;
  readonly now: number;
}

/** What becomes of a batch's changes once its values were looked for. */
interface Served {
  readonly changes: readonly NewChange[];
  /** What waits from now on, and what waits no more; changes that nothing is left of. */
  readonly issues: readonly NewIssue[];
  /** Records whose change asks for nothing but what is missing. */
  readonly emptied: ReadonlySet<string>;
}

/**
 * The values of the target's lookups that one plan asks for. Each is asked for once, however many people want it; what is
 * missing is left out of their changes, or created by a change of its own where the target allows that.
 */
export class Lookups {
  readonly #context: LookupsContext;
  readonly #wanted = new Map<string, Wanted>();
  /** How many waited for a value when the plan began and were not looked at since, by its id. */
  readonly #waiting = new Map<string, number>();
  #awaited: Awaited<ReturnType<typeof awaitedValues>> = [];
  #creatable = 0;

  constructor(context: LookupsContext) {
    this.#context = context;
  }

  /** Learns what is waited for: to be asked before anybody is looked at. */
  async begin(): Promise<void> {
    const { store, sync } = this.#context;
    this.#awaited = await awaitedValues(store.db, sync.id);
    for (const { lookup, key, count } of this.#awaited) this.#waiting.set(idOf(lookup, key), count);
  }

  /** Takes out of a batch's changes what the target has no value for. `rows`: all records that were looked at. */
  async serve(
    rows: readonly { readonly id: string; readonly sequence: number }[],
    changes: readonly NewChange[],
  ): Promise<Served> {
    const { store, sync } = this.#context;
    const wants = changes.map((change) => ({ change, values: this.#valuesOf(change) }));
    await this.#resolve(wants.flatMap(({ values }) => values));
    const waited = Map.groupBy(
      await loadLookupWaits(
        store.db,
        sync.id,
        rows.map(({ id }) => id),
      ),
      (wait) => wait.object_id,
    );
    for (const { lookup, key } of [...waited.values()].flat()) {
      this.#waiting.set(idOf(lookup, key), (this.#waiting.get(idOf(lookup, key)) ?? 0) - 1);
    }
    const issues: NewIssue[] = [];
    const emptied = new Set<string>();
    const waiting = new Set<string>();
    const left = wants.flatMap(({ change, values }) => {
      const missing = values.filter((one) => this.#count(one, change).state === "missing");
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
    const { store, sync } = this.#context;
    await this.#resolve(this.#awaited);
    for (const { lookup, key } of this.#awaited) {
      if (this.#wanted.get(idOf(lookup, key))?.state === "missing") continue;
      let after = "";
      for (;;) {
        const rows = await waitingFor(store.db, { sync: sync.id, lookup, key }, { after, limit: page });
        const last = rows.at(-1);
        if (!last) break;
        after = last.objectId;
        yield rows.map(({ objectId }) => objectId);
      }
    }
  }

  /** One issue for each value that is missing, whoever many want it. */
  async findings(): Promise<readonly NewIssue[]> {
    const issues: NewIssue[] = [];
    for (const wanted of this.#inOrder()) {
      const count = (this.#waiting.get(idOf(wanted.lookup, wanted.key)) ?? 0) + wanted.count;
      if (wanted.state !== "missing" || count <= 0) continue;
      const detail = `${wanted.why}; ${await this.#wantedBy(wanted, count)} and ${count === 1 ? "is" : "are"} synced without it`;
      issues.push({ state: "issue", code: wanted.code, detail, object_id: null, sequence: 0, name: wanted.value });
    }
    return issues;
  }

  /** The changes that create what this plan's people want. Asked when no more of their changes will be dropped. */
  async creations(plan: string): Promise<readonly NewChange[]> {
    const changes: NewChange[] = [];
    for (const wanted of this.#inOrder()) {
      const { lookup, value, key, count, some } = wanted;
      if (wanted.state !== "creatable" || count === 0) continue;
      const ids = some.map(({ objectId }) => objectId);
      if (count <= REMEMBERED && (await changedIn(this.#context.store.db, plan, ids)).size === 0) continue;
      const reason = `New in the target: ${await this.#wantedBy(wanted, count)}`;
      changes.push({
        ...CREATION,
        object_id: idOf(lookup, key),
        kind: lookup,
        name: value,
        reason,
        after: JSON.stringify({ value }),
      });
    }
    return changes;
  }

  #inOrder(): readonly Wanted[] {
    return [...this.#wanted.values()].sort((a, b) => byCodeUnits(a.lookup, b.lookup) || byCodeUnits(a.key, b.key));
  }

  /** `12 people want it: Ana, Bo, Cy and 9 more`. */
  async #wantedBy({ lookup, key, some }: Wanted, count: number): Promise<string> {
    const { store, sync } = this.#context;
    const names = new Map(some.map(({ objectId, name }) => [objectId, name]));
    if (names.size < SAID) {
      const rows = await waitingFor(store.db, { sync: sync.id, lookup, key }, { after: "", limit: SAID });
      for (const { objectId, name } of rows) names.set(objectId, name);
    }
    const said = [...names.values()].slice(0, Math.min(SAID, count)).map(plain);
    const more = count - said.length > 0 ? ` and ${grouped(count - said.length)} more` : "";
    return `${count === 1 ? "1 person wants" : `${grouped(count)} people want`} it: ${said.join(", ")}${more}`;
  }

  #valuesOf(change: NewChange): readonly { attribute: string; lookup: string; key: string; value: string }[] {
    if (change.after === null || change.action === "delete") return [];
    const writes = writesOf({ before: parse(change.before), after: parse(change.after) });
    return this.#context.attributes.flatMap(({ name, lookup }) => {
      const value = writes[name];
      const key = matchKey(value, {});
      return lookup === undefined || key === null ? [] : [{ attribute: name, lookup, key, value: String(value) }];
    });
  }

  #count({ lookup, key }: { readonly lookup: string; readonly key: string }, change: NewChange): Wanted {
    const wanted = this.#wanted.get(idOf(lookup, key));
    if (wanted === undefined) throw new Error(`${lookup} ${key} was not looked for`);
    wanted.count += 1;
    if (wanted.some.length < REMEMBERED) wanted.some.push({ objectId: change.object_id, name: change.name });
    return wanted;
  }

  async #resolve(
    values: readonly { readonly lookup: string; readonly key: string; readonly value: string }[],
  ): Promise<void> {
    const fresh = new Map(values.map((one) => [idOf(one.lookup, one.key), one]));
    for (const id of fresh.keys()) if (this.#wanted.has(id)) fresh.delete(id);
    const { target, signal, store, sync, now } = this.#context;
    const refused = await loadPending(store.db, sync.id, [...fresh.keys()]);
    for (const [lookup, wanted] of Map.groupBy(fresh.values(), (one) => one.lookup)) {
      const creates = target.lookups?.kinds.find(({ name }) => name === lookup)?.creates === true;
      const found = await findLookups(
        target,
        lookup,
        wanted.map(({ value }) => value),
        signal,
      );
      for (const one of wanted) {
        const id = idOf(lookup, one.key);
        const records = found.get(one.key) ?? [];
        const refusal = refused.get(id);
        const waits = refusal !== undefined && refusal.retry_at > now ? refusal : null;
        this.#wanted.set(id, {
          ...one,
          ...this.#stateOf(one, { creates, records, refusal: waits }),
          count: 0,
          some: [],
        });
      }
    }
  }

  #stateOf(
    { lookup, value }: { readonly lookup: string; readonly value: string },
    of: {
      readonly creates: boolean;
      readonly records: readonly { readonly id: string }[];
      readonly refusal: { readonly code: string; readonly detail: string } | null;
    },
  ): Pick<Wanted, "state" | "code" | "why"> {
    const name = `${lookup} ${said(value)}`;
    if (of.records.length === 1) return { state: "there", code: "", why: "" };
    if (of.records.length > 1) {
      const ids = of.records.map(({ id }) => id).join(", ");
      return {
        state: "missing",
        code: "lookup_ambiguous",
        why: `The target has ${of.records.length} records for the ${name}: ${ids}`,
      };
    }
    const why = `The target has no ${name}`;
    if (!of.creates) return { state: "missing", code: "lookup_missing", why };
    if (of.refusal !== null) {
      return { state: "missing", code: of.refusal.code, why: `${why}, and refused to create it: ${of.refusal.detail}` };
    }
    this.#creatable += 1;
    if (this.#creatable <= MOST_CREATED) return { state: "creatable", code: "", why: "" };
    return {
      state: "missing",
      code: "lookup_missing",
      why: `${why}, and a plan creates at most ${MOST_CREATED} values`,
    };
  }
}

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

/** What stands for a value where a change has the id of its record. */
function idOf(lookup: string, key: string): string {
  return `${lookup}:${key}`;
}

function said(value: Value): string {
  return `"${inWords(value)}"`;
}

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
