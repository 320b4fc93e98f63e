import { ConnectorError, type Licence } from "@entrain/core";
import type { Entity, GraphClient, GraphRequest } from "./client.ts";
import { wholeList } from "./whole-list.ts";

const PERMISSION = "LicenseAssignment.Read.All";

/** A product of the tenant with its part number, such as SPE_E3, and whatever else was asked for. */
export interface Product extends Entity {
  /** In lower case. */
  readonly skuId: string;
  readonly skuPartNumber: string;
}

/**
 * The products of the tenant ("List subscribedSkus"), suspended and ended ones too, for people may still have them. `more` are
 * properties beside their names.
 */
export async function* productsOf(
  client: GraphClient,
  more: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Product> {
  const request: GraphRequest = { permission: PERMISSION };
  const first = `/subscribedSkus?$select=${["id", "skuId", "skuPartNumber", ...more].join()}`;
  for await (const entity of wholeList(client, { first, request, what: "Reading licences" }, signal)) {
    const { skuId, skuPartNumber } = entity;
    if (typeof skuId !== "string" || typeof skuPartNumber !== "string") continue;
    yield { ...entity, skuId: skuId.toLowerCase(), skuPartNumber };
  }
}

/** The licences that the tenant has, or why Graph does not tell them to this application. */
export async function licencesHeld(
  client: GraphClient,
  signal: AbortSignal,
): Promise<readonly Licence[] | { readonly refused: string }> {
  const licences: Licence[] = [];
  try {
    for await (const { skuId, skuPartNumber, servicePlans } of productsOf(client, ["servicePlans"], signal)) {
      licences.push({ id: skuId, name: skuPartNumber, plans: planNames(servicePlans) });
    }
    return licences;
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.status !== 403) throw error;
    return { refused: `the application lacks the permission ${PERMISSION}` };
  }
}

/** The names of a product's service plans, such as TEAMS1 ("subscribedSku resource type"). */
export function planNames(servicePlans: unknown): readonly string[] {
  const plans: readonly unknown[] = Array.isArray(servicePlans) ? servicePlans : [];
  return plans.flatMap((plan) => {
    const name = typeof plan === "object" && plan !== null && "servicePlanName" in plan ? plan.servicePlanName : null;
    return typeof name === "string" ? [name] : [];
  });
}
