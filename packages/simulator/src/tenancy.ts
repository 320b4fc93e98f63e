import { requireByName } from "./applications/required.ts";
import type { DeltaPaging } from "./graph/context.ts";
import type { GraphService } from "./graph/service.ts";
import type { Stores } from "./graph/stores.ts";
import { AppRegistration, type ClientSecret } from "./signin/app.ts";
import type { Identity } from "./signin/identity.ts";
import { uuidFrom } from "./state/identifiers.ts";
import type { Snapshot } from "./state/snapshot.ts";
import type { Throttle } from "./throttle.ts";

/** A tenant before anything serves it. */
export interface OpenedTenant extends Snapshot {
  /** Makes the passwords and second factors of its people. */
  readonly seed: number;
}

/** One tenant that is served, with everything that is its own. */
export interface Tenancy extends OpenedTenant {
  readonly stores: Stores;
  readonly service: GraphService;
  readonly throttle: Throttle;
}

/** Where the first app of the first tenant comes from. */
export interface FirstApp {
  readonly seed: number;
  readonly roles: readonly string[];
  readonly secrets: readonly ClientSecret[];
}

/** Sizes of delta pages unless given. */
export const DEFAULT_PAGING: DeltaPaging = { objects: 200, members: 1000 };

/** Registers the app whose ids and secret are the seed's, consented to in its own tenant. */
export function registerFirst({ applications, realms }: Identity, { seed, roles, secrets }: FirstApp): AppRegistration {
  const tenant = realms[0]?.profile.id ?? "";
  const application = applications.register({
    id: uuidFrom("application", seed),
    appId: uuidFrom("client", seed),
    tenant,
    properties: {
      displayName: "Simulated connector",
      // Where there are several tenants, their administrators can consent to it, too.
      signInAudience: realms.length > 1 ? "AzureADMultipleOrgs" : "AzureADMyOrg",
      requiredResourceAccess: requireByName(roles, []),
    },
    createdBy: null,
  });
  const principal = applications.provision(application, tenant, { id: uuidFrom("service principal", seed) });
  const app = new AppRegistration(applications, application, principal);
  app.roles = roles;
  app.secrets = secrets;
  return app;
}
