import { byCodeUnits } from "../model/compare.ts";
import type { Change } from "../model/plan.ts";
import { grouped, plain } from "../model/wording.ts";
import { changeOf, type Linked, type SyncRules } from "./evaluation.ts";

/** One member of a group: whether it should be one, whether the target knows it as one, and whether it can be. */
export interface MemberState {
  readonly objectId: string;
  readonly desired: boolean;
  readonly known: boolean;
  readonly linked: Linked;
  /** For reasons; without it the object id is said. */
  readonly name?: string;
}

/** The membership changes of one group, and what cannot be changed now. */
export interface MemberPlan {
  readonly changes: readonly Change[];
  /** Members to be added as soon as their records exist. */
  readonly waitsFor: readonly string[];
  /** Members that an incomplete read says are gone. They stay. */
  readonly suppressed: readonly string[];
  /** Known members whose records exist no more, so nothing is left to remove: they can be forgotten. */
  readonly gone: readonly string[];
}

const SAID_NAMES = 3;

/**
 * Plans the memberships of one group, in chunks of at most `size` references, additions first, each in the order of
 * object ids. Members may come in any order, unchanged ones may be left out.
 */
export function planMembers(
  rules: Pick<SyncRules, "kind" | "operations">,
  group: { readonly objectId: string; readonly name: string; readonly recordId: string | null },
  members: Iterable<MemberState>,
  options: { readonly readComplete: boolean; readonly size?: number },
): MemberPlan {
  const add: MemberState[] = [];
  const remove: MemberState[] = [];
  const plan = { waitsFor: [] as string[], suppressed: [] as string[], gone: [] as string[] };
  for (const member of members) {
    if (member.desired === member.known) continue;
    if (member.desired) {
      if (member.linked === "no") plan.waitsFor.push(member.objectId);
      else add.push(member);
    } else if (!options.readComplete) plan.suppressed.push(member.objectId);
    else if (member.linked === "no") plan.gone.push(member.objectId);
    else remove.push(member);
  }
  for (const ids of Object.values(plan)) ids.sort(byCodeUnits);
  if (!rules.operations.update) return { ...plan, changes: [] };
  const byId = (a: MemberState, b: MemberState): number => byCodeUnits(a.objectId, b.objectId);
  const all = [...add.sort(byId), ...remove.sort(byId)];
  return { ...plan, changes: chunks(all, options.size ?? 100).map((chunk) => changeFor(rules, group, chunk)) };
}

function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

function changeFor(
  rules: Pick<SyncRules, "kind" | "operations">,
  group: { readonly objectId: string; readonly name: string; readonly recordId: string | null },
  chunk: readonly MemberState[],
): Change {
  const add = chunk.filter(({ desired }) => desired);
  const remove = chunk.filter(({ desired }) => !desired);
  return changeOf(rules, group, {
    action: "members",
    cause: "memberships",
    reason: [said(add, "added"), said(remove, "removed")].filter((clause) => clause !== "").join("; "),
    recordId: group.recordId,
    add: add.map(({ objectId }) => objectId),
    remove: remove.map(({ objectId }) => objectId),
  });
}

/** `3 added: Ana López, Bo and 1 more`. */
function said(members: readonly MemberState[], verb: string): string {
  if (members.length === 0) return "";
  const names = members.slice(0, SAID_NAMES).map(({ name, objectId }) => plain(name ?? objectId));
  const more = members.length > SAID_NAMES ? ` and ${members.length - SAID_NAMES} more` : "";
  return `${grouped(members.length)} ${verb}: ${names.join(", ")}${more}`;
}
