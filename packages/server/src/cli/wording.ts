import { type Counts, GUARD_COUNTERS, grouped, inWords, type MappingRule } from "@entrain/core";
import { momentInWords } from "../clock.ts";
import type { BegunPlan } from "../runs/begun.ts";
import { HOLD_CODES } from "../runs/guard.ts";
import type { PlanView } from "../runs/plan-queries.ts";
import type { PlannedSeats } from "../runs/seats.ts";
import type { Selection } from "../runs/selection.ts";

const WORDS: readonly (readonly [keyof Counts, string])[] = [
  ["create", "created"],
  ["join", "joined"],
  ["update", "updated"],
  ["enable", "enabled"],
  ["disable", "disabled"],
  ["delete", "deleted"],
  ["members", "memberships"],
  ["lookup", "lookup values created"],
];

/** `982 created, 3 joined`, or `no changes`. */
export function countsInWords(counts: Counts): string {
  const said = WORDS.flatMap(([key, word]) => {
    const count = counts[key] ?? 0;
    return count > 0 ? [`${grouped(count)} ${word}`] : [];
  });
  return said.length === 0 ? "no changes" : said.join(", ");
}

/** `2 changes: 1 created, 1 updated`, or `no changes`. */
export function plannedInWords(counts: Counts): string {
  const total = Object.values(counts).reduce((sum: number, count: number) => sum + count, 0);
  if (total === 0) return "no changes";
  return `${total === 1 ? "1 change" : `${grouped(total)} changes`}: ${countsInWords(counts)}`;
}

/** Who was not looked for may well have a record: then it cannot be said that nobody corresponds to it. */
export function unmanagedInWords({ count, maybe }: { readonly count: number; readonly maybe: number }): string {
  if (count === 0 || maybe === 0) return "nobody in scope corresponds to them, and they are left alone";
  const people = maybe === 1 ? "1 person" : `${grouped(maybe)} people`;
  return (
    "nobody who was looked for corresponds to them, and they are left alone; " +
    `${people} in scope could not be looked for (unmatchable, other, disabled): some of these records may be theirs`
  );
}

/** `12 by externalId, 3 by userName`: by which attributes records were joined; empty for none. */
export function joinedInWords(by: readonly { readonly attribute: string; readonly count: number }[]): string {
  return by.map(({ attribute, count }) => `${grouped(count)} by ${attribute}`).join(", ");
}

/** `940 ms`, `2.4 s`, `3 min 5 s`. */
export function durationInWords(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** `12 needed, 30 of 100 free`. */
export function seatsInWords({ used, total, needed, waiting }: PlannedSeats): string {
  const wait = waiting === 0 ? "" : `; ${grouped(waiting)} creations wait`;
  return `${grouped(needed)} needed, ${grouped(Math.max(0, total - used))} of ${grouped(total)} free${wait}`;
}

/** What a plan was limited to: `members of Sales`, `department EQUALS Sales`, ids. */
export function selectionInWords({ only = [], group, filter }: Selection): string {
  return [...(only.length > 0 ? [only.join(", ")] : []), ...(group ? [`members of ${group}`] : []), filter ?? []]
    .flat()
    .join("; ");
}

/** UTC to the second, or `never`. */
export function timeInWords(ms: number | null): string {
  return ms === null ? "never" : momentInWords(ms);
}

const HOLDERS: ReadonlyMap<string, string> = new Map([
  ...GUARD_COUNTERS.map((counter) => [HOLD_CODES[counter], `the ${counter} guard`] as const),
  ["approval_needed", "what always needs approval"],
]);

/** A plan's state, and of a part what it is: `held (by the creations guard)`, `applied (undo)`. */
export function stateInWords({ state, part, holds }: Pick<PlanView, "state" | "part" | "holds">): string {
  if (part === "changes") return state;
  // The stored name of all that was held, whichever guard held it.
  if (part !== "removals") return `${state} (${part})`;
  const holders = [...new Set(holds.flatMap(({ code }) => HOLDERS.get(code) ?? []))];
  if (holders.length === 0) return state;
  return state === "held" ? `held (by ${holders.join(", ")})` : `${state} (held by ${holders.join(", ")})`;
}

/** What waits for approval, with the command that lets it go. */
export function waitingInWords(sync: string, held: { readonly counts: Counts; readonly digest: string }): string {
  return `${countsInWords(held.counts)}: entrain sync approve ${sync} --digest ${held.digest}`;
}

/** What an attribute is made of, in one line: the source attribute's name, the constant, or the expression. */
export function ruleInWords(rule: MappingRule): string {
  if ("direct" in rule) return rule.direct;
  if ("constant" in rule) return `constant ${inWords(rule.constant)}`;
  return rule.expression.trim().replaceAll(/\s*\n\s*/g, " ");
}

/** What is left of a plan that was begun, in the words of what can be done about it. */
export function begunInWords(name: string, { digest, changes }: BegunPlan): string {
  const left = changes === 1 ? "1 change" : `${grouped(changes)} changes`;
  return (
    `${left} of a plan that was begun ${changes === 1 ? "is" : "are"} left. Go on with it: entrain sync run ${name}; ` +
    `drop it: entrain sync approve ${name} --digest ${digest} --reject`
  );
}

/** What is wrong, or will be soon, and how to mend it. */
export function warningInWords({ detail, fix }: { readonly detail: string; readonly fix: string }): string {
  return `${detail} ${fix}`;
}
