import { planNames } from "../licences.ts";
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

/** "subscribedSku resource type": what is neither may not be used (suspended, locked out, deleted). */
const USABLE: ReadonlySet<unknown> = new Set(["Enabled", "Warning", undefined]);

/** Which features the tenant's licences allow; none of them is needed for reading people and groups. */
export async function tenantLicences({ client, signal }: Context): Promise<Found> {
  const request = { permission: "LicenseAssignment.Read.All", patience: HASTY };
  const target = "/subscribedSkus?$select=id,capabilityStatus,servicePlans";
  const { entities } = await client.page(target, request, signal);
  const plansOf = (usable: boolean): ReadonlySet<string> =>
    new Set(
      entities
        .filter(({ capabilityStatus }) => USABLE.has(capabilityStatus) === usable)
        .flatMap(({ servicePlans }) => planNames(servicePlans)),
    );
  const [held, lost] = [plansOf(true), plansOf(false)];
  const wordsOf = (has: (plan: string) => boolean): string =>
    Object.entries(PLANS)
      .flatMap(([plan, words]) => (has(plan) ? [words] : []))
      .join(", ");
  const found = wordsOf((plan) => held.has(plan));
  const gone = wordsOf((plan) => lost.has(plan) && !held.has(plan));
  const also = gone === "" ? "" : ` Not usable any more, for the subscription was suspended or has ended: ${gone}.`;
  return found === ""
    ? `The tenant has neither Microsoft Entra ID P1, P2 nor Governance: sign-in activity, conditional access and access reviews are not available.${also}`
    : `The tenant has ${found}.${also}`;
}
