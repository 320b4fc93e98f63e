import { formatDuration } from "../model/duration.ts";
import type { GuardCounter, GuardLimit } from "../model/sync.ts";
import { grouped } from "../model/wording.ts";

/**
 * So many are let go whatever the percentage says: a share of a small company is less than a person. What takes nothing
 * away may be more, as long as somebody can look through it.
 */
const LEAST: { readonly [counter in GuardCounter]: number } = {
  removals: 3,
  members: 3,
  creations: 50,
  updates: 100,
  matching: 3,
};
const LONG_WINDOW_MS = 30 * 24 * 3_600_000;

/** What a guard decided, with its figures in one sentence. */
export interface GuardVerdict {
  readonly trips: boolean;
  readonly detail: string;
}

/**
 * The second window: 30 days at double the percent, so that a slow drain trips too. A count would hold every large
 * company's ordinary month, so none applies.
 */
export function longWindow(limit: GuardLimit): GuardLimit {
  return {
    percent: Math.min(100, limit.percent * 2),
    count: Number.MAX_SAFE_INTEGER,
    windowMs: Math.max(LONG_WINDOW_MS, limit.windowMs),
  };
}

/** How many a percentage lets go of so many: rounded up, and never less than what a small company needs. */
export function shareOf(counter: GuardCounter, percent: number, owned: number): number {
  // Rounded to a millionth first: 16.1 % of 1,000 is 161, which binary fractions make a little more.
  return Math.max(LEAST[counter], Math.ceil(Number(((owned * percent) / 100).toFixed(6))));
}

/** What a counter counts, of one alone. */
const ONE: { readonly [counter in GuardCounter]: string } = {
  removals: "removal",
  members: "membership removal",
  creations: "creation or join",
  updates: "update",
  matching: "change of a matching attribute",
};

/**
 * Judges planned changes against one window. Trips when, with them, either figure is exceeded: `percent` of what was
 * owned and active at the window's start, as {@link shareOf} has it, or `count`. `countedInWindow` are those applied
 * without approval; approved and undone ones do not count. Nothing planned never trips.
 */
export function judgeGuard(of: {
  readonly counter?: GuardCounter;
  readonly limit: GuardLimit;
  readonly ownedAtWindowStart: number;
  readonly countedInWindow: number;
  readonly planned: number;
  /** What is counted, in the plural. Default: `removals`. */
  readonly what?: string;
  /** What the percentage is taken of, in the plural. Default: `active records`. */
  readonly base?: string;
}): GuardVerdict {
  const { counter = "removals", limit, ownedAtWindowStart: owned, countedInWindow: counted, planned } = of;
  const share = shareOf(counter, limit.percent, owned);
  const total = counted + planned;
  const trips = planned > 0 && (total > share || total > limit.count);
  const before = counted > 0 ? ` and ${grouped(counted)} applied in the last ${formatDuration(limit.windowMs)}` : "";
  const what = planned === 1 ? ONE[counter] : (of.what ?? "removals");
  const isLeast = share > (owned * limit.percent) / 100 && share === LEAST[counter];
  const least = isLeast ? `, at least ${LEAST[counter]}` : "";
  const count = limit.count < Number.MAX_SAFE_INTEGER ? ` and at most ${grouped(limit.count)}` : "";
  const detail =
    `${grouped(planned)} ${what} planned${before}; in ${formatDuration(limit.windowMs)} the guard ` +
    `allows ${grouped(share)} (${limit.percent} % of ${grouped(owned)} ${of.base ?? "active records"}${least})${count}.`;
  return { trips, detail };
}
