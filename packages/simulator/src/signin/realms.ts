import { Applications } from "../applications/applications.ts";
import type { Directory } from "../state/directory.ts";
import { Accounts } from "./accounts.ts";
import { firstAdministrators } from "./directory-roles.ts";
import { Identity } from "./identity.ts";
import type { RealmProfile } from "./profile.ts";
import type { Realm } from "./realm.ts";

/** A tenant before anything serves it. */
export interface TenantState {
  readonly tenant: RealmProfile;
  readonly directory: Directory;
  /** Makes the passwords and second factors of its people. */
  readonly seed: number;
}

/** The sign-in side of tenants: accounts, administrators, no apps yet. */
export function identityOf(states: readonly TenantState[], clock: () => number): Identity {
  const realms = states.map(
    ({ tenant: profile, directory, seed }): Realm => ({
      profile,
      directory,
      accounts: new Accounts({ seed, directory, profile, clock }),
      roles: firstAdministrators(directory),
      conditionalAccess: "off",
      userConsent: true,
    }),
  );
  return new Identity({ realms, applications: new Applications(clock), clock });
}
