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
  /** In place of those that an earlier run saved, else of `defaults`. */
  readonly roles: readonly string[] | undefined;
  readonly secrets: readonly ClientSecret[] | undefined;
  readonly defaults: { readonly roles: readonly string[]; readonly secrets: readonly ClientSecret[] };
}

/** Sizes of delta pages unless given. */
export const DEFAULT_PAGING: DeltaPaging = { objects: 200, members: 1000 };

/** The app whose ids and secret are the seed's, consented to in its own tenant; an earlier run may have saved it. */
export function firstApp({ applications, realms }: Identity, from: FirstApp): AppRegistration {
  const tenant = realms[0]?.profile.id ?? "";
  const appId = uuidFrom("client", from.seed);
  const known = applications.byClientId(appId);
  const application =
    known ??
    applications.register({
      id: uuidFrom("application", from.seed),
      appId,
      tenant,
      properties: {
        displayName: "Simulated connector",
        // Where there are several tenants, their administrators can consent to it, too.
        signInAudience: realms.length > 1 ? "AzureADMultipleOrgs" : "AzureADMyOrg",
        requiredResourceAccess: requireByName(from.roles ?? from.defaults.roles, []),
      },
      createdBy: null,
    });
  const principal =
    applications.principalOf(tenant, appId) ??
    applications.provision(application, tenant, { id: uuidFrom("service principal", from.seed) });
  const app = new AppRegistration(applications, application, principal);
  const { roles, secrets } = known === undefined ? { ...from.defaults, ...definedIn(from) } : from;
  if (roles !== undefined) app.roles = roles;
  if (secrets !== undefined) app.secrets = secrets;
  return app;
}

function definedIn({ roles, secrets }: FirstApp): Partial<FirstApp["defaults"]> {
  return { ...(roles === undefined ? {} : { roles }), ...(secrets === undefined ? {} : { secrets }) };
}
