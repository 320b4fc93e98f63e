import {
  type LookupRecord,
  matchKey,
  type Target,
  type TargetKind,
  type TargetRecord,
  type Value,
} from "@entrain/core";

/** What a target takes at once. */
const MOST = 100;

/** The records of a lookup that have one of these values, by the key of their value; usually one each. */
export async function findLookups(
  target: Target,
  lookup: string,
  values: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly LookupRecord[]>> {
  const found = new Map<string, LookupRecord[]>();
  const wanted = new Set(values.map((value) => matchKey(value, {})));
  for (let at = 0; at < values.length; at += MOST) {
    const records = (await target.lookups?.find(lookup, values.slice(at, at + MOST), signal)) ?? [];
    for (const record of records) {
      const key = matchKey(record.value, {});
      if (key === null || !wanted.has(key)) continue;
      const same = found.get(key) ?? [];
      if (!same.some(({ id }) => id === record.id)) found.set(key, [...same, record]);
    }
  }
  return found;
}

/** The values behind the ids that records hold of the target's lookups, by lookup and id; those that are gone are left out. */
export type LookupValues = ReadonlyMap<string, ReadonlyMap<string, string>>;

export async function lookupValues(
  { target, kind, signal }: { readonly target: Target; readonly kind: TargetKind; readonly signal: AbortSignal },
  values: readonly Value[],
): Promise<LookupValues> {
  const lookups = new Set(kind.attributes.flatMap(({ lookup }) => lookup ?? []));
  const ids = [...new Set(values.filter((value) => typeof value === "string"))];
  const found = new Map<string, ReadonlyMap<string, string>>();
  for (const lookup of lookups) {
    const byId = new Map<string, string>();
    for (let at = 0; at < ids.length; at += MOST) {
      const records = (await target.lookups?.get(lookup, ids.slice(at, at + MOST), signal)) ?? [];
      for (const { id, value } of records) byId.set(id, value);
    }
    found.set(lookup, byId);
  }
  return found;
}

/** The record ids of values, each asked for once; `undefined` where the target has none, or several. */
export type LookupIds = (wanted: ReadonlyMap<string, readonly string[]>) => Promise<LookupId>;
export type LookupId = (lookup: string, value: string) => string | undefined;

/** Remembers what it found for as long as a plan is applied. */
export function lookupIds(target: Target, signal: AbortSignal): LookupIds {
  const known = new Map<string, string | undefined>();
  const idOf = (lookup: string, value: string): string => `${lookup} ${matchKey(value, {})}`;
  return async (wanted) => {
    for (const [lookup, values] of wanted) {
      const fresh = values.filter((value) => !known.has(idOf(lookup, value)));
      const found = await findLookups(target, lookup, [...new Set(fresh)], signal);
      for (const value of fresh) {
        const [record, ...more] = found.get(matchKey(value, {}) ?? "") ?? [];
        known.set(idOf(lookup, value), more.length === 0 ? record?.id : undefined);
      }
    }
    return (lookup, value) => known.get(idOf(lookup, value));
  };
}

/** A target's record as it is compared: with the values of lookups in place of their ids. */
export function withLookupValues(record: TargetRecord, kind: TargetKind, values: LookupValues): TargetRecord {
  const said = kind.attributes.flatMap(({ name, lookup }): readonly (readonly [string, Value])[] => {
    const held = record.attributes[name];
    if (lookup === undefined || typeof held !== "string") return [];
    // What leads to no record any more is nothing that the target has.
    return [[name, values.get(lookup)?.get(held) ?? null]];
  });
  return said.length === 0 ? record : { ...record, attributes: { ...record.attributes, ...Object.fromEntries(said) } };
}
