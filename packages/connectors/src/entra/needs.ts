import { LICENCES, PHOTO, SIGN_IN_ACTIVITY } from "./attributes.ts";
import {
  FEATURES,
  type Feature,
  type FeatureName,
  leastPermission,
  opens,
  type TokenKind,
  USUAL_FEATURES,
  WELCOME_FEATURES,
} from "./features.ts";

/** A permission beyond what is needed that somebody wants to keep, and why. */
export interface AcceptedPermission {
  readonly permission: string;
  readonly note: string;
}

/**
 * One permission and how it stands. `needed` and there; `missing`; `welcome`: not needed but used; `broader`: not granted, but
 * `instead` does its work and more; `excess`; `accepted`: an excess that somebody wants, with `note`.
 */
export interface PermissionStanding {
  readonly permission: string;
  readonly state: "needed" | "missing" | "welcome" | "broader" | "excess" | "accepted";
  /** The features that it is for. */
  readonly features: readonly FeatureName[];
  readonly purpose: string;
  readonly instead: string | null;
  readonly note: string | null;
}

/** What an application's needs are judged by. */
export interface Needs {
  readonly features: readonly FeatureName[];
  readonly accepted: readonly AcceptedPermission[];
  /** A permission may open for a person what it does not open for an application. */
  readonly token: TokenKind;
}

/** Reads less than a needed permission includes, or only names the application's own sign-in. */
const HARMLESS: ReadonlySet<string> = new Set([
  "User.ReadBasic.All",
  "Group.ReadBasic.All",
  "GroupMember.Read.All",
  "GroupMember.ReadBasic.All",
  "Organization.Read.All",
  "User.Read",
  "openid",
  "profile",
  "email",
  "offline_access",
]);

/** The features of a connection: those that everybody uses, those asked for, and what its attributes imply. */
export function featuresOf(given: {
  readonly features?: readonly FeatureName[] | undefined;
  readonly attributes?: readonly string[] | undefined;
}): readonly FeatureName[] {
  const asks = (name: string): boolean => given.attributes?.includes(name) === true;
  const implied: readonly FeatureName[] = [
    ...(asks(SIGN_IN_ACTIVITY) ? ["sign-in-activity" as const] : []),
    ...(asks(LICENCES) ? ["licences" as const] : []),
    ...(asks(PHOTO) ? ["photos" as const] : []),
  ];
  return [...new Set([...USUAL_FEATURES, ...(given.features ?? []), ...implied])];
}

/** Compares a token's permissions with what the features need: first the needed ones, then the rest in the token's order. */
export function judgePermissions(
  roles: readonly string[],
  { features, accepted, token }: Needs,
): readonly PermissionStanding[] {
  const needed = features.map((name) => FEATURES[name]);
  const welcome = WELCOME_FEATURES.filter((name) => !features.includes(name)).map((name) => FEATURES[name]);
  const missing = needed.filter((feature) => standingOf(feature, roles, token).state === "missing");
  const standing = merged(
    needed.map((feature) => {
      const found = standingOf(feature, roles, token);
      return found.state === "missing" ? { ...found, permission: leastPermission(feature, missing) } : found;
    }),
  );
  const told = new Set(standing.map(({ permission }) => permission));
  const used = merged(welcome.flatMap((feature) => welcomed(feature, roles))).filter(
    ({ permission }) => !told.has(permission),
  );
  const useful = new Set([...standing, ...used].map(({ permission }) => permission));
  const rest = roles.filter((role) => !useful.has(role) && !HARMLESS.has(role));
  return [...standing, ...used, ...rest.map((role) => excessOf(role, standing, accepted))];
}

function standingOf(feature: Feature, roles: readonly string[], token: TokenKind): PermissionStanding {
  const { permission, alike } = feature;
  const same = roles.find((role) => role === permission) ?? roles.find((role) => alike.includes(role));
  if (same !== undefined) return { ...plain(feature, "needed"), permission: same };
  const broader = roles.find((role) => opens(role, feature, token));
  return broader === undefined ? plain(feature, "missing") : { ...plain(feature, "broader"), instead: broader };
}

function welcomed(feature: Feature, roles: readonly string[]): readonly PermissionStanding[] {
  return roles.includes(feature.permission) ? [plain(feature, "welcome")] : [];
}

function plain({ name, purpose, permission }: Feature, state: PermissionStanding["state"]): PermissionStanding {
  return { permission, state, features: [name], purpose, instead: null, note: null };
}

/** One permission may serve several features. */
function merged(all: readonly PermissionStanding[]): readonly PermissionStanding[] {
  const byName = new Map<string, PermissionStanding>();
  for (const one of all) {
    const before = byName.get(one.permission);
    const both = (name: "purpose"): string => `${before?.[name]}; ${one[name]}`;
    const more = { features: [...(before?.features ?? []), ...one.features], purpose: both("purpose") };
    byName.set(one.permission, before === undefined ? one : { ...before, ...more });
  }
  return [...byName.values()];
}

function excessOf(
  permission: string,
  needed: readonly PermissionStanding[],
  accepted: readonly AcceptedPermission[],
): PermissionStanding {
  const note = accepted.find((one) => one.permission === permission)?.note ?? null;
  const stands = needed.filter(({ instead }) => instead === permission).map((one) => one.permission);
  const state = note === null ? "excess" : "accepted";
  const purpose = stands.length === 0 ? "nothing that Entrain does" : `in place of ${stands.join(" and ")}`;
  const order = stands.length === 0 || state === "accepted" ? "" : ", which must be granted before it is removed";
  return { permission, state, features: [], purpose: `${purpose}${order}`, instead: null, note };
}
