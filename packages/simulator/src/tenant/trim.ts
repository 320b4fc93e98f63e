import type { GeneratedGroup } from "./group-making.ts";

/**
 * Leaves at most this many direct memberships, taken from the largest groups, so that a tenant of a wanted size can be
 * made. A dynamic group that loses members is paused: its rule would bring them back.
 */
export function trimMemberships(groups: readonly GeneratedGroup[], most: number): readonly GeneratedGroup[] {
  const sizes = groups.map(({ members }) => members.length).sort((a, b) => a - b);
  let left = most;
  let cap = Number.POSITIVE_INFINITY;
  for (const [index, size] of sizes.entries()) {
    const share = Math.floor(left / (sizes.length - index));
    if (size > share) {
      cap = share;
      break;
    }
    left -= size;
  }
  let spare = cap === Number.POSITIVE_INFINITY ? 0 : left - cap * sizes.filter((size) => size > cap).length;
  return groups.map(({ record, members }) => {
    if (members.length <= cap) return { record, members };
    const extra = spare > 0 ? 1 : 0;
    spare -= extra;
    const paused = record.membershipRule === undefined ? {} : { membershipRuleProcessingState: "Paused" };
    return { record: { ...record, ...paused }, members: members.slice(0, cap + extra) };
  });
}
