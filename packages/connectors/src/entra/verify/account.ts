import type { Check } from "@entrain/core";
import type { PasswordCredential } from "../credentials/credential.ts";
import type { FeatureName } from "../features.ts";
import type { EntraOptions } from "../options.ts";
import { HASTY, type Sender } from "../sender.ts";
import { checked, checkOf, type Found } from "./checking.ts";
import type { Context } from "./probes.ts";

const OWN_ACCOUNT =
  "Use a member's account of the tenant itself, or better: connect by a certificate or a client secret.";

/** The account that signs in suits, as far as it can be told; nothing where no account does. */
export async function accountChecks(
  { cloud, credentials }: Pick<EntraOptions, "cloud" | "credentials">,
  { sender, context, works }: { readonly sender: Sender; readonly context: Context; readonly works: boolean },
): Promise<readonly Check[]> {
  const { client, signal } = context;
  for (const credential of credentials) {
    if (credential.kind !== "password") continue;
    const domain = await federatedDomain(credential, { login: cloud.login, sender, signal });
    if (domain === null) continue;
    const detail = `The account ${credential.username} signs in elsewhere: its domain ${domain} is federated, so its password cannot be checked here.`;
    const fix =
      "Use an account that Entra itself signs in, such as one under the tenant's onmicrosoft.com domain, or better: connect by a certificate or a client secret.";
    return [checkOf("account", { detail, fix })];
  }
  const person = credentials.some(({ kind }) => kind === "password" || kind === "delegated");
  if (!person || !works || (await client.directoryRoles(signal, HASTY)) === null) return [];
  return [await checked("account", signal, () => memberAccount(context))];
}

/**
 * The federated domain of an account, as Microsoft's own clients ask for it before a sign-in by user name and password; null
 * where it is none, or nobody tells.
 */
async function federatedDomain(
  { username }: PasswordCredential,
  { login, sender, signal }: { readonly login: string; readonly sender: Sender; readonly signal: AbortSignal },
): Promise<string | null> {
  const account = encodeURIComponent(username);
  const url = new URL(`${login.replace(/\/+$/, "")}/common/UserRealm/${account}?api-version=1.0`);
  try {
    const { status, text } = await sender.send(
      { method: "GET", url, headers: { accept: "application/json" } },
      signal,
      HASTY,
    );
    const told: unknown = status === 200 ? JSON.parse(text) : null;
    if (typeof told !== "object" || told === null || !("account_type" in told)) return null;
    return told.account_type === "Federated" ? (username.split("@").at(-1) ?? "") : null;
  } catch {
    signal.throwIfAborted();
    return null; // What the sign-in itself said stands beside it.
  }
}

/** "get signed-in user": guests see next to nothing of a tenant, whatever the application may. */
async function memberAccount({ client, signal }: Context): Promise<Found> {
  const target = "/me?$select=id,userPrincipalName,userType,onPremisesSyncEnabled";
  const { body } = await client.request(target, { permission: "User.Read", patience: HASTY }, signal);
  const { userPrincipalName, userType, onPremisesSyncEnabled } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const name = typeof userPrincipalName === "string" ? userPrincipalName : "that signs in";
  if (userType === "Guest") {
    const personal = PERSONAL_GUEST.test(name) ? " with a personal Microsoft account" : "";
    const detail = `The account ${name} is a guest of this tenant${personal}: guests may not read its people and groups.`;
    return { detail, fix: OWN_ACCOUNT };
  }
  return onPremisesSyncEnabled === true
    ? `The account ${name} is a member of this tenant, synchronised from a directory on premises: its password and its state are changed there.`
    : `The account ${name} is a member of this tenant.`;
}

/** A guest's user name holds the address under which the invitation was taken. */
const PERSONAL_GUEST = /_(?:outlook|hotmail|live|msn)\.[a-z.]+#EXT#@/i;

interface Role {
  readonly name: string;
  readonly template: string;
}

const GLOBAL_ADMINISTRATOR: Role = { name: "Global Administrator", template: "62e90394-69f5-4237-9190-012177145e10" };
const GLOBAL_READER: Role = { name: "Global Reader", template: "f2ef992c-3afb-46b9-b7cf-a126ee74c451" };
const SECURITY_READER: Role = { name: "Security Reader", template: "5d6b6bb7-de71-4623-b4af-96380a352509" };
const SECURITY_ADMINISTRATOR: Role = {
  name: "Security Administrator",
  template: "194ae4cb-b126-40b2-bd5b-6091b380977d",
};
const REPORTS_READER: Role = { name: "Reports Reader", template: "4a5d8f65-41da-4de4-8968-e035b65339cf" };
const USER_ADMINISTRATOR: Role = { name: "User Administrator", template: "fe930be7-5e62-47db-91af-98c3a49a38b1" };
const CONDITIONAL_ACCESS: Role = {
  name: "Conditional Access Administrator",
  template: "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",
};
const GOVERNANCE: Role = {
  name: "Identity Governance Administrator",
  template: "45d8d3c5-c802-45c6-b32a-1d70b5e1e86e",
};

/** Roles of which a person needs one beside the permission, the least one first, by the probe that finds it out. */
const READERS: { readonly [P in string]: { readonly feature: FeatureName; readonly roles: readonly Role[] } } = {
  // "Microsoft Entra monitoring and health licensing": sign-ins.
  "sign-in activity": {
    feature: "sign-in-activity",
    roles: [REPORTS_READER, SECURITY_READER, SECURITY_ADMINISTRATOR, GLOBAL_READER],
  },
  // "List policies" (conditional access).
  "conditional access": {
    feature: "conditional-access",
    roles: [SECURITY_READER, CONDITIONAL_ACCESS, GLOBAL_READER, SECURITY_ADMINISTRATOR],
  },
  // "List definitions" (access reviews).
  "access reviews": {
    feature: "access-reviews",
    roles: [SECURITY_READER, GLOBAL_READER, USER_ADMINISTRATOR, GOVERNANCE, SECURITY_ADMINISTRATOR],
  },
};

/**
 * Where a person signs in, the application can read no more than that person. A probe that was refused although the
 * permission is there, and the person holds none of the roles for it, lacks the role. Nothing where no role is needed.
 */
export function directoryRoleCheck(
  probed: readonly Check[],
  held: readonly string[] | null,
  granted: (feature: FeatureName) => boolean,
): readonly Check[] {
  if (held === null) return [];
  const asked = probed.flatMap(({ name, ok }) => {
    const reader = READERS[name];
    if (reader === undefined || !granted(reader.feature)) return [];
    const has = reader.roles.concat(GLOBAL_ADMINISTRATOR).some(({ template }) => held.includes(template));
    return [{ name, lacks: !ok && !has, roles: reader.roles }];
  });
  if (asked.length === 0) return [];
  const lacking = asked.filter(({ lacks }) => lacks);
  if (lacking.length === 0) return [checkOf("directory role", "The account's own roles in the directory suffice.")];
  const detail = `The application may read ${lacking.map(({ name }) => name).join(" and ")}, but the account that signs in may not: it holds no directory role for it.`;
  const fix = `Give the account a role in Entra: ${lacking.map(({ name, roles }) => `${roles.map((role) => role.name).join(" or ")} for ${name}`).join("; ")}.`;
  return [checkOf("directory role", { detail, fix })];
}
