import type { Json, TenantFile } from "../tenant/types.ts";

/** Ids that read well in tests: `person(3)` is `00000000-0000-4000-8000-000000000003`. */
export function person(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

/** Ids of groups, apart from those of people. */
export function team(number: number): string {
  return `00000000-0000-4000-9000-${String(number).padStart(12, "0")}`;
}

/** A tenant of `people` numbered people and the named groups. */
export function smallTenant(
  people: number,
  groups: Readonly<Record<string, { readonly members: readonly string[]; readonly [property: string]: Json }>> = {},
): TenantFile {
  return {
    users: Array.from({ length: people }, (_, i) => ({
      id: person(i + 1),
      displayName: `Person ${i + 1}`,
      userPrincipalName: `person${i + 1}@contoso.com`,
      mail: `person${i + 1}@contoso.com`,
      mailNickname: `person${i + 1}`,
      department: i % 2 === 0 ? "Sales" : "Legal",
      accountEnabled: true,
    })),
    groups: Object.entries(groups).map(([id, { members: _, ...properties }]) => ({
      id,
      displayName: `Group ${id.slice(-2)}`,
      mailEnabled: false,
      securityEnabled: true,
      mailNickname: `group${Number(id.slice(-4))}`,
      ...properties,
    })),
    memberships: Object.fromEntries(Object.entries(groups).map(([id, { members }]) => [id, members])),
  };
}
