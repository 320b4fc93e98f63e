import { type Check, ConnectorError } from "@entrain/core";
import type { Entity, GraphClient } from "./client.ts";
import { type EntraOptions, type Problem, problemsOf } from "./options.ts";
import { HASTY } from "./sender.ts";

const GRANT =
  "Add the application permission on the application's API permissions page in Entra, then grant admin consent";

interface Context {
  readonly client: GraphClient;
  readonly signal: AbortSignal;
}

/** A check after sign-in: what it is called, which permission it stands for, and how to find out. */
interface Probe {
  readonly name: string;
  readonly permission: string;
  readonly find: (context: Context, permission: string) => Promise<Found>;
}

type Found = string | { readonly detail: string; readonly fix: string };

/**
 * The named checks of a connection, in order; those that cannot be made after a failed one are left out. The settings are judged before
 * anything is sent. Reads a handful of records, writes nothing.
 */
export async function verifyConnection(
  options: EntraOptions,
  client: () => GraphClient,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const problems = problemsOf(options);
  const checks: Check[] = [
    settingsCheck("addresses", "The cloud's addresses, the tenant and the client are well-formed.", problems),
    settingsCheck("credential", "The client secret has the shape of one.", problems),
  ];
  if (problems.length > 0) return checks;
  const context: Context = { client: client(), signal };
  checks.push(await checked("sign-in", signal, () => signIn(context)));
  if (checks.some((check) => !check.ok)) return checks;
  const excess = excessCheck(await context.client.roles(signal, HASTY));
  if (excess !== null) checks.push(excess);
  for (const { name, permission, find } of PROBES) {
    checks.push(await checked(name, signal, () => find(context, permission)));
  }
  return checks;
}

/** Permissions that change something ("Microsoft Graph permissions reference": the part after the resource). */
const CHANGING = /\.(ReadWrite|Write|Create|Invite|Manage|Send|FullControl|EnableDisableAccount|RevokeSessions)\b/;

/** A connector that only reads must not be able to change the tenant: a stolen secret would be worth far less. */
function excessCheck(roles: readonly string[] | null): Check | null {
  const excess = (roles ?? []).filter((role) => CHANGING.test(role));
  if (excess.length === 0) return null;
  const detail = `Works, but the application may do more than reading needs: ${excess.join(", ")}. Remove what nothing else uses on its API permissions page in Entra.`;
  return { name: "excess permissions", ok: true, detail, fix: null };
}

function settingsCheck(name: Problem["of"], fine: string, all: readonly Problem[]): Check {
  const problems = all.filter((problem) => problem.of === name);
  const join = (of: "detail" | "fix"): string => problems.map((problem) => problem[of]).join(" ");
  return problems.length === 0
    ? { name, ok: true, detail: fine, fix: null }
    : { name, ok: false, detail: join("detail"), fix: join("fix") };
}

async function checked(name: string, signal: AbortSignal, find: () => Promise<Found>): Promise<Check> {
  try {
    const found = await find();
    return typeof found === "string" ? { name, ok: true, detail: found, fix: null } : { name, ok: false, ...found };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ConnectorError)) throw error;
    return { name, ok: false, detail: error.message, fix: error.fix };
  }
}

async function signIn({ client, signal }: Context): Promise<Found> {
  const roles = await client.roles(signal, HASTY);
  if (roles === null) return "Microsoft gave a token; it does not show its permissions.";
  if (roles.length > 0) return `Microsoft gave a token with the permissions ${roles.join(", ")}.`;
  return {
    detail: "Microsoft gave a token, but without a single application permission.",
    fix: `${GRANT}: User.Read.All and Group.Read.All at least.`,
  };
}

const PROBES: readonly Probe[] = [
  { name: "organization", permission: "Organization.Read.All", find: organization },
  { name: "users", permission: "User.ReadBasic.All", find: users },
  { name: "user details", permission: "User.Read.All", find: userDetails },
  { name: "groups", permission: "Group.Read.All", find: groups },
  { name: "group members", permission: "GroupMember.Read.All", find: groupMembers },
  { name: "user changes", permission: "User.Read.All", find: (context, name) => changes(context, "/users", name) },
  { name: "group changes", permission: "Group.Read.All", find: (context, name) => changes(context, "/groups", name) },
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
    fix: `${GRANT}: ${permission}. User.ReadBasic.All is not enough.`,
  };
}

async function groups(context: Context, permission: string): Promise<Found> {
  const [found] = await read(context, "/groups?$top=1&$select=id,displayName", permission);
  return found === undefined
    ? "The tenant holds no groups."
    : `Groups can be read, such as ${said(found.displayName)}.`;
}

async function groupMembers(context: Context, permission: string): Promise<Found> {
  const [group] = await read(context, "/groups?$top=1&$select=id,displayName", "Group.Read.All");
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

async function read({ client, signal }: Context, target: string, permission: string): Promise<readonly Entity[]> {
  return (await client.page(target, { permission, patience: HASTY }, signal)).entities;
}

function said(name: unknown): string {
  return typeof name === "string" && name !== "" ? `“${name}”` : "one without a name";
}
