import type { Counts, Value } from "@entrain/core";

/** Everything is written in the way of the browser's own locale. */
const LOCALE: readonly string[] = navigator.languages;

const NUMBER = new Intl.NumberFormat([...LOCALE]);
const RATE = new Intl.NumberFormat([...LOCALE], { maximumSignificantDigits: 2 });
const ABSOLUTE = new Intl.DateTimeFormat([...LOCALE], { dateStyle: "medium", timeStyle: "medium" });
const RELATIVE = new Intl.RelativeTimeFormat([...LOCALE], { numeric: "auto", style: "short" });

export function number(value: number): string {
  return NUMBER.format(value);
}

/** Items a second: two digits are as much as a pace is worth. */
export function rate(perSecond: number): string {
  return RATE.format(perSecond);
}

export function absoluteTime(at: number): string {
  return ABSOLUTE.format(at);
}

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/**
 * How long ago something was, or how soon it is due. A server's clock may be a little ahead of the browser's: what was is
 * never said to come. What is due in less than a minute is due "in 1 minute"; what just was, was "now".
 */
export function relativeTime(at: number, now: number, due: boolean): string {
  const ms = due ? Math.max(at - now, 60_000) : Math.min(at - now, 0);
  for (const [unit, size] of UNITS) {
    if (Math.abs(ms) >= size) return RELATIVE.format(Math.trunc(ms / size), unit);
  }
  return RELATIVE.format(0, "second");
}

/** A duration in its one or two largest units: `340 ms`, `2.1 s`, `3 min 20 s`, `1 h 5 min`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${NUMBER.format(Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${NUMBER.format(Math.round(seconds * 10) / 10)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 === 0 ? `${minutes} min` : `${minutes} min ${whole % 60} s`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0 ? `${NUMBER.format(hours)} h` : `${NUMBER.format(hours)} h ${minutes % 60} min`;
}

/** `1 person`, `3 people`. */
export function plural(count: number, one: string, many: string): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** Kinds of change, in the order in which people ask about them, with their words. */
export const ACTIONS: readonly { readonly action: keyof Counts; readonly noun: string; readonly past: string }[] = [
  { action: "create", noun: "Create", past: "created" },
  { action: "join", noun: "Join", past: "joined" },
  { action: "update", noun: "Update", past: "updated" },
  { action: "enable", noun: "Enable", past: "enabled" },
  { action: "disable", noun: "Disable", past: "disabled" },
  { action: "delete", noun: "Delete", past: "deleted" },
  { action: "members", noun: "Members", past: "memberships" },
  { action: "lookup", noun: "Lookup", past: "lookup values created" },
];

/** How many changes of one kind. */
export function countOf(counts: Counts, action: keyof Counts): number {
  return counts[action] ?? 0;
}

/** `12 created, 3 updated`; null when nothing happened. */
export function countsInWords(counts: Counts): string | null {
  const parts = ACTIONS.filter(({ action }) => countOf(counts, action) > 0).map(
    ({ action, past }) => `${number(countOf(counts, action))} ${past}`,
  );
  return parts.length === 0 ? null : parts.join(", ");
}

export function totalOf(counts: Counts): number {
  return ACTIONS.reduce((total, { action }) => total + countOf(counts, action), 0);
}

/** `61 removals`, where all that a plan does is to remove; otherwise `61 changes`. */
export function whatOf(counts: Counts): string {
  const total = totalOf(counts);
  const removals = counts.disable + counts.delete;
  return total === removals ? plural(total, "removal", "removals") : plural(total, "change", "changes");
}

/** A value as a person reads it; a reference shows the object id that it points to. */
export function valueText(value: Value | undefined): string {
  if (value === undefined || value === null || value === "") return "";
  if (typeof value === "string") return value;
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map((item: Value) => valueText(item)).join(", ");
  if ("$ref" in value && typeof value.$ref === "string") return value.$ref;
  return JSON.stringify(value);
}
