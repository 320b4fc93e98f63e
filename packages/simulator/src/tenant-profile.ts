import type { TenantProfile } from "./graph/context.ts";
import { uuidFrom } from "./state/identifiers.ts";
import type { TenantFile, VerifiedDomain } from "./tenant/types.ts";

const DEFAULT_DOMAINS: readonly VerifiedDomain[] = [
  {
    name: "contoso.com",
    isDefault: true,
    isInitial: false,
    type: "Managed",
    capabilities: "Email, OfficeCommunicationsOnline",
  },
  { name: "contoso.onmicrosoft.com", isDefault: false, isInitial: true, type: "Managed", capabilities: "Email" },
];

/** The organization resource and domains of a tenant, completed where a file leaves them out. */
export function tenantProfile(file: TenantFile, seed: number): TenantProfile {
  const { organization } = file;
  const domains = organization?.verifiedDomains ?? DEFAULT_DOMAINS;
  const id = (organization?.id ?? uuidFrom("tenant", seed)).toLowerCase();
  const defaultDomain = (domains.find(({ isDefault }) => isDefault === true) ?? domains[0])?.name ?? "contoso.com";
  return {
    id,
    defaultDomain,
    domains: domains.map(({ name }) => name),
    organization: {
      id,
      deletedDateTime: null,
      businessPhones: [],
      city: null,
      country: null,
      countryLetterCode: null,
      createdDateTime: "2018-04-12T08:31:07Z",
      displayName: "Contoso",
      onPremisesSyncEnabled: null,
      preferredLanguage: "en",
      technicalNotificationMails: [],
      tenantType: "AAD",
      assignedPlans: [],
      provisionedPlans: [],
      ...organization,
      verifiedDomains: domains,
    },
  };
}
