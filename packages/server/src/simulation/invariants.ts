import type { SyncDefinition, Value } from "@entrain/core";
import type { Chronicle } from "./chronicle.ts";
import type { Content, Held, Values, Words } from "./content.ts";
import type { Difference, Intent } from "./witness.ts";

/** What one piece of the engine's work did to the target, and everything that may explain it. */
export interface Observation {
  readonly before: Content;
  readonly after: Content;
  readonly differences: readonly Difference[];
  /** The intents of this work. */
  readonly fresh: readonly Intent[];
  /** All intents so far. */
  readonly intents: readonly Intent[];
  readonly chronicle: Chronicle;
  readonly words: Words;
  /** Every definition of the sync of people that was ever in force. */
  readonly definitions: readonly SyncDefinition[];
  /** The keys that records were last seen with, also of those that are gone. */
  readonly keys: ReadonlyMap<string, string>;
  /** Record ids that the engine created or joined, by what it did. */
  readonly origins: ReadonlyMap<string, string>;
}

/** A checker: the sentences of everything that breaks its invariant. */
export type Check = (seen: Observation) => readonly string[];

const who = (one: Held | null): string =>
  one === null ? "nobody" : `${one.values.name ?? one.values.login ?? one.id} (${one.kind} ${one.id})`;

/** The intents that can have done something to a record. */
function intentsFor({ intents, before, after }: Observation, id: string): readonly Intent[] {
  const keys = new Set([before.get(id)?.values.key, after.get(id)?.values.key]);
  return intents.filter(({ recordId, objectId }) => recordId === id || keys.has(objectId));
}

const isUndoing = ({ part }: Intent): boolean => part === "undo";

/** 1. Nothing is disabled, deleted, removed or cleared that was not gone, absent or empty at the source at some time. */
const removalsAreTrue: Check = (seen) => {
  const { chronicle, before, after } = seen;
  const breaches: string[] = [];
  for (const { before: was, after: is } of seen.differences) {
    if (was === null) continue;
    if (intentsFor(seen, was.id).some(isUndoing)) continue;
    const key = was.values.key ?? is?.values.key ?? "";
    if ((is === null || (was.active && !is.active)) && !chronicle.wasGone(key))
      breaches.push(`${who(was)} was ${is === null ? "deleted" : "disabled"}, and never left at the source`);
    if (is === null) continue;
    for (const member of was.members.filter((id) => !is.members.includes(id))) {
      const person = before.get(member) ?? after.get(member);
      const id = person?.values.key ?? "";
      if (after.has(member) && id !== "" && !chronicle.wasAbsent(key, id))
        breaches.push(`${who(person ?? null)} was taken out of ${who(was)}, and never left it at the source`);
    }
    for (const value of ["title", "manager"] as const) {
      const isCleared = was.values[value] !== null && is.values[value] === null;
      // Nobody can be referred to who has no record.
      const known = new Set([...after.values()].map(({ values }) => values.key));
      const isCascade = value === "manager" && [...chronicle.managersOf(key)].some((id) => !known.has(id));
      const isTrue = chronicle.wasEmpty(key, value) || (value === "manager" && isCascade);
      if (isCleared && !isTrue && seen.origins.get(was.id) !== "join")
        breaches.push(`the ${value} of ${who(was)} was cleared, and was never empty at the source`);
    }
  }
  return breaches;
};

/** 2. Nothing changes in the target but what we created or joined; a joined record is deleted by explicit policy only. */
const othersAreLeftAlone: Check = (seen) => {
  const breaches: string[] = [];
  for (const { before: was, after: is } of seen.differences) {
    if (was === null) continue;
    const origin = seen.origins.get(was.id);
    if (origin === undefined) {
      breaches.push(`${who(was)} is not ours and was ${is === null ? "deleted" : `changed to ${JSON.stringify(is)}`}`);
      continue;
    }
    if (is !== null || origin !== "join") continue;
    const deletes = seen.definitions.some(({ deprovision }) =>
      Object.values(deprovision).some((policy) => policy === "delete"),
    );
    const isAsked = intentsFor(seen, was.id).some(({ action, planned }) => {
      return action === "delete" && planned?.cause !== "undone" && planned?.cause !== "unjoined";
    });
    if (!deletes || !isAsked) breaches.push(`${who(was)} was joined, and deleted without a policy that says so`);
  }
  return breaches;
};

