/** A product of the tenant ("Product names and service plan identifiers for licensing"). */
export interface Sku {
  readonly skuId: string;
  readonly skuPartNumber: string;
  readonly plans: readonly (readonly [id: string, name: string, service: string])[];
}

const PLANS = {
  premium: ["41781fb2-bc02-4b7c-bd55-b576c07bb09d", "AAD_PREMIUM", "AADPremiumService"],
  premium2: ["eec0eb4f-6444-4f95-aba0-50c24d67f998", "AAD_PREMIUM_P2", "AADPremiumService"],
  exchange: ["efb87545-963c-4e0d-99df-69c6916d9eb0", "EXCHANGE_S_ENTERPRISE", "exchange"],
  kiosk: ["4a82b400-a79f-41a4-b4e2-e94f5787b113", "EXCHANGE_S_DESKLESS", "exchange"],
  sharepoint: ["5dbe027f-2339-4123-9542-606e4d348a72", "SHAREPOINTENTERPRISE", "SharePoint"],
  teams: ["57ff2da0-773e-42df-b2af-ffb7a2317929", "TEAMS1", "TeamspaceAPI"],
  office: ["43de0ff5-c92c-492b-9116-175376d08c38", "OFFICESUBSCRIPTION", "MicrosoftOffice"],
  intune: ["c1ec4a95-1f05-45b3-a911-aa3fa01094f5", "INTUNE_A", "SCO"],
} as const;

const OFFICE = [PLANS.exchange, PLANS.sharepoint, PLANS.teams, PLANS.office, PLANS.intune] as const;

/** Products that a simulated tenant can have. */
const SKUS: readonly Sku[] = [
  {
    skuId: "05e9a617-0261-4cee-bb44-138d3ef5d965",
    skuPartNumber: "SPE_E3",
    plans: [...OFFICE, PLANS.premium],
  },
  {
    skuId: "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
    skuPartNumber: "SPE_E5",
    plans: [...OFFICE, PLANS.premium, PLANS.premium2],
  },
  {
    skuId: "66b55226-6b4f-492c-910c-a3b7a3c9d993",
    skuPartNumber: "SPE_F1",
    plans: [PLANS.kiosk, PLANS.teams, PLANS.intune, PLANS.premium],
  },
  { skuId: "6fd2c87f-b296-42f0-b197-1e91e994b900", skuPartNumber: "ENTERPRISEPACK", plans: OFFICE },
  { skuId: "078d2b04-f1bd-4111-bbd4-b4b1b354cef4", skuPartNumber: "AAD_PREMIUM", plans: [PLANS.premium] },
  {
    skuId: "84a661c4-e949-4bd2-a560-ed7766fcaf2b",
    skuPartNumber: "AAD_PREMIUM_P2",
    plans: [PLANS.premium, PLANS.premium2],
  },
];

const HELD_AT_FIRST = ["SPE_E3", "SPE_E5", "SPE_F1"];

/** What the tenant has bought; decides what premium features answer. */
export class Licences {
  #held: readonly Sku[] = SKUS.filter(({ skuPartNumber }) => HELD_AT_FIRST.includes(skuPartNumber));

  get held(): readonly Sku[] {
    return this.#held;
  }

  /** Replaces the tenant's products by these part numbers. Throws one sentence when one is unknown. */
  set(partNumbers: readonly string[]): void {
    this.#held = partNumbers.map((wanted) => {
      const sku = SKUS.find(({ skuPartNumber }) => skuPartNumber === wanted);
      if (sku !== undefined) return sku;
      throw new Error(`There is no product ${wanted}; there are ${SKUS.map((one) => one.skuPartNumber).join(", ")}.`);
    });
  }

  /** Microsoft Entra ID P1 or P2. */
  get premium(): boolean {
    return this.#has("AAD_PREMIUM");
  }

  /** Microsoft Entra ID P2, which access reviews need. */
  get governance(): boolean {
    return this.#has("AAD_PREMIUM_P2");
  }

  #has(plan: string): boolean {
    return this.#held.some(({ plans }) => plans.some(([, name]) => name === plan));
  }
}

/** Any product by its id, held or not: what a person was given once stays on record. */
export function skuById(id: string): Sku | undefined {
  return SKUS.find(({ skuId }) => skuId === id.toLowerCase());
}
