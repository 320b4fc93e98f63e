import {
  DEFAULTS,
  formatDuration,
  GUARD_COUNTERS,
  type Guard,
  type GuardCounter,
  type GuardLimit,
  limitOf,
} from "@entrain/core";
import type { Checker } from "./checker.ts";
import type { Path } from "./document.ts";
import { readDuration } from "./values.ts";

/** What a limit may be; beyond it a guard holds nothing that anybody would want held. */
interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly why: string;
}

const HALF = { min: 0, max: 50, why: "a guard that lets more than half of all go at once guards nothing" };
const PERCENT: { readonly [counter in GuardCounter]: Bounds } = {
  removals: HALF,
  members: HALF,
  matching: HALF,
  creations: { min: 0, max: 100, why: "a guard that lets the records more than double guards nothing" },
  updates: { min: 0, max: 90, why: "a guard that lets nearly all be written over guards nothing" },
};
const COUNT: Bounds = {
  min: 0,
  max: 100_000,
  why: "the guard cannot be switched off; approve what it holds instead",
};

/** What the figures of a limit may be, in a document and while it is raised. */
export function boundsOf(counter: GuardCounter): { readonly percent: Bounds; readonly count: Bounds } {
  return { percent: PERCENT[counter], count: COUNT };
}

/** The limits of a sync's guards; what is left out is the default's. */
export function readGuard(checker: Checker, value: unknown, path: Path): Guard | undefined {
  const entry = checker.map(value ?? {}, path, GUARD_COUNTERS);
  if (entry === undefined) return undefined;
  const read = (counter: GuardCounter): GuardLimit | undefined =>
    readLimit(checker, entry[counter], [...path, counter], counter);
  const [removals, members, creations] = [read("removals"), read("members"), read("creations")];
  const [updates, matching] = [read("updates"), read("matching")];
  if (!(removals && members && creations && updates && matching)) return undefined;
  return { removals, members, creations, updates, matching };
}

function readLimit(checker: Checker, value: unknown, path: Path, counter: GuardCounter): GuardLimit | undefined {
  const fallback = limitOf(DEFAULTS.guard, counter);
  const entry = checker.map(value ?? {}, path, ["percent", "count", "window"]);
  if (entry === undefined) return undefined;
  const bounds = boundsOf(counter);
  const percent =
    entry.percent === undefined
      ? fallback.percent
      : checker.number(entry.percent, [...path, "percent"], bounds.percent);
  const count =
    entry.count === undefined ? fallback.count : checker.integer(entry.count, [...path, "count"], bounds.count);
  const windowMs =
    entry.window === undefined ? fallback.windowMs : readDuration(checker, entry.window, [...path, "window"]);
  if (percent === undefined || count === undefined || windowMs === undefined) return undefined;
  return { percent, count, windowMs };
}

/** The limits as a document has them, every one of them. */
export function plainGuard(guard: Guard): { readonly [counter: string]: object } {
  return Object.fromEntries(GUARD_COUNTERS.map((counter) => [counter, plainLimit(limitOf(guard, counter))]));
}

function plainLimit({ percent, count, windowMs }: GuardLimit): object {
  return { percent, count, window: formatDuration(windowMs) };
}