/** 3. What the target shows is what was planned, unaltered; and approved, where approval was asked. */
const changesArePlanned: Check = (seen) => {
  const breaches: string[] = [];
  for (const intent of seen.fresh) {
    const what = `the intent ${intent.run}/${intent.ordinal} (${intent.action} ${intent.objectId})`;
    if (intent.planned === null) {
      breaches.push(`${what} stands in no plan`);
      continue;
    }
    const { planned } = intent;
    if (planned.objectId !== intent.objectId || planned.action !== intent.action)
      breaches.push(`${what} is another change in the plan`);
    if (intent.action !== "members" && JSON.stringify(intent.after) !== JSON.stringify(parsed(planned.after)))
      breaches.push(`${what} is not what was planned`);
    const asks = intent.part !== "changes" || (intent.holds !== null && intent.holds !== "[]");
    if (asks && !intent.approved) breaches.push(`${what} waits for an approval that nobody gave`);
  }
  for (const difference of seen.differences) breaches.push(...unplanned(seen, difference));
  return breaches;
};

function unplanned(seen: Observation, { before: was, after: is }: Difference): readonly string[] {
  const id = (was ?? is)?.id ?? "";
  const intents = intentsFor(seen, id);
  const has = (...actions: readonly string[]): boolean => intents.some(({ action }) => actions.includes(action));
  if (was === null) return has("create") ? [] : [`${who(is)} was created without an intent`];
  if (is === null) return has("delete") ? [] : [`${who(was)} was deleted without an intent`];
  const breaches: string[] = [];
  if (was.active !== is.active && !has("enable", "disable", "join", "create"))
    breaches.push(`${who(was)} was ${is.active ? "enabled" : "disabled"} without an intent`);
  for (const name of Object.keys(is.values) as (keyof Values)[]) {
    if (was.values[name] === is.values[name]) continue;
    if (name === "manager" && is.values.manager === null && !seen.after.has(was.values.manager ?? "")) continue;
    const attribute = seen.words.names[name];
    const wanted = sourceForm(seen, name, is.values[name]);
    const asked = attribute !== null && intents.some(({ after }) => sameText(after?.[attribute] ?? null, wanted));
    if (!asked) breaches.push(`the ${name} of ${who(is)} became ${is.values[name]}, which no intent asked for`);
  }
  for (const member of moved(was.members, is.members)) {
    if (!seen.after.has(member)) continue;
    const key = seen.after.get(member)?.values.key ?? "";
    if (!intents.some(({ action, planned }) => action === "members" && names(planned, key)))
      breaches.push(`${who(seen.after.get(member) ?? null)} moved in ${who(is)}, which no intent asked for`);
  }
  return breaches;
}

function parsed(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}

function names(planned: Intent["planned"], key: string): boolean {
  return (planned?.add ?? "").includes(key) || (planned?.remove ?? "").includes(key);
}

function moved(before: readonly string[], after: readonly string[]): readonly string[] {
  return [...before.filter((id) => !after.includes(id)), ...after.filter((id) => !before.includes(id))];
}

/** A value as plans and journal hold it: a manager is named by the object id. */
function sourceForm({ keys }: Observation, name: keyof Values, value: string | null): Value {
  if (name !== "manager" || value === null) return value;
  return { $ref: keys.get(value) ?? "" };
}

function sameText(left: Value, right: Value): boolean {
  const empty = (value: Value): Value => (value === "" ? null : value);
  return JSON.stringify(empty(left)) === JSON.stringify(empty(right));
}

/** 6. A record stays that of one object id: names and logins that pass to somebody else take nothing along. */
const identityStays: Check = ({ differences, chronicle }) =>
  differences.flatMap(({ before: was, after: is }) => {
    const [from, to] = [was?.values.key ?? null, is?.values.key ?? null];
    if (from === null || to === null || from === to) return [];
    // What somebody else's hand had written there is nobody's object id.
    return chronicle.knows(from) && chronicle.knows(to) ? [`${who(was)} passed from ${from} to ${to}`] : [];
  });

/** What is checked after every piece of the engine's work, by the invariant's number. */
export const AFTER_WORK: readonly { readonly invariant: number; readonly check: Check }[] = [
  { invariant: 1, check: removalsAreTrue },
  { invariant: 2, check: othersAreLeftAlone },
  { invariant: 3, check: changesArePlanned },
  { invariant: 6, check: identityStays },
];
