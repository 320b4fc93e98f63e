import {
  byCodeUnits,
  ConnectorError,
  type GuardLimit,
  grouped,
  judgeGuard,
  type Target,
  type TargetKind,
} from "@entrain/core";
import { type LinkSpace, someLinks } from "../store/links.ts";
import type { Store } from "../store/store.ts";

/** Ids that one `get` takes. */
const GET = 100;
/** So many other records of the sync are looked for before one that is said to be gone is believed to be. */
const SAMPLE = 20;
/** As many may always be gone, as the removal guard always lets as many go. */
const ALWAYS = 3;
/** A target that does not show more records than this is asked no further. */
const MOST_UNSEEN = 10;
/** More than this share of the sample gone is no hand's work: the target was emptied, or is another one. */
const MOST_PERCENT = 50;

/** What asking a target for a sync's records works with. */
interface Asking {
  readonly store: Store;
  readonly sync: { readonly id: string };
  readonly space: LinkSpace;
  readonly kind: TargetKind;
  readonly target: Target;
  readonly signal: AbortSignal;
}

/** Which of these records the target holds. */
export async function heldAmong(
  { target, kind, signal }: Pick<Asking, "target" | "signal"> & { readonly kind: Pick<TargetKind, "name"> },
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  for (let at = 0; at < ids.length; at += GET) {
    const slice = [...new Set(ids.slice(at, at + GET))];
    for (const { id } of await target.get(kind.name, slice, { members: false }, signal)) held.add(id);
  }
  return held;
}

/**
 * Which of these records the target holds, as far as it shows them: one that it does not let us see counts as held, and keeps
 * nothing from being found out of the others.
 * @throws ConnectorError when it shows none of them, or many not
 */
export async function heldAsFarAsShown(
  asking: Parameters<typeof heldAmong>[0],
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  const unseen = new Set<string>();
  for (let at = 0; at < ids.length; at += GET) {
    const slice = ids.slice(at, at + GET);
    const shown = await unlessFault(heldAmong(asking, slice));
    if (!(shown instanceof ConnectorError)) {
      for (const id of shown) held.add(id);
      continue;
    }
    for (const id of slice) {
      const one = await unlessFault(heldAmong(asking, [id]));
      if (!(one instanceof ConnectorError)) {
        for (const found of one) held.add(found);
        continue;
      }
      unseen.add(id);
      if (unseen.size > MOST_UNSEEN || unseen.size === ids.length) throw one;
    }
  }
  return new Set([...held, ...unseen]);
}

/** What was asked, or the fault of the target that stood in the way. */
async function unlessFault<T>(asked: Promise<T>): Promise<T | ConnectorError> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ConnectorError && error.stops !== "run") return error;
    throw error;
  }
}

/**
 * Looks for some other records of the sync before those are believed to be gone that are said to be. `deleted`: records that the
 * sync took away itself, which tell nothing of the target.
 * @throws ConnectorError `target_emptied` when most of the others are gone, too
 */
export async function refuseWiped(
  asking: Asking,
  { gone, deleted }: { readonly gone: readonly string[]; readonly deleted: readonly string[] },
): Promise<void> {
  const first = gone.toSorted(byCodeUnits)[0];
  if (first === undefined) return;
  const { store, sync, space, kind } = asking;
  const without = [...gone, ...deleted];
  const of = { kind: kind.name, sync: sync.id, without, after: first, count: SAMPLE };
  const sample = await someLinks(store.db, space, of);
  const held = await heldAsFarAsShown(asking, sample);
  const absent = sample.filter((id) => !held.has(id)).length;
  const looked = new Set(gone).size;
  if (absent * 100 > MOST_PERCENT * sample.length && looked + absent > ALWAYS)
    throw emptied(looked + absent, looked + sample.length, "that were looked for");
}

/**
 * Refuses to make many records anew: active ones that are lost, `of` those that were owned. `before`: how many of these were lost
 * and made anew within the guard's window.
 * @throws ConnectorError `target_emptied`
 */
export function refuseManyLost(lost: number, of: number, limit: GuardLimit, before = 0): void {
  const verdict = judgeGuard({ limit, ownedAtWindowStart: of, countedInWindow: before, planned: lost });
  if (verdict.trips) throw emptied(before + lost, of, "that Entrain linked there");
}

/** The fault that stops a sync whose target holds its records no more. */
function emptied(lost: number, of: number, which: string): ConnectorError {
  const message = `The target was emptied, or it is another one: ${grouped(lost)} of ${grouped(of)} records ${which} are gone. Is the address right?`;
  return new ConnectorError("target_emptied", message, { stops: "sync", retry: "later" });
}
