import type { Entity } from "../client.ts";
import { ENDPOINTS } from "../permission-table.ts";
import { HASTY } from "../sender.ts";
import type { Found } from "./checking.ts";
import type { Context } from "./probes.ts";

/** Service plans by what they allow ("Product names and service plan identifiers for licensing"). */
const PLANS: Readonly<Record<string, string>> = {
  AAD_PREMIUM: "Microsoft Entra ID P1 (sign-in activity, conditional access)",
  AAD_PREMIUM_P2: "Microsoft Entra ID P2 (access reviews too)",
  Entra_Identity_Governance: "Microsoft Entra ID Governance (access reviews)",
};

/** True when the token lets the tenant's licences be read. */
export function canReadLicences(roles: readonly string[] | null): boolean {
  const { application, delegated } = ENDPOINTS["GET /subscribedSkus"];
  return roles?.some((role) => application.includes(role) || delegated.includes(role)) ?? false;
}

/** Which features the tenant's licences allow; none of them is needed for reading people and groups. */
export async function tenantLicences({ client, signal }: Context): Promise<Found> {
  const request = { permission: "LicenseAssignment.Read.All", patience: HASTY };
  const { entities } = await client.page("/subscribedSkus?$select=id,servicePlans", request, signal);
  const held = new Set(entities.flatMap(plansIn));
  const found = Object.entries(PLANS).flatMap(([plan, words]) => (held.has(plan) ? [words] : []));
  return found.length === 0
    ? "The tenant has neither Microsoft Entra ID P1, P2 nor Governance: sign-in activity, conditional access and access reviews are not available."
    : `The tenant has ${found.join(", ")}.`;
}

function plansIn({ servicePlans }: Entity): readonly string[] {
  const plans: readonly unknown[] = Array.isArray(servicePlans) ? servicePlans : [];
  return plans.flatMap((plan) => {
    const name = typeof plan === "object" && plan !== null && "servicePlanName" in plan ? plan.servicePlanName : null;
    return typeof name === "string" ? [name] : [];
  });
}
