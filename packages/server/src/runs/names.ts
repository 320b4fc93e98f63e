import type { Attributes } from "@entrain/core";

/** The name in a stored record's attributes; null when it has none. */
export function nameIn(attributes: string | null): string | null {
  if (attributes === null) return null;
  const { displayName, userPrincipalName } = JSON.parse(attributes) as Attributes;
  if (typeof displayName === "string") return displayName;
  return typeof userPrincipalName === "string" ? userPrincipalName : null;
}
