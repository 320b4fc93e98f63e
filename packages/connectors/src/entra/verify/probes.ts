import { ConnectorError } from "@entrain/core";
import { type Entity, type GraphClient, GraphRefusal } from "../client.ts";
import type { FeatureName } from "../features.ts";
import { photoHash } from "../photos.ts";
import { HASTY } from "../sender.ts";
import { type Found, howToGrant } from "./checking.ts";

/** What a probe works with. */
export interface Context {
  readonly client: GraphClient;
  readonly signal: AbortSignal;
}

/** A check after sign-in: what it is called, which permission it stands for, and how to find out. */
export interface Probe {
  readonly name: string;
  readonly feature: FeatureName;
  readonly permission: string;
  readonly find: (context: Context, permission: string) => Promise<Found>;
}

const GROUPS = "GroupMember.Read.All or Group.Read.All";

/** Every endpoint that a feature uses, asked for a handful of records. */
export const PROBES: readonly Probe[] = [
  { name: "organization", feature: "people", permission: "Organization.Read.All", find: organization },
  { name: "users", feature: "people", permission: "User.ReadBasic.All", find: users },
  { name: "user details", feature: "people", permission: "User.Read.All", find: userDetails },
  { name: "groups", feature: "groups", permission: GROUPS, find: groups },
  { name: "group members", feature: "groups", permission: GROUPS, find: groupMembers },
  {
    name: "user changes",
    feature: "people",
    permission: "User.Read.All",
    find: (c, name) => changes(c, "/users", name),
  },
  { name: "group changes", feature: "groups", permission: GROUPS, find: (c, name) => changes(c, "/groups", name) },
  {
    name: "sign-in activity",
    feature: "sign-in-activity",
    permission: "AuditLog.Read.All",
    find: licensed("/users?$top=1&$select=id,signInActivity", "Sign-in activity can be read.", "Microsoft Entra ID P1"),
  },
  {
    name: "contacts",
    feature: "contacts",
    permission: "OrgContact.Read.All",
    find: async (context, permission) => {
      await read(context, "/contacts/delta?$deltatoken=latest&$select=id", permission);
      return "Organisational contacts can be read.";
    },
  },
  {
    name: "photos",
    feature: "photos",
    permission: "ProfilePhoto.Read.All",
    find: async (context, permission) => {
      const [person] = await read(context, "/users?$top=1&$select=id", "User.Read.All");
      if (person === undefined) return "The tenant holds nobody whose photo could be read.";
      const client = { client: context.client, permission, patience: HASTY };
      const hash = await photoHash(client, person.id, context.signal);
      return `Photos can be read${hash === null ? "; the first person has none" : ""}.`;
    },
  },
  {
    name: "licences",
    feature: "licences",
    permission: "LicenseAssignment.Read.All",
    find: async (context, permission) => {
      await read(context, "/subscribedSkus?$select=id", permission);
      return "Licences can be read.";
    },
  },
  {
    name: "assigned applications",
    feature: "assigned-apps",
    permission: "Application.Read.All",
    find: async (context, permission) => {
      const [principal] = await read(context, "/servicePrincipals?$top=1&$select=id", permission);
      if (principal === undefined) return "The tenant holds no enterprise applications.";
      const id = encodeURIComponent(principal.id);
      await read(context, `/servicePrincipals/${id}/appRoleAssignedTo?$top=1`, permission);
      return "Who is assigned to applications can be read.";
    },
  },
  {
    name: "conditional access",
    feature: "conditional-access",
    permission: "Policy.Read.All",
    find: licensed(
      "/identity/conditionalAccess/policies?$top=1&$select=id",
      "Policies can be read.",
      "Microsoft Entra ID P1",
    ),
  },
  {
    name: "access reviews",
    feature: "access-reviews",
    permission: "AccessReview.Read.All",
    find: licensed(
      "/identityGovernance/accessReviews/definitions?$top=1",
      "Access reviews can be read.",
      "Microsoft Entra ID P2 or Microsoft Entra ID Governance",
    ),
  },
];

