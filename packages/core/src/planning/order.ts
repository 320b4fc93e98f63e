import { byCodeUnits } from "../model/compare.ts";
import type { Change } from "../model/plan.ts";

/**
 * The order in which a plan is applied: what others refer to before what refers to it, so records come before
 * memberships, and what takes away comes last, the irreversible at the very end.
 */
export const PHASES: { readonly [action in Change["action"]]: number } = {
  lookup: 0,
  create: 1,
  join: 1,
  enable: 2,
  update: 3,
  members: 4,
  disable: 5,
  delete: 6,
};

/** A change's place in its plan. `rank` is its depth among the records that the plan creates or joins. */
export interface Place {
  readonly change: Pick<Change, "action" | "objectId">;
  readonly rank: number;
}

/** Orders changes by phase, rank and object id. Chunks of one group's memberships keep the order that they have. */
export function comparePlaces(a: Place, b: Place): number {
  return (
    PHASES[a.change.action] - PHASES[b.change.action] ||
    a.rank - b.rank ||
    byCodeUnits(a.change.objectId, b.change.objectId)
  );
}

/**
 * The depth of each record in the tree of references among records that one plan creates: 0 refers to none of them, and
 * each other stands behind all that it refers to, so that a reference's record id is known when it is sent. Where
 * references form a circle, no order satisfies all: `cut` names those whose reference must be left to a later update.
 */
export function rankByReference(references: ReadonlyMap<string, readonly string[]>): {
  readonly ranks: ReadonlyMap<string, number>;
  readonly cut: readonly { readonly from: string; readonly to: string }[];
} {
  const ranks = new Map<string, number>();
  const cut: { from: string; to: string }[] = [];
  const open = new Set<string>();
  for (const start of [...references.keys()].sort(byCodeUnits)) {
    // A stack instead of recursion: a chain of managers may be as long as the plan.
    const stack = [start];
    while (stack.length > 0) {
      const id = stack.at(-1) ?? start;
      const targets = (references.get(id) ?? []).filter((to) => references.has(to));
      const next = ranks.has(id) ? undefined : targets.find((to) => !ranks.has(to) && !open.has(to));
      if (next !== undefined) {
        open.add(id);
        stack.push(next);
        continue;
      }
      stack.pop();
      open.delete(id);
      if (ranks.has(id)) continue;
      const settled = targets.filter((to) => ranks.has(to));
      for (const to of targets) if (!ranks.has(to)) cut.push({ from: id, to });
      ranks.set(id, Math.max(-1, ...settled.map((to) => ranks.get(to) ?? 0)) + 1);
    }
  }
  return { ranks, cut };
}
