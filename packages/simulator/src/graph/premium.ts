import type { DirectoryObject } from "../state/objects.ts";
import { signInActivityOf } from "../tenancy/sign-in-activity.ts";
import type { Json } from "../tenant/types.ts";
import type { Context } from "./context.ts";
import { GraphError } from "./request.ts";

/** "List users", signInActivity: needs AuditLog.Read.All and a Microsoft Entra ID P1 or P2 licence. */
export function checkSignInActivity({ roles, licences }: Context): void {
  if (!licences.premium) throw notPremium();
  if (!roles.has("AuditLog.Read.All")) {
    throw new GraphError(
      403,
      "Authentication_MSGraphPermissionMissing",
      "Calling principal does not have required MSGraph permissions AuditLog.Read.All",
    );
  }
}

/** The refusal of reports in a tenant without P1 or P2. */
export function notPremium(): GraphError {
  return new GraphError(
    403,
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
    "Neither tenant is B2C or tenant doesn't have premium license",
  );
}

/** Whether a request names signInActivity, which then has rules of its own. */
export function namesSignInActivity({ options }: Context): boolean {
  return options.select?.includes("signInActivity") === true || options.filter?.includes("signInActivity") === true;
}

/** Properties that the service makes of others when they were never set; undefined for all the rest. */
export function derivedValue(context: Context, object: DirectoryObject, name: string): Json | undefined {
  if (object.kind !== "user") return undefined;
  if (name === "signInActivity") return signInActivityOf(object, context.now);
  return name === "assignedPlans" || name === "provisionedPlans" ? plansOf(context, object, name) : undefined;
}

function plansOf({ licences, view }: Context, object: DirectoryObject, name: string): Json {
  const { assignedLicenses, createdDateTime = null } = view.properties(object);
  if (!Array.isArray(assignedLicenses)) return [];
  const held = (assignedLicenses as readonly Readonly<Record<string, Json>>[]).flatMap(({ skuId, disabledPlans }) => {
    const sku = licences.held.find((candidate) => candidate.skuId === skuId);
    const off = Array.isArray(disabledPlans) ? disabledPlans : [];
    return (sku?.plans ?? []).filter(([id]) => !off.includes(id));
  });
  return [...new Map(held.map((plan) => [plan[0], plan])).values()].map(([servicePlanId, , service]) =>
    name === "assignedPlans"
      ? { assignedDateTime: createdDateTime, capabilityStatus: "Enabled", service, servicePlanId }
      : { capabilityStatus: "Enabled", provisioningStatus: "Success", service },
  );
}
