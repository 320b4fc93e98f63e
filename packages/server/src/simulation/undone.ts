import type { Content, Held, Values } from "./content.ts";
import { Breach, type Play, type RunEffect } from "./play.ts";
import { unrestoredMembers } from "./undone-members.ts";
import { differencesOf } from "./witness.ts";

/**
 * 8. Undoing restores every value and every membership that the run changed and nobody changed since, and makes deleted records
 * again; what it leaves, it lists. Of another sync's run (`isOthers`) it brings the memberships back that went with its records.
 */
export function checkUndo(
  play: Play,
  of: { readonly digest: string; readonly before: Content; readonly isOthers?: boolean },
): void {
  const { reader, effects, content } = play;
  const plan = reader.rows("select id, undoes from plans where digest = ? and part = 'undo'", of.digest)[0];
  const effect = effects.get(String(plan?.undoes));
  if (plan === undefined || effect === undefined) return;
  const listed = reader.rows("select object_id from plan_issues where plan = ?", String(plan.id));
  const undone = reader.rows(
    "select object_id from plan_changes where plan = ? and state not in ('applied', 'unchanged')",
    String(plan.id),
  );
  const excused = new Set([...listed, ...undone].map(({ object_id: id }) => String(id)));
  const members = unrestoredMembers(effect, { before: of.before, content, excused });
  const values = of.isOthers === true ? [] : differencesOf(effect.before, effect.after);
  const breaches = values.flatMap(({ before: was, after: made }) => {
    const key = made?.values.key ?? was?.values.key ?? "";
    if (excused.has(key)) return [];
    // What another hand had written, no before-image holds: the engine had not read it since.
    if (play.touched.has(key)) return [];
    return judge(
      { was, made, now: of.before.get((made ?? was)?.id ?? "") ?? null, is: recordOf(content, key, was) },
      effect,
      of.before,
      content,
    );
  });
  if (breaches.length + members.length > 0) throw new Breach(8, [...breaches, ...members]);
}

interface Record {
  readonly was: Held | null;
  readonly made: Held | null;
  /** Before the undoing. */
  readonly now: Held | null;
  /** Behind it. */
  readonly is: Held | null;
}

function recordOf(content: Content, key: string, was: Held | null): Held | null {
  const byId = was === null ? undefined : content.get(was.id);
  return byId ?? [...content.values()].find(({ values }) => values.key === key) ?? null;
}

function judge(
  { was, made, now, is }: Record,
  effect: RunEffect,
  before: Content,
  content: Content,
): readonly string[] {
  const name = (was ?? made)?.values.name;
  if (was === null) return now !== null && is !== null ? [`${name} was created by the run, and is still there`] : [];
  // It went by another hand, or another undoing, before this one.
  if (made !== null && now === null) return [];
  if (is === null) return [`${name} is not there any more`];
  const breaches: string[] = [];
  for (const value of Object.keys(was.values) as (keyof Values)[]) {
    const [from, to] = [told(effect.before, was, value), told(effect.after, made, value)];
    const isTouched = made !== null && told(before, now, value) !== to;
    const isLost =
      value === "manager" && from !== null && ![...content.values()].some(({ values }) => values.key === from);
    if (from === to || isTouched || isLost) continue;
    const found = told(content, is, value);
    if (found !== from) breaches.push(`the ${value} of ${name} was ${from}, became ${to}, and is ${found}`);
  }
  if (made !== null && made.active !== was.active && now?.active === made.active && is.active !== was.active)
    breaches.push(`${name} was ${was.active ? "active" : "disabled"} and is not again`);
  return breaches;
}

/** A value, managers by their keys. */
function told(content: Content, held: Held | null, value: keyof Values): string | null {
  const found = held?.values[value] ?? null;
  return value === "manager" && found !== null ? (content.get(found)?.values.key ?? null) : found;
}
