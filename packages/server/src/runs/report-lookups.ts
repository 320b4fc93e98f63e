import type { Attributes, Match, NeedsMatch } from "@entrain/core";
import { loadLookupWaits } from "../store/lookup-waits.ts";
import { lookupValue, statesOf } from "./lookup-states.ts";
import { MOST_CREATED } from "./lookups.ts";
import type { BatchContext } from "./plan-context.ts";
import type { AskedValue, ReportNotes, Some } from "./report-notes.ts";

/** A name that people want of one of the target's lookups, and how many of them. */
interface ReportedValue {
  readonly lookup: string;
  readonly value: string;
  readonly people: number;
}

/** What people ask for of the target's lookups that the target lacks; those that most people ask for are named. */
export interface ReportedLookups {
  /** Names that plans create, each at most `each` of them. */
  readonly newValues: Some<ReportedValue> & { readonly each: number };
  /** Names that are not created, or that the target has twice: people are written without them. */
  readonly missingValues: Some<ReportedValue & { readonly code: string; readonly detail: string }>;
}

/** What of the target's lookups somebody asks for who would be created, joined or shared. */
export function valuesAsked(scene: BatchContext, needs: NeedsMatch, match: Match): readonly AskedValue[] {
  const { lookups, rules } = scene;
  if (lookups === null || match.decision === "issue") return [];
  if (match.decision === "create") return asked(scene, needs.record.id, needs.mapped.attributes);
  if (!rules.operations.update) return [];
  const mapping = match.sharedWith === undefined ? rules.mapping : (rules.shares ?? rules.mapping);
  return asked(scene, needs.record.id, mapping.map(needs.record, false).attributes);
}

function asked({ kind }: BatchContext, objectId: string, attributes: Attributes): readonly AskedValue[] {
  return kind.attributes.flatMap(({ name, lookup }) => {
    const value = lookup === undefined ? null : lookupValue(lookup, attributes[name]);
    return value === null ? [] : [{ ...value, objectId, linked: false }];
  });
}

/** What people wait for whose records the sync has already. */
export async function valuesAwaited(
  { lookups, store, sync }: BatchContext,
  ids: readonly string[],
): Promise<readonly AskedValue[]> {
  if (lookups === null || ids.length === 0) return [];
  const waits = await loadLookupWaits(store.db, sync.id, ids);
  return waits.map(({ object_id: objectId, lookup, key, value }) => ({ objectId, lookup, key, value, linked: true }));
}

/** Asks the target for every value once, and notes those that it lacks. */
export async function noteLookups(scene: BatchContext, notes: ReportNotes): Promise<void> {
  if (scene.lookups === null) return;
  const { store, sync, target, signal } = scene;
  const context = { store, sync, target, signal, now: store.clock.now() };
  for (const page of notes.askedPages()) {
    signal.throwIfAborted();
    notes.addStates(await statesOf(context, page));
  }
}

/** What the notes say of lookups. */
export function lookupsIn(notes: ReportNotes, limit: number): ReportedLookups {
  const [created, missing] = [notes.values("creatable", limit), notes.values("missing", limit)];
  return {
    newValues: {
      count: created.count,
      each: MOST_CREATED,
      samples: created.samples.map(({ lookup, value, people }) => ({ lookup, value, people })),
    },
    missingValues: {
      count: missing.count,
      samples: missing.samples.map(({ lookup, value, people, code, why }) => {
        return { lookup, value, people, code, detail: why };
      }),
    },
  };
}
