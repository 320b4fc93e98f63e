import {
  type Attributes,
  type Evaluation,
  evaluate,
  evaluateMatched,
  isReference,
  type Match,
  matchKey,
  matchKeys,
  type NeedsMatch,
  type SyncDefinition,
  type SyncRules,
  sameValue,
  type TargetKind,
  uniqueCandidates,
  type Value,
} from "@entrain/core";
import type { PlanChangeRow } from "../store/plans.ts";
import { type PlannedBy, readerAnew } from "./anew.ts";
import { kindsOf, readComplete } from "./basis.ts";
import type { Engine } from "./context.ts";
import { withChosen } from "./unique-values.ts";

/**
 * Of these changes, all of records that changed since they were planned: the ordinals of those that would be planned just
 * the same now. `null`: that cannot be told while the directory is being read.
 */
export type StillWanted = (rows: readonly PlanChangeRow[]) => Promise<ReadonlySet<number> | null>;

/** Evaluates records anew, by the sync's own rules; the target is not asked, and nothing is written. */
export function stillWanted(engine: Pick<Engine, "store" | "keyring">, of: PlannedBy): StillWanted {
  const { sync, kind } = of;
  const { scope } = JSON.parse(sync.definition) as SyncDefinition;
  const readAnew = readerAnew(engine, of);
  return async (rows) => {
    if (!(await readComplete(engine.store, sync.connection, kindsOf(kind, scope)))) return null;
    const { items, rules, scopeGone } = await readAnew(rows);
    if (scopeGone) return new Set();
    const isStill = (row: PlanChangeRow): boolean => {
      const input = items.get(row.object_id)?.input;
      return input !== undefined && isSame(row, withoutMissing(again(rules, input, row), row, kind));
    };
    return new Set(rows.filter(isStill).map(({ ordinal }) => ordinal));
  };
}

/** What the plan left out, for the target's lookup had no such value, is left out here, too: it comes by a change of its own. */
function withoutMissing(evaluation: Evaluation, row: PlanChangeRow, kind: TargetKind): Evaluation {
  if (evaluation.type !== "change" || evaluation.change.after === null) return evaluation;
  const [before, planned] = [parse(row.before) ?? {}, parse(row.after) ?? {}];
  const after: { [name: string]: Value } = { ...evaluation.change.after };
  for (const { name, lookup } of kind.attributes) {
    if (lookup === undefined || !sameValue(before[name] ?? null, planned[name] ?? null)) continue;
    if (Object.hasOwn(planned, name)) after[name] = planned[name] ?? null;
    else delete after[name];
  }
  return { ...evaluation, change: { ...evaluation.change, after } };
}

type Input = Parameters<typeof evaluate>[1];

/** References that the plan left out wait for their records; they are left out here, too. */
function again(rules: SyncRules, input: Input, row: PlanChangeRow): Evaluation {
  const kept = Object.values(parse(row.after) ?? {}).filter(isReference);
  const isKept = (id: string, kind: string): boolean =>
    kept.some(({ $ref, $kind = kind }) => $ref === id && $kind === kind);
  const isLinked: Input["isLinked"] = (id, kind) => {
    const linked = input.isLinked(id, kind);
    return linked === "planned" && !isKept(id, kind) ? "no" : linked;
  };
  const anew = { ...input, isLinked };
  const first = evaluate(rules, anew);
  if (first.type !== "match") return first;
  const match = matchOf(row, first, rules.kind);
  if (match === null) return first;
  const deletedInTarget = row.cause === "recreated";
  const needs = row.action === "create" ? withChosen(first, chosenThen(rules, anew, row)) : first;
  return evaluateMatched(rules, { ...anew, deletedInTarget }, needs, match, () => null);
}

/** The values that nobody else had when this was planned, as far as they still are among those to choose from. */
function chosenThen({ mapping }: SyncRules, { record, creation }: Input, row: PlanChangeRow): Attributes {
  const after = parse(row.after) ?? {};
  const chosen = mapping.uniques.flatMap((rule): readonly (readonly [string, Value])[] => {
    const { name } = rule.attribute;
    const candidates = record === null ? { values: [] } : uniqueCandidates(rule, record, creation);
    if ("finding" in candidates) return [];
    const planned = after[name];
    if ("value" in candidates) return candidates.value === undefined ? [] : [[name, candidates.value]];
    return planned !== undefined && candidates.values.some((value) => sameValue(value, planned))
      ? [[name, planned]]
      : [];
  });
  return Object.fromEntries(chosen);
}

/**
 * What matching decided when this was planned. The record that is joined is as it was seen then, and one of the values
 * that are wanted now must still lead to it: what it was found by, or what is known of it.
 */
function matchOf(row: PlanChangeRow, needs: NeedsMatch, kind: TargetKind): Match | null {
  if (row.action === "create") return { decision: "create" };
  if (row.action !== "join" || row.record_id === null) return null;
  const attributes = parse(row.before) ?? {};
  const by = needs.values.find(({ attribute, key }) => {
    const declared = kind.attributes.find(({ name }) => name === attribute);
    if (declared === undefined) return false;
    const found = row.matched_by === attribute && matchKey(parseValue(row.matched_value), declared) === key;
    return found || matchKeys(attributes[attribute], declared).includes(key);
  });
  if (by === undefined) return null;
  const privileged = row.hold === "privileged_join";
  const record = { kind: row.kind, id: row.record_id, attributes, active: row.active !== 1, privileged };
  return { decision: "join", record, by, others: [], ...(row.cause === "shared" && { sharedWith: "" }) };
}

function parseValue(text: string | null): Value {
  return text === null ? null : (JSON.parse(text) as Value);
}

function isSame(row: PlanChangeRow, evaluation: Evaluation): boolean {
  if (evaluation.type !== "change") return false;
  const { change, hold } = evaluation;
  return (
    change.action === row.action &&
    change.cause === row.cause &&
    change.recordId === row.record_id &&
    (change.active === null ? null : Number(change.active)) === row.active &&
    (hold?.code ?? null) === row.hold &&
    sameValue(change.before, parse(row.before)) &&
    sameValue(change.after, parse(row.after))
  );
}

function parse(text: string | null): Attributes | null {
  return text === null ? null : (JSON.parse(text) as Attributes);
}
