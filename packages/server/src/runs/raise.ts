import {
  ConnectorError,
  formatDuration,
  GUARD_COUNTERS,
  type GuardCounter,
  grouped,
  limitOf,
  type SyncDefinition,
} from "@entrain/core";
import { boundsOf } from "../config/guard.ts";
import { endRaise, type GuardRaise, loadRaises, saveRaise } from "../store/guard-raises.ts";
import { type Actor, appendJournal } from "../store/journal.ts";
import type { Store } from "../store/store.ts";
import { streamOf } from "./applying.ts";
import type { SyncRow } from "./context.ts";
import { type GuardContext, raisedLimit, type WindowView, windowsOf } from "./guard.ts";

/** Longer than a day nothing stays raised: whoever needs more approves what is held. */
export const LONGEST_RAISE_MS: number = 24 * 3_600_000;

/** A guard with its figures as they are now, and how its windows are filled. Times in milliseconds UTC. */
export interface GuardView {
  readonly counter: GuardCounter;
  readonly percent: number;
  readonly count: number;
  readonly windowMs: number;
  /** Set while it lets more go than its definition says; afterwards it is as before by itself. */
  readonly raised: RaiseView | null;
  readonly windows: readonly WindowView[];
}

/** How far a guard is raised, until when and by whom. */
export interface RaiseView {
  readonly counter: GuardCounter;
  readonly percent: number;
  readonly count: number;
  readonly until: number;
  readonly by: Actor;
}

/** Every guard of a sync. */
export async function guardsOf(store: Store, sync: SyncRow): Promise<readonly GuardView[]> {
  const definition = JSON.parse(sync.definition) as SyncDefinition;
  const { tenant } = await store.db
    .selectFrom("connections")
    .select("tenant")
    .where("id", "=", sync.connection)
    .executeTakeFirstOrThrow();
  const context: GuardContext = {
    ...{ store, sync, definition, kind: { name: sync.records }, space: { target: sync.target, tenant } },
    recreate: false,
    plan: { id: "", run: null },
  };
  const raises = await loadRaises(store.db, sync.id, store.clock.now());
  const views: GuardView[] = [];
  for (const counter of GUARD_COUNTERS) {
    const limit = raisedLimit(limitOf(definition.guard, counter), raises, counter);
    const windows = await windowsOf(context, counter, limit);
    const raise = raises.find((one) => one.counter === counter);
    views.push({ counter, ...limit, raised: raise === undefined ? null : raiseView(definition, raise), windows });
  }
  return views;
}

/** What of a sync's guards is raised now. */
export async function raisesOf(store: Store, sync: Pick<SyncRow, "id" | "definition">): Promise<readonly RaiseView[]> {
  const definition = JSON.parse(sync.definition) as SyncDefinition;
  const raises = await loadRaises(store.db, sync.id, store.clock.now());
  return raises.map((raise) => raiseView(definition, raise));
}

function raiseView({ guard }: SyncDefinition, raise: GuardRaise): RaiseView {
  const { counter, until, actor } = raise;
  const { percent, count } = raisedLimit(limitOf(guard, counter), [raise], counter);
  return { counter, percent, count, until, by: actor };
}

/** What to raise a guard to, and for how long. */
export interface Raising {
  readonly counter: GuardCounter;
  readonly percent?: number;
  readonly count?: number;
  /** Milliseconds. */
  readonly forMs: number;
}

/**
 * Raises a guard for a while; it falls back by itself. Journalled.
 * @throws ConnectorError `config_invalid` for figures beyond their bounds, a while longer than a day, or what raises nothing
 */
export async function raiseGuard(
  store: Store,
  sync: SyncRow,
  { counter, percent, count, forMs, actor }: Raising & { readonly actor: Actor },
): Promise<RaiseView> {
  const definition = JSON.parse(sync.definition) as SyncDefinition;
  const limit = limitOf(definition.guard, counter);
  const bounds = boundsOf(counter);
  for (const [name, value] of Object.entries({ percent, count })) {
    const { max, why } = bounds[name as keyof typeof bounds];
    if (value !== undefined && !(value > 0 && value <= max)) {
      throw refused(`The ${counter} guard's ${name} can be raised to ${grouped(max)} at most: ${why}.`);
    }
  }
  if (forMs <= 0 || forMs > LONGEST_RAISE_MS) {
    throw refused(`A guard is raised for ${formatDuration(LONGEST_RAISE_MS)} at most; it falls back by itself.`);
  }
  if ((percent ?? 0) <= limit.percent && (count ?? 0) <= limit.count) {
    const now = `${limit.percent} % and ${grouped(limit.count)}`;
    throw refused(`That raises nothing: the ${counter} guard of ${sync.name} allows ${now} already.`);
  }
  const at = store.clock.now();
  const figures = { ...(percent === undefined ? {} : { percent }), ...(count === undefined ? {} : { count }) };
  const raise: GuardRaise = { counter, ...figures, until: at + forMs, actor, at };
  await store.transaction(async (tx) => {
    await saveRaise(tx, sync.id, raise);
    const after = { counter, ...figures, until: new Date(raise.until).toISOString() };
    await appendJournal(tx, store, streamOf(sync), [{ type: "guard_raised", actor, detail: counter, after }]);
  });
  return raiseView(definition, raise);
}

/** Lets a raised guard fall back now. False: it was not raised. */
export async function lowerGuard(
  store: Store,
  sync: Pick<SyncRow, "id">,
  { counter, actor }: { readonly counter: GuardCounter; readonly actor: Actor },
): Promise<boolean> {
  const raised = await loadRaises(store.db, sync.id, store.clock.now());
  if (!raised.some((one) => one.counter === counter)) return false;
  await store.transaction(async (tx) => {
    await endRaise(tx, sync.id, counter);
    await appendJournal(tx, store, streamOf(sync), [{ type: "guard_lowered", actor, detail: counter }]);
  });
  return true;
}

function refused(message: string): ConnectorError {
  const fix = "Approve what is held instead: entrain sync approve NAME --digest DIGEST";
  return new ConnectorError("config_invalid", message, { stops: "run", retry: "never", fix });
}
