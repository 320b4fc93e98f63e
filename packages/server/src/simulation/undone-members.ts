import type { Content, Held } from "./content.ts";
import type { RunEffect } from "./play.ts";

/**
 * Of the memberships that a run moved, or that went with the records that it deleted: those that undoing it has not brought back
 * although both ends are there. `excused`: object ids of whom the undoing says that something of them stays.
 */
export function unrestoredMembers(
  effect: RunEffect,
  of: { readonly before: Content; readonly content: Content; readonly excused: ReadonlySet<string> },
): readonly string[] {
  const { before, content, excused } = of;
  const there = new Set([...content.values()].map(keyOf));
  return teamsIn(effect.before).flatMap((was) => {
    const team = keyOf(was);
    const [made, now, is] = [effect.after, before, content].map((one) => teamOf(one, team));
    if (is == null || excused.has(team)) return [];
    const [had, left, stood, has] = [
      membersIn(effect.before, was),
      membersIn(effect.after, made ?? null),
      membersIn(before, now ?? null),
      membersIn(content, is),
    ];
    const lost = [...had].filter((id) => !left.has(id) && !stood.has(id) && !has.has(id));
    const kept = [...left].filter((id) => !had.has(id) && stood.has(id) && has.has(id));
    const isMeant = (id: string): boolean => there.has(id) && !excused.has(id);
    return [
      ...lost.filter(isMeant).map((id) => `${id} was in ${was.values.name}, went from it, and is not in it again`),
      ...kept.filter(isMeant).map((id) => `${id} came into ${was.values.name}, and is still in it`),
    ];
  });
}

function teamsIn(content: Content): readonly Held[] {
  return [...content.values()].filter(({ kind, values }) => kind === "team" && values.key !== null);
}

function teamOf(content: Content, key: string): Held | null {
  return teamsIn(content).find((team) => keyOf(team) === key) ?? null;
}

function keyOf({ values, id }: Held): string {
  return values.key ?? id;
}

/** Object ids of a team's members; of a stranger, or of a record that is gone, the record id. */
function membersIn(content: Content, team: Held | null): ReadonlySet<string> {
  const members = (team?.members ?? []).map((id) => content.get(id));
  return new Set(members.flatMap((held) => (held === undefined ? [] : [keyOf(held)])));
}