async function organization(context: Context, permission: string): Promise<Found> {
  try {
    const [found] = await read(context, "/organization?$select=id,displayName", permission);
    return found === undefined ? "The tenant does not tell its name." : `The tenant is ${said(found.displayName)}.`;
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.code !== "permission_missing") throw error;
    return `Skipped: the tenant's name needs ${permission}, which reading people and groups does not.`;
  }
}

async function users(context: Context, permission: string): Promise<Found> {
  const [found] = await read(context, "/users?$top=1&$select=id,displayName", permission);
  if (found !== undefined) return `People can be read, such as ${said(found.displayName)}.`;
  return { detail: "The tenant answered without a single person.", fix: "Check that this is the intended tenant." };
}

/** Graph answers `null` for what a permission hides, so that a lesser permission looks like empty attributes. */
async function userDetails(context: Context, permission: string): Promise<Found> {
  const found = await read(context, "/users?$top=5&$select=id,accountEnabled,userPrincipalName", permission);
  if (found.some((user) => typeof user.accountEnabled === "boolean")) return "Account states can be read.";
  return {
    detail: "Graph does not tell whether accounts are enabled.",
    fix: `${howToGrant(await context.client.tokenKind(context.signal, HASTY))}: ${permission}. User.ReadBasic.All is not enough.`,
  };
}

async function groups(context: Context, permission: string): Promise<Found> {
  const [found] = await read(context, "/groups?$top=1&$select=id,displayName", permission);
  return found === undefined
    ? "The tenant holds no groups."
    : `Groups can be read, such as ${said(found.displayName)}.`;
}

async function groupMembers(context: Context, permission: string): Promise<Found> {
  const [group] = await read(context, "/groups?$top=1&$select=id,displayName", GROUPS);
  if (group === undefined) return "The tenant holds no groups whose members could be read.";
  await read(context, `/groups/${encodeURIComponent(group.id)}/members?$top=1&$select=id`, permission);
  const roles = await context.client.roles(context.signal);
  const hidden = roles?.includes("Member.Read.Hidden")
    ? "those of groups with hidden membership too"
    : "except those of groups with hidden membership, which need Member.Read.Hidden";
  return `Members can be read, ${hidden}.`;
}

async function changes(context: Context, path: "/users" | "/groups", permission: string): Promise<Found> {
  const request = { permission, patience: HASTY };
  const page = await context.client.page(`${path}/delta?$deltatoken=latest&$select=id`, request, context.signal);
  if (page.deltaLink !== null) return "Changes can be followed.";
  return { detail: "Graph gave no delta link.", fix: "Nothing to do on this side: every run would be a full read." };
}

/** An endpoint that Graph serves only to tenants with a licence; it tells by the error's code, or in words alone. */
function licensed(target: string, fine: string, licence: string): Probe["find"] {
  return async (context, permission) => {
    try {
      await read(context, target, permission);
      return fine;
    } catch (error) {
      if (!(error instanceof GraphRefusal) || !isUnlicensed(error)) throw error;
      const fix = `The tenant needs ${licence} for it; or take the feature out of the connection.`;
      return { detail: `The tenant lacks the licence (${error.graphCode || "403"}).`, fix };
    }
  };
}

function isUnlicensed({ graphCode, status, message }: GraphRefusal): boolean {
  return (
    graphCode === "Authentication_RequestFromNonPremiumTenantOrB2CTenant" ||
    (status === 403 && /licen[sc]e|premium/i.test(message))
  );
}

async function read({ client, signal }: Context, target: string, permission: string): Promise<readonly Entity[]> {
  return (await client.page(target, { permission, patience: HASTY }, signal)).entities;
}

function said(name: unknown): string {
  return typeof name === "string" && name !== "" ? `“${name}”` : "one without a name";
}
