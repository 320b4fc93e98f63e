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
  const held = await heldAmong(asking, sample);
  const absent = sample.filter((id) => !held.has(id)).length;
  const looked = new Set(gone).size;
  if (absent * 100 > MOST_PERCENT * sample.length && looked + absent > ALWAYS)
    throw emptied(looked + absent, looked + sample.length);
}

/** Refuses to make many records anew. `of` is what was owned. @throws ConnectorError `target_emptied` */
export function refuseManyLost(lost: number, of: number, limit: GuardLimit): void {
  const verdict = judgeGuard({ limit, ownedAtWindowStart: of, countedInWindow: 0, planned: lost });
  if (verdict.trips) throw emptied(lost, of);
}

/** The fault that stops a sync whose target holds its records no more. */
function emptied(lost: number, of: number): ConnectorError {
  const message =
    `The target was emptied, or it is another one: ${grouped(lost)} of ${grouped(of)} records that Entrain linked there ` +
    "are gone. Is the address right?";
  return new ConnectorError("target_emptied", message, { stops: "sync", retry: "later" });
}
