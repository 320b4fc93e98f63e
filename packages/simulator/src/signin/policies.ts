import type { Applications } from "../applications/applications.ts";
import type { ServicePrincipal } from "../applications/model.ts";
import type { DirectoryObject } from "../state/objects.ts";
import { SignInError } from "./errors.ts";
import type { Realm } from "./realm.ts";

const GRAPH = "00000003-0000-0000-c000-000000000000";

/** Whether a person must pass the second factor, by the account or by conditional access. */
export function needsMfa(realm: Realm, person: string): boolean {
  return realm.conditionalAccess === "mfa" || realm.accounts.mfaOf(person) !== "off";
}

/**
 * What stands between a person whose password was right and a token: second factor, conditional access, assignment to
 * the app. `interactive` tells whether the person is at a page, where a factor could still be given or enrolled.
 */
export function checkPolicies(
  realm: Realm,
  person: DirectoryObject,
  given: { readonly methods: readonly string[]; readonly interactive: boolean },
): void {
  blockBy(realm);
  if (given.methods.includes("mfa") || !needsMfa(realm, person.id)) return;
  if (realm.accounts.mfaOf(person.id) === "unenrolled") {
    throw new SignInError(
      given.interactive ? 50072 : 50079,
      `Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '${GRAPH}'.`,
    );
  }
  throw new SignInError(
    given.interactive ? 50074 : 50076,
    `Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '${GRAPH}'.`,
  );
}

function blockBy({ conditionalAccess }: Realm): void {
  switch (conditionalAccess) {
    case "block":
      throw blocked();
    case "device":
      throw new SignInError(
        53000,
        "Device is not in required device state: compliant. Conditional Access policy requires a compliant device, and the device is not compliant.",
      );
    case "joined-device":
      throw new SignInError(
        53001,
        "Device is not in required device state: domain_joined. Conditional Access policy requires a domain joined device, and the device is not domain joined.",
      );
    case "security-defaults":
      throw new SignInError(530035, "Access has been blocked by security defaults.");
    default:
  }
}

/** Conditional access for workload identities, which blocks apps. */
export function checkWorkload({ conditionalAccess }: Realm): void {
  if (conditionalAccess === "workloads") throw blocked();
}

/** Refuses people whom an app that asks for assignment does not know ("appRoleAssignmentRequired"). */
export function checkAssigned(
  applications: Applications,
  realm: Realm,
  principal: ServicePrincipal,
  person: DirectoryObject,
): void {
  if (principal.properties.appRoleAssignmentRequired !== true) return;
  const holders = new Set([person.id]);
  for (const ordinal of person.memberOf) {
    const group = realm.directory.at(ordinal);
    if (group !== undefined) holders.add(group.id);
  }
  const assigned = applications
    .assignments(realm.profile.id)
    .some(({ resourceId, principalId }) => resourceId === principal.id && holders.has(principalId));
  if (assigned) return;
  throw new SignInError(
    50105,
    `Your administrator has configured the application ${applications.nameOf(principal)} ('${principal.appId}') to block users unless they are specifically granted ('assigned') access to the application. The signed in user '${String(person.properties.userPrincipalName)}' is blocked because they are not a direct member of a group with access, nor had access directly assigned by an administrator.`,
  );
}

function blocked(): SignInError {
  return new SignInError(
    53003,
    "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
  );
}
