import {
  type CompiledRule,
  type DirectoryRecord,
  type EvaluationInput,
  type Finding,
  type MatchValue,
  matchKey,
  type NeedsMatch,
  nameOf,
  uniqueCandidates,
  type Value,
} from "@entrain/core";
import { indexKey, type Matcher } from "./match-records.ts";
import { onTheWay } from "./on-the-way.ts";
import type { BatchContext, WantedKey } from "./plan-context.ts";

/** A record that will be created. */
interface Creating {
  readonly objectId: string;
  readonly record: DirectoryRecord;
  readonly creation: EvaluationInput["creation"];
}

/** What `SelectUniqueValue` came to for one record: its values by attribute, or why it cannot be created. */
export type Chosen =
  | { readonly values: { readonly [attribute: string]: Value }; readonly wanted: readonly WantedKey[] }
  | { readonly finding: Finding };

/**
 * Chooses values that no other record has, for a batch of creations and in its order: the first candidate that neither the
 * target holds, nor another sync is writing, nor an earlier creation of the plan has got. Each round asks the target for the next candidate of all who
 * still need one, so that mostly one round suffices.
 */
export async function chooseUniques(
  context: BatchContext,
  matcher: Matcher,
  batch: readonly Creating[],
): Promise<ReadonlyMap<string, Chosen>> {
  const chosen = new Map<string, Chosen>(batch.map(({ objectId }) => [objectId, { values: {}, wanted: [] }]));
  for (const rule of context.mapping.uniques) {
    const open = batch.filter(({ objectId }) => "values" in (chosen.get(objectId) ?? {}));
    for (const [objectId, found] of await chooseFor(rule, context, matcher, open)) {
      const before = chosen.get(objectId);
      if (before === undefined || "finding" in before) continue;
      if ("finding" in found) chosen.set(objectId, found);
      else {
        const values = found.value === undefined ? {} : { [rule.attribute.name]: found.value };
        const wanted = found.key === null ? [] : [{ objectId, key: indexKey(rule.attribute.name, found.key) }];
        chosen.set(objectId, { values: { ...before.values, ...values }, wanted: [...before.wanted, ...wanted] });
      }
    }
  }
  return chosen;
}

type Found = { readonly value: Value | undefined; readonly key: string | null } | { readonly finding: Finding };

/** A record that has none yet, with the candidates that are left to it. */
interface Seeking {
  readonly of: Creating;
  readonly left: readonly MatchValue[];
  readonly tried: number;
}

async function chooseFor(
  rule: CompiledRule,
  context: BatchContext,
  matcher: Matcher,
  batch: readonly Creating[],
): Promise<ReadonlyMap<string, Found>> {
  const found = new Map<string, Found>();
  let seeking: Seeking[] = [];
  for (const of of batch) {
    const candidates = uniqueCandidates(rule, of.record, of.creation);
    if ("values" in candidates) seeking.push({ of, left: keyed(rule, candidates.values), tried: 0 });
    else found.set(of.objectId, "value" in candidates ? { value: candidates.value, key: null } : candidates);
  }
  const { name } = rule.attribute;
  const { store, space, kind, sync } = context;
  const others = await onTheWay(store.db, { target: space.target, kind, sync: sync.id }, [name]);
  const given = new Set<string>();
  while (seeking.length > 0) {
    context.signal.throwIfAborted();
    const taken = await matcher.taken(
      name,
      seeking.flatMap(({ left: [next] }) => (next === undefined ? [] : [next])),
    );
    const still: Seeking[] = [];
    for (const { of, left, tried } of seeking) {
      const [next, ...rest] = left;
      if (next === undefined) {
        found.set(of.objectId, { finding: exhausted(rule, of, tried) });
      } else if (taken.has(next.key) || others.has(indexKey(name, next.key)) || given.has(next.key)) {
        still.push({ of, left: rest, tried: tried + 1 });
      } else {
        given.add(next.key);
        found.set(of.objectId, next);
      }
    }
    seeking = still;
  }
  return found;
}

/** Candidates that differ only as the target does not tell apart are one. */
function keyed({ attribute }: CompiledRule, values: readonly Value[]): readonly MatchValue[] {
  const distinct = new Map<string, MatchValue>();
  for (const value of values) {
    const key = matchKey(value, attribute);
    if (key !== null && !distinct.has(key)) distinct.set(key, { attribute: attribute.name, value, key });
  }
  return [...distinct.values()];
}

function exhausted({ attribute }: CompiledRule, { objectId, record }: Creating, tried: number): Finding {
  const all = tried === 1 ? "the one value" : `each of the ${tried} values`;
  const detail = `${attribute.name}: ${all} that SelectUniqueValue may choose is taken already`;
  return { code: "value_taken", detail, objectId, name: nameOf(record) };
}

/** A record's mapping with the values that were chosen for it. */
export function withChosen(needs: NeedsMatch, values: { readonly [attribute: string]: Value }): NeedsMatch {
  const attributes = { ...needs.mapped.attributes, ...values };
  return { ...needs, mapped: { ...needs.mapped, attributes } };
}
