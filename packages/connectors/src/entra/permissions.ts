import type { SourceKind } from "@entrain/core";

/**
 * The permissions that decide what reads show. Writing includes reading. A member whose own kind may not be read is still
 * answered with its id and type ("List group members"), so that only permissions on groups decide about memberships.
 */
const READING: Readonly<Record<SourceKind, RegExp>> = {
  user: /^(User|Directory)\.Read(Write)?(Basic)?\./,
  contact: /^(OrgContact|Directory)\.Read(Write)?\./,
  group: /^(Group|GroupMember|Member|Directory)\.Read(Write)?(Basic)?\./,
};

/** What each of these alone shows of its kind is all that is ever read of it; never hidden memberships. */
const ENOUGH: Readonly<Record<SourceKind, readonly string[]>> = {
  user: ["User.Read.All", "Directory.Read.All"],
  contact: ["OrgContact.Read.All", "Directory.Read.All"],
  group: ["GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"],
};
const HIDDEN = /^Member\./;

/** The reading permissions among a token's roles, sorted, with writing ones as the reading that they include. */
export function readingRoles(kind: SourceKind, roles: readonly string[] | null): readonly string[] | null {
  if (roles === null) return null;
  const reading = roles.filter((role) => READING[kind].test(role)).map((role) => role.replace("ReadWrite", "Read"));
  return [...new Set(reading)].sort((a, b) => (a < b ? -1 : 1));
}

/** The reading permissions that were there before and are not now, unless those that are left show as much of the kind. */
export function lostRoles(
  kind: SourceKind,
  before: readonly string[] | null,
  now: readonly string[] | null,
): readonly string[] {
  if (before === null || now === null) return [];
  const isEnough = ENOUGH[kind].some((role) => now.includes(role));
  return before.filter((role) => !now.includes(role) && !(isEnough && !HIDDEN.test(role)));
}

/** True when something may be visible now that was not before. */
export function hasMoreRoles(before: readonly string[] | null, now: readonly string[] | null): boolean {
  return now !== null && (before === null || now.some((role) => !before.includes(role)));
}
