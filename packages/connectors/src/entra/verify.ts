import type { Check } from "@entrain/core";
import type { GraphClient } from "./client.ts";
import { FEATURES, type FeatureName } from "./features.ts";
import { featuresOf } from "./needs.ts";
import { type EntraOptions, type Problem, problemsOf } from "./options.ts";
import { HASTY, type Sender } from "./sender.ts";
import { accountChecks, directoryRoleCheck } from "./verify/account.ts";
import { applicationCheck, askRegistration, publicFlowsCheck } from "./verify/application.ts";
import { checked, type Found, howToGrant } from "./verify/checking.ts";
import { credentialChecks } from "./verify/credentials.ts";
import { canReadLicences, tenantLicences } from "./verify/licences.ts";
import { permissionChecks } from "./verify/permissions.ts";
import { type Context, PROBES } from "./verify/probes.ts";
import { findTenant } from "./verify/tenant.ts";

/** What verification sends by: to the sign-in service, and to Graph. */
export interface Verified {
  readonly signIn: Sender;
  readonly client: GraphClient;
}

/**
 * The named checks of a connection, in order; those that cannot be made after a failed one are left out. The settings are judged before
 * anything is sent. Reads a handful of records, writes nothing.
 */
export async function verifyConnection(
  options: EntraOptions,
  connect: () => Verified,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const problems = problemsOf(options);
  const checks: Check[] = [
    settingsCheck("addresses", "The cloud's addresses, the tenant and the client are well-formed.", problems),
    settingsCheck("credential", "Nothing is wrong with it as far as can be told before it is sent.", problems),
  ];
  if (problems.length > 0) return checks;
  const { signIn: sender, client } = connect();
  const context: Context = { client, signal };
  // Where the sign-in service does not answer, or does not know the tenant, it is the sign-in that fails.
  checks.push(await checked("tenant", signal, () => findTenant(options, sender, signal), "sign-in"));
  if (checks.some((check) => !check.ok)) return checks;
  let refused: unknown = null;
  const signingIn = (): Promise<Found> =>
    signIn(context).catch((error: unknown) => {
      refused = error;
      throw error;
    });
  checks.push(await checked("sign-in", signal, signingIn));
  const works = checks.every((check) => check.ok);
  checks.push(...(await accountChecks(options, { sender, context, works })));
  const asked = works ? await askRegistration(options.client, context) : { registration: null, fault: null };
  const { registration } = asked;
  // After a refused sign-in it still helps to know which of several credentials works.
  if (works || options.credentials.length > 1) {
    checks.push(...(await credentialChecks(options, { sender, asked }, signal)));
  }
  checks.push(...publicFlowsCheck(options, registration, refused));
  if (!works) return checks;
  const roles = await client.roles(signal, HASTY);
  const token = await client.tokenKind(signal, HASTY);
  checks.push(applicationCheck(asked), ...permissionChecks(options, { roles, token }));
  const features = featuresOf(options);
  const probed: Check[] = [];
  for (const { name, feature, permission, find } of PROBES) {
    if (features.includes(feature)) probed.push(await checked(name, signal, () => find(context, permission)));
  }
  const granted = (feature: FeatureName): boolean => roles?.includes(FEATURES[feature].permission) === true;
  checks.push(...probed, ...directoryRoleCheck(probed, await client.directoryRoles(signal, HASTY), granted));
  if (canReadLicences(roles)) checks.push(await checked("tenant licences", signal, () => tenantLicences(context)));
  return checks;
}

function settingsCheck(name: Problem["of"], fine: string, all: readonly Problem[]): Check {
  const problems = all.filter((problem) => problem.of === name);
  const join = (of: "detail" | "fix"): string => problems.map((problem) => problem[of]).join(" ");
  return problems.length === 0
    ? { name, ok: true, detail: fine, fix: null }
    : { name, ok: false, detail: join("detail"), fix: join("fix") };
}

async function signIn({ client, signal }: Context): Promise<Found> {
  const roles = await client.roles(signal, HASTY);
  if (roles === null) return "Microsoft gave a token; it does not show its permissions.";
  if (roles.length > 0) return `Microsoft gave a token with the permissions ${roles.join(", ")}.`;
  const token = await client.tokenKind(signal, HASTY);
  return {
    detail: `Microsoft gave a token, but without a single ${token} permission.`,
    fix: `${howToGrant(token)}: User.Read.All and GroupMember.Read.All at least.`,
  };
}
