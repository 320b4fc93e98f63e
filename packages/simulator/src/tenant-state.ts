import type { TenantProfile } from "./graph/context.ts";
import { Directory } from "./state/directory.ts";
import { uuidFrom } from "./state/identifiers.ts";
import { loadTenant } from "./state/load.ts";
import { readSnapshot, type Snapshot } from "./state/snapshot.ts";
import { generateTenant } from "./tenant/generate.ts";
import type { TenantFile, VerifiedDomain } from "./tenant/types.ts";

/** Where a tenant comes from: a state file, a tenant given, or the generator, in this order. */
export interface TenantSource {
  readonly people: number;
  readonly groups: number;
  readonly seed: number;
  /** Sets the domains of further tenants apart; 0 unless given. */
  readonly series?: number | undefined;
  readonly memberships?: number | undefined;
  readonly contacts?: number | undefined;
  readonly tenant?: TenantFile | undefined;
  readonly stateFile?: string | undefined;
  /** Names this run. Delta tokens and the ids of new objects depend on it. */
  readonly instance: string;
}

/** Makes the tenant that a simulator serves. Throws one sentence when its source is not valid. */
export async function openTenant(source: TenantSource, clock: () => number): Promise<Snapshot> {
  const { instance, stateFile } = source;
  // An id must never come again for somebody else, not even after a run whose state was lost.
  const options = { instance, ids: `objects ${source.seed} ${instance}`, clock };
  const saved = stateFile === undefined ? null : await readSnapshot(stateFile, options);
  if (saved !== null) return saved;
  const file = source.tenant ?? generateTenant(source);
  const tenant = tenantProfile(file, source.seed);
  const directory = new Directory(options);
  loadTenant(directory, file, { ids: `loaded ${source.seed}`, defaultDomain: tenant.defaultDomain, now: clock() });
  return { tenant, directory };
}

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
function tenantProfile({ organization }: TenantFile, seed: number): TenantProfile {
  const domains = organization?.verifiedDomains ?? DEFAULT_DOMAINS;
  const id = (organization?.id ?? uuidFrom("tenant", seed)).toLowerCase();
  return {
    id,
    defaultDomain: (domains.find(({ isDefault }) => isDefault === true) ?? domains[0])?.name ?? "contoso.com",
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
