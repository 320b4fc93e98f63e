import type { GuardLimit } from "@entrain/core";
import type { Content } from "./content.ts";
import type { Difference, Intent } from "./witness.ts";

const LONG_MS = 30 * 86_400_000;
/** What a work's beginning and its end may lie apart. */
const MARGIN_MS = 600_000;
/** So many are let go whatever the share says. */
const LEAST = 3;

/** What was removed without approval, as the target showed it: the guard's windows told without the engine. */
export class Removals {
  #removed: { readonly id: string; readonly at: number }[] = [];
  #owned = 0;
  #percent = 0;

  /** Takes in one piece of work; answers what no guard should have let through. */
  take(of: {
    readonly now: number;
    readonly limit: GuardLimit;
    readonly content: Content;
    readonly differences: readonly Difference[];
    readonly intents: readonly Intent[];
    readonly origins: ReadonlyMap<string, string>;
    /** False until the sync's first run is over. */
    readonly counts: boolean;
  }): readonly string[] {
    const active = [...of.content.values()].filter(
      ({ id, kind, active }) => kind === "person" && active && of.origins.has(id),
    );
    this.#owned = Math.max(this.#owned, active.length);
    this.#percent = Math.max(this.#percent, of.limit.percent);
    for (const { before: was, after: is } of of.differences) {
      const record = was ?? is;
      if (record?.kind !== "person") continue;
      const id = record.values.key ?? record.id;
      const its = of.intents.filter(({ recordId, objectId }) => recordId === record.id || objectId === id);
      const last = its.at(-1);
      const removal = its.findLast(({ action }) => action === "disable" || action === "delete");
      if (last?.part === "undo") this.#removed = this.#removed.filter((one) => one.id !== id);
      if (was === null) continue;
      const isRemoved = is === null || (was.active && !is.active);
      if (isRemoved && of.counts && removal !== undefined && !removal.approved) this.#removed.push({ id, at: of.now });
    }
    return [
      ...this.#judge(of.now, of.limit.windowMs, this.#percent),
      ...this.#judge(of.now, LONG_MS, 2 * this.#percent),
    ];
  }

  #judge(now: number, windowMs: number, percent: number): readonly string[] {
    const within = this.#removed.filter(({ at }) => at > now - windowMs + MARGIN_MS).length;
    const most = Math.max(LEAST, Math.ceil((this.#owned * percent) / 100));
    if (within <= most) return [];
    const hours = Math.round(windowMs / 3_600_000);
    return [`${within} people were removed within ${hours} hours, where more than ${most} want an approval`];
  }
}
