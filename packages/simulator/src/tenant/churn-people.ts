import { listSites } from "./company.ts";
import type { Random } from "./random.ts";
import type { GraphGroup, GraphUser, Json } from "./types.ts";

/** A user of a tenant, where everyone has an id. */
export type TenantUser = GraphUser & { readonly id: string };

/** What changes with the desk. */
export const PLACE_OF_WORK: readonly string[] = [
  "department", "jobTitle", "companyName", "city", "state", "country", "streetAddress", "postalCode", "officeLocation", "usageLocation",
]; // biome-ignore format: a list is read across
/** What a joiner has in common with the colleague at the next desk. */
export const HIRED_ALIKE: readonly string[] = [...PLACE_OF_WORK, "preferredLanguage"];

/** A member of the company with a name, a sign-in name and an account in use; rooms, mailboxes and services are none. */
export function isMember(user: TenantUser): boolean {
  const name = text(user, "userPrincipalName") ?? "";
  return (
    user.accountEnabled !== false &&
    user.userType !== "Guest" &&
    name.includes("@") &&
    !name.includes("#EXT#") &&
    (text(user, "givenName") ?? text(user, "jobTitle") ?? text(user, "department")) !== null
  );
}

/** A member whom Graph lets an application change: people synced from on-premises are mastered there. */
export function isEmployee(user: TenantUser): boolean {
  return isMember(user) && user.onPremisesSyncEnabled !== true;
}

/** A group whose members Graph lets an application change. */
export function isWritableGroup(group: GraphGroup): boolean {
  const types = group.groupTypes ?? [];
  const inExchange = group.mailEnabled === true && !types.includes("Unified");
  const ruled = types.includes("DynamicMembership") || group.isAssignableToRole === true;
  return !inExchange && !ruled && group.onPremisesSyncEnabled !== true;
}

/** The named properties of a user; null for one that the user lacks, so that taking them over clears it. */
export function pick(user: GraphUser, names: readonly string[]): Record<string, Json> {
  return Object.fromEntries(names.map((name) => [name, user[name] ?? null]));
}

/** A property that is a string and not empty, or null. */
export function text(user: GraphUser, property: string): string | null {
  const value = user[property];
  return typeof value === "string" && value !== "" ? value : null;
}

const SCRIPTS: readonly (readonly [pattern: RegExp, origin: string])[] = [
  [/\p{Script=Cyrillic}/u, "uk"],
  [/\p{Script=Greek}/u, "el"],
  [/\p{Script=Hebrew}/u, "he"],
  [/\p{Script=Arabic}/u, "ar"],
  [/\p{Script=Thai}/u, "th"],
  [/\p{Script=Hangul}/u, "ko"],
  [/\p{Script=Hiragana}|\p{Script=Katakana}/u, "ja"],
];

/** Which names fit beside a user's: by the script of the name, then by the country of the desk. */
export function originOf(random: Random, user: GraphUser): string {
  const written = text(user, "displayName") ?? "";
  const script = SCRIPTS.find(([pattern]) => pattern.test(written));
  if (script !== undefined) return script[1];
  const country = text(user, "usageLocation");
  if (/\p{Script=Han}/u.test(written)) return country === "JP" ? "ja" : "zh";
  const site = listSites().find(({ countryCode }) => countryCode === country);
  if (site === undefined) return "en";
  return Object.keys(site.origins)[random.weighted(Object.values(site.origins))] ?? "en";
}
