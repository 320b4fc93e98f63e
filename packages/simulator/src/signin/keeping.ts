import type { SavedApplications } from "../applications/applications.ts";
import type { SavedAccount } from "./accounts.ts";
import type { Identity } from "./identity.ts";
import type { ConditionalAccess } from "./realm.ts";

/** What a state file holds of apps, accounts and policies. Sessions and tokens end with the process. */
export interface SavedIdentity {
  readonly applications: SavedApplications;
  readonly realms: readonly {
    readonly tenant: string;
    readonly accounts: readonly SavedAccount[];
    readonly roles: readonly (readonly [id: string, roles: readonly string[]])[];
    readonly conditionalAccess: ConditionalAccess;
    readonly userConsent: boolean;
  }[];
}

/** The present state, as JSON can hold it. */
export function saveIdentity({ applications, realms }: Identity): SavedIdentity {
  return {
    applications: applications.save(),
    realms: realms.map(({ profile, accounts, roles, conditionalAccess, userConsent }) => ({
      tenant: profile.id,
      accounts: accounts.save(),
      roles: [...roles.all()].map(([id, held]) => [id, [...held]] as const),
      conditionalAccess,
      userConsent,
    })),
  };
}

/** Takes up what an earlier run saved; tenants that there are no more are left out. */
export function loadIdentity(identity: Identity, saved: SavedIdentity): void {
  identity.applications.load(saved.applications);
  for (const { tenant, accounts, roles, ...policies } of saved.realms) {
    const realm = identity.realm(tenant);
    if (realm === undefined) continue;
    realm.accounts.load(accounts);
    for (const [id] of [...realm.roles.all()]) realm.roles.set(id, []);
    for (const [id, held] of roles) realm.roles.set(id, held);
    Object.assign(realm, policies);
  }
}
