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

/** What a permission includes besides itself ("Microsoft Graph permissions reference"); never hidden memberships. */
const INCLUDES: Readonly<Record<string, RegExp>> = {
  "Directory.Read.All": /^(?!Member\.)/,
  "User.Read.All": /^User\.ReadBasic\.All$/,
  "Group.Read.All": /^(Group\.ReadBasic|GroupMember\.Read(Basic)?)\.All$/,
  "GroupMember.Read.All": /^GroupMember\.ReadBasic\.All$/,
};

/** The reading permissions among a token's roles, sorted, with writing ones as the reading that they include. */
export function readingRoles(kind: SourceKind, roles: readonly string[] | null): readonly string[] | null {
  if (roles === null) return null;
  const reading = roles.filter((role) => READING[kind].test(role)).map((role) => role.replace("ReadWrite", "Read"));
  return [...new Set(reading)].sort((a, b) => (a < b ? -1 : 1));
}

/** The reading permissions that were there before, are not now, and are not included in another one. */
export function lostRoles(before: readonly string[] | null, now: readonly string[] | null): readonly string[] {
  if (before === null || now === null) return [];
  const covered = (role: string): boolean => now.some((held) => held === role || INCLUDES[held]?.test(role));
  return before.filter((role) => !covered(role));
}

/** True when something may be visible now that was not before. */
export function hasMoreRoles(before: readonly string[] | null, now: readonly string[] | null): boolean {
  return now !== null && (before === null || now.some((role) => !before.includes(role)));
}
