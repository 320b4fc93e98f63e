import { ENDPOINTS, type Endpoint } from "./permission-table.ts";

/** What a connection can be used for, as far as it decides which permissions the application needs. */
export interface Feature {
  readonly name: FeatureName;
  /** After "to", for people: `read people`. */
  readonly purpose: string;
  /** The least permission that opens every endpoint and shows all that is read there. */
  readonly permission: string;
  /** Do as well, and are not called excess. */
  readonly alike: readonly string[];
  /** Another permission does too when it opens all of these; without any, only those above do. */
  readonly endpoints: readonly Endpoint[];
  /** The licence that Microsoft asks of the tenant. */
  readonly licence: "P1" | "P2 or ID Governance" | null;
}

export type FeatureName = (typeof FEATURE_NAMES)[number];

export const FEATURE_NAMES = [
  "people",
  "groups",
  "hidden-members",
  "notifications",
  "credential-expiry",
  "sign-in-activity",
  "contacts",
  "photos",
  "licences",
  "assigned-apps",
  "conditional-access",
  "access-reviews",
] as const;

/** What every connection is used for. */
export const USUAL_FEATURES: readonly FeatureName[] = ["people", "groups"];
/** Used as soon as they are granted, and not missed without. */
export const WELCOME_FEATURES: readonly FeatureName[] = ["hidden-members", "notifications", "credential-expiry"];

function feature(
  name: FeatureName,
  purpose: string,
  permission: string,
  more: Partial<Pick<Feature, "alike" | "endpoints" | "licence">> = {},
): Feature {
  return { name, purpose, permission, alike: [], endpoints: [], licence: null, ...more };
}

export const FEATURES: { readonly [N in FeatureName]: Feature } = {
  // User.ReadBasic.All opens some of these, but hides whether accounts are enabled.
  people: feature("people", "read people, their managers and their changes", "User.Read.All", {
    endpoints: ["GET /organization", "GET /users", "GET /users/{id}/manager", "GET /users/delta"],
  }),
  // Group.Read.All also shows conversations, calendars and files ("Microsoft Graph permissions reference").
  groups: feature("groups", "read groups, their members and their changes", "GroupMember.Read.All", {
    alike: ["Group.Read.All"],
    endpoints: ["GET /groups", "GET /groups/{id}/members", "GET /groups/delta"],
  }),
  "hidden-members": feature("hidden-members", "read the members of groups that hide them", "Member.Read.Hidden"),
  // "Create subscription": the least permission for `groups`; that for `users` is needed anyway.
  notifications: feature("notifications", "hear of changed groups at once", "Group.Read.All", {
    alike: ["Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
  }),
  "credential-expiry": feature("credential-expiry", "see when its own secrets end", "Application.Read.All", {
    alike: ["Application.ReadWrite.OwnedBy"],
    endpoints: ["GET /applications"],
  }),
  // "List users": signInActivity needs it beside User.Read.All.
  "sign-in-activity": feature("sign-in-activity", "read when people last signed in", "AuditLog.Read.All", {
    licence: "P1",
  }),
  contacts: feature("contacts", "read organisational contacts", "OrgContact.Read.All", {
    endpoints: ["GET /contacts/delta"],
  }),
  // "Get profilePhoto": what reading people needs shows their photos too.
  photos: feature("photos", "read people's photos", "ProfilePhoto.Read.All", {
    alike: ["User.Read.All"],
    endpoints: ["GET /users/{id}/photo"],
  }),
  licences: feature("licences", "read the tenant's licences", "LicenseAssignment.Read.All", {
    alike: ["Organization.Read.All"],
    endpoints: ["GET /subscribedSkus"],
  }),
  "assigned-apps": feature("assigned-apps", "read who is assigned to applications", "Application.Read.All", {
    endpoints: ["GET /servicePrincipals", "GET /servicePrincipals/{id}/appRoleAssignedTo"],
  }),
  "conditional-access": feature("conditional-access", "read conditional access policies", "Policy.Read.All", {
    endpoints: ["GET /identity/conditionalAccess/policies"],
    licence: "P1",
  }),
  "access-reviews": feature("access-reviews", "read access reviews", "AccessReview.Read.All", {
    endpoints: ["GET /identityGovernance/accessReviews/definitions"],
    licence: "P2 or ID Governance",
  }),
};

/** The least permissions for some features, each once. */
export function leastPermissions(names: readonly FeatureName[]): readonly string[] {
  const features = names.map((name) => FEATURES[name]);
  return [...new Set(features.map((one) => leastPermission(one, features)))];
}

/** What to grant for one of some features: its own permission, unless what another of them needs does its work too. */
export function leastPermission({ permission, alike }: Feature, all: readonly Feature[]): string {
  return all.find((other) => alike.includes(other.permission))?.permission ?? permission;
}

/** Whose token it is: the application's own, or that of a person who signed in. */
export type TokenKind = "application" | "delegated";

/** Opens endpoints, but shows less there: names alone, or only what the application itself made. */
const NARROW = /ReadBasic|(?:Owned|Parented)By$/;

/** True when a permission opens every endpoint of a feature for such a token, and shows there all that the feature reads. */
export function opens(permission: string, { endpoints }: Feature, token: TokenKind): boolean {
  if (endpoints.length === 0 || NARROW.test(permission)) return false;
  return endpoints.every((endpoint) => ENDPOINTS[endpoint][token].includes(permission));
}
