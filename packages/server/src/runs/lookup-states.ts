import { inWords, matchKey, type Target, type Value } from "@entrain/core";
import { loadPending } from "../store/pending.ts";
import type { Store } from "../store/store.ts";
import { findLookups } from "./lookup-records.ts";

/** A value that people want of one of the target's lookups; `key` is what it is compared by. */
export interface LookupValue {
  readonly lookup: string;
  readonly key: string;
  readonly value: string;
}

/** Whether the target has a value: `missing` is what it lacks and does not create, with why as a code and in words. */
export interface LookupState {
  readonly state: "there" | "creatable" | "missing";
  readonly code: string;
  readonly why: string;
}

/** What asking a target for values works with. */
export interface AskingContext {
  readonly store: Store;
  readonly sync: { readonly id: string };
  readonly target: Target;
  readonly signal: AbortSignal;
  readonly now: number;
}

/** What the target has of these values, by their ids. Each is asked for once, in requests of 100. */
export async function statesOf(
  { store, sync, target, signal, now }: AskingContext,
  values: readonly LookupValue[],
): Promise<ReadonlyMap<string, LookupState>> {
  const distinct = new Map(values.map((one) => [lookupId(one), one]));
  const refused = await loadPending(store.db, sync.id, [...distinct.keys()]);
  const states = new Map<string, LookupState>();
  for (const [lookup, wanted] of Map.groupBy(distinct.values(), (one) => one.lookup)) {
    const creates = target.lookups?.kinds.find(({ name }) => name === lookup)?.creates === true;
    const found = await findLookups(
      target,
      lookup,
      wanted.map(({ value }) => value),
      signal,
    );
    for (const one of wanted) {
      const refusal = refused.get(lookupId(one));
      const waits = refusal !== undefined && refusal.retry_at > now ? refusal : null;
      states.set(lookupId(one), stateOf(one, { creates, records: found.get(one.key) ?? [], refusal: waits }));
    }
  }
  return states;
}

function stateOf(
  of: LookupValue,
  given: {
    readonly creates: boolean;
    readonly records: readonly { readonly id: string }[];
    readonly refusal: { readonly code: string; readonly detail: string } | null;
  },
): LookupState {
  const { records, creates, refusal } = given;
  if (records.length === 1) return { state: "there", code: "", why: "" };
  if (records.length > 1) {
    const ids = records.map(({ id }) => id).join(", ");
    const why = `The target has ${records.length} records for the ${of.lookup} ${said(of.value)}: ${ids}`;
    return { state: "missing", code: "lookup_ambiguous", why };
  }
  const why = lacking(of);
  if (!creates) return { state: "missing", code: "lookup_missing", why };
  if (refusal === null) return { state: "creatable", code: "", why: "" };
  return { state: "missing", code: refusal.code, why: `${why}, and refused to create it: ${refusal.detail}` };
}

/** What stands for a value where a change has the id of its record. */
export function lookupId({ lookup, key }: Pick<LookupValue, "lookup" | "key">): string {
  return `${lookup}:${key}`;
}

/** A value of a lookup as it is wanted; `null` for what leads to no record. */
export function lookupValue(lookup: string, value: Value | undefined): LookupValue | null {
  const key = matchKey(value, {});
  return key === null ? null : { lookup, key, value: String(value) };
}

/** The beginning of a sentence: that the target lacks a value. */
export function lacking({ lookup, value }: Pick<LookupValue, "lookup" | "value">): string {
  return `The target has no ${lookup} ${said(value)}`;
}

export function said(value: Value): string {
  return `"${inWords(value)}"`;
}
